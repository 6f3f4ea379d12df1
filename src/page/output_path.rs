//! Where the file of a page lies, so that a web server finds it at the page's address.
//!
//! Takes the address; gives a path below the output folder that every file system takes, or says what is wrong with it.

use url::Url;

/// Why there can be no file for an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// It is not below the base URL.
    #[error("it is not below `{0}`")]
    Elsewhere(Url),
    /// A part of it leads to another folder, or holds what no file name can.
    #[error("no file can be called `{0}`")]
    NoName(String),
    /// Windows has devices of that name.
    #[error("Windows keeps the name `{0}` for itself")]
    Reserved(String),
    /// More bytes than a file name may have.
    #[error("a part of it has {0} bytes, and a file name may have {MAX_NAME_BYTES}")]
    TooLong(usize),
}

/// Longest name that common file systems take.
const MAX_NAME_BYTES: usize = 255;

/// The file of a page, `/` between its parts: `letters/潮汐/index.html` for `…/letters/%E6%BD%AE%E6%B1%90/`.
///
/// # Errors
/// When no file can lie there.
pub fn of_page(base: &Url, page: &Url) -> Result<String, InvalidPath> {
    let file = below(base, page)?;
    let is_html = |name: &str| name.ends_with(".html") || name.ends_with(".htm");
    match file.rsplit('/').next() {
        Some("") | None => Ok(format!("{file}index.html")),
        Some(name) if is_html(name) => Ok(file),
        Some(_) => Ok(format!("{file}/index.html")),
    }
}

/// The path of an address below the base URL, decoded, each part of it the name of a file or folder.
///
/// # Errors
/// When no file can lie there.
pub fn below(base: &Url, url: &Url) -> Result<String, InvalidPath> {
    let elsewhere = || InvalidPath::Elsewhere(base.clone());
    let path = (url.origin() == base.origin()).then(|| url.path().strip_prefix(base.path())).flatten();
    let mut parts = Vec::new();
    let written: Vec<&str> = path.ok_or_else(elsewhere)?.split('/').collect();
    for (at, part) in written.iter().enumerate() {
        let is_last = at + 1 == written.len();
        let part = percent_encoding::percent_decode_str(part)
            .decode_utf8()
            .map_err(|_| InvalidPath::NoName((*part).into()))?;
        if !(is_last && part.is_empty()) {
            is_name(&part)?;
        }
        parts.push(part);
    }
    Ok(parts.join("/"))
}

fn is_name(part: &str) -> Result<(), InvalidPath> {
    let is_odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    // Windows drops blanks and dots at the end of a name.
    if part.is_empty() || part.contains(is_odd) || part.ends_with(['.', ' ']) || part.starts_with(".slugline-") {
        return Err(InvalidPath::NoName(part.to_owned()));
    }
    let stem = part.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let is_device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || numbered.is_some_and(|number| matches!(number.as_bytes(), [b'1'..=b'9']));
    match part.len() {
        _ if is_device => Err(InvalidPath::Reserved(part.to_owned())),
        bytes if bytes > MAX_NAME_BYTES => Err(InvalidPath::TooLong(bytes)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(page: &str) -> Result<String, InvalidPath> {
        let base = Url::parse("https://example.org/news/").unwrap();
        of_page(&base, &base.join(page).unwrap())
    }

    #[test]
    fn a_page_lies_where_a_web_server_looks() {
        for (page, expected) in [
            ("letters/%E6%BD%AE%E6%B1%90/", "letters/潮汐/index.html"),
            ("letters/one", "letters/one/index.html"),
            ("v1.2", "v1.2/index.html"),
            ("letters/one.html?a#b", "letters/one.html"),
            ("", "index.html"),
        ] {
            assert_eq!(file(page).as_deref(), Ok(expected), "{page}");
        }
    }

    #[test]
    fn no_page_lies_elsewhere_or_has_a_name_that_is_none() {
        let base = Url::parse("https://example.org/news/").unwrap();
        for page in ["/other/", "https://example.com/news/", "http://example.org/news/a/"] {
            assert_eq!(file(page), Err(InvalidPath::Elsewhere(base.clone())), "{page}");
        }
        for (page, name) in [
            ("a%2Fb/", "a/b"),
            ("..%5Cb/", "..\\b"),
            ("a//b/", ""),
            ("a%00/", "a\0"),
            ("a./", "a."),
            ("a:b/", "a:b"),
            ("%FF/", "%FF"),
        ] {
            assert_eq!(file(&format!("x/{page}")), Err(InvalidPath::NoName(name.to_owned())), "{page}");
        }
        assert_eq!(file("Con.html"), Err(InvalidPath::Reserved("Con.html".to_owned())));
        assert_eq!(file("x/lpt1/"), Err(InvalidPath::Reserved("lpt1".to_owned())));
        assert_eq!(file("company/com10/").as_deref(), Ok("company/com10/index.html"));
        assert_eq!(file(&format!("{}/", "潮".repeat(86))), Err(InvalidPath::TooLong(258)));
    }

    proptest! {
        #[test]
        fn no_address_leads_out_of_the_output(path in "(/|\\.|%2[eEfF]|%5[cC]|a|%C3%A9){0,12}") {
            if let Ok(file) = file(&format!("x/{path}")) {
                let parts = std::path::Path::new(&file).components();
                prop_assert!(parts.into_iter().all(|part| matches!(part, std::path::Component::Normal(_))), "{file}");
            }
        }
    }
}
