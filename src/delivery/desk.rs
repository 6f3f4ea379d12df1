//! The desk all connections of a run share: the next recipient, the ledger, and whether to go on.
//!
//! Takes claims from the store in batches and hands them out one at a time; writes each outcome down at once, so that a
//! killed run leaves at most one unknown recipient per connection. Knows no SMTP.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::delivery::run::{Ended, Job, Progress};
use crate::delivery::trouble;
use crate::finding::Finding;
use crate::ledger::{Claim, Counts, Entry, Outcome, State};
use crate::store::{Store, StoreError};

/// So many refusals of us or of the message in a row stop the run; fewer may be one recipient's own filter.
const MOST_IN_A_ROW: usize = 3;

pub(super) struct Desk<'a> {
    job: &'a Job<'a>,
    papers: Mutex<Papers<'a>>,
}

/// The run has stopped: the worker puts its claim back and ends.
pub(super) struct Stopped;

struct Papers<'a> {
    store: &'a mut dyn Store,
    queue: VecDeque<Claim>,
    /// How many more recipients may be claimed.
    left: u64,
    batch: usize,
    connected: bool,
    /// Somebody has this issue already, now or from an earlier run.
    accepted: bool,
    /// Recipients refused with words that may be about us.
    suspects: Vec<(Claim, String)>,
    suspects_in_a_row: usize,
    unknown_in_a_row: usize,
    /// So many unknown in a row stop the run. A server that restarts leaves one for each connection, which is no reason.
    most_unknown: usize,
    suspicion: Option<Finding>,
    tally: Counts,
    /// Why the last worker without a connection went.
    retired: Option<Finding>,
    stopped: Option<Finding>,
    failed: Option<StoreError>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(store: &'a mut dyn Store, job: &'a Job<'a>, counts: &Counts, workers: usize) -> Self {
        let papers = Papers {
            store,
            queue: VecDeque::new(),
            left: job.limit.unwrap_or(u64::MAX),
            // Enough to share the cost of a durable write; after a power cut they are the unknown ones.
            batch: (4 * workers).min(128),
            connected: false,
            accepted: counts.of(State::Sent) > 0,
            suspects: Vec::new(),
            suspects_in_a_row: 0,
            unknown_in_a_row: 0,
            most_unknown: workers + 2,
            suspicion: None,
            tally: Counts::default(),
            retired: None,
            stopped: None,
            failed: None,
        };
        Self { job, papers: Mutex::new(papers) }
    }

    /// The next recipient; `None` when there is none, or the run has stopped.
    pub(super) fn next(&self) -> Option<Claim> {
        if self.is_stopped() {
            return None;
        }
        let mut papers = self.papers();
        if papers.queue.is_empty() && papers.left > 0 {
            let limit = papers.batch.min(usize::try_from(papers.left).unwrap_or(usize::MAX));
            let claimed = papers.store.claim(self.job.issue, limit, (self.job.clock)());
            match claimed.and_then(|claims| papers.store.barrier()?().map(|()| claims)) {
                Ok(claims) => {
                    papers.left -= claims.len() as u64;
                    papers.queue.extend(claims);
                }
                Err(error) => papers.failed = Some(error),
            }
        }
        papers.queue.pop_front()
    }

    /// Notes that the message is about to be written.
    pub(super) fn sending(&self, claim: &Claim) -> Result<(), Stopped> {
        let now = (self.job.clock)();
        let mut papers = self.papers();
        let noted = papers.store.record(self.job.issue, &[(claim.subscriber.id, Entry::Sending)], now);
        noted.map(drop).map_err(|error| papers.fail(error))
    }

    /// Writes down what became of a recipient.
    pub(super) fn settle(&self, claim: &Claim, outcome: Outcome) -> Result<(), Stopped> {
        let state = state_of(&outcome);
        let now = (self.job.clock)();
        let mut papers = self.papers();
        let noted = papers.store.record(self.job.issue, &[(claim.subscriber.id, Entry::Ended(outcome))], now);
        noted.map_err(|error| papers.fail(error))?;
        papers.count(state);
        drop(papers);
        (self.job.progress)(Progress::Settled(state));
        Ok(())
    }

    /// A recipient was refused with words that may be about us or the message, as `finding` says: judged at the end, or
    /// when they become many.
    pub(super) fn suspect(&self, claim: Claim, reply: String, finding: Finding) {
        let mut papers = self.papers();
        papers.suspects.push((claim, reply));
        papers.suspects_in_a_row += 1;
        if papers.suspects_in_a_row >= MOST_IN_A_ROW {
            papers.stopped.get_or_insert(finding);
        } else {
            papers.suspicion = Some(finding);
        }
    }

    /// Gives a recipient back, to whom nothing was sent.
    pub(super) fn put_back(&self, claim: Claim) {
        self.papers().queue.push_front(claim);
    }

    /// Ends the run: the other workers finish the message at hand.
    pub(super) fn stop(&self, finding: Finding) {
        self.papers().stopped.get_or_insert(finding);
    }

    /// A worker that has put its claim back goes, for want of a connection. The run goes on with the others; if none is
    /// left to take the claim, this is why it stopped.
    pub(super) fn retire(&self, finding: Finding) {
        self.papers().retired = Some(finding);
    }

    pub(super) fn note_connected(&self) {
        self.papers().connected = true;
    }

    pub(super) fn has_connected(&self) -> bool {
        self.papers().connected
    }

    pub(super) fn is_stopped(&self) -> bool {
        let papers = self.papers();
        self.job.stop.load(Ordering::Relaxed) || papers.stopped.is_some() || papers.failed.is_some()
    }

    /// Judges the suspects, gives unsent claims back to the store, and sums up.
    pub(super) fn close(self) -> Result<Ended, StoreError> {
        let job = self.job;
        let mut papers = self.papers.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = papers.failed {
            // The store settles the rest when the next run begins.
            return Err(error);
        }
        let now = (job.clock)();
        if !papers.suspects.is_empty() && !papers.accepted && papers.stopped.is_none() {
            // Nobody at all got it: it is us.
            papers.stopped = papers.suspicion.take();
        }
        if !papers.queue.is_empty() && papers.stopped.is_none() {
            papers.stopped = papers.retired.take();
        }
        let mut outcomes = Vec::new();
        for (claim, reply) in mem::take(&mut papers.suspects) {
            let outcome = match papers.stopped {
                Some(_) => Outcome::Requeued,
                None => Outcome::Failed { reply, suppress: false },
            };
            papers.count(state_of(&outcome));
            outcomes.push((claim.subscriber.id, Entry::Ended(outcome)));
        }
        outcomes.extend(papers.queue.iter().map(|claim| (claim.subscriber.id, Entry::Ended(Outcome::Requeued))));
        if !outcomes.is_empty() {
            papers.store.record(job.issue, &outcomes, now)?;
        }
        Ok(Ended { tally: papers.tally, stopped: papers.stopped })
    }

    fn papers(&self) -> MutexGuard<'_, Papers<'a>> {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Papers<'_> {
    fn count(&mut self, state: State) {
        self.tally.set(state, self.tally.of(state) + 1);
        match state {
            State::Sent => {
                self.accepted = true;
                self.suspects_in_a_row = 0;
                self.unknown_in_a_row = 0;
            }
            State::Unknown => {
                self.unknown_in_a_row += 1;
                if self.unknown_in_a_row >= self.most_unknown {
                    self.stopped.get_or_insert_with(trouble::no_verdict);
                }
            }
            _ => {}
        }
    }

    fn fail(&mut self, error: StoreError) -> Stopped {
        self.failed.get_or_insert(error);
        Stopped
    }
}

fn state_of(outcome: &Outcome) -> State {
    match outcome {
        Outcome::Sent(_) => State::Sent,
        Outcome::Deferred { .. } => State::Deferred,
        Outcome::Failed { .. } => State::Failed,
        Outcome::Unknown(_) => State::Unknown,
        Outcome::Requeued => State::Queued,
    }
}
