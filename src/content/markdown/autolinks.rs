//! Turns bare addresses in text into links, like GFM's extended autolinks.
//!
//! Takes events and returns them with links for `https://…`, `http://…`, `www.…` and email addresses in text outside
//! code and links. Where no space precedes or follows an address, as in Chinese and Japanese, CJK punctuation ends it.

use std::ops::Range;

use pulldown_cmark::{CowStr, Event, LinkType, Tag, TagEnd};

/// Whether Markdown may contain an address.
pub(super) fn may_contain(markdown: &str) -> bool {
    markdown.contains("://") || markdown.contains("www.") || markdown.contains('@')
}

/// Adds the links.
pub(super) fn add_links(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut out = Vec::with_capacity(events.len());
    let mut closed = 0_usize;
    let mut in_raw_link = false;
    let mut events = events.into_iter().peekable();
    while let Some(event) = events.next() {
        match &event {
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_) | Tag::HtmlBlock) => closed += 1,
            Event::End(TagEnd::Link | TagEnd::Image | TagEnd::CodeBlock | TagEnd::HtmlBlock) => closed -= 1,
            Event::InlineHtml(html) => in_raw_link = raw_link(html, in_raw_link),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_)) => in_raw_link = false,
            _ => {}
        }
        let Event::Text(text) = event else {
            out.push(event);
            continue;
        };
        if closed > 0 || in_raw_link {
            out.push(Event::Text(text));
            continue;
        }
        // The parser splits text at every character that could be markup: `a_b` is three events.
        let mut whole = text;
        while let Some(Event::Text(more)) = events.next_if(|next| matches!(next, Event::Text(_))) {
            whole = format!("{whole}{more}").into();
        }
        push(&mut out, whole);
    }
    out
}

/// Whether a raw HTML link is open after this tag.
fn raw_link(html: &str, before: bool) -> bool {
    let tag = html.trim_start_matches('<').to_ascii_lowercase();
    match tag.strip_prefix("/a").or_else(|| tag.strip_prefix('a')) {
        Some(rest) if !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-') => !tag.starts_with('/'),
        _ => before,
    }
}

fn push<'a>(out: &mut Vec<Event<'a>>, text: CowStr<'a>) {
    if !may_contain(&text) {
        out.push(Event::Text(text));
        return;
    }
    let mut copied = 0;
    while let Some((range, link_type, dest_url)) = next(&text, copied) {
        if copied < range.start {
            out.push(Event::Text(text[copied..range.start].to_owned().into()));
        }
        let link = Tag::Link { link_type, dest_url: dest_url.into(), title: "".into(), id: "".into() };
        out.push(Event::Start(link));
        out.push(Event::Text(text[range.clone()].to_owned().into()));
        out.push(Event::End(TagEnd::Link));
        copied = range.end;
    }
    if copied < text.len() {
        out.push(Event::Text(text[copied..].to_owned().into()));
    }
}

/// The first address at or after byte `from`.
fn next(text: &str, from: usize) -> Option<(Range<usize>, LinkType, String)> {
    let starts = text[from..].char_indices().map(|(at, c)| (from + at, c));
    for (at, c) in starts {
        let found = match c {
            'h' | 'H' => web_address(text, at, ""),
            'w' => web_address(text, at, "https://"),
            '@' => email(text, from, at),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The web address at byte `start`; `scheme` is prepended.
fn web_address(text: &str, start: usize, scheme: &str) -> Option<(Range<usize>, LinkType, String)> {
    let joins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '+' | '.' | '@' | ':');
    if text[..start].chars().next_back().is_some_and(joins) {
        return None;
    }
    let prefix = ["https://", "http://", "www."]
        .into_iter()
        .find(|prefix| text.get(start..start + prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix)))?;
    let host_start = if scheme.is_empty() { start + prefix.len() } else { start };
    if prefix == "www." && scheme.is_empty() {
        return None;
    }
    let host = host_of(&text[host_start..])?;
    let rest = &text[host_start + host.len()..];
    let has_path = rest.starts_with(['/', '?', '#', ':']);
    let path = if has_path { &rest[..rest.find(ends_address).unwrap_or(rest.len())] } else { "" };
    let end = host_start + host.len() + without_trailing_punctuation(path).len();
    let address = &text[start..end];
    Some((start..end, LinkType::Autolink, format!("{scheme}{address}")))
}

/// A host that contains a dot. An ASCII host ends at the first other character.
fn host_of(text: &str) -> Option<&str> {
    let is_ascii = text.starts_with(|c: char| c.is_ascii());
    let is_part = |c: char| match c {
        '-' | '_' | '.' => true,
        c if c.is_ascii() => c.is_ascii_alphanumeric(),
        c => !is_ascii && c.is_alphanumeric(),
    };
    let host = text[..text.find(|c| !is_part(c)).unwrap_or(text.len())].trim_end_matches(['.', '-', '_']);
    let mut labels = host.rsplit('.');
    let last = labels.next()?;
    let before = labels.next()?;
    let is_domain = !last.contains('_') && !before.contains('_') && host.split('.').all(|label| !label.is_empty());
    (is_domain && last.chars().all(|c| c.is_alphanumeric() || c == '-')).then_some(host)
}

/// White space, quotes, angle brackets, and Chinese and Japanese punctuation.
fn ends_address(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '<' | '>' | '"' | '`' | '|' | '…' | '\u{200b}'..='\u{200f}' | '\u{2018}'..='\u{201f}' | '\u{feff}')
        || matches!(c, '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe10}'..='\u{fe6f}')
        || matches!(c, '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}')
}

