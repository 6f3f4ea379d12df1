//! `Key: value` headers, as Python-Markdown ("meta"), MultiMarkdown and Pelican have them: lines from the first of the file to
//! a blank one, each with a field, or with more of the field above if four blanks precede it.
//!
//! Takes the first bytes of a file; returns where the header ends, and its fields in Hugo's terms. Every value is text.

use serde_json::{Value, json};

use crate::content::front_matter::Fields;
use crate::content::markdown::Document;
use crate::content::summary::summary;

/// Fields that show a header, besides `Title:`, if it has a `Date:` too.
const SHOWING: [&str; 10] =
    ["author", "authors", "category", "lang", "modified", "slug", "status", "summary", "tags", "template"];

/// Fields that have one value: of several, the first counts.
const ONCE: [&str; 8] = ["date", "modified", "status", "category", "author", "save_as", "url", "slug"];

/// What a text is from a line on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// Something else.
    Absent,
    /// Lines of a header up to the end of the text; whether they suffice for one.
    Open(bool),
    /// A header: the offsets of its end and of the body.
    Closed(usize, usize),
}

/// Reads the lines from `start` on. A blank line ends a header, as does `---` or `...`; any other line only does if another
/// known field is beside the title, for prose may begin with `Title: …`.
pub(super) fn header(bytes: &[u8], start: usize) -> Header {
    let (mut offset, mut seen) = (start, Seen::default());
    while offset < bytes.len() {
        let length = bytes[offset..].iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let line = bytes[offset..offset + length.unwrap_or(bytes.len() - offset)].trim_ascii_end();
        let end = length.map_or(bytes.len(), |length| offset + length);
        match key(line) {
            _ if line.is_empty() || is_end(line) => return seen.closed(seen.suffices(), offset, end),
            Some(key) => seen.add(key),
            None if is_continued(line) && seen.any => {}
            None => return seen.closed(seen.title && (seen.date || seen.showing), offset, offset),
        }
        offset = end;
    }
    Header::Open(seen.suffices())
}

/// The fields in the lines so far.
#[derive(Default)]
struct Seen {
    any: bool,
    title: bool,
    date: bool,
    showing: bool,
}

impl Seen {
    fn add(&mut self, key: &str) {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        self.any = true;
        self.title |= is("title");
        self.date |= is("date");
        self.showing |= SHOWING.into_iter().any(is);
    }

    fn suffices(&self) -> bool {
        self.title || self.date && self.showing
    }

    fn closed(&self, is_header: bool, end: usize, body: usize) -> Header {
        if is_header { Header::Closed(end, body) } else { Header::Absent }
    }
}

/// The key of a line, after up to three blanks. MultiMarkdown's may be a few words: `Base Header Level`.
fn key(line: &[u8]) -> Option<&str> {
    let blanks = line.iter().take_while(|byte| **byte == b' ').count();
    let key = &line[blanks..blanks + line[blanks..].iter().take(60).position(|byte| *byte == b':')?];
    let is_word = |word: &[u8]| word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let is_name = |word: &[u8]| is_word(word) && word.first().is_some_and(u8::is_ascii_uppercase);
    let is_key = match key.split(|byte| *byte == b' ').collect::<Vec<_>>().as_slice() {
        [word] => !word.is_empty() && is_word(word),
        words => words.len() <= 3 && words.iter().all(|word| is_name(word)),
    };
    std::str::from_utf8(key).ok().filter(|_| blanks < 4 && is_key)
}

/// Whether a text begins with a line that is meant as one of a header: `Title：` with a wide colon, or a field without a title.
pub(super) fn is_broken(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let start = String::from_utf8_lossy(&text[..text.len().min(60)]).to_lowercase().replace('：', ":");
    let name = start.split_once(':').map_or("", |(name, _)| name.trim());
    ["title", "date", "标题", "日期"].iter().chain(&SHOWING).any(|known| *known == name)
}

