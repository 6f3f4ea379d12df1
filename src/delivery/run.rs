//! Mails one issue to everybody who still waits for it.
//!
//! Takes a frozen mailing, a way out and a writer of letters; gives what became of this run's recipients. The thread that
//! calls claims recipients, a few write letters where that takes long, and each worker has a connection to its server. The
//! first one to each server is made before the others, so that a wrong password is tried once.

use std::num::NonZero;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::delivery::Route;
use crate::delivery::claimer::Claimer;
use crate::delivery::desk::{Desk, Seat};
use crate::delivery::journal::Journal;
use crate::delivery::papers::Closed;
use crate::delivery::worker::Worker;
use crate::finding::Finding;
use crate::issue::{IssueId, Slug};
use crate::ledger::{Counts, State};
use crate::letter::Letter;
use crate::rate::{Rate, WarmUp};
use crate::store::{Store, StoreError};
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
    /// Whether threads of their own do so ahead of need, because it takes long: no connection shall wait for a signature.
    pub write_ahead: bool,
    /// Recipients, at most.
    pub limit: Option<u64>,
    /// Nobody but these.
    pub only: Option<&'a [SubscriberId]>,
    /// How fast, counted in the store for all who send from it. All of them are kept.
    pub rates: &'a [Rate],
    /// How much may leave on each day.
    pub warm_up: Option<&'a WarmUp>,
    /// Reads the clock.
    pub clock: &'a (dyn Fn() -> DateTime<Utc> + Sync),
    /// Waits so long, before trying a busy server again.
    pub pause: &'a (dyn Fn(Duration) + Sync),
    /// Once true, no further message is begun.
    pub stop: &'a AtomicBool,
    /// Told of what happens, from many threads.
    pub progress: &'a (dyn Fn(Progress) + Sync),
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
    Paused(Pause, Duration),
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
pub enum Pause {
    /// The rate, which allows no message now.
    Rate,
    /// The server, which wants less of us or cannot be reached.
    Server,
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ended {
    /// How many recipients this run brought into each state.
    pub tally: Counts,
    /// Why it stopped before everybody was served, if it did.
    pub stopped: Option<Finding>,
    /// What a person should know: servers among others that could not be used for a while.
    pub warnings: Vec<Finding>,
    /// Until when nothing more may leave, where what may leave on one day is used up.
    pub paused: Option<DateTime<Tz>>,
}

impl Ended {
    /// Adds what a further run over the same issue came to.
    pub(super) fn add(&mut self, other: Self) {
        for state in State::ALL {
            self.tally.set(state, self.tally.of(state) + other.tally.of(state));
        }
        self.warnings.extend(other.warnings);
        self.stopped = self.stopped.take().or(other.stopped);
        self.paused = self.paused.or(other.paused);
    }
}

/// Mails the issue to all who are queued, and to those deferred whose time has come.
///
/// Nobody is lost on the way out: whoever was claimed and not mailed is queued again.
///
/// # Errors
/// When the ledger cannot be kept. No further message is begun then; the next run settles the claims.
pub fn run(store: &mut dyn Store, job: &Job<'_>) -> Result<Ended, StoreError> {
    let counts = store.counts(job.issue)?;
    let open = job.only.map_or(counts.open(), |only| only.len() as u64);
    (job.progress)(Progress::Begun { slug: job.slug.clone(), open });
    let seats = seats(job.route, usize::try_from(open).unwrap_or(usize::MAX));
    let journal = Journal::new(store, job)?;
    let desk = Desk::new(&journal, job, &counts, &seats);
    let mut claimer = Claimer::new(job, &journal, &desk);
    if claimer.claim() || desk.has_claims() {
        serve(job, &desk, claimer, &seats);
    }
    let Closed { ended, outcomes, unused } = desk.close();
    unused.iter().for_each(|(quota, count)| journal.return_quota(quota, *count));
    journal.close(outcomes)?;
    Ok(ended)
}

/// How many workers each server is given, when so many recipients wait.
fn seats(route: &Route, open: usize) -> Vec<usize> {
    let most = |wanted: usize| wanted.min(open).max(1);
    match route {
        Route::Relays(relays) => relays.iter().map(|relay| most(relay.connections)).collect(),
        Route::Outbox { writers, .. } => vec![most(*writers)],
    }
}

/// Lets the workers serve the desk until nobody waits or the run stops.
fn serve<'job>(job: &'job Job<'job>, desk: &Desk<'job>, claimer: Claimer<'_, 'job>, seats: &[usize]) {
    let workers = seats.iter().sum();
    let scribes =
        if job.write_ahead { thread::available_parallelism().map_or(1, NonZero::get).min(workers) } else { 0 };
    thread::scope(|scope| {
        for _ in 0..scribes {
            scope.spawn(|| desk.write_ahead());
        }
        for (server, workers) in seats.iter().enumerate() {
            for number in 0..*workers {
                let seat = Seat { server, number };
                scope.spawn(move || Worker::new(seat, job, desk).work());
            }
        }
        claimer.work();
    });
}
