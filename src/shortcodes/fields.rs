//! The values that the shortcode `param` shows: any field of the front matter, and what is below `params` in it.
//!
//! Takes an issue and the name of a field, in any case, with dots between nested keys; returns its value as Hugo
//! writes it.

use chrono::{DateTime, FixedOffset};
use serde_json::{Map, Value};

use crate::issue::{Issue, Term};

/// The value of a field; `None` if there is none.
pub(super) fn value(issue: &Issue, name: &str) -> Option<String> {
    own(issue, name).or_else(|| {
        let fields = issue.params.as_deref()?;
        let params = get(fields, "params").and_then(Value::as_object);
        let found = find(fields, name).or_else(|| find(params?, name))?;
        match found {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    })
}

/// The fields that every issue has.
fn own(issue: &Issue, name: &str) -> Option<String> {
    let list = |terms: &[Term]| {
        let terms: Vec<&str> = terms.iter().map(Term::as_str).collect();
        (!terms.is_empty()).then(|| format!("[{}]", terms.join(" ")))
    };
    match name.to_lowercase().as_str() {
        "title" => Some(issue.plain_title().into_owned()),
        "description" | "summary" => issue.description.clone(),
        "date" => issue.is_dated().then(|| go_time(issue.date)),
        "lastmod" => issue.is_dated().then(|| go_time(issue.updated)),
        "slug" => Some(issue.slug.as_str().to_owned()),
        "categories" => list(&issue.categories),
        "tags" => list(&issue.tags),
        "author" | "authors" => issue.authors.first().map(|author| author.name.clone()),
        "draft" => Some(issue.draft.to_string()),
        "subject" => issue.subject.clone(),
        "preheader" => issue.preheader.clone(),
        _ => None,
    }
}

/// As Go writes a time: `2026-11-20 06:00:00 +0000 UTC`.
fn go_time(time: DateTime<FixedOffset>) -> String {
    let zone = if time.offset().local_minus_utc() == 0 { "UTC".to_owned() } else { time.format("%z").to_string() };
    format!("{} {zone}", time.format("%Y-%m-%d %H:%M:%S %z"))
}

/// The value at a path of keys.
fn find<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let mut keys = name.split('.');
    let first = get(fields, keys.next()?)?;
    keys.try_fold(first, |value, key| get(value.as_object()?, key))
}

/// The value of a key in any case, as Hugo reads it.
fn get<'v>(fields: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    fields.get(key).or_else(|| {
        let lower = key.to_lowercase();
        fields.iter().find(|(name, _)| name.to_lowercase() == lower).map(|(_, value)| value)
    })
}
