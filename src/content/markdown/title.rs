//! A first heading that repeats the title of its issue.
//!
//! Takes events and the title; returns where the heading ends. Compares words, not markup, case, white space or typography.

use pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};

/// The number of events up to the end of a first heading of level 1 with the words of `title`.
pub(super) fn end_of_heading(events: &[Event<'_>], title: &str) -> Option<usize> {
    let Some(Event::Start(Tag::Heading { level: HeadingLevel::H1, .. })) = events.first() else { return None };
    let end = events.iter().position(|event| matches!(event, Event::End(TagEnd::Heading(_))))?;
    let text: String = events[..end].iter().map(text_of).collect();
    (words(&text) == words(title)).then_some(end + 1)
}

/// The words in lower case, with quotes, dashes and dots as they are typed: a heading may have typographic ones.
fn words(text: &str) -> Vec<String> {
    let mut typed = text.to_lowercase();
    for (from, to) in [("‘", "'"), ("’", "'"), ("“", "\""), ("”", "\""), ("–", "--"), ("—", "---"), ("…", "...")]
    {
        if typed.contains(from) {
            typed = typed.replace(from, to);
        }
    }
    typed.split_whitespace().map(str::to_owned).collect()
}

fn text_of<'e>(event: &'e Event<'_>) -> &'e str {
    match event {
        Event::Text(text) | Event::Code(text) => text,
        Event::SoftBreak | Event::HardBreak => " ",
        // A picture or HTML in the heading is more than the title.
        Event::Start(Tag::Image { .. }) | Event::InlineHtml(_) | Event::FootnoteReference(_) => "\u{fffc}",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use crate::content::markdown::Document;

    #[test]
    fn only_the_title_is_left_out() {
        let left = |markdown, title| !Document::parse(markdown).without_title(title).events().is_empty();
        for (markdown, title) in [
            ("# Low *tide*", "Low tide"),
            ("Low tide\n===", "low  Tide"),
            ("# `ls` 与潮 {#a}", "ls 与潮"),
            ("# It’s “on”…", "It's \"on\"..."),
        ] {
            assert!(!left(markdown, title), "{markdown}");
        }
        for markdown in ["## Low tide", "# Low tides", "Low tide", "# Low tide ![](a.png)"] {
            assert!(left(markdown, "Low tide"), "{markdown}");
        }
    }
}
