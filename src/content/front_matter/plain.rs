//! The plain front matter of nearly all issues, read without a YAML parser, which would take half the time of a build: a line for
//! each field, with a text, a number, a truth value, or a list of texts.
//!
//! Takes YAML; returns exactly what `yaml` reads there, or `None` for everything else, valid or not.

use memchr::{memchr, memchr_iter, memchr2, memchr3_iter};
use serde_json::Value;

use crate::content::front_matter::yaml::Mapping;

/// The mapping that a plain text contains.
pub(super) fn mapping(text: &str) -> Option<Mapping> {
    if !has_only_plain_characters(text) {
        return None;
    }
    // Room for the fields of most issues.
    let mut mapping = Mapping { entries: Vec::with_capacity(16), repeated: None };
    let mut rest = text;
    while let Some(line) = next_line(&mut rest) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let colon = memchr(b':', line.as_bytes())?;
        let (key, written) = (&line[..colon], &line[colon + 1..]);
        let value = match written.trim_matches(' ') {
            _ if !is_key(key) || !(written.is_empty() || written.starts_with(' ')) => return None,
            "" => list(&mut rest)?,
            value if value.starts_with('[') => flow_list(value)?,
            value => scalar(value)?,
        };
        mapping.push(key.to_ascii_lowercase(), value);
    }
    // A text without fields is nothing, or something else.
    (!mapping.entries.is_empty()).then_some(mapping)
}

/// Removes the first line and returns it, without its end.
fn next_line<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
    let line = Some(&rest[..end]).filter(|_| !rest.is_empty())?;
    *rest = rest.get(end + 1..).unwrap_or_default();
    Some(line.strip_suffix('\r').unwrap_or(line))
}

/// No tabs, no line breaks but line feeds, alone or after a carriage return, none of the characters that YAML forbids or takes
/// for a line break.
fn has_only_plain_characters(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Without branches, so that many bytes are compared at once.
    let is_control = |byte: u8| byte < b' ' && byte != b'\n' && byte != b'\r' || byte == 0x7f;
    let has_control = bytes.iter().fold(false, |has, byte| has | is_control(*byte));
    let breaks_line = |at: usize| bytes.get(at + 1) == Some(&b'\n');
    // U+0080 to U+009F, U+2028 and U+2029, U+FEFF, U+FFFE and U+FFFF.
    let is_forbidden = |at: usize| {
        matches!(
            bytes[at..],
            [0xc2, 0x80..=0x9f, ..]
                | [0xe2, 0x80, 0xa8 | 0xa9, ..]
                | [0xef, 0xbb, 0xbf, ..]
                | [0xef, 0xbf, 0xbe | 0xbf, ..]
        )
    };
    !has_control
        && memchr_iter(b'\r', bytes).all(breaks_line)
        && !memchr3_iter(0xc2, 0xe2, 0xef, bytes).any(is_forbidden)
}

fn is_key(key: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    key.len() <= 100 && key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.bytes().all(is_name) && !is_word(key)
}

