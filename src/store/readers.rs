//! What a store keeps of readers who come and go by themselves: requests to subscribe, consents, how someone left, whom never
//! to ask again, and the messages to single readers. Part of the contract of `Store`, with the same rules.

use chrono::{DateTime, TimeDelta, Utc};

use crate::consent::{Consent, SubscriptionRequest};
use crate::email::EmailAddress;
use crate::ledger::{LedgerEntry, Run, StateCounts};
use crate::rate::Rate;
use crate::store::StoreError;
use crate::subscriber::{Status, SubscriberId};
use crate::token::Tag;
use crate::transactional_message::{MessageId, MessageKind, TransactionalMessage};
use crate::unsubscription::{Channel, Unsubscription};

/// How long a request waits for its confirmation.
pub const REQUEST_LIFETIME: TimeDelta = TimeDelta::days(7);

/// How long settled messages are kept, and how long a rate stays after its bucket is full.
pub const MESSAGES_KEPT: TimeDelta = TimeDelta::days(30);
pub(super) const RATES_KEPT: TimeDelta = TimeDelta::days(1);

/// The beginning of the names of this contract's rates; others are those of sending.
pub const RATES: &str = "reader:";

/// The reply of messages whose process died.
pub(super) const DIED: &str = "the process that was sending it died before the reply";

/// The error of a call about a message that this process has not claimed, or has lost.
pub(super) fn not_claimed() -> anyhow::Error {
    anyhow::anyhow!("this process has not claimed the message, or no longer has it")
}

/// The error of a call that needs the right to send messages.
pub(super) fn no_right() -> anyhow::Error {
    anyhow::anyhow!("this process has no right to send transactional messages")
}

/// Requests, consents, unsubscriptions, blocks and messages.
pub trait ReaderStore {
    /// Takes one permit of each rate (`Rate::take_one`), or none if one of them has none, durable; returns whether it took them.
    /// Their names differ and begin with `RATES`. Purging removes rates whose bucket has been full for a day.
    fn take_one_of_each(&mut self, rates: &[Rate], now: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Records a request to subscribe, in place of an earlier one for the same address, and queues its message of the kind
    /// `Confirmation`, durable, in one transaction. The same work is done whatever the state of the address. `tag` is that of
    /// the address under the current secret.
    fn note_request(&mut self, request: &SubscriptionRequest, tag: Tag) -> Result<(), StoreError>;

    /// The request whose address has this tag, not older than `REQUEST_LIFETIME` at `now`.
    fn request_by_tag(&self, tag: Tag, now: DateTime<Utc>) -> Result<Option<SubscriptionRequest>, StoreError>;

    /// The request for this address, not older than `REQUEST_LIFETIME` at `now`.
    fn request_of(&self, address: &EmailAddress, now: DateTime<Utc>)
    -> Result<Option<SubscriptionRequest>, StoreError>;

    /// Subscribes the address of a request, durable, in one transaction: the subscriber is added or active again (with the name
    /// of the request, if they have none), the consent is recorded, the request is deleted, and so are how they left, a block,
    /// and the record that the address was forgotten. Returns the status before; `None` for a new one. Confirming a request twice
    /// records one consent. Of a complained subscriber only the request is deleted.
    fn confirm(&mut self, request: &SubscriptionRequest, now: DateTime<Utc>) -> Result<Option<Status>, StoreError>;

    /// The consents of a subscriber, oldest first.
    fn consents(&self, subscriber: SubscriberId) -> Result<Vec<Consent>, StoreError>;

    /// Unsubscribes, durable: an active or unconfirmed subscriber becomes `unsubscribed`, and how and when is recorded; any
    /// other is left unchanged. With `message`, a language, queues a message of the kind `Goodbye` if the status changed.
    /// Returns the status before, or `None` if there is no such subscriber.
    fn leave(
        &mut self,
        subscriber: SubscriberId,
        channel: Channel,
        message: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<Status>, StoreError>;

    /// How and when a subscriber left, if it is known.
    fn unsubscription(&self, subscriber: SubscriberId) -> Result<Option<Unsubscription>, StoreError>;

    /// Makes an unsubscribed subscriber active again who left at most `unsubscription::UNDO_PERIOD` before `now`, durable, and
    /// deletes how they left. Returns whether the subscriber is active now.
    fn come_back(&mut self, subscriber: SubscriberId, now: DateTime<Utc>) -> Result<bool, StoreError>;

    /// How many subscribers left by each channel, since then.
    fn unsubscriptions_since(&self, since: DateTime<Utc>) -> Result<Vec<(Channel, u64)>, StoreError>;

    /// Never asks this address again to confirm, durable. Its request stays for its time, so that the link works twice. Kept as
    /// a hash, as of forgotten addresses.
    fn block(&mut self, address: &EmailAddress, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Whether the address must not be asked.
    fn is_blocked(&self, address: &EmailAddress) -> Result<bool, StoreError>;

    /// Queues a message, durable.
    fn queue_message(
        &mut self,
        kind: MessageKind,
        address: &EmailAddress,
        language: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Takes the right to send transactional messages, which is apart from the run lock and belongs to one process at a time,
    /// and settles what a dead holder left, durable: its claims go back to the queue, its `sending` messages become `unknown`.
    /// Returns the number of messages that became unknown, or `None` if another process has the right.
    fn begin_batch(&mut self, run: &Run, now: DateTime<Utc>) -> Result<Option<u64>, StoreError>;

    /// Claims up to `limit` messages that are queued or due for a retry, durable: oldest first, those no server has refused before
    /// the others. Needs the right to send.
    fn claim_messages(&mut self, limit: usize, now: DateTime<Utc>) -> Result<Vec<TransactionalMessage>, StoreError>;

    /// Records an entry about a claimed message, durable. `Failed` with `suppress` also suppresses the subscriber, if there is one
    /// who is active or unconfirmed. It is an error, and nothing may be sent, if this process has lost the message: another one
    /// took over, or its reader was forgotten.
    fn record_message(&mut self, id: MessageId, entry: &LedgerEntry, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Records that nothing is to be sent for a claimed message: it becomes `suppressed`, with this reason.
    fn drop_message(&mut self, id: MessageId, why: &str, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Gives the right to send up. Dropping the store does, too.
    fn end_batch(&mut self) -> Result<(), StoreError>;

    /// How many messages are in each state.
    fn message_counts(&self) -> Result<StateCounts, StoreError>;

    /// When the last message of this kind was accepted for this address, if it was.
    fn last_message(&self, kind: MessageKind, address: &EmailAddress) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Deletes what has expired, durable: requests older than `REQUEST_LIFETIME`, rates of this contract that have been full for a
    /// day, settled messages older than 30 days, digests of handled messages older than `events::DIGESTS_KEPT`, and network
    /// addresses of consents from before `ips_before`. Returns how many rows it deleted or changed.
    fn purge(&mut self, ips_before: DateTime<Utc>, now: DateTime<Utc>) -> Result<u64, StoreError>;
}
