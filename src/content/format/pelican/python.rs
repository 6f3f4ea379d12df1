//! The settings of a Python file: assignments of literals at its margin.
//!
//! Takes the text; returns the values by name. Also reads names that were assigned before, `+` between texts or lists, and
//! `A if NAME else B`; whatever else a file computes is skipped, for nothing is run.

use serde_json::{Map, Value};

use crate::content::format::Settings;

/// How deep values may be nested.
const MAX_DEPTH: usize = 32;

/// How long a text or list may be that other settings refer to: each could double it.
const MAX_LENGTH: usize = 4096;

/// Returns the settings; the last assignment to a name counts.
pub(super) fn settings(text: &str) -> Settings {
    let mut reader = Reader { text, at: 0, settings: Settings::new() };
    while reader.at < text.len() {
        let start = reader.at;
        if let Some((name, adds, value)) = reader.assignment() {
            let old = reader.settings.get(&name).cloned().filter(|_| adds);
            let value = old.map_or(Some(value.clone()), |old| sum(old, value));
            reader.settings.extend(value.map(|value| (name, value)));
        } else {
            reader.at = start;
        }
        reader.skip_statement();
    }
    reader.settings
}

/// Texts and lists are joined.
fn sum(a: Value, b: Value) -> Option<Value> {
    let sum = match (a, b) {
        (Value::String(a), Value::String(b)) => Some(Value::String(a + &b)),
        (Value::Array(a), Value::Array(b)) => Some(a.into_iter().chain(b).collect()),
        _ => None,
    };
    sum.filter(is_short)
}

/// Whether settings may refer to a value.
fn is_short(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= MAX_LENGTH,
        Value::Array(items) => items.len() <= MAX_LENGTH,
        _ => true,
    }
}

