//! Parses a body into events with their offsets in the source, so that `check` can report places.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser};

use crate::content::markdown::{
    Dialect, OPTIONS, is_not_a_formula, leftover_bold, marked, may_contain_formulas, unmarked,
};

/// An event and the bytes of Markdown it comes from.
pub type EventWithRange = (Event<'static>, Range<usize>);

/// The events of `Document::parse` with their offsets; keeps line breaks between CJK characters.
pub fn parse_with_offsets(markdown: &str) -> Vec<EventWithRange> {
    let dialect = Dialect::default();
    let mut events = Vec::new();
    if may_contain_formulas(markdown, dialect) {
        events = parse_events(markdown, OPTIONS | Options::ENABLE_MATH, dialect);
    }
    if events.is_empty() || events.iter().any(|(event, _)| is_not_a_formula(event, dialect)) {
        events = parse_events(markdown, OPTIONS, dialect);
    }
    events
}

fn parse_events(markdown: &str, options: Options, dialect: Dialect) -> Vec<EventWithRange> {
    let marked = marked(markdown, dialect);
    let added = Added::between(markdown, &marked);
    let place = |range: Range<usize>| added.source(range.start)..added.source(range.end);
    let mut events: Vec<_> = Parser::new_ext(&marked, options).into_offset_iter().collect();
    if leftover_bold::may_be_in(events.iter().map(|(event, _)| event)) {
        events = leftover_bold::paired(&marked, events);
    }
    events.into_iter().map(|(event, range)| (unmarked(event), place(range))).collect()
}

/// The offsets of the bytes that were added to a text, in order.
struct Added(Vec<usize>);

impl Added {
    /// The bytes added to `source`; a sentinel written by the author is text.
    fn between(source: &str, marked: &str) -> Self {
        let mut own = source.chars().peekable();
        let mut found = Vec::new();
        for (at, c) in marked.char_indices() {
            if own.peek() == Some(&c) {
                own.next();
            } else {
                found.extend(at..at + c.len_utf8());
            }
        }
        Self(found)
    }

    /// Converts an offset in the text with additions into one in the source.
    fn source(&self, at: usize) -> usize {
        at - self.0.partition_point(|added| *added < at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::markdown::Document;

    /// The source of every event whose text is `text`.
    fn source_of<'a>(markdown: &'a str, text: &str) -> Vec<&'a str> {
        let is_meant = |event: &Event<'_>| matches!(event, Event::Text(found) if found.as_ref() == text);
        parse_with_offsets(markdown)
            .iter()
            .filter(|(event, _)| is_meant(event))
            .map(|(_, at)| &markdown[at.clone()])
            .collect()
    }

    #[test]
    fn offsets_refer_to_the_source() {
        assert_eq!(source_of("**文：**字 **二。****三**", "三"), ["三"]);
        assert_eq!(source_of("\u{fdd0}**文：**字 *a*", "a"), ["a"]);
        assert_eq!(source_of("plain **b**", "b"), ["b"]);
    }

    proptest! {
        #[test]
        fn every_offset_is_in_the_text(markdown in "[*~`$<>\\[\\]()# a。文（\u{fdd0}\n|:-]{0,60}") {
            for (_, at) in parse_with_offsets(&markdown) {
                prop_assert!(markdown.get(at).is_some());
            }
        }

        #[test]
        fn events_equal_those_of_the_document(markdown in "[*~`$<>\\[\\]()# a|:-]{0,60}") {
            let events: Vec<Event<'_>> = parse_with_offsets(&markdown).into_iter().map(|(event, _)| event).collect();
            let document = Document::parse_as(&markdown, Dialect { emoji: false, ..Dialect::default() });
            prop_assert_eq!(events.as_slice(), document.events());
        }
    }
}
