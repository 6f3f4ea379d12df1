//! Scans a tag of HTML, JSX or Vue with its attributes.
//!
//! Takes a text and the place of a `<`; returns the name, and each attribute with its value as text or as script.

use std::ops::Range;

use crate::content::format::body::script::Scripts;

/// A tag.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tag<'a> {
    pub range: Range<usize>,
    /// As written: empty for a fragment.
    pub name: &'a str,
    pub kind: Kind,
    pub attributes: Vec<(&'a str, Value<'a>)>,
}

/// What a tag does to its element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Opens,
    Closes,
    /// Both: `<Toc/>`.
    Alone,
}

/// The value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// None: `disabled`.
    Absent,
    Text(&'a str),
    /// `{…}`, without the braces.
    Script(&'a str),
}

impl<'a> Tag<'a> {
    /// The tag at a byte of the text, which is a `<`.
    pub fn at(scripts: &mut Scripts<'a>, at: usize) -> Option<Self> {
        let text = scripts.text;
        let rest = text[at + 1..].trim_start_matches('/');
        let is_start = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '>');
        if !is_start || text.len() - at - 1 - rest.len() > 1 {
            return None;
        }
        let mut reader = Reader { scripts, at: text.len() - rest.len() };
        let tag = reader.tag(at);
        let looked_at = reader.at - at;
        scripts.try_to(|_| (tag, looked_at))
    }
}

struct Reader<'s, 'a> {
    scripts: &'s mut Scripts<'a>,
    at: usize,
}

impl<'a> Reader<'_, 'a> {
    fn tag(&mut self, start: usize) -> Option<Tag<'a>> {
        let text = self.scripts.text;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name = self.while_in(is_name);
        let mut kind = if text[start + 1..].starts_with('/') { Kind::Closes } else { Kind::Opens };
        let mut attributes = Vec::new();
        loop {
            let space = self.while_in(char::is_whitespace);
            if space.matches('\n').count() > 1 {
                return None;
            }
            let rest = &text[self.at..];
            if rest.starts_with('>') {
                self.at += 1;
                return Some(Tag { range: start..self.at, name, kind, attributes });
            }
            if rest.starts_with("/>") && kind == Kind::Opens {
                kind = Kind::Alone;
                self.at += 1;
            } else if space.is_empty() || kind == Kind::Closes || name.is_empty() {
                return None;
            } else {
                attributes.push(self.attribute()?);
            }
        }
    }

    fn attribute(&mut self) -> Option<(&'a str, Value<'a>)> {
        let text = self.scripts.text;
        if text[self.at..].starts_with('{') {
            return Some(("", Value::Script(self.braces()?)));
        }
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '@' | '#' | '.' | '$' | '[' | ']');
        let name = self.while_in(is_name);
        let after = text[self.at..].trim_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_start).filter(|_| !name.is_empty()) else {
            return (!name.is_empty()).then_some((name, Value::Absent));
        };
        self.at = text.len() - value.len();
        let quote = value.chars().next()?;
        if quote == '{' {
            return Some((name, Value::Script(self.braces()?)));
        }
        if matches!(quote, '"' | '\'') {
            let start = self.at + 1;
            let Some(length) = memchr::memchr(quote as u8, &text.as_bytes()[start..]) else {
                self.at = text.len();
                return None;
            };
            self.at = start + length + 1;
            let quoted = &text[start..start + length];
            return (!quoted.contains("\n\n")).then_some((name, Value::Text(quoted)));
        }
        let value =
            self.while_in(|c| !c.is_whitespace() && !matches!(c, '>' | '"' | '\'' | '<' | '=' | '`' | '{' | '/'));
        (!value.is_empty()).then_some((name, Value::Text(value)))
    }

    fn braces(&mut self) -> Option<&'a str> {
        let end = self.scripts.end_of_brackets(self.at)?;
        let inside = &self.scripts.text[self.at + 1..end - 1];
        self.at = end;
        Some(inside)
    }

    fn while_in(&mut self, is_in: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.scripts.text[self.at..];
        let part = &rest[..rest.find(|c| !is_in(c)).unwrap_or(rest.len())];
        self.at += part.len();
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_attribute_is_read() {
        let text = "<Foo.Bar a b='1' c={ {d: '>'} } :e=\"f\"\n @g='h' {...i} #j k=l/> m";
        let tag = Tag::at(&mut Scripts::new(text), 0).unwrap();
        assert_eq!((&text[tag.range.end..], tag.name, tag.kind), (" m", "Foo.Bar", Kind::Alone));
        let expected = [
            ("a", Value::Absent),
            ("b", Value::Text("1")),
            ("c", Value::Script(" {d: '>'} ")),
            (":e", Value::Text("f")),
            ("@g", Value::Text("h")),
            ("", Value::Script("...i")),
            ("#j", Value::Absent),
            ("k", Value::Text("l")),
        ];
        assert_eq!(tag.attributes, expected);
        let closing = Tag::at(&mut Scripts::new("</Foo >"), 0).unwrap();
        assert_eq!((closing.name, closing.kind), ("Foo", Kind::Closes));
        assert_eq!(Tag::at(&mut Scripts::new("<>"), 0).map(|tag| tag.name), Some(""));
    }

    #[test]
    fn not_every_angle_bracket_begins_a_tag() {
        for text in [
            "<",
            "< a>",
            "<1>",
            "<https://a.example.org>",
            "<a@b>",
            "<a",
            "<a b=>",
            "<a b={>",
            "<a\n\nb>",
            "<//a>",
            "<a b='",
        ] {
            assert_eq!(Tag::at(&mut Scripts::new(text), 0), None, "{text}");
        }
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        for part in ["<A b={", "<A b=\"", "<A ", "<A {`", "<A b={} ", "<A b=' ' c="] {
            let text = part.repeat(1 << 16);
            let mut scripts = Scripts::new(&text);
            for (at, _) in text.match_indices('<') {
                Tag::at(&mut scripts, at);
            }
        }
    }
}