fn is_flat(value: &Value) -> bool {
    let is_single = |item: &Value| !item.is_array() && !item.is_object() && is_short(item);
    is_single(value) || value.as_array().is_some_and(|items| items.len() <= 64 && items.iter().all(is_single))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    settings: Settings,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// `NAME = …`, `NAME: type = …` or `NAME += …`, up to the end of the statement.
    fn assignment(&mut self) -> Option<(String, bool, Value)> {
        let name = self.name()?.to_owned();
        self.skip_blanks();
        if self.rest().starts_with(':') {
            let end = self.rest().find(['=', '\n', '\'', '"', '#'])?;
            self.at += end;
        }
        let adds = self.take("+=");
        if !adds && (self.rest().starts_with("==") || !self.take("=")) {
            return None;
        }
        let value = self.expression(0, false)?;
        self.skip_blanks();
        let is_whole = matches!(self.rest().as_bytes().first(), None | Some(b'\n' | b'\r' | b';' | b'#'));
        is_whole.then_some((name, adds, value))
    }

    fn name(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest[..length].starts_with(|c: char| c.is_alphabetic() || c == '_').then_some(&rest[..length])?;
        self.at += length;
        Some(name)
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let start = self.at;
        self.skip_blanks();
        let found = self.name() == Some(word);
        self.at = if found { self.at } else { start };
        found
    }

    /// Values joined by `+`, and which of two a name decides.
    fn expression(&mut self, depth: usize, in_brackets: bool) -> Option<Value> {
        let mut value = self.value(depth, in_brackets);
        self.skip(in_brackets);
        while value.is_some() && self.take("+") {
            let next = self.value(depth, in_brackets)?;
            value = value.and_then(|value| sum(value, next));
            self.skip(in_brackets);
        }
        if !self.take_word("if") {
            return value;
        }
        let is_negated = self.take_word("not");
        self.skip(in_brackets);
        let condition = self.value(depth, in_brackets);
        self.skip(in_brackets);
        let otherwise = if self.take_word("else") { self.expression(depth + 1, in_brackets)? } else { return None };
        if is_true(&condition?) != is_negated { value } else { Some(otherwise) }
    }

    fn value(&mut self, depth: usize, in_brackets: bool) -> Option<Value> {
        self.skip(in_brackets);
        match self.rest().as_bytes().first()? {
            _ if depth > MAX_DEPTH => None,
            b'[' => self.items("[", "]", depth).map(|(items, _)| Value::Array(items)),
            b'(' => match self.items("(", ")", depth)? {
                // Parentheses around one value do not make a tuple.
                (mut items, false) if items.len() == 1 => items.pop(),
                (items, _) => Some(Value::Array(items)),
            },
            b'{' => self.dictionary(depth),
            b'-' | b'.' | b'0'..=b'9' => self.number(),
            _ => self.texts(in_brackets).or_else(|| match self.name()? {
                "True" => Some(Value::Bool(true)),
                "False" => Some(Value::Bool(false)),
                "None" => Some(Value::Null),
                name => self.settings.get(name).filter(|value| is_flat(value)).cloned(),
            }),
        }
    }

    /// The items between brackets, and whether a comma is among them.
    fn items(&mut self, open: &str, close: &str, depth: usize) -> Option<(Vec<Value>, bool)> {
        self.take(open);
        let (mut items, mut has_comma) = (Vec::new(), false);
        loop {
            self.skip(true);
            if self.take(close) {
                return Some((items, has_comma));
            }
            items.push(self.expression(depth + 1, true)?);
            self.skip(true);
            if self.take(",") {
                has_comma = true;
            } else if !self.rest().starts_with(close) {
                return None;
            }
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value> {
        self.take("{");
        let mut entries = Map::new();
        loop {
            self.skip(true);
            if self.take("}") {
                return Some(Value::Object(entries));
            }
            let key = match self.value(depth + 1, true)? {
                Value::String(key) => key,
                other => other.to_string(),
            };
            self.skip(true);
            if !self.take(":") {
                return None;
            }
            entries.insert(key, self.expression(depth + 1, true)?);
            self.skip(true);
            if !self.take(",") && !self.rest().starts_with('}') {
                return None;
            }
        }
    }

    fn number(&mut self) -> Option<Value> {
        let rest = self.rest();
        let length = rest.find(|c: char| !matches!(c, '0'..='9' | '.' | '_' | '-')).unwrap_or(rest.len());
        let digits = rest[..length].replace('_', "");
        self.at += length;
        digits.parse::<i64>().map(Value::from).or_else(|_| digits.parse::<f64>().map(Value::from)).ok()
    }

    /// Texts beside each other, which are one.
    fn texts(&mut self, in_brackets: bool) -> Option<Value> {
        let mut whole = self.text()?;
        loop {
            let end = self.at;
            self.skip(in_brackets);
            match self.text() {
                Some(text) => whole.push_str(&text),
                None => {
                    self.at = end;
                    return Some(Value::String(whole));
                }
            }
        }
    }

    /// A text; none with parts that are computed.
    fn text(&mut self) -> Option<String> {
        let rest = self.rest();
        let prefix = rest.find(['\'', '"']).filter(|at| *at <= 2)?;
        let (prefix, quoted) = rest.split_at(prefix);
        if !prefix.chars().all(|c| "rRuUbB".contains(c)) {
            return None;
        }
        let quote = delimiter(quoted);
        let start = self.at + prefix.len() + quote.len();
        let end = end_of_text(self.text, start, quote)?;
        self.at = end + quote.len();
        let inside = &self.text[start..end];
        Some(if prefix.contains(['r', 'R']) { inside.to_owned() } else { unescaped(inside) })
    }

    fn skip_blanks(&mut self) {
        while self.take(" ") || self.take("\t") || self.take("\\\n") || self.take("\\\r\n") {}
    }

    /// Skips blanks; in brackets also line ends and comments.
    fn skip(&mut self, in_brackets: bool) {
        loop {
            self.skip_blanks();
            if in_brackets && self.rest().starts_with('#') {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if !in_brackets || !(self.take("\n") || self.take("\r")) {
                return;
            }
        }
    }

    /// Skips to the beginning of the next statement, past texts and brackets.
    fn skip_statement(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.rest().as_bytes().first() {
            match byte {
                b'#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                b'\'' | b'"' => {
                    let quote = delimiter(self.rest());
                    let start = self.at + quote.len();
                    let end = end_of_text(self.text, start, quote).map(|end| end + quote.len());
                    self.at = end.unwrap_or_else(|| start + self.text[start..].find('\n').unwrap_or(0));
                }
                b'\n' if depth == 0 => {
                    self.at += 1;
                    return;
                }
                b'\\' => self.at += 1 + self.rest()[1..].chars().next().map_or(0, char::len_utf8),
                byte => {
                    depth = match byte {
                        b'(' | b'[' | b'{' => depth + 1,
                        b')' | b']' | b'}' => depth.saturating_sub(1),
                        _ => depth,
                    };
                    self.at += self.rest().chars().next().map_or(1, char::len_utf8);
                }
            }
        }
    }
}

/// The quotation marks at the beginning: three, or one.
fn delimiter(quoted: &str) -> &str {
    let three = ["'''", "\"\"\""].into_iter().find(|quote| quoted.starts_with(quote));
    three.unwrap_or(&quoted[..1])
}

/// Where the quotation marks close; a text with one of them ends on its line.
fn end_of_text(text: &str, start: usize, quote: &str) -> Option<usize> {
    let mut at = start;
    loop {
        let next = text[at..].find(|c: char| c == '\\' || c == '\n' || quote.starts_with(c))? + at;
        at = match text.as_bytes()[next] {
            b'\\' => next + 1 + text[next + 1..].chars().next()?.len_utf8(),
            b'\n' if quote.len() == 1 => return None,
            _ if text[next..].starts_with(quote) => return Some(next),
            _ => next + 1,
        };
    }
}

/// A text without its escapes; unknown ones stay.
fn unescaped(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(escape) = rest.chars().next() else { break };
        let digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let coded = rest.get(1..=digits).filter(|_| digits > 0).and_then(|code| u32::from_str_radix(code, 16).ok());
        rest = &rest[escape.len_utf8()..];
        match (escape, coded.and_then(char::from_u32)) {
            (_, Some(character)) => {
                out.push(character);
                rest = &rest[digits..];
            }
            ('n', _) => out.push('\n'),
            ('t', _) => out.push('\t'),
            ('r', _) => out.push('\r'),
            ('\n', _) => {}
            ('\\' | '\'' | '"', _) => out.push(escape),
            _ => out.extend(['\\', escape]),
        }
    }
    out + rest
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_are_read() {
        let text = r#"#!/usr/bin/env python
"""A docstring:
SITENAME = 'no'
"""
import os
SITENAME = u'Tides \'n\' \u6f6e'
SITEURL: str = "https://example.org"  # not here
PATH = 'a' \
    'b'
NUMBERS = (1, -2, 1.5, 1_000, True, None,)
ONE = ('x')
PAIRS = [(r"[^\w\s-]", ""),  # a comment, with 'a quote
         ('b', 'c')
        ]
MAP = {'a': {'b': ['c']}, 1: "d",
}
LONG = '''two
lines'''
if os.environ.get('X'):
    SITENAME = 'indented'
F = f'{SITENAME}'
ARTICLE_SAVE_AS = "{slug}/index.html"
ARTICLE_URL = ARTICLE_SAVE_AS
FEED = SITEURL + '/feed'
PATHS = ['a'] + ['b']
PATHS += ['c']
TEST = False
WHERE = 'here' if not TEST else 'there'
COMPUTED = datetime.now()
SITEURL == 'x'
JOINED = os.path.join('a', 'b') + """
PATH = 'no'
"""
"#;
        let expected = json!({
            "SITENAME": "Tides 'n' 潮", "SITEURL": "https://example.org", "PATH": "ab",
            "NUMBERS": [1, -2, 1.5, 1000, true, null], "ONE": "x", "PAIRS": [["[^\\w\\s-]", ""], ["b", "c"]],
            "MAP": {"a": {"b": ["c"]}, "1": "d"}, "LONG": "two\nlines", "ARTICLE_SAVE_AS": "{slug}/index.html",
            "ARTICLE_URL": "{slug}/index.html", "FEED": "https://example.org/feed", "PATHS": ["a", "b", "c"],
            "TEST": false, "WHERE": "here"
        });
        assert_eq!(Value::Object(settings(text)), expected);
    }

    #[test]
    fn broken_files_are_read_as_far_as_possible() {
        for (text, expected) in [
            ("A = 'x\nB = 'y'\n", json!({"B": "y"})),
            ("A = [1, 2\nB = 3\n", json!({})),
            ("A = \\", json!({})),
            ("A = 1;", json!({"A": 1})),
            ("A = 1 2\nB = 1\r\n", json!({"B": 1})),
            ("A = '\\", json!({})),
            ("A = {'a'}\nB = {}", json!({"B": {}})),
            ("A = '\\x4'\n", json!({"A": "\\x4"})),
        ] {
            assert_eq!(Value::Object(settings(text)), expected, "{text}");
        }
        assert!(settings(&format!("A = {}", "[".repeat(1_000_000))).is_empty());
        let doubled = "A = A + A\n".repeat(100);
        assert!(settings(&format!("A = 'x'\n{doubled}"))["A"].as_str().unwrap().len() <= MAX_LENGTH);
        let nested = "A = [A, A]\n".repeat(100);
        assert_eq!(settings(&format!("A = 'x'\n{nested}"))["A"], json!([["x", "x"], ["x", "x"]]));
        assert!(settings(&format!("A = {}", "x if 1 else ".repeat(100_000))).is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "((A|B|\"\"\"|'|r'|\\\\|=|\\+=| if | else |not |[\\[\\](){}:,#+.0-9潮\n \t-]|True){0,12}\n?){0,4}") {
            settings(&text);
        }

        #[test]
        fn any_text_round_trips(value in "[^\u{0}-\u{1f}\u{7f}-\u{9f}]{0,30}") {
            let text = format!("A = {}\n", serde_json::to_string(&value).unwrap());
            let settings = settings(&text);
            prop_assert_eq!(settings.get("A"), Some(&Value::String(value)));
        }
    }
}
