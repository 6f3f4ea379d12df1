//! Plain text as feeds hold it.

use crate::content::html::legal;

/// Joins without being seen: between `<` and `/` it keeps programs from taking text for the end of an element.
const WORD_JOINER: char = '\u{2060}';

/// One line of text without characters that XML forbids, trimmed: leading blanks are errors in ids and warnings in
/// titles. `</b>` in a title looks to validators, and to readers that guess, as if somebody forgot to declare HTML; it is
/// meant as text here, and gets a word joiner. All else that looks like HTML is left to the escaping of each format.
pub(super) fn plain(text: &str) -> String {
    let text = one_line(text);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        out.push(c);
        if c == '<' && is_end_tag(&text[at + 1..]) {
            out.push(WORD_JOINER);
        }
    }
    out
}

/// The same where nothing takes text for HTML, such as ids.
pub(super) fn one_line(text: &str) -> String {
    legal(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What follows a `<`.
fn is_end_tag(rest: &str) -> bool {
    let Some((name, _)) = rest.strip_prefix('/').and_then(|rest| rest.split_once('>')) else { return false };
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_line_of_legal_characters() {
        assert_eq!(plain(" a\n\u{1}b\u{3000}c\u{fffe} \t"), "a b c");
    }

    #[test]
    fn text_that_looks_like_the_end_of_an_element_is_told_apart() {
        for (text, expected) in [
            ("Map<String, T> &lt; </b>", "Map<String, T> &lt; <\u{2060}/b>"),
            ("a</ b> </> </c </一>", "a</ b> </> </c </一>"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
