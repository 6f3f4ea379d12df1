//! Determines from their git history when issues were written, and when they last changed.
//!
//! Takes content folders; returns, by file, the author dates of its first commit and of the last one that changed what readers
//! see. Runs one `git log` per folder, and one `git cat-file` for the versions before and after each change. Adding or renaming
//! a file, changing its mode, and commits marked to be skipped are not changes.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, FixedOffset};

use crate::content::path::with_slashes;
use crate::content::revision::reads_differently;
use crate::disk::Project;
use crate::disk::git;
use crate::disk::git::blobs::Blobs;
use crate::disk::git::log::{self, Change, Log, Past};
use crate::disk::sources::SourceFile;
use crate::finding::Finding;

/// In a commit subject: readers need not know of this change.
const SKIP: &str = "[skip updated]";

/// Commits that only change formatting, as for `git blame`.
const IGNORED: &str = ".git-blame-ignore-revs";

/// When files were committed first, and last changed visibly.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    created: HashMap<String, DateTime<FixedOffset>>,
    updated: HashMap<String, DateTime<FixedOffset>>,
}

/// What is looked up in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// When files were committed first.
    pub created: bool,
    /// When they last changed: compares versions of each.
    pub updated: bool,
}

impl History {
    /// The history of these files in these folders of the project.
    ///
    /// # Errors
    /// A finding if git or the repository is missing, or the history is incomplete.
    pub fn read<'a>(
        project: &Project,
        folders: impl IntoIterator<Item = &'a Path>,
        files: &[SourceFile],
        wanted: Wanted,
    ) -> anyhow::Result<Self> {
        let mut history = Self::default();
        if wanted == (Wanted { created: false, updated: false }) {
            return Ok(history);
        }
        let files: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        for folder in folders {
            let read = files_of(&project.path(folder), wanted)?;
            let mut blobs = Blobs::open(&project.path(folder))?;
            let folder = with_slashes(folder);
            for (path, past) in read {
                let path = if folder.is_empty() { path } else { format!("{folder}/{path}") };
                if !files.contains(path.as_str()) {
                    continue;
                }
                if wanted.updated
                    && let Some(date) = last_visible_change(&mut blobs, &past.changes)?
                {
                    history.updated.insert(path.clone(), date);
                }
                history.created.extend(past.created.filter(|_| wanted.created).map(|date| (path, date)));
            }
        }
        Ok(history)
    }

    /// When the file at this path below the project folder was committed first; `None` if it never was.
    pub fn created(&self, path: &str) -> Option<DateTime<FixedOffset>> {
        self.created.get(path).copied()
    }

    /// When the file at this path below the project folder last changed; `None` if it never did, or is new.
    pub fn updated(&self, path: &str) -> Option<DateTime<FixedOffset>> {
        self.updated.get(path).copied()
    }
}

/// The past of every file in a folder, with all changes that may be visible. Files may have been committed first in another
/// folder; changes there do not matter.
fn files_of(folder: &Path, wanted: Wanted) -> anyhow::Result<HashMap<String, Past>> {
    let answer = git::output(folder, &["rev-parse", "--is-shallow-repository", "--show-prefix", "--show-toplevel"])?;
    let (shallow, rest) = answer.split_once('\n').context("git did not report the root of the repository")?;
    let (prefix, top) = rest.split_once('\n').context("git did not report the root of the repository")?;
    if shallow == "true" {
        let message = "the git clone is shallow, so git does not know when issues were written or changed";
        let help = "run `git fetch --unshallow`; in GitHub Actions, set `fetch-depth: 0` for `actions/checkout`";
        return Err(Finding::error("git-history", message).help(help).into());
    }
    let ignored = Project::new(top.trim_end_matches('\n')).text(IGNORED).unwrap_or_default();
    let ignored: BTreeSet<&str> = ignored.lines().map(str::trim).collect();
    let is_ignored = |hash: &str, subject: &str| ignored.contains(hash) || subject.contains(SKIP);
    let paths = if wanted.created { "--no-relative" } else { "--relative" };
    let arguments = [log::ARGUMENTS.as_slice(), &[paths]].concat();
    let files = git::stream(folder, &arguments, |stdout| Log::new(is_ignored).read(stdout))?;
    if !wanted.created {
        return Ok(files);
    }
    Ok(files.into_iter().filter_map(|(path, past)| Some((path.strip_prefix(prefix)?.to_owned(), past))).collect())
}

fn last_visible_change(blobs: &mut Blobs, changes: &[Change]) -> anyhow::Result<Option<DateTime<FixedOffset>>> {
    for change in changes {
        let before = blobs.read(&change.before)?;
        if reads_differently(&before, &blobs.read(&change.after)?) {
            return Ok(Some(change.date));
        }
    }
    Ok(None)
}
