//! The style sheet with which browsers show RSS and Atom feeds: CSS, since browsers are dropping XSLT.
//!
//! Returns the built-in style and the URL by which feeds refer to it. `publish` writes the file.

use url::{Position, Url};

use crate::content::html::urls;
use crate::content::permalink::absolute;

/// File name of the style sheet, below `output`, and below `templates` if it is custom.
pub const FILE: &str = "feed.css";

/// The default style sheet.
pub const DEFAULT: &str = include_str!("../../templates/feed.css");

/// Path of the style sheet from the root of the site: correct in any folder, and in a preview of the site.
pub(super) fn href(base: &Url) -> String {
    let url = absolute(base, FILE);
    let encoded = urls::encode(&url);
    let path = &encoded[url[..Position::BeforePath].len()..];
    // A path that begins with two slashes would name a host.
    if path.starts_with("//") { encoded } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_a_path_from_the_root() {
        let href = |base: &str| href(&Url::parse(base).unwrap());
        assert_eq!(href("https://example.org/"), "/feed.css");
        assert_eq!(href("http://example.org:8080/a%20b/潮/"), "/a%20b/%E6%BD%AE/feed.css");
        assert_eq!(href("https://example.org//news"), "https://example.org//news/feed.css");
        assert_eq!(href("https://me@example.org/news/"), "/news/feed.css");
    }
}
