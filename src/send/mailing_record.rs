//! The record of mailings in `feeds.lock`: compared with the store and kept up to date.
//!
//! The lock file is committed, while the store may be lost; a store that lacks a recorded mailing would mail everyone
//! again. Takes the project and the store; returns a finding if the store is behind. A mailing is recorded after its
//! audience is frozen and before its first message, so that a run that dies never leaves the store behind.

use std::collections::BTreeSet;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::disk::Project;
use crate::finding::{Finding, Place};
use crate::identity::lock::{self, LockedMailing, Mailings};
use crate::identity::{change_mailings, read_mailings};
use crate::issue::IssueId;
use crate::ledger::{Mailing, STORE_LOST};
use crate::store::{Adoption, Store};

/// The rule broken by a store that is behind.
pub const RULE: &str = "store-behind";

/// Number of mailings named in a finding.
const MAX_NAMED: usize = 3;

/// The recorded mailings of a project file.
#[derive(Debug, Clone)]
pub struct MailingRecord<'a> {
    project: &'a Project,
    /// Path of the project file, relative to the project folder.
    file: &'a str,
}

/// What one run has recorded.
#[derive(Debug, Default)]
pub struct RunRecord {
    /// The store's run count when the run first mailed.
    run: Option<u64>,
    mailed: Vec<IssueId>,
}

impl<'a> MailingRecord<'a> {
    /// The record of the project file at this path, relative to the project folder.
    pub fn new(project: &'a Project, file: &'a str) -> Self {
        Self { project, file }
    }

    /// The recorded mailings.
    ///
    /// # Errors
    /// When `feeds.lock` cannot be read.
    pub fn read(&self) -> anyhow::Result<Mailings> {
        read_mailings(self.project, self.file)
    }

    /// Why nothing may be mailed from this store, if it is behind.
    ///
    /// # Errors
    /// When `feeds.lock` or the store cannot be read.
    pub fn refusal(&self, store: &dyn Store) -> anyhow::Result<Option<Finding>> {
        let recorded = self.read()?;
        if recorded.is_empty() {
            return Ok(None);
        }
        let Some(_) = behind(&recorded, store)? else { return Ok(None) };
        // A command that queues recipients of a finished mailing records that first: the lock file may have changed
        // meanwhile.
        behind(&self.read()?, store)
    }

    /// Records that this run is about to mail a mailing.
    ///
    /// # Errors
    /// When the store or `feeds.lock` cannot be written; nothing may be sent then.
    pub fn begin(&self, store: &mut dyn Store, mailing: &Mailing, recorded: &mut RunRecord) -> anyhow::Result<()> {
        let run = match recorded.run {
            Some(run) => run,
            None => store.count_run()?,
        };
        recorded.run = Some(run);
        recorded.mailed.push(mailing.issue.clone());
        let line = LockedMailing { run, ..open_line(mailing, store.id()?) };
        self.change(|mailings| {
            mailings.insert(mailing.issue.clone(), line);
        })
    }

    /// Records the store's mailings that are missing from the lock file, and those that are finished. After a run that
    /// mailed, also records its end, so that a copy of the store made meanwhile is known to be older.
    ///
    /// # Errors
    /// When the store or `feeds.lock` cannot be read or written.
    pub fn catch_up(&self, store: &mut dyn Store, recorded: &RunRecord, now: DateTime<Utc>) -> anyhow::Result<()> {
        let (id, mailings) = (store.id()?, store.mailings()?);
        let open: BTreeSet<IssueId> = store.open_mailings()?.into_iter().map(|(issue, _)| issue).collect();
        let lines = self.read()?;
        let is_finished = |mailing: &Mailing| !open.contains(&mailing.issue);
        let is_recorded = |mailing: &Mailing| {
            lines.get(&mailing.issue).is_some_and(|line| line.ended.is_some() || !is_finished(mailing))
        };
        if recorded.run.is_none() && mailings.iter().all(is_recorded) {
            return Ok(());
        }
        // Also makes all earlier writes durable, so that after a power cut no mailing is open that is recorded as finished.
        let run = store.count_run()?;
        self.change(|lines| {
            for mailing in &mailings {
                let line = lines
                    .entry(mailing.issue.clone())
                    .or_insert_with(|| LockedMailing { run, ..open_line(mailing, id.clone()) });
                if recorded.mailed.contains(&mailing.issue) {
                    line.run = run;
                }
                if line.ended.is_none() && is_finished(mailing) {
                    line.ended = Some(now);
                }
            }
        })?;
        // Another command may have queued recipients of a mailing between the check and the record of its end.
        for (issue, _) in store.open_mailings()?.iter().filter(|(issue, _)| !open.contains(issue)) {
            self.reopen(&*store, issue)?;
        }
        Ok(())
    }

