//! What `feeds.lock` records of mailings, compared with the store and kept up to date.
//!
//! The lock is committed, the store may be lost: one that does not know what the lock says was mailed would mail everybody
//! again. Takes the project, its file and the store; returns a finding when nothing may be mailed from it. A mailing is
//! recorded after its audience is frozen and before its first message, so that a store is never behind by dying.

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

/// The rule that a store keeps which is behind.
pub const RULE: &str = "store-behind";

/// How many mailings a finding names.
const NAMED: usize = 3;

/// What a project file is recorded to have mailed.
#[derive(Debug, Clone)]
pub struct MailingRecord<'a> {
    project: &'a Project,
    /// The project file, below the project folder.
    file: &'a str,
}

/// The share of one run.
#[derive(Debug, Default)]
pub struct RunRecord {
    /// How far runs were counted when it first mailed.
    run: Option<u64>,
    mailed: Vec<IssueId>,
}

impl<'a> MailingRecord<'a> {
    /// That of the project file at this path below the project folder.
    pub fn new(project: &'a Project, file: &'a str) -> Self {
        Self { project, file }
    }

    /// What it says.
    ///
    /// # Errors
    /// When `feeds.lock` cannot be read.
    pub fn read(&self) -> anyhow::Result<Mailings> {
        read_mailings(self.project, self.file)
    }

    /// Why nothing may be mailed from this store: it is behind.
    ///
    /// # Errors
    /// When `feeds.lock` or the store cannot be read.
    pub fn refusal(&self, store: &dyn Store) -> anyhow::Result<Option<Finding>> {
        let recorded = self.read()?;
        if recorded.is_empty() {
            return Ok(None);
        }
        let Some(_) = behind(&recorded, store)? else { return Ok(None) };
        // Whoever queues recipients of a mailing that had ended says so in the lock first: it may have changed meanwhile.
        behind(&self.read()?, store)
    }

    /// Records that a mailing is about to be mailed by this run.
    ///
    /// # Errors
    /// When the store cannot be written, or `feeds.lock`: then nothing may be sent.
    pub fn begin(&self, store: &mut dyn Store, mailing: &Mailing, recorded: &mut RunRecord) -> anyhow::Result<()> {
        let run = match recorded.run {
            Some(run) => run,
            None => store.count_run()?,
        };
        recorded.run = Some(run);
        recorded.mailed.push(mailing.issue.clone());
        let line = LockedMailing { run, ..locked(mailing, store.id()?) };
        self.change(|mailings| {
            mailings.insert(mailing.issue.clone(), line);
        })
    }

    /// Records what the lock does not know: mailings of the store, and which of them are over. After a run that mailed, also
    /// that it stopped, so that a copy of the store that was made meanwhile is known to be older.
    ///
    /// # Errors
    /// When the store cannot be read or written, or `feeds.lock`.
    pub fn catch_up(&self, store: &mut dyn Store, recorded: &RunRecord, now: DateTime<Utc>) -> anyhow::Result<()> {
        let (id, mailings) = (store.id()?, store.mailings()?);
        let open: BTreeSet<IssueId> = store.open_mailings()?.into_iter().map(|(issue, _)| issue).collect();
        let lines = self.read()?;
        let is_over = |mailing: &Mailing| !open.contains(&mailing.issue);
        let is_told =
            |mailing: &Mailing| lines.get(&mailing.issue).is_some_and(|line| line.ended.is_some() || !is_over(mailing));
        if recorded.run.is_none() && mailings.iter().all(is_told) {
            return Ok(());
        }
        // Also makes durable all that was written before, so that a power cut leaves no mailing open that is told to be over.
        let run = store.count_run()?;
        self.change(|lines| {
            for mailing in &mailings {
                let line = lines
                    .entry(mailing.issue.clone())
                    .or_insert_with(|| LockedMailing { run, ..locked(mailing, id.clone()) });
                if recorded.mailed.contains(&mailing.issue) {
                    line.run = run;
                }
                if line.ended.is_none() && is_over(mailing) {
                    line.ended = Some(now);
                }
            }
        })?;
        // Somebody may have queued recipients of a mailing between the look and the word that it is over.
        for (issue, _) in store.open_mailings()?.iter().filter(|(issue, _)| !open.contains(issue)) {
            self.reopen(&*store, issue)?;
        }
        Ok(())
    }

