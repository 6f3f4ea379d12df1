//! When issues last changed, by the history that git keeps of them.
//!
//! Takes content folders; gives, per file, the author date of the last commit that changed what readers read. One
//! `git log` per folder, and the two versions of a file around a change from one `git cat-file`. The commit that brought
//! a file in is no change, nor are renames, changed modes, and commits that say so.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, FixedOffset};

use crate::content::path::slashed;
use crate::content::revision::reads_differently;
use crate::disk::Project;
use crate::disk::git;
use crate::disk::git::blobs::Blobs;
use crate::disk::git::log::{self, Change, Log};
use crate::disk::sources::SourceFile;
use crate::finding::Finding;

/// In the subject of a commit: it changes nothing that readers should know of.
const SKIP: &str = "[skip updated]";

/// Commits that only change how files look, as `git blame` knows them.
const IGNORED: &str = ".git-blame-ignore-revs";

/// When files last changed so that readers should know.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    updated: HashMap<String, DateTime<FixedOffset>>,
}

impl History {
    /// The history of these files, which are in these folders of the project.
    ///
    /// # Errors
    /// A finding when there is no git, no repository, or only a part of its history.
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
            let folder = slashed(folder);
            for (path, changes) in changes {
                let path = if folder.is_empty() { path } else { format!("{folder}/{path}") };
                if !files.contains(path.as_str()) {
                    continue;
                }
                if let Some(date) = last_read_differently(&mut blobs, &changes)? {
                    history.updated.insert(path, date);
                }
            }
        }
        Ok(history)
    }

    /// When the file at this path below the project folder changed last; `None` when it never did, or is new.
    pub fn updated(&self, path: &str) -> Option<DateTime<FixedOffset>> {
        self.updated.get(path).copied()
    }
}

/// The changes of every file in a folder that may have been significant, newest first.
fn changes(folder: &Path) -> anyhow::Result<HashMap<String, Vec<Change>>> {
    let answer = git::output(folder, &["rev-parse", "--is-shallow-repository", "--show-toplevel"])?;
    let (shallow, top) = answer.split_once('\n').context("git does not say where the repository is")?;
    if shallow == "true" {
        let message = "the clone is shallow, so git cannot tell when issues changed";
        let help = "run `git fetch --unshallow`; in GitHub Actions give `actions/checkout` the option `fetch-depth: 0`";
        return Err(Finding::error("history", message).help(help).into());
    }
    let ignored = Project::new(top.trim_end_matches('\n')).text(IGNORED).unwrap_or_default();
    let ignored: BTreeSet<&str> = ignored.lines().map(str::trim).collect();
    let is_ignored = |hash: &str, subject: &str| ignored.contains(hash) || subject.contains(SKIP);
    git::stream(folder, &log::ARGUMENTS, |stdout| Log::new(is_ignored).read(stdout))
}

fn last_read_differently(blobs: &mut Blobs, changes: &[Change]) -> anyhow::Result<Option<DateTime<FixedOffset>>> {
    for change in changes {
        let before = blobs.read(&change.before)?;
        if reads_differently(&before, &blobs.read(&change.after)?) {
            return Ok(Some(change.date));
        }
    }
    Ok(None)
}
