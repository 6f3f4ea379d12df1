//! The queue that all threads of a run share: recipients who are claimed, what is known of the servers, who is served
//! next, and whether to go on.
//!
//! `dispatcher` fills and empties it, and writes the ledger. Knows no SMTP and no store.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::DateTime;
use chrono_tz::Tz;

use crate::delivery::job::{Job, RunHooks, RunSummary};
use crate::delivery::recipient::Recipient;
use crate::delivery::run_outcome::RunOutcome;
use crate::delivery::server_pool::Servers;
use crate::delivery::server_state::Trouble;
use crate::finding::Finding;
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, Claim, State, StateCounts};
use crate::rate::Quota;
use crate::subscriber::SubscriberId;

mod choice;
mod refusals;
mod reports;

pub(super) use refusals::Outcomes;

/// Recipients claimed at a time: enough to share the cost of a durable write. Twice as many are claimed and not settled, at
/// most, where connections are few. After a power cut they are the unknown ones.
const BATCH: usize = 64;

/// Claimed and not settled at most, where a server refuses all whom it was offered and no stranger to them is claimed yet.
const MAX_CLAIMED: usize = 64 * BATCH;

/// How often a thread that waits looks whether the run is to stop.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(250);

pub(super) struct Queue<'a> {
    issue: &'a IssueId,
    hooks: RunHooks<'a>,
    inner: Mutex<Inner>,
    /// Something came that a worker may wait for.
    work_came: Condvar,
    /// There may be room for more recipients.
    room_came: Condvar,
}

/// One of the workers, each of which has a connection of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WorkerId {
    /// The number of its server in the route, from 0.
    pub(super) server: usize,
    /// Its number among those of its server, from 0.
    pub(super) number: usize,
}

/// What a worker does next.
pub(super) enum Next {
    /// Mails this recipient.
    Deliver(Box<Recipient>),
    /// Asks the store how much its server may be given, up to this many messages.
    AskForPermits(u64),
    /// Leaves its server alone for this time.
    Rest(Duration),
    /// Waits until there is something to do.
    Wait,
    /// Closes its connection, which the server does not want at present, and waits.
    Close,
    /// Ends.
    End,
}

/// Why a worker does what it does next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Turn {
    Deliver,
    AskForPermits,
    Rest,
    /// Other servers have not had their share.
    Throttled,
    /// Nobody waits whom its server may be given.
    Idle,
    /// Its server takes fewer connections.
    Closed,
    End,
}

struct Inner {
    waiting: VecDeque<Recipient>,
    /// Recipients in the hands of workers.
    in_flight: usize,
    /// At most this many are claimed and not settled.
    capacity: usize,
    all_claimed: bool,
    /// Workers that have not finished.
    workers: usize,
    /// The ledger cannot be kept.
    halted: bool,
    servers: Servers,
    outcome: RunOutcome,
    /// What was taken from today's quota of all mail.
    taken: Option<(Quota, u64)>,
    /// Until then nothing more may leave: today's quota is used up.
    paused: Option<DateTime<Tz>>,
}

/// What is left of a run.
pub(super) struct Closed {
    pub(super) ended: RunSummary,
    /// Outcomes that are not written yet, those of recipients who are queued again among them.
    pub(super) outcomes: Vec<(SubscriberId, AttemptOutcome)>,
    /// What was taken of quotas and not used.
    pub(super) unused: Vec<(Quota, u64)>,
}

impl<'a> Queue<'a> {
    /// An empty queue for a number of workers at each server.
    pub(super) fn new(job: &Job<'a>, workers: &[usize], counts: &StateCounts) -> Self {
        let outcome = RunOutcome::new(counts.of(State::Sent) > 0);
        let inner = Inner::new(Servers::new(job.route, workers), workers.iter().sum(), outcome);
        let (work_came, room_came) = <(Condvar, Condvar)>::default();
        let inner = Mutex::new(inner);
        Self { issue: job.issue, hooks: job.hooks, inner, work_came, room_came }
    }

    /// Waits a while for room; returns how many recipients are to be claimed, which may be none yet.
    pub(super) fn wait_for_room(&self) -> usize {
        let mut inner = self.inner();
        if !inner.has_room() && !self.is_over(&inner) {
            inner = wait(&self.room_came, inner);
        }
        if inner.has_room() { BATCH } else { 0 }
    }

    /// Adds recipients who were claimed.
    pub(super) fn add(&self, claims: Vec<Claim>) {
        self.inner().waiting.extend(claims.into_iter().map(Recipient::new));
        self.work_came.notify_all();
    }

    /// Notes what of a day's quota was taken for recipients of this run.
    pub(super) fn note_quota(&self, quota: Quota, count: u64) {
        let mut inner = self.inner();
        let before = inner.taken.take().filter(|(before, _)| *before == quota).map_or(0, |(_, count)| count);
        inner.taken = Some((quota, before + count));
    }

