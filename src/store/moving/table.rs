//! What is copied between stores: the tables and columns that all stores have, and their row counts.
//!
//! Runs are not copied: they belong to machines that sent from the old store, and all of them are over.

use crate::email::EmailAddress;
use crate::ledger::State;

/// A table that is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The store's id and its keys.
    Property,
    /// Addresses that no import may bring back.
    Forgotten,
    /// Addresses that are never asked to confirm again.
    Blocked,
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
    /// Texts that readers agreed to.
    Wording,
    /// Requests to subscribe that wait for their confirmation.
    Request,
    /// Consents of subscribers.
    Consent,
    /// How and when subscribers left.
    Unsubscription,
    /// Transactional messages, with the numbers on which Message-IDs depend.
    Message,
    /// Digests of messages that came in and were handled.
    Handled,
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

/// The tables whose numbers are never reused.
pub(in crate::store) const SEQUENCES: [Table; 2] = [Table::Subscriber, Table::Message];

impl Table {
    /// All tables; referenced ones come before those that refer to them.
    pub const ALL: [Self; 16] = [
        Self::Property,
        Self::Forgotten,
        Self::Blocked,
        Self::Subscriber,
        Self::Mailing,
        Self::Digest,
        Self::DigestIssue,
        Self::Delivery,
        Self::Rate,
        Self::Quota,
        Self::Wording,
        Self::Request,
        Self::Consent,
        Self::Unsubscription,
        Self::Message,
        Self::Handled,
    ];

    /// Its name in every store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscriber => "subscriber",
            Self::Mailing => "mailing",
            Self::Digest => "digest",
            Self::DigestIssue => "digest_issue",
            Self::Delivery => "delivery",
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::Property => "property",
            Self::Forgotten => "forgotten",
            Self::Blocked => "blocked",
            Self::Wording => "wording",
            Self::Request => "subscription_request",
            Self::Consent => "consent",
            Self::Unsubscription => "unsubscription",
            Self::Message => "message",
            Self::Handled => "handled",
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
            Self::Mailing => &[
                ("id", Number),
                ("issue", Text),
                ("content_hash", Text),
                ("frozen_at", Time),
                ("expected", Number),
                ("accepted_failures", Number),
            ],
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
                ("class", Text),
            ],
            Self::Rate => &[("name", Text), ("full_at", FineTime)],
            Self::Quota => &[("name", Text), ("day", Text), ("used", Number)],
            Self::Property => &[("name", Text), ("value", Text)],
            Self::Forgotten => &[("hash", Text)],
            Self::Blocked => &[("hash", Text), ("at", Time)],
            Self::Wording => &[("hash", Text), ("text", Text)],
            Self::Request => &[
                ("key", Text),
                ("address", Text),
                ("name", Text),
                ("language", Text),
                ("page", Text),
                ("return_to", Text),
                ("wording", Text),
                ("ip", Text),
                ("requested", Time),
                ("tag", Text),
            ],
            Self::Consent => &[
                ("subscriber", Number),
                ("requested", Time),
                ("confirmed", Time),
                ("language", Text),
                ("page", Text),
                ("wording", Text),
                ("ip", Text),
            ],
            Self::Unsubscription => &[("subscriber", Number), ("channel", Text), ("at", Time)],
            Self::Handled => &[("digest", Text), ("at", Time)],
            Self::Message => &[
                ("id", Number),
                ("kind", Text),
                ("key", Text),
                ("address", Text),
                ("language", Text),
                ("created", Time),
                ("state", Text),
                ("attempts", Number),
                ("retry_at", Time),
                ("reply", Text),
                ("changed", Time),
            ],
        }
    }

    /// The columns of its primary key.
    pub(in crate::store) fn key(self) -> &'static str {
        match self {
            Self::Subscriber | Self::Mailing | Self::Message => "id",
            Self::Digest => "mailing",
            Self::DigestIssue => "mailing, position",
            Self::Delivery => "mailing, subscriber",
            Self::Rate | Self::Property => "name",
            Self::Quota => "name, day",
            Self::Forgotten | Self::Blocked | Self::Wording => "hash",
            Self::Request => "key",
            Self::Consent => "subscriber, requested",
            Self::Unsubscription => "subscriber",
            Self::Handled => "digest",
        }
    }

    /// The index of a column.
    pub(in crate::store) fn column(self, wanted: &str) -> Option<usize> {
        self.columns().iter().position(|(name, _)| *name == wanted)
    }

    /// The address in one of its rows; a forgotten one is an empty text.
    pub(in crate::store) fn address(self, fields: &[Option<&str>]) -> anyhow::Result<Option<EmailAddress>> {
        let text = self.column("address").and_then(|at| *fields.get(at)?).unwrap_or_default();
        Ok(if text.is_empty() { None } else { Some(text.parse()?) })
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
    /// The highest number that was ever given in each table of `SEQUENCES`.
    pub last_numbers: [i64; SEQUENCES.len()],
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
