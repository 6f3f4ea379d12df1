//! Plain text in feeds.

use crate::content::html::without_illegal_chars;

/// Invisible: between `<` and `/` it keeps programs from reading an end tag.
const WORD_JOINER: char = '\u{2060}';

/// One trimmed line of text without characters that XML forbids: validators reject leading spaces in ids and warn about
/// them in titles. `</b>` in a title looks like undeclared HTML to validators and to readers that guess, so it gets a
/// word joiner. Everything else that looks like HTML is escaped by each format.
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

/// The same for text that is never read as HTML, such as ids.
pub(super) fn one_line(text: &str) -> String {
    without_illegal_chars(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One line of text in which nothing looks like HTML, for summaries made from the text of an issue: some readers and
/// validators would read `Vec<String>` there as an element.
pub(super) fn without_html_lookalikes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = plain(text);
    for (at, c) in text.char_indices() {
        out.push(c);
        let rest = &text[at + c.len_utf8()..];
        if (c == '<' && is_tag(rest)) || (c == '&' && is_reference(rest)) {
            out.push(WORD_JOINER);
        }
    }
    out
}

/// The same text in which no `&` begins what validators take for a reference, for names, which no format declares as HTML:
/// the name of a character, with or without `;`, or a word that is not made of letters only.
pub(super) fn without_reference_lookalikes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        out.push(c);
        let rest = &text[at + c.len_utf8()..];
        if c == '&' && is_word_of_reference(rest) {
            out.push(WORD_JOINER);
        }
    }
    out
}

fn is_word_of_reference(rest: &str) -> bool {
    let is_in_word = |c: char| c.is_alphanumeric() || c == '_';
    let Some(word) = rest.split(|c| !is_in_word(c)).next().filter(|word| !word.is_empty()) else {
        return rest.strip_prefix('#').is_some_and(|rest| rest.starts_with(is_in_word));
    };
    let reference = format!("&{word};");
    !word.chars().all(char::is_alphabetic) || html_escape::decode_html_entities(&reference) != reference
}

/// Whether this text after a `<` completes a tag.
fn is_tag(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.contains('>')
}

/// Whether this text after a `&` completes a reference.
fn is_reference(rest: &str) -> bool {
    let name = rest.strip_prefix('#').unwrap_or(rest);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    end > 0 && name[end..].starts_with(';')
}

/// Whether this text after a `<` completes an end tag.
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
    fn text_that_looks_like_an_end_tag_is_disarmed() {
        for (text, expected) in [
            ("Map<String, T> &lt; </b>", "Map<String, T> &lt; <\u{2060}/b>"),
            ("a</ b> </> </c </一>", "a</ b> </> </c </一>"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn names_never_look_like_references() {
        for (text, expected) in [
            ("AT&T, Q&A & Co", "AT&T, Q&A & Co"),
            ("&copy Ann &_x; R&D2 &#x41 &", "&\u{2060}copy Ann &\u{2060}_x; R&\u{2060}D2 &\u{2060}#x41 &"),
        ] {
            assert_eq!(without_reference_lookalikes(text), expected);
        }
    }

    #[test]
    fn summaries_never_look_like_html() {
        for (text, expected) in [
            ("Map<String, T> &lt; </b>", "Map<\u{2060}String, T> &\u{2060}lt; <\u{2060}/b>"),
            ("AT&T & R; 1 < 2 > 0, a<b, &; <3", "AT&T & R; 1 < 2 > 0, a<b, &; <3"),
        ] {
            assert_eq!(without_html_lookalikes(text), expected);
        }
    }
}
