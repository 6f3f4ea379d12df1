//! Mails one issue to everybody who still waits for it: a recipient's way from claim to settled, top-down.
//!
//! ```text
//! run ─► serve ─┬─► Claimer: claim_all ─► claim ─► the queue
//!               └─► Worker, one per connection: work ─► next ─► prepare ─► send ─► settle
//!                                                                            └──► act_on (no 250) ─► settle, put back, or
//!                                                                                                     let the queue judge
//! ```
//!
//! The row in the ledger is `claimed` before the queue holds the recipient, `sending` before the content leaves, and ended
//! once the reply is there. The first connection to each server is made before the others, so that a wrong password is
//! tried once.

use std::thread;
use std::time::{Duration, Instant};

use crate::delivery::Route;
use crate::delivery::connection::{self, Connection};
use crate::delivery::diagnostics;
use crate::delivery::job::{Job, PauseReason, Progress, RunSummary};
use crate::delivery::ledger_writer::{LedgerWriter, Stopped};
use crate::delivery::outbox::Outbox;
use crate::delivery::pipelining::Pipelining;
use crate::delivery::queue::{Closed, Next, Outcomes, POLL_INTERVAL, Queue, WorkerId};
use crate::delivery::rate_limit::{self, Allowance};
use crate::delivery::recipient::Recipient;
use crate::delivery::refusals::Refused;
use crate::delivery::reply_action::{Action, action};
use crate::delivery::retry_schedule;
use crate::delivery::server_state::Trouble;
use crate::finding::Finding;
use crate::ledger::{AttemptOutcome, Claim, LedgerEntry};
use crate::letter::Letter;
use crate::smtp::failure::SessionError;
use crate::smtp::relay::Relay;
use crate::store::{Store, StoreError};

mod pipelining;
mod wait;

/// A connection that has had nothing to do for this time is closed: servers do not like idle ones.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// After a connection broke this often under one message, it may be this message that the server cannot stand.
const MAX_BREAKS: u32 = 4;

/// Mails the issue to all who are queued, and to those deferred whose time has come.
///
/// No recipient is lost on the way out: those claimed but not mailed are queued again.
///
/// # Errors
/// When the ledger cannot be kept. No further message is begun then; the next run settles the claims.
pub fn run(store: &mut dyn Store, job: &Job<'_>) -> Result<RunSummary, StoreError> {
    let counts = store.counts(job.issue)?;
    let open = job.only.map_or(counts.open(), |only| only.len() as u64);
    (job.hooks.progress)(Progress::Begun { slug: job.slug.clone(), open });
    let workers = workers_per_server(job.route, usize::try_from(open).unwrap_or(usize::MAX));
    let ledger = LedgerWriter::new(store, job)?;
    let queue = Queue::new(job, &workers, &counts);
    serve(job, &ledger, &queue, &workers);
    let Closed { ended, outcomes, unused } = queue.close();
    unused.iter().for_each(|(quota, count)| ledger.return_quota(quota, *count));
    ledger.close(outcomes)?;
    Ok(ended)
}

/// How many workers each server has when `open` recipients wait.
fn workers_per_server(route: &Route, open: usize) -> Vec<usize> {
    let up_to = |wanted: usize| wanted.min(open).max(1);
    match route {
        Route::Relays(relays) => relays.iter().map(|relay| up_to(relay.connections)).collect(),
        Route::Outbox { writers, .. } => vec![up_to(*writers)],
    }
}

/// Claims on this thread, and mails on one for each worker, until no recipient is waiting or the run stops.
fn serve<'job>(job: &'job Job<'job>, ledger: &LedgerWriter<'job>, queue: &Queue<'job>, workers: &[usize]) {
    let pipelining = &Pipelining::default();
    thread::scope(|scope| {
        for (server, workers) in workers.iter().enumerate() {
            for number in 0..*workers {
                let id = WorkerId { server, number };
                scope.spawn(move || Worker::new(id, job, ledger, queue, pipelining).work());
            }
        }
        let left = job.limit.unwrap_or(u64::MAX);
        Claimer { job, ledger, queue, left, asked: 0 }.work();
    });
}

/// Claims recipients ahead of need, and keeps the run alive.
struct Claimer<'run, 'job> {
    job: &'job Job<'job>,
    ledger: &'run LedgerWriter<'job>,
    queue: &'run Queue<'job>,
    /// How many recipients may still be claimed.
    left: u64,
    /// How many of those whom alone the run is about were asked for.
    asked: usize,
}

