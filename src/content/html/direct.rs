//! The HTML of Markdown that holds no raw HTML: written as readers need it, so that no parser has to clean it.
//!
//! Three quarters of a build would go into parsing what was well-formed from the start. Whatever is out of the ordinary
//! (an address that is none, attributes, deep nesting) is declined, and goes the long way.

use std::borrow::Cow;
use std::collections::BTreeSet;

use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, LinkType, Tag, TagEnd};
use url::Url;

use crate::content::html::urls::Rewriter;
use crate::content::html::{Reader, depth, legal, notes};

/// The HTML, or `None` where it has to be parsed.
pub(super) fn direct(events: &[Event<'_>], permalink: &Url, prefix: &str, reader: Reader) -> Option<String> {
    if !is_plain(events) {
        return None;
    }
    let rewriter = Rewriter::new(permalink, prefix, reader, ids(events));
    let address = |written: &str| rewriter.attribute("href", written).map(Cow::into_owned);
    let anchors = notes::Anchors { prefix, address: &|fragment| address(fragment).unwrap_or_default() };
    let mut writing = Writing { rewriter: &rewriter, prefix, cells: Cells::default(), in_image: false };
    let mut written = Vec::with_capacity(events.len());
    for event in notes::with_notes_last(events, &anchors) {
        written.push(writing.written(event)?);
    }
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, written.into_iter());
    // As a parser would write it. In text and attributes a `>` is a reference.
    let html = html.replace(" />", ">");
    Some(legal(&html).into_owned())
}

/// Whether there is no raw HTML, nothing too deep for a parser, no attribute that might be anything.
fn is_plain(events: &[Event<'_>]) -> bool {
    let mut depth = 0;
    events.iter().all(|event| {
        match event {
            Event::Html(_) | Event::InlineHtml(_) => return false,
            Event::Text(text) | Event::Code(text) if text.contains('\r') => return false,
            Event::Start(Tag::Heading { attrs, .. }) if !attrs.is_empty() => return false,
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        depth < depth::MAX_DEPTH
    })
}

/// The ids that links inside the issue can lead to, before they get their prefix.
fn ids(events: &[Event<'_>]) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for event in events {
        match event {
            Event::Start(Tag::Heading { id: Some(id), .. }) => {
                ids.insert(id.to_string());
            }
            Event::FootnoteReference(label) => {
                ids.extend([format!("fn-{label}"), format!("fnref-{label}")]);
            }
            _ => {}
        }
    }
    ids
}

/// Where the writing is.
struct Writing<'w> {
    rewriter: &'w Rewriter,
    prefix: &'w str,
    cells: Cells,
    in_image: bool,
}

impl Writing<'_> {
    /// The event as readers need it; `None` where an address is none.
    fn written<'e>(&mut self, event: Event<'e>) -> Option<Event<'e>> {
        Some(match event {
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let scheme = if link_type == LinkType::Email { "mailto:" } else { "" };
                let dest_url = self.rewriter.attribute("href", &format!("{scheme}{dest_url}"))?.into_owned().into();
                Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, title, id })
            }
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                self.in_image = true;
                let dest_url = self.rewriter.attribute("src", &dest_url)?.into_owned().into();
                Event::Start(Tag::Image { link_type, dest_url, title, id })
            }
            Event::End(TagEnd::Image) => {
                self.in_image = false;
                event
            }
            Event::Start(Tag::Heading { level, id, .. }) => {
                let id = id.map(|id| self.prefixed(id));
                Event::Start(Tag::Heading { level, id, classes: Vec::new(), attrs: Vec::new() })
            }
            Event::Start(Tag::CodeBlock(_)) => Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)),
            Event::Start(Tag::BlockQuote(_)) => Event::Start(Tag::BlockQuote(None)),
            // In text, programs that look for addresses without parsing are to find none: see `last`.
            Event::Text(text) if text.contains("=\"") && !self.in_image => {
                Event::InlineHtml(html_escape::encode_text(&text).replace("=\"", "=&quot;").into())
            }
            Event::Code(text) if text.contains("=\"") && !self.in_image => {
                let text = html_escape::encode_text(&text).replace("=\"", "=&quot;");
                Event::InlineHtml(format!("<code>{text}</code>").into())
            }
            event => match self.cells.tag(&event) {
                Some(tag) => Event::InlineHtml(tag.into()),
                None => event,
            },
        })
    }

    fn prefixed<'e>(&self, id: CowStr<'e>) -> CowStr<'e> {
        if id.starts_with(self.prefix) { id } else { format!("{}{id}", self.prefix).into() }
    }
}

