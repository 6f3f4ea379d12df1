//! What a site determines about its pages: their addresses, and what they inherit.
//!
//! Takes the location of a file; returns the cascades for it. `assemble` applies them to its fields.

use std::cell::LazyCell;

use chrono::{DateTime, FixedOffset};
use memchr::memchr_iter;
use serde_json::{Map, Value};

use crate::content::addresses::Addresses;
use crate::content::build_options::is_listed;
use crate::content::cascade::Cascade;
use crate::content::file_date::FileDate;
use crate::content::format::generators::GeneratorFormat;
use crate::content::permalink::Pattern;
use crate::content::sections::Sections;
use crate::content::url_path::logical_path;
use crate::publication::Publication;

/// The location of a file.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Path below the project folder: names the issue, also in messages.
    pub path: &'a str,
    /// Path below its content folder: makes the permalink.
    pub below_content: &'a str,
    /// When it last changed according to anything but its front matter, such as git.
    pub changed: Option<DateTime<FixedOffset>>,
    /// Path below the folder of the site.
    pub in_site: &'a str,
    /// The beginning of its text.
    pub beginning: &'a str,
    /// When it was committed first, if the format needs to know.
    pub created: Option<DateTime<FixedOffset>>,
}

/// What the site determines about its issues.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// Their permalinks.
    pub permalink: &'a Addresses,
    /// The pattern for pages of the web archive, if different.
    pub page: Option<&'a Pattern>,
    /// Its sections, if any file describes one.
    pub sections: Option<&'a Sections>,
    /// What all its pages inherit.
    pub cascades: &'a [Cascade],
    /// The name of its main language, if it has one.
    pub main_language: &'a str,
    /// Whether dates in file names count.
    pub file_date: FileDate,
    /// Its content folder below the project, empty or with the slash at its end, if the site is larger than the content
    /// folder of an issue.
    pub root: Option<&'a str>,
    /// What its generator determines.
    pub format: Option<&'a GeneratorFormat>,
    /// Names of fields of its own.
    pub fields: &'a [(String, String)],
    /// Authors by key.
    pub people: Option<&'a Map<String, Value>>,
}

impl<'a> From<&'a Addresses> for Site<'a> {
    fn from(permalink: &'a Addresses) -> Self {
        Self {
            permalink,
            page: None,
            sections: None,
            cascades: &[],
            main_language: "",
            file_date: FileDate::Ignored,
            root: None,
            format: None,
            fields: &[],
            people: None,
        }
    }
}

impl<'a> Site<'a> {
    /// The cascades that a file inherits, the one that takes precedence first.
    pub fn cascades_of(&self, source: Source<'_>, publication: &Publication) -> Vec<&'a Cascade> {
        let above = self
            .sections
            .map(|sections| sections.cascades(publication.site.as_deref(), source.root(), source.below_content));
        let all = above.unwrap_or_default().into_iter().chain(self.cascades);
        let mut all = all.peekable();
        if all.peek().is_none() {
            return Vec::new();
        }
        let (path, language) =
            (LazyCell::new(|| self.logical_path(source)), publication.site.as_deref().unwrap_or(self.main_language));
        all.filter(|cascade| cascade.is_for(|| &path, language)).collect()
    }

    /// The path that names the page in the whole site.
    fn logical_path(&self, source: Source<'_>) -> String {
        let whole = format!("{}{}", source.root(), source.below_content);
        logical_path(self.root.and_then(|root| whole.strip_prefix(root)).unwrap_or(source.below_content))
    }

    /// Whether the site lists a file that has no front matter of its own.
    pub fn lists(&self, source: Source<'_>, publication: &Publication) -> bool {
        let cascades = self.cascades_of(source, publication);
        let field = |name: &str| cascades.iter().find_map(|cascade| cascade.fields.get(name));
        is_listed(field("_build").or(field("build")), field("headless"))
    }
}

impl<'a> Source<'a> {
    /// A file of which only the path is known.
    pub fn of_path(path: &'a str, below_content: &'a str) -> Self {
        Self { path, below_content, changed: None, in_site: path, beginning: "", created: None }
    }

    /// The content folder, empty or with the slash at its end. (`below_content` is without language: its length differs.)
    pub fn root(&self) -> &'a str {
        let slashes = |path: &'a str| memchr_iter(b'/', path.as_bytes());
        let below = slashes(self.path).count() - slashes(self.below_content).count();
        let end = slashes(self.path).nth(below.wrapping_sub(1)).map_or(0, |slash| slash + 1);
        &self.path[..end]
    }
}