/// Whether YAML knows this text, or a spelling of it, as another value.
fn is_word(text: &str) -> bool {
    ["true", "false", "null"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The lines of a list below its key, each with one item, all with the same indentation; null if there is none.
fn list(rest: &mut &str) -> Option<Value> {
    let (mut items, mut indentation, mut behind) = (Vec::new(), None, *rest);
    while let Some(line) = next_line(&mut behind) {
        let item = line.trim_start_matches(' ');
        let width = line.len() - item.len();
        match item.strip_prefix("- ") {
            Some(item) if *indentation.get_or_insert(width) == width => items.push(scalar(item.trim_matches(' '))?),
            // Another indentation, or something other than a list.
            Some(_) => return None,
            None if width > 0 || item.is_empty() || item.starts_with(['-', '#']) => return None,
            None => break,
        }
        *rest = behind;
    }
    Some(if items.is_empty() { Value::Null } else { Value::Array(items) })
}

/// A list in brackets on one line.
fn flow_list(text: &str) -> Option<Value> {
    let mut rest = text.strip_prefix('[')?.strip_suffix(']')?.trim_matches(' ');
    let mut items = Vec::new();
    while !rest.is_empty() {
        let end = match rest.as_bytes()[0] {
            quote @ (b'"' | b'\'') => rest[1..].find(char::from(quote))? + 2,
            _ => rest.find(',').unwrap_or(rest.len()),
        };
        let (item, behind) = rest.split_at(end);
        let item = item.trim_matches(' ');
        let is_quoted = item.starts_with(['"', '\'']);
        if item.is_empty() || !is_quoted && item.contains(['[', ']', '{', '}', '"', '\'', ':', '#', '?']) {
            return None;
        }
        items.push(scalar(item)?);
        rest = match behind.trim_matches(' ') {
            "" => "",
            behind => behind.strip_prefix(',')?.trim_start_matches(' '),
        };
    }
    Some(Value::Array(items))
}

/// A value on one line, without spaces around it.
fn scalar(text: &str) -> Option<Value> {
    match *text.as_bytes().first()? {
        quote @ (b'"' | b'\'') => {
            let inside = text.get(1..text.len() - 1).filter(|_| text.len() > 1 && text.ends_with(char::from(quote)))?;
            memchr2(b'\\', quote, inside.as_bytes()).is_none().then(|| Value::String(inside.to_owned()))
        }
        b'0'..=b'9' => digits(text),
        first if first.is_ascii_alphabetic() || !first.is_ascii() => word(text),
        _ => None,
    }
}

/// A number, or a date, which is text.
fn digits(text: &str) -> Option<Value> {
    let is_number = text.len() < 16 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (text == "0" || !text.starts_with('0')) {
        return text.parse::<u64>().ok().map(Value::from);
    }
    let shape = text.as_bytes().first_chunk::<10>()?.map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    (&shape == b"0000-00-00" && is_text(text)).then(|| Value::String(text.to_owned()))
}

fn word(text: &str) -> Option<Value> {
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ => (!is_word(text) && is_text(text)).then(|| Value::String(text.to_owned())),
    }
}

/// Whether a text without quotes goes to the end of its line.
fn is_text(text: &str) -> bool {
    !text.contains(": ") && !text.ends_with(':') && !text.contains(" #")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What both readers return, if the plain one reads it.
    fn both(text: &str) -> Option<(Mapping, Result<Option<Mapping>, String>)> {
        let parsed = serde_yaml::from_str::<Option<Mapping>>(text).map_err(|error| error.to_string());
        mapping(text).map(|plain| (plain, parsed))
    }

    fn entries(text: &str) -> Option<Vec<(String, Value)>> {
        let (plain, parsed) = both(text)?;
        let parsed = parsed.unwrap().unwrap_or_default();
        assert_eq!((&plain.entries, &plain.repeated), (&parsed.entries, &parsed.repeated), "{text}");
        Some(plain.entries)
    }

    #[test]
    fn common_front_matter_is_plain() {
        let text = "# by hand\nTitle: \"潮汐: 第 1 期\"\nauthor: SOFA 团队\ndate: 2026-11-20T08:00:41+08:00\nday: 2026-11-20\n\
                    draft: false\nweight: 10\ntags: [\"Sea\", moon tide, 'x, y', 2026]\ncategories:\n  - 每周 [1]\n  - 'b'\n\
                    link: https://example.org/a?b=c#d\nempty:\naliases:\n- /old/\n";
        // An item that begins with a slash is left to the parser.
        assert!(entries(text).is_none());
        let entries = entries(&text.replace("/old/", "old")).unwrap();
        assert_eq!(entries.len(), 11);
        assert_eq!(entries[6], ("tags".into(), serde_json::json!(["Sea", "moon tide", "x, y", 2026])));
        assert_eq!(entries[9], ("empty".into(), Value::Null));
    }

    #[test]
    fn front_matter_may_have_the_line_ends_of_windows() {
        let text = "title: 潮汐\r\n# by hand\r\n\r\ntags:\r\n  - 'a'\r\n  - b c\r\nempty:\r\n";
        assert_eq!(entries(text), entries(&text.replace('\r', "")));
        assert_eq!(entries(text).map(|entries| entries.len()), Some(3));
        assert!(mapping("a: b\r\r\n").is_none());
    }

    #[test]
    fn everything_else_is_left_to_the_parser() {
        for text in [
            "",
            "# nothing\n",
            "a: b\n  c\n",
            "a: |\n  b\n",
            "a: &x b\n",
            "a: *x\n",
            "a: !t b\n",
            "a: b # c\n",
            "a: b: c\n",
            "a: \"\\n\"\n",
            "a: 'it''s'\n",
            "a: \"b\" c\n",
            "a: 010\n",
            "a: 1.5\n",
            "a: -1\n",
            "a: ~\n",
            "a: True\n",
            "a: {b: c}\n",
            "a: [b, [c]]\n",
            "a: [b,, c]\n",
            "a: [b: c]\n",
            "a: [b\n",
            "a:\tb\n",
            "a:b\n",
            "a : b\n",
            "? a\n",
            "true: a\n",
            "<<: a\n",
            "a:\n  b: c\n",
            "a:\n  - b\n    c\n",
            "a:\n  - b\n - c\n",
            "a:\n  - b: c\n",
            "a:\n  -\n",
            "a:\n  - - b\n",
            "a:\n\n  - b\n",
            "a: b\u{2028}c\n",
            "a: b\u{85}c: d\n",
            "a: b\rc: d\n",
            "a: 2026-11-20: b\n",
            "- a\n",
            "a\n",
            "a: 'b\n",
            "a: \"\n",
            "a: '\n",
            "a: %b\n",
            "a: @b\n",
            "a: b\n--- \n",
            "a: b\n...\n",
        ] {
            assert!(mapping(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn each_character_is_plain_or_not() {
        let is_plain = |c: char| !matches!(c, '\0'..='\t' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
        for c in '\0'..=char::MAX {
            assert_eq!(has_only_plain_characters(&format!("潮{c}")), is_plain(c), "{c:?}");
        }
    }

    /// Lines that are plain, nearly so, or anything.
    fn line() -> impl Strategy<Value = String> {
        let text = "[ab潮Ty][ab潮é,:#'\"\\[\\]{}&*!|>%@ .0-9-]{0,8}";
        let quoted = "(\"[ab #:,'潮\\[]{0,6}\"|'[ab #:,\"潮{]{0,6}') ?";
        let flow =
            "\\[ ?([ab潮0-9. ]{1,4}|\"[ab,]{0,3}\"|'[a:\\]]{0,3}')( ?, ?([ab0-9]{1,3}|\"[ab#]{0,3}\" ?)){0,3}\\]";
        let number = "[0-9]{1,4}|2026-11-20[ T:0-9+Z]{0,9}|true|null|yes|0x1f|1e5|-1|\\.inf|~";
        let list = "(\n ?- [ab潮0-9:#'\\[ ]{1,4}){0,3}";
        let value = prop_oneof![text, quoted, flow, number, list].prop_map(|value| value.to_owned());
        let plain = ("[a-eT]{1,2}: ?", value, "\r?\n").prop_map(|(key, value, end)| key + &value + &end);
        prop_oneof![8 => plain, 1 => "[ab: \"'\\[\\]{}#\t潮\u{85}\u{2028}-]{0,6}\n"]
    }

    proptest! {
        /// Nothing that is read differs from what the parser reads.
        #[test]
        fn the_parser_reads_the_same(lines in proptest::collection::vec(line(), 1..4)) {
            let text = lines.concat();
            if let Some((plain, parsed)) = both(&text) {
                let parsed = parsed.map_err(|error| TestCaseError::fail(format!("{text:?}: {error}")))?.unwrap_or_default();
                prop_assert_eq!((plain.entries, plain.repeated), (parsed.entries, parsed.repeated), "{:?}", text);
            }
        }
    }
}
