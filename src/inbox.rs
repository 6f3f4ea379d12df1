//! Handles mail that comes to the publication's addresses: bounces, complaints, leaving, subscribing and confirming by mail.
//!
//! Takes one message, already parsed (`incoming`), and the store; decides whose it is and records what it means, in one
//! transaction that also records that it was handled. Only a token, or agreement with the ledger, is a proof; the sender is none.
//! `mailbox` finds the messages, `transactional` sends what is queued here.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::bounce::Class;
use crate::delivery::suppression;
use crate::fault;
use crate::hex::hex;
use crate::inbox::addresses::Role;
use crate::incoming::{Incoming, Kind};
use crate::publication::Publication;
use crate::store::events::{EventOutcome, MailEvent};
use crate::store::{Store, StoreError};
use crate::subscriber::SubscriberId;
use crate::token::Secrets;

mod addresses;
mod automatic;
mod options;
mod reading;
mod reports;
mod requests;
mod source;
#[cfg(test)]
mod tests;

pub use addresses::{Addresses, Templates};
pub use options::{Account, Options, Source};
pub use reading::{Parsed, read};
pub use source::open;

/// Handles messages.
pub struct Inbox<'a> {
    /// The addresses of the publication.
    pub addresses: Addresses,
    /// `None` if nothing in the project needs tokens.
    pub secrets: Option<Arc<Secrets>>,
    /// Whether readers have pages to leave and to come back.
    pub has_pages: bool,
    /// The publication in each of its languages, the main one first.
    pub publications: Vec<&'a Publication>,
    /// Readers whose mailbox did not take a message, among those of the handled messages.
    pub unavailable: BTreeSet<SubscriberId>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was recorded, and changed something.
    Recorded,
    /// It is understood and changes nothing; why.
    Unchanged(&'static str),
    /// It is not about our mail, or not proven, and changes nothing; why.
    NotOurs(&'static str),
    /// It is for a person.
    Other,
}

impl Outcome {
    /// Whether the message needs no person any more.
    pub fn is_handled(self) -> bool {
        matches!(self, Self::Recorded | Self::Unchanged(_))
    }
}

/// What is to be done about a message.
enum Decision {
    /// These events are to be recorded; none if the store was changed already.
    Record(Vec<MailEvent>),
    /// Nothing, now and whenever the message is read again; why.
    Drop(&'static str),
    /// Nothing.
    Nothing(Outcome),
}

/// One message.
struct Letter<'a> {
    bytes: &'a [u8],
    says: &'a Incoming,
    now: DateTime<Utc>,
}

/// A message that was handled before, also by another process meanwhile.
const REPEATED: Outcome = Outcome::Unchanged("it was handled before");

impl Inbox<'_> {
    /// Indexes what tokens are looked up by. To be called once before many messages.
    ///
    /// # Errors
    /// If the store fails.
    pub fn prepare(&self, store: &mut dyn Store) -> Result<(), StoreError> {
        self.secrets.iter().flat_map(|secrets| secrets.all()).try_for_each(|secret| store.index_tags(secret))
    }

    /// Handles a message: `bytes` is the message, `says` what it says. Doing so again changes nothing.
    ///
    /// # Errors
    /// If the store fails; nothing is recorded then.
    pub fn handle(
        &mut self,
        bytes: &[u8],
        says: &Incoming,
        store: &mut dyn Store,
        now: DateTime<Utc>,
    ) -> Result<Outcome, StoreError> {
        let kind = self.addresses.kind(says);
        if kind == Kind::Other {
            return Ok(Outcome::Other);
        }
        let digest = digest(bytes);
        if store.is_handled(&digest)? {
            return Ok(REPEATED);
        }
        let (events, otherwise) = match self.decide(kind, &Letter { bytes, says, now }, store)? {
            Decision::Nothing(outcome) => return Ok(outcome),
            Decision::Drop(why) => (Vec::new(), Outcome::Unchanged(why)),
            Decision::Record(events) if events.is_empty() => (events, Outcome::Recorded),
            Decision::Record(events) => (events, Outcome::Unchanged("it changes nothing")),
        };
        fault::step("handle a message", "not recorded");
        let Some(outcomes) = store.handle(&digest, &events, now)? else { return Ok(REPEATED) };
        fault::step("handle a message", "recorded");
        let is_recorded = |outcome: &EventOutcome| matches!(outcome, EventOutcome::Recorded(_));
        self.unavailable.extend(events.iter().zip(&outcomes).filter_map(|(event, outcome)| match event {
            MailEvent::Bounced { subscriber, class: Class::Mailbox, .. } if is_recorded(outcome) => Some(*subscriber),
            _ => None,
        }));
        Ok(if outcomes.iter().any(is_recorded) { Outcome::Recorded } else { otherwise })
    }

    /// Suppresses readers whose mailbox did not take mailing after mailing, once messages were handled. Returns their number.
    ///
    /// # Errors
    /// If the store fails.
    pub fn suppress_unavailable(&mut self, store: &mut dyn Store, now: DateTime<Utc>) -> anyhow::Result<u64> {
        suppression::suppress_those(store, mem::take(&mut self.unavailable), now)
    }

    fn decide(&self, kind: Kind, letter: &Letter<'_>, store: &mut dyn Store) -> Result<Decision, StoreError> {
        let role = self.addresses.role(letter.says);
        match (kind, role) {
            (Kind::Bounce, _) => self.bounce(letter, store),
            (Kind::Complaint, _) => self.complaint(letter, store),
            (Kind::Delay, _) => self.noted(letter, store, "the message is still being tried"),
            (Kind::NotSpam, _) => self.noted(letter, store, "a reader called a message no spam"),
            (Kind::Leave, Some(Role::Leave(Some(token)))) => self.leave(token, store),
            (Kind::Leave, _) => self.send_links(letter, store),
            (Kind::Confirm, Some(Role::Confirm(token))) => self.confirm(token, letter, store),
            (Kind::Subscribe, Some(Role::Subscribe)) => self.subscribe(letter, store),
            // An automatic reply is not consent, and needs no answer.
            (Kind::AutoReply, Some(_)) => Ok(Decision::unchanged("a program has answered")),
            _ => Ok(Decision::Nothing(Outcome::Other)),
        }
    }
}

impl Decision {
    fn unchanged(why: &'static str) -> Self {
        Self::Nothing(Outcome::Unchanged(why))
    }

    fn not_ours(why: &'static str) -> Self {
        Self::Nothing(Outcome::NotOurs(why))
    }
}

/// Identifies a message however it was stored: SHA-256 of its bytes without carriage returns, in 64 hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    bytes.split(|byte| *byte == b'\r').for_each(|part| hash.update(part));
    hex(hash.finalize())
}
