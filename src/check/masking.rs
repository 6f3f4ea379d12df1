//! Masks Hugo's shortcodes in the text of an issue with letters, so that Markdown finds no markup in them and every byte
//! keeps its place.

use std::borrow::Cow;
use std::ops::Range;

use crate::shortcodes::syntax::{Segment, Shortcode, may_contain, segments};

/// Longer than any run of this letter in a real address.
const MASK: &str = "xxxxxxx";

/// Masks the shortcodes from byte `start` on, and what is between a pair of `highlight` or `comment`. Returns the masked text and the
/// shortcodes, whose ranges count from the start of `text`.
pub(super) fn masked(text: &str, start: usize) -> (Cow<'_, str>, Vec<Shortcode<'_>>) {
    let body = &text[start..];
    if !may_contain(body) {
        return (Cow::Borrowed(body), Vec::new());
    }
    let (mut masked, mut shortcodes) = (String::with_capacity(body.len()), Vec::new());
    let segments = segments(body);
    let mut ends_of_code = segments.iter().filter_map(end_of_code).peekable();
    for segment in &segments {
        let (start_of_piece, mut end) = match segment {
            Segment::Text(_) | Segment::Escaped(_) => continue,
            Segment::Close(_, range) => (range.start, range.end),
            Segment::Open(Shortcode { range, .. }) => (range.start, range.end),
        };
        if start_of_piece < masked.len() {
            continue;
        }
        while ends_of_code.next_if(|other| *other <= end).is_some() {}
        if let Segment::Open(shortcode) = segment {
            if matches!(shortcode.name, "highlight" | "comment") {
                end = ends_of_code.peek().copied().unwrap_or(end);
            }
            let Range { start: from, end: to } = shortcode.range;
            shortcodes.push(Shortcode { range: start + from..start + to, ..shortcode.clone() });
        }
        masked.push_str(&body[masked.len()..start_of_piece]);
        masked.extend(body[start_of_piece..end].bytes().map(|byte| if byte == b'\n' { '\n' } else { 'x' }));
    }
    masked.push_str(&body[masked.len()..]);
    (Cow::Owned(masked), shortcodes)
}

fn end_of_code(segment: &Segment<'_>) -> Option<usize> {
    match segment {
        Segment::Close("highlight" | "comment", range) => Some(range.end),
        _ => None,
    }
}

/// Whether this shortcode is built into Hugo.
pub(super) fn is_built_into_hugo(name: &str) -> bool {
    const NAMES: [&str; 15] = [
        "comment", "details", "figure", "gist", "highlight", "instagram", "param", "qr", "ref", "relref", "twitter",
        "video", "vimeo", "x", "youtube",
    ];
    NAMES.contains(&name)
}

/// Whether a masked shortcode is part of this address.
pub(super) fn is_masked(address: &str) -> bool {
    address.contains(MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortcodes_are_found_and_masked_byte_for_byte() {
        let text = "---\n海 {{< figure src=\"a b.png\" alt=`x` >}} {{</* no */>}} {{% /n %}} {{<open";
        let (masked, found) = masked(text, 4);
        let names: Vec<(&str, &str)> = found.iter().map(|one| (one.name, &text[one.range.clone()])).collect();
        assert_eq!(names, [("figure", "{{< figure src=\"a b.png\" alt=`x` >}}")]);
        let x = |bytes| "x".repeat(bytes);
        assert_eq!(masked, format!("海 {} {{{{</* no */>}}}} {} {{{{<open", x(36), x(10)));
    }

    #[test]
    fn code_between_halves_is_masked_too() {
        let text = "{{< highlight go >}}\n**a {{< ref \"b\" >}}\n{{< /highlight >}} b {{< highlight go >}} **c**";
        let x = |bytes| "x".repeat(bytes);
        assert_eq!(masked(text, 0).0, format!("{}\n{}\n{} b {} **c**", x(20), x(19), x(18), x(20)));
        assert_eq!(masked("a {{% comment %}}TODO{{% /comment %}}", 0).0, format!("a {}", x(35)));
    }
}
