//! What an entry of the ledger does to a transactional message: the same in every store.

use chrono::{DateTime, Utc};

use crate::ledger::{AttemptOutcome, LedgerEntry, State};

/// A change of a message's row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MessageStep<'a> {
    /// The states that it may follow.
    pub from: [State; 2],
    /// The state afterwards.
    pub to: State,
    /// The new reply; `None` leaves the old one while the message is pending, and none once it is settled.
    pub reply: Option<&'a str>,
    /// Likewise, when it is due. A time marks the message as refused before.
    pub retry_at: Option<DateTime<Utc>>,
    /// Whether the message was tried, and is not merely back in the queue.
    pub is_attempt: bool,
    /// Whether the address does not work.
    pub suppress: bool,
}

impl<'a> MessageStep<'a> {
    /// The change that records this entry.
    pub fn of(entry: &'a LedgerEntry, now: DateTime<Utc>) -> Self {
        let outcome = match entry {
            LedgerEntry::Sending => return Self::before_the_reply([State::Claimed; 2], State::Sending),
            LedgerEntry::Unsent => return Self::before_the_reply([State::Sending; 2], State::Claimed),
            LedgerEntry::Settled(outcome) => outcome,
        };
        let (reply, retry_at): (Option<&str>, _) = match outcome {
            AttemptOutcome::Sent(reply) | AttemptOutcome::Failed { reply, .. } | AttemptOutcome::Unknown(reply) => {
                (Some(reply), None)
            }
            AttemptOutcome::Deferred { reply, retry_at } => (Some(reply), Some(*retry_at)),
            AttemptOutcome::Requeued => (None, None),
            AttemptOutcome::RequeuedAfterRefusal(reply) => (Some(reply), Some(now)),
        };
        let to = outcome.state();
        Self {
            from: [State::Claimed, State::Sending],
            to,
            reply,
            retry_at,
            is_attempt: to != State::Queued,
            suppress: matches!(outcome, AttemptOutcome::Failed { suppress: true, .. }),
        }
    }

    fn before_the_reply(from: [State; 2], to: State) -> Self {
        Self { from, to, reply: None, retry_at: None, is_attempt: false, suppress: false }
    }

    /// The state afterwards of a message whose reader was forgotten: it is not sent again.
    pub fn to_if_forgotten(self) -> State {
        match self.to {
            State::Queued | State::Claimed | State::Deferred => State::Suppressed,
            to => to,
        }
    }
}