/// Whether all keys begin with a capital, as people write them in headers, and not in YAML.
pub(super) fn is_capitalised(header: &[u8]) -> bool {
    let mut keys = header.split(|byte| *byte == b'\n').filter_map(key);
    keys.all(|key| key.trim_start().starts_with(|c: char| c.is_ascii_uppercase()))
}

fn is_continued(line: &[u8]) -> bool {
    let blanks = line.iter().take_while(|byte| **byte == b' ').count();
    blanks >= 4 || line.get(blanks) == Some(&b'\t')
}

fn is_end(line: &[u8]) -> bool {
    [b"---", b"..."]
        .iter()
        .any(|end| line.strip_prefix(*end).is_some_and(|rest| rest.first().is_none_or(|b| *b == b' ')))
}

/// The fields in the text of a header.
pub(super) fn fields(text: &str) -> Fields {
    let mut written: Vec<(String, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        match (key(line.trim_end().as_bytes()), written.last_mut()) {
            (Some(key), _) => {
                let name = key.to_ascii_lowercase().replace(' ', "");
                let value = line.split_once(':').map_or("", |(_, value)| unquoted(value.trim()));
                match written.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, values)) => values.push(value),
                    None => written.push((name, vec![value])),
                }
            }
            (None, Some((_, values))) => values.push(line.trim()),
            (None, None) => {}
        }
    }
    let mut fields = Fields::default();
    for (name, values) in written {
        if let Some(value) = value(&name, &values) {
            fields.set(&name, value);
        }
    }
    in_terms_of_hugo(&mut fields);
    fields
}

/// A value without the quotation marks around it, which people bring along from YAML.
fn unquoted(value: &str) -> &str {
    let inside = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    inside.filter(|inside| !inside.contains(['"', '\''])).unwrap_or(value)
}

/// The value of a field; `None` if it is empty.
fn value(name: &str, lines: &[&str]) -> Option<Value> {
    match (name, lines) {
        (_, [only]) if only.is_empty() => None,
        ("tags" | "categories" | "authors", _) => Some(list(&lines.join(","))).filter(|list| *list != json!([])),
        ("title", _) => Some(lines.join(" ").into()),
        ("summary", _) => Some(lines.join("\n").into()),
        (_, [first, ..]) if ONCE.contains(&name) => Some(*first).filter(|first| !first.is_empty()).map(Value::from),
        (_, [only]) => Some((*only).into()),
        _ => Some(lines.iter().copied().filter(|line| !line.is_empty()).collect()),
    }
}

/// The items of a list, in brackets or not: separated by semicolons if it has any, by commas otherwise.
pub fn list(text: &str) -> Value {
    let separator = if text.contains(';') { ';' } else { ',' };
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let mut items: Vec<&str> = Vec::new();
    for item in text.split(separator).map(|item| unquoted(item.trim())) {
        if !item.is_empty() && !items.contains(&item) {
            items.push(item);
        }
    }
    items.into()
}

