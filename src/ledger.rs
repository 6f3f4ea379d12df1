//! What the record of sending can say.
//!
//! One mailing per issue or digest, one delivery per (issue, recipient). Plain data: `store` keeps it, `delivery` moves it,
//! `status` shows it.
//!
//! ```text
//! queued -> claimed <-> sending -> sent | deferred | failed | unknown
//!             |-> suppressed (left since the freeze)    deferred -> claimed (when its time has come)
//!                                                       deferred, failed -> queued (when a person wants it)
//! ```

use std::fmt;

use chrono::{DateTime, Utc};

use crate::digest::DigestContents;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::subscriber::{Subscriber, SubscriberId};

/// An issue or digest whose audience is frozen: from here on, who gets it and how many they are does not change, nor what
/// a digest holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Mailing {
    /// The id of the issue, or of the digest.
    pub issue: IssueId,
    /// What it holds, if it is a digest.
    pub digest: Option<DigestContents>,
    /// Hash of what is mailed, to notice an issue that changed after its first mail.
    pub content_hash: String,
    /// When the audience was written down; also the Date of every message of this mailing.
    pub frozen_at: DateTime<Utc>,
    /// How many recipients were written down.
    pub expected: u64,
}

/// Where one recipient's mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Nobody has tried yet.
    Queued,
    /// A run has taken it; nothing was sent.
    Claimed,
    /// The message is being written to the server.
    Sending,
    /// The server took it.
    Sent,
    /// The server said: later.
    Deferred,
    /// The server said: never.
    Failed,
    /// The recipient left, or was suppressed, after the freeze.
    Suppressed,
    /// The run died, or the connection broke, after the message was written and before the reply: nobody can know.
    Unknown,
}

impl State {
    /// All of them, in the order a delivery meets them.
    pub const ALL: [State; 8] = [
        State::Queued,
        State::Claimed,
        State::Sending,
        State::Sent,
        State::Deferred,
        State::Failed,
        State::Suppressed,
        State::Unknown,
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
        }
    }

    /// The state of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One recipient of one mailing, taken by this run.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Whose mail it is.
    pub subscriber: Subscriber,
    /// How often it was tried before.
    pub attempts: u32,
    /// Whether a server has refused it before, or put it off.
    pub was_refused: bool,
}

/// One line of the record, for `status --recipients`.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The issue.
    pub issue: IssueId,
    /// The recipient's number.
    pub subscriber: SubscriberId,
    /// The recipient's address as it was at the freeze; `None` where it was forgotten.
    pub address: Option<EmailAddress>,
    /// Where it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: u32,
    /// The server's last word, or why it is unknown or suppressed.
    pub reply: Option<String>,
    /// When `state` was last written.
    pub changed: Option<DateTime<Utc>>,
}

/// What the reply of a recipient begins with who is `unknown` because the store that knew was lost.
pub const STORE_LOST: &str = "the store was lost";

impl Delivery {
    /// Whether it is unknown because the store was lost: perhaps they have it, and all of them, so that no policy but a
    /// person alone decides.
    pub fn is_of_a_lost_store(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| reply.starts_with(STORE_LOST))
    }

    /// The address, or that it was forgotten, for tables that a person reads.
    pub fn shown(&self) -> &str {
        self.address.as_ref().map_or("(forgotten)", EmailAddress::as_str)
    }
}

/// What is written down of a recipient whom this run has claimed.
#[derive(Debug, Clone, PartialEq)]
pub enum LedgerEntry {
    /// The message is about to be written: from here on a crash leaves the recipient `unknown`.
    Sending,
    /// The message was not accepted after all, whatever becomes of it: it is claimed as before.
    Unsent,
    /// The attempt is over.
    Settled(AttemptOutcome),
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptOutcome {
    /// The server took the message; its reply.
    Sent(String),
    /// Not now: the reply, and when to try again.
    Deferred {
        /// The server's words.
        reply: String,
        /// Not before this time.
        retry_at: DateTime<Utc>,
    },
    /// Never: the reply.
    Failed {
        /// The server's words.
        reply: String,
        /// The address itself is bad, so that no later issue should be sent there either.
        suppress: bool,
    },
    /// The message was written and no reply came: why.
    Unknown(String),
    /// Nothing was sent, and that says nothing about the recipient (no connection): back to the queue.
    Requeued,
    /// The server refused it, as its reply says, and that was about us: back to the queue, behind those nobody has tried.
    RequeuedAfterRefusal(String),
}

impl AttemptOutcome {
    /// The state that it leaves the recipient in.
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

/// How many recipients of a mailing are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateCounts {
    counts: [u64; State::ALL.len()],
}

impl StateCounts {
    /// How many are in `state`.
    pub fn of(&self, state: State) -> u64 {
        self.counts[state as usize]
    }

    /// Sets how many are in `state`.
    pub fn set(&mut self, state: State, count: u64) {
        self.counts[state as usize] = count;
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many still have to be sent: queued, claimed, or waiting for another try.
    pub fn open(&self) -> u64 {
        self.of(State::Queued) + self.of(State::Claimed) + self.of(State::Sending) + self.of(State::Deferred)
    }
}

/// Who is sending, for the record and for recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Host name.
    pub host: String,
    /// Changes with every boot of the machine; after a power cut, writes without a sync may be gone.
    pub boot_id: String,
    /// Process id.
    pub pid: u32,
}

/// What was found of runs that died, when a new one began.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovered {
    /// Claims of dead runs that are queued again: nothing of them was sent.
    pub requeued: u64,
    /// Deliveries nobody can know about.
    pub unknown: Vec<Delivery>,
}
