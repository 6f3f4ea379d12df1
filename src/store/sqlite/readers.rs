//! Readers who come and go by themselves: requests, consents, unsubscriptions, blocks and messages, in short transactions.
//!
//! The right to send messages is a lock of the operating system on a file of its own, so that neither a mailing nor a
//! batch of messages waits for the other.

use std::fs::File;

use chrono::{DateTime, Utc};
use rusqlite::Transaction;

use super::run_lock::{acquire_batch, write_holder};
use super::{
    Result, Sqlite, StoreResult, blocked, consents, error, forgotten, handled, messages, rate, requests, subscribers,
    unsubscriptions,
};
use crate::consent::{Consent, SubscriptionRequest};
use crate::email::EmailAddress;
use crate::ledger::{LedgerEntry, Run, StateCounts};
use crate::rate::Rate;
use crate::store::ReaderStore;
use crate::store::readers::no_right;
use crate::subscriber::{NewSubscriber, Status, SubscriberId};
use crate::token::Tag;
use crate::transactional_message::{MessageId, MessageKind, TransactionalMessage};
use crate::unsubscription::{Channel, UNDO_PERIOD, Unsubscription};

impl ReaderStore for Sqlite {
    /// Looks first, so that refused requests, however many, keep no writer waiting.
    fn take_one_of_each(&mut self, rates: &[Rate], now: DateTime<Utc>) -> StoreResult<bool> {
        const DOING: &str = "take from the limits of requests";
        if self.reading(DOING, |connection| rate::one_of_each(connection, rates, now))?.is_none() {
            return Ok(false);
        }
        self.changing(DOING, |transaction| rate::take_one_of_each(transaction, rates, now))
    }

    fn note_request(&mut self, request: &SubscriptionRequest, tag: Tag) -> StoreResult<()> {
        self.changing("record a request to subscribe", |transaction| note_request(transaction, request, tag))
    }

    fn request_by_tag(&self, tag: Tag, now: DateTime<Utc>) -> StoreResult<Option<SubscriptionRequest>> {
        self.reading("find a request", |connection| requests::by_tag(connection, tag, now))
    }

    fn request_of(&self, address: &EmailAddress, now: DateTime<Utc>) -> StoreResult<Option<SubscriptionRequest>> {
        self.reading("find a request", |connection| requests::of(connection, address, now))
    }

    fn confirm(&mut self, request: &SubscriptionRequest, now: DateTime<Utc>) -> StoreResult<Option<Status>> {
        self.changing("confirm a request", |transaction| confirm(transaction, request, now))
    }

    fn consents(&self, subscriber: SubscriberId) -> StoreResult<Vec<Consent>> {
        self.reading("read consents", |connection| consents::of(connection, subscriber))
    }

