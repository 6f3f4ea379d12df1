//! Footnotes: numbers them in order of reference and separates them from the body.

use std::collections::HashMap;

use pulldown_cmark::{Event, Tag, TagEnd};

/// Footnotes by label, each with its events.
pub(crate) type Footnotes<'e, 'a> = Vec<(&'e str, Vec<&'e Event<'a>>)>;

/// Numbers the footnotes in order of their first reference.
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

/// Separates the body from the footnotes, wherever they are defined.
pub(crate) fn split<'e, 'a>(events: &'e [Event<'a>]) -> (Vec<&'e Event<'a>>, Footnotes<'e, 'a>) {
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

/// The referenced footnotes by number; unreferenced ones are dropped, since no reader could reach them.
pub(crate) fn in_order<'e, 'a>(footnotes: Footnotes<'e, 'a>, numbers: &HashMap<&str, usize>) -> Footnotes<'e, 'a> {
    let mut known: Footnotes<'e, 'a> = footnotes.into_iter().filter(|(label, _)| numbers.contains_key(label)).collect();
    known.sort_by_key(|(label, _)| numbers.get(label).copied());
    known
}
