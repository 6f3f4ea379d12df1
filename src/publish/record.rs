//! Records in `feeds.lock` the ids of the issues that are shown, before anything shows them.
//!
//! Takes the issues with their final ids, and which of them outputs show; reads the bodies of these. A project that shows
//! nothing gets no file.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::disk::{Project, Written};
use crate::feed::identity::{self, Change, ChangeKind};
use crate::feed::lock::{self, content_hash};
use crate::finding::{Finding, Place};
use crate::issue::Issue;
use crate::load;

/// What a build does about `feeds.lock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// It is written when something changed.
    Write,
    /// It is an error when something changed.
    Locked,
    /// It is left alone: a preview of what may never be published.
    LeaveAlone,
}

/// `feeds.lock` after a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// How many issues it knows.
    pub entries: usize,
    /// How large it is.
    pub bytes: usize,
    /// Whether it had to be written.
    pub written: Written,
    /// What changed, in the order of the paths.
    pub changes: Vec<Change>,
}

/// `feeds.lock` would change and must not.
#[derive(Debug, thiserror::Error)]
#[error("`{file}` is not up to date", file = lock::FILE)]
pub struct LockChanged {
    /// What would change, in the order of the paths.
    pub changes: Vec<Change>,
}

impl LockChanged {
    /// One finding per change.
    pub fn findings(&self) -> Vec<Finding> {
        let finding = |change: &Change| {
            let message = match &change.kind {
                ChangeKind::New => format!("it is not recorded yet: its id would be `{}`", change.id),
                ChangeKind::Moved(from) => format!("it was `{from}`: it would keep its id `{}`", change.id),
                ChangeKind::Renamed(before) => format!("its id was `{before}`, and would be `{}`", change.id),
                ChangeKind::Edited => format!("its text is not the one that was recorded for `{}`", change.id),
            };
            Finding::error("lock-changed", message).at(Place::file(&change.path))
        };
        self.changes.iter().map(finding).collect()
    }
}

/// Records the issues that feeds show. One that cannot be read is not shown, and not recorded.
///
/// # Errors
/// When the lock cannot be read or written; `LockChanged` when it must stay as it is and would not.
pub(super) fn record<'a>(
    project: &Project,
    issues: &'a [Issue],
    shown: impl Iterator<Item = &'a Issue>,
    keeping: Keeping,
) -> anyhow::Result<Option<Recorded>> {
    if keeping == Keeping::LeaveAlone {
        return Ok(None);
    }
    let once: BTreeMap<&str, &Issue> = shown.map(|issue| (issue.path.as_str(), issue)).collect();
    let hash = |issue: &'a Issue| Some((issue, content_hash(&load::body(project, issue).ok()?)));
    let shown: Vec<(&Issue, String)> =
        once.into_values().collect::<Vec<_>>().into_par_iter().filter_map(hash).collect();
    let before = load::lock(project)?;
    let (next, changes) = identity::record(&before, issues, &shown);
    if keeping == Keeping::Locked && !changes.is_empty() {
        return Err(LockChanged { changes }.into());
    }
    if next.entries.is_empty() {
        return Ok(None);
    }
    let text = next.to_text();
    // As it was committed, even if somebody put a comment into it.
    let written = if changes.is_empty() { Written::Unchanged } else { project.write(lock::FILE, text.as_bytes())? };
    Ok(Some(Recorded { entries: next.entries.len(), bytes: text.len(), written, changes }))
}

/// Records issues that are mailed, whether or not a feed shows them.
///
/// # Errors
/// When the lock cannot be read or written.
pub fn record_mailed(project: &Project, issues: &[Issue], mailed: &[&Issue]) -> anyhow::Result<()> {
    record(project, issues, mailed.iter().copied(), Keeping::Write).map(|_| ())
}
