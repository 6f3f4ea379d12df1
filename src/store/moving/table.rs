//! What is copied between stores: the tables and columns that all stores have, and their row counts.
//!
//! Runs are not copied: they belong to machines that sent from the old store, and all of them are over.

use crate::ledger::State;

/// A table that is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The store's id and its keys.
    Property,
    /// Addresses that no import may bring back.
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
    /// How far rate limits are used up.
    Rate,
    /// How many messages left on each day of a warm-up.
    Quota,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Text,
    Number,
    /// A time in milliseconds.
    Time,
    /// A time as exact as the store keeps it.
    FineTime,
}

use Kind::{FineTime, Number, Text, Time};

/// The table whose numbers are never reused.
pub(in crate::store) const SUBSCRIBERS: &str = "subscriber";

impl Table {
    /// All tables; referenced ones come before those that refer to them.
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

    /// Its columns, except those about runs.
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

    /// The columns of its primary key.
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

/// How many rows a store contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows of each table, in the order of `Table::ALL`.
    pub rows: [u64; Table::ALL.len()],
    /// Recipients of each mailing by state, in this order.
    pub states: Vec<(i64, String, u64)>,
    /// The highest number a subscriber was ever given.
    pub last_subscriber: i64,
}

impl RowCounts {
    /// All rows.
    pub fn total(&self) -> u64 {
        self.rows.iter().sum()
    }

    /// The rows of a table.
    pub fn of(&self, table: Table) -> u64 {
        self.rows[table as usize]
    }

    /// The recipients in a state, across all mailings.
    pub fn in_state(&self, state: State) -> u64 {
        self.states.iter().filter(|(_, word, _)| word == state.as_str()).map(|(_, _, count)| count).sum()
    }
}
