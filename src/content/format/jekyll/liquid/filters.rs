//! The filters of Liquid and Jekyll that need nothing but their arguments and the address of the site.
//!
//! Takes values; returns a value, `None` if there is no such filter.

use std::fmt::Write;

use chrono::DateTime;
use chrono::format::{Item, StrftimeItems};
use chrono_tz::Tz;
use serde_json::Value;
use url::Url;

use crate::content::format::jekyll::liquid::one_line;
use crate::content::format::jekyll::permalink::{self, Mode};
use crate::content::format::jekyll::time;

/// What filters need besides their arguments.
#[derive(Debug, Clone)]
pub struct Site<'s> {
    /// The address of the site without its path.
    pub origin: String,
    /// Its path without a slash at the end.
    pub base: &'s str,
    /// Its time zone.
    pub zone: Tz,
}

/// Text as a template shows it.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Null | Value::Object(_) => String::new(),
    }
}

/// Whether Liquid takes a value for true.
pub fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

impl Site<'_> {
    /// The value that a filter makes of its input.
    pub fn filter(&self, name: &str, input: &Value, arguments: &[Value]) -> Option<Value> {
        let arg = |at: usize| arguments.get(at).map(text).unwrap_or_default();
        let written = || text(input);
        Some(Value::from(match name {
            "relative_url" => self.relative(&written()),
            "absolute_url" => self.absolute(&written()),
            "strip_index" => written().replacen("/index.html", "/", 1),
            "default" => {
                let is_missing = !is_true(input) || matches!(input, Value::String(text) if text.is_empty());
                return Some(if is_missing { arguments.first().cloned().unwrap_or_default() } else { input.clone() });
            }
            "append" => written() + &arg(0),
            "prepend" => arg(0) + &written(),
            "markdownify" => one_line::of_markdown(&written()),
            "strip_html" => without_tags(&written()),
            "date" => return Some(self.date(input, &arg(0))),
            "date_to_string" => return Some(self.date(input, "%d %b %Y")),
            "date_to_long_string" => return Some(self.date(input, "%d %B %Y")),
            "date_to_xmlschema" => return Some(self.date(input, "%Y-%m-%dT%H:%M:%S%:z")),
            "date_to_rfc822" => return Some(self.date(input, "%a, %d %b %Y %H:%M:%S %z")),
            _ => return of_text(name, &written(), &arg).or_else(|| of_value(name, input, arguments)),
        }))
    }

    fn relative(&self, written: &str) -> String {
        if Url::parse(written).is_ok() {
            return written.to_owned();
        }
        let slash = if written.is_empty() || written.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{}", self.base, normalized(written))
    }

    fn absolute(&self, written: &str) -> String {
        let relative = self.relative(written);
        if Url::parse(&relative).is_ok() { relative } else { format!("{}{relative}", self.origin) }
    }

    /// Whatever is not a date stays.
    fn date(&self, input: &Value, format: &str) -> Value {
        let parsed = match input {
            Value::Number(seconds) => seconds.as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
            input => time::parse(&text(input), self.zone).map(|date| date.to_utc()),
        };
        let Some(date) = parsed.map(|date| date.with_timezone(&self.zone)) else { return input.clone() };
        let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
        let mut written = String::new();
        let is_valid = !format.is_empty() && !items.contains(&Item::Error);
        match is_valid && write!(written, "{}", date.format_with_items(items.iter())).is_ok() {
            true => Value::from(written),
            false => input.clone(),
        }
    }
}

