//! The queue shared by all threads of a run: claimed recipients, the state of the servers, who is next, and whether to go
//! on.
//!
//! `dispatcher` fills and empties it and writes the ledger. Knows neither SMTP nor the store.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::DateTime;
use chrono_tz::Tz;

use crate::delivery::job::{Job, RunHooks, RunSummary};
use crate::delivery::recipient::Recipient;
use crate::delivery::run_outcome::RunOutcome;
use crate::delivery::server_pool::ServerPool;
use crate::delivery::server_state::ServerProblem;
use crate::finding::Finding;
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, Claim, State, StateCounts};
use crate::rate::Quota;
use crate::subscriber::SubscriberId;

mod choice;
mod refusals;
mod reports;

pub(super) use refusals::Outcomes;

/// Recipients claimed at a time: enough to share the cost of a durable write. With few connections at most twice as many
/// are claimed and not settled; these are the ones a power cut leaves unknown.
const BATCH: usize = 64;

/// Maximum number of claimed and unsettled recipients while a server refuses all it is offered and none unrelated to them
/// has been claimed.
const MAX_CLAIMED: usize = 64 * BATCH;

/// How often a waiting thread checks whether the run has stopped.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(250);

pub(super) struct Queue<'a> {
    issue: &'a IssueId,
    hooks: RunHooks<'a>,
    inner: Mutex<Inner>,
    /// There may be work for a waiting worker.
    work_available: Condvar,
    /// There may be space for more recipients.
    space_available: Condvar,
}

/// One of the workers, each with a connection of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WorkerId {
    /// The index of its server in the route.
    pub(super) server: usize,
    /// Its index among the workers of its server.
    pub(super) number: usize,
}

/// What a worker does next.
pub(super) enum Next {
    /// Mail this recipient.
    Deliver(Box<Recipient>),
    /// Ask the store for permits for its server, up to this many.
    AskForPermits(u64),
    /// Leave its server alone for this time.
    Suspended(Duration),
    /// Wait for work.
    Wait,
    /// Close its connection, which exceeds the server's concurrency limit, and wait.
    Close,
    /// End.
    End,
}

/// Why a worker does what it does next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Turn {
    Deliver,
    AskForPermits,
    Suspended,
    /// Other servers have not had their share.
    Throttled,
    /// No recipient is waiting that its server may have.
    Idle,
    /// Its connection exceeds the concurrency limit.
    Closed,
    End,
}

struct Inner {
    waiting: VecDeque<Recipient>,
    /// Recipients held by workers.
    in_flight: usize,
    /// Maximum number of claimed and unsettled recipients.
    capacity: usize,
    all_claimed: bool,
    /// Workers that have not finished.
    workers: usize,
    /// The ledger cannot be written.
    halted: bool,
    servers: ServerPool,
    outcome: RunOutcome,
    /// What was taken from today's quota of all mail.
    quota_taken: Option<(Quota, u64)>,
    /// When mail may leave again, once today's quota is used up.
    paused: Option<DateTime<Tz>>,
}

/// What is left when a run ends.
pub(super) struct Closed {
    pub(super) ended: RunSummary,
    /// Outcomes still to be written, including those of requeued recipients.
    pub(super) outcomes: Vec<(SubscriberId, AttemptOutcome)>,
    /// Unused parts of quotas.
    pub(super) unused: Vec<(Quota, u64)>,
}

impl<'a> Queue<'a> {
    /// An empty queue with the number of workers of each server.
    pub(super) fn new(job: &Job<'a>, workers: &[usize], counts: &StateCounts) -> Self {
        let outcome = RunOutcome::new(counts.of(State::Sent) > 0);
        let inner = Inner::new(ServerPool::new(job.route, workers), workers.iter().sum(), outcome);
        let (work_available, space_available) = <(Condvar, Condvar)>::default();
        let inner = Mutex::new(inner);
        Self { issue: job.issue, hooks: job.hooks, inner, work_available, space_available }
    }