impl Claimer<'_, '_> {
    fn work(mut self) {
        if self.claim_all().and_then(|()| self.keep_alive()).is_err() {
            self.queue.halt();
        }
    }

    /// Claims until no recipient is waiting, the limit is reached or the run stops.
    fn claim_all(&mut self) -> Result<(), Stopped> {
        let mut renewed = Instant::now();
        while !self.queue.is_closed() {
            if renewed.elapsed() >= POLL_INTERVAL {
                self.ledger.renew_run()?;
                renewed = Instant::now();
            }
            let room = self.queue.wait_for_room();
            if room > 0 && !self.queue.is_closed() && !self.claim(room)? {
                break;
            }
        }
        self.queue.end_claims();
        Ok(())
    }

    /// Claims up to `room` recipients as far as rates and limits allow; returns whether there may be more to claim.
    fn claim(&mut self, room: usize) -> Result<bool, Stopped> {
        let named = self.job.only.map_or(usize::MAX, |only| only.len() - self.asked);
        let wanted = (room.min(named) as u64).min(self.left);
        if wanted == 0 {
            return Ok(false);
        }
        let allowed = match rate_limit::take(self.ledger, self.job.limits, wanted, self.job.hooks.now())? {
            Allowance::Granted(allowed, quota) => {
                quota.into_iter().for_each(|quota| self.queue.note_quota(quota, allowed));
                usize::try_from(allowed).unwrap_or(usize::MAX)
            }
            Allowance::Wait(pause) => {
                (self.job.hooks.progress)(Progress::Paused(PauseReason::Rate, pause));
                return self.wait(pause).map(|()| true);
            }
            Allowance::UsedUp(until) => {
                self.queue.pause_until(until);
                return Ok(false);
            }
        };
        let (claims, are_more_named) = self.claim_up_to(allowed)?;
        // In a warm-up, to ask again after a short claim would use quota for recipients that do not exist.
        let fewest = if self.job.limits.warm_up.is_some() { allowed } else { 1 };
        let may_be_more = claims.len() >= fewest || are_more_named;
        self.left -= claims.len() as u64;
        self.queue.add(claims);
        Ok(may_be_more)
    }

    /// Returns the claims, and whether more of the recipients named for this run are left.
    fn claim_up_to(&mut self, limit: usize) -> Result<(Vec<Claim>, bool), Stopped> {
        let Some(only) = self.job.only else { return Ok((self.ledger.claim(limit)?, false)) };
        let asked = self.asked.saturating_add(limit).min(only.len());
        let claims = self.ledger.claim_these(&only[self.asked..asked])?;
        self.asked = asked;
        Ok((claims, asked < only.len()))
    }

    fn keep_alive(&self) -> Result<(), Stopped> {
        while !self.queue.wait_for_end() {
            self.ledger.renew_run()?;
        }
        Ok(())
    }
}

/// Mails one recipient after the other over one connection.
struct Worker<'run, 'job> {
    id: WorkerId,
    job: &'job Job<'job>,
    ledger: &'run LedgerWriter<'job>,
    queue: &'run Queue<'job>,
    pipelining: &'run Pipelining,
    connection: Connection<'job>,
    /// The one after the recipient at hand, whose envelope leaves behind the content before it where the server has earned
    /// that.
    following: Option<Prepared>,
    /// How often in a row something was wrong with the connection.
    troubles: u32,
}

/// A recipient whose letter is written.
struct Prepared {
    recipient: Recipient,
    letter: Letter,
}

impl<'run, 'job> Worker<'run, 'job> {
    fn new(
        id: WorkerId,
        job: &'job Job<'job>,
        ledger: &'run LedgerWriter<'job>,
        queue: &'run Queue<'job>,
        pipelining: &'run Pipelining,
    ) -> Self {
        Self { id, job, ledger, queue, pipelining, connection: Connection::default(), following: None, troubles: 0 }
    }

    /// Serves recipients until there are none left or the run stops.
    fn work(mut self) {
        if self.serve().is_err() {
            self.queue.halt();
        }
        self.put_back_following();
        self.hang_up();
        self.queue.leave();
    }

    fn serve(&mut self) -> Result<(), Stopped> {
        while let Some(prepared) = self.next()? {
            match self.job.route {
                Route::Relays(relays) => self.send(&relays[self.id.server], prepared)?,
                Route::Outbox { project, root, .. } => {
                    self.put_into(&Outbox::new(project, root, self.job.slug), prepared);
                }
            }
        }
        Ok(())
    }

