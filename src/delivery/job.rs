//! What a run is asked to do, what it tells meanwhile, and how it ended.
//!
//! Plain data: `send` makes a job, `run` does it, faces show its progress.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::delivery::Route;
use crate::finding::Finding;
use crate::issue::{IssueId, Slug};
use crate::ledger::{State, StateCounts};
use crate::letter::Letter;
use crate::rate::{Rate, WarmUp};
use crate::subscriber::{Subscriber, SubscriberId};

/// Writes one subscriber's letter; called from many threads.
pub type WriteLetter<'a> = dyn Fn(&Subscriber) -> anyhow::Result<Letter> + Sync + 'a;

/// One issue to be mailed.
pub struct Job<'a> {
    /// The issue, which has a mailing in the store.
    pub issue: &'a IssueId,
    /// Its short name, for the folder of an outbox.
    pub slug: &'a Slug,
    /// Which way the letters leave.
    pub route: &'a Route,
    /// Writes the letters.
    pub write: &'a WriteLetter<'a>,
    /// Recipients, at most.
    pub limit: Option<u64>,
    /// Nobody but these.
    pub only: Option<&'a [SubscriberId]>,
    /// How fast.
    pub limits: RateLimits<'a>,
    /// What the run needs of the program around it.
    pub hooks: RunHooks<'a>,
}

/// How fast a sending may go, counted in the store for all who send from it.
#[derive(Clone, Copy, Default)]
pub struct RateLimits<'a> {
    /// Messages per time. All of these are kept.
    pub rates: &'a [Rate],
    /// How much may leave on each day.
    pub warm_up: Option<&'a WarmUp>,
}

/// What a run needs of the program around it; called from many threads.
#[derive(Clone, Copy)]
pub struct RunHooks<'a> {
    /// Reads the clock.
    pub clock: &'a (dyn Fn() -> DateTime<Utc> + Sync),
    /// Waits for this time.
    pub pause: &'a (dyn Fn(Duration) + Sync),
    /// Once true, no further message is begun.
    pub stop: &'a AtomicBool,
    /// Told of what happens.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

impl RunHooks<'_> {
    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// Whether no further message is to be begun.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// What happens in a run, for a person to watch.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// An issue's mailing begins or goes on; so many recipients still wait.
    Begun {
        /// The issue's short name.
        slug: Slug,
        /// How many wait.
        open: u64,
    },
    /// A recipient's delivery is in this state now.
    Settled(State),
    /// Somebody waits so long before going on; where there are several connections, the others may go on.
    Paused(PauseReason, Duration),
    /// The first recipients of an issue were mailed; the others follow later, if all is well.
    Waiting {
        /// The issue's short name.
        slug: Slug,
        /// How many were mailed.
        mailed: u64,
        /// How long the others still wait.
        left: Duration,
    },
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseReason {
    /// The rate, which allows no message now.
    Rate,
    /// The server, which wants less of us or cannot be reached.
    Server,
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunSummary {
    /// How many recipients this run brought into each state.
    pub tally: StateCounts,
    /// Why it stopped before everybody was served, if it did.
    pub stopped: Option<Finding>,
    /// Why the others of this issue are not mailed, though there is nothing wrong with servers or store.
    pub halted: Option<Finding>,
    /// What a person should know: servers among others that could not be used for a while.
    pub warnings: Vec<Finding>,
    /// Until when nothing more may leave, where what may leave on one day is used up.
    pub paused: Option<DateTime<Tz>>,
}

impl RunSummary {
    /// Adds what a further run over the same issue came to.
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
