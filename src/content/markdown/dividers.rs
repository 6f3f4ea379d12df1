//! Hugo's divider `<!--more-->` in a line of text, which ends a paragraph there.
//!
//! Takes events and returns them with the divider as a block of its own.

use pulldown_cmark::{Event, Tag, TagEnd};

/// The divider.
pub(super) const MORE: &str = "<!--more-->";

/// Makes a divider in a paragraph a block.
pub(super) fn divided(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut out: Vec<Event<'_>> = Vec::with_capacity(events.len());
    // Elements open in the paragraph, itself among them.
    let mut depth = 0_usize;
    let mut events = events.into_iter().peekable();
    while let Some(event) = events.next() {
        match &event {
            Event::Start(tag) if depth > 0 || *tag == Tag::Paragraph => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::InlineHtml(html) if depth == 1 && html.as_ref() == MORE => {
                trim_end(&mut out);
                if out.pop_if(|event| *event == Event::Start(Tag::Paragraph)).is_none() {
                    out.push(Event::End(TagEnd::Paragraph));
                }
                let divider = Event::Html(format!("{html}\n").into());
                out.extend([Event::Start(Tag::HtmlBlock), divider, Event::End(TagEnd::HtmlBlock)]);
                while events.next_if(is_blank).is_some() {}
                if let Some(Event::Text(text)) = events.peek_mut() {
                    *text = text.trim_start().to_owned().into();
                }
                match events.next_if(|event| *event == Event::End(TagEnd::Paragraph)) {
                    Some(_) => depth = 0,
                    None => out.push(Event::Start(Tag::Paragraph)),
                }
                continue;
            }
            _ => {}
        }
        out.push(event);
    }
    out
}

/// Removes the white space at the end of a paragraph.
fn trim_end(events: &mut Vec<Event<'_>>) {
    while events.pop_if(|event| is_blank(event)).is_some() {}
    if let Some(Event::Text(text)) = events.last_mut() {
        *text = text.trim_end().to_owned().into();
    }
}

fn is_blank(event: &Event<'_>) -> bool {
    match event {
        Event::Text(text) => text.trim().is_empty(),
        event => matches!(event, Event::SoftBreak | Event::HardBreak),
    }
}

#[cfg(test)]
mod tests {
    use crate::content::markdown::tests::html;

    #[test]
    fn a_divider_may_stand_in_a_line() {
        let divided = "<p>one</p>\n<!--more-->\n<p><strong>two</strong></p>\n";
        assert_eq!(html("one <!--more--> **two**"), divided);
        assert_eq!(html("one\n<!--more--> **two**"), divided);
        assert_eq!(html("one\n\n<!--more-->**two**"), divided);
        assert_eq!(html("one\n\n<!--more-->\n\n**two**"), divided);
    }
}