    /// The next recipient with a letter, waiting for one; `None` once the run ends.
    fn next(&mut self) -> Result<Option<Prepared>, Stopped> {
        let mut idle = Duration::ZERO;
        if self.queue.is_stopped() {
            return Ok(None);
        }
        if let Some(following) = self.following.take() {
            return Ok(Some(following));
        }
        loop {
            match self.queue.next(self.id) {
                Next::Deliver(recipient) => {
                    if let Some(prepared) = self.prepare(*recipient) {
                        return Ok(Some(prepared));
                    }
                }
                Next::AskForPermits(wanted) => self.ask_for_permits(wanted)?,
                Next::Rest(pause) => {
                    self.progress(Progress::Paused(PauseReason::Server, pause));
                    self.pause(pause)?;
                }
                Next::Close => {
                    self.hang_up();
                    idle += self.wait_for_work()?;
                }
                Next::Wait => {
                    idle += self.wait_for_work()?;
                    if idle >= MAX_IDLE {
                        self.hang_up();
                    }
                }
                Next::End => return Ok(None),
            }
        }
    }

    /// Writes the letter. If that fails it is this recipient's failure: `send` has made sure that letters can be written.
    fn prepare(&self, recipient: Recipient) -> Option<Prepared> {
        match (self.job.write)(&recipient.claim.subscriber) {
            Ok(letter) => Some(Prepared { recipient, letter }),
            Err(error) => {
                let reply = format!("the message could not be written: {error:#}");
                self.settle(&recipient, AttemptOutcome::Failed { reply, suppress: false });
                None
            }
        }
    }

    /// The row stays claimed until the file is there: a run killed before is repeated, which writes the same file.
    fn put_into(&self, outbox: &Outbox<'_>, Prepared { recipient, letter }: Prepared) {
        match outbox.write(&letter) {
            Ok(path) => self.settle(&recipient, AttemptOutcome::Sent(format!("written to {}", path.display()))),
            Err(error) => {
                self.queue.put_back(self.id, recipient, false);
                self.queue.stop(diagnostics::outbox(&error));
            }
        }
    }

    /// One attempt: envelope, `sending` in the ledger, content, reply.
    fn send(&mut self, relay: &'job Relay, Prepared { recipient, letter }: Prepared) -> Result<(), Stopped> {
        if let Err(error) = self.connect(relay, &letter)? {
            return self.give_up_connecting(relay, recipient, &error);
        }
        let offered = self.connection.offer(&letter);
        let reads_on = self.note_pipelining(relay)?;
        if let Err(error) = offered {
            if reads_on == Some(false) {
                // Nothing of the message has left, and it was no fault of anybody's that is mailed.
                self.hang_up();
                self.queue.put_back(self.id, recipient, false);
                return Ok(());
            }
            return self.act_on(relay, Prepared { recipient, letter }, &error);
        }
        let id = recipient.id();
        if !self.ledger.sending(id)? {
            // The server waits for a message that another run sends.
            self.hang_up();
            self.queue.lose();
            return Ok(());
        }
        let transmitted = self.transmit(&letter);
        self.note_pipelining(relay)?;
        match transmitted {
            Ok(reply) => {
                self.troubles = 0;
                let is_one_of_several = matches!(self.job.route, Route::Relays(relays) if relays.len() > 1);
                let said = if is_one_of_several { format!("{reply} [{relay}]") } else { reply.to_string() };
                self.settle(&recipient, AttemptOutcome::Sent(said));
                Ok(())
            }
            Err(error) => {
                if !error.leaves_unknown() {
                    self.ledger.add(id, LedgerEntry::Unsent);
                }
                self.act_on(relay, Prepared { recipient, letter }, &error)
            }
        }
    }

    fn give_up_connecting(&mut self, relay: &Relay, recipient: Recipient, error: &SessionError) -> Result<(), Stopped> {
        let trouble = connection::trouble(error, self.queue.was_connected(self.id));
        let finding = match trouble {
            Trouble::Crowded => diagnostics::crowded(relay, error),
            _ => diagnostics::finding(relay, error, None),
        };
        self.give_back(recipient, trouble, finding)
    }

