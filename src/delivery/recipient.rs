//! A recipient that a run has claimed and not settled, with what happened to it in this run.
//!
//! Plain data: it moves from the queue to a worker and, if it was not mailed, back.

use chrono::{DateTime, Utc};

use crate::delivery::retry_schedule::defer;
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, Claim};
use crate::subscriber::SubscriberId;

pub(super) struct Recipient {
    pub(super) claim: Claim,
    /// Number of connections lost while sending its message.
    pub(super) breaks: u32,
    /// The server that closed the connection before this recipient, and after how many messages, if one did.
    pub(super) ended_after: Option<(usize, usize)>,
    /// The server that did not accept it last: another one tries first, if there is one.
    pub(super) avoids: Option<usize>,
    /// Whether it was refused by one server and given to another.
    pub(super) is_tried_elsewhere: bool,
    /// Whether it comes after all others in the queue.
    pub(super) is_last: bool,
    /// Whether a server deferred it and accepted others afterwards: if it is deferred again, this recipient is the reason.
    pub(super) was_deferred: bool,
    /// Whether it was chosen as unrelated to those its server had refused.
    pub(super) is_unrelated: bool,
    /// Its sequence number among those its server was offered.
    pub(super) sequence: u64,
    /// The reply of the last server that refused it.
    pub(super) refusal: Option<String>,
}

impl Recipient {
    pub(super) fn new(claim: Claim) -> Self {
        Self {
            claim,
            breaks: 0,
            ended_after: None,
            avoids: None,
            is_tried_elsewhere: false,
            is_last: false,
            was_deferred: false,
            is_unrelated: false,
            sequence: 0,
            refusal: None,
        }
    }

    pub(super) fn id(&self) -> SubscriberId {
        self.claim.subscriber.id
    }

    /// The domain of the address.
    pub(super) fn domain(&self) -> &str {
        self.claim.subscriber.address.domain()
    }

    /// Like `requeue`, but defers a refused recipient that has attempts left.
    pub(super) fn defer(self, issue: &IssueId, now: DateTime<Utc>) -> (SubscriberId, AttemptOutcome) {
        match self.refusal.clone().map(|reply| defer(issue, &self.claim, reply, now)) {
            Some(outcome @ AttemptOutcome::Deferred { .. }) => (self.id(), outcome),
            _ => self.requeue(),
        }
    }

    /// Its outcome if this run does not come back to it.
    pub(super) fn requeue(self) -> (SubscriberId, AttemptOutcome) {
        let id = self.id();
        (id, self.refusal.map_or(AttemptOutcome::Requeued, AttemptOutcome::RequeuedAfterRefusal))
    }
}