    /// Records that a mailing is open again: before and after its recipients are queued again.
    ///
    /// # Errors
    /// When the store cannot be read or `feeds.lock` cannot be written; nothing may be queued then.
    pub fn reopen(&self, store: &dyn Store, issue: &IssueId) -> anyhow::Result<()> {
        let id = store.id()?;
        let changed = change_mailings(self.project, |by_file| {
            for (file, mailings) in by_file {
                if let Some(line) = mailings.get_mut(issue).filter(|line| line.store == id || file == self.file) {
                    line.ended = None;
                }
            }
        });
        changed.map(drop).context("failed to record that the mailing is open again")
    }

    /// Takes all recorded mailings as finished: first in the store, then in the lock file. Returns what was done for each,
    /// oldest first.
    ///
    /// # Errors
    /// When the store or `feeds.lock` cannot be written; it can be repeated then.
    pub fn adopt(&self, store: &mut dyn Store, now: DateTime<Utc>) -> anyhow::Result<Vec<(Mailing, Adoption)>> {
        let recorded = self.read()?;
        let mut mailings: Vec<Mailing> = recorded.iter().map(|(issue, line)| mailing(issue, line)).collect();
        mailings.sort_by(|one, other| (one.frozen_at, &one.issue).cmp(&(other.frozen_at, &other.issue)));
        let adopted = store.adopt(&mailings, newest_run(&recorded), &adopted_reply(), now)?;
        let id = store.id()?;
        self.change(|lines| {
            for line in lines.values_mut() {
                line.store.clone_from(&id);
                line.ended.get_or_insert(now);
            }
        })?;
        Ok(mailings.into_iter().zip(adopted).collect())
    }

    fn change(&self, change: impl FnOnce(&mut Mailings)) -> anyhow::Result<()> {
        let changed = change_mailings(self.project, |by_file| change(by_file.entry(self.file.to_owned()).or_default()));
        changed.map(drop).with_context(|| format!("failed to record the mailings in `{}`", lock::FILE))
    }
}

/// The reply of recipients that were waiting when their mailing was adopted.
fn adopted_reply() -> String {
    format!("{STORE_LOST}: `slugline store adopt` counted it as mailed, and whether it was sent is unknown")
}

/// The run count of the newest recorded mailing.
pub fn newest_run(recorded: &Mailings) -> u64 {
    recorded.values().map(|line| line.run).max().unwrap_or_default()
}

/// The record of an open mailing.
fn open_line(mailing: &Mailing, store: String) -> LockedMailing {
    LockedMailing {
        begun: mailing.frozen_at,
        ended: None,
        recipients: mailing.expected,
        run: 0,
        store,
        digest: mailing.digest.clone(),
    }
}

/// The mailing, as far as the record describes it.
fn mailing(issue: &IssueId, line: &LockedMailing) -> Mailing {
    Mailing {
        issue: issue.clone(),
        digest: line.digest.clone(),
        content_hash: String::new(),
        frozen_at: line.begun,
        expected: line.recipients,
    }
}

/// The finding about what the store lacks of the record, if anything.
fn behind(recorded: &Mailings, store: &dyn Store) -> anyhow::Result<Option<Finding>> {
    let known: BTreeSet<IssueId> = store.mailings()?.into_iter().map(|mailing| mailing.issue).collect();
    let open: BTreeSet<IssueId> = store.open_mailings()?.into_iter().map(|(issue, _)| issue).collect();
    let runs = store.runs()?;
    let unknown = name_newest(recorded, |issue, _| !known.contains(issue));
    let reopened = name_newest(recorded, |issue, line| line.ended.is_some() && open.contains(issue));
    let later = name_newest(recorded, |_, line| line.run > runs);
    let why = unknown
        .map(|named| format!("it does not contain the mailing of {named}"))
        .or(reopened.map(|named| format!("it has recipients waiting for {named}, which was finished")))
        .or(later.map(|named| format!("it is a copy from before the last run that mailed {named}")));
    Ok(why.map(|why| {
        let message = format!("nothing is mailed, because the store is behind `{}`: {why}", lock::FILE);
        Finding::error(RULE, message).help(HELP).at(Place::file(lock::FILE))
    }))
}

/// Names the newest mailings for which `is_so`, if there are any.
fn name_newest(recorded: &Mailings, is_so: impl Fn(&IssueId, &LockedMailing) -> bool) -> Option<String> {
    let mut those: Vec<_> = recorded.iter().filter(|(issue, line)| is_so(issue, line)).collect();
    those.sort_by_key(|(_, line)| std::cmp::Reverse(line.begun));
    let named = those.iter().take(MAX_NAMED);
    let named: Vec<String> =
        named.map(|(issue, line)| format!("`{issue}` ({})", line.begun.format("%Y-%m-%d %H:%M"))).collect();
    let more = those.len().saturating_sub(MAX_NAMED);
    let more = if more > 0 { format!(" and {more} older ones") } else { String::new() };
    (!those.is_empty()).then(|| format!("{}{more}", named.join(", ")))
}

const HELP: &str = "\
recipients who have them would get them again. The store was lost, is an older copy, or is that of another machine: put it \
back or restore it with `slugline store restore FILE`. Only if it is lost for good, `slugline store adopt` counts everything \
that `feeds.lock` records as mailed";
