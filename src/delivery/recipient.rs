//! A recipient in the hands of a run: claimed and not settled, with what it has met with in this run so far.
//!
//! Plain data, which goes from the queue to a worker and, where it was not mailed, back.

use chrono::{DateTime, Utc};

use crate::delivery::retry_schedule::defer;
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, Claim};
use crate::subscriber::SubscriberId;

pub(super) struct Recipient {
    pub(super) claim: Claim,
    /// How often a connection broke under its message.
    pub(super) breaks: u32,
    /// Which server ended the connection on which this one was to be the next, and after how many messages, if one did.
    pub(super) ended_after: Option<(usize, usize)>,
    /// The server that had it last and did not take it: another one tries first, as long as there is one.
    pub(super) avoids: Option<usize>,
    /// One server refused it, so that another one was asked.
    pub(super) is_tried_elsewhere: bool,
    /// It comes after all others who wait.
    pub(super) comes_last: bool,
    /// A server put it off and took others after that: if it does so again, it is this recipient who is put off.
    pub(super) is_put_off: bool,
    /// It was chosen as a stranger to those whom its server had refused before.
    pub(super) is_stranger: bool,
    /// The how manieth it was that its server was given.
    pub(super) turn: u64,
    /// What the last server that refused it said.
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
            comes_last: false,
            is_put_off: false,
            is_stranger: false,
            turn: 0,
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

    /// As `put_back`, but whoever was refused is tried again later, if it is to be tried again at all.
    pub(super) fn put_off(self, issue: &IssueId, now: DateTime<Utc>) -> (SubscriberId, AttemptOutcome) {
        match self.refusal.clone().map(|reply| defer(issue, &self.claim, reply, now)) {
            Some(outcome @ AttemptOutcome::Deferred { .. }) => (self.id(), outcome),
            _ => self.put_back(),
        }
    }

    /// What becomes of it in the ledger if this run does not come back to it.
    pub(super) fn put_back(self) -> (SubscriberId, AttemptOutcome) {
        let id = self.id();
        (id, self.refusal.map_or(AttemptOutcome::Requeued, AttemptOutcome::RequeuedAfterRefusal))
    }
}
