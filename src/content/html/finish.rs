//! The last pass over sanitized HTML.

use crate::content::html::tag::{Tag, Tags};

/// Replaces an image whose URL was dropped by its alternative text, and unwraps `rt` and `rp` outside `ruby`. Escapes
/// `="` in text, so that the many programs which search for URLs without parsing find none in an example.
pub(super) fn finish(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut tags = Tags::of(html);
    let mut copied = 0;
    let mut ruby = RubyNesting::default();
    while let Some((start, tag)) = tags.next() {
        out.push_str(&html[copied..start].replace("=\"", "=&quot;"));
        copied = tags.at;
        if tag.name == "img" && tag.attribute("src").is_none() && tag.attribute("srcset").is_none() {
            out.push_str(tag.plain_attribute("alt").unwrap_or_default());
        } else if ruby.admits(&tag) {
            out.push_str(tag.source);
        }
    }
    out.push_str(&html[copied..].replace("=\"", "=&quot;"));
    out
}

/// Tracks which `rt` and `rp` are inside a `ruby`; strict parsers reject them elsewhere.
#[derive(Default)]
struct RubyNesting {
    /// The open elements, and whether their tags are kept.
    open: Vec<(String, bool)>,
}

impl RubyNesting {
    /// Whether this tag is kept. Non-void elements always have their end tags here, properly nested.
    fn admits(&mut self, tag: &Tag<'_>) -> bool {
        const EMPTY: [&str; 6] = ["br", "col", "hr", "img", "source", "wbr"];
        if EMPTY.contains(&tag.name.as_str()) {
            return true;
        }
        if tag.closes {
            return self.open.pop().is_none_or(|(_, stays)| stays);
        }
        let inside = || self.open.iter().rev().find(|(_, stays)| *stays).is_some_and(|(name, _)| name == "ruby");
        let stays = !matches!(tag.name.as_str(), "rp" | "rt") || inside();
        self.open.push((tag.name.clone(), stays));
        stays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_escaped_in_text_only() {
        let html = "<p>&lt;a href=\"x\"&gt; <a href=\"https://example.org/\">a=\"b\"</a> =\"";
        let expected = "<p>&lt;a href=&quot;x\"&gt; <a href=\"https://example.org/\">a=&quot;b\"</a> =&quot;";
        assert_eq!(finish(html), expected);
    }

    #[test]
    fn ruby_annotations_are_unwrapped_outside_ruby() {
        let ruby = "<ruby>漢<br><rp>(</rp><rt>かん</rt></ruby>";
        assert_eq!(finish(ruby), ruby);
        assert_eq!(
            finish("<p><rp>(</rp><b><rt>x</rt></b></p><ruby><i><rt>y</rt></i></ruby>"),
            "<p>(<b>x</b></p><ruby><i>y</i></ruby>"
        );
    }

    #[test]
    fn an_image_without_url_becomes_its_alternative_text() {
        assert_eq!(finish("<img alt=\"a &amp; b\" title=\"c\">d<img title=\"c\">"), "a &amp; bd");
        assert_eq!(
            finish("<img src=\"https://example.org/a.png\" alt=\"\">"),
            "<img src=\"https://example.org/a.png\" alt=\"\">"
        );
    }
}
