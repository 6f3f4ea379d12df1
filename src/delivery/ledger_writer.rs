//! The ledger as the threads of a run write it: entries of all of them are committed together.
//!
//! A thread that needs an entry committed commits all that wait, or waits for the one that is at it (group commit).
//! Entries are written in the order in which they came: once `sending` has returned for a connection's next message, the
//! outcome of the one before is committed too. So a killed run leaves one unknown recipient per connection at most.

use std::collections::HashSet;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::delivery::job::Job;
use crate::ledger::{AttemptOutcome, Claim, LedgerEntry};
use crate::rate::Quota;
use crate::store::{Barrier, Recorder, Store, StoreError};
use crate::subscriber::SubscriberId;

pub(super) struct LedgerWriter<'a> {
    job: &'a Job<'a>,
    store: Mutex<&'a mut dyn Store>,
    barrier: Barrier,
    /// Writes entries while the store claims recipients, where it can.
    recorder: Option<Recorder>,
    batch: Mutex<Batch>,
    /// A batch is committed, or cannot be.
    committed: Condvar,
}

/// The run is over before everybody is served, because the ledger cannot be kept or something stopped it.
pub(super) struct Stopped;

/// What is to be committed next.
#[derive(Default)]
struct Batch {
    waiting: Vec<(SubscriberId, LedgerEntry)>,
    /// How many entries were added so far, and how many of them are committed.
    added: u64,
    committed: u64,
    is_being_committed: bool,
    /// Recipients that this run has lost to another, and whose `sending` waits to hear of it.
    lost: HashSet<SubscriberId>,
    failed: Option<StoreError>,
}

impl<'a> LedgerWriter<'a> {
    pub(super) fn new(store: &'a mut dyn Store, job: &'a Job<'a>) -> Result<Self, StoreError> {
        let (barrier, recorder) = (store.barrier()?, store.recorder(job.issue)?);
        let (store, batch) = (Mutex::new(store), Mutex::default());
        Ok(Self { job, store, barrier, recorder, batch, committed: Condvar::new() })
    }

    /// Claims up to `limit` recipients, durably. While the disk is waited for, others write.
    pub(super) fn claim(&self, limit: usize) -> Result<Vec<Claim>, Stopped> {
        let claims = self.with_store(|store| store.claim(self.job.issue, limit, self.job.hooks.now()))?;
        self.sync().map(|()| claims)
    }

    /// Claims those of these recipients who wait, likewise.
    pub(super) fn claim_these(&self, recipients: &[SubscriberId]) -> Result<Vec<Claim>, Stopped> {
        let now = self.job.hooks.now();
        let claims = self.with_store(|store| store.claim_these(self.job.issue, recipients, now))?;
        self.sync().map(|()| claims)
    }

    fn sync(&self) -> Result<(), Stopped> {
        (self.barrier)().map_err(|error| self.fail(error))
    }

    /// Commits that the message is about to leave. False: the recipient is another run's now.
    pub(super) fn sending(&self, recipient: SubscriberId) -> Result<bool, Stopped> {
        let added = self.add(recipient, LedgerEntry::Sending);
        self.commit(added)?;
        Ok(!self.batch().lost.remove(&recipient))
    }

    /// Adds an entry, which is committed with the next ones; returns how many were added so far.
    pub(super) fn add(&self, recipient: SubscriberId, entry: LedgerEntry) -> u64 {
        let mut batch = self.batch();
        batch.waiting.push((recipient, entry));
        batch.added += 1;
        batch.added
    }

    /// Commits all that was added so far: what is known must not stay in memory during a long wait.
    pub(super) fn flush(&self) -> Result<(), Stopped> {
        let added = self.batch().added;
        self.commit(added)
    }

    /// Tells the store that the run is alive.
    pub(super) fn renew_run(&self) -> Result<(), Stopped> {
        self.with_store(|store| store.renew_run(self.job.hooks.now())).map(drop)
    }

    /// Returns what was not used of a day's quota. If that fails, less leaves on that day.
    pub(super) fn return_quota(&self, quota: &Quota, unused: u64) {
        let _ = self.store().return_quota(quota, unused);
    }

    /// Commits what is left, `outcomes` among it.
    ///
    /// # Errors
    /// What made the ledger fail first, now or before.
    pub(super) fn close(&self, outcomes: Vec<(SubscriberId, AttemptOutcome)>) -> Result<(), StoreError> {
        for (recipient, outcome) in outcomes {
            self.add(recipient, LedgerEntry::Settled(outcome));
        }
        let _ = self.flush();
        self.batch().failed.take().map_or(Ok(()), Err)
    }

    /// Returns once the first `upto` entries are committed, by this thread or another one.
    fn commit(&self, upto: u64) -> Result<(), Stopped> {
        let mut batch = self.batch();
        while batch.committed < upto {
            if batch.failed.is_some() {
                return Err(Stopped);
            }
            // All who wait go on at once when it is committed; if each waited for the store, they would go on one by one.
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

    /// Lets `work` use the store, and keeps what fails.
    pub(super) fn with_store<T>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>,
    ) -> Result<T, Stopped> {
        work(&mut **self.store()).map_err(|error| self.fail(error))
    }

    /// The first failure is the one that is reported.
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