    /// Records that a mailing is not over: before recipients of it are queued again, and after.
    ///
    /// # Errors
    /// When the store cannot be read, or `feeds.lock` not written: then nobody may be queued.
    pub fn reopen(&self, store: &dyn Store, issue: &IssueId) -> anyhow::Result<()> {
        let id = store.id()?;
        let changed = change_mailings(self.project, |by_file| {
            for (file, mailings) in by_file {
                if let Some(line) = mailings.get_mut(issue).filter(|line| line.store == id || file == self.file) {
                    line.ended = None;
                }
            }
        });
        changed.map(drop).context("failed to record that the mailing is not over")
    }

    /// Takes all that is recorded for mailed and over: in the store, then in the lock. Returns what was done of each, oldest
    /// first.
    ///
    /// # Errors
    /// When the store cannot be written, or `feeds.lock`; then it can be done again.
    pub fn adopt(&self, store: &mut dyn Store, now: DateTime<Utc>) -> anyhow::Result<Vec<(Mailing, Adoption)>> {
        let recorded = self.read()?;
        let mut mailings: Vec<Mailing> = recorded.iter().map(|(issue, line)| mailing(issue, line)).collect();
        mailings.sort_by(|one, other| (one.frozen_at, &one.issue).cmp(&(other.frozen_at, &other.issue)));
        let adopted = store.adopt(&mailings, newest_run(&recorded), &why(), now)?;
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
        changed.map(drop).with_context(|| format!("failed to record in `{}` what is mailed", lock::FILE))
    }
}

/// The reply of whoever waited when a mailing was adopted.
fn why() -> String {
    format!("{STORE_LOST}: `slugline store adopt` took it for mailed, and nobody knows whether it was sent")
}

/// How far runs had been counted when the newest mailing was mailed.
pub fn newest_run(recorded: &Mailings) -> u64 {
    recorded.values().map(|line| line.run).max().unwrap_or_default()
}

/// The line of a mailing that is not over.
fn locked(mailing: &Mailing, store: String) -> LockedMailing {
    LockedMailing {
        begun: mailing.frozen_at,
        ended: None,
        recipients: mailing.expected,
        run: 0,
        store,
        digest: mailing.digest.clone(),
    }
}

/// The mailing of a line, as far as it says.
fn mailing(issue: &IssueId, line: &LockedMailing) -> Mailing {
    Mailing {
        issue: issue.clone(),
        digest: line.digest.clone(),
        content_hash: String::new(),
        frozen_at: line.begun,
        expected: line.recipients,
    }
}

/// What the store does not know of what is recorded.
fn behind(recorded: &Mailings, store: &dyn Store) -> anyhow::Result<Option<Finding>> {
    let known: BTreeSet<IssueId> = store.mailings()?.into_iter().map(|mailing| mailing.issue).collect();
    let open: BTreeSet<IssueId> = store.open_mailings()?.into_iter().map(|(issue, _)| issue).collect();
    let runs = store.runs()?;
    let unknown = told(recorded, |issue, _| !known.contains(issue));
    let reopened = told(recorded, |issue, line| line.ended.is_some() && open.contains(issue));
    let later = told(recorded, |_, line| line.run > runs);
    let why = unknown
        .map(|told| format!("it does not know that {told} was mailed"))
        .or(reopened.map(|told| format!("recipients wait in it for {told}, which was over")))
        .or(later.map(|told| format!("it is a copy of before the last run that mailed {told}")));
    Ok(why.map(|why| {
        let message = format!("nothing is mailed, since the store is behind `{}`: {why}", lock::FILE);
        Finding::error(RULE, message).help(HELP).at(Place::file(lock::FILE))
    }))
}

/// The newest mailings of which something is true, in words.
fn told(recorded: &Mailings, is_so: impl Fn(&IssueId, &LockedMailing) -> bool) -> Option<String> {
    let mut those: Vec<_> = recorded.iter().filter(|(issue, line)| is_so(issue, line)).collect();
    those.sort_by_key(|(_, line)| std::cmp::Reverse(line.begun));
    let named = those.iter().take(NAMED);
    let named: Vec<String> =
        named.map(|(issue, line)| format!("`{issue}` ({})", line.begun.format("%Y-%m-%d %H:%M"))).collect();
    let more = those.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} older ones") } else { String::new() };
    (!those.is_empty()).then(|| format!("{}{more}", named.join(", ")))
}

const HELP: &str = "\
whoever has them would get them again. The store was lost, is an older copy, or is that of another machine: put it back, or \
bring it back with `slugline store restore FILE`. Only if it is gone for good, `slugline store adopt` takes for mailed all \
that `feeds.lock` records";
