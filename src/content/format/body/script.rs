//! Reads JavaScript only as far as needed to know where it ends, and the values of simple expressions.
//!
//! Takes the script of attributes, expressions and statements, which may contain JSX; returns ranges of bytes and texts.

use std::collections::HashMap;

/// The bytes that searches in vain may look at before they are given up, so that no text takes quadratic time.
const MAX_WASTE: usize = 8 << 20;

/// A scanner of one text.
#[derive(Debug)]
pub(in crate::content::format) struct Scripts<'a> {
    pub text: &'a str,
    wasted: usize,
}

impl<'a> Scripts<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, wasted: 0 }
    }

    /// The place after the bracket that closes the one at a byte.
    pub fn end_of_brackets(&mut self, at: usize) -> Option<usize> {
        self.try_to(|text| (ends(text, at, false), text.len() - at))
    }

    /// The end of the statement that begins at a byte: of the first line on which no bracket is open and nothing follows.
    pub fn end_of_statement(&mut self, at: usize) -> Option<usize> {
        self.try_to(|text| (ends(text, at, true), text.len() - at))
    }

    /// Runs a search, which returns what it found and how many bytes it looked at.
    pub fn try_to<T>(&mut self, search: impl FnOnce(&'a str) -> (Option<T>, usize)) -> Option<T> {
        if self.wasted > MAX_WASTE {
            return None;
        }
        let (found, looked_at) = search(self.text);
        if found.is_none() {
            self.wasted += looked_at;
        }
        found
    }
}

/// Where brackets or a statement end.
fn ends(text: &str, start: usize, is_statement: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open: Vec<u8> = Vec::new();
    let mut count = [0_usize; 3];
    let kind = |byte: u8| b")]}".iter().position(|other| *other == byte);
    let mut at = start;
    while at < bytes.len() {
        let byte = bytes[at];
        let in_template = open.last() == Some(&b'`');
        match byte {
            b'\\' => at += 1,
            b'`' if in_template => drop(open.pop()),
            b'`' => open.push(b'`'),
            b'$' if in_template && bytes.get(at + 1) == Some(&b'{') => {
                open.push(b'}');
                count[2] += 1;
                at += 1;
            }
            _ if in_template => {}
            b'"' | b'\'' => at = end_of_string(bytes, at).unwrap_or(at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = memchr::memmem::find(&bytes[at + 2..], b"*/")?;
                at += end + 3;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') && at > start && bytes[at - 1] != b':' => {
                at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at);
                continue;
            }
            b'(' | b'[' | b'{' => {
                let closing = if byte == b'(' { b')' } else { byte + 2 };
                open.push(closing);
                count[kind(closing).unwrap_or_default()] += 1;
            }
            b')' | b']' | b'}' if count[kind(byte).unwrap_or_default()] > 0 => {
                while let Some(closed) = open.pop() {
                    if let Some(kind) = kind(closed) {
                        count[kind] -= 1;
                    }
                    if closed == byte {
                        break;
                    }
                }
                if open.is_empty() && !is_statement {
                    return Some(at + 1);
                }
            }
            b'\n' if is_statement && open.is_empty() && !goes_on(&text[start..at]) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    (is_statement && open.is_empty()).then_some(bytes.len())
}

/// Whether a line cannot be the last of a statement.
fn goes_on(statement: &str) -> bool {
    let line = statement.rsplit('\n').next().unwrap_or_default().trim_end();
    line.ends_with(['=', ',', '+', '?', ':', '|', '&'])
        || line.ends_with("=>")
        || line.ends_with(" from")
        || line.ends_with("import")
}

/// The closing quote of a string, which is on its line.
pub(in crate::content::format) fn end_of_string(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    loop {
        match *bytes.get(end)? {
            b'\\' => end += 1,
            b'\n' => return None,
            byte if byte == bytes[at] => return Some(end),
            _ => {}
        }
        end += 1;
    }
}

/// Names that stand for texts: imported pictures, and constants.
pub(super) type Names = HashMap<String, String>;

/// The text that an expression stands for, if it is simple: a string, a number, a name, or a call that returns the address of
/// a file (`require('./a.png').default`, `useBaseUrl('/a.png')`).
pub(super) fn value(expression: &str, names: &Names) -> Option<String> {
    const CALLS: [&str; 5] = ["require(", "useBaseUrl(", "withBase(", "$withBase(", "url("];
    let expression = expression.trim();
    if let Some(text) = string(expression) {
        return Some(text);
    }
    if let Some(inside) = CALLS.iter().find_map(|call| expression.strip_prefix(call)) {
        let (argument, after) = inside.split_once(')')?;
        return matches!(after, "" | ".default" | ".src").then(|| string(argument.trim())).flatten();
    }
    if !expression.is_empty() && expression.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Some(expression.to_owned());
    }
    names.get(expression.strip_suffix(".src").or(expression.strip_suffix(".default")).unwrap_or(expression)).cloned()
}

/// The text of a string literal, or of a template without expressions.
pub(in crate::content::format) fn string(literal: &str) -> Option<String> {
    let quote = literal.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let inside = literal[1..].strip_suffix(quote).filter(|_| literal.len() > 1)?;
    let mut text = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                other => text.push(other),
            },
            c if c == quote => return None,
            '$' if quote == '`' && chars.as_str().starts_with('{') => return None,
            c => text.push(c),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_matched_outside_strings() {
        for (text, inside) in [
            ("{a} b", "{a}"),
            ("{'}'} b", "{'}'}"),
            ("{`}${ {a: '`'} }`} b", "{`}${ {a: '`'} }`}"),
            ("{/* } */ a // }\n} b", "{/* } */ a // }\n}"),
            ("{<p>It's</p>} b", "{<p>It's</p>}"),
            ("{<p>a :) (b</p>} c", "{<p>a :) (b</p>}"),
            ("{\"\\\"}\"} c", "{\"\\\"}\"}"),
        ] {
            assert_eq!(Scripts::new(text).end_of_brackets(0), Some(inside.len()), "{text}");
        }
        assert_eq!(Scripts::new("{a").end_of_brackets(0), None);
        let hostile = "{".repeat(1 << 18);
        let mut scripts = Scripts::new(&hostile);
        assert!((0..1 << 18).all(|at| scripts.end_of_brackets(at).is_none()));
    }

    #[test]
    fn simple_expressions_have_values() {
        let names = Names::from([("sea".to_owned(), "./sea.png".to_owned())]);
        for (expression, expected) in [
            ("'a'", Some("a")),
            (" \"it\\'s\" ", Some("it's")),
            ("`a`", Some("a")),
            ("`a${b}`", None),
            ("require('./a.png').default", Some("./a.png")),
            ("useBaseUrl('/a.png')", Some("/a.png")),
            ("sea", Some("./sea.png")),
            ("sea.src", Some("./sea.png")),
            ("80", Some("80")),
            ("b", None),
            ("'a' + 'b'", None),
            ("'", None),
            ("", None),
        ] {
            assert_eq!(value(expression, &names).as_deref(), expected, "{expression}");
        }
    }
}
