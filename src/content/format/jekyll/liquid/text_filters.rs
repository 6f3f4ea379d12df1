//! The filters of text: letters and white space, escapes, parts.
//!
//! Takes text and arguments; returns a value, `None` if there is no such filter.

use serde_json::Value;

use crate::content::format::jekyll::permalink::{self, Mode};

/// The value that a filter makes of text; `arg` returns its arguments as text, empty if there are fewer.
pub fn of_text(name: &str, input: &str, arg: &dyn Fn(usize) -> String) -> Option<Value> {
    let text = letters(name, input).or_else(|| escapes(name, input, arg)).or_else(|| parts(name, input, arg));
    text.map(Value::from).or_else(|| list(name, input, arg))
}

/// Letters and white space.
fn letters(name: &str, input: &str) -> Option<String> {
    Some(match name {
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
        "smartify" | "sassify" | "scssify" => input.to_owned(),
        _ => return None,
    })
}

/// Text for HTML and URLs.
fn escapes(name: &str, input: &str, arg: &dyn Fn(usize) -> String) -> Option<String> {
    Some(match name {
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
        "slugify" => match arg(0).as_str() {
            "none" => input.to_lowercase(),
            "raw" => permalink::slug(input, Mode::Raw).to_lowercase(),
            "pretty" => permalink::slug(input, Mode::Pretty).to_lowercase(),
            "ascii" => permalink::slug(input, Mode::Ascii).to_lowercase(),
            _ => permalink::slug(input, Mode::Default).to_lowercase(),
        },
        _ => return None,
    })
}

/// A URL with everything encoded that no URL contains.
pub fn normalized(url: &str) -> String {
    let is_safe = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    url.bytes().map(|byte| if is_safe(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Text of which a part is replaced or cut off.
fn parts(name: &str, input: &str, arg: &dyn Fn(usize) -> String) -> Option<String> {
    let count = |default: usize| arg(0).parse().unwrap_or(default);
    let end = || if arg(1).is_empty() { "...".to_owned() } else { arg(1) };
    Some(match name {
        "remove" => input.replace(&arg(0), ""),
        "remove_first" => input.replacen(&arg(0), "", 1),
        "replace" if !arg(0).is_empty() => bounded(input, &arg(0), &arg(1)),
        "replace_first" => input.replacen(&arg(0), &arg(1), 1),
        "truncate" if input.chars().count() > count(50) => {
            input.chars().take(count(50).saturating_sub(end().chars().count())).collect::<String>() + &end()
        }
        "truncatewords" if input.split_whitespace().count() > count(15) => {
            input.split_whitespace().take(count(15)).collect::<Vec<_>>().join(" ") + &end()
        }
        "truncate" | "truncatewords" => input.to_owned(),
        _ => return None,
    })
}

/// With every occurrence replaced, unless the text would become very long.
fn bounded(input: &str, old: &str, new: &str) -> String {
    const MAX_BYTES: usize = 1 << 20;
    let length = input.matches(old).count().saturating_mul(new.len()).saturating_add(input.len());
    if length > MAX_BYTES { input.to_owned() } else { input.replace(old, new) }
}

/// What is not text.
fn list(name: &str, input: &str, arg: &dyn Fn(usize) -> String) -> Option<Value> {
    match (name, arg(0).as_str()) {
        ("split", "") => Some(input.chars().map(|c| Value::from(c.to_string())).collect()),
        ("split", " ") => Some(input.split_whitespace().map(Value::from).collect()),
        ("split", separator) => Some(input.split(separator).map(Value::from).collect()),
        ("number_of_words", _) => Some(Value::from(input.split_whitespace().count())),
        _ => None,
    }
}
