//! Text of several lines as one, so that a body keeps its lines.
//!
//! Takes HTML or Markdown; returns HTML without line breaks.

use crate::content::format::jekyll::kramdown;
use crate::content::markdown::Document;

/// Text that an include, a loop or a variable makes; of several lines of Markdown their HTML.
pub fn joined(text: &str, is_html: bool) -> String {
    let text = text.trim();
    if !text.contains('\n') {
        return text.to_owned();
    }
    let has_markdown = !is_html && (!text.starts_with('<') || text.contains("markdown="));
    if has_markdown { of_markdown(text) } else { of_html(text) }
}

/// The HTML of Markdown.
pub fn of_markdown(markdown: &str) -> String {
    let markdown = kramdown::as_commonmark(markdown.into());
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, Document::parse(&markdown).events().iter().cloned());
    of_html(html.trim())
}

/// HTML with spaces for line breaks; in `<pre>`, references.
fn of_html(html: &str) -> String {
    let (mut line, mut rest) = (String::with_capacity(html.len()), html);
    while let Some(start) = rest.find("<pre") {
        line.push_str(&rest[..start].replace("\r\n", " ").replace(['\n', '\r'], " "));
        let end = rest[start..].find("</pre").map_or(rest.len(), |length| start + length);
        line.push_str(&rest[start..end].replace("\r\n", "&#10;").replace(['\n', '\r'], "&#10;"));
        rest = &rest[end..];
    }
    line + &rest.replace("\r\n", " ").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined() {
        assert_eq!(joined("\n*a*\n", false), "*a*");
        assert_eq!(joined("<p>\r\na</p>\n\n<pre>b\n\nc</pre>\n", false), "<p> a</p>  <pre>b&#10;&#10;c</pre>");
        assert_eq!(joined("*a*\n\n*b*", false), "<p><em>a</em></p> <p><em>b</em></p>");
        assert_eq!(joined("*a*\n*b*", true), "*a* *b*");
        assert_eq!(of_html("<pre\n<pre\n"), "<pre&#10;<pre&#10;");
    }
}
