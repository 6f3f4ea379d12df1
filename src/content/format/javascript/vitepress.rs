//! VitePress: a page for each file.
//!
//! Takes its settings; returns what it determines about posts.

use serde_json::Value;

use crate::content::format::javascript::{
    base_url, correct_date, date_of_name, is_empty, path_of, template, text_at, title_of_heading, title_of_name,
    without_ending,
};
use crate::content::format::{Body, Defaults, Format, Generator, PostFile, Settings, Translated};
use crate::content::front_matter::Fields;
use crate::content::permalink::PatternValues;

/// The format.
#[derive(Debug)]
pub struct VitePress {
    defaults: Defaults,
    /// The folder of its pages, without slashes around it.
    folder: String,
    /// `cleanUrls`
    has_clean_addresses: bool,
    /// `rewrites`: the paths of files, and what they become.
    rewrites: Vec<(String, String)>,
}

impl VitePress {
    /// The format of a site with these settings.
    pub fn new(settings: &Settings) -> Self {
        let folder = text_at(settings, &["srcDir"]).unwrap_or_default();
        let folder = folder.trim_start_matches("./").trim_matches('/').to_owned();
        let public = if folder.is_empty() { "public".to_owned() } else { format!("{folder}/public") };
        let defaults = Defaults {
            title: text_at(settings, &["title"]),
            description: text_at(settings, &["description"]),
            base_url: base_url(text_at(settings, &["sitemap", "hostname"]), text_at(settings, &["base"])),
            language: text_at(settings, &["lang"]).or_else(|| text_at(settings, &["locales", "root", "lang"])),
            timezone: Some("UTC".to_owned()),
            content: vec![folder.clone()],
            static_folders: vec![public],
            ..Defaults::default()
        };
        let rewrites = settings.get("rewrites").and_then(Value::as_object).into_iter().flatten();
        let rewrites = rewrites.filter_map(|(from, to)| Some((from.clone(), to.as_str()?.to_owned()))).collect();
        let has_clean_addresses = settings.get("cleanUrls").and_then(Value::as_bool).unwrap_or_default();
        Self { defaults, folder, has_clean_addresses, rewrites }
    }

    fn rewritten(&self, path: &str) -> String {
        self.rewrites.iter().find_map(|(from, to)| rewritten(path, from, to)).unwrap_or_else(|| path.to_owned())
    }
}

/// The path that a rule makes of a path: `posts/:slug` stands for one part, `:rest*` for several.
fn rewritten(path: &str, from: &str, to: &str) -> Option<String> {
    let mut values: Vec<(&str, &str)> = Vec::new();
    let (mut rest, mut rule) = (path, from);
    while let Some(at) = rule.find(':') {
        rest = rest.strip_prefix(&rule[..at])?;
        let name = &rule[at + 1..];
        let name = &name[..name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len())];
        rule = &rule[at + 1 + name.len()..];
        let takes_all = rule.starts_with(['*', '+']);
        rule = rule.strip_prefix(['*', '+']).or_else(|| rule.strip_prefix("(.*)")).unwrap_or(rule);
        let next = rule.split(':').next().unwrap_or_default();
        let end = if next.is_empty() { rest.len() } else { rest.rfind(next)? };
        if !takes_all && rest[..end].contains('/') {
            return None;
        }
        values.push((name, &rest[..end]));
        rest = &rest[end..];
    }
    (rest == rule).then_some(())?;
    let path = values.iter().fold(to.to_owned(), |to, (name, value)| {
        ["*", "+", ""].iter().fold(to, |to, mark| to.replace(&format!(":{name}{mark}"), value))
    });
    Some(path)
}

impl Format for VitePress {
    fn generator(&self) -> Generator {
        Generator::VitePress
    }

    fn defaults(&self) -> Defaults {
        self.defaults.clone()
    }

    fn is_post(&self, path: &str) -> bool {
        !path.split('/').any(|part| part.starts_with('.') || part == "node_modules" || part == "public")
    }

    fn reads_bare_files(&self) -> bool {
        true
    }

    fn complete(&self, file: &PostFile<'_>, fields: &mut Fields) {
        correct_date(fields);
        title_of_heading(file.beginning, fields);
        title_of_name(file.path, fields);
        date_of_name(file, fields);
        if without_ending(file.path).ends_with("index") && is_empty(fields, "date") {
            fields.inherit("draft", &Value::Bool(true));
        }
    }

    fn address(&self, file: &PostFile<'_>, _page: &PatternValues<'_>, _fields: &Fields) -> Option<String> {
        let below = file.path.strip_prefix(self.folder.as_str()).unwrap_or(file.path).trim_start_matches('/');
        let path = self.rewritten(below);
        let name = without_ending(&path);
        Some(match name.strip_suffix("index").filter(|folder| folder.is_empty() || folder.ends_with('/')) {
            Some(folder) => path_of(&[folder, ""]),
            None if self.has_clean_addresses => path_of(&[name]),
            None => path_of(&[&format!("{name}.html")]),
        })
    }

    fn markdown<'m>(&self, body: &'m str, _of: &Body<'_>) -> Translated<'m> {
        template::vue(body)
    }
}
