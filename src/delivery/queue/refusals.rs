//! What workers report of recipients: taken, refused, put off. Here the queue learns whom refusals are about, and does
//! what follows from it.

use chrono::{DateTime, Utc};

use super::{Inner, Queue, WorkerId};
use crate::delivery::recipient::Recipient;
use crate::delivery::refusals::{AboutUs, Refused};
use crate::delivery::server_state::Trouble;
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, State};
use crate::subscriber::SubscriberId;

/// Outcomes that are to be written down.
pub(in crate::delivery) type Outcomes = Vec<(SubscriberId, AttemptOutcome)>;

impl Queue<'_> {
    /// A recipient was brought into a state by a worker; returns what that says of others who were refused.
    pub(in crate::delivery) fn settle(&self, worker: WorkerId, recipient: &Recipient, state: State) -> Outcomes {
        let mut inner = self.inner();
        inner.outcome.count(state);
        let server = inner.servers.of_mut(worker.server);
        let mut outcomes = Vec::new();
        match state {
            State::Sent => {
                server.note_sent();
                if let Some((by, messages)) = recipient.ended_after
                    && by == worker.server
                {
                    server.note_end(messages);
                }
                for refused in server.refusals.note_taken(recipient.domain(), recipient.turn) {
                    inner.blame(worker.server, refused, true, self.issue, self.hooks.now(), &mut outcomes);
                }
            }
            State::Unknown => {}
            _ => server.note_answered(),
        }
        self.land(inner);
        outcomes
    }

    /// A server refused a recipient, or put it off, and that may be about us. Returns what that says of it and of others,
    /// and whether the worker is to leave the server alone for a moment.
    pub(in crate::delivery) fn refuse(&self, worker: WorkerId, refused: Refused) -> (Outcomes, bool) {
        let (mut inner, now, mut outcomes) = (self.inner(), self.hooks.now(), Vec::new());
        let server = worker.server;
        if refused.is_put_off_again() {
            inner.blame(server, refused, true, self.issue, now, &mut outcomes);
            self.land(inner);
            return (outcomes, false);
        }
        let has_another = inner.servers.has_another(server);
        let of = inner.servers.of_mut(server);
        of.refusals.note_refused(&refused);
        let wants_less = of.refusals.wants_less();
        if wants_less {
            of.slow_down();
        }
        let is_hurried = has_another || of.has_failed();
        let may_claim_strangers = inner.may_claim_strangers();
        let verdict = inner.servers.of(server).refusals.verdict(is_hurried, may_claim_strangers);
        if has_another && !refused.recipient.is_tried_elsewhere {
            inner.send_elsewhere(server, refused.recipient);
        } else if let Some((oldest, is_certain)) = inner.servers.of_mut(server).refusals.hold(refused) {
            inner.blame(server, oldest, is_certain, self.issue, now, &mut outcomes);
        }
        if let Some(verdict) = verdict {
            inner.blame_us(server, verdict);
        }
        self.land(inner);
        self.work_came.notify_all();
        if may_claim_strangers {
            self.room_came.notify_one();
        }
        (outcomes, wants_less && verdict.is_none())
    }
}

impl Inner {
    /// A refusal was about its recipient. One who was put off is tried once more, after all others: a server that has too
    /// much at the moment puts off whoever comes.
    fn blame(
        &mut self,
        server: usize,
        refused: Refused,
        is_certain: bool,
        issue: &IssueId,
        now: DateTime<Utc>,
        outcomes: &mut Outcomes,
    ) {
        if is_certain && !refused.is_for_good() && !refused.recipient.is_put_off {
            self.wait_again(server, Recipient { is_put_off: true, ..refused.recipient });
            return;
        }
        let outcome = refused.outcome(issue, is_certain, now);
        self.outcome.count(outcome.state());
        outcomes.push((refused.recipient.id(), outcome));
    }

    /// What one server says another need not say, so it is asked too before it counts.
    fn send_elsewhere(&mut self, server: usize, recipient: Recipient) {
        self.servers.take_back(server);
        self.waiting.push_back(Recipient { is_tried_elsewhere: true, avoids: Some(server), ..recipient });
    }

    fn wait_again(&mut self, server: usize, recipient: Recipient) {
        self.servers.take_back(server);
        self.waiting.push_back(Recipient { comes_last: true, ..recipient });
    }

    /// The refusals of a server are about us: nobody it refused meanwhile is to blame.
    fn blame_us(&mut self, server: usize, verdict: AboutUs) {
        let (released, why) = self.servers.of_mut(server).refusals.release(verdict);
        for refused in released {
            self.wait_again(server, refused.recipient);
        }
        let trouble = match verdict {
            AboutUs::Busy => Trouble::TakesNobody,
            AboutUs::Refuses => Trouble::Refuses,
        };
        if let Some(why) = why {
            self.trouble(server, trouble, why);
        }
    }

    /// A server that has refused everybody there was, and the verdict on it. Where somebody has the issue, those few may
    /// be to blame.
    pub(super) fn verdict_on_the_last(&self) -> Option<(usize, AboutUs)> {
        if !self.is_drained() || self.outcome.is_accepted() {
            return None;
        }
        self.servers.numbers().find_map(|server| Some((server, self.servers.of(server).refusals.verdict_at_end()?)))
    }

    /// Nobody is left who might tell whom the refusals of a server are about.
    pub(super) fn judge_the_last(&mut self) {
        while let Some((server, verdict)) = self.verdict_on_the_last() {
            self.blame_us(server, verdict);
        }
    }

    /// What becomes of those at the end whom a server has refused, and of whom nothing more is known.
    pub(super) fn settle_the_last(&mut self, issue: &IssueId, now: DateTime<Utc>) -> Outcomes {
        let mut outcomes = Vec::new();
        for server in self.servers.numbers() {
            for (refused, is_certain) in self.servers.of_mut(server).refusals.close() {
                if self.outcome.is_stopped() {
                    self.waiting.push_back(refused.recipient);
                    continue;
                }
                let outcome = refused.outcome(issue, is_certain, now);
                self.outcome.count(outcome.state());
                outcomes.push((refused.recipient.id(), outcome));
            }
        }
        outcomes
    }
}
