//! Front matter in forms that Hexo alone reads: without its first fence, with longer fences, and the entries of a JSON object
//! between `;;;`.
//!
//! Takes the first bytes of a file; returns where the entries are. Counts only if a `title` or `date` is among them, for prose may
//! have a line such as `Note: …` above a row of hyphens.

use std::borrow::Cow;

use crate::content::front_matter::Syntax;

/// Front matter that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loose {
    pub syntax: Syntax,
    /// Offset of the first entry.
    pub start: usize,
    /// Lines before it.
    pub lines_before: usize,
    /// Offset of the closing fence.
    pub end: usize,
    /// Offset of the body.
    pub body: usize,
}

/// Finds front matter at the beginning of a file; `None` if it is in no such form.
pub(super) fn find(bytes: &[u8]) -> Option<Loose> {
    let begin = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut lines = Lines { bytes, at: begin };
    let (first, after) = lines.next()?;
    let opening = fence(first);
    let (start, lines_before) = if opening.is_some() { (after, 1) } else { (begin, 0) };
    let mut is_post = opening.is_none() && names(first)?;
    for (at, (line, end)) in std::iter::from_fn(|| Some((lines.at, lines.next()?))) {
        match fence(line) {
            Some(closing) if opening.is_none_or(|opening| opening == closing) => {
                let syntax = if closing.0 == b';' { Syntax::Entries } else { Syntax::Yaml };
                return is_post.then_some(Loose { syntax, start, lines_before, end: at, body: end });
            }
            None if opening.is_none() && line.is_empty() => return None,
            _ => is_post |= names(line).unwrap_or_default(),
        }
    }
    None
}

struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line without white space at its end, and the offset after it.
    fn next(&mut self) -> Option<(&'a [u8], usize)> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        self.at += length;
        Some((rest[..length].trim_ascii_end(), self.at))
    }
}

/// A row of at least three hyphens or semicolons.
fn fence(line: &[u8]) -> Option<(u8, usize)> {
    let first = *line.first().filter(|byte| b"-;".contains(byte))?;
    (line.len() >= 3 && line.iter().all(|byte| *byte == first)).then_some((first, line.len()))
}

/// Whether a line is an entry for a title or a date; `None` if it is not an entry.
fn names(line: &[u8]) -> Option<bool> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_- \"'".contains(byte);
    let ends = line.get(colon + 1).is_none_or(u8::is_ascii_whitespace) || line.starts_with(b"\"");
    let name = line[..colon].trim_ascii_end();
    if !ends || name.is_empty() || !name.iter().all(is_name) || name.starts_with(b"-") {
        return None;
    }
    let name = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name);
    Some(name.eq_ignore_ascii_case(b"title") || name.eq_ignore_ascii_case(b"date"))
}

/// The text with two blanks for each tab at the beginning of a line.
pub fn tabs_as_blanks(text: &str) -> Cow<'_, str> {
    if !text.contains("\n\t") {
        return Cow::Borrowed(text);
    }
    let line = |line: &str| {
        let rest = line.trim_start_matches('\t');
        format!("{}{rest}", "  ".repeat(line.len() - rest.len()))
    };
    text.split_inclusive('\n').map(line).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Option<(&str, &str, usize)> {
        find(text.as_bytes()).map(|loose| (&text[loose.start..loose.end], &text[loose.body..], loose.lines_before))
    }

    #[test]
    fn the_forms_of_hexo_are_found() {
        assert_eq!(found("title: x\ntags:\n- a\n---\nbody\n"), Some(("title: x\ntags:\n- a\n", "body\n", 0)));
        assert_eq!(found("\u{feff}date: 2026-01-02\r\n----  \r\nb"), Some(("date: 2026-01-02\r\n", "b", 0)));
        assert_eq!(found("----\ntitle: x\n\n---\n----\nb"), Some(("title: x\n\n---\n", "b", 1)));
        assert_eq!(found(";;;\n\"title\": \"x\"\n;;;\nb"), Some(("\"title\": \"x\"\n", "b", 1)));
        assert_eq!(found("\"title\": \"x\"\n;;;\nb"), Some(("\"title\": \"x\"\n", "b", 0)));
    }

    #[test]
    fn prose_is_none() {
        for text in [
            "",
            "Note: x\n---\n",
            "Title: x\n\n---\n",
            "Title: x\n",
            "title\n---\n",
            "----\nNote: x\n----\n",
            "- title: x\n---\n",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn tabs_are_two_blanks() {
        assert_eq!(tabs_as_blanks("a:\n\t\tb\t: c\nd"), "a:\n    b\t: c\nd");
        assert!(matches!(tabs_as_blanks("a\tb"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(text in "(title: x|date:|\n|---|;;;|-|\r|a){0,20}") {
            found(&text);
        }
    }
}
