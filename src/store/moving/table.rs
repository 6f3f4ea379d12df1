//! What is copied from store to store: the tables and columns that all stores have, and how much is in them.
//!
//! Runs are left behind: they are of the machines that sent from the old store, and all of them are over.

use crate::ledger::State;

/// One of the tables that are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// What the store is called by, and its keys.
    Property,
    /// Whom nobody may bring back.
    Forgotten,
    /// Subscribers, with the numbers on which tokens and Message-IDs depend.
    Subscriber,
    /// Mailings.
    Mailing,
    /// The periods of digests.
    Digest,
    /// The issues in digests.
    DigestIssue,
    /// Recipients of mailings.
    Delivery,
    /// How far rates are used up.
    Rate,
    /// How much left on which day of a warm-up.
    Quota,
}

/// What a column holds, beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Text,
    Number,
    /// A time to the millisecond.
    Time,
    /// A time as exact as the store can.
    FineTime,
}

use Kind::{FineTime, Number, Text, Time};

/// The table whose numbers are never given twice.
pub(in crate::store) const SUBSCRIBERS: &str = "subscriber";

impl Table {
    /// All of them; what others refer to comes before them.
    pub const ALL: [Self; 9] = [
        Self::Property,
        Self::Forgotten,
        Self::Subscriber,
        Self::Mailing,
        Self::Digest,
        Self::DigestIssue,
        Self::Delivery,
        Self::Rate,
        Self::Quota,
    ];

    /// Its name in every store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscriber => SUBSCRIBERS,
            Self::Mailing => "mailing",
            Self::Digest => "digest",
            Self::DigestIssue => "digest_issue",
            Self::Delivery => "delivery",
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::Property => "property",
            Self::Forgotten => "forgotten",
        }
    }

    /// Its columns, but those that tell which run has a row.
    pub(in crate::store) fn columns(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Subscriber => &[
                ("id", Number),
                ("key", Text),
                ("address", Text),
                ("name", Text),
                ("status", Text),
                ("attributes", Text),
                ("created", Time),
                ("changed", Time),
                ("listed", Text),
            ],
            Self::Mailing => {
                &[("id", Number), ("issue", Text), ("content_hash", Text), ("frozen_at", Time), ("expected", Number)]
            }
            Self::Digest => &[("mailing", Number), ("period_start", Time), ("period_end", Time)],
            Self::DigestIssue => &[("issue", Text), ("mailing", Number), ("position", Number)],
            Self::Delivery => &[
                ("mailing", Number),
                ("subscriber", Number),
                ("address", Text),
                ("state", Text),
                ("attempts", Number),
                ("retry_at", Time),
                ("reply", Text),
                ("changed", Time),
            ],
            Self::Rate => &[("name", Text), ("full_at", FineTime)],
            Self::Quota => &[("name", Text), ("day", Text), ("used", Number)],
            Self::Property => &[("name", Text), ("value", Text)],
            Self::Forgotten => &[("hash", Text)],
        }
    }

    /// The columns of its key.
    pub(in crate::store) fn key(self) -> &'static str {
        match self {
            Self::Subscriber | Self::Mailing => "id",
            Self::Digest => "mailing",
            Self::DigestIssue => "mailing, position",
            Self::Delivery => "mailing, subscriber",
            Self::Rate | Self::Property => "name",
            Self::Quota => "name, day",
            Self::Forgotten => "hash",
        }
    }

    /// The names of its columns, for a statement.
    pub(in crate::store) fn names(self) -> String {
        self.columns().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// How much a store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows of each table, in the order of `Table::ALL`.
    pub rows: [u64; Table::ALL.len()],
    /// Recipients of each mailing by the word of their state, in this order.
    pub states: Vec<(i64, String, u64)>,
    /// The highest number that a subscriber was ever given.
    pub last_subscriber: i64,
}

impl RowCounts {
    /// Rows in all.
    pub fn total(&self) -> u64 {
        self.rows.iter().sum()
    }

    /// Rows of a table.
    pub fn of(&self, table: Table) -> u64 {
        self.rows[table as usize]
    }

    /// Recipients in a state, of all mailings.
    pub fn in_state(&self, state: State) -> u64 {
        self.states.iter().filter(|(_, word, _)| word == state.as_str()).map(|(_, _, count)| count).sum()
    }
}
