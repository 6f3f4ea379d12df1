//! Finds the Markdown files of a project; knows the names of Hugo's configuration.
//!
//! Recognises issues by file name only; their content is left to `content`.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;

use crate::content::languages::Languages;
use crate::content::path::{file_name, folder, is_index, with_slashes};
use crate::disk::Project;
use crate::disk::folder::{Entry, EntryKind, Folder, Listing};
use crate::finding::{Finding, Place};

/// The names that Hugo looks for in the folder of a site, in its order.
pub const HUGO_FILES: [&str; 8] =
    ["hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config.toml", "config.yaml", "config.yml", "config.json"];

/// The folders with more files of its configuration, in the order in which they override one another.
pub const HUGO_FOLDERS: [&str; 2] = ["config/_default", "config/production"];

/// Endings of files that are posts to some generators.
const OTHER_ENDINGS: [&str; 13] =
    ["adoc", "asciidoc", "htm", "html", "liquid", "mdx", "mkd", "mkdn", "mkdown", "njk", "org", "rst", "textile"];

/// Folders that no author writes in.
const NOT_OF_AUTHORS: [&str; 1] = ["node_modules"];

/// Which files of a content folder should be issues.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The languages of the project.
    pub languages: &'a Languages,
    /// Endings besides those of Markdown.
    pub endings: &'a [&'a str],
    /// Whether an `index.md` owns its folder.
    pub has_bundles: bool,
}

/// A Markdown file that should be an issue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Path below the project folder, separated by `/`.
    pub path: String,
    /// Length of the content folder's part of `path`, including its last slash.
    root: usize,
}

impl SourceFile {
    /// Path below the content folder.
    pub fn below_content(&self) -> &str {
        &self.path[self.root..]
    }

    /// The same file in a content folder around its own, whose part of `path` has this length with its last slash.
    pub fn in_content(self, root: usize) -> Self {
        Self { root: root.min(self.root), ..self }
    }
}

/// What is found in a content folder.
#[derive(Debug, Default)]
pub struct Sources {
    /// The files that should be issues, in no particular order.
    pub files: Vec<SourceFile>,
    /// Every `_index.md`, also those above the content folder.
    pub sections: Vec<SourceFile>,
    /// Markdown files that belong to a bundle, whose path is the first of each pair.
    pub bundled: Vec<(String, SourceFile)>,
    /// Files that are posts to some other generator, perhaps.
    pub others: Vec<SourceFile>,
    /// What cannot be read.
    pub findings: Vec<Finding>,
}

impl Project {
    /// The Markdown files below a content folder: every `index.md` (a bundle, which owns the other files of its folder) and
    /// single files, but not names that start with a dot. `index.en.md` is an `index.md` if `en` is one of the languages.
    /// Symbolic links are not followed, as in Hugo.
    ///
    /// # Errors
    /// If the folder itself cannot be read. An unreadable folder below it, and a symbolic link, is a finding.
    pub fn sources(&self, folder: &Path, rules: &Rules<'_>) -> anyhow::Result<Sources> {
        let top = self.path(folder);
        let listing = Listing::open(&top).with_context(|| format!("failed to read the folder `{}`", top.display()))?;
        let name = with_slashes(folder);
        let root = if name.is_empty() { 0 } else { name.len() + 1 };
        let mut found = Walk { project: self, root, rules }.sources(&name, listing);
        found.sections.extend(self.sections_above(&name, root));
        found.bundled.sort();
        found.others.sort();
        found.findings.sort_by_cached_key(|finding| finding.place.as_ref().map(|place| place.path.clone()));
        Ok(found)
    }

    /// The `_index.md` of the folders around a content folder.
    fn sections_above(&self, name: &str, root: usize) -> Vec<SourceFile> {
        let mut sections = Vec::new();
        let mut around = name;
        while !around.is_empty() {
            around = folder(around);
            let Ok(listing) = Listing::open(&self.path(around)) else { continue };
            let files = listing.flatten().filter(|entry| entry.kind == EntryKind::File);
            let names = files.filter_map(|entry| entry.name.into_string().ok());
            let found = names.filter(|name| is_markdown(name) && is_section(name));
            sections
                .extend(found.map(|name| SourceFile { path: below(around, &name), root: root.min(around.len() + 1) }));
        }
        sections
    }
}

impl Sources {
    fn add(&mut self, other: Self) {
        self.files.extend(other.files);
        self.sections.extend(other.sections);
        self.bundled.extend(other.bundled);
        self.others.extend(other.others);
        self.findings.extend(other.findings);
    }
}

/// Collects the files below a content folder, whose part of their paths has the length `root`.
#[derive(Clone, Copy)]
struct Walk<'a> {
    project: &'a Project,
    root: usize,
    rules: &'a Rules<'a>,
}

