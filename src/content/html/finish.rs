//! The last pass over clean HTML.

use crate::content::html::tag::{Tag, Tags};

/// An image whose address was no address shows nothing: its text is all that is left of it. A reading aid outside `ruby`
/// is text. In text, `="` is written so that programs which look for addresses without parsing, as many do, find none in
/// an example.
pub(super) fn finish(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut tags = Tags::of(html);
    let mut copied = 0;
    let mut rubies = Rubies::default();
    while let Some((start, tag)) = tags.next() {
        out.push_str(&html[copied..start].replace("=\"", "=&quot;"));
        copied = tags.at;
        if tag.name == "img" && tag.attribute("src").is_none() && tag.attribute("srcset").is_none() {
            out.push_str(tag.plain_attribute("alt").unwrap_or_default());
        } else if rubies.admit(&tag) {
            out.push_str(tag.source);
        }
    }
    out.push_str(&html[copied..].replace("=\"", "=&quot;"));
    out
}

/// Which `rt` and `rp` stand in a `ruby`. A strict parser refuses them elsewhere.
#[derive(Default)]
struct Rubies {
    /// The elements open, and whether their tags stay.
    open: Vec<(String, bool)>,
}

impl Rubies {
    /// Whether this tag stays. Every element that is not empty has its end tag here, in the right order.
    fn admit(&mut self, tag: &Tag<'_>) -> bool {
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
    fn only_tags_hold_addresses() {
        let html = "<p>&lt;a href=\"x\"&gt; <a href=\"https://example.org/\">a=\"b\"</a> =\"";
        let expected = "<p>&lt;a href=&quot;x\"&gt; <a href=\"https://example.org/\">a=&quot;b\"</a> =&quot;";
        assert_eq!(finish(html), expected);
    }

    #[test]
    fn reading_aids_belong_to_rubies() {
        let ruby = "<ruby>漢<br><rp>(</rp><rt>かん</rt></ruby>";
        assert_eq!(finish(ruby), ruby);
        assert_eq!(
            finish("<p><rp>(</rp><b><rt>x</rt></b></p><ruby><i><rt>y</rt></i></ruby>"),
            "<p>(<b>x</b></p><ruby><i>y</i></ruby>"
        );
    }

    #[test]
    fn an_image_without_address_is_its_text() {
        assert_eq!(finish("<img alt=\"a &amp; b\" title=\"c\">d<img title=\"c\">"), "a &amp; bd");
        assert_eq!(
            finish("<img src=\"https://example.org/a.png\" alt=\"\">"),
            "<img src=\"https://example.org/a.png\" alt=\"\">"
        );
    }
}
