//! What a store keeps of mail that came in: which messages were handled, and what they changed. Part of the contract of `Store`,
//! with the same rules.

use chrono::{DateTime, TimeDelta, Utc};

use crate::consent::SubscriptionRequest;
use crate::email::EmailAddress;
use crate::incoming::Class;
use crate::issue::IssueId;
use crate::store::StoreError;
use crate::subscriber::{Status, SubscriberId};
use crate::token::Tag;
use crate::transactional_message::MessageKind;
use crate::unsubscription::Channel;

/// How long the digests of handled messages are kept.
pub const DIGESTS_KEPT: TimeDelta = TimeDelta::days(90);

/// What one message that came in means for one reader.
#[derive(Debug, Clone, PartialEq)]
pub enum MailEvent {
    /// A mailing's message to this subscriber bounced: a delivery that is `sent` or `unknown` becomes `bounced`, with the class and
    /// `reply` (`550 5.1.1 …`); in any other state it stays. `suppress`: the subscriber, if active or unconfirmed, is suppressed.
    Bounced { issue: IssueId, subscriber: SubscriberId, class: Class, reply: String, suppress: bool },
    /// The reader called a message spam: the status becomes `complained` whatever it was, by `Channel::Complaint`; open requests and
    /// queued messages to them are dropped.
    Complained { subscriber: SubscriberId },
    /// As `ReaderStore::leave`.
    Left { subscriber: SubscriberId, channel: Channel, message: Option<String> },
    /// As `ReaderStore::note_request`.
    Requested { request: SubscriptionRequest, tag: Tag },
    /// As `ReaderStore::confirm`.
    Confirmed { request: SubscriptionRequest },
    /// As `ReaderStore::queue_message`.
    Answered { kind: MessageKind, address: EmailAddress, language: String },
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
    /// Whether a message with this digest (SHA-256, 64 hexadecimal digits) was handled.
    fn is_handled(&self, digest: &str) -> Result<bool, StoreError>;

    /// Records what a message means, and that it was handled, durable, in one transaction. `None`, and nothing changes, if it was
    /// handled before: also by another process meanwhile.
    fn handle(
        &mut self,
        digest: &str,
        events: &[MailEvent],
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<EventOutcome>>, StoreError>;

    /// The newest deliveries to a subscriber whose state changed at or after `since`: issue and time, newest first, those that were
    /// attempted only (`sent`, `unknown`, `bounced`, `failed`, `deferred`).
    fn deliveries_since(
        &self,
        subscriber: SubscriberId,
        since: DateTime<Utc>,
    ) -> Result<Vec<(IssueId, DateTime<Utc>)>, StoreError>;
}
