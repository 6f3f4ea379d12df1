//! The ledger as the connections of a run write it: entries of all of them are committed together.
//!
//! Whoever needs an entry written commits all that wait, or waits for whoever is at it (group commit); no thread of its
//! own, so that a single connection is not slowed down. Entries are written in the order in which they came: once
//! `sending` has returned for a connection's next message, the outcome of the one before is written too. So a killed run
//! leaves one unknown recipient per connection at most.

use std::collections::HashSet;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::delivery::bell::Bell;
use crate::delivery::job::Job;
use crate::ledger::{Claim, Entry, Outcome};
use crate::rate::{Permits, Quota, Rate};
use crate::store::{Barrier, Recorder, Store, StoreError};
use crate::subscriber::SubscriberId;

pub(super) struct Journal<'a> {
    job: &'a Job<'a>,
    store: Mutex<&'a mut dyn Store>,
    barrier: Barrier,
    /// Writes entries while the store claims recipients, where it can.
    recorder: Option<Recorder>,
    page: Mutex<Page>,
    turned: Bell,
    /// Whether the page says why it failed: asked for all the time, without its lock.
    has_failed: AtomicBool,
}

/// The ledger cannot be kept, or the run has stopped: the worker puts its letter back and ends.
pub(super) struct Stopped;

#[derive(Default)]
struct Page {
    waiting: Vec<(SubscriberId, Entry)>,
    /// How many entries came, and how many of them are written.
    came: u64,
    written: u64,
    writing: bool,
    /// Recipients that this run has lost to another, and whose `sending` waits to hear of it.
    lost: HashSet<SubscriberId>,
    failed: Option<StoreError>,
}

impl<'a> Journal<'a> {
    pub(super) fn new(store: &'a mut dyn Store, job: &'a Job<'a>) -> Result<Self, StoreError> {
        let (barrier, recorder) = (store.barrier()?, store.recorder(job.issue)?);
        Ok(Self {
            job,
            store: Mutex::new(store),
            barrier,
            recorder,
            page: Mutex::default(),
            turned: Bell::default(),
            has_failed: AtomicBool::new(false),
        })
    }

    /// Claims so many recipients at most, durably. While the disk is waited for, others write.
    pub(super) fn claim(&self, most: usize) -> Result<Vec<Claim>, Stopped> {
        let claimed = self.store().claim(self.job.issue, most, self.job.surroundings.now());
        self.durable(claimed)
    }

    /// Claims those of these recipients who wait, likewise.
    pub(super) fn claim_these(&self, recipients: &[SubscriberId]) -> Result<Vec<Claim>, Stopped> {
        let claimed = self.store().claim_these(self.job.issue, recipients, self.job.surroundings.now());
        self.durable(claimed)
    }

    fn durable(&self, claimed: Result<Vec<Claim>, StoreError>) -> Result<Vec<Claim>, Stopped> {
        let durable = claimed.and_then(|claims| (self.barrier)().map(|()| claims));
        durable.map_err(|error| self.fail(error))
    }

    /// Takes so many messages at most from what all these rates allow.
    pub(super) fn take_permits(&self, rates: &[Rate], wanted: u64) -> Result<Permits, Stopped> {
        let mut permits = Permits { granted: wanted, wait: std::time::Duration::ZERO };
        for rate in rates {
            let taken = self.store().take_permits(rate, permits.granted, self.job.surroundings.now());
            permits = taken.map_err(|error| self.fail(error))?;
            if permits.granted == 0 {
                break;
            }
        }
        Ok(permits)
    }

    /// Takes so many messages at most from what may leave on a day.
    pub(super) fn take_quota(&self, quota: &Quota, wanted: u64) -> Result<u64, Stopped> {
        self.store().take_quota(quota, wanted).map_err(|error| self.fail(error))
    }

    /// Gives back what was not used of a day. If that fails, less leaves on that day.
    pub(super) fn return_quota(&self, quota: &Quota, unused: u64) {
        let _ = self.store().return_quota(quota, unused);
    }

    /// Tells the store that the run is alive.
    pub(super) fn renew_run(&self) -> Result<(), Stopped> {
        self.store().renew_run(self.job.surroundings.now()).map(drop).map_err(|error| self.fail(error))
    }

    /// Writes down that the message is about to leave. False: the recipient is another run's now.
    pub(super) fn sending(&self, recipient: SubscriberId) -> Result<bool, Stopped> {
        let mut page = self.page();
        page.add(recipient, Entry::Sending);
        let mine = page.came;
        let mut page = self.write_until(page, mine)?;
        Ok(!page.lost.remove(&recipient))
    }

    /// Takes an entry, which is written with the next ones.
    pub(super) fn add(&self, recipient: SubscriberId, entry: Entry) {
        self.page().add(recipient, entry);
    }

    /// Writes all that was taken so far. Whoever is going to wait for something else does this before.
    pub(super) fn flush(&self) -> Result<(), Stopped> {
        let page = self.page();
        let all = page.came;
        self.write_until(page, all).map(drop)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Writes what is left, gives claims back, and says what made the ledger fail, if it did.
    pub(super) fn close(&self, left: Vec<(SubscriberId, Outcome)>) -> Result<(), StoreError> {
        for (recipient, outcome) in left {
            self.add(recipient, Entry::Ended(outcome));
        }
        let _ = self.flush();
        self.page().failed.take().map_or(Ok(()), Err)
    }

    /// Goes on until the first `upto` entries are written, writing all that wait, or waiting for whoever does.
    fn write_until<'page>(
        &'page self,
        mut page: MutexGuard<'page, Page>,
        upto: u64,
    ) -> Result<MutexGuard<'page, Page>, Stopped> {
        while page.written < upto {
            if page.failed.is_some() {
                return Err(Stopped);
            }
            page = if page.writing { self.turned.wait(page) } else { self.write(page) };
        }
        Ok(page)
    }

    fn write<'page>(&'page self, mut page: MutexGuard<'page, Page>) -> MutexGuard<'page, Page> {
        page.writing = true;
        let (entries, upto) = (mem::take(&mut page.waiting), page.came);
        drop(page);
        let now = self.job.surroundings.now();
        let result = match &self.recorder {
            Some(record) => record(&entries, now),
            None => self.store().record(self.job.issue, &entries, now),
        };
        let mut page = self.page();
        page.writing = false;
        match result {
            Ok(lost) => {
                page.written = upto;
                let begun = |id: &SubscriberId| entries.contains(&(*id, Entry::Sending));
                page.lost.extend(lost.into_iter().filter(begun));
            }
            Err(error) => self.note_failure(&mut page, error),
        }
        self.turned.ring_for_all();
        page
    }

    fn fail(&self, error: StoreError) -> Stopped {
        self.note_failure(&mut self.page(), error);
        Stopped
    }

    /// The first failure is the one that is told.
    fn note_failure(&self, page: &mut Page, error: StoreError) {
        page.failed.get_or_insert(error);
        self.has_failed.store(true, Ordering::Relaxed);
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> MutexGuard<'_, &'a mut dyn Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    fn add(&mut self, recipient: SubscriberId, entry: Entry) {
        self.waiting.push((recipient, entry));
        self.came += 1;
    }
}
