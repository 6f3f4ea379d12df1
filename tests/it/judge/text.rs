//! Rules for text, dates and URLs in any format.

use chrono::DateTime;
use serde_json::Value;
use url::Url;

/// Characters that XML 1.0 forbids, or that validators treat as corruption.
pub fn is_legal(text: &str) -> bool {
    !text.chars().any(|c| {
        matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffd}')
            || u32::from(c) & 0xfffe == 0xfffe
    })
}

/// Plain text: one trimmed line in which nothing looks like an end tag.
pub fn judge_plain(what: &str, text: &str, problems: &mut Vec<String>) {
    if text.trim().is_empty() || text.trim() != text || text.contains(['\n', '\r', '\t']) {
        problems.push(format!("{what} is empty or not one line: {text:?}"));
    }
    let looks_like_end = |at: usize| {
        let rest = &text[at + 2..];
        rest.find('>').is_some_and(|end| end > 0 && rest[..end].chars().all(|c| c.is_ascii_alphanumeric()))
    };
    if text.match_indices("</").any(|(at, _)| looks_like_end(at)) {
        problems.push(format!("{what} looks like undeclared HTML: {text:?}"));
    }
}

/// An absolute, fully encoded ASCII URL.
pub fn judge_address(what: &str, address: &str, problems: &mut Vec<String>) {
    let usual = address.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    let web = Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !usual || !web {
        problems.push(format!("{what} is not a web URL: {address:?}"));
    }
}

/// An id for Atom: an ASCII URI.
pub fn judge_id(what: &str, id: &str, problems: &mut Vec<String>) {
    let usual = id.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    if !usual || Url::parse(id).is_err() {
        problems.push(format!("{what} is not a URI: {id:?}"));
    }
}

/// RFC 3339, with a four-digit year.
pub fn judge_date(what: &str, text: &str, problems: &mut Vec<String>) {
    if DateTime::parse_from_rfc3339(text).is_err() || text.len() != "2026-01-01T00:00:00+00:00".len() {
        problems.push(format!("{what} is not a valid date: {text:?}"));
    }
}

/// JSON Feed 1.1: required members, and all text.
pub fn judge_json(json: &Value, problems: &mut Vec<String>) {
    if json["version"] != "https://jsonfeed.org/version/1.1" {
        problems.push(format!("JSON Feed has the version {}", json["version"]));
    }
    judge_strings(json, problems);
    for item in json["items"].as_array().into_iter().flatten() {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        judge_id("JSON id", text("id"), problems);
        judge_address("JSON url", text("url"), problems);
        judge_plain("JSON title", text("title"), problems);
        judge_date("JSON date_published", text("date_published"), problems);
        judge_date("JSON date_modified", text("date_modified"), problems);
        if item["content_html"].is_null() && text("content_text").is_empty() {
            problems.push("JSON item without content".to_owned());
        }
        if let Some(image) = item["image"].as_str() {
            judge_address("JSON image", image, problems);
        }
    }
}

fn judge_strings(value: &Value, problems: &mut Vec<String>) {
    match value {
        Value::String(text) if !is_legal(text) => problems.push(format!("JSON has forbidden characters: {text:?}")),
        Value::Array(items) => items.iter().for_each(|item| judge_strings(item, problems)),
        Value::Object(map) => map.values().for_each(|value| judge_strings(value, problems)),
        _ => {}
    }
}
