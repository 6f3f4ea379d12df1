//! Plain text as feeds hold it.

use crate::content::html::legal;

/// Joins without being seen: between `<` and a letter it keeps programs from taking text for a tag.
const WORD_JOINER: char = '\u{2060}';

/// One line of text without characters that XML forbids, trimmed: leading blanks are errors in ids and warnings in
/// titles. Many readers, and all validators, take `</b>` or `&nbsp;` in a title for HTML that somebody forgot to decode;
/// what still looks so here is meant as text, and gets a word joiner.
pub(super) fn plain(text: &str) -> String {
    let text = one_line(text);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        out.push(c);
        let rest = &text[at + c.len_utf8()..];
        if (c == '<' && is_tag(rest)) || (c == '&' && is_reference(rest)) {
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
fn is_tag(rest: &str) -> bool {
    let name = rest.strip_prefix('/').unwrap_or(rest);
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.contains('>')
}

/// What follows a `&`.
fn is_reference(rest: &str) -> bool {
    let name = rest.strip_prefix('#').unwrap_or(rest);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    end > 0 && name[end..].starts_with(';')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_line_of_legal_characters() {
        assert_eq!(plain(" a\n\u{1}b\u{3000}c\u{fffe} \t"), "a b c");
    }

    #[test]
    fn text_that_looks_like_html_is_told_apart() {
        for (text, expected) in [
            ("Map<String, T> &lt; </b>", "Map<\u{2060}String, T> &\u{2060}lt; <\u{2060}/b>"),
            ("&#39; &#x27;", "&\u{2060}#39; &\u{2060}#x27;"),
            ("AT&T & R&D; 1 < 2 > 0, a<b, &; <3", "AT&T & R&\u{2060}D; 1 < 2 > 0, a<b, &; <3"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
