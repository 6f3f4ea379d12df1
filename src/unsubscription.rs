//! How and when a subscriber left.
//!
//! Plain data: `serve` and `subscription` record it, `store` keeps it, `status` and `subscribers show` show it.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

/// How long a person can undo it without confirming again.
pub const UNDO_PERIOD: TimeDelta = TimeDelta::days(30);

/// A subscriber left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsubscription {
    /// How.
    pub channel: Channel,
    /// When.
    pub at: DateTime<Utc>,
}

/// How a subscriber left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The button of a mail program (RFC 8058).
    OneClick,
    /// The unsubscribe page.
    Page,
    /// A message to the unsubscribe address.
    Mail,
    /// The reader called the mail spam.
    Complaint,
    /// `subscribers remove`.
    Operator,
}

impl Channel {
    /// All, in the order they are shown.
    pub const ALL: [Self; 5] = [Self::OneClick, Self::Page, Self::Mail, Self::Complaint, Self::Operator];

    /// The word used in the store and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneClick => "one-click",
            Self::Page => "page",
            Self::Mail => "mail",
            Self::Complaint => "complaint",
            Self::Operator => "operator",
        }
    }

    /// The channel with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == word)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