/// Removes trailing punctuation and unbalanced closing brackets from a path.
fn without_trailing_punctuation(path: &str) -> &str {
    let mut path = path;
    while let Some(last) = path.chars().next_back() {
        let opening = match last {
            ')' => Some('('),
            ']' => Some('['),
            '}' => Some('{'),
            _ => None,
        };
        let is_closed_here = opening.is_some_and(|open| path.matches(open).count() >= path.matches(last).count());
        let ends_sentence = matches!(last, '?' | '!' | '.' | ',' | ':' | ';' | '*' | '_' | '~' | '\'');
        if is_closed_here || opening.is_none() && !ends_sentence {
            break;
        }
        path = &path[..path.len() - last.len_utf8()];
    }
    path
}

/// The email address around the `@` at byte `at`, starting no earlier than `from`.
fn email(text: &str, from: usize, at: usize) -> Option<(Range<usize>, LinkType, String)> {
    let is_local = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    let local: usize = text[from..at].chars().rev().take_while(is_local).map(char::len_utf8).sum();
    let start = at - local;
    let domain = host_of(&text[at + 1..]).filter(|domain| domain.is_ascii())?;
    let ends_well = domain.ends_with(|c: char| c.is_ascii_alphabetic());
    let is_part_of_more =
        text[..start].ends_with(['/', ':', '@']) || text[at + 1 + domain.len()..].starts_with(['@', '/']);
    if local == 0 || !ends_well || is_part_of_more {
        return None;
    }
    let range = start..at + 1 + domain.len();
    let address = text[range.clone()].to_owned();
    Some((range, LinkType::Email, address))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::content::markdown::Document;

    fn html(markdown: &str) -> String {
        let mut html = String::new();
        pulldown_cmark::html::push_html(&mut html, Document::parse(markdown).events().iter().cloned());
        html.trim_end().trim_start_matches("<p>").trim_end_matches("</p>").to_owned()
    }

    #[test]
    fn bare_addresses_become_links() {
        for (markdown, address, after) in [
            ("https://example.org/a_b_c", "https://example.org/a_b_c", ""),
            ("https://example.org.", "https://example.org", "."),
            ("https://example.org/a，然后", "https://example.org/a", "，然后"),
            ("https://example.org/a（见", "https://example.org/a", "（见"),
            ("https://example.org然后", "https://example.org", "然后"),
            ("https://zh.example.org/中国）", "https://zh.example.org/中国", "）"),
            ("https://example.org/a(b)c)", "https://example.org/a(b)c", ")"),
            ("HTTP://example.org/?q=a*b,", "HTTP://example.org/?q=a*b", ","),
            ("https://例子.测试/a", "https://例子.测试/a", ""),
            ("https://example.org:8080/a\u{200b}b", "https://example.org:8080/a", "\u{200b}b"),
        ] {
            let expected = format!("<a href=\"X\">{address}</a>{after}");
            let found = html(markdown);
            let href = found.split('"').nth(1).unwrap_or_default().to_owned();
            assert_eq!(found.replace(&href, "X").replacen(">X<", &format!(">{address}<"), 1), expected, "{markdown}");
            assert_eq!(percent_encoding::percent_decode_str(&href).decode_utf8_lossy(), address, "{markdown}");
        }
        assert_eq!(html("见https://example.org/。"), "见<a href=\"https://example.org/\">https://example.org/</a>。");
        assert_eq!(html("www.example.org/a?"), "<a href=\"https://www.example.org/a\">www.example.org/a</a>?");
        assert_eq!(html("写信给a.b@example.org。"), "写信给<a href=\"mailto:a.b@example.org\">a.b@example.org</a>。");
        assert_eq!(
            html("**https://example.org**，好"),
            "<strong><a href=\"https://example.org\">https://example.org</a></strong>，好"
        );
    }

    #[test]
    fn other_text_is_unchanged() {
        for markdown in [
            "`https://example.org`",
            "<a href=\"x\">https://example.org</a>",
            "xhttps://example.org",
            "https://localhost and http:// and www.",
            "a@b, @example.org, me@localhost",
            "![https://example.org](a.png)",
        ] {
            let events = Document::parse(markdown);
            let links = events
                .events()
                .iter()
                .filter(|event| matches!(event, pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { .. })));
            assert_eq!(links.count(), 0, "{markdown}");
        }
        assert_eq!(html("[https://example.org/a](/b)"), "<a href=\"/b\">https://example.org/a</a>");
        assert_eq!(html("<https://example.org/a>"), "<a href=\"https://example.org/a\">https://example.org/a</a>");
    }

    proptest! {
        #[test]
        fn the_text_is_unchanged(markdown in "([ah]|https://|www\\.|@|example\\.org|[/.:()（，。 _~<>\"])*") {
            let text = |html: &str| {
                let mut out = String::new();
                let mut inside = false;
                for c in html.chars() {
                    match c {
                        '<' => inside = true,
                        '>' if inside => inside = false,
                        c if !inside => out.push(c),
                        _ => {}
                    }
                }
                out
            };
            // Codes of emoji stay in links.
            let dialect = |linkify| super::super::Dialect { linkify, emoji: false, ..Default::default() };
            let mut plain = String::new();
            let document = Document::parse_as(&markdown, dialect(false));
            pulldown_cmark::html::push_html(&mut plain, document.events().iter().cloned());
            let mut linked = String::new();
            let document = Document::parse_as(&markdown, dialect(true));
            pulldown_cmark::html::push_html(&mut linked, document.events().iter().cloned());
            prop_assert_eq!(text(&linked), text(&plain));
        }
    }
}
