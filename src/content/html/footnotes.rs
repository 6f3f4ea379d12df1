//! Prepares the events of a document for HTML: footnotes become a list at the end, task markers and formulas become
//! text that every reader shows.

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};

use crate::content::footnotes;

/// The events of the body, then the referenced footnotes, each with a link back.
pub(super) fn with_footnotes_last<'a>(events: &'a [Event<'a>]) -> Vec<Event<'a>> {
    let numbers = footnotes::numbers(events);
    let (body, notes) = footnotes::split(events);
    let notes = footnotes::in_order(notes, &numbers);
    let mut referred = vec![false; numbers.len() + 1];
    let mut reference = |label: &CowStr<'_>| {
        let number = numbers.get(label.as_ref()).copied().unwrap_or(0);
        let first = !std::mem::replace(&mut referred[number], true);
        reference_link(label, number, first)
    };
    let mut out: Vec<Event<'_>> = body.into_iter().map(|event| readable(event, &mut reference)).collect();
    if notes.is_empty() {
        return out;
    }
    out.extend([Event::Rule, Event::Start(Tag::List(Some(1)))]);
    for (label, events) in notes {
        // Skips the start and end of the definition itself.
        let inner = events.get(1..events.len() - 1).unwrap_or_default();
        out.push(Event::InlineHtml(format!("<li id=\"fn-{}\">", attribute(label)).into()));
        out.extend(inner.iter().map(|event| readable(event, &mut reference)));
        let before_end = out.len() - usize::from(out.last() == Some(&Event::End(TagEnd::Paragraph)));
        out.insert(before_end, Event::InlineHtml(back_link(label).into()));
        out.push(Event::InlineHtml("</li>\n".into()));
    }
    out.push(Event::End(TagEnd::List(true)));
    out
}

fn readable<'a>(event: &'a Event<'a>, reference: &mut impl FnMut(&CowStr<'_>) -> String) -> Event<'a> {
    match event {
        Event::FootnoteReference(label) => Event::InlineHtml(reference(label).into()),
        Event::TaskListMarker(done) => Event::Text(if *done { "☑ " } else { "☐ " }.into()),
        Event::InlineMath(formula) => Event::Text(format!("${formula}$").into()),
        Event::DisplayMath(formula) => Event::Text(format!("$${formula}$$").into()),
        // Borrowed, because most events are text.
        Event::Text(text) => Event::Text(CowStr::Borrowed(text)),
        Event::Code(code) => Event::Code(CowStr::Borrowed(code)),
        Event::Html(html) => Event::Html(CowStr::Borrowed(html)),
        Event::InlineHtml(html) => Event::InlineHtml(CowStr::Borrowed(html)),
        other => other.clone(),
    }
}

/// The reference in the text; only the first reference to a footnote is the target of its link back.
fn reference_link(label: &str, number: usize, first: bool) -> String {
    let label = attribute(label);
    let id = if first { format!(" id=\"fnref-{label}\"") } else { String::new() };
    format!("<sup{id}><a href=\"#fn-{label}\">{number}</a></sup>")
}

/// The variation selector keeps the arrow from being shown as an emoji.
fn back_link(label: &str) -> String {
    format!(" <a href=\"#fnref-{}\">↩\u{fe0e}</a>", attribute(label))
}

fn attribute(text: &str) -> String {
    html_escape::encode_double_quoted_attribute(text).into_owned()
}