    /// Today's quota of all mail is used up: those who are claimed are the last.
    pub(super) fn pause_until(&self, until: DateTime<Tz>) {
        self.inner().paused = Some(until);
    }

    /// No more recipients are added.
    pub(super) fn end_claims(&self) {
        self.inner().all_claimed = true;
        self.work_came.notify_all();
    }

    /// Waits a while for the last recipient to be settled; returns whether all are, or the run is over.
    pub(super) fn wait_for_end(&self) -> bool {
        let inner = self.inner();
        self.is_ended(&inner) || self.is_ended(&wait(&self.room_came, inner))
    }

    /// What a worker does next.
    pub(super) fn next(&self, worker: WorkerId) -> Next {
        let mut inner = self.inner();
        match self.turn(&mut inner, worker) {
            Turn::Deliver => self.take(&mut inner, worker).map_or(Next::Wait, |it| Next::Deliver(Box::new(it))),
            Turn::AskForPermits => {
                inner.servers.of_mut(worker.server).asking = true;
                Next::AskForPermits(inner.waiting.len().min(inner.workers).max(1) as u64)
            }
            Turn::Rest => Next::Rest(inner.servers.rest(worker.server)),
            Turn::Throttled | Turn::Idle => Next::Wait,
            Turn::Closed => Next::Close,
            Turn::End => Next::End,
        }
    }

    /// The next recipient, if the worker may have one now.
    pub(super) fn next_if_ready(&self, worker: WorkerId) -> Option<Recipient> {
        let mut inner = self.inner();
        match self.turn(&mut inner, worker) {
            Turn::Deliver => self.take(&mut inner, worker),
            _ => None,
        }
    }

    /// Waits until the worker may have something to do, or a while; returns how long that was.
    pub(super) fn wait_for_work(&self, worker: WorkerId) -> Duration {
        let mut inner = self.inner();
        let turn = self.turn(&mut inner, worker);
        if !matches!(turn, Turn::Throttled | Turn::Idle | Turn::Closed) {
            return Duration::ZERO;
        }
        let begun = Instant::now();
        let mut inner = wait(&self.work_came, inner);
        let now = Instant::now();
        if turn == Turn::Throttled {
            inner.servers.note_throttled(worker.server, begun, now);
        }
        now - begun
    }

    fn turn(&self, inner: &mut Inner, worker: WorkerId) -> Turn {
        inner.judge_the_last();
        if self.is_ended(inner) { Turn::End } else { inner.turn(worker) }
    }

    fn take(&self, inner: &mut Inner, worker: WorkerId) -> Option<Recipient> {
        let recipient = inner.choose(worker.server)?;
        inner.in_flight += 1;
        inner.servers.give(worker.server);
        if inner.has_room() {
            self.room_came.notify_one();
        }
        if inner.servers.are_several() {
            // A server that was throttled may go on.
            self.work_came.notify_all();
        }
        Some(recipient)
    }

    /// Another run mails this recipient.
    pub(super) fn lose(&self) {
        self.land(self.inner());
    }

    /// A recipient is out of a worker's hands, and not in the queue.
    fn land(&self, mut inner: MutexGuard<'_, Inner>) {
        inner.in_flight -= 1;
        if inner.is_finished() {
            self.work_came.notify_all();
        }
    }

    /// A recipient goes back who was not mailed; if it `avoids` this server, another one tries first.
    pub(super) fn put_back(&self, worker: WorkerId, mut recipient: Recipient, avoids: bool) {
        recipient.avoids = avoids.then_some(worker.server);
        let mut inner = self.inner();
        inner.waiting.push_front(recipient);
        inner.in_flight -= 1;
        inner.servers.take_back(worker.server);
        self.work_came.notify_all();
    }

    /// Ends the run, as the finding says: the workers finish the message at hand.
    pub(super) fn stop(&self, finding: Finding) {
        self.inner().outcome.stop_for(finding);
        self.wake_all();
    }

    /// Ends the run: the ledger cannot be kept.
    pub(super) fn halt(&self) {
        self.inner().halted = true;
        self.wake_all();
    }

    /// A worker has finished. Without any nothing is sent any more.
    pub(super) fn leave(&self) {
        self.inner().workers -= 1;
        self.wake_all();
    }

    fn wake_all(&self) {
        self.work_came.notify_all();
        self.room_came.notify_all();
    }

    /// Whether no further message is to be begun, not even one that was taken for a server already.
    pub(super) fn is_stopped(&self) -> bool {
        self.must_stop(&self.inner())
    }

    /// Whether nobody else is to be taken for a server.
    pub(super) fn is_closed(&self) -> bool {
        self.is_over(&self.inner())
    }

