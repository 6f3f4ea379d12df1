//! Finds the Markdown files of a project, and reads as much of each as needed.
//!
//! Recognises issues by file name only; their content is left to `content`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context;
use rayon::prelude::*;

use crate::content::languages::Languages;
use crate::content::path::{file_name, with_slashes};
use crate::content::permalink::is_index;
use crate::disk::Project;
use crate::finding::{Finding, Place};

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
}

impl Project {
    /// The Markdown files below a content folder, sorted by path: every `index.md` (a bundle, which owns the other files of
    /// its folder) and single files, but not `_index.md` nor names that start with a dot. `index.en.md` is an `index.md`
    /// if `en` is one of the languages.
    ///
    /// # Errors
    /// If the folder itself cannot be read. An unreadable folder below it is a finding.
    pub fn sources(&self, folder: &Path, languages: &Languages) -> anyhow::Result<(Vec<SourceFile>, Vec<Finding>)> {
        let top = self.path(folder);
        let entries = fs::read_dir(&top).with_context(|| format!("failed to read the folder `{}`", top.display()))?;
        let name = with_slashes(folder);
        let root = if name.is_empty() { 0 } else { name.len() + 1 };
        let mut found = walk(&name, root, entries, languages);
        found.files.sort();
        Ok((found.files, found.findings))
    }

    /// Reads the first bytes of a file, until `is_enough` returns true or the file ends.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn head(&self, path: &str, is_enough: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
        const STEP_BYTES: u64 = 4096;
        let mut file = File::open(self.path(path))?;
        let mut bytes = Vec::with_capacity(STEP_BYTES as usize);
        while file.by_ref().take(STEP_BYTES).read_to_end(&mut bytes)? > 0 && !is_enough(&bytes) {}
        Ok(bytes)
    }
}

/// The Markdown files of a folder and those below it, and the problems with them.
#[derive(Default)]
struct Found {
    files: Vec<SourceFile>,
    findings: Vec<Finding>,
}

impl Found {
    fn merge(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.findings.extend(other.findings);
        self
    }
}

/// `name` is the folder's path below the project.
fn walk(name: &str, root: usize, entries: fs::ReadDir, languages: &Languages) -> Found {
    let mut found = Found::default();
    let mut folders = Vec::new();
    for entry in entries {
        let read = entry.and_then(|entry| Ok((entry.file_name(), entry.path(), is_folder(&entry)?)));
        let (file_name, path, folder) = match read {
            Ok(read) => read,
            Err(error) => {
                found.findings.push(unreadable(name, &error));
                continue;
            }
        };
        let Some(file_name) = file_name.to_str() else {
            found.findings.push(not_unicode(&path));
            continue;
        };
        if file_name.starts_with('.') {
            continue;
        }
        let path_below = if name.is_empty() { file_name.to_owned() } else { format!("{name}/{file_name}") };
        if folder {
            folders.push((path_below, path));
        } else if is_markdown(file_name) && !file_name.starts_with("_index.") {
            found.files.push(SourceFile { path: path_below, root });
        }
    }
    let is_bundle = |file: &SourceFile| is_index(file_name(&languages.without_language(&file.path)));
    if found.files.iter().any(is_bundle) {
        found.files.retain(is_bundle);
        return found;
    }
    let below = folders.into_par_iter().map(|(name, path)| match fs::read_dir(&path) {
        Ok(entries) => walk(&name, root, entries, languages),
        Err(error) => Found { files: Vec::new(), findings: vec![unreadable(&name, &error)] },
    });
    found.merge(below.reduce(Found::default, Found::merge))
}

/// Whether an entry is a folder or a symbolic link to one.
fn is_folder(entry: &fs::DirEntry) -> io::Result<bool> {
    let kind = entry.file_type()?;
    if kind.is_symlink() { Ok(entry.path().is_dir()) } else { Ok(kind.is_dir()) }
}

fn is_markdown(file_name: &str) -> bool {
    let ending = Path::new(file_name).extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| ["md", "markdown", "mdown"].iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn unreadable(path: &str, error: &io::Error) -> Finding {
    Finding::error("unreadable", format!("it cannot be read: {error}"))
        .help("make it readable for the user that runs slugline, or remove it")
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
        ]);
        let (files, findings) = project.sources(Path::new("./content/"), &Languages::default()).unwrap();
        let below: Vec<&str> = files.iter().map(SourceFile::below_content).collect();
        assert_eq!(below, ["blog/a 名.md", "blog/b/index.md", "top.MD"]);
        assert_eq!(files[0].path, "content/blog/a 名.md");
        assert_eq!(findings, []);
    }

    #[test]
    fn only_the_needed_bytes_are_read() {
        let (_folder, project) = project(&[]);
        project.write("a.md", &[b'x'; 20_000]).unwrap();
        let length = |path, enough: usize| project.head(path, |bytes| bytes.len() > enough).map(|bytes| bytes.len());
        assert_eq!(length("a.md", 5000).unwrap(), 8192);
        assert_eq!(length("a.md", 50_000).unwrap(), 20_000);
        assert!(length("b.md", 0).is_err());
    }
}
