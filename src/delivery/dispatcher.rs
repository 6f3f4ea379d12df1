//! Mails one issue or digest to all recipients still waiting for it. Shows the path of a recipient from claim to settled,
//! top-down.
//!
//! ```text
//! run ─► serve ─┬─► Claimer: claim_all ─► claim ─► the queue
//!               └─► Worker, one per connection: work ─► next ─► prepare ─► send ─► settle
//!                                                                            └──► act_on (no 250) ─► settle, requeue, or
//!                                                                                                     queue.refuse
//! ```
//!
//! The delivery is `claimed` in the ledger before the queue contains the recipient, `sending` before the content leaves,
//! and settled once the reply has come. The first connection to each server is made before the others, so that a wrong
//! password is tried once.

use std::thread;
use std::time::{Duration, Instant};

use crate::delivery::Route;
use crate::delivery::connection::{self, Connection};
use crate::delivery::diagnostics;
use crate::delivery::job::{Job, Meanwhile, Occasion, PauseReason, Progress, RunSummary};
use crate::delivery::ledger_writer::{LedgerWriter, Stopped};
use crate::delivery::outbox::Outbox;
use crate::delivery::pipelining::PipeliningTrials;
use crate::delivery::queue::{Closed, Next, Outcomes, POLL_INTERVAL, Queue, WorkerId};
use crate::delivery::rate_limit::{self, Allowance};
use crate::delivery::recipient::Recipient;
use crate::delivery::refusals::Refusal;
use crate::delivery::reply_action::{ReplyAction, reply_action};
use crate::delivery::retry_schedule::{connection_backoff, defer};
use crate::delivery::server_state::ServerProblem;
use crate::finding::Finding;
use crate::ledger::{AttemptOutcome, Claim, LedgerEntry};
use crate::letter::Letter;
use crate::smtp::failure::SessionError;
use crate::smtp::relay::Relay;
use crate::store::{Store, StoreError};

mod pipelining;
mod wait;

/// Idle time after which a connection is closed: servers dislike idle ones.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// How often the program may do something else with the store.
const MEANWHILE_INTERVAL: Duration = Duration::from_secs(1);

/// How often failures are checked in the course of a large mailing.
const CHECKS: u64 = 100;

/// Connections lost under one message after which the message itself is assumed to be the cause.
const MAX_BREAKS: u32 = 4;

/// Mails the content to all queued recipients, and to those deferred whose `retry_at` has passed.
///
/// Recipients claimed but not mailed are queued again.
///
/// # Errors
/// When the ledger cannot be written. No further message is begun then; the next run settles the claims.
pub fn run(store: &mut dyn Store, job: &Job<'_>) -> Result<RunSummary, StoreError> {
    let counts = store.counts(job.issue)?;
    if let Some(limit) = job.failure_limit
        && let Some(halted) = limit.finding(store, job.issue, &counts)?
    {
        return Ok(RunSummary { halted: Some(halted), ..RunSummary::default() });
    }
    let open = job.only.map_or(counts.open(), |only| only.len() as u64);
    (job.hooks.progress)(Progress::Begun { slug: job.slug.clone(), open });
    let workers = workers_per_server(job.route, usize::try_from(open).unwrap_or(usize::MAX));
    let ledger = LedgerWriter::new(store, job)?;
    let queue = Queue::new(job, &workers, &counts);
    serve(job, &ledger, &queue, &workers, open);
    let Closed { ended, outcomes, unused } = queue.close();
    unused.iter().for_each(|(quota, count)| ledger.return_quota(quota, *count));
    ledger.close(outcomes)?;
    Ok(ended)
}

/// The number of workers of each server for `open` waiting recipients.
fn workers_per_server(route: &Route, open: usize) -> Vec<usize> {
    let up_to = |connections: usize| connections.min(open).max(1);
    match route {
        Route::Relays(relays) => relays.iter().map(|relay| up_to(relay.connections)).collect(),
        Route::Outbox { writers, .. } => vec![up_to(*writers)],
    }
}