/// What only Pelican has: a `status`, and a summary in Markdown, which becomes text.
pub fn in_terms_of_hugo(fields: &mut Fields) {
    if let Some(Value::String(text)) = fields.get("summary").cloned()
        && text.contains(['*', '_', '`', '[', '<', '\n'])
    {
        fields.set("summary", summary(&Document::parse(&text)));
    }
    match fields.get("status").and_then(Value::as_str).map(|status| status.trim().to_lowercase()).as_deref() {
        None | Some("" | "published") => {}
        // At its address, but in no list.
        Some("hidden") => fields.set("build", json!({"list": "never"})),
        // Pelican leaves out what has a status it does not know.
        Some(_) => fields.set("draft", true),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<(Value, &str)> {
        match header(text.as_bytes(), 0) {
            Header::Closed(end, body) => Some((Value::Object(fields(&text[..end]).rest()), &text[body..])),
            Header::Open(true) => Some((Value::Object(fields(text).rest()), "")),
            Header::Open(false) | Header::Absent => None,
        }
    }

    #[test]
    fn fields_are_those_of_pelican() {
        let text = "Title: Tides: a *view*\nNumber: 1\nDATE: 2026-01-02 18:46\nCategory: Tides this week\nTags: moon, sea,, moon\n\
                    Authors: Example, Ann; Example, Bo\nSummary: Low\n    *tide*\nLang: de\nStatus: Draft\nSlug:\nFoo: a\n    b\n\nBody";
        let expected = json!({
            "title": "Tides: a *view*", "number": "1", "date": "2026-01-02 18:46", "category": "Tides this week",
            "tags": ["moon", "sea"], "authors": ["Example, Ann", "Example, Bo"], "summary": "Low tide", "status": "Draft",
            "foo": ["a", "b"], "lang": "de", "draft": true
        });
        assert_eq!(read(text), Some((expected, "Body")));
        let hidden = json!({"title": "a", "status": "hidden", "build": {"list": "never"}});
        assert_eq!(read("title: a\nstatus: hidden\n\n"), Some((hidden, "")));
        assert_eq!(read("title: a\nstatus: published\ndate: 1\ndate: 2\n").unwrap().0["date"], "1");
    }

    #[test]
    fn a_header_ends_at_a_blank_line_a_fence_or_the_text() {
        for (text, body) in [
            ("Title: a\n\nb", "b"),
            ("Title: a\r\n \t\r\nb", "b"),
            ("Title: a\n--- \nb", "b"),
            ("Title: a\n...\nb", "b"),
            ("Title: a", ""),
            ("Date: 2026-01-01\nTags: a\n\nb", "b"),
            ("Date: 2026-01-01\n  Title: a\n# b\n", "# b\n"),
            ("Title: a\nSlug: a\nb\n", "b\n"),
            ("LaTeX Config: x\nBase Header Level: 2\nTitle: a\n\nb", "b"),
        ] {
            assert_eq!(read(text).map(|(_, body)| body), Some(body), "{text}");
        }
    }

    #[test]
    fn prose_is_not_a_header() {
        for text in [
            "Note: the tide.\n\nText",
            "Title: the tide is low,\nand the water is cold.\n",
            "Warning: Title: a\n\n",
            "https://example.org\n\n",
            ": a\nTitle: a\n\n",
            "    Title: a\n\n",
            "In a word: low\nTitle: a\n\n",
            "Date: 2026-01-01\n\n",
            "标题: a\nTitle: b\n\n",
            "Title\n\n",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn broken_headers_are_told_from_text() {
        for text in ["\u{feff}\nTitle：Low\n", "Slug: low\nDate: x\n", "标题: 潮\n", "Title: a,\nb\n"] {
            assert!(is_broken(text.as_bytes()), "{text}");
        }
        for text in ["# Low\n", "Note: low\n", "The title: low\n", "Title\n", ""] {
            assert!(!is_broken(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        /// Whatever the text, offsets are within it, and more text never changes a header that has ended.
        #[test]
        fn any_text_is_read(text in "((Title|Date|Tags|A b|潮)?[ \t]{0,5}(:|：)?[ a-z,;潮<*-]{0,6}\r?\n?){0,6}", more in "[a-z:\n ]{0,9}") {
            let found = header(text.as_bytes(), 0);
            if let Header::Closed(end, body) = found {
                prop_assert!(end <= body && body <= text.len());
                prop_assert!(text.is_char_boundary(end) && text.is_char_boundary(body));
                let longer = header((text.clone() + &more).as_bytes(), 0);
                prop_assert!(longer == found || !text[..body].ends_with('\n'), "{:?}", longer);
            }
            read(&text);
        }

        /// Each value is read as it is written.
        #[test]
        fn any_value_round_trips(value in "[^\\s\\p{Cc}][^\n\r\u{b}\u{c}\u{1c}-\u{1f}\u{85}\u{2028}\u{2029}]{0,30}[^\\s\\p{Cc}]") {
            let text = format!("Foo: {value}\nTitle: {value}\n\nText");
            let (fields, body) = read(&text).unwrap();
            let read = json!(unquoted(&value));
            prop_assert_eq!((&fields["foo"], &fields["title"], body), (&read, &read, "Text"));
        }
    }
}
