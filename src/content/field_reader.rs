//! Reads the fields of one front matter: forgiving in form, noting what is wrong at its line.

use chrono::{DateTime, FixedOffset};
use serde_json::{Map, Value};

use crate::content::front_matter::{Block, Fields};
use crate::finding::Finding;

/// The fields of one file while they are read.
pub(super) struct FieldReader<'a> {
    path: &'a str,
    block: &'a Block<'a>,
    fields: Fields,
    findings: Vec<Finding>,
}

impl<'a> FieldReader<'a> {
    pub fn new(path: &'a str, block: &'a Block<'a>) -> Result<Self, Box<Finding>> {
        Ok(Self { path, block, fields: block.fields(path)?, findings: Vec::new() })
    }

    /// The field as written; a null counts as absent.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.take(name).filter(|value| !value.is_null())
    }

    /// The field as written, which stays for those who read the rest.
    pub fn look(&self, name: &str) -> Option<&Value> {
        self.fields.look(name).filter(|value| !value.is_null())
    }

    /// A string, trimmed; a number or truth value as text. Blank counts as absent.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let text = match self.take(name)? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            _ => {
                self.wrong(name, "it is not text", "write one line of text");
                return None;
            }
        };
        (!text.is_empty()).then_some(text)
    }

    /// A list of strings, or one string for a list of one.
    pub fn list(&mut self, name: &str) -> Vec<String> {
        let items = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(value) => vec![value],
        };
        let text = |item: &Value| match item {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        };
        let texts: Vec<String> = items.iter().filter_map(text).collect();
        if items.iter().any(|item| !item.is_null() && text(item).is_none()) {
            self.odd(name, "it holds something that is not text", "write a list of names");
        }
        texts
    }

    /// `true` or `false`, also between quotes.
    pub fn truth(&mut self, name: &str, default: bool) -> bool {
        match self.take(name) {
            None => default,
            Some(Value::Bool(truth)) => truth,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => false,
            Some(Value::String(text)) if text.trim().is_empty() => default,
            Some(value) => {
                self.wrong(name, &format!("{value} is neither true nor false"), "write `true` or `false`");
                default
            }
        }
    }

    /// A date, read by `parse`. Blank counts as absent.
    pub fn date(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<DateTime<FixedOffset>>,
    ) -> Option<DateTime<FixedOffset>> {
        let text = match self.take(name)? {
            Value::String(text) if text.trim().is_empty() => return None,
            Value::String(text) => text,
            other => other.to_string(),
        };
        let date = parse(&text);
        if date.is_none() {
            self.wrong(name, &format!("`{text}` is no date"), "write one such as `2026-11-23T15:00:00+08:00`");
        }
        date
    }

    /// Everything that was not asked for, if anything.
    pub fn rest(&mut self) -> Option<Box<Map<String, Value>>> {
        Some(std::mem::take(&mut self.fields).rest()).filter(|rest| !rest.is_empty()).map(Box::new)
    }

    /// Notes something for which the issue is left out.
    pub fn wrong(&mut self, name: &str, why: &str, help: &str) {
        let finding = Finding::error("front-matter-value", format!("`{name}`: {why}"));
        self.findings.push(finding.help(help).at(self.block.place(self.path, name)));
    }

    /// Notes something that is left out of the issue.
    pub fn odd(&mut self, name: &str, why: &str, help: &str) {
        let finding = Finding::warning("front-matter-value", format!("`{name}`: {why}"));
        self.findings.push(finding.help(help).at(self.block.place(self.path, name)));
    }

    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

/// Returns the text with entities decoded, and blanks and line breaks folded: authors paste HTML into plain-text fields.
pub(super) fn plain_text(text: &str) -> String {
    html_escape::decode_html_entities(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