/// Claims on this thread and sends on one thread per worker, until no recipient is waiting or the run stops.
fn serve<'job>(job: &'job Job<'job>, ledger: &LedgerWriter<'job>, queue: &Queue<'job>, workers: &[usize], open: u64) {
    let pipelining = &PipeliningTrials::default();
    thread::scope(|scope| {
        for (server, workers) in workers.iter().enumerate() {
            for number in 0..*workers {
                let id = WorkerId { server, number };
                scope.spawn(move || Worker::new(id, job, ledger, queue, pipelining).work());
            }
        }
        if let Some(meanwhile) = job.hooks.meanwhile {
            scope.spawn(move || accompany(meanwhile, ledger, queue));
        }
        let left = job.limit.unwrap_or(u64::MAX);
        let check_after = (open / CHECKS).max(1);
        Claimer { job, ledger, queue, left, requested: 0, check_after, unchecked: 0 }.work();
    });
}

/// Lets the program do something else with the store, about once a second until the run ends.
fn accompany(meanwhile: &Meanwhile<'_>, ledger: &LedgerWriter<'_>, queue: &Queue<'_>) {
    loop {
        meanwhile(&Occasion { lend: &|act| ledger.lend(act), is_over: &|| queue.is_all_done() });
        let next = Instant::now() + MEANWHILE_INTERVAL;
        while Instant::now() < next {
            if queue.wait_for_end() {
                return;
            }
        }
    }
}

/// Claims recipients ahead of need and keeps the run alive.
struct Claimer<'run, 'job> {
    job: &'job Job<'job>,
    ledger: &'run LedgerWriter<'job>,
    queue: &'run Queue<'job>,
    /// Number of recipients that may still be claimed.
    left: u64,
    /// Number of the recipients in `job.only` already asked for.
    requested: usize,
    /// Number of recipients after which failures are checked, and of those claimed since the last check.
    check_after: u64,
    unchecked: u64,
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
            let space = self.queue.wait_for_space();
            if space > 0 {
                self.check_failures()?;
            }
            if space > 0 && !self.queue.is_closed() && !self.claim(space)? {
                break;
            }
        }
        self.queue.end_claims();
        Ok(())
    }

    /// Claims up to `space` recipients as far as rate limits allow; returns whether more may be left to claim.
    fn claim(&mut self, space: usize) -> Result<bool, Stopped> {
        let named = self.job.only.map_or(usize::MAX, |only| only.len() - self.requested);
        let wanted = (space.min(named) as u64).min(self.left);
        if wanted == 0 {
            return Ok(false);
        }
        let allowed = match rate_limit::acquire(self.ledger, self.job.limits, wanted, self.job.hooks.now())? {
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
        // In a warm-up, asking again after a short claim would use up quota for recipients that do not exist.
        let min_claims = if self.job.limits.warm_up.is_some() { allowed } else { 1 };
        let may_be_more = claims.len() >= min_claims || are_more_named;
        self.left -= claims.len() as u64;
        self.unchecked += claims.len() as u64;
        self.queue.add(claims);
        Ok(may_be_more)
    }

    /// Halts the mailing if too much of it failed, also by bounces that another process recorded. Counting reads every recipient, so
    /// that it is not done for each claim of a large mailing.
    fn check_failures(&mut self) -> Result<(), Stopped> {
        let Some(limit) = self.job.failure_limit.filter(|_| self.unchecked >= self.check_after) else { return Ok(()) };
        self.unchecked = 0;
        // What the workers have settled is counted, too.
        self.ledger.flush()?;
        if let Some(finding) =
            self.ledger.with_store(|store| limit.finding(store, self.job.issue, &store.counts(self.job.issue)?))?
        {
            self.queue.halt_for(finding);
        }
        Ok(())
    }

    /// Returns the claims, and whether more of `job.only` are left.
    fn claim_up_to(&mut self, limit: usize) -> Result<(Vec<Claim>, bool), Stopped> {
        let Some(only) = self.job.only else { return Ok((self.ledger.claim(limit)?, false)) };
        let requested = self.requested.saturating_add(limit).min(only.len());
        let claims = self.ledger.claim_these(&only[self.requested..requested])?;
        self.requested = requested;
        Ok((claims, requested < only.len()))
    }

    fn keep_alive(&self) -> Result<(), Stopped> {
        while !self.queue.wait_for_end() {
            self.ledger.renew_run()?;
        }
        Ok(())
    }
}

