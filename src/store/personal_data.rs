//! What is known of one person, and how it is forgotten.
//!
//! What a list may not bring back is kept as a hash: SHA-256 over a random key, which is in the store and travels with
//! it, and the address in lower case. Without the store nobody can try addresses on it.

use chrono::{DateTime, Utc};

use crate::ledger::{Delivery, Recovered, Run};
use crate::subscriber::Subscriber;

/// The property that holds the key.
pub(super) const FORGET_KEY: &str = "forget_key";

/// Everything that is known of one person.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonalData {
    /// Who they are.
    pub subscriber: Subscriber,
    /// When their status was last changed.
    pub changed: DateTime<Utc>,
    /// Whether the project's own list brought them, or named them.
    pub listed: bool,
    /// Their mail, the oldest first.
    pub deliveries: Vec<Delivery>,
}

/// Whether a person could be forgotten.
#[derive(Debug, Clone, PartialEq)]
pub enum ForgetOutcome {
    /// They are.
    Done(Box<Erasure>),
    /// A live run has their mail in its hands; who, as far as known. Nothing was changed.
    Busy(Option<Run>),
}

/// What was done to forget somebody.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Erasure {
    /// They were a subscriber.
    pub was_known: bool,
    /// They had been forgotten before.
    pub was_forgotten: bool,
    /// So many deliveries lost their address.
    pub deliveries: u64,
    /// So many of these were still to be mailed, and are suppressed.
    pub suppressed: u64,
    /// Nothing of the address is left in the files of the store; not so where another run was sending, or had them open.
    pub is_erased: bool,
    /// What was found of runs that had died.
    pub recovered: Recovered,
}

/// What is hashed with SHA-256: the key, and the address in lower case.
pub(super) fn hashed(forget_key: &str, address_key: &str) -> String {
    format!("{forget_key}:{address_key}")
}
