//! What is stored about one person, and how it is forgotten.
//!
//! A forgotten address is kept as a hash, so that no import brings it back: SHA-256 over a random key, which is in the
//! store and moves with it, and the address in lower case. Without the store, addresses cannot be tested against it.

use chrono::{DateTime, Utc};

use crate::consent::{Consent, SubscriptionRequest};
use crate::ledger::{Delivery, Recovered, Run};
use crate::subscriber::Subscriber;
use crate::transactional_message::MessageRecord;
use crate::unsubscription::Unsubscription;

/// The property that contains the key.
pub(super) const FORGET_KEY: &str = "forget_key";

/// Everything stored about one person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PersonalData {
    /// The subscriber; `None` if the person only asked to be one.
    pub subscriber: Option<Subscriber>,
    /// When their status last changed.
    pub changed: Option<DateTime<Utc>>,
    /// Whether the project's own list named them.
    pub listed: bool,
    /// Their deliveries, oldest first.
    pub deliveries: Vec<Delivery>,
    /// Their consents, oldest first.
    pub consents: Vec<Consent>,
    /// How and when they left.
    pub unsubscription: Option<Unsubscription>,
    /// The unconfirmed request to subscribe, if there is one.
    pub request: Option<SubscriptionRequest>,
    /// Transactional messages to them, oldest first.
    pub messages: Vec<MessageRecord>,
}

impl PersonalData {
    /// `None` if there is nothing.
    pub(super) fn if_any(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

/// Whether a person could be forgotten.
#[derive(Debug, Clone, PartialEq)]
pub enum ForgetOutcome {
    /// They were.
    Done(Box<Erasure>),
    /// A live run has claimed them; which one, if known. Nothing was changed.
    Busy(Option<Run>),
}

/// What was done to forget a person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Erasure {
    /// They were a subscriber.
    pub was_known: bool,
    /// They had been forgotten before.
    pub was_forgotten: bool,
    /// How many deliveries lost their address.
    pub deliveries: u64,
    /// How many of these were pending, and are now suppressed.
    pub suppressed: u64,
    /// Whether no trace of the address is left in the store's files; false if another run was sending or had them open.
    pub is_erased: bool,
    /// What was recovered from dead runs.
    pub recovered: Recovered,
}

/// The input of the hash: the key, and the address in lower case.
pub(super) fn hashed(forget_key: &str, address_key: &str) -> String {
    format!("{forget_key}:{address_key}")
}
