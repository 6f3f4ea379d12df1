//! What workers report about recipients: accepted, refused, deferred. Settles those whose refusals are about them, and
//! requeues the others.

use chrono::{DateTime, Utc};

use super::{Inner, Queue, WorkerId};
use crate::delivery::recipient::Recipient;
use crate::delivery::refusals::{Refusal, SenderRejection};
use crate::delivery::server_state::ServerProblem;
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, State};
use crate::subscriber::SubscriberId;

/// Outcomes to be written to the ledger.
pub(in crate::delivery) type Outcomes = Vec<(SubscriberId, AttemptOutcome)>;

impl Queue<'_> {
    /// A worker settled a recipient; returns the outcomes of pending refusals that this decides.
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
                    server.note_connection_limit(messages);
                }
                for refusal in server.refusals.note_accepted(recipient.domain(), recipient.sequence) {
                    inner.settle_refusal(worker.server, refusal, true, self.issue, self.hooks.now(), &mut outcomes);
                }
            }
            State::Unknown => {}
            _ => server.note_answered(),
        }
        self.finish(inner);
        outcomes
    }

    /// A server refused or deferred a recipient, perhaps because of us. Returns the outcomes that this decides, and whether
    /// the worker should back off.
    pub(in crate::delivery) fn refuse(&self, worker: WorkerId, refusal: Refusal) -> (Outcomes, bool) {
        let (mut inner, now, mut outcomes) = (self.inner(), self.hooks.now(), Vec::new());
        let server = worker.server;
        if refusal.is_deferred_again() {
            inner.settle_refusal(server, refusal, true, self.issue, now, &mut outcomes);
            self.finish(inner);
            return (outcomes, false);
        }
        let has_another = inner.servers.has_another(server);
        let of = inner.servers.of_mut(server);
        of.refusals.note_refused(&refusal);
        let wants_less = of.refusals.wants_less();
        if wants_less {
            of.slow_down();
        }
        let is_cheap = has_another || of.has_failed();
        let may_claim_unrelated = inner.may_claim_unrelated();
        let rejection = inner.servers.of(server).refusals.sender_rejection(is_cheap, may_claim_unrelated);
        if has_another && !refusal.recipient.is_tried_elsewhere {
            inner.try_elsewhere(server, refusal.recipient);
        } else if let Some((oldest, is_certain)) = inner.servers.of_mut(server).refusals.keep_pending(refusal) {
            inner.settle_refusal(server, oldest, is_certain, self.issue, now, &mut outcomes);
        }
        if let Some(rejection) = rejection {
            inner.handle_sender_rejection(server, rejection);
        }
        self.finish(inner);
        self.work_available.notify_all();
        if may_claim_unrelated {
            self.space_available.notify_one();
        }
        (outcomes, wants_less && rejection.is_none())
    }
}

impl Inner {
    /// A refusal is about its recipient. A deferred one is tried once more, after all others: a server with too much to do at
    /// the moment defers anyone.
    fn settle_refusal(
        &mut self,
        server: usize,
        refusal: Refusal,
        is_certain: bool,
        issue: &IssueId,
        now: DateTime<Utc>,
        outcomes: &mut Outcomes,
    ) {
        if is_certain && !refusal.is_permanent() && !refusal.recipient.was_deferred {
            self.move_to_back(server, Recipient { was_deferred: true, ..refusal.recipient });
            return;
        }
        let outcome = refusal.outcome(issue, is_certain, now);
        self.outcome.count(outcome.state());
        outcomes.push((refusal.recipient.id(), outcome));
    }

    /// A refusal counts only after another server was tried too.
    fn try_elsewhere(&mut self, server: usize, recipient: Recipient) {
        self.servers.unassign(server);
        self.waiting.push_back(Recipient { is_tried_elsewhere: true, avoids: Some(server), ..recipient });
    }

    fn move_to_back(&mut self, server: usize, recipient: Recipient) {
        self.servers.unassign(server);
        self.waiting.push_back(Recipient { is_last: true, ..recipient });
    }

    /// A server rejects us: none of the recipients it refused is to blame.
    fn handle_sender_rejection(&mut self, server: usize, rejection: SenderRejection) {
        let (released, finding) = self.servers.of_mut(server).refusals.release(rejection);
        for refusal in released {
            self.move_to_back(server, refusal.recipient);
        }
        let problem = match rejection {
            SenderRejection::Temporary => ServerProblem::DefersEveryone,
            SenderRejection::Permanent => ServerProblem::RejectsUs,
        };
        if let Some(finding) = finding {
            self.report_problem(server, problem, finding);
        }
    }

    /// A server that has refused all recipients there were, so that it rejects us. If a subscriber has the issue already, the
    /// few that are left may be to blame instead.
    pub(super) fn rejection_at_end(&self) -> Option<(usize, SenderRejection)> {
        if !self.is_drained() || self.outcome.is_accepted() {
            return None;
        }
        self.servers
            .numbers()
            .find_map(|server| Some((server, self.servers.of(server).refusals.sender_rejection_at_end()?)))
    }

    /// Decides about pending refusals when no recipient is left to try.
    pub(super) fn resolve_at_end(&mut self) {
        while let Some((server, rejection)) = self.rejection_at_end() {
            self.handle_sender_rejection(server, rejection);
        }
    }

    /// Settles the refusals that are still pending at the end of the run.
    pub(super) fn settle_pending(&mut self, issue: &IssueId, now: DateTime<Utc>) -> Outcomes {
        let mut outcomes = Vec::new();
        for server in self.servers.numbers() {
            for (refusal, is_certain) in self.servers.of_mut(server).refusals.close() {
                if self.outcome.is_stopped() {
                    self.waiting.push_back(refusal.recipient);
                    continue;
                }
                let outcome = refusal.outcome(issue, is_certain, now);
                self.outcome.count(outcome.state());
                outcomes.push((refusal.recipient.id(), outcome));
            }
        }
        outcomes
    }
}
