//! What a bounce means for its recipient.
//!
//! Plain data: `incoming` classifies what a report says, `ledger` records it, `delivery::suppression` acts on it.

use std::fmt;

/// What a failure means for the recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The address will never work.
    BadAddress,
    /// The mailbox does not work now: full, disabled.
    Mailbox,
    /// This message is unwanted or too big.
    Message,
    /// We are refused: policy, reputation, rate.
    Ours,
    /// Nothing permanent: time ran out, or it is still being tried.
    Later,
    /// It cannot be told.
    Unknown,
}

impl Class {
    /// All, in the order they are shown.
    pub const ALL: [Self; 6] = [Self::BadAddress, Self::Mailbox, Self::Message, Self::Ours, Self::Later, Self::Unknown];

    /// The word used in the store and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadAddress => "bad-address",
            Self::Mailbox => "mailbox",
            Self::Message => "message",
            Self::Ours => "ours",
            Self::Later => "later",
            Self::Unknown => "unknown",
        }
    }

    /// The class with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
