//! What Hugo's configuration says for the project file that `init` writes.
//!
//! Takes the configuration and the project; returns keys of the project file and their values, as YAML on one line.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::config::hugo::Hugo;
use crate::content::languages::Language;
use crate::content::permalink::Pattern;
use crate::disk::Project;
use crate::publication::{is_language, is_language_tag};

/// The keys that Hugo's configuration knows, with their values.
pub(super) fn values(project: &Project, hugo: &Hugo) -> Vec<(&'static str, String)> {
    let text = |name: &str| hugo.text_of_main_language(name).map(|text| json!(text));
    let found = [
        ("title", text("title")),
        ("base_url", text("baseurl").map(with_scheme).filter(is_of_a_site)),
        ("language", hugo.language().map(|tag| json!(tag))),
        ("timezone", text("timezone").filter(|zone| zone.as_str().is_some_and(|zone| zone.parse::<Tz>().is_ok()))),
        ("copyright", text("copyright")),
        ("content", content(project, hugo)),
        ("permalink", permalink(hugo)),
    ];
    found.into_iter().filter_map(|(key, value)| Some((key, value?.to_string()))).collect()
}

/// An address that leaves the scheme to the page around it, such as `//example.org`, gets one.
fn with_scheme(base_url: Value) -> Value {
    match base_url.as_str().and_then(|text| text.strip_prefix("//")) {
        Some(rest) => json!(format!("https://{rest}")),
        None => base_url,
    }
}

/// Themes come with addresses such as `https://example.com/`, and some sites with `/`.
pub(super) fn is_of_a_site(base_url: &Value) -> bool {
    let url = base_url.as_str().and_then(|text| url::Url::parse(text).ok());
    let host = url.as_ref().and_then(url::Url::host_str);
    let name = host.map(|host| host.strip_prefix("www.").unwrap_or(host));
    name.is_some_and(|name| !["example.org", "example.com", "example.net", "localhost"].contains(&name))
}

/// The folders of the main sections in each language; `None` for all that Hugo's configuration names.
fn content(project: &Project, hugo: &Hugo) -> Option<Value> {
    let folders = |language: &str| -> Vec<String> {
        let content = hugo.content_folder(language).trim_matches('/');
        let sections = main_sections(hugo).into_iter().map(|section| format!("{content}/{section}"));
        let sections: Vec<String> = sections.filter(|folder| project.path(folder).is_dir()).collect();
        if sections.is_empty() { vec![content.to_owned()] } else { sections }
    };
    let languages = hugo.languages();
    let is_tag = |language: &Language| is_language_tag(&language.name) && is_language(&language.name);
    if languages.len() > 1 && languages.iter().all(is_tag) {
        let of_languages =
            languages.iter().map(|language| (language.name.clone(), one_or_many(&folders(&language.name))));
        return Some(Value::Object(of_languages.collect()));
    }
    // The project file can name no other languages; Hugo's configuration decides what `content` leaves open.
    let names = languages.iter().map(|language| language.name.as_str());
    let names: Vec<&str> = if languages.is_empty() { vec![hugo.main_language()] } else { names.collect() };
    let all: BTreeSet<String> = names.into_iter().flat_map(folders).collect();
    let is_whole = languages.len() > 1 && main_sections(hugo).is_empty();
    Some(one_or_many(&Vec::from_iter(all))).filter(|folders| folders != "content" && !is_whole)
}

fn one_or_many(folders: &[String]) -> Value {
    if let [only] = folders { json!(only) } else { json!(folders) }
}

fn main_sections(hugo: &Hugo) -> Vec<&str> {
    let written = hugo.value(&["mainsections"]).or(hugo.value(&["params", "mainsections"]));
    match written {
        Some(Value::Array(sections)) => sections.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(section)) => vec![section],
        _ => Vec::new(),
    }
}

/// The patterns of pages; rules with targets stay in Hugo's configuration, which applies as well.
fn permalink(hugo: &Hugo) -> Option<Value> {
    let Value::Object(written) = hugo.value(&["permalinks"])? else { return None };
    let pages = written.get("page").and_then(Value::as_object).into_iter().flatten();
    let patterns = written
        .iter()
        .chain(pages)
        .filter(|(_, pattern)| pattern.as_str().is_some_and(|pattern| Pattern::parse(pattern).is_ok()));
    let patterns: Map<String, Value> = patterns.map(|(name, pattern)| (name.clone(), pattern.clone())).collect();
    (!patterns.is_empty()).then_some(Value::Object(patterns))
}
