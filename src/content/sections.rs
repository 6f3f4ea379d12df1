//! Sections: what the `_index.md` of a folder says of the pages below it.
//!
//! Takes the front matter of these files; returns the folders above a page, each with its section. A folder is a section
//! if it is at the top level or has an `_index.md`, as in Hugo.

use std::collections::HashMap;

use serde_json::Value;

use crate::content::cascade::Cascade;
use crate::content::front_matter::Fields;
use crate::content::path::{composed, container};
use crate::content::url_path::lower_with_hyphens;

/// An `_index.md`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// Its title; empty if it has none.
    pub title: String,
    /// Its slug, which stands for its folder in the addresses of pages.
    pub slug: Option<String>,
    /// What the pages below it inherit.
    pub cascades: Vec<Cascade>,
}

impl Section {
    /// The section that these fields describe.
    pub fn new(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).and_then(as_text);
        let slug = text("slug").map(|slug| slug.trim_matches('-').to_owned());
        Self {
            title: text("title").unwrap_or_default(),
            slug: slug.filter(|slug| !slug.is_empty()),
            cascades: fields.get("cascade").map(Cascade::all).unwrap_or_default(),
        }
    }
}

/// The form in which folders are compared.
fn key(folder: &str) -> String {
    lower_with_hyphens(&composed(folder))
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The sections of a project in each language.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sections {
    /// By the folder of the language, empty for the main one; then by the key of the folder below the project.
    by_language: HashMap<String, HashMap<String, Section>>,
}

/// A folder above a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Ancestor<'a> {
    /// The name of the folder on disk.
    pub name: &'a str,
    /// Its section, if it has an `_index.md`.
    pub section: Option<&'a Section>,
}

impl Sections {
    /// Adds the section of a folder below the project in the language with that folder.
    pub fn add(&mut self, language: Option<&str>, folder: &str, section: Section) {
        let sections = self.by_language.entry(language.unwrap_or_default().to_owned()).or_default();
        sections.insert(key(folder), section);
    }

    /// The folders above a page, outermost first. `root` is its content folder, empty or with the slash at its end, and
    /// `page` its path below it, without language; the folder of a bundle is the page itself.
    pub fn above<'a>(&'a self, language: Option<&str>, root: &str, page: &'a str) -> Vec<Ancestor<'a>> {
        let sections = self.by_language.get(language.unwrap_or_default());
        let folder = container(page);
        if folder.is_empty() {
            return Vec::new();
        }
        let ends = folder.match_indices('/').map(|(at, _)| at).chain([folder.len()]);
        let mut start = 0;
        let ancestor = |end: usize| {
            let name = &folder[start..end];
            start = end + 1;
            let section = sections.and_then(|sections| sections.get(&key(&format!("{root}{}", &folder[..end]))));
            Ancestor { name, section }
        };
        ends.map(ancestor).collect()
    }

    /// The cascades of the folders above a page, nearest first.
    pub fn cascades<'a>(&'a self, language: Option<&str>, root: &str, page: &str) -> Vec<&'a Cascade> {
        let Some(sections) = self.by_language.get(language.unwrap_or_default()) else { return Vec::new() };
        let folder = key(&format!("{root}{}", container(page)));
        let folder = folder.trim_end_matches('/');
        let above = folder.rmatch_indices('/').map(|(at, _)| &folder[..at]);
        let top = (!folder.is_empty()).then_some("");
        let nearest = [folder].into_iter().chain(above).chain(top).filter_map(|folder| sections.get(folder));
        nearest.flat_map(|section| &section.cascades).collect()
    }
}
