//! The output file of a page, where a web server finds it for the page's address.
//!
//! Takes the address; returns a path below the output folder that every file system accepts, or why there is none.

use url::Url;

/// Why an address has no valid output file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// It is not below the base URL.
    #[error("it is not below `{0}`")]
    Elsewhere(Url),
    /// A segment leads to another folder or contains characters not allowed in file names.
    #[error("`{0}` is not a valid file name")]
    InvalidName(String),
    /// A Windows device name.
    #[error("Windows reserves the name `{0}`")]
    Reserved(String),
    /// A segment is longer than a file name may be.
    #[error("a segment has {0} bytes, but a file name may have at most {MAX_NAME_BYTES}")]
    TooLong(usize),
}

/// The longest name that common file systems accept.
const MAX_NAME_BYTES: usize = 255;

/// The file of a page, separated by `/`: `letters/潮汐/index.html` for `…/letters/%E6%BD%AE%E6%B1%90/`.
///
/// # Errors
/// If there is no valid file.
pub fn page_file(base: &Url, page: &Url) -> Result<String, InvalidPath> {
    let file = file_below(base, page)?;
    let is_html = |name: &str| name.ends_with(".html") || name.ends_with(".htm");
    match file.rsplit('/').next() {
        Some("") | None => Ok(format!("{file}index.html")),
        Some(name) if is_html(name) => Ok(file),
        Some(_) => Ok(format!("{file}/index.html")),
    }
}

/// The decoded path of a URL below the base URL, each segment a valid file name.
///
/// # Errors
/// If a segment is not a valid file name.
pub fn file_below(base: &Url, url: &Url) -> Result<String, InvalidPath> {
    let elsewhere = || InvalidPath::Elsewhere(base.clone());
    let path = (url.origin() == base.origin()).then(|| url.path().strip_prefix(base.path())).flatten();
    let mut parts = Vec::new();
    let written: Vec<&str> = path.ok_or_else(elsewhere)?.split('/').collect();
    for (at, part) in written.iter().enumerate() {
        let is_last = at + 1 == written.len();
        let part = percent_encoding::percent_decode_str(part)
            .decode_utf8()
            .map_err(|_| InvalidPath::InvalidName((*part).into()))?;
        if !(is_last && part.is_empty()) {
            is_name(&part)?;
        }
        parts.push(part);
    }
    Ok(parts.join("/"))
}

fn is_name(part: &str) -> Result<(), InvalidPath> {
    let is_odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    // Windows drops trailing spaces and dots.
    if part.is_empty() || part.contains(is_odd) || part.ends_with(['.', ' ']) || part.starts_with(".slugline-") {
        return Err(InvalidPath::InvalidName(part.to_owned()));
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
        page_file(&base, &base.join(page).unwrap())
    }

    #[test]
    fn a_page_is_written_where_a_web_server_looks() {
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
    fn invalid_addresses_are_rejected() {
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
            assert_eq!(file(&format!("x/{page}")), Err(InvalidPath::InvalidName(name.to_owned())), "{page}");
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
