//! The style that browsers show RSS and Atom feeds with: CSS, for browsers give up XSLT.
//!
//! Gives the style that is compiled in, and the address that feeds name it by. Writing the file is left to `publish`.

use url::{Position, Url};

use crate::content::html::urls;
use crate::content::permalink::absolute;

/// The file of the style below `output`; and below `templates`, where a project has its own.
pub const FILE: &str = "feed.css";

/// The style of a project without its own.
pub const DEFAULT: &str = include_str!("../../templates/feed.css");

/// Path of the style from the root of the site: right wherever the feed is below it, and on a preview of the site too.
pub(super) fn href(base: &Url) -> String {
    let url = absolute(base, FILE);
    let encoded = urls::encoded(&url);
    let path = &encoded[url[..Position::BeforePath].len()..];
    // What begins with two slashes names another host.
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
