//! The generators written in JavaScript: what their formats have in common.
//!
//! Takes the texts of configuration files and the fields of posts; returns settings, and for each generator its format.

use std::sync::Arc;

use pulldown_cmark::Event;
use serde_json::Value;

use crate::content::format::body::code::{Code, line_at};
use crate::content::format::{Format, Generator, PostFile, Settings};
use crate::content::front_matter::Fields;
use crate::content::markdown::Document;
use crate::content::path::base_name;

pub mod astro;
pub mod docusaurus;
pub mod eleventy;
mod object;
mod slug;
mod template;
pub mod vitepress;
pub mod vuepress;

/// The format of a site with these settings.
pub fn format(generator: Generator, settings: &Settings) -> Arc<dyn Format> {
    match generator {
        Generator::VuePress => Arc::new(vuepress::VuePress::new(settings)),
        Generator::VitePress => Arc::new(vitepress::VitePress::new(settings)),
        Generator::Astro => Arc::new(astro::Astro::new(settings)),
        Generator::Eleventy => Arc::new(eleventy::Eleventy::new(settings)),
        _ => Arc::new(docusaurus::Docusaurus::new(settings)),
    }
}

/// The settings in the text of a configuration file: a script, YAML or JSON.
///
/// # Errors
/// Why YAML or JSON cannot be parsed. What is not understood in a script is left out.
pub fn settings(file: &str, text: &str) -> Result<Settings, String> {
    if file.ends_with(".yml") || file.ends_with(".yaml") {
        return serde_yaml::from_str(text).map_err(|error| error.to_string());
    }
    if file.ends_with(".json") {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    Ok(object::exported(text))
}

/// The text at these keys.
fn text_at(settings: &Settings, keys: &[&str]) -> Option<String> {
    let (first, inner) = keys.split_first()?;
    let value = inner.iter().try_fold(settings.get(*first)?, |value, key| value.get(*key))?;
    value.as_str().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The address of a site and the folder that it is published in.
fn base_url(site: Option<String>, base: Option<String>) -> Option<String> {
    let (site, base) = (site?, base.unwrap_or_default());
    let base = base.trim_matches('/');
    let site = site.trim_end_matches('/');
    Some(if base.is_empty() || site.ends_with(&format!("/{base}")) {
        format!("{site}/")
    } else {
        format!("{site}/{base}/")
    })
}

/// A path with one slash at its start and between its parts, and at its end if the last part has one.
fn path_of(parts: &[&str]) -> String {
    let joined = parts.join("/");
    let mut path = String::with_capacity(joined.len() + 1);
    for part in joined.split('/').filter(|part| !part.is_empty() && *part != ".") {
        path.push('/');
        path.push_str(part);
    }
    if path.is_empty() || joined.ends_with('/') {
        path.push('/');
    }
    path
}

/// A path without the ending of its file.
fn without_ending(path: &str) -> &str {
    let folder = path.rfind('/').map_or(0, |slash| slash + 1);
    path[folder..].rfind('.').map_or(path, |dot| &path[..folder + dot])
}

/// Whether a field is `true`, or `false`.
fn is(fields: &Fields, name: &str, truth: bool) -> bool {
    match fields.get(name) {
        Some(Value::Bool(value)) => *value == truth,
        Some(Value::String(text)) => text.trim().eq_ignore_ascii_case(if truth { "true" } else { "false" }),
        _ => false,
    }
}

fn is_empty(fields: &Fields, name: &str) -> bool {
    fields.get(name).is_none_or(|value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()))
}

/// Makes a post reach no one, unless it says otherwise: its page is published, but listed nowhere.
fn unlist(fields: &mut Fields) {
    for name in ["feed", "email"] {
        fields.inherit(name, &Value::Bool(false));
    }
}

/// Adds the first heading of level 1 as title, if there is none.
fn title_of_heading(beginning: &str, fields: &mut Fields) {
    if is_empty(fields, "title")
        && let Some(title) = first_heading(beginning)
    {
        fields.set("title", title);
    }
}

/// Adds the name of the file without its date as title, if there is none.
fn title_of_name(path: &str, fields: &mut Fields) {
    if is_empty(fields, "title") {
        let name = base_name(path);
        let rest =
            date_at(name).and_then(|(_, length)| name[length..].strip_prefix('-')).filter(|rest| !rest.is_empty());
        fields.set("title", rest.unwrap_or(name));
    }
}

fn first_heading(text: &str) -> Option<String> {
    let code = Code::of(text, false);
    let mut at = 0;
    while at < text.len() {
        let line = line_at(text, at);
        if line.starts_with("# ") && code.end_around(at).is_none() {
            let document = Document::parse(line);
            let words = document.events().iter().filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                _ => None,
            });
            let title = words.collect::<String>().trim().to_owned();
            return Some(title).filter(|title| !title.is_empty() && !title.contains("{{") && !title.contains("{%"));
        }
        at += line.len();
    }
    None
}

/// Adds the date at the beginning of the name of a file, or of the folder whose page it is, if the file has none. The slug of a
/// page is then only what the file says.
fn date_of_name(file: &PostFile<'_>, fields: &mut Fields) {
    let has_none = ["date", "pubdate", "publishdate", "published"].iter().all(|name| is_empty(fields, name));
    if has_none && let Some((date, _)) = date_at(base_name(file.path)) {
        fields.set("date", date);
    }
}

/// Corrects a day that its month does not have, as these generators do: 29 February 2026 is 1 March.
fn correct_date(fields: &mut Fields) {
    for name in ["date", "pubdate", "lastmod"] {
        let corrected = fields.get(name).and_then(Value::as_str).and_then(corrected);
        if let Some(date) = corrected {
            fields.set(name, date);
        }
    }
}

fn corrected(date: &str) -> Option<String> {
    let date = date.trim_start();
    let (day, time) = (date.get(8..10)?, date.get(10..)?);
    let month = date.get(..8).filter(|_| date.as_bytes()[4] == b'-' && date.as_bytes()[7] == b'-')?;
    let day: u32 = day.parse().ok().filter(|day| (29..=31).contains(day))?;
    let first = chrono::NaiveDate::parse_from_str(&format!("{month}01"), "%Y-%m-%d").ok()?;
    let real = first + chrono::Days::new(u64::from(day - 1));
    (chrono::Datelike::day(&real) != day).then(|| format!("{}{time}", real.format("%Y-%m-%d")))
}

/// The date at a place of a path: `2026-01-02`, also with slashes and without zeros, and its length.
fn date_at(text: &str) -> Option<(String, usize)> {
    let mut parts = [0_u32; 3];
    let mut length = 0;
    for (number, digits) in [(0, 4..=4), (1, 1..=2), (2, 1..=2)] {
        if number > 0 {
            text[length..].starts_with(['-', '/']).then_some(())?;
            length += 1;
        }
        let count = text[length..].bytes().take_while(u8::is_ascii_digit).take(*digits.end()).count();
        digits.contains(&count).then_some(())?;
        parts[number] = text[length..length + count].parse().ok()?;
        length += count;
    }
    let [year, month, day] = parts;
    chrono::NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    Some((format!("{year:04}-{month:02}-{day:02}"), length))
}

#[cfg(test)]
mod tests;
