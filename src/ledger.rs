//! The ledger: the record of mailings and deliveries.
//!
//! One mailing per issue or digest, one delivery per mailing and recipient. Plain data: `store` keeps it, `delivery` changes
//! it, `status` shows it.
//!
//! ```text
//! queued -> claimed <-> sending -> sent | deferred | failed | unknown
//!             |-> suppressed (unsubscribed since)       deferred -> claimed (once `retry_at` has passed)
//!                                                       sent, unknown -> bounced (by a report that came in)
//!                                                       deferred, failed, bounced -> queued (by `retry`)
//! ```

use std::fmt;

use chrono::{DateTime, Utc};

use crate::bounce::Class;
use crate::digest::DigestContents;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::subscriber::{Subscriber, SubscriberId};

/// An issue or digest whose audience is frozen: neither its recipients nor the contents of a digest change any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Mailing {
    /// Id of the issue or digest.
    pub issue: IssueId,
    /// What it contains, if it is a digest.
    pub digest: Option<DigestContents>,
    /// Hash of what is mailed: shows whether an issue changed after it was mailed.
    pub content_hash: String,
    /// When the audience was frozen; also the Date of every message of this mailing.
    pub frozen_at: DateTime<Utc>,
    /// Number of recipients it was frozen with.
    pub expected: u64,
}

/// State of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// No run has claimed it yet.
    Queued,
    /// A run has claimed it; nothing was sent.
    Claimed,
    /// The message is being written to the server.
    Sending,
    /// The server accepted it.
    Sent,
    /// It will be tried again later.
    Deferred,
    /// It will not be tried again.
    Failed,
    /// The recipient unsubscribed or was suppressed after the freeze.
    Suppressed,
    /// The run died or the connection broke after the message was written and before the reply: whether it arrived cannot
    /// be known.
    Unknown,
    /// The server accepted it, or may have, and a report says that it did not arrive.
    Bounced,
}

impl State {
    /// All states, in the order a delivery passes through them.
    pub const ALL: [State; 9] = [
        State::Queued,
        State::Claimed,
        State::Sending,
        State::Sent,
        State::Deferred,
        State::Failed,
        State::Suppressed,
        State::Unknown,
        State::Bounced,
    ];

    /// The word used in the store, in `--json` and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Claimed => "claimed",
            State::Sending => "sending",
            State::Sent => "sent",
            State::Deferred => "deferred",
            State::Failed => "failed",
            State::Suppressed => "suppressed",
            State::Unknown => "unknown",
            State::Bounced => "bounced",
        }
    }

    /// The state with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One recipient of one mailing, claimed by this run.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The recipient.
    pub subscriber: Subscriber,
    /// Number of earlier attempts.
    pub attempts: u32,
    /// Whether a server refused or deferred it before.
    pub was_refused: bool,
}

/// One line of the ledger, for `status --recipients`.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Id of the issue or digest.
    pub issue: IssueId,
    /// The recipient's id.
    pub subscriber: SubscriberId,
    /// The recipient's address at the freeze; `None` if it was forgotten.
    pub address: Option<EmailAddress>,
    /// Its state.
    pub state: State,
    /// Number of attempts.
    pub attempts: u32,
    /// The server's last reply, or why it is unknown or suppressed; of a bounce, what the report quotes.
    pub reply: Option<String>,
    /// What the bounce means. While a run has claimed the delivery: that of a bounce that came before the run recorded the reply.
    pub class: Option<Class>,
    /// When `state` last changed.
    pub changed: Option<DateTime<Utc>>,
}

/// Beginning of the reply of a delivery that is unknown because the store was lost.
pub const STORE_LOST: &str = "the store was lost";

impl Delivery {
    /// Whether it is unknown because the store was lost. The complete audience may have the mail, so a person decides, never
    /// a policy.
    pub fn is_from_lost_store(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| reply.starts_with(STORE_LOST))
    }

    /// What the bounce means, if it bounced.
    pub fn bounce(&self) -> Option<Class> {
        self.class.filter(|_| self.state == State::Bounced)
    }

    /// The state, and what a bounce means, for tables.
    pub fn state_in_words(&self) -> String {
        self.bounce().map_or_else(|| self.state.to_string(), |class| format!("{} ({class})", self.state))
    }

    /// The address or `(forgotten)`, for tables.
    pub fn address_or_forgotten(&self) -> &str {
        self.address.as_ref().map_or("(forgotten)", EmailAddress::as_str)
    }
}

/// A line that a run writes about a recipient it has claimed.
#[derive(Debug, Clone, PartialEq)]
pub enum LedgerEntry {
    /// The message is about to be written: a crash from here on leaves the delivery unknown.
    Sending,
    /// The message was not accepted: the delivery is claimed again.
    Unsent,
    /// The attempt is over.
    Settled(AttemptOutcome),
}

/// Result of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptOutcome {
    /// The server accepted the message; its reply.
    Sent(String),
    /// To be tried again.
    Deferred {
        /// The server's reply.
        reply: String,
        /// Earliest time of the next attempt, from `delivery::retry_schedule`.
        retry_at: DateTime<Utc>,
    },
    /// Not to be tried again.
    Failed {
        /// The server's reply.
        reply: String,
        /// Whether the address itself does not work, so that no later issue is sent there either.
        suppress: bool,
    },
    /// The message was written and no reply came; the reason.
    Unknown(String),
    /// Nothing was sent, through no fault of the recipient (no connection): back to the queue.
    Requeued,
    /// The server refused it with this reply because of us: back to the queue, behind the recipients not yet tried.
    RequeuedAfterRefusal(String),
}

impl AttemptOutcome {
    /// The state it leaves the delivery in.
    pub fn state(&self) -> State {
        match self {
            AttemptOutcome::Sent(_) => State::Sent,
            AttemptOutcome::Deferred { .. } => State::Deferred,
            AttemptOutcome::Failed { .. } => State::Failed,
            AttemptOutcome::Unknown(_) => State::Unknown,
            AttemptOutcome::Requeued | AttemptOutcome::RequeuedAfterRefusal(_) => State::Queued,
        }
    }
}

/// Number of recipients of a mailing in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateCounts {
    counts: [u64; State::ALL.len()],
}

impl StateCounts {
    /// Number in `state`.
    pub fn of(&self, state: State) -> u64 {
        self.counts[state as usize]
    }

    /// Sets the number in `state`.
    pub fn set(&mut self, state: State, count: u64) {
        self.counts[state as usize] = count;
    }

    /// Number of all recipients.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Number of those that were sent, and those that failed or bounced.
    pub fn settled(&self) -> u64 {
        self.of(State::Sent) + self.failures()
    }

    /// Number of those that failed or bounced.
    pub fn failures(&self) -> u64 {
        self.of(State::Failed) + self.of(State::Bounced)
    }

    /// Number still to be mailed: queued, claimed, sending or deferred.
    pub fn open(&self) -> u64 {
        self.of(State::Queued) + self.of(State::Claimed) + self.of(State::Sending) + self.of(State::Deferred)
    }
}

/// The process that is sending, for recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Host name.
    pub host: String,
    /// Changes with every boot: after a power cut, writes without a sync may be lost.
    pub boot_id: String,
    /// Process id.
    pub pid: u32,
}

/// What dead runs left behind, found when a new run began.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovered {
    /// Number of their claims that are queued again: nothing of them was sent.
    pub requeued: u64,
    /// Deliveries that are unknown now.
    pub unknown: Vec<Delivery>,
}