    /// Waits a while for space; returns the number of recipients to claim, perhaps 0.
    pub(super) fn wait_for_space(&self) -> usize {
        let mut inner = self.inner();
        if !inner.has_space() && !self.is_over(&inner) {
            inner = wait(&self.space_available, inner);
        }
        if inner.has_space() { BATCH } else { 0 }
    }

    /// Adds claimed recipients.
    pub(super) fn add(&self, claims: Vec<Claim>) {
        self.inner().waiting.extend(claims.into_iter().map(Recipient::new));
        self.work_available.notify_all();
    }

    /// Notes what was taken from a day's quota for this run.
    pub(super) fn note_quota(&self, quota: Quota, count: u64) {
        let mut inner = self.inner();
        let before = inner.quota_taken.take().filter(|(before, _)| *before == quota).map_or(0, |(_, count)| count);
        inner.quota_taken = Some((quota, before + count));
    }

    /// Today's quota of all mail is used up: no more recipients are claimed.
    pub(super) fn pause_until(&self, until: DateTime<Tz>) {
        self.inner().paused = Some(until);
    }

    /// No more recipients are added.
    pub(super) fn end_claims(&self) {
        self.inner().all_claimed = true;
        self.work_available.notify_all();
    }

    /// Waits a while for the last recipient to be settled; returns whether all are, or the run is over.
    pub(super) fn wait_for_end(&self) -> bool {
        let inner = self.inner();
        self.is_ended(&inner) || self.is_ended(&wait(&self.space_available, inner))
    }

    /// What a worker does next.
    pub(super) fn next(&self, worker: WorkerId) -> Next {
        let mut inner = self.inner();
        match self.turn(&mut inner, worker) {
            Turn::Deliver => self.take(&mut inner, worker).map_or(Next::Wait, |it| Next::Deliver(Box::new(it))),
            Turn::AskForPermits => {
                inner.servers.of_mut(worker.server).is_asking = true;
                Next::AskForPermits(inner.waiting.len().min(inner.workers).max(1) as u64)
            }
            Turn::Suspended => Next::Suspended(inner.servers.wait_out_suspension(worker.server)),
            Turn::Throttled | Turn::Idle => Next::Wait,
            Turn::Closed => Next::Close,
            Turn::End => Next::End,
        }
    }

    /// The next recipient, if the worker may have one at once.
    pub(super) fn next_if_ready(&self, worker: WorkerId) -> Option<Recipient> {
        let mut inner = self.inner();
        match self.turn(&mut inner, worker) {
            Turn::Deliver => self.take(&mut inner, worker),
            _ => None,
        }
    }

    /// Waits until there may be work for the worker, or a while; returns the time waited.
    pub(super) fn wait_for_work(&self, worker: WorkerId) -> Duration {
        let mut inner = self.inner();
        let turn = self.turn(&mut inner, worker);
        if !matches!(turn, Turn::Throttled | Turn::Idle | Turn::Closed) {
            return Duration::ZERO;
        }
        let begun = Instant::now();
        let mut inner = wait(&self.work_available, inner);
        let now = Instant::now();
        if turn == Turn::Throttled {
            inner.servers.note_throttled(worker.server, begun, now);
        }
        now - begun
    }

    fn turn(&self, inner: &mut Inner, worker: WorkerId) -> Turn {
        inner.resolve_at_end();
        if self.is_ended(inner) { Turn::End } else { inner.turn(worker) }
    }

    fn take(&self, inner: &mut Inner, worker: WorkerId) -> Option<Recipient> {
        let recipient = inner.choose(worker.server)?;
        inner.in_flight += 1;
        inner.servers.assign(worker.server);
        if inner.has_space() {
            self.space_available.notify_one();
        }
        if inner.servers.has_several() {
            // A throttled server may go on.
            self.work_available.notify_all();
        }
        Some(recipient)
    }

    /// Another run has claimed this recipient.
    pub(super) fn drop_lost(&self) {
        self.finish(self.inner());
    }

    /// A recipient has left its worker, and not for the queue.
    fn finish(&self, mut inner: MutexGuard<'_, Inner>) {
        inner.in_flight -= 1;
        if inner.is_finished() {
            self.work_available.notify_all();
        }
    }

