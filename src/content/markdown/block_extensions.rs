//! Block extensions: titles for GitHub's alerts (`> [!NOTE]`), and removal of block attributes (`{.wide}`), which only
//! web pages use.
//!
//! Takes events and returns them without markup that readers would show as text.

use pulldown_cmark::{BlockQuoteKind, Event, Tag, TagEnd};

/// Whether Markdown may contain either extension.
pub(super) fn may_contain(markdown: &str) -> bool {
    markdown.contains("[!") || markdown.contains("{.") || markdown.contains("{#") || markdown.contains("{:")
}

/// Adds alert titles and removes attributes.
pub(super) fn apply(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut out = Vec::with_capacity(events.len());
    for event in events {
        match event {
            Event::Start(Tag::BlockQuote(Some(kind))) => {
                let title = Event::Text(title(kind).into());
                out.extend([Event::Start(Tag::BlockQuote(None)), Event::Start(Tag::Paragraph)]);
                out.extend([Event::Start(Tag::Strong), title, Event::End(TagEnd::Strong)]);
                out.push(Event::End(TagEnd::Paragraph));
            }
            Event::End(TagEnd::BlockQuote(_)) => out.push(Event::End(TagEnd::BlockQuote(None))),
            Event::End(TagEnd::Paragraph) => {
                drop_attributes(&mut out);
                out.push(event);
            }
            other => out.push(other),
        }
    }
    out
}

/// Attributes are alone on the last line of a paragraph, or directly after a picture.
fn drop_attributes(events: &mut Vec<Event<'_>>) {
    let [.., before, Event::Text(text)] = events.as_slice() else { return };
    let is_own_line = matches!(before, Event::SoftBreak);
    if (is_own_line || *before == Event::End(TagEnd::Image)) && are_attributes(text.trim()) {
        events.truncate(events.len() - if is_own_line { 2 } else { 1 });
    }
}

/// `{.class #id key=value}`
fn are_attributes(text: &str) -> bool {
    let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    inside.is_some_and(|inside| inside.starts_with(['.', '#', ':']) && inside.len() > 1 && !inside.contains(['{', '}']))
}

fn title(kind: BlockQuoteKind) -> &'static str {
    match kind {
        BlockQuoteKind::Note => "Note",
        BlockQuoteKind::Tip => "Tip",
        BlockQuoteKind::Important => "Important",
        BlockQuoteKind::Warning => "Warning",
        BlockQuoteKind::Caution => "Caution",
    }
}

#[cfg(test)]
mod tests {
    use crate::content::markdown::tests::html;

    #[test]
    fn alerts_have_titles() {
        assert_eq!(
            html("> [!WARNING]\n> High water\n"),
            "<blockquote>\n<p><strong>Warning</strong></p>\n<p>High water</p>\n</blockquote>\n"
        );
        assert_eq!(html("> [!x] y\n"), "<blockquote>\n<p>[!x] y</p>\n</blockquote>\n");
    }

    #[test]
    fn attributes_are_not_shown() {
        for (markdown, expected) in [
            ("![a](b.png){.wide}", "<p><img src=\"b.png\" alt=\"a\" /></p>\n"),
            ("Low water\n{.note #low}", "<p>Low water</p>\n"),
            ("A set {.x} of {#y}", "<p>A set {.x} of {#y}</p>\n"),
            ("line\n{x}", "<p>line\n{x}</p>\n"),
        ] {
            assert_eq!(html(markdown), expected, "{markdown}");
        }
    }
}
