//! What a store keeps of mail that came in: which messages were handled, and what they changed. Part of the contract of `Store`,
//! with the same rules.

use chrono::{DateTime, TimeDelta, Utc};

use crate::bounce::Class;
use crate::consent::SubscriptionRequest;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::State;
use crate::store::StoreError;
use crate::subscriber::{Status, SubscriberId};
use crate::token::Tag;
use crate::transactional_message::MessageKind;
use crate::unsubscription::Channel;

/// How long the digests of handled messages are kept.
pub const DIGESTS_KEPT: TimeDelta = TimeDelta::days(90);

/// The reply of queued messages to a reader who called a message spam.
pub(super) const COMPLAINED: &str = "the reader called a message spam";

/// The states of deliveries that may have left: `claimed` and `sending`, because a run records later than it sends.
pub(super) const MAY_HAVE_LEFT: [State; 7] =
    [State::Claimed, State::Sending, State::Sent, State::Deferred, State::Failed, State::Unknown, State::Bounced];

/// What one message that came in means for one reader.
#[derive(Debug, Clone, PartialEq)]
pub enum MailEvent {
    /// A mailing's message to a subscriber bounced: a delivery that is `sent` or `unknown` becomes `bounced`. If a run has claimed
    /// it, the bounce is kept beside it, and it becomes `bounced` once the run records that it was sent or is unknown, or is found
    /// dead: a bounce may be faster than the record of the reply. In any other state it stays.
    Bounced {
        /// The id of the issue or digest.
        issue: IssueId,
        /// The recipient.
        subscriber: SubscriberId,
        /// What the bounce means.
        class: Class,
        /// What the last server said: `550 5.1.1 …`.
        reply: String,
        /// Whether the subscriber, if active or unconfirmed, is suppressed, provided that the bounce was recorded.
        suppress: bool,
    },
    /// The reader called a message spam: the status becomes `complained` whatever it was, by `Channel::Complaint`; open requests and
    /// queued messages to them are dropped.
    Complained {
        /// The reader.
        subscriber: SubscriberId,
    },
    /// As `ReaderStore::leave`.
    Left {
        /// Who leaves.
        subscriber: SubscriberId,
        /// How.
        channel: Channel,
        /// The language of the message that confirms it, if one is to be queued.
        message: Option<String>,
    },
    /// As `ReaderStore::note_request`.
    Requested {
        /// The request.
        request: SubscriptionRequest,
        /// The tag of its address under the current secret.
        tag: Tag,
    },
    /// As `ReaderStore::confirm`.
    Confirmed {
        /// The request.
        request: SubscriptionRequest,
    },
    /// As `ReaderStore::queue_message`.
    Answered {
        /// What the message is for.
        kind: MessageKind,
        /// To whom.
        address: EmailAddress,
        /// In which language (BCP 47).
        language: String,
    },
}

/// What an event changed.
#[derive(Debug, Clone, PartialEq)]
pub enum EventOutcome {
    /// It was recorded; the status of the subscriber before, if there is one.
    Recorded(Option<Status>),
    /// Nothing changed: no such delivery or subscriber, or it was known already.
    Unchanged,
}

/// Events of mail that came in.
pub trait EventStore {
    /// Whether a message with this digest (SHA-256, 64 hexadecimal digits) was handled. `ReaderStore::purge` deletes digests older
    /// than `DIGESTS_KEPT`.
    fn is_handled(&self, digest: &str) -> Result<bool, StoreError>;

    /// Records what a message means, and that it was handled, durable, in one transaction. `None`, and nothing changes, if it was
    /// handled before: also by another process meanwhile.
    fn handle(
        &mut self,
        digest: &str,
        events: &[MailEvent],
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<EventOutcome>>, StoreError>;

    /// The newest deliveries to a subscriber whose state changed at or after `since`: issue and time, newest first, those that may
    /// have left only (`claimed`, `sending`, `sent`, `unknown`, `bounced`, `failed`, `deferred`).
    fn deliveries_since(
        &self,
        subscriber: SubscriberId,
        since: DateTime<Utc>,
    ) -> Result<Vec<(IssueId, DateTime<Utc>)>, StoreError>;

    /// How many recipients of an issue bounced, by class, in the order of `Class::ALL`; only classes that occur.
    fn bounces(&self, issue: &IssueId) -> Result<Vec<(Class, u64)>, StoreError>;

    /// Records how many of a mailing's recipients had failed or bounced when a person decided to go on, durable: those do not stop it
    /// again.
    fn accept_failures(&mut self, issue: &IssueId, failures: u64) -> Result<(), StoreError>;

    /// How many failures of a mailing a person has accepted.
    fn accepted_failures(&self, issue: &IssueId) -> Result<u64, StoreError>;
}