    /// Requeues a recipient that was not mailed. If it `avoids` this server, another one tries first.
    pub(super) fn requeue(&self, worker: WorkerId, mut recipient: Recipient, avoids: bool) {
        recipient.avoids = avoids.then_some(worker.server);
        let mut inner = self.inner();
        inner.waiting.push_front(recipient);
        inner.in_flight -= 1;
        inner.servers.unassign(worker.server);
        self.work_available.notify_all();
    }

    /// Ends the run with `finding`; workers finish their current message.
    pub(super) fn stop(&self, finding: Finding) {
        self.inner().outcome.stop_for(finding);
        self.wake_all();
    }

    /// Ends the run of this mailing with `finding`, for a person to decide; workers finish their current message.
    pub(super) fn halt_for(&self, finding: Finding) {
        self.inner().outcome.halt_for(finding);
        self.wake_all();
    }

    /// Ends the run because the ledger cannot be written.
    pub(super) fn halt(&self) {
        self.inner().halted = true;
        self.wake_all();
    }

    /// A worker has finished. The run ends with the last one.
    pub(super) fn worker_finished(&self) {
        self.inner().workers -= 1;
        self.wake_all();
    }

    fn wake_all(&self) {
        self.work_available.notify_all();
        self.space_available.notify_all();
    }

    /// Whether no further message may begin, not even to a recipient already assigned to a server.
    pub(super) fn is_stopped(&self) -> bool {
        self.must_stop(&self.inner())
    }

    /// Whether no further recipient may be assigned to a server.
    pub(super) fn is_closed(&self) -> bool {
        self.is_over(&self.inner())
    }

    /// Whether there is nothing left to wait for.
    pub(super) fn is_all_done(&self) -> bool {
        self.is_ended(&self.inner())
    }

    fn is_ended(&self, inner: &Inner) -> bool {
        self.is_over(inner) || inner.is_finished()
    }

    fn is_over(&self, inner: &Inner) -> bool {
        self.must_stop(inner) || inner.is_paused()
    }

    fn must_stop(&self, inner: &Inner) -> bool {
        self.hooks.is_stopped() || inner.halted || inner.workers == 0 || inner.outcome.is_stopped()
    }

