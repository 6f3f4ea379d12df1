//! Links within a site of Pelican: `{filename}/post.md`, `{static}/images/a.png`, `|tag|moon`.
//!
//! Takes the settings, and what a link says; returns the address it leads to.

use serde_json::Value;

use crate::content::format::pelican::pattern::{FieldValue, Pattern};
use crate::content::format::pelican::slug::Slugs;
use crate::content::format::pelican::text;
use crate::content::format::{Body, Settings};
use crate::content::path::{file_name, folder, joined};
use crate::content::url_path::absolute;

/// What a link may begin with, in braces or between bars.
pub(super) const KINDS: [&str; 7] = ["filename", "static", "attach", "tag", "category", "author", "index"];

/// Where the parts of a site are.
#[derive(Debug)]
pub(super) struct Site {
    /// `PATH`, without slashes around it.
    path: String,
    /// The file of the front page.
    index: String,
    /// Whether the page of a post is the `index.html` of a folder that its address names without the slash.
    has_folders: bool,
    /// Kinds of links whose target has a page by its slug.
    by_name: Vec<(&'static str, Pattern, Slugs)>,
    /// Where files are published elsewhere than at their path.
    moved: Vec<(String, String)>,
}

impl Site {
    /// Reads the settings; `path` is `PATH`.
    pub fn new(settings: &Settings, path: &str) -> Self {
        let kinds = [
            ("tag", "TAG", "TAG_URL", "tag/{slug}.html"),
            ("category", "CATEGORY", "CATEGORY_URL", "category/{slug}.html"),
            ("author", "AUTHOR", "AUTHOR_URL", "author/{slug}.html"),
            ("page", "SLUG", "PAGE_URL", "pages/{slug}.html"),
        ];
        let by_name = kinds.into_iter().filter_map(|(kind, name, setting, own)| {
            Some((kind, Pattern::parse(text(settings, setting).unwrap_or(own)).ok()?, Slugs::new(settings, name)))
        });
        let moved = settings.get("EXTRA_PATH_METADATA").and_then(Value::as_object).into_iter().flatten();
        let moved = moved.filter_map(|(path, to)| Some((path.clone(), to.get("path")?.as_str()?.to_owned())));
        let saved_in_folder = text(settings, "ARTICLE_SAVE_AS").is_some_and(|path| path.ends_with("/index.html"));
        Self {
            path: path.to_owned(),
            index: text(settings, "INDEX_SAVE_AS").unwrap_or("index.html").to_owned(),
            has_folders: saved_in_folder,
            by_name: by_name.collect(),
            moved: moved.collect(),
        }
    }

    /// The address of a link of a kind; `None` if it leads nowhere.
    pub fn address(&self, kind: &str, target: &str, of: &Body<'_>) -> Option<String> {
        let (path, rest) = target.split_at(target.find(['?', '#']).unwrap_or(target.len()));
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        let found = match kind {
            "filename" => match (of.address)(&decoded) {
                Some(address) => Some(address),
                None if is_page(&decoded) => self.named("page", stem(&decoded), of),
                None => self.file(&decoded, of),
            },
            "static" => self.file(&decoded, of),
            "attach" => self.attached(&decoded, of),
            "index" => Some(absolute(of.base_url, &self.index).into()),
            kind => self.named(kind, &decoded, of),
        };
        found.map(|address| address + rest)
    }

    fn named(&self, kind: &str, name: &str, of: &Body<'_>) -> Option<String> {
        let (_, pattern, slugs) = self.by_name.iter().find(|(known, ..)| *known == kind)?;
        let path = pattern.expand(&|field| match field {
            "slug" | "name" => Some(FieldValue::Text(slugs.of(name))),
            _ => None,
        })?;
        Some(absolute(of.base_url, &path).into())
    }

    /// The address of a file that is published as it is.
    fn file(&self, target: &str, of: &Body<'_>) -> Option<String> {
        let path = self.below(target, of)?;
        let moved = self.moved.iter().find(|(from, _)| *from == path).map(|(_, to)| to.as_str());
        Some(absolute(of.base_url, moved.unwrap_or(&path)).into())
    }

    /// A file that is published beside the post.
    fn attached(&self, target: &str, of: &Body<'_>) -> Option<String> {
        let path = self.below(target, of)?;
        let own = folder(self.path_of(of));
        let inside = path.strip_prefix(own).filter(|_| !own.is_empty()).and_then(|rest| rest.strip_prefix('/'));
        let tail = if own.is_empty() { path.as_str() } else { inside.unwrap_or(file_name(&path)) };
        let page = of.issue.permalink.path();
        let page = page.strip_prefix(of.base_url.path().trim_end_matches('/')).unwrap_or(page);
        let beside = if self.has_folders { page } else { page.rsplit_once('/').map_or("", |(folder, _)| folder) };
        Some(absolute(of.base_url, &format!("{beside}/{tail}")).into())
    }

    /// A path below `PATH`: from there if it begins with a slash, otherwise from the folder of the post.
    fn below(&self, target: &str, of: &Body<'_>) -> Option<String> {
        match target.strip_prefix('/') {
            Some(path) => joined("", path),
            None => joined(folder(self.path_of(of)), target),
        }
    }

    /// The path of the post below `PATH`.
    fn path_of<'b>(&self, of: &Body<'b>) -> &'b str {
        let path = of.issue.path.as_str();
        let whole = format!("{}/", self.path);
        if self.path.is_empty() {
            return path;
        }
        let in_site = path.find(&format!("/{whole}")).map(|at| &path[at + 1..]);
        path.strip_prefix(&whole).or_else(|| in_site?.strip_prefix(&whole)).unwrap_or(path)
    }
}

fn is_page(path: &str) -> bool {
    [".md", ".markdown", ".mkd", ".rst", ".html"].iter().any(|ending| path.ends_with(ending))
}

fn stem(path: &str) -> &str {
    let name = file_name(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
