//! Messages to single readers about their subscription.
//!
//! Plain data: `serve` queues them, `store` keeps them with the states of the ledger, `transactional` sends them.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::email::EmailAddress;
use crate::ledger::State;

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Someone asked that the address be subscribed. What is sent depends on the state of the address when it is sent: a link
    /// to confirm; that it is subscribed already; or nothing.
    Confirmation,
    /// The reader has left on the page; how to undo it.
    Goodbye,
    /// The reader asked for their links. Nothing is sent to an address that is not subscribed.
    Links,
}

impl MessageKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Confirmation, Self::Goodbye, Self::Links];

    /// The word used in the store and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::Goodbye => "goodbye",
            Self::Links => "links",
        }
    }

    /// The kind with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionalMessage {
    /// Its number in the store, never reused: every attempt has the same Message-ID.
    pub id: MessageId,
    /// What it is for.
    pub kind: MessageKind,
    /// The recipient.
    pub address: EmailAddress,
    /// BCP 47 tag of its language.
    pub language: String,
    /// When it was queued: the date of every attempt.
    pub created: DateTime<Utc>,
    /// Number of earlier attempts.
    pub attempts: u32,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRecord {
    /// What it was for.
    pub kind: MessageKind,
    /// BCP 47 tag of its language.
    pub language: String,
    /// When it was queued.
    pub created: DateTime<Utc>,
    /// Its state.
    pub state: State,
    /// Number of attempts.
    pub attempts: u32,
    /// The server's last reply, or why it is unknown or suppressed.
    pub reply: Option<String>,
    /// When `state` last changed.
    pub changed: DateTime<Utc>,
}

/// Number of a message in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub i64);
