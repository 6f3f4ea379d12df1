//! Formulas between `\(` and `\)`, or `\[` and `\]`, which Markdown would read as escaped brackets.
//!
//! Takes Markdown; returns it with a placeholder for each formula, which is shown as written.

use crate::shortcodes::placeholders::{Placeholders, Replacement};

/// Whether the text may contain a formula.
pub(super) fn may_contain(markdown: &str) -> bool {
    markdown.contains("\\(") || markdown.contains("\\[")
}

/// Replaces the formulas.
pub(super) fn protected(markdown: &str, placeholders: &mut Placeholders) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match formula(rest) {
            Some(length) => {
                out.push_str(&placeholders.insert(Replacement::text(&rest[..length])));
                rest = &rest[length..];
            }
            None => {
                // An escaped character is not a delimiter.
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The length of the formula at the start of the text.
fn formula(text: &str) -> Option<usize> {
    let close = match text.get(..2)? {
        "\\(" => "\\)",
        "\\[" => "\\]",
        _ => return None,
    };
    let inside = &text[2..];
    let length = inside.find(close).filter(|length| !inside[..*length].trim().is_empty())?;
    (!inside[..length].contains("\n\n")).then_some(length + 4)
}