/// Mails one recipient after another over one connection.
struct Worker<'run, 'job> {
    id: WorkerId,
    job: &'job Job<'job>,
    ledger: &'run LedgerWriter<'job>,
    queue: &'run Queue<'job>,
    pipelining: &'run PipeliningTrials,
    connection: Connection<'job>,
    /// The recipient after the current one. Its envelope is pipelined behind the current content where `pipelining` allows.
    following: Option<Prepared>,
    /// Problems with the connection in a row.
    problems: u32,
}

/// A recipient with its finished letter.
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
        pipelining: &'run PipeliningTrials,
    ) -> Self {
        Self { id, job, ledger, queue, pipelining, connection: Connection::default(), following: None, problems: 0 }
    }

    /// Sends until no recipient is left or the run stops.
    fn work(mut self) {
        if self.serve().is_err() {
            self.queue.halt();
        }
        self.requeue_following();
        self.disconnect();
        self.queue.worker_finished();
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

    /// Waits for the next recipient and writes the letter; `None` once the run ends.
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
                Next::Suspended(pause) => {
                    self.progress(Progress::Paused(PauseReason::Server, pause));
                    self.sleep(pause)?;
                }
                Next::Close => {
                    self.disconnect();
                    idle += self.wait_for_work()?;
                }
                Next::Wait => {
                    idle += self.wait_for_work()?;
                    if idle >= MAX_IDLE {
                        self.disconnect();
                    }
                }
                Next::End => return Ok(None),
            }
        }
    }

    /// Writes the letter. A failure is this recipient's: `send` has checked that letters can be written.
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

    /// The delivery stays claimed until the file exists: after a crash it is repeated, which writes the same file.
    fn put_into(&self, outbox: &Outbox<'_>, Prepared { recipient, letter }: Prepared) {
        match outbox.write(&letter) {
            Ok(path) => self.settle(&recipient, AttemptOutcome::Sent(format!("written to {}", path.display()))),
            Err(error) => {
                self.queue.requeue(self.id, recipient, false);
                self.queue.stop(diagnostics::outbox(&error));
            }
        }
    }

    /// One attempt: envelope, `sending` in the ledger, content, reply.
    fn send(&mut self, relay: &'job Relay, Prepared { recipient, letter }: Prepared) -> Result<(), Stopped> {
        if let Err(error) = self.connect(relay, &letter)? {
            return self.act_on_failed_connect(relay, recipient, &error);
        }
        let offered = self.connection.offer(&letter);
        let reads_on = self.note_pipelining(relay)?;
        if let Err(error) = offered {
            if reads_on == Some(false) {
                // Nothing of this message has left, and the failure is not about its recipient.
                self.disconnect();
                self.queue.requeue(self.id, recipient, false);
                return Ok(());
            }
            return self.act_on(relay, Prepared { recipient, letter }, &error);
        }
        let id = recipient.id();
        if !self.ledger.sending(id)? {
            // The server expects a message that another run sends.
            self.disconnect();
            self.queue.drop_lost();
            return Ok(());
        }
        let transmitted = self.transmit(&letter);
        self.note_pipelining(relay)?;
        match transmitted {
            Ok(reply) => {
                self.problems = 0;
                let has_several_relays = matches!(self.job.route, Route::Relays(relays) if relays.len() > 1);
                let reply = if has_several_relays { format!("{reply} [{relay}]") } else { reply.to_string() };
                self.settle(&recipient, AttemptOutcome::Sent(reply));
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

    fn act_on_failed_connect(
        &mut self,
        relay: &Relay,
        recipient: Recipient,
        error: &SessionError,
    ) -> Result<(), Stopped> {
        let problem = connection::problem(error, self.queue.was_connected(self.id));
        let finding = match problem {
            ServerProblem::TooManyConnections => diagnostics::too_many_connections(relay, error),
            _ => diagnostics::finding(relay, error, None),
        };
        self.requeue_after_problem(recipient, problem, finding)
    }

    /// Acts on a failed attempt: settles the recipient or returns it to the queue.
    fn act_on(&mut self, relay: &Relay, failed: Prepared, error: &SessionError) -> Result<(), Stopped> {
        let Prepared { recipient, letter } = failed;
        let finding = || diagnostics::finding(relay, error, Some(&letter));
        if recipient.ended_after.is_none()
            && let Some(messages) = self.connection.ended_after(error)
        {
            self.connect_again(Recipient { ended_after: Some((self.id.server, messages)), ..recipient });
            return Ok(());
        }
        let now = self.job.hooks.now();
        match reply_action(error, |reply| defer(self.job.issue, &recipient.claim, reply, now)) {
            ReplyAction::Settle(outcome) => {
                let is_reply_missing = matches!(outcome, AttemptOutcome::Unknown(_));
                self.settle(&recipient, outcome);
                if is_reply_missing {
                    self.disconnect();
                    self.queue.note_missing_reply(self.id, || diagnostics::missing_replies(relay));
                }
                Ok(())
            }
            ReplyAction::Refused(reply) => {
                let refusal = Refusal::new(recipient, reply, error.phase, finding());
                let (outcomes, slow_down) = self.queue.refuse(self.id, refusal);
                self.record(outcomes);
                if slow_down { self.back_off(PauseReason::Server, connection_backoff(1)) } else { Ok(()) }
            }
            ReplyAction::Stop => self.requeue_after_problem(recipient, ServerProblem::RejectsUs, finding()),
            ReplyAction::SlowDown => self.requeue_after_problem(recipient, ServerProblem::Busy, finding()),
            ReplyAction::Retry => self.retry(recipient, error, finding()),
        }
    }

    /// The connection broke under the message: tries again, behind the others, which must not wait for it.
    fn retry(&mut self, mut recipient: Recipient, error: &SessionError, finding: Finding) -> Result<(), Stopped> {
        recipient.breaks += 1;
        if recipient.breaks < MAX_BREAKS {
            recipient.is_last = true;
            return self.requeue_after_problem(recipient, ServerProblem::ConnectionLost, finding);
        }
        self.disconnect();
        let now = self.job.hooks.now();
        self.settle(&recipient, defer(self.job.issue, &recipient.claim, error.to_string(), now));
        Ok(())
    }

    /// The server may limit the messages per connection: its reply on a new connection counts.
    fn connect_again(&mut self, recipient: Recipient) {
        self.requeue_following();
        self.disconnect();
        self.queue.requeue(self.id, recipient, false);
    }

    /// Settles a recipient in the ledger: committed with the next message at the latest.
    fn settle(&self, recipient: &Recipient, outcome: AttemptOutcome) {
        let state = outcome.state();
        self.ledger.add(recipient.id(), LedgerEntry::Settled(outcome));
        let outcomes = self.queue.settle(self.id, recipient, state);
        self.progress(Progress::Settled(state));
        self.record(outcomes);
    }

    /// Writes outcomes of recipients that no worker holds.
    fn record(&self, outcomes: Outcomes) {
        for (id, outcome) in outcomes {
            let state = outcome.state();
            self.ledger.add(id, LedgerEntry::Settled(outcome));
            self.progress(Progress::Settled(state));
        }
    }

    /// Closes a connection with a problem and returns the recipient for another worker. Unless the server is suspended,
    /// this worker backs off.
    fn requeue_after_problem(
        &mut self,
        recipient: Recipient,
        problem: ServerProblem,
        finding: Finding,
    ) -> Result<(), Stopped> {
        self.requeue_following();
        self.disconnect();
        self.queue.requeue(self.id, recipient, true);
        self.problems += 1;
        match self.queue.report_problem(self.id, problem, finding) {
            true => Ok(()),
            false => self.back_off(PauseReason::Server, connection_backoff(self.problems)),
        }
    }

    fn requeue_following(&mut self) {
        if let Some(following) = self.following.take() {
            self.queue.requeue(self.id, following.recipient, false);
        }
    }

    /// Ensures a connection that can take the letter.
    fn connect(&mut self, relay: &'job Relay, letter: &Letter) -> Result<Result<(), SessionError>, Stopped> {
        let max = self.queue.max_messages(self.id);
        if self.connection.can_take(letter) && !self.connection.is_used_up(max, 0) {
            return Ok(Ok(()));
        }
        self.disconnect();
        if let Err(error) = self.connection.open(relay, self.job.hooks.stop) {
            return Ok(Err(error));
        }
        self.queue.note_connected(self.id);
        self.join_pipelining(relay)?;
        Ok(Ok(()))
    }

    fn disconnect(&mut self) {
        if self.connection.close() {
            self.queue.note_closed(self.id);
        }
    }

    fn progress(&self, progress: Progress) {
        (self.job.hooks.progress)(progress);
    }
}
