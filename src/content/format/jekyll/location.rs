//! What a file of a Jekyll site is, by its path: a post, a draft, a document of a collection or a page; and what its name says.
//!
//! Takes paths below the folder of the site and the settings that move folders; returns the kind, the categories that folders
//! are, and the date and slug of the name.

use serde_json::Value;

use crate::content::format::Settings;
use crate::content::glob::Glob;
use crate::content::path::{file_name, folder};

/// The folders that settings name.
#[derive(Debug)]
pub struct Folders {
    source: String,
    collections: String,
    /// The labels of collections besides `posts`.
    labels: Vec<String>,
    excluded: Vec<Glob>,
    included: Vec<Glob>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Below `_posts`.
    Post,
    /// Below `_drafts`.
    Draft,
    /// In the collection with this label.
    Document(&'a str),
    /// Any other file.
    Page,
}

/// A file that Jekyll reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// Path below the source, and below the folder of collections if it is in one.
    pub path: &'a str,
}

impl Folders {
    /// The folders that these settings name.
    pub fn new(settings: &Settings) -> Self {
        let text = |name: &str| settings.get(name).and_then(Value::as_str).unwrap_or_default();
        let folder = |name: &str| match text(name).trim_start_matches("./").trim_matches('/') {
            "" | "." => String::new(),
            folder => format!("{folder}/"),
        };
        let globs = |name: &str| {
            let patterns = settings.get(name).and_then(Value::as_array).into_iter().flatten();
            patterns.filter_map(Value::as_str).map(|glob| Glob::new(glob.trim_matches('/'))).collect()
        };
        let labels = match settings.get("collections") {
            Some(Value::Object(collections)) => collections.keys().cloned().collect(),
            Some(Value::Array(labels)) => labels.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Self {
            source: folder("source"),
            collections: folder("collections_dir"),
            labels,
            excluded: globs("exclude"),
            included: globs("include"),
        }
    }

    /// The folder of everything that Jekyll reads, below the folder of the site: empty, or ending in `/`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The file at a path below the folder of the site; `None` if Jekyll does not read it.
    pub fn locate<'a>(&self, path: &'a str) -> Option<Location<'a>> {
        let below_source = path.strip_prefix(&self.source)?;
        let is_listed = |globs: &[Glob], path: &str| globs.iter().any(|glob| glob.matches_path_or_folder(path));
        let is_included = is_listed(&self.included, below_source) || is_listed(&self.included, file_name(path));
        if is_listed(&self.excluded, below_source) && !is_included {
            return None;
        }
        let path = below_source.strip_prefix(&self.collections);
        let located = path.and_then(|path| self.in_collection(path));
        if located.is_some() || path.is_some() && !self.collections.is_empty() {
            return located;
        }
        let is_page = !below_source.split('/').any(is_special) || is_included;
        is_page.then_some(Location { kind: Kind::Page, path: below_source })
    }

    fn in_collection<'a>(&self, path: &'a str) -> Option<Location<'a>> {
        let mut start = 0;
        for name in folder(path).split('/') {
            let rest = path.get(start + name.len() + 1..)?;
            let kind = match name {
                "_posts" => Kind::Post,
                "_drafts" => Kind::Draft,
                _ if name.starts_with('_') => {
                    let label = &name[1..];
                    let is_known = start == 0 && self.labels.iter().any(|known| known == label);
                    let is_read = is_known && !rest.split('/').any(is_special);
                    return is_read.then_some(Location { kind: Kind::Document(label), path });
                }
                _ if is_special(name) => return None,
                _ => {
                    start += name.len() + 1;
                    continue;
                }
            };
            let is_hidden = rest.starts_with('_') || rest.split('/').any(|name| name.starts_with('.'));
            let is_named = kind == Kind::Draft && file_name(rest).contains('.') || FileName::new(rest).date.is_some();
            let is_read = is_named && !is_hidden && !is_special(file_name(rest));
            return is_read.then_some(Location { kind, path });
        }
        None
    }
}

/// Whether Jekyll passes over a file or folder with this name.
fn is_special(name: &str) -> bool {
    name.starts_with(['.', '_', '#', '~']) || name.ends_with('~')
}

impl<'a> Location<'a> {
    /// The folders above `_posts` or `_drafts`, which are categories.
    pub fn categories(&self) -> Vec<&'a str> {
        let magic = match self.kind {
            Kind::Post => "_posts",
            Kind::Draft => "_drafts",
            Kind::Document(_) | Kind::Page => return Vec::new(),
        };
        folder(self.path).split('/').take_while(|name| *name != magic).filter(|name| !name.is_empty()).collect()
    }
}

/// The parts of the name of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileName<'a> {
    /// The date at its beginning, as written.
    pub date: Option<&'a str>,
    /// The rest without the extension.
    pub slug: &'a str,
    /// The name without the extension.
    pub stem: &'a str,
    /// With its dot; empty if there is none.
    pub extension: &'a str,
}

