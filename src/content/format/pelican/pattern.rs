//! Patterns of addresses in Python's format: `{date:%Y}/{slug}.html`.
//!
//! Takes a pattern and the values of a page; returns its address.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Datelike, FixedOffset, Timelike};

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field { name: String, format: String },
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FieldValue {
    Text(String),
    Date(DateTime<FixedOffset>),
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// Why it is invalid.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(doubled) = after.strip_prefix(brace) {
                plain.push_str(brace);
                rest = doubled;
                continue;
            }
            let (field, after) =
                after.split_once('}').filter(|_| brace == "{").ok_or("a brace is not closed, or closes none")?;
            let (name, format) = field.split_once(':').unwrap_or((field, ""));
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte)) {
                return Err(format!("`{{{field}}}` is not a field such as `{{slug}}`"));
            }
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(Part::Field { name: name.to_owned(), format: format.to_owned() });
            rest = after;
        }
        parts.push(Part::Text(plain + rest));
        Ok(Self(parts))
    }

    /// Whether it has a field.
    pub fn has_fields(&self) -> bool {
        self.0.len() > 1
    }

    /// The text for a page; `None` if it lacks a value.
    pub fn expand(&self, value: &dyn Fn(&str) -> Option<FieldValue>) -> Option<String> {
        let part = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Field { name, format } => {
                let (name, inner) =
                    name.split_once('.').map_or((name.as_str(), None), |(name, inner)| (name, Some(inner)));
                match (value(name)?, inner) {
                    (FieldValue::Text(text), None) => Some(text),
                    (FieldValue::Date(date), None) => Some(formatted(date, format)),
                    (FieldValue::Date(date), Some(inner)) => number(date, inner, format),
                    (FieldValue::Text(_), Some(_)) => None,
                }
            }
        };
        self.0.iter().map(part).collect()
    }
}

/// `{date.month:02d}`
fn number(date: DateTime<FixedOffset>, name: &str, format: &str) -> Option<String> {
    let number = match name {
        "year" => u32::try_from(date.year()).ok()?,
        "month" => date.month(),
        "day" => date.day(),
        "hour" => date.hour(),
        "minute" => date.minute(),
        "second" => date.second(),
        _ => return None,
    };
    let width = format.trim_end_matches('d').strip_prefix('0').and_then(|width| width.parse().ok()).unwrap_or(0_usize);
    Some(format!("{number:0width$}", width = width.min(9)))
}

/// A date as Pelican formats it: `%-d` has no zero before it, and what is not a directive stays.
fn formatted(date: DateTime<FixedOffset>, format: &str) -> String {
    let (mut out, mut rest) = (String::new(), format);
    if format.is_empty() {
        return date.format("%Y-%m-%d %H:%M:%S%:z").to_string();
    }
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let dash = usize::from(rest[at + 1..].starts_with('-'));
        let Some(letter) = rest[at + 1 + dash..].chars().next() else {
            rest = &rest[at..];
            break;
        };
        let written = &rest[at..at + 1 + dash + letter.len_utf8()];
        let directive = format!("%{letter}");
        let is_known = "aAbBcdfGHIjmMpSUuVwWxXyYzZ%".contains(letter)
            && StrftimeItems::new(&directive).all(|item| item != Item::Error);
        match (is_known, dash) {
            (false, _) => out.push_str(written),
            (true, 0) => out.push_str(&date.format(&directive).to_string()),
            (true, _) => {
                let text = date.format(&directive).to_string();
                let stripped = text.trim_start_matches('0');
                out.push_str(if stripped.is_empty() { "0" } else { stripped });
            }
        }
        rest = &rest[at + written.len()..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expanded(pattern: &str) -> Option<String> {
        let value = |name: &str| match name {
            "slug" => Some(FieldValue::Text("low tide".into())),
            "date" => DateTime::parse_from_rfc3339("2026-02-03T04:05:06+08:00").ok().map(FieldValue::Date),
            _ => None,
        };
        Pattern::parse(pattern).unwrap().expand(&value)
    }

    #[test]
    fn fields_are_filled() {
        for (pattern, expected) in [
            ("blog/{date:%Y}/{date:%m}/{date:%d}/{slug}/", "blog/2026/02/03/low tide/"),
            ("{date:%Y-%-m-%b-%j-%Q-%}.html", "2026-2-Feb-034-%Q-%.html"),
            ("{date.year}/{date.month:02d}/{date.day}", "2026/02/3"),
            ("{{x}}/{slug}", "{x}/low tide"),
            ("{date:%y%y}", "2626"),
        ] {
            assert_eq!(expanded(pattern).as_deref(), Some(expected));
        }
        assert_eq!(expanded("{other}"), None);
        assert_eq!(expanded("{date.zone}"), None);
        assert!(!Pattern::parse("about.html").unwrap().has_fields());
        for pattern in ["{", "}", "{}", "{slug", "a}b", "{slug!r}", "{a b}"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_is_read(pattern in "([{}]|date|slug|[.:%a-zA-Z0-9潮/-]){0,12}") {
            let date = DateTime::<FixedOffset>::default();
            if let Ok(pattern) = Pattern::parse(&pattern) {
                pattern.expand(&|_| Some(FieldValue::Date(date)));
            }
        }
    }
}
