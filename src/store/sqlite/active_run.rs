//! The run of this process, and what it does: claims recipients, and writes entries through the log.

use std::cell::RefCell;
use std::fs::File;
use std::sync::{Arc, Mutex};

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use rusqlite::Transaction;

use super::log::{self, Log, lock};
use super::run_lock::{acquire, write_holder};
use super::{Result, Sqlite, StoreResult, error, ledger};
use crate::issue::IssueId;
use crate::ledger::{Claim, Recovered, Run};
use crate::store::Recorder;

/// A run that holds the run lock.
#[derive(Debug)]
pub(super) struct ActiveRun {
    /// Its number in the table of runs.
    run: i64,
    log: Arc<Mutex<Log>>,
    /// The current issue, and the number of its mailing.
    mailing: RefCell<Option<(IssueId, i64)>>,
    /// The run lock.
    _lock: File,
}

impl Sqlite {
    /// This process's run, or an error if none has begun.
    fn active_run(&self, doing: &'static str) -> StoreResult<&ActiveRun> {
        self.active_run.as_ref().ok_or_else(|| error::doing(doing, &self.path, anyhow!("no run has begun")))
    }

    /// The number of an issue's mailing, needed for every message.
    fn mailing_number(&self, active: &ActiveRun, issue: &IssueId) -> Result<i64> {
        let mut known = active.mailing.borrow_mut();
        if let Some((_, number)) = known.as_ref().filter(|(known, _)| known == issue) {
            return Ok(*number);
        }
        let number = ledger::number(&self.connection, issue)?;
        *known = Some((issue.clone(), number));
        Ok(number)
    }

    /// Claims recipients with `work`, which also returns the number of their mailing.
    pub(super) fn claim_with(
        &self,
        work: impl FnOnce(&Transaction<'_>, i64) -> Result<(i64, Vec<Claim>)>,
    ) -> StoreResult<Vec<Claim>> {
        const DOING: &str = "claim recipients";
        let ActiveRun { run, log, .. } = self.active_run(DOING)?;
        let batch = lock(log).rotate();
        let worked = self.quickly(DOING, |transaction| {
            ledger::apply(transaction, *run, batch.entries())?;
            work(transaction, *run)
        });
        let mut log = lock(log);
        let (mailing, claims) = worked.inspect_err(|_| log.rolled_back(batch))?;
        log.committed().map_err(|error| error::doing(DOING, &self.path, error))?;
        for claim in &claims {
            log.note_claim(mailing, claim.subscriber.id);
        }
        Ok(claims)
    }

    /// The function that writes entries about an issue's recipients into the log.
    pub(super) fn recorder_of(&self, issue: &IssueId) -> StoreResult<Recorder> {
        const DOING: &str = "record what is sent";
        let active = self.active_run(DOING)?;
        let (log, path) = (Arc::clone(&active.log), self.path.clone());
        let failed = move |error| error::doing(DOING, &path, error);
        let mailing = self.mailing_number(active, issue).map_err(&failed)?;
        Ok(Box::new(move |entries, now| lock(&log).add(mailing, entries, now).map_err(&failed)))
    }

    /// Writes the log's entries into the database.
    pub(super) fn write_log(&self) -> StoreResult<()> {
        const DOING: &str = "record what was sent";
        let Some(ActiveRun { run, log, .. }) = &self.active_run else { return Ok(()) };
        let batch = lock(log).rotate();
        if batch.is_empty() {
            return Ok(());
        }
        let applied = self.quickly(DOING, |transaction| ledger::apply(transaction, *run, batch.entries()));
        let mut log = lock(log);
        applied.inspect_err(|_| log.rolled_back(batch))?;
        log.committed().map_err(|error| error::doing(DOING, &self.path, error))
    }

    /// Takes the run lock, unless `admit` refuses, and settles what dead runs left; otherwise returns its holder.
    pub(super) fn begin<T>(
        &mut self,
        doing: &'static str,
        run: &Run,
        now: DateTime<Utc>,
        admit: impl FnOnce(&Self, &Transaction<'_>) -> Result<T>,
    ) -> StoreResult<std::result::Result<(Recovered, T), Option<Run>>> {
        let mut file = match acquire(&self.path).map_err(|error| error::doing(doing, &self.path, error))? {
            Ok(file) => file,
            Err(holder) => return Ok(Err(holder)),
        };
        write_holder(&mut file, run).map_err(|error| error::doing(doing, &self.path, error))?;
        let paths = log::paths(&self.path);
        let failed = |error| error::doing(doing, &self.path, error);
        let last = ledger::last_run(&self.connection, &run.boot_id).map_err(failed)?;
        let noted = last.map_or(Ok(Vec::new()), |last| log::read_uncommitted(&paths, last)).map_err(failed)?;
        let (number, recovered, admitted) = self.durably(doing, |transaction| {
            let admitted = admit(self, transaction)?;
            let entries = noted.iter().map(|(mailing, subscriber, noted)| (*mailing, *subscriber, noted));
            ledger::apply(transaction, last.unwrap_or_default(), entries)?;
            let (number, recovered) = ledger::begin_run(transaction, run, now)?;
            Ok((number, recovered, admitted))
        })?;
        let log = Arc::new(Mutex::new(Log::begin(&paths, number).map_err(failed)?));
        self.active_run = Some(ActiveRun { run: number, log, mailing: RefCell::default(), _lock: file });
        Ok(Ok((recovered, admitted)))
    }
}
