//! What a run is asked to do, its progress, and its summary.
//!
//! Plain data: `send` makes a job, `dispatcher` runs it, the command line shows its progress.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::delivery::Route;
use crate::delivery::failure_limit::FailureLimit;
use crate::finding::Finding;
use crate::issue::{IssueId, Slug};
use crate::ledger::{State, StateCounts};
use crate::letter::Letter;
use crate::rate::{Rate, WarmUp};
use crate::store::{Store, StoreError};
use crate::subscriber::{Subscriber, SubscriberId};

/// Writes one subscriber's letter; called from many threads.
pub type WriteLetter<'a> = dyn Fn(&Subscriber) -> anyhow::Result<Letter> + Sync + 'a;

/// One issue or digest to mail.
pub struct Job<'a> {
    /// Its id; it has a mailing in the store.
    pub issue: &'a IssueId,
    /// Its short name, for the folder of an outbox.
    pub slug: &'a Slug,
    /// How letters leave.
    pub route: &'a Route,
    /// Writes the letters.
    pub write: &'a WriteLetter<'a>,
    /// Maximum number of recipients.
    pub limit: Option<u64>,
    /// Only these recipients, if given.
    pub only: Option<&'a [SubscriberId]>,
    /// How much of it may fail; `None` for no limit.
    pub failure_limit: Option<FailureLimit<'a>>,
    /// Limits of all mail of the store.
    pub limits: RateLimits<'a>,
    /// What the run calls in the program around it.
    pub hooks: RunHooks<'a>,
}

/// Limits counted in the store for every process that sends from it.
#[derive(Clone, Copy, Default)]
pub struct RateLimits<'a> {
    /// Messages per time; all of these limits hold.
    pub rates: &'a [Rate],
    /// Messages per day.
    pub warm_up: Option<&'a WarmUp>,
}

/// What a run calls in the program around it, from many threads.
#[derive(Clone, Copy)]
pub struct RunHooks<'a> {
    /// Reads the clock.
    pub clock: &'a (dyn Fn() -> DateTime<Utc> + Sync),
    /// Waits for this time.
    pub sleep: &'a (dyn Fn(Duration) + Sync),
    /// Once true, no further message is begun.
    pub stop: &'a AtomicBool,
    /// Receives the progress.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Does something else with the store while recipients are mailed: on a thread of its own, so that neither waits for the
    /// other, about once a second.
    pub meanwhile: Option<&'a Meanwhile<'a>>,
}

/// Does something else with the store.
pub type Meanwhile<'a> = dyn Fn(&Occasion<'_>) + Sync + 'a;

/// An occasion to do something else with the store.
#[derive(Clone, Copy)]
pub struct Occasion<'a> {
    /// Lends the store for one action. The run waits for it, so that it must be short.
    pub lend: &'a (dyn Fn(&mut StoreAction<'_>) -> Result<(), StoreError> + 'a),
    /// Whether no further action may begin.
    pub is_over: &'a (dyn Fn() -> bool + 'a),
}

/// What is done with a store.
pub type StoreAction<'a> = dyn FnMut(&mut dyn Store) -> Result<(), StoreError> + 'a;

impl Occasion<'_> {
    /// Calls `act` with the store.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn with_store<T>(&self, act: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let (mut act, mut result) = (Some(act), None);
        (self.lend)(&mut |store| {
            if let Some(act) = act.take() {
                result = Some(act(store)?);
            }
            Ok(())
        })?;
        result.ok_or_else(|| StoreError::Failed { doing: "use the store", source: anyhow::anyhow!("it was not lent") })
    }
}

impl RunHooks<'_> {
    /// The current time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// Whether no further message may begin.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Progress of a run, for a person to watch.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A mailing begins or continues.
    Begun {
        /// Its short name.
        slug: Slug,
        /// Number of waiting recipients.
        open: u64,
    },
    /// A delivery has reached this state.
    Settled(State),
    /// A connection, or the claiming of recipients, waits for this time.
    Paused(PauseReason, Duration),
    /// The canary wave was mailed; the other recipients follow after this time if it goes well.
    Waiting {
        /// The short name of the mailing.
        slug: Slug,
        /// Number of recipients mailed.
        mailed: u64,
        /// How long the others still wait.
        left: Duration,
    },
}

/// Reason for a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseReason {
    /// A rate limit allows no message now.
    Rate,
    /// The server wants less mail or cannot be reached.
    Server,
}

/// Summary of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunSummary {
    /// Number of recipients this run brought into each state.
    pub tally: StateCounts,
    /// Why it stopped early, if it did.
    pub stopped: Option<Finding>,
    /// Why no one else is mailed until a person decides, if so: the canary, or too many failures.
    pub halted: Option<Finding>,
    /// Warnings, such as servers that were suspended for a while.
    pub warnings: Vec<Finding>,
    /// When mail may leave again, if today's quota is used up.
    pub paused: Option<DateTime<Tz>>,
}

impl RunSummary {
    /// Adds the summary of a further run for the same mailing.
    pub(super) fn add(&mut self, other: Self) {
        for state in State::ALL {
            self.tally.set(state, self.tally.of(state) + other.tally.of(state));
        }
        self.warnings.extend(other.warnings);
        self.stopped = self.stopped.take().or(other.stopped);
        self.halted = self.halted.take().or(other.halted);
        self.paused = self.paused.or(other.paused);
    }
}
