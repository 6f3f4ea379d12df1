//! What a terminal may show of text that comes from elsewhere: titles, names of files, replies of servers.
//!
//! Takes any text; returns it with a visible sign for each character that would move the cursor, change colours or
//! reorder text.

use std::borrow::Cow;

/// The text with such characters replaced, one for one; line feeds and tabs stay.
pub(in crate::cli) fn visible(text: &str) -> Cow<'_, str> {
    replaced(text, is_unsafe)
}

/// The same for text that is part of one line.
pub(in crate::cli) fn visible_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\t']) {
        visible(&text.replace(['\n', '\t'], " ")).into_owned().into()
    } else {
        visible(text)
    }
}

/// The same for content that may be written to a file, where right-to-left text needs the characters that order it.
pub(super) fn without_controls(text: &str) -> Cow<'_, str> {
    replaced(text, is_control)
}

fn replaced(text: &str, is_unsafe: fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if is_unsafe(c) { sign(c) } else { c }).collect()
}

/// Whether a terminal may do something else than show it.
pub(super) fn is_unsafe(c: char) -> bool {
    is_control(c) || is_bidi(c)
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// Embeddings, overrides and isolates (UAX #9), which can make a text look like another.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The sign that the snippets of findings have for it too.
fn sign(c: char) -> char {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_visible() {
        let text = "a\u{1b}[31m\u{7}\u{7f}\u{9b}2J\r\u{202e}\u{2067}潮\tb\n";
        assert_eq!(visible(text), "a␛[31m␇␡\u{fffd}2J␍\u{fffd}\u{fffd}潮\tb\n");
        assert_eq!(without_controls(text), "a␛[31m␇␡\u{fffd}2J␍\u{202e}\u{2067}潮\tb\n");
        assert!(matches!(visible("潮 👩\u{200d}🔬 \u{200f}ש"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn no_control_character_is_left(text in "\\PC*|[\\x00-\\xff]*|(\\PC|\\pC)*") {
            let shown = visible(&text);
            prop_assert!(shown.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control() && !is_bidi(c)));
            prop_assert_eq!(shown.chars().count(), text.chars().count());
        }
    }
}
