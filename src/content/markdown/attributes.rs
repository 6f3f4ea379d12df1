//! Removes block attributes (`{.wide #low key="value"}`, kramdown's `{: .wide}`), which only web pages use.
//!
//! Takes events and returns them without lines of attributes after paragraphs, items, tables and other blocks, and
//! without attributes after pictures. Attributes of headings stay, without their quotes.

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};

/// Removes the attributes.
pub(super) fn without_attributes(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut out = Vec::with_capacity(events.len());
    for event in events {
        match event {
            Event::Start(Tag::Heading { level, id, classes, attrs }) => {
                out.push(Event::Start(Tag::Heading { level, id, classes, attrs: unquoted(attrs) }));
            }
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::DefinitionListDefinition) => {
                if !drop_line(&mut out) {
                    out.push(event);
                }
            }
            Event::End(TagEnd::TableRow) => {
                out.push(event);
                drop_row(&mut out);
            }
            other => out.push(other),
        }
    }
    out
}

/// Drops attributes on the last line of the open block, or after the picture that ends it. Returns whether they were a
/// paragraph of their own, which is dropped too.
fn drop_line(out: &mut Vec<Event<'_>>) -> bool {
    let start = out.iter().rposition(|event| !matches!(event, Event::Text(_))).map_or(0, |at| at + 1);
    let text: String = out[start..].iter().filter_map(text_of).collect();
    if start == 0 || !are_attributes(text.trim()) {
        return false;
    }
    match &out[start - 1] {
        Event::SoftBreak => out.truncate(start - 1),
        Event::End(TagEnd::Image) => out.truncate(start),
        Event::Start(Tag::Paragraph) => {
            out.truncate(start - 1);
            return true;
        }
        _ => {}
    }
    false
}

/// Drops the last row of a table if it contains attributes only.
fn drop_row(out: &mut Vec<Event<'_>>) {
    let Some(start) = out.iter().rposition(|event| *event == Event::Start(Tag::TableRow)) else { return };
    let is_text = |event: &Event<'_>| {
        matches!(
            event,
            Event::Text(_) | Event::Start(Tag::TableCell) | Event::End(TagEnd::TableCell | TagEnd::TableRow)
        )
    };
    let text: String = out[start..].iter().filter_map(text_of).collect();
    if out[start + 1..].iter().all(is_text) && are_attributes(text.trim()) {
        out.truncate(start);
    }
}

fn text_of<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    match event {
        Event::Text(text) => Some(text),
        _ => None,
    }
}

/// `{.class #id key=value key="two words"}`
fn are_attributes(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else { return false };
    let mut rest = inside.strip_prefix(':').unwrap_or(inside).trim();
    if rest.is_empty() || rest.contains(['{', '}']) {
        return false;
    }
    while !rest.is_empty() {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '#');
        let name = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        rest = &rest[name.len()..];
        match value(rest) {
            Some(after) if name.starts_with(|c: char| c.is_alphabetic() || c == '_') => rest = after,
            None if name.len() > 1 && name.starts_with(['.', '#']) => {}
            _ => return false,
        }
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return false;
        }
        rest = rest.trim_start();
    }
    true
}

/// What follows `=value`.
fn value(text: &str) -> Option<&str> {
    let text = text.strip_prefix('=')?;
    let closing = match text.chars().next()? {
        '"' => '"',
        '\'' => '\'',
        '[' => ']',
        _ => return Some(&text[text.find(char::is_whitespace).unwrap_or(text.len())..]),
    };
    let opening = text.chars().next().map_or(0, char::len_utf8);
    text[opening..].split_once(closing).map(|(_, after)| after)
}

type Attributes<'a> = Vec<(CowStr<'a>, Option<CowStr<'a>>)>;

/// The attributes of a heading; the parser splits quoted values at spaces and keeps their quotes.
fn unquoted(attributes: Attributes<'_>) -> Attributes<'_> {
    let mut out: Attributes<'_> = Vec::with_capacity(attributes.len());
    let mut open = false;
    for (name, value) in attributes {
        if let (true, Some((_, Some(before)))) = (open, out.last_mut()) {
            let part = value.map_or(name.to_string(), |value| format!("{name}={value}"));
            open = !part.ends_with('"');
            *before = format!("{before} {}", part.trim_end_matches('"')).into();
            continue;
        }
        let quoted = value.as_deref().and_then(|value| value.strip_prefix('"'));
        open = quoted.is_some_and(|value| !value.ends_with('"'));
        let value = quoted.map(|value| value.trim_end_matches('"').to_owned().into()).or(value);
        out.push((name, value));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::are_attributes;
    use crate::content::markdown::tests::html;

    #[test]
    fn attributes_are_not_shown() {
        for (markdown, expected) in [
            ("![a](b.png){.wide}", "<p><img src=\"b.png\" alt=\"a\" /></p>\n"),
            ("Low water\n{.note #low}", "<p>Low water</p>\n"),
            ("Low water\n{width=100}", "<p>Low water</p>\n"),
            ("Low\n\n{style=\"margin: auto; width: 9rem;\"}\n\nEnd", "<p>Low</p>\n<p>End</p>\n"),
            ("a\n\n---\n{: .fancy}\n", "<p>a</p>\n<hr />\n"),
            ("- a\n- b\n{.wide}", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
            (
                "|a|b|\n|-|-|\n|1|2|\n{.wide}",
                "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n<tr><td>1</td><td>2</td></tr>\n</tbody></table>\n",
            ),
            ("## A {#a title=\"Up and down\"}", "<h2 id=\"a\" title=\"Up and down\">A</h2>\n"),
            ("## A {title=\"Up\"}", "<h2 title=\"Up\">A</h2>\n"),
            ("A set {.x} of {#y}", "<p>A set {.x} of {#y}</p>\n"),
            ("line\n{x}", "<p>line\n{x}</p>\n"),
            ("{.first}", ""),
        ] {
            assert_eq!(html(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn only_attributes_are_attributes() {
        for text in ["{.a}", "{#a}", "{a=b}", "{: .a}", "{a=\"b c\" .d}", "{a=[1, 2]}", "{.sm:wide}"] {
            assert!(are_attributes(text), "{text}");
        }
        for text in ["{}", "{a}", "{.}", "{a b}", "{.a b}", "{a=\"b}", "{.a}{.b}", "{1=2}", "{\"a\": 1}"] {
            assert!(!are_attributes(text), "{text}");
        }
    }
}
