//! Mails one issue to everybody who still waits for it.
//!
//! Takes a frozen mailing, a way out and a writer of letters; gives what became of this run's recipients. The thread that
//! calls claims recipients, a few write letters where that takes long, and each worker has a connection to its server. The
//! first one to each server is made before the others, so that a wrong password is tried once.

use std::num::NonZero;
use std::thread;

use crate::delivery::claimer::Claimer;
use crate::delivery::desk::{Desk, Seat};
use crate::delivery::job::{Ended, Job, Progress};
use crate::delivery::ledger_writer::Journal;
use crate::delivery::papers::Closed;
use crate::delivery::worker::Worker;
use crate::smtp::Route;
use crate::store::{Store, StoreError};

/// Mails the issue to all who are queued, and to those deferred whose time has come.
///
/// Nobody is lost on the way out: whoever was claimed and not mailed is queued again.
///
/// # Errors
/// When the ledger cannot be kept. No further message is begun then; the next run settles the claims.
pub fn run(store: &mut dyn Store, job: &Job<'_>) -> Result<Ended, StoreError> {
    let counts = store.counts(job.issue)?;
    let open = job.only.map_or(counts.open(), |only| only.len() as u64);
    (job.surroundings.progress)(Progress::Begun { slug: job.slug.clone(), open });
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
