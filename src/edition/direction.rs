//! Marks paragraphs, items, headings and cells with the direction of their own text, as HTML's `dir="auto"` does.
//!
//! Takes sanitized HTML and the direction of the page; returns it with `dir` where a block is written the other way. The
//! attribute is explicit because Outlook does not know `auto`, and because style sheets can align the text by it.

use std::borrow::Cow;

use crate::content::direction::{Direction, is_right_to_left};
use crate::content::html::tag::{Tag, Tags};

/// Elements with a direction of their own.
const BLOCKS: [&str; 18] = [
    "blockquote", "caption", "dd", "dl", "dt", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "td",
    "th", "ul",
];

/// Elements without an end tag.
const VOID: [&str; 12] = ["area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// The HTML with `dir` on every block whose direction differs from that of the page or of the element around it. What already
/// has `dir` keeps it.
pub(super) fn with_directions(html: &str, page: Direction) -> Cow<'_, str> {
    if page == Direction::Ltr && !html.contains(is_right_to_left) {
        return Cow::Borrowed(html);
    }
    let mut directed = String::with_capacity(html.len() + html.len() / 8);
    let (mut copied, mut open) = (0, Vec::<(String, Direction)>::new());
    for (at, tag) in Tags::of(html) {
        if tag.closes {
            if let Some(opened) = open.iter().rposition(|(name, _)| *name == tag.name) {
                open.truncate(opened);
            }
            continue;
        }
        if VOID.contains(&tag.name.as_str()) {
            continue;
        }
        let around = open.last().map_or(page, |(_, direction)| *direction);
        let own = match tag.attribute("dir") {
            Some("rtl") => Direction::Rtl,
            Some("ltr") => Direction::Ltr,
            _ if is_block(&tag) => first_letter(&html[at..], &tag).unwrap_or(around),
            _ => around,
        };
        let differs = own != around || own != page;
        if differs && is_block(&tag) && tag.attribute("dir").is_none() {
            let name_end = at + 1 + tag.name.len();
            directed.push_str(&html[copied..name_end]);
            directed.push_str(&format!(" dir=\"{}\"", own.as_str()));
            copied = name_end;
        }
        open.push((tag.name, own));
    }
    directed.push_str(&html[copied..]);
    Cow::Owned(directed)
}

fn is_block(tag: &Tag<'_>) -> bool {
    BLOCKS.contains(&tag.name.as_str())
}

/// The direction of the first letter in an element, which starts at `html`; parts with a `dir` of their own do not count.
fn first_letter(html: &str, tag: &Tag<'_>) -> Option<Direction> {
    let (mut text_at, mut depth, mut skipped) = (tag.source.len(), 1_usize, None::<(String, usize)>);
    for (at, inner) in Tags::of(&html[tag.source.len()..]) {
        let at = at + tag.source.len();
        if skipped.is_none()
            && let Some(direction) = Direction::of_text(&html_escape::decode_html_entities(&html[text_at..at]))
        {
            return Some(direction);
        }
        text_at = at + inner.source.len();
        match &mut skipped {
            Some((name, nested)) if *name == inner.name => {
                *nested = if inner.closes { *nested - 1 } else { *nested + 1 };
                if *nested == 0 {
                    skipped = None;
                }
            }
            None if !inner.closes && inner.attribute("dir").is_some() => skipped = Some((inner.name.clone(), 1)),
            _ => {}
        }
        if inner.name == tag.name {
            depth = if inner.closes { depth - 1 } else { depth + 1 };
            if depth == 0 {
                return None;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_say_their_direction_where_it_differs() {
        for (page, html, expected) in [
            (Direction::Ltr, "<p>One.</p><p>שלום.</p>", "<p>One.</p><p dir=\"rtl\">שלום.</p>"),
            (Direction::Rtl, "<p>مرحبا.</p><p>One.</p>", "<p>مرحبا.</p><p dir=\"ltr\">One.</p>"),
            (Direction::Rtl, "<p>12</p><p>&nbsp;<b>A</b></p>", "<p>12</p><p dir=\"ltr\">&nbsp;<b>A</b></p>"),
            (
                Direction::Ltr,
                "<p dir=\"rtl\">One</p><p dir=\"auto\">שלום</p>",
                "<p dir=\"rtl\">One</p><p dir=\"auto\">שלום</p>",
            ),
            (
                Direction::Ltr,
                "<ul>\n<li>שלום<br><img alt=\"\"></li>\n<li>One</li></ul><h2>Two</h2>",
                "<ul dir=\"rtl\">\n<li dir=\"rtl\">שלום<br><img alt=\"\"></li>\n<li dir=\"ltr\">One</li></ul><h2>Two</h2>",
            ),
            (
                Direction::Ltr,
                "<table><tr><th>A</th><td><a href=\"/a\">שלום</a></td></tr></table>",
                "<table><tr><th>A</th><td dir=\"rtl\"><a href=\"/a\">שלום</a></td></tr></table>",
            ),
            (Direction::Ltr, "<p><bdi dir=\"rtl\">שלום</bdi> says</p>", "<p><bdi dir=\"rtl\">שלום</bdi> says</p>"),
        ] {
            assert_eq!(with_directions(html, page), expected);
        }
    }
}
