//! Records in `feeds.lock` the ids of the issues that are shown, before anything shows them.
//!
//! Takes the issues with their final ids, and which of them outputs show, with the hashes of their bodies. A project that
//! shows nothing gets no file. What was mailed is recorded there too; which mailings those are is decided in `send`.

use std::collections::BTreeMap;

use crate::disk::{Project, Written};
use crate::finding::{Finding, Place};
use crate::identity::lock::{self, Lock, Mailings};
use crate::identity::{self, Change, ChangeKind};
use crate::issue::Issue;

/// What a build does about `feeds.lock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// It is written when something changed.
    Write,
    /// It is an error when something changed.
    Locked,
    /// It is left alone: a preview of what may never be published.
    LeaveAlone,
}

/// `feeds.lock` after a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockReport {
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

/// Reads `feeds.lock`; a project that published nothing yet has none.
///
/// # Errors
/// When it cannot be read; a finding when it is not as it was written.
pub fn read_lock(project: &Project) -> anyhow::Result<Lock> {
    match project.text_if_there(lock::FILE)? {
        None => Ok(Lock::default()),
        Some(text) => Lock::parse(&text).map_err(|finding| (*finding).into()),
    }
}

/// Records the issues that outputs show, each with the `content_hash` of its body. `issues` are all, with their final ids.
///
/// # Errors
/// When the lock cannot be read or written; `LockChanged` when it must stay as it is and would not.
pub fn record(
    project: &Project,
    issues: &[Issue],
    shown: &[(&Issue, String)],
    mode: LockMode,
) -> anyhow::Result<Option<LockReport>> {
    if mode == LockMode::LeaveAlone {
        return Ok(None);
    }
    let before = read_lock(project)?;
    let (next, changes) = identity::recorded(&before, issues, shown);
    if mode == LockMode::Locked && !changes.is_empty() {
        return Err(LockChanged { changes }.into());
    }
    if next.entries.is_empty() {
        return Ok(None);
    }
    let text = next.to_text();
    // As it was committed, even if somebody put a comment into it.
    let written = if changes.is_empty() { Written::Unchanged } else { project.write(lock::FILE, text.as_bytes())? };
    Ok(Some(LockReport { entries: next.entries.len(), bytes: text.len(), written, changes }))
}

/// What a project file, named by its path below the project folder, is recorded to have mailed.
///
/// # Errors
/// As `read_lock`.
pub fn read_mailings(project: &Project, project_file: &str) -> anyhow::Result<Mailings> {
    Ok(read_lock(project)?.mailings.remove(project_file).unwrap_or_default())
}

/// Changes what is recorded of mailings: of all project files, since several may share a store. Once it has returned, the
/// change is on the disk.
///
/// # Errors
/// When the lock cannot be read or written; then it is as it was.
pub fn change_mailings(
    project: &Project,
    change: impl FnOnce(&mut BTreeMap<String, Mailings>),
) -> anyhow::Result<Written> {
    let mut lock = read_lock(project)?;
    let before = lock.mailings.clone();
    change(&mut lock.mailings);
    lock.mailings.retain(|_, mailings| !mailings.is_empty());
    if lock.mailings == before {
        return Ok(Written::Unchanged);
    }
    project.write(lock::FILE, lock.to_text().as_bytes())
}