impl<'a> FileName<'a> {
    /// The parts of the name of the file at a path.
    pub fn new(path: &'a str) -> Self {
        let name = file_name(path);
        let (stem, extension) = match name.rfind('.').filter(|dot| *dot > 0 && *dot + 1 < name.len()) {
            Some(dot) => name.split_at(dot),
            None => (name, ""),
        };
        let date = date_length(stem).filter(|_| !extension.is_empty());
        let (date, slug) = match date {
            Some(length) => (Some(&stem[..length]), &stem[length + 1..]),
            None => (None, stem),
        };
        Self { date, slug: slug.trim_end_matches('.'), stem, extension }
    }

    /// The extension of its page.
    pub fn output_extension(&self) -> &'a str {
        match self.extension.to_ascii_lowercase().as_str() {
            ".md" | ".markdown" | ".mkd" | ".mkdn" | ".mkdown" | ".mdown" | ".html" => ".html",
            _ => self.extension,
        }
    }

    /// The title that Jekyll makes of the slug.
    pub fn title(&self) -> String {
        let capitalized = |word: &str| {
            let mut chars = word.chars();
            let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
            first + &chars.as_str().to_lowercase()
        };
        self.slug.trim_end_matches('-').split('-').map(capitalized).collect::<Vec<_>>().join(" ")
    }
}

/// The length of `YYYY-MM-DD`, with at least two digits of the year and one of month and day, if a hyphen follows.
fn date_length(name: &str) -> Option<usize> {
    let mut parts = name.split('-');
    let mut length = 0;
    for digits in [2..=4, 1..=2, 1..=2] {
        let part = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
        if !digits.contains(&part.len()) {
            return None;
        }
        length += part.len() + 1;
    }
    parts.next().map(|_| length - 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn folders(settings: &Value) -> Folders {
        Folders::new(settings.as_object().unwrap())
    }

    #[test]
    fn a_file_is_what_its_folder_says() {
        let folders =
            folders(&json!({"collections": {"tools": {}}, "exclude": ["vendor", "/old/*.md"], "include": ["_kept"]}));
        let post = |path| Some(Location { kind: Kind::Post, path });
        let page = |path| Some(Location { kind: Kind::Page, path });
        for (path, expected) in [
            ("_posts/2026-01-02-a.md", post("_posts/2026-01-02-a.md")),
            ("_posts/2026/2026-1-2-a.html", post("_posts/2026/2026-1-2-a.html")),
            ("de/news/_posts/26-01-02-a.b.md", post("de/news/_posts/26-01-02-a.b.md")),
            ("_posts/a.md", None),
            ("_posts/2026-01-02-a", None),
            ("_posts/_off/2026-01-02-a.md", None),
            ("_posts/x/.off/2026-01-02-a.md", None),
            ("_layouts/_posts/2026-01-02-a.md", None),
            ("vendor/_posts/2026-01-02-a.md", None),
            ("old/a.md", None),
            ("_drafts/a.md", Some(Location { kind: Kind::Draft, path: "_drafts/a.md" })),
            ("_tools/x/a.md", Some(Location { kind: Kind::Document("tools"), path: "_tools/x/a.md" })),
            ("_layouts/a.html", None),
            ("_kept/a.html", page("_kept/a.html")),
            ("about.md", page("about.md")),
            (".github/a.md", None),
            ("", page("")),
        ] {
            assert_eq!(folders.locate(path), expected, "{path}");
        }
    }

    #[test]
    fn settings_move_the_folders() {
        let folders = folders(&json!({"source": "./src", "collections_dir": "content/", "collections": ["tools"]}));
        assert_eq!(folders.source(), "src/");
        let post = Some(Location { kind: Kind::Post, path: "sea/_posts/2026-01-02-a.md" });
        assert_eq!(folders.locate("src/content/sea/_posts/2026-01-02-a.md"), post);
        assert_eq!(post.unwrap().categories(), ["sea"]);
        assert_eq!(folders.locate("src/_posts/2026-01-02-a.md"), None);
        assert_eq!(folders.locate("_posts/2026-01-02-a.md"), None);
    }

    #[test]
    fn a_name_has_a_date_and_a_slug() {
        for (path, date, slug, title, output) in [
            ("_posts/2026-01-02-Neap-tides-1.0.md", Some("2026-01-02"), "Neap-tides-1.0", "Neap Tides 1.0", ".html"),
            ("2026-1-2-a--b-.html", Some("2026-1-2"), "a--b-", "A  B", ".html"),
            ("26-1-2-潮汐.MKD", Some("26-1-2"), "潮汐", "潮汐", ".html"),
            ("2026-01-02-etc...md", Some("2026-01-02"), "etc", "Etc", ".html"),
            ("2026-01-02.md", None, "2026-01-02", "2026 01 02", ".html"),
            ("2026-01-02-a", None, "2026-01-02-a", "2026 01 02 A", ""),
            ("2026-001-02-a.txt", None, "2026-001-02-a", "2026 001 02 A", ".txt"),
            ("2026-01-02-.md", Some("2026-01-02"), "", "", ".html"),
            ("ÉCLUSE-a.textile", None, "ÉCLUSE-a", "Écluse A", ".textile"),
        ] {
            let name = FileName::new(path);
            let found = (name.date, name.slug, name.title(), name.output_extension());
            assert_eq!(found, (date, slug, title.to_owned(), output), "{path}");
        }
    }
}