    /// Does what a failed attempt asks for: settles the recipient, or gives it back to the queue.
    fn act_on(&mut self, relay: &Relay, failed: Prepared, error: &SessionError) -> Result<(), Stopped> {
        let Prepared { mut recipient, letter } = failed;
        let finding = || diagnostics::finding(relay, error, Some(&letter));
        if recipient.ended_after.is_none()
            && let Some(messages) = self.connection.ended_after(error)
        {
            self.connect_again(Recipient { ended_after: Some((self.id.server, messages)), ..recipient });
            return Ok(());
        }
        match action(self.job.issue, &recipient.claim, error, self.job.hooks.now()) {
            Action::Settle(outcome) => {
                let is_reply_missing = matches!(outcome, AttemptOutcome::Unknown(_));
                self.settle(&recipient, outcome);
                if is_reply_missing {
                    self.hang_up();
                    self.queue.note_missing_reply(self.id, || diagnostics::no_verdict(relay));
                }
                Ok(())
            }
            Action::Refused(reply) => {
                let refused = Refused::new(recipient, reply, error.phase, finding());
                let (outcomes, slow_down) = self.queue.refuse(self.id, refused);
                self.write_down(outcomes);
                if slow_down { self.pace(PauseReason::Server, retry_schedule::connection_backoff(1)) } else { Ok(()) }
            }
            Action::Stop => self.give_back(recipient, Trouble::Refuses, finding()),
            Action::SlowDown => self.give_back(recipient, Trouble::Busy, finding()),
            Action::Retry => {
                recipient.breaks += 1;
                if recipient.breaks < MAX_BREAKS {
                    // The others shall not wait for it.
                    recipient.comes_last = true;
                    return self.give_back(recipient, Trouble::Broken, finding());
                }
                self.hang_up();
                let now = self.job.hooks.now();
                self.settle(
                    &recipient,
                    retry_schedule::defer(self.job.issue, &recipient.claim, error.to_string(), now),
                );
                Ok(())
            }
        }
    }

    /// Perhaps the server takes no more than so many messages on one connection: what it says on another counts.
    fn connect_again(&mut self, recipient: Recipient) {
        self.put_back_following();
        self.hang_up();
        self.queue.put_back(self.id, recipient, false);
    }

    /// Writes down what became of a recipient: committed with the next message at the latest.
    fn settle(&self, recipient: &Recipient, outcome: AttemptOutcome) {
        let state = outcome.state();
        self.ledger.add(recipient.id(), LedgerEntry::Settled(outcome));
        let outcomes = self.queue.settle(self.id, recipient, state);
        self.progress(Progress::Settled(state));
        self.write_down(outcomes);
    }

    /// Writes down what became of recipients who are out of the workers' hands.
    fn write_down(&self, outcomes: Outcomes) {
        for (id, outcome) in outcomes {
            let state = outcome.state();
            self.ledger.add(id, LedgerEntry::Settled(outcome));
            self.progress(Progress::Settled(state));
        }
    }

    /// Closes a connection that is no good, and gives the recipient back for a worker with a better one. Unless the server
    /// is left alone anyway, this worker leaves it alone for a while.
    fn give_back(&mut self, recipient: Recipient, trouble: Trouble, finding: Finding) -> Result<(), Stopped> {
        self.put_back_following();
        self.hang_up();
        self.queue.put_back(self.id, recipient, true);
        self.troubles += 1;
        match self.queue.trouble(self.id, trouble, finding) {
            true => Ok(()),
            false => self.pace(PauseReason::Server, retry_schedule::connection_backoff(self.troubles)),
        }
    }

    fn put_back_following(&mut self) {
        if let Some(following) = self.following.take() {
            self.queue.put_back(self.id, following.recipient, false);
        }
    }

    /// Makes sure that there is a connection which can take the letter.
    fn connect(&mut self, relay: &'job Relay, letter: &Letter) -> Result<Result<(), SessionError>, Stopped> {
        let most = self.queue.most_messages(self.id);
        if self.connection.can_take(letter) && !self.connection.is_used_up(most, 0) {
            return Ok(Ok(()));
        }
        self.hang_up();
        if let Err(error) = self.connection.open(relay, self.job.hooks.stop) {
            return Ok(Err(error));
        }
        self.queue.note_connected(self.id);
        self.join_pipelining(relay)?;
        Ok(Ok(()))
    }

    fn hang_up(&mut self) {
        if self.connection.close() {
            self.queue.note_closed(self.id);
        }
    }

    fn progress(&self, progress: Progress) {
        (self.job.hooks.progress)(progress);
    }
}
