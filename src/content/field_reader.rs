//! Reads the fields of one front matter: lenient about form, reporting problems with their line.

use chrono::{DateTime, FixedOffset};
use serde_json::{Map, Value};

use crate::content::front_matter::{Block, Fields};
use crate::finding::{Finding, Place};

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

    /// Adds the fields that are absent.
    pub fn inherit(&mut self, fields: &Map<String, Value>) {
        fields.iter().for_each(|(name, value)| self.fields.inherit(name, value));
    }

    /// The fields that are left.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Changes the fields before they are read.
    pub fn rename(&mut self, change: impl FnOnce(&mut Fields)) {
        change(&mut self.fields);
    }

    /// Removes and returns the field; null counts as absent.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.take(name).filter(|value| !value.is_null())
    }

    /// The field, left in place for templates.
    pub fn peek(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// The field, or the one below `params` or `extra`, where Hugo and Zola ask for fields of one's own.
    pub fn param(&self, name: &str) -> Option<&Value> {
        let below = |field: &str| {
            let mut params = self.peek(field)?.as_object()?.iter().filter(|(_, value)| !value.is_null());
            params.find(|(key, _)| key.to_lowercase() == name).map(|(_, value)| value)
        };
        self.peek(name).or_else(|| below("params")).or_else(|| below("extra"))
    }

    /// Removes and returns the field, or copies the one below `params`.
    pub fn take_param(&mut self, name: &str) -> Option<Value> {
        self.take(name).or_else(|| self.param(name).cloned())
    }

    /// A trimmed string; numbers and booleans become text. Empty counts as absent.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let text = match self.take(name)? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            _ => {
                self.odd(name, "the value is not text", "write one line of text");
                return None;
            }
        };
        (!text.is_empty()).then_some(text)
    }

    /// A list of strings; a single string is a list of one.
    pub fn list(&mut self, name: &str) -> Vec<String> {
        let items = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => flat(items),
            Some(value) => vec![value],
        };
        let mut has_other = false;
        let text = |item: Value| match item {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Object(map) if ["label", "name"].iter().any(|key| map.get(*key).is_some_and(Value::is_string)) => {
                ["label", "name"].iter().find_map(|key| map.get(*key)?.as_str()).map(str::to_owned)
            }
            other => {
                has_other |= !other.is_null();
                None
            }
        };
        let texts = items.into_iter().filter_map(text).collect();
        if has_other {
            self.warn(name, "the list contains a value that is not text", "write a list of names");
        }
        texts
    }

    /// `true` or `false`, as `truth` reads them.
    pub fn boolean(&mut self, name: &str, default: bool) -> bool {
        match self.take(name) {
            None => default,
            Some(Value::String(text)) if text.trim().is_empty() => default,
            Some(value) => truth(&value).unwrap_or_else(|| {
                self.error(name, &format!("{value} is neither `true` nor `false`"), "write `true` or `false`");
                default
            }),
        }
    }

    /// A date parsed by `parse`. Empty counts as absent.
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
            self.odd(
                name,
                &format!("`{text}` is not a valid date"),
                "write a date such as `2026-11-23T15:00:00+08:00`",
            );
        }
        date
    }

    /// All fields that were not read, or `None` if there are none.
    pub fn rest(&mut self) -> Option<Box<Map<String, Value>>> {
        Some(std::mem::take(&mut self.fields).rest()).filter(|rest| !rest.is_empty()).map(Box::new)
    }

    /// Reports a value that cannot be used: it excludes the issue if the field decides what the issue is, where it is, or when.
    fn odd(&mut self, name: &str, why: &str, help: &str) {
        const DECIDING: [&str; 10] = [
            "title", "slug", "url", "id", "date", "publishdate", "pubdate", "published", "expirydate", "unpublishdate",
        ];
        match DECIDING.contains(&name) {
            true => self.error(name, why, help),
            false => self.warn(name, why, help),
        }
    }

    /// Takes the field if it is `true` or `false`, as `truth` reads them.
    pub fn take_truth(&mut self, name: &str) -> Option<bool> {
        let truth = truth(self.peek(name)?)?;
        self.take(name).map(|_| truth)
    }

    /// Reports a problem that excludes the issue.
    pub fn error(&mut self, name: &str, why: &str, help: &str) {
        let finding = Finding::error("front-matter-value", format!("`{name}`: {why}"));
        self.findings.push(finding.help(help).at(self.place(name)));
    }

    /// Reports a value that is ignored.
    pub fn warn(&mut self, name: &str, why: &str, help: &str) {
        let finding = Finding::warning("front-matter-value", format!("`{name}`: {why}"));
        self.findings.push(finding.help(help).at(self.place(name)));
    }

    /// Where the field is, by the name in the file.
    fn place(&self, name: &str) -> Place {
        let keys: Vec<&str> = self.fields.written(name);
        self.block.place_inside(self.path, &keys)
    }

    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

/// Lists in a list, such as Hexo's nested categories, as one.
fn flat(items: Vec<Value>) -> Vec<Value> {
    let inner = |item| match item {
        Value::Array(items) => items,
        item => vec![item],
    };
    items.into_iter().flat_map(inner).collect()
}

/// `true` or `false`, quoted or not, or what YAML 1.1 read as such.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Decodes entities and collapses white space: authors paste HTML into plain-text fields.
pub(super) fn plain_text(text: &str) -> String {
    let decoded = html_escape::decode_html_entities(text);
    // As nearly always.
    if is_collapsed(&decoded) {
        return decoded.into_owned();
    }
    decoded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether all white space is single spaces between words.
fn is_collapsed(text: &str) -> bool {
    let mut is_after_space = true;
    let mut is_allowed = |c: char| {
        let is_first = !std::mem::replace(&mut is_after_space, c.is_whitespace());
        !c.is_whitespace() || c == ' ' && is_first
    };
    text.chars().all(&mut is_allowed) && !is_after_space
}
