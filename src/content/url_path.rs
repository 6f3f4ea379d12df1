//! Paths of URLs as Hugo makes them: cleaned, in lower case, percent-encoded.
//!
//! Takes names, titles and paths; returns paths, and absolute URLs of ASCII only.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use url::Url;

use crate::content::byte_set::ByteSet;
use crate::content::path::{base_name, container};

/// Keeps the characters that Hugo allows in a path; white space becomes a hyphen, unless it is next to one.
pub fn sanitize(text: &str) -> String {
    static CLEAN: ByteSet = ByteSet::alphanumeric_and(b"-./_");
    // Most names are clean; a build has tens of thousands.
    if CLEAN.contains_all(text) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    let (mut blank, mut after_hyphen) = (false, false);
    for (at, c) in text.char_indices() {
        if is_allowed(&text[at..], c) {
            after_hyphen = c == '-';
            if blank && !after_hyphen {
                clean.push('-');
            }
            blank = false;
            clean.push(c);
        } else if !clean.is_empty() && !after_hyphen && c.is_whitespace() {
            blank = true;
        }
    }
    clean
}

/// Whether Hugo allows the first character of `rest` in a path. A percent sign must begin an escape.
fn is_allowed(rest: &str, c: char) -> bool {
    if c.is_ascii() {
        let is_escape = || rest.as_bytes().get(1..3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        return c.is_ascii_alphanumeric() || "./\\_#+~-@".contains(c) || c == '%' && is_escape();
    }
    let group = c.general_category_group();
    matches!(group, GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark)
        || c.general_category() == GeneralCategory::DecimalNumber
}

/// Lower case character by character, as in Go: `İ` becomes `i`, and `Σ` is `σ` at the end of a word too.
pub fn lower_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

/// Lower case, each space a hyphen: the form in which Hugo compares paths.
pub fn lower_with_hyphens(text: &str) -> String {
    lower_case(text).replace(' ', "-")
}

/// The path that names a page in Hugo, such as `/posts/a`, given its file below the content folder without language.
pub fn logical_path(below_content: &str) -> String {
    let folder = container(below_content);
    let name = base_name(below_content);
    lower_with_hyphens(&if folder.is_empty() { format!("/{name}") } else { format!("/{folder}/{name}") })
}

/// Removes the accents of letters.
pub fn without_accents(text: &str) -> String {
    text.nfd().filter(|c| c.general_category() != GeneralCategory::NonspacingMark).nfc().collect()
}

/// Decodes a path as Go decodes a query: escapes, and `+` as a space.
pub fn unescaped(path: &str) -> String {
    percent_encoding::percent_decode_str(&path.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The segments of a path without empty ones and dots; `..` leaves out the one before.
pub fn segments(path: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    segments
}

/// A file name for an issue with this title; empty if the title has no letter or digit.
pub fn file_name_of_title(title: &str) -> String {
    lower_case(&sanitize(title)).replace(['/', '\\', '%'], "-").trim_matches(['-', '.']).to_owned()
}

/// The folder of a term: at most 120 bytes that every file system accepts, in several segments if the term contains
/// slashes; empty if it has no suitable character.
pub fn folder_name_of_term(term: &str) -> String {
    const MAX_BYTES: usize = 120;
    let clean = sanitize(&lower_with_hyphens(term)).replace('\\', "-");
    let end = (0..=MAX_BYTES.min(clean.len())).rev().find(|at| clean.is_char_boundary(*at)).unwrap_or(0);
    // Windows drops trailing dots, and dots alone would be a path.
    let segments = clean[..end].split('/').map(|segment| segment.trim_end_matches('.'));
    segments.filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("/")
}

/// The absolute URL of a path below `base`, without empty and dot segments. Escapes are kept; everything else that a URL
/// cannot contain is percent-encoded.
pub fn absolute(base: &Url, path: &str) -> Url {
    let mut below = String::with_capacity(path.len() + 1);
    for segment in path.split('/').filter(|segment| !matches!(*segment, "" | "." | "..")) {
        below.push('/');
        below.push_str(segment);
    }
    if path.ends_with('/') || below.is_empty() {
        below.push('/');
    }
    let mut url = base.clone();
    url.set_path(&(base.path().trim_end_matches('/').to_owned() + &encoded(below)));
    url
}

/// The URL that an author means by an address in the project: a path begins at the site, wherever that is on its host.
///
/// # Errors
/// If it is not a URL.
pub fn in_site(base: &Url, written: &str) -> Result<Url, url::ParseError> {
    let path = written.trim().strip_prefix('/').filter(|path| !path.starts_with('/'));
    match path.filter(|_| !written.trim().starts_with(base.path())) {
        Some(path) => base.join(&format!("./{path}")),
        None => base.join(written),
    }
}

/// Like Go: a path that is a valid encoding stays as it is; otherwise its escapes are decoded and everything is encoded.
fn encoded(path: String) -> String {
    static ALLOWED: ByteSet = ByteSet::alphanumeric_and(b"-._~$&+,/:;=@");
    static VALID: ByteSet = ByteSet::alphanumeric_and(b"-._~$&+,/:;=@!'()*");
    let path = if path.contains('#') { path.replace('#', "%23") } else { path };
    let bytes = path.as_bytes();
    let is_escape = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    let is_valid = |(at, byte): (usize, &u8)| VALID.contains(*byte) || *byte == b'%' && is_escape(at);
    if bytes.iter().enumerate().all(is_valid) {
        return path;
    }
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(&path).collect();
    let encode = |byte: u8| if ALLOWED.contains(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    decoded.into_iter().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_cleaned_like_hugo() {
        for (text, expected) in [
            ("A Tale of Two - Cities", "a-tale-of-two-cities"),
            ("  x  y ", "x-y"),
            ("R&D,quick.md", "rdquick.md"),
            ("两｜个 １", "两个-１"),
            ("½ Ⅷ ① Ⓐ", ""),
            ("١٢ ª ﬁ", "١٢-ª-ﬁ"),
            ("DİYAR ẞ ΟΔΟΣ", "diyar-ß-οδοσ"),
            ("é+c#~@_", "é+c#~@_"),
            ("50% of 5%20x", "50-of-5%20x"),
            ("a\u{200b}b\tc\u{3000}d", "ab-c-d"),
        ] {
            assert_eq!(lower_case(&sanitize(text)), expected, "{text}");
        }
        assert_eq!(without_accents("Canción Đà Nẵng"), "Cancion Đa Nang");
    }

    #[test]
    fn terms_have_the_folders_of_hugo() {
        for (term, expected) in [
            ("Tips & Tricks", "tips--tricks"),
            ("foo - bar", "foo---bar"),
            ("foo: bar", "foo-bar"),
            ("A/B testing", "a/b-testing"),
            ("emoji 🎉 tag", "emoji--tag"),
            ("x\ty", "x-y"),
            ("../..", ""),
            ("a./b", "a/b"),
            ("½", ""),
        ] {
            assert_eq!(folder_name_of_term(term), expected, "{term}");
        }
    }

    #[test]
    fn the_path_of_a_page_is_compared_in_lower_case() {
        assert_eq!(logical_path("Log Book/2026/Ebb Tide.md"), "/log-book/2026/ebb-tide");
        assert_eq!(logical_path("Log Book/Ebb/index.md"), "/log-book/ebb");
        assert_eq!(logical_path("a.md"), "/a");
    }

    #[test]
    fn urls_are_ascii() {
        let base = Url::parse("https://example.org/news/").unwrap();
        for (path, expected) in [
            ("//第 7/a|b/", "%E7%AC%AC%207/a%7Cb/"),
            ("/c#1/../x.html", "c%231/x.html"),
            ("/%41/c#", "%41/c%23"),
            ("/%e6%bd%ae/a%20b/", "%e6%bd%ae/a%20b/"),
            ("/潮%20a", "%E6%BD%AE%20a"),
            ("/a(b)!/", "a(b)!/"),
            ("/潮(b)/", "%E6%BD%AE%28b%29/"),
            ("/100%/", "100%25/"),
            ("/a?b\\c", "a%3Fb%5Cc"),
            ("/", ""),
            ("", ""),
        ] {
            assert_eq!(absolute(&base, path).as_str(), format!("https://example.org/news/{expected}"), "{path}");
        }
    }

    #[test]
    fn a_path_begins_at_the_site() {
        for (base, written, expected) in [
            ("https://x.example.org/blog/", "/icon.png", "https://x.example.org/blog/icon.png"),
            ("https://x.example.org/blog/", "/blog/icon.png", "https://x.example.org/blog/icon.png"),
            ("https://x.example.org/blog/", "icon.png", "https://x.example.org/blog/icon.png"),
            ("https://x.example.org/blog/", "//y.example.org/a", "https://y.example.org/a"),
            ("https://x.example.org/blog/", "https://y.example.org/a", "https://y.example.org/a"),
            ("https://x.example.org/blog/", "/a:b", "https://x.example.org/blog/a:b"),
            ("https://x.example.org/", "/icon.png", "https://x.example.org/icon.png"),
        ] {
            assert_eq!(in_site(&Url::parse(base).unwrap(), written).unwrap().as_str(), expected, "{written}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_below_the_base(path in any::<String>()) {
            let base = Url::parse("https://example.org/news/").unwrap();
            let url = absolute(&base, &path);
            prop_assert!(url.as_str().starts_with("https://example.org/news/"), "{}", url);
            prop_assert!(url.query().is_none() && url.fragment().is_none());
        }
    }
}