/// The cells of the table that is written: aligned by an attribute, which needs no style.
#[derive(Default)]
struct Cells {
    alignments: Vec<Alignment>,
    in_head: bool,
    column: usize,
}

impl Cells {
    /// What a cell begins and ends with; `None` for all else.
    fn tag(&mut self, event: &Event<'_>) -> Option<String> {
        match event {
            Event::Start(Tag::Table(alignments)) => self.alignments.clone_from(alignments),
            Event::Start(Tag::TableHead) => (self.in_head, self.column) = (true, 0),
            Event::End(TagEnd::TableHead) => self.in_head = false,
            Event::Start(Tag::TableRow) => self.column = 0,
            Event::Start(Tag::TableCell) => {
                let side = match self.alignments.get(self.column) {
                    Some(Alignment::Left) => " align=\"left\"",
                    Some(Alignment::Center) => " align=\"center\"",
                    Some(Alignment::Right) => " align=\"right\"",
                    _ => "",
                };
                self.column += 1;
                return Some(format!("<{}{side}>", self.name()));
            }
            Event::End(TagEnd::TableCell) => return Some(format!("</{}>", self.name())),
            _ => {}
        }
        None
    }

    fn name(&self) -> &'static str {
        if self.in_head { "th" } else { "td" }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::html::{clean, parsed};
    use crate::content::markdown::Document;

    /// Both ways, as a parser reads them.
    fn both(markdown: &str, reader: Reader) -> Option<(String, String)> {
        let permalink = Url::parse("https://example.org/blog/seven/").unwrap();
        let document = Document::parse(markdown);
        let direct = direct(document.events(), &permalink, "seven-", reader)?;
        let parsed = parsed(document.events(), &permalink, "seven-", reader);
        Some((clean(&direct, reader, None), clean(&parsed, reader, None)))
    }

    #[test]
    fn the_short_way_leads_where_the_long_one_does() {
        for markdown in [
            "# 潮 {#tide .c}\n\n[a](#tide \"T & \\\"t\\\"\") [b](../six/?a=1&b='2') ![c \\`d\\` \"e\" =\"f\"](g h.png \"i\")\n",
            "| a | b | c | d |\n|:--|:-:|--:|---|\n| `x=\"y\"` | =\"z\" | *e* | [f](g) |\n",
            "1. a\n2. b\n\n   > c\n   >\n   > ```html\n   > <a href=\"x\">\n   > ```\n\n7) [ ] d\n\n- [x] e\n",
            "潮[^a b] 汐[^a b][^注]\n\n[^a b]: 水 `c`\n[^注]:\n    - d\n\n    e\n\nTerm\n: Meaning\n\n---\n",
            "a\u{a0}b &nbsp; &lt; &#1; ~~c~~ **d** <https://例え.jp/潮> <a@example.org>\\\ne  \nf $g < h$ $$i$$\n",
        ] {
            for reader in [Reader::Feed, Reader::Mail] {
                let (direct, parsed) = both(markdown, reader).expect(markdown);
                assert_eq!(direct, parsed);
            }
        }
    }

    #[test]
    fn what_is_out_of_the_ordinary_goes_the_long_way() {
        for markdown in ["a<br>b", "<div>", "[a](javascript:1)", "![a](data:x)", "# a {b=c}"] {
            assert_eq!(both(markdown, Reader::Feed), None, "{markdown}");
        }
        assert_eq!(both(&"> ".repeat(100), Reader::Feed), None);
    }

    proptest! {
        #[test]
        fn any_markdown_leads_to_the_same(
            markdown in "([a潮 \n#|>*_~`=\"'&;$\\[\\]()!\\-.\\\\:1^]|\n\n|\\[\\^a\\]|\n\\[\\^a\\]: |\\]\\(|\\|--:\\||&amp;|&#13;|```|    ){0,50}"
        ) {
            if let Some((direct, parsed)) = both(&markdown, Reader::Feed) {
                prop_assert_eq!(direct, parsed);
            }
        }
    }
}
