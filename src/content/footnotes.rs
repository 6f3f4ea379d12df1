//! Footnotes: numbered in the order of the text, taken out of it, listed at its end.

use std::collections::HashMap;

use pulldown_cmark::{Event, Tag, TagEnd};

/// Footnotes by their label, each with its events.
pub(crate) type Footnotes<'e, 'a> = Vec<(&'e str, Vec<&'e Event<'a>>)>;

/// Footnotes by the order in which the text refers to them.
pub(crate) fn numbers<'e>(events: &'e [Event<'_>]) -> HashMap<&'e str, usize> {
    let mut numbers = HashMap::new();
    for event in events {
        if let Event::FootnoteReference(label) = event {
            let next = numbers.len() + 1;
            numbers.entry(label.as_ref()).or_insert(next);
        }
    }
    numbers
}

/// The body without its footnotes, and the footnotes, wherever they were written.
pub(crate) fn apart<'e, 'a>(events: &'e [Event<'a>]) -> (Vec<&'e Event<'a>>, Footnotes<'e, 'a>) {
    let (mut body, mut footnotes): (Vec<_>, Footnotes<'_, '_>) = (Vec::new(), Vec::new());
    let mut inside = false;
    for event in events {
        if let Event::Start(Tag::FootnoteDefinition(label)) = event {
            footnotes.push((label.as_ref(), Vec::new()));
            inside = true;
        }
        match footnotes.last_mut().filter(|_| inside) {
            Some((_, events)) => events.push(event),
            None => body.push(event),
        }
        inside &= !matches!(event, Event::End(TagEnd::FootnoteDefinition));
    }
    (body, footnotes)
}

/// Those that the text refers to, in its order; the others nobody could find from the text.
pub(crate) fn in_order<'e, 'a>(footnotes: Footnotes<'e, 'a>, numbers: &HashMap<&str, usize>) -> Footnotes<'e, 'a> {
    let mut known: Footnotes<'e, 'a> = footnotes.into_iter().filter(|(label, _)| numbers.contains_key(label)).collect();
    known.sort_by_key(|(label, _)| numbers.get(label).copied());
    known
}
