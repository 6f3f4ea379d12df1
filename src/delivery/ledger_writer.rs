//! Writes the ledger for all threads of a run, committing their entries together.
//!
//! A thread that needs an entry committed commits all waiting entries, or waits for the thread that is doing so (group
//! commit). Entries keep their order: once `sending` has returned for a connection's next message, the outcome of the
//! previous one is committed too. So a killed run leaves at most one unknown recipient per connection.

use std::collections::HashSet;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::delivery::job::{Job, StoreAction};
use crate::ledger::{AttemptOutcome, Claim, LedgerEntry};
use crate::rate::Quota;
use crate::store::{Barrier, Recorder, Store, StoreError};
use crate::subscriber::SubscriberId;

pub(super) struct LedgerWriter<'a> {
    job: &'a Job<'a>,
    store: Mutex<&'a mut dyn Store>,
    barrier: Barrier,
    /// Writes entries while the store claims recipients, if the store can.
    recorder: Option<Recorder>,
    batch: Mutex<Batch>,
    /// A batch was committed or failed.
    committed: Condvar,
}

/// The run ends early because the ledger cannot be written or something stopped it.
pub(super) struct Stopped;

/// The entries of the next commit.
#[derive(Default)]
struct Batch {
    waiting: Vec<(SubscriberId, LedgerEntry)>,
    /// Number of entries added, and of those committed.
    added: u64,
    committed: u64,
    is_being_committed: bool,
    /// Recipients lost to another run, whose `sending` has not returned yet.
    lost: HashSet<SubscriberId>,
    failed: Option<StoreError>,
}

impl<'a> LedgerWriter<'a> {
    pub(super) fn new(store: &'a mut dyn Store, job: &'a Job<'a>) -> Result<Self, StoreError> {
        let (barrier, recorder) = (store.barrier()?, store.recorder(job.issue)?);
        let (store, batch) = (Mutex::new(store), Mutex::default());
        Ok(Self { job, store, barrier, recorder, batch, committed: Condvar::new() })
    }

    /// Claims up to `limit` recipients, durably. Other threads write while the disk syncs.
    pub(super) fn claim(&self, limit: usize) -> Result<Vec<Claim>, Stopped> {
        let claims = self.with_store(|store| store.claim(self.job.issue, limit, self.job.hooks.now()))?;
        self.sync().map(|()| claims)
    }

    /// Claims those of these recipients that are waiting, durably.
    pub(super) fn claim_these(&self, recipients: &[SubscriberId]) -> Result<Vec<Claim>, Stopped> {
        let now = self.job.hooks.now();
        let claims = self.with_store(|store| store.claim_these(self.job.issue, recipients, now))?;
        self.sync().map(|()| claims)
    }

    fn sync(&self) -> Result<(), Stopped> {
        (self.barrier)().map_err(|error| self.fail(error))
    }

    /// Commits that the message is about to leave. Returns false if another run owns the recipient now.
    pub(super) fn sending(&self, recipient: SubscriberId) -> Result<bool, Stopped> {
        let added = self.add(recipient, LedgerEntry::Sending);
        self.commit(added)?;
        Ok(!self.batch().lost.remove(&recipient))
    }

    /// Adds an entry to the next commit; returns the number added so far.
    pub(super) fn add(&self, recipient: SubscriberId, entry: LedgerEntry) -> u64 {
        let mut batch = self.batch();
        batch.waiting.push((recipient, entry));
        batch.added += 1;
        batch.added
    }

    /// Commits all entries added so far, so that none is only in memory during a long wait.
    pub(super) fn flush(&self) -> Result<(), Stopped> {
        let added = self.batch().added;
        self.commit(added)
    }

    /// Renews the run lock.
    pub(super) fn renew_run(&self) -> Result<(), Stopped> {
        self.with_store(|store| store.renew_run(self.job.hooks.now())).map(drop)
    }

    /// Returns the unused part of a day's quota. If that fails, fewer messages leave that day.
    pub(super) fn return_quota(&self, quota: &Quota, unused: u64) {
        let _ = self.store().return_quota(quota, unused);
    }

    /// Commits the remaining entries and `outcomes`.
    ///
    /// # Errors
    /// The first failure of the ledger, now or before.
    pub(super) fn close(&self, outcomes: Vec<(SubscriberId, AttemptOutcome)>) -> Result<(), StoreError> {
        for (recipient, outcome) in outcomes {
            self.add(recipient, LedgerEntry::Settled(outcome));
        }
        let _ = self.flush();
        self.batch().failed.take().map_or(Ok(()), Err)
    }

    /// Returns once the first `upto` entries are committed, by this thread or another.
    fn commit(&self, upto: u64) -> Result<(), Stopped> {
        let mut batch = self.batch();
        while batch.committed < upto {
            if batch.failed.is_some() {
                return Err(Stopped);
            }
            // All waiting threads continue together after the commit; if each waited for the store, they would continue one
            // by one.
            batch = match batch.is_being_committed {
                true => self.committed.wait(batch).unwrap_or_else(PoisonError::into_inner),
                false => self.commit_batch(batch),
            };
        }
        Ok(())
    }

    fn commit_batch<'batch>(&'batch self, mut batch: MutexGuard<'batch, Batch>) -> MutexGuard<'batch, Batch> {
        batch.is_being_committed = true;
        let (entries, added) = (mem::take(&mut batch.waiting), batch.added);
        drop(batch);
        let now = self.job.hooks.now();
        let result = match &self.recorder {
            Some(record) => record(&entries, now),
            None => self.store().record(self.job.issue, &entries, now),
        };
        let mut batch = self.batch();
        batch.is_being_committed = false;
        match result {
            Ok(lost) => {
                batch.committed = added;
                let is_sending = |id: &SubscriberId| entries.contains(&(*id, LedgerEntry::Sending));
                batch.lost.extend(lost.into_iter().filter(is_sending));
            }
            Err(error) => drop(batch.failed.get_or_insert(error)),
        }
        self.committed.notify_all();
        batch
    }

    /// Runs `work` on the store and keeps its error.
    pub(super) fn with_store<T>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>,
    ) -> Result<T, Stopped> {
        work(&mut **self.store()).map_err(|error| self.fail(error))
    }

    /// Lends the store to someone else than this run, whose errors do not end it.
    pub(super) fn lend(&self, act: &mut StoreAction<'_>) -> Result<(), StoreError> {
        act(&mut **self.store())
    }

    /// The first failure is the one reported.
    fn fail(&self, error: StoreError) -> Stopped {
        self.batch().failed.get_or_insert(error);
        Stopped
    }

    fn store(&self) -> MutexGuard<'_, &'a mut dyn Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn batch(&self) -> MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