    /// Ends the run and returns its summary.
    pub(super) fn close(self) -> Closed {
        let mut inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        let now = self.hooks.now();
        let mut outcomes = inner.settle_pending(self.issue, now);
        // If others have the issue and all recipients left were refused, these may be to blame and are deferred. Otherwise
        // each run would meet the same ones, and stop before it reaches the next issue.
        let are_all_refused =
            inner.all_claimed && inner.waiting.iter().all(|it| it.refusal.is_some() || it.claim.was_refused);
        let may_be_to_blame = inner.outcome.is_accepted() && are_all_refused;
        outcomes.extend(inner.waiting.into_iter().map(|recipient| match may_be_to_blame {
            true => recipient.defer(self.issue, now),
            false => recipient.requeue(),
        }));
        let mut ended = inner.outcome.close();
        ended.paused = inner.paused;
        ended.warnings = inner.servers.warnings(ended.stopped.is_some());
        let used = ended.tally.total() - ended.tally.of(State::Queued);
        let unused_common = inner.quota_taken.map(|(quota, taken)| (quota, taken.saturating_sub(used)));
        let unused = unused_common.into_iter().chain(inner.servers.unused()).filter(|(_, count)| *count > 0).collect();
        Closed { ended, outcomes, unused }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn new(servers: ServerPool, workers: usize, outcome: RunOutcome) -> Self {
        Self {
            waiting: VecDeque::new(),
            in_flight: 0,
            capacity: (2 * BATCH).max(4 * workers),
            all_claimed: false,
            workers,
            halted: false,
            servers,
            outcome,
            quota_taken: None,
            paused: None,
        }
    }

    /// What a worker does while the run goes on.
    fn turn(&mut self, WorkerId { server, number }: WorkerId) -> Turn {
        let of = self.servers.of(server);
        if of.is_suspended() && number == 0 {
            return Turn::Suspended;
        }
        if !of.admits(number) {
            return Turn::Closed;
        }
        if !self.has_recipient_for(server) {
            return Turn::Idle;
        }
        if of.lacks_permits() {
            return if of.is_asking { Turn::Idle } else { Turn::AskForPermits };
        }
        // Servers with no recipient to take must not be waited for.
        let idle: Vec<usize> = self.servers.numbers().filter(|other| !self.has_recipient_for(*other)).collect();
        if self.servers.may_have_next(server, &idle) { Turn::Deliver } else { Turn::Throttled }
    }

    /// Notes a problem with a server, and stops the run if no server is left. Returns whether the server is suspended.
    fn report_problem(&mut self, server: usize, problem: ServerProblem, finding: Finding) -> bool {
        let is_suspended = self.servers.of_mut(server).report_problem(problem, finding);
        self.stop_without_servers();
        is_suspended
    }

    fn stop_without_servers(&mut self) {
        if self.servers.is_any_usable() {
            return;
        }
        match self.servers.exhausted_until() {
            Some(until) => drop(self.paused.get_or_insert(until)),
            None => self.outcome.stop_for(self.servers.no_server_left()),
        }
    }

    /// Whether no server may be given anything more today.
    fn is_paused(&self) -> bool {
        self.paused.is_some() && !self.servers.is_any_usable()
    }

    /// Whether there is space for another batch, early enough that a claim finishes in time. There is more space while a
    /// server refuses all recipients of a few domains: only unrelated recipients can show whom that is about.
    fn has_space(&self) -> bool {
        let claimed = self.waiting.len() + self.in_flight + BATCH;
        claimed <= self.capacity || (claimed <= MAX_CLAIMED && self.lacks_unrelated())
    }

    /// Whether nothing is left to do, and nothing can come back.
    fn is_finished(&self) -> bool {
        self.is_drained() && self.rejection_at_end().is_none()
    }

    /// Whether every recipient was tried.
    fn is_drained(&self) -> bool {
        self.all_claimed && self.waiting.is_empty() && self.in_flight == 0
    }
}

fn wait<'guard, T>(condition: &Condvar, guard: MutexGuard<'guard, T>) -> MutexGuard<'guard, T> {
    condition.wait_timeout(guard, POLL_INTERVAL).unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Route;
    use crate::smtp::relay::Relay;
    use crate::smtp::{Server, TlsMode};
    use crate::subscriber::{Status, Subscriber};

    fn recipient(number: i64) -> Recipient {
        let subscriber = Subscriber {
            id: SubscriberId(number),
            address: format!("reader-{number}@example.com").parse().unwrap(),
            name: String::new(),
            status: Status::Active,
            attributes: serde_json::Map::new(),
            created: DateTime::default(),
        };
        Recipient::new(Claim { subscriber, attempts: 0, was_refused: false })
    }

    #[test]
    fn a_server_does_not_wait_for_one_that_must_avoid_the_recipient() {
        let address = Server { host: "mail.example.org".to_owned(), port: 25, tls: TlsMode::None };
        let relay = || Relay::new(address.clone(), "example.org", None, None).unwrap();
        let mut servers = ServerPool::new(&Route::Relays(vec![relay(), relay()]), &[1, 1]);
        (0..2).for_each(|server| servers.of_mut(server).note_connected());
        let waiting = [recipient(1), Recipient { avoids: Some(1), ..recipient(2) }].into();
        let mut inner = Inner { waiting, ..Inner::new(servers, 2, RunOutcome::new(false)) };
        inner.servers.assign(0);
        let worker = |server| WorkerId { server, number: 0 };
        assert_eq!(inner.turn(worker(0)), Turn::Throttled, "the other server is next");
        inner.waiting.pop_front();
        assert_eq!([1, 0].map(|server| inner.turn(worker(server))), [Turn::Idle, Turn::Deliver]);
    }
}
