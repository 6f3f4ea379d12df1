//! Determines when issues last changed from their git history.
//!
//! Takes content folders; returns, by file, the author date of the last commit that changed what readers see. Runs one
//! `git log` per folder, and one `git cat-file` for the versions before and after each change. Adding or renaming a
//! file, changing its mode, and commits marked to be skipped do not count.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, FixedOffset};

use crate::content::path::with_slashes;
use crate::content::revision::reads_differently;
use crate::disk::Project;
use crate::disk::git;
use crate::disk::git::blobs::Blobs;
use crate::disk::git::log::{self, Change, Log};
use crate::disk::sources::SourceFile;
use crate::finding::Finding;

/// In a commit subject: readers need not know of this change.
const SKIP: &str = "[skip updated]";

/// Commits that only change formatting, as for `git blame`.
const IGNORED: &str = ".git-blame-ignore-revs";

/// When files last changed visibly.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    updated: HashMap<String, DateTime<FixedOffset>>,
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
    ) -> anyhow::Result<Self> {
        let files: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let mut history = Self::default();
        for folder in folders {
            let changes = changes(&project.path(folder))?;
            let mut blobs = Blobs::open(&project.path(folder))?;
            let folder = with_slashes(folder);
            for (path, changes) in changes {
                let path = if folder.is_empty() { path } else { format!("{folder}/{path}") };
                if !files.contains(path.as_str()) {
                    continue;
                }
                if let Some(date) = last_visible_change(&mut blobs, &changes)? {
                    history.updated.insert(path, date);
                }
            }
        }
        Ok(history)
    }

    /// When the file at this path below the project folder last changed; `None` if it never did, or is new.
    pub fn updated(&self, path: &str) -> Option<DateTime<FixedOffset>> {
        self.updated.get(path).copied()
    }
}

/// The possibly significant changes of every file in a folder, newest first.
fn changes(folder: &Path) -> anyhow::Result<HashMap<String, Vec<Change>>> {
    let answer = git::output(folder, &["rev-parse", "--is-shallow-repository", "--show-toplevel"])?;
    let (shallow, top) = answer.split_once('\n').context("git did not report the root of the repository")?;
    if shallow == "true" {
        let message = "the git clone is shallow, so git does not know when issues changed";
        let help = "run `git fetch --unshallow`; in GitHub Actions, set `fetch-depth: 0` for `actions/checkout`";
        return Err(Finding::error("git-history", message).help(help).into());
    }
    let ignored = Project::new(top.trim_end_matches('\n')).text(IGNORED).unwrap_or_default();
    let ignored: BTreeSet<&str> = ignored.lines().map(str::trim).collect();
    let is_ignored = |hash: &str, subject: &str| ignored.contains(hash) || subject.contains(SKIP);
    git::stream(folder, &log::ARGUMENTS, |stdout| Log::new(is_ignored).read(stdout))
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
