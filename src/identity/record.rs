//! Records in `feeds.lock` the ids of issues and the mailings, before anything is published or mailed.
//!
//! Takes the issues with final ids, and those in an output with the hashes of their bodies. A project that outputs
//! nothing gets no file. `send` decides which mailings to record.

use std::collections::BTreeMap;

use crate::disk::{Project, Written};
use crate::finding::{Finding, Place};
use crate::identity::lock::{self, Lock, Mailings};
use crate::identity::{self, BodyPrint, Change, ChangeKind};
use crate::issue::Issue;

/// How a build treats `feeds.lock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Writes it if it changes.
    Write,
    /// Fails if it would change.
    Locked,
    /// Leaves it alone, for previews of what may never be published.
    LeaveAlone,
}

/// `feeds.lock` after a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockReport {
    /// Number of issues.
    pub entries: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// Whether it was written.
    pub written: Written,
    /// The changes, by path.
    pub changes: Vec<Change>,
}

/// `feeds.lock` would change but must not.
#[derive(Debug, thiserror::Error)]
#[error("`{file}` is not up to date", file = lock::FILE)]
pub struct LockChanged {
    /// The changes, by path.
    pub changes: Vec<Change>,
}

impl LockChanged {
    /// One finding per change.
    pub fn findings(&self) -> Vec<Finding> {
        let finding = |change: &Change| {
            let message = match &change.kind {
                ChangeKind::New => format!("it is not recorded yet; its id would be `{}`", change.id),
                ChangeKind::Moved(from) => format!("it moved from `{from}` and would keep its id `{}`", change.id),
                ChangeKind::Renamed(before) => format!("its id was `{before}` and would become `{}`", change.id),
                ChangeKind::Edited => format!("its text differs from the one recorded for `{}`", change.id),
            };
            Finding::error("lock-changed", message).at(Place::file(&change.path))
        };
        self.changes.iter().map(finding).collect()
    }
}

/// Reads `feeds.lock`; a project without published issues has none.
///
/// # Errors
/// If it cannot be read; a finding if it is malformed.
pub fn read_lock(project: &Project) -> anyhow::Result<Lock> {
    match project.text_if_exists(lock::FILE)? {
        None => Ok(Lock::default()),
        Some(text) => Lock::parse(&text).map_err(|finding| (*finding).into()),
    }
}

/// Records the issues in outputs, each with the print of its body. `before` is the lock as read, `issues` are all issues,
/// with final ids.
///
/// # Errors
/// If the lock cannot be written; `LockChanged` if it would change but must not.
pub fn record(
    project: &Project,
    before: &Lock,
    issues: &[Issue],
    shown: &[(&Issue, BodyPrint)],
    mode: LockMode,
) -> anyhow::Result<Option<LockReport>> {
    if mode == LockMode::LeaveAlone {
        return Ok(None);
    }
    let (next, changes) = identity::updated_lock(before, issues, shown);
    if mode == LockMode::Locked && !changes.is_empty() {
        return Err(LockChanged { changes }.into());
    }
    if next.entries.is_empty() {
        return Ok(None);
    }
    let text = next.to_text();
    // Left as committed, even if a comment was added by hand; `--locked` tolerates a title that changed.
    let is_left = next == *before || mode == LockMode::Locked;
    let written = if is_left { Written::Unchanged } else { project.write(lock::FILE, text.as_bytes())? };
    Ok(Some(LockReport { entries: next.entries.len(), bytes: text.len(), written, changes }))
}

/// Records an issue that is in no output yet: the answer that it is none of those it resembles.
///
/// # Errors
/// If the lock cannot be read or written.
pub fn record_new(project: &Project, issues: &[Issue], issue: &Issue, body: &str) -> anyhow::Result<()> {
    let lock = read_lock(project)?;
    let print = BodyPrint::of(&lock, issue, body);
    record(project, &lock, issues, &[(issue, print)], LockMode::Write).map(drop)
}

/// The recorded mailings of a project file, given its path below the project folder.
///
/// # Errors
/// See `read_lock`.
pub fn read_mailings(project: &Project, project_file: &str) -> anyhow::Result<Mailings> {
    Ok(read_lock(project)?.mailings.remove(project_file).unwrap_or_default())
}

/// Changes the recorded mailings of all project files, since several may share a store. The change is on disk when this
/// returns.
///
/// # Errors
/// If the lock cannot be read or written; it is then unchanged.
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