    fn leave(
        &mut self,
        subscriber: SubscriberId,
        channel: Channel,
        message: Option<&str>,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<Status>> {
        self.changing("unsubscribe a subscriber", |transaction| leave(transaction, subscriber, channel, message, now))
    }

    fn unsubscription(&self, subscriber: SubscriberId) -> StoreResult<Option<Unsubscription>> {
        self.reading("read how a subscriber left", |connection| unsubscriptions::of(connection, subscriber))
    }

    fn come_back(&mut self, subscriber: SubscriberId, now: DateTime<Utc>) -> StoreResult<bool> {
        self.changing("undo an unsubscription", |transaction| come_back(transaction, subscriber, now))
    }

    fn unsubscriptions_since(&self, since: DateTime<Utc>) -> StoreResult<Vec<(Channel, u64)>> {
        self.reading("count who left", |connection| unsubscriptions::since(connection, since))
    }

    fn block(&mut self, address: &EmailAddress, now: DateTime<Utc>) -> StoreResult<()> {
        self.changing("block an address", |transaction| blocked::add(transaction, address, now))
    }

    fn is_blocked(&self, address: &EmailAddress) -> StoreResult<bool> {
        self.reading("find a blocked address", |connection| blocked::is_blocked(connection, address))
    }

    fn queue_message(
        &mut self,
        kind: MessageKind,
        address: &EmailAddress,
        language: &str,
        now: DateTime<Utc>,
    ) -> StoreResult<()> {
        self.changing("queue a message", |transaction| messages::queue(transaction, kind, address, language, now))
    }

    fn begin_batch(&mut self, run: &Run, now: DateTime<Utc>) -> StoreResult<Option<u64>> {
        const DOING: &str = "begin to send messages";
        let Ok(batch) = self.acquire_batch(DOING, run)? else { return Ok(None) };
        let unknown = self.changing(DOING, |transaction| messages::settle(transaction, now))?;
        self.batch = Some(batch);
        Ok(Some(unknown))
    }

    fn claim_messages(&mut self, limit: usize, now: DateTime<Utc>) -> StoreResult<Vec<TransactionalMessage>> {
        self.sending("claim messages", |transaction| messages::claim(transaction, limit, now))
    }

    fn record_message(&mut self, id: MessageId, entry: &LedgerEntry, now: DateTime<Utc>) -> StoreResult<()> {
        self.sending("record what is sent", |transaction| messages::record(transaction, id, entry, now))
    }

    fn drop_message(&mut self, id: MessageId, why: &str, now: DateTime<Utc>) -> StoreResult<()> {
        self.sending("record what is not sent", |transaction| messages::drop_one(transaction, id, why, now))
    }

    fn end_batch(&mut self) -> StoreResult<()> {
        self.batch = None;
        Ok(())
    }

    fn message_counts(&self) -> StoreResult<StateCounts> {
        self.reading("count messages", messages::counts)
    }

    fn last_message(&self, kind: MessageKind, address: &EmailAddress) -> StoreResult<Option<DateTime<Utc>>> {
        self.reading("find a message", |connection| messages::last(connection, kind, address))
    }

    /// One transaction for each table, so that others wait for none of them long.
    fn purge(&mut self, ips_before: DateTime<Utc>, now: DateTime<Utc>) -> StoreResult<u64> {
        const DOING: &str = "delete what has expired";
        let failed = |why: rusqlite::Error| error::doing(DOING, &self.path, why.into());
        // Overwrites deleted content within its page.
        self.connection.pragma_update(None, "secure_delete", true).map_err(failed)?;
        let purged = self.changing(DOING, |transaction| requests::purge(transaction, ips_before, now))?
            + self.changing(DOING, |transaction| rate::purge(transaction, now))?
            + self.changing(DOING, |transaction| messages::purge(transaction, now))?
            + self.changing(DOING, |transaction| handled::purge(transaction, now))?
            + self.changing(DOING, |transaction| consents::purge_ips(transaction, ips_before))?;
        Ok(purged as u64)
    }
}

impl Sqlite {
    /// The lock of the process that sends messages: this one's, if it has it already; otherwise its holder.
    pub(super) fn acquire_batch(
        &mut self,
        doing: &'static str,
        run: &Run,
    ) -> StoreResult<std::result::Result<File, Option<Run>>> {
        if let Some(batch) = self.batch.take() {
            return Ok(Ok(batch));
        }
        let failed = |error| error::doing(doing, &self.path, error);
        let acquired = acquire_batch(&self.path).map_err(failed)?;
        Ok(match acquired {
            Ok(mut batch) => {
                write_holder(&mut batch, run).map_err(failed)?;
                Ok(batch)
            }
            Err(other) => Err(other),
        })
    }

    /// Runs `work`, which needs the right to send messages.
    fn sending<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> StoreResult<T> {
        if self.batch.is_none() {
            return Err(error::doing(doing, &self.path, no_right()));
        }
        self.changing(doing, work)
    }
}

pub(super) fn note_request(transaction: &Transaction<'_>, request: &SubscriptionRequest, tag: Tag) -> Result<()> {
    let SubscriptionRequest { address, language, requested, .. } = request;
    requests::note(transaction, request, tag)?;
    messages::queue(transaction, MessageKind::Confirmation, address, language, *requested)
}

pub(super) fn confirm(
    transaction: &Transaction<'_>,
    request: &SubscriptionRequest,
    now: DateTime<Utc>,
) -> Result<Option<Status>> {
    let address = &request.address;
    requests::delete(transaction, address)?;
    let before = subscribers::find(transaction, address)?;
    let status = before.as_ref().map(|subscriber| subscriber.status);
    if status == Some(Status::Complained) {
        return Ok(status);
    }
    forgotten::allow(transaction, address)?;
    blocked::delete(transaction, address)?;
    let new = NewSubscriber::new(address.clone(), &request.name);
    let id = match before {
        Some(subscriber) => {
            subscribers::activate(transaction, subscriber.id, &new.name, now)?;
            subscriber.id
        }
        None => subscribers::add_one(transaction, new, now)?,
    };
    unsubscriptions::delete(transaction, id)?;
    consents::add(transaction, id, request, now)?;
    Ok(status)
}

pub(super) fn leave(
    transaction: &Transaction<'_>,
    id: SubscriberId,
    channel: Channel,
    message: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Status>> {
    let Some(subscriber) = subscribers::by_id(transaction, id)? else { return Ok(None) };
    if matches!(subscriber.status, Status::Active | Status::Unconfirmed) {
        subscribers::set_status(transaction, &subscriber.address, Status::Unsubscribed, now)?;
        unsubscriptions::note(transaction, id, channel, now)?;
        if let Some(language) = message {
            messages::queue(transaction, MessageKind::Goodbye, &subscriber.address, language, now)?;
        }
    }
    Ok(Some(subscriber.status))
}

fn come_back(transaction: &Transaction<'_>, id: SubscriberId, now: DateTime<Utc>) -> Result<bool> {
    let Some(subscriber) = subscribers::by_id(transaction, id)? else { return Ok(false) };
    if subscriber.status != Status::Unsubscribed {
        return Ok(subscriber.status == Status::Active);
    }
    match unsubscriptions::of(transaction, id)? {
        Some(left) if left.at >= now - UNDO_PERIOD => {
            subscribers::set_status(transaction, &subscriber.address, Status::Active, now)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