impl Walk<'_> {
    /// What is in a folder; `name` is its path below the project.
    fn sources(self, name: &str, mut listing: Listing) -> Sources {
        let mut found = Sources::default();
        let folders = self.next_folders(&mut found, name, &mut listing);
        let is_alone = folders.is_empty() && found.files.len() <= 1;
        let inside = self.all_inside(&mut found, name, listing, folders);
        let is_bundle = |file: &SourceFile| is_index(file_name(&self.rules.languages.without_language(&file.path)));
        let bundle = found.files.iter().find(|file| !is_alone && self.rules.has_bundles && is_bundle(file));
        let Some(bundle) = bundle.map(|file| file.path.clone()) else {
            found.add(inside);
            return found;
        };
        let (bundles, beside): (Vec<_>, Vec<_>) = found.files.into_iter().partition(is_bundle);
        let bundled = beside.into_iter().chain(inside.files).map(|file| (bundle.clone(), file));
        found.bundled = bundled.chain(inside.bundled).collect();
        found.others.extend(inside.others);
        Sources { files: bundles, ..found }
    }

    /// What is in the folders in a folder, of which `folders` are the first. Those of a large one are read while it is listed.
    fn all_inside(self, found: &mut Sources, name: &str, mut listing: Listing, mut folders: Vec<String>) -> Sources {
        if folders.is_empty() {
            return Sources::default();
        }
        // One handle for all: a program may often open no more than 256 files.
        let around = match listing.folder() {
            Ok(around) => around,
            Err(error) => {
                found.findings.push(unreadable(name, &error));
                return Sources::default();
            }
        };
        let inside = Mutex::new(Sources::default());
        rayon::scope(|scope| {
            while !folders.is_empty() {
                let (around, inside) = (&around, &inside);
                scope.spawn(move |_| {
                    let found = self.inside(name, around, &folders);
                    inside.lock().unwrap_or_else(PoisonError::into_inner).add(found);
                });
                folders = self.next_folders(found, name, &mut listing);
            }
        });
        inside.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the next folders in a folder; adds the other entries before them.
    fn next_folders(self, found: &mut Sources, name: &str, listing: &mut Listing) -> Vec<String> {
        const FOLDERS_AT_ONCE: usize = 64;
        listing.filter_map(|entry| self.add(found, name, entry)).take(FOLDERS_AT_ONCE).collect()
    }

    /// What is in these folders, which are in another.
    fn inside(self, name: &str, around: &Folder, folders: &[String]) -> Sources {
        let mut found = Sources::default();
        for folder in folders {
            let path = below(name, folder);
            match around.list(folder) {
                Ok(listing) => found.add(self.sources(&path, listing)),
                Err(error) => found.findings.push(unreadable(&path, &error)),
            }
        }
        found
    }

    /// Adds an entry of a folder; returns its name if it is a folder.
    fn add(self, found: &mut Sources, name: &str, entry: io::Result<Entry>) -> Option<String> {
        let Entry { name: file_name, kind } =
            entry.map_err(|error| found.findings.push(unreadable(name, &error))).ok()?;
        let not_unicode = |file_name| found.findings.push(not_unicode(&Path::new(name).join(file_name)));
        let file_name = file_name.into_string().map_err(not_unicode).ok()?;
        if file_name.starts_with('.') {
            return None;
        }
        if kind == EntryKind::Folder {
            return Some(file_name).filter(|name| !NOT_OF_AUTHORS.contains(&name.as_str()));
        }
        let (path, is_markdown) = (|| below(name, &file_name), is_markdown(&file_name));
        let of_kind = match kind {
            EntryKind::SymbolicLink if is_markdown || self.project.path(path()).is_dir() => {
                found.findings.push(symbolic_link(&path()));
                return None;
            }
            EntryKind::Special if is_markdown => {
                found.findings.push(special(&path()));
                return None;
            }
            EntryKind::File if is_markdown && is_section(&file_name) => &mut found.sections,
            EntryKind::File if is_markdown || has_ending(&file_name, self.rules.endings) => &mut found.files,
            EntryKind::File if has_ending(&file_name, &OTHER_ENDINGS) => &mut found.others,
            _ => return None,
        };
        of_kind.push(SourceFile { path: path(), root: self.root });
        None
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { [folder, "/", name].concat() }
}

fn is_section(file_name: &str) -> bool {
    file_name.split_once('.').is_some_and(|(name, _)| name.eq_ignore_ascii_case("_index"))
}

fn is_markdown(file_name: &str) -> bool {
    has_ending(file_name, &["md", "markdown", "mdown"])
}

fn has_ending(file_name: &str, endings: &[&str]) -> bool {
    let ending = file_name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn unreadable(path: &str, error: &io::Error) -> Finding {
    Finding::error("unreadable", format!("it cannot be read: {error}"))
        .help("make it readable for the user that runs slugline, or remove it")
        .at(Place::file(path))
}

fn symbolic_link(path: &str) -> Finding {
    Finding::warning("symbolic-link", "it is a symbolic link, which Hugo ignores, so it is not an issue")
        .help("put the file itself there, or name the folder that contains it in `content`")
        .at(Place::file(path))
}

/// Opening a pipe would wait for a writer, and reading a device might never end.
fn special(path: &str) -> Finding {
    Finding::error("unreadable", "it is a pipe, a socket or a device, not a file")
        .help("remove it, or give it a name that does not end like that of a Markdown file")
        .at(Place::file(path))
}

fn not_unicode(path: &Path) -> Finding {
    Finding::error("path-not-unicode", "the name of the file is not Unicode, so no URL can name it")
        .help("rename it")
        .at(Place::file(path.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(languages: &Languages) -> Rules<'_> {
        Rules { languages, endings: &[], has_bundles: true }
    }

    fn project(files: &[&str]) -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        for file in files {
            project.write(file, b"text").unwrap();
        }
        (folder, project)
    }

    #[test]
    fn bundles_and_single_files_are_found() {
        let (_folder, project) = project(&[
            "content/blog/b/index.md",
            "content/blog/b/notes.md",
            "content/blog/b/deep/c.md",
            "content/blog/a 名.md",
            "content/blog/_index.md",
            "content/blog/cover.png",
            "content/.hidden/a.md",
            "content/top.MD",
            "_index.md",
        ]);
        let languages = Languages::default();
        let mut found = project.sources(Path::new("./content/"), &rules(&languages)).unwrap();
        found.files.sort();
        let below: Vec<&str> = found.files.iter().map(SourceFile::below_content).collect();
        assert_eq!(below, ["blog/a 名.md", "blog/b/index.md", "top.MD"]);
        assert_eq!(found.files[0].path, "content/blog/a 名.md");
        let sections: Vec<&str> = found.sections.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(sections, ["content/blog/_index.md", "_index.md"]);
        let bundle = || "content/blog/b/index.md".to_owned();
        let bundled = ["content/blog/b/deep/c.md", "content/blog/b/notes.md"];
        assert_eq!(found.findings, []);
        let found: Vec<_> = found.bundled.into_iter().map(|(bundle, file)| (bundle, file.path)).collect();
        assert_eq!(found, bundled.map(|path| (bundle(), path.to_owned())));
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_links_are_named_and_not_followed() {
        let (_folder, project) = project(&["content/a.md", "elsewhere/b.md"]);
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, project.path(at)).unwrap();
        link("a.md", "content/c.md");
        link("../elsewhere", "content/d");
        link("..", "content/up");
        link("a.png", "content/picture.png");
        link("content", "linked");
        let languages = Languages::default();
        let mut found = project.sources(Path::new("linked"), &rules(&languages)).unwrap();
        found.findings.sort_by_key(|finding| finding.place.as_ref().map(ToString::to_string));
        let links: Vec<String> = found.findings.iter().map(|it| it.place.as_ref().unwrap().to_string()).collect();
        assert_eq!((found.files.len(), links), (1, vec!["linked/c.md".into(), "linked/d".into(), "linked/up".into()]));
    }

    #[cfg(unix)]
    #[test]
    fn only_files_are_read() {
        let (_folder, project) = project(&["content/a.md", "content/folder.md/b.md"]);
        let _socket = std::os::unix::net::UnixListener::bind(project.path("content/socket.md")).unwrap();
        let _above = std::os::unix::net::UnixListener::bind(project.path("_index.md")).unwrap();
        let _picture = std::os::unix::net::UnixListener::bind(project.path("content/socket.png")).unwrap();
        std::os::unix::fs::symlink("loop.md", project.path("content/loop.md")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", project.path("content/zero.md")).unwrap();
        let languages = Languages::default();
        let mut found = project.sources(Path::new("content"), &rules(&languages)).unwrap();
        found.files.sort();
        found.findings.sort_by_key(|finding| finding.place.as_ref().map(ToString::to_string));
        let said: Vec<_> = found.findings.iter().map(|it| (it.rule, it.place.as_ref().unwrap().to_string())).collect();
        let files: Vec<&str> = found.files.iter().map(SourceFile::below_content).collect();
        assert_eq!(files, ["a.md", "folder.md/b.md"]);
        assert_eq!(found.sections, []);
        let links = ["loop", "zero"].map(|name| ("symbolic-link", format!("content/{name}.md")));
        assert_eq!(said, [&links[..1], &[("unreadable", "content/socket.md".to_owned())], &links[1..]].concat());
    }
}
