//! A first heading that repeats the title of its issue.
//!
//! Takes events and the title; returns where the heading ends. Compares words, not markup, case or white space.

use pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};

/// The number of events up to the end of a first heading of level 1 with the words of `title`.
pub(super) fn end_of_heading(events: &[Event<'_>], title: &str) -> Option<usize> {
    let Some(Event::Start(Tag::Heading { level: HeadingLevel::H1, .. })) = events.first() else { return None };
    let end = events.iter().position(|event| matches!(event, Event::End(TagEnd::Heading(_))))?;
    let text: String = events[..end].iter().map(text_of).collect();
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    (words(&text) == words(title)).then_some(end + 1)
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
        for (markdown, title) in
            [("# Low *tide*", "Low tide"), ("Low tide\n===", "low  Tide"), ("# `ls` 与潮 {#a}", "ls 与潮")]
        {
            assert!(!left(markdown, title), "{markdown}");
        }
        for markdown in ["## Low tide", "# Low tides", "Low tide", "# Low tide ![](a.png)"] {
            assert!(left(markdown, "Low tide"), "{markdown}");
        }
    }
}