/// A URL with everything encoded that no URL contains.
fn normalized(url: &str) -> String {
    let is_safe = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    url.bytes().map(|byte| if is_safe(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Filters of text.
fn of_text(name: &str, input: &str, arg: &dyn Fn(usize) -> String) -> Option<Value> {
    let count = |at: usize, default: usize| arg(at).parse().unwrap_or(default);
    let cut = |length: usize, end: &str| match input.chars().count() > length {
        true => input.chars().take(length.saturating_sub(end.chars().count())).collect::<String>() + end,
        false => input.to_owned(),
    };
    let end = || if arg(1).is_empty() { "...".to_owned() } else { arg(1) };
    Some(Value::from(match name {
        "upcase" => input.to_uppercase(),
        "downcase" => input.to_lowercase(),
        "capitalize" => {
            let mut chars = input.chars();
            chars.next().into_iter().flat_map(char::to_uppercase).collect::<String>() + &chars.as_str().to_lowercase()
        }
        "strip" => input.trim().to_owned(),
        "lstrip" => input.trim_start().to_owned(),
        "rstrip" => input.trim_end().to_owned(),
        "strip_newlines" => input.replace(['\r', '\n'], ""),
        "normalize_whitespace" => input.split_whitespace().collect::<Vec<_>>().join(" "),
        "newline_to_br" => input.replace('\n', "<br />"),
        "escape" | "h" | "xml_escape" => html_escape::encode_quoted_attribute(input).into_owned(),
        "escape_once" => {
            let decoded = html_escape::decode_html_entities(input);
            html_escape::encode_quoted_attribute(&decoded).into_owned()
        }
        "cgi_escape" | "url_encode" => {
            permalink::escaped(input).replace("%20", "+").replace('/', "%2F").replace(':', "%3A").replace('?', "%3F")
        }
        "uri_escape" => normalized(input),
        "url_decode" => percent_encoding::percent_decode_str(&input.replace('+', " ")).decode_utf8_lossy().into_owned(),
        "smartify" | "sassify" | "scssify" => input.to_owned(),
        "slugify" => {
            let mode = match arg(0).as_str() {
                "none" => return Some(Value::from(input.to_lowercase())),
                "raw" => Mode::Raw,
                "pretty" => Mode::Pretty,
                "ascii" => Mode::Ascii,
                _ => Mode::Default,
            };
            permalink::slug(input, mode).to_lowercase()
        }
        "remove" => input.replace(&arg(0), ""),
        "remove_first" => input.replacen(&arg(0), "", 1),
        "replace" if !arg(0).is_empty() => bounded(input, &arg(0), &arg(1)),
        "replace_first" => input.replacen(&arg(0), &arg(1), 1),
        "truncate" => cut(count(0, 50), &end()),
        "truncatewords" => {
            let words: Vec<&str> = input.split_whitespace().collect();
            if words.len() > count(0, 15) { words[..count(0, 15)].join(" ") + &end() } else { input.to_owned() }
        }
        "split" => {
            let separator = arg(0);
            let parts: Vec<&str> = match separator.as_str() {
                "" => return Some(input.chars().map(|c| Value::from(c.to_string())).collect()),
                " " => input.split_whitespace().collect(),
                separator => input.split(separator).collect(),
            };
            return Some(parts.into_iter().map(Value::from).collect());
        }
        "number_of_words" => return Some(Value::from(input.split_whitespace().count())),
        _ => return None,
    }))
}

/// With every occurrence replaced, unless the text would become very long.
fn bounded(input: &str, old: &str, new: &str) -> String {
    const MAX_BYTES: usize = 1 << 20;
    let length = input.matches(old).count().saturating_mul(new.len()).saturating_add(input.len());
    if length > MAX_BYTES { input.to_owned() } else { input.replace(old, new) }
}

/// Filters of lists and numbers.
fn of_value(name: &str, input: &Value, arguments: &[Value]) -> Option<Value> {
    let items = input.as_array();
    let separator = || arguments.first().map_or_else(|| " ".to_owned(), text);
    let texts = |items: &[Value]| items.iter().map(text).collect::<Vec<_>>();
    let number = |value: &Value| text(value).trim().parse::<f64>().unwrap_or(0.0);
    let second = || arguments.first().map_or(0.0, number);
    let calculated = |result: f64| match result.fract() == 0.0 && result.abs() < 1e15 {
        #[expect(clippy::cast_possible_truncation, reason = "it is a whole number in range")]
        true => Value::from(result as i64),
        false => Value::from(result),
    };
    Some(match (name, items) {
        ("join", Some(items)) => Value::from(texts(items).join(&separator())),
        ("array_to_sentence_string", Some(items)) => Value::from(sentence(&texts(items))),
        ("first", Some(items)) => items.first().cloned().unwrap_or_default(),
        ("last", Some(items)) => items.last().cloned().unwrap_or_default(),
        ("size", Some(items)) => Value::from(items.len()),
        ("reverse", Some(items)) => items.iter().rev().cloned().collect(),
        ("compact", Some(items)) => items.iter().filter(|item| !item.is_null()).cloned().collect(),
        ("sort" | "sort_natural" | "uniq", Some(items)) => {
            let mut sorted = items.clone();
            match name {
                "uniq" => {
                    let mut seen = std::collections::BTreeSet::new();
                    sorted.retain(|item| seen.insert(text(item)));
                }
                _ => sorted.sort_by_cached_key(text),
            }
            Value::Array(sorted)
        }
        ("size", None) => Value::from(text(input).chars().count()),
        ("join" | "sort" | "uniq" | "reverse" | "compact", None) => input.clone(),
        ("plus", _) => calculated(number(input) + second()),
        ("minus", _) => calculated(number(input) - second()),
        ("times", _) => calculated(number(input) * second()),
        ("divided_by", _) if second() != 0.0 => calculated((number(input) / second()).floor()),
        ("modulo", _) if second() != 0.0 => calculated(number(input).rem_euclid(second())),
        ("round", _) => calculated(number(input).round()),
        ("jsonify", _) => Value::from(input.to_string()),
        _ => return None,
    })
}

/// `a, b, and c`
fn sentence(words: &[String]) -> String {
    match words {
        [first @ .., last] if first.len() > 1 => format!("{}, and {last}", first.join(", ")),
        words => words.join(" and "),
    }
}

fn without_tags(html: &str) -> String {
    let (mut text, mut rest) = (String::new(), html);
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let Some(end) = rest[start..].find('>') else { return text + &rest[start..] };
        rest = &rest[start + end + 1..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_are_those_of_jekyll() {
        let site = Site { origin: "https://x.example".to_owned(), base: "/blog", zone: Tz::Asia__Shanghai };
        for (input, name, arguments, expected) in [
            (json!("/a b.pdf"), "relative_url", json!([]), json!("/blog/a%20b.pdf")),
            (json!("潮.png"), "relative_url", json!([]), json!("/blog/%E6%BD%AE.png")),
            (json!("https://y.example/a"), "relative_url", json!([]), json!("https://y.example/a")),
            (json!(""), "relative_url", json!([]), json!("/blog")),
            (json!("/a"), "absolute_url", json!([]), json!("https://x.example/blog/a")),
            (json!("mailto:a@x.example"), "absolute_url", json!([]), json!("mailto:a@x.example")),
            (json!(null), "default", json!(["b"]), json!("b")),
            (json!(""), "default", json!(["b"]), json!("b")),
            (json!(0), "default", json!(["b"]), json!(0)),
            (json!("a"), "append", json!(["b"]), json!("ab")),
            (json!("a"), "prepend", json!(["b"]), json!("ba")),
            (json!("*a*"), "markdownify", json!([]), json!("<p><em>a</em></p>")),
            (json!("a <b>c</b> <d"), "strip_html", json!([]), json!("a c <d")),
            (json!("2026-01-02T23:00:00Z"), "date", json!(["%Y/%m/%d"]), json!("2026/01/03")),
            (json!("2026-01-02"), "date_to_string", json!([]), json!("02 Jan 2026")),
            (json!("soon"), "date", json!(["%Y"]), json!("soon")),
            (json!("2026-01-02"), "date", json!(["%Q%"]), json!("2026-01-02")),
            (json!("aBC d"), "capitalize", json!([]), json!("Abc d")),
            (json!("a & \"b\""), "escape", json!([]), json!("a &amp; &quot;b&quot;")),
            (json!("a b/c"), "url_encode", json!([]), json!("a+b%2Fc")),
            (json!("A b.c"), "slugify", json!(["pretty"]), json!("a-b.c")),
            (json!("a-b-c"), "split", json!(["-"]), json!(["a", "b", "c"])),
            (json!("a-b-c"), "replace", json!(["-", "+"]), json!("a+b+c")),
            (json!("a-b-c"), "replace", json!(["", "+"]), json!(null)),
            (json!("abcdef"), "truncate", json!([5]), json!("ab...")),
            (json!("a b c"), "truncatewords", json!([2]), json!("a b...")),
            (json!(["a", "b", "c"]), "join", json!([", "]), json!("a, b, c")),
            (json!(["a", "b", "c"]), "array_to_sentence_string", json!([]), json!("a, b, and c")),
            (json!(["b", "a", "b"]), "uniq", json!([]), json!(["b", "a"])),
            (json!("7"), "divided_by", json!([2]), json!(3)),
            (json!("7"), "plus", json!([2.5]), json!(9.5)),
        ] {
            let found = site.filter(name, &input, arguments.as_array().unwrap()).unwrap_or_default();
            assert_eq!(found, expected, "{input} {name}");
        }
        assert_eq!(site.filter("webp", &json!("a"), &[]), None);
    }
}
