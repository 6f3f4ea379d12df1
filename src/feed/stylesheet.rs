//! The style sheet with which browsers show RSS and Atom feeds: CSS, since browsers are dropping XSLT.
//!
//! Returns the built-in style and the URL by which a feed refers to it. `publish` writes the file.

/// File name of the style sheet, below `output`, and below `templates` if it is custom.
pub const FILE: &str = "feed.css";

/// The default style sheet.
pub const DEFAULT: &str = include_str!("../../templates/feed.css");

/// The style sheet as seen from the folder of a feed, which is empty or ends in `/`: a relative URL, so that a feed looks the
/// same online, in a preview of the site and opened from disk.
pub(super) fn href(folder: &str) -> String {
    format!("{}{FILE}", "../".repeat(folder.matches('/').count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_leads_from_the_folder_of_the_feed_to_the_root() {
        for (folder, expected) in
            [("", "feed.css"), ("ko/", "../feed.css"), ("ko/tags/tides & moon/", "../../../feed.css")]
        {
            assert_eq!(href(folder), expected);
        }
    }
}
