//! Alerts of GitHub, Hugo and Obsidian: a quotation that begins with `[!TYPE]`, a sign and a title, both optional.
//!
//! Takes events and returns them with the title, or else the type, as a bold paragraph.

use pulldown_cmark::{Event, Tag, TagEnd};

/// Adds the titles.
pub(super) fn with_titles(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut out = Vec::with_capacity(events.len());
    let mut rest = events.into_iter();
    while let Some(event) = rest.next() {
        let is_quote = matches!(event, Event::Start(Tag::BlockQuote(_)));
        out.push(event);
        if let (true, [Event::Start(Tag::Paragraph), texts @ ..]) = (is_quote, rest.as_slice()) {
            let (length, line) = first_texts(texts);
            let Some((title, shown)) = marker(&line).map(|(title, shown)| (title, shown.to_owned())) else { continue };
            rest.nth(length);
            push_title(&mut out, &mut rest, title, shown);
        }
    }
    out
}

/// The texts at the start: how many there are, and all of them.
fn first_texts(events: &[Event<'_>]) -> (usize, String) {
    let texts = events.iter().map_while(|event| match event {
        Event::Text(text) => Some(text.as_ref()),
        _ => None,
    });
    (texts.clone().count(), texts.collect())
}

/// The type of an alert as a title, and what follows it in the same text.
fn marker(text: &str) -> Option<(String, &str)> {
    let (kind, rest) = text.strip_prefix("[!")?.split_once(']')?;
    if kind.is_empty() || !kind.chars().all(|c| c.is_alphabetic() || c == '-') {
        return None;
    }
    let kind = kind.to_lowercase();
    let mut chars = kind.chars();
    let title = chars.next()?.to_uppercase().chain(chars).collect();
    Some((title, rest.strip_prefix(['+', '-']).unwrap_or(rest).trim_start()))
}

/// The rest of the first line is the title.
fn push_title<'a>(out: &mut Vec<Event<'a>>, rest: &mut impl Iterator<Item = Event<'a>>, kind: String, first: String) {
    let mut title: Vec<Event<'a>> = Vec::new();
    if !first.is_empty() {
        title.push(Event::Text(first.into()));
    }
    let mut depth = 0_usize;
    let mut goes_on = false;
    for event in rest {
        match &event {
            Event::End(TagEnd::Paragraph) => break,
            Event::SoftBreak | Event::HardBreak if depth == 0 => {
                goes_on = true;
                break;
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        title.push(event);
    }
    if title.is_empty() {
        title.push(Event::Text(kind.into()));
    }
    out.extend([Event::Start(Tag::Paragraph), Event::Start(Tag::Strong)]);
    out.append(&mut title);
    out.extend([Event::End(TagEnd::Strong), Event::End(TagEnd::Paragraph)]);
    if goes_on {
        out.push(Event::Start(Tag::Paragraph));
    }
}

#[cfg(test)]
mod tests {
    use crate::content::markdown::tests::html;

    #[test]
    fn alerts_have_titles() {
        for (markdown, title, text) in [
            ("> [!WARNING]\n> High water", "Warning", "<p>High water</p>\n"),
            ("> [!info]- The *moon*\n> High water", "The <em>moon</em>", "<p>High water</p>\n"),
            ("> [!tip] Only this", "Only this", ""),
            ("> [!NOTE]\n>\n> - a", "Note", "<ul>\n<li>a</li>\n</ul>\n"),
        ] {
            let expected = format!("<blockquote>\n<p><strong>{title}</strong></p>\n{text}</blockquote>\n");
            assert_eq!(html(markdown), expected, "{markdown}");
        }
        assert_eq!(html("> [!1] y\n"), "<blockquote>\n<p>[!1] y</p>\n</blockquote>\n");
        assert_eq!(html("> a\n> [!NOTE]\n"), "<blockquote>\n<p>a\n[!NOTE]</p>\n</blockquote>\n");
    }
}