    /// Whether a worker that waits has nothing to wait for.
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

    /// Sums up.
    pub(super) fn close(self) -> Closed {
        let mut inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        let now = self.hooks.now();
        let mut outcomes = inner.settle_the_last(self.issue, now);
        // Where others have the issue and nobody is left but those who were refused, they may be to blame and wait longer; else
        // each run would meet the same, and stop before it comes to the next issue.
        let are_all_refused =
            inner.all_claimed && inner.waiting.iter().all(|it| it.refusal.is_some() || it.claim.was_refused);
        let may_be_to_blame = inner.outcome.is_accepted() && are_all_refused;
        outcomes.extend(inner.waiting.into_iter().map(|recipient| match may_be_to_blame {
            true => recipient.put_off(self.issue, now),
            false => recipient.put_back(),
        }));
        let mut ended = inner.outcome.close();
        ended.paused = inner.paused;
        ended.warnings = inner.servers.warnings(ended.stopped.is_some());
        let used = ended.tally.total() - ended.tally.of(State::Queued);
        let common = inner.taken.map(|(quota, taken)| (quota, taken.saturating_sub(used)));
        let unused = common.into_iter().chain(inner.servers.unused()).filter(|(_, count)| *count > 0).collect();
        Closed { ended, outcomes, unused }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn new(servers: Servers, workers: usize, outcome: RunOutcome) -> Self {
        Self {
            waiting: VecDeque::new(),
            in_flight: 0,
            capacity: (2 * BATCH).max(4 * workers),
            all_claimed: false,
            workers,
            halted: false,
            servers,
            outcome,
            taken: None,
            paused: None,
        }
    }

    /// What a worker may do while the run goes on.
    fn turn(&mut self, WorkerId { server, number }: WorkerId) -> Turn {
        let of = self.servers.of(server);
        if of.is_out() && number == 0 {
            return Turn::Rest;
        }
        if !of.admits(number) {
            return Turn::Closed;
        }
        if !self.has_one_for(server) {
            return Turn::Idle;
        }
        if of.lacks_permits() {
            return if of.asking { Turn::Idle } else { Turn::AskForPermits };
        }
        // One that may have nobody who waits would be waited for for ever.
        let idle: Vec<usize> = self.servers.numbers().filter(|other| !self.has_one_for(*other)).collect();
        if self.servers.may_have_next(server, &idle) { Turn::Deliver } else { Turn::Throttled }
    }

    /// Notes what is wrong with a server, and stops the run if none is left. Returns whether it is out for a while.
    fn trouble(&mut self, server: usize, trouble: Trouble, why: Finding) -> bool {
        let is_out = self.servers.of_mut(server).trouble(trouble, why);
        self.stop_without_servers();
        is_out
    }

    fn stop_without_servers(&mut self) {
        if self.servers.is_any_usable() {
            return;
        }
        match self.servers.spent_until() {
            Some(until) => drop(self.paused.get_or_insert(until)),
            None => self.outcome.stop_for(self.servers.none_left()),
        }
    }

    /// Whether no server may be given anything more today.
    fn is_paused(&self) -> bool {
        self.paused.is_some() && !self.servers.is_any_usable()
    }

    /// Whether there is room for another batch: as early as that, because a claim takes a while. There is more where a server
    /// refuses everybody of the few domains at hand: only strangers can tell whom that is about.
    fn has_room(&self) -> bool {
        let taken = self.waiting.len() + self.in_flight + BATCH;
        taken <= self.capacity || (taken <= MAX_CLAIMED && self.lacks_strangers())
    }

    /// Whether nothing is left to do, and nothing can come back.
    fn is_finished(&self) -> bool {
        self.is_drained() && self.verdict_on_the_last().is_none()
    }

    /// Whether everybody was tried.
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
    fn no_server_waits_for_one_that_may_not_have_the_recipient() {
        let address = Server { host: "mail.example.org".to_owned(), port: 25, tls: TlsMode::None };
        let relay = || Relay::new(address.clone(), "example.org", None, None).unwrap();
        let mut servers = Servers::new(&Route::Relays(vec![relay(), relay()]), &[1, 1]);
        (0..2).for_each(|server| servers.of_mut(server).note_connected());
        let waiting = [recipient(1), Recipient { avoids: Some(1), ..recipient(2) }].into();
        let mut inner = Inner { waiting, ..Inner::new(servers, 2, RunOutcome::new(false)) };
        inner.servers.give(0);
        let worker = |server| WorkerId { server, number: 0 };
        assert_eq!(inner.turn(worker(0)), Turn::Throttled, "it is the other's turn");
        inner.waiting.pop_front();
        assert_eq!([1, 0].map(|server| inner.turn(worker(server))), [Turn::Idle, Turn::Deliver]);
    }
}
