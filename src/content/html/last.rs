//! The last pass over clean HTML.

use crate::content::html::tag::Tags;

/// An image whose address was no address shows nothing: its text is all that is left of it. In text, `="` is written so
/// that programs which look for addresses without parsing, as many do, find none in an example.
pub(super) fn finished(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut tags = Tags::of(html);
    let mut copied = 0;
    while let Some((start, tag)) = tags.next() {
        out.push_str(&html[copied..start].replace("=\"", "=&quot;"));
        copied = tags.at;
        if tag.name == "img" && tag.attribute("src").is_none() && tag.attribute("srcset").is_none() {
            out.push_str(tag.plain_attribute("alt").unwrap_or_default());
        } else {
            out.push_str(tag.source);
        }
    }
    out.push_str(&html[copied..].replace("=\"", "=&quot;"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tags_hold_addresses() {
        let html = "<p>&lt;a href=\"x\"&gt; <a href=\"https://example.org/\">a=\"b\"</a> =\"";
        let expected = "<p>&lt;a href=&quot;x\"&gt; <a href=\"https://example.org/\">a=&quot;b\"</a> =&quot;";
        assert_eq!(finished(html), expected);
    }

    #[test]
    fn an_image_without_address_is_its_text() {
        assert_eq!(finished("<img alt=\"a &amp; b\" title=\"c\">d<img title=\"c\">"), "a &amp; bd");
        assert_eq!(
            finished("<img src=\"https://example.org/a.png\" alt=\"\">"),
            "<img src=\"https://example.org/a.png\" alt=\"\">"
        );
    }
}
