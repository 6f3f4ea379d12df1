//! The heading of a text that is its title.
//!
//! Takes Markdown; returns the words of the heading, and its bytes.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::content::markdown::Document;

/// Titles are looked for here: a text does not begin later.
const BEGINNING: usize = 4096;

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// Its words on one line, without pictures, addresses and markup; not empty.
    pub title: String,
    /// Its lines, in the text.
    pub range: Range<usize>,
}

/// The first heading, if nothing that has words is above it, or no other heading of level 1 is near.
pub(super) fn first(text: &str) -> Option<Heading> {
    let (mut first, mut has_words, mut depth) = (None, false, 0_usize);
    for (event, range) in Parser::new_ext(beginning(text), Options::ENABLE_HEADING_ATTRIBUTES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => match first {
                None => first = Some((level, range, has_words)),
                Some((HeadingLevel::H1, _, true)) if level == HeadingLevel::H1 => return None,
                Some(_) => {}
            },
            Event::Start(Tag::Heading { .. }) | Event::End(TagEnd::Heading(_)) => {}
            Event::Start(Tag::Image { .. } | Tag::HtmlBlock) => depth += 1,
            Event::Start(Tag::CodeBlock(_) | Tag::Table(_) | Tag::List(_) | Tag::BlockQuote(_)) => {
                (has_words, depth) = (true, depth + 1);
            }
            Event::End(TagEnd::Image | TagEnd::HtmlBlock | TagEnd::CodeBlock | TagEnd::Table)
            | Event::End(TagEnd::List(_) | TagEnd::BlockQuote(_)) => depth = depth.saturating_sub(1),
            Event::Text(words) | Event::Code(words) => has_words |= depth == 0 && !words.trim().is_empty(),
            _ => {}
        }
    }
    let (level, range, has_words) = first?;
    let title = words(&text[range.clone()]);
    (!title.is_empty() && (!has_words || level == HeadingLevel::H1)).then_some(Heading { title, range })
}

/// Whole lines of the beginning.
fn beginning(text: &str) -> &str {
    let Some(head) = text.as_bytes().get(..BEGINNING) else { return text };
    head.iter().rposition(|byte| *byte == b'\n').map_or("", |end| &text[..=end])
}

fn words(heading: &str) -> String {
    let (mut words, mut in_picture) = (String::new(), 0_usize);
    for event in Document::parse(heading).events() {
        match event {
            Event::Start(Tag::Image { .. }) => in_picture += 1,
            Event::End(TagEnd::Image) => in_picture = in_picture.saturating_sub(1),
            Event::Text(text) | Event::Code(text) if in_picture == 0 => words.push_str(text),
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_title_is_found() {
        for (text, title, heading) in [
            ("# Low *tide*\n\nText", "Low tide", "# Low *tide*\n"),
            ("Low\ntide\n====\nText", "Low tide", "Low\ntide\n====\n"),
            (
                "\n![logo](a.png)\n\n<p align=\"center\">x</p>\n\n---\n\n## [Low](/a) tide ##\n",
                "Low tide",
                "## [Low](/a) tide ##\n",
            ),
            (
                "# Low [![build](b.svg)](/c) `tide` <a id=\"x\"></a> &amp; co {#low}",
                "Low tide & co",
                "# Low [![build](b.svg)](/c) `tide` <a id=\"x\"></a> &amp; co {#low}",
            ),
            ("English | [中文](zh.md)\n\n# Low\n\n## Tide\n", "Low", "# Low\n"),
            ("# Low\n\n# Tide\n", "Low", "# Low\n"),
        ] {
            let found = first(text).unwrap();
            assert_eq!((found.title.as_str(), &text[found.range]), (title, heading), "{text}");
        }
    }

    #[test]
    fn other_headings_are_not_titles() {
        for text in [
            "",
            "Text",
            "Text\n\n## News\n",
            "Text\n\n# News\n\n# Tools\n",
            "# ![](a.png)\n",
            "```\n# a\n```\n",
            "- # a\n",
            "#a\n",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "((# |##|=|\n|[a潮*`<>!\\[\\]()-]| ){0,4}\n){0,6}") {
            if let Some(found) = first(&text) {
                prop_assert!(text.get(found.range).is_some());
            }
        }
    }
}
