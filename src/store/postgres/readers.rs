//! Readers who come and go by themselves: requests, consents, unsubscriptions, blocks and messages, in short transactions.

use chrono::{DateTime, Utc};
use postgres::Transaction;

use super::connection::Session;
use super::{
    Postgres, Result, StoreResult, batch, blocked, consents, error, handled, messages, moves, personal_data, rate,
    requests, schema, subscribers, unsubscriptions,
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

impl ReaderStore for Postgres {
    /// By this machine's clock, as all times of requests are. If the reply is lost, what is taken twice is gone.
    fn take_one_of_each(&mut self, rates: &[Rate], now: DateTime<Utc>) -> StoreResult<bool> {
        self.repeatable("take from the limits of requests", |transaction| {
            rate::take_one_of_each(transaction, rates, now)
        })
    }

    fn note_request(&mut self, request: &SubscriptionRequest, tag: Tag) -> StoreResult<()> {
        self.changing("record a request to subscribe", |transaction| note_request(transaction, request, tag))
    }

    fn request_by_tag(&self, tag: Tag, now: DateTime<Utc>) -> StoreResult<Option<SubscriptionRequest>> {
        self.connection.retried("find a request", |session, _| requests::by_tag(session, tag, now))
    }

    fn request_of(&self, address: &EmailAddress, now: DateTime<Utc>) -> StoreResult<Option<SubscriptionRequest>> {
        self.connection.retried("find a request", |session, _| requests::of(session, address, now))
    }

    fn confirm(&mut self, request: &SubscriptionRequest, now: DateTime<Utc>) -> StoreResult<Option<Status>> {
        self.repeatable("confirm a request", |transaction| confirm(transaction, request, now))
    }

    fn consents(&self, subscriber: SubscriberId) -> StoreResult<Vec<Consent>> {
        self.connection.retried("read consents", |session, _| consents::of(session, subscriber))
    }

    fn leave(
        &mut self,
        subscriber: SubscriberId,
        channel: Channel,
        message: Option<&str>,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<Status>> {
        self.repeatable("unsubscribe a subscriber", |transaction| leave(transaction, subscriber, channel, message, now))
    }

    fn unsubscription(&self, subscriber: SubscriberId) -> StoreResult<Option<Unsubscription>> {
        let read = |session: &mut Session, _| unsubscriptions::of(&mut session.client, subscriber);
        self.connection.retried("read how a subscriber left", read)
    }

    fn come_back(&mut self, subscriber: SubscriberId, now: DateTime<Utc>) -> StoreResult<bool> {
        self.repeatable("undo an unsubscription", |transaction| come_back(transaction, subscriber, now))
    }

    fn unsubscriptions_since(&self, since: DateTime<Utc>) -> StoreResult<Vec<(Channel, u64)>> {
        self.connection.retried("count who left", |session, _| unsubscriptions::since(&mut session.client, since))
    }

    fn block(&mut self, address: &EmailAddress, now: DateTime<Utc>) -> StoreResult<()> {
        self.repeatable("block an address", |transaction| blocked::add(transaction, address, now))
    }

    fn is_blocked(&self, address: &EmailAddress) -> StoreResult<bool> {
        let read = |session: &mut Session, _| blocked::is_blocked(&mut session.client, address);
        self.connection.retried("find a blocked address", read)
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

    fn begin_batch(&mut self, _: &Run, now: DateTime<Utc>) -> StoreResult<Option<u64>> {
        let place = self.connection.place().to_owned();
        self.batch = None;
        let begun = self.connection.once("begin to send messages", |session| {
            schema::check(&mut session.client, &place)?;
            if !batch::acquire(session)? {
                return Ok(None);
            }
            let begun = begin(session, &place, now);
            if begun.is_err() {
                batch::release(session)?;
            }
            begun.map(Some)
        })?;
        Ok(begun.map(|(number, unknown)| {
            self.batch = Some(number);
            unknown
        }))
    }

    /// Not retried: what a lost reply claimed is settled by the next batch.
    fn claim_messages(&mut self, limit: usize, now: DateTime<Utc>) -> StoreResult<Vec<TransactionalMessage>> {
        let place = self.connection.place().to_owned();
        self.connection.once("claim messages", |session| {
            let batch = batch::held(session, self.batch)?;
            let mut transaction = session.client.transaction()?;
            moves::refuse_if_moved(&mut transaction, &place)?;
            let claimed = messages::claim(&mut transaction, batch, limit, now)?;
            transaction.commit()?;
            Ok(claimed)
        })
    }

    fn record_message(&mut self, id: MessageId, entry: &LedgerEntry, now: DateTime<Utc>) -> StoreResult<()> {
        const DOING: &str = "record what is sent";
        let place = self.connection.place().to_owned();
        let batch = self.batch.ok_or_else(|| error::doing(DOING, &place, no_right()))?;
        self.connection.retried(DOING, |session, is_again| {
            moves::refuse_if_moved(&mut session.client, &place)?;
            messages::record(session, batch, id, entry, is_again, now)
        })
    }

    fn drop_message(&mut self, id: MessageId, why: &str, now: DateTime<Utc>) -> StoreResult<()> {
        const DOING: &str = "record what is not sent";
        let place = self.connection.place().to_owned();
        let batch = self.batch.ok_or_else(|| error::doing(DOING, &place, no_right()))?;
        self.connection.retried(DOING, |session, is_again| {
            moves::refuse_if_moved(&mut session.client, &place)?;
            messages::drop_one(session, batch, id, why, is_again, now)
        })
    }

    fn end_batch(&mut self) -> StoreResult<()> {
        self.batch = None;
        self.connection.retried("end a batch of messages", |session, _| batch::release(session))
    }

    fn message_counts(&self) -> StoreResult<StateCounts> {
        self.connection.retried("count messages", |session, _| messages::counts(session))
    }

    fn last_message(&self, kind: MessageKind, address: &EmailAddress) -> StoreResult<Option<DateTime<Utc>>> {
        self.connection.retried("find a message", |session, _| messages::last(session, kind, address))
    }

    fn purge(&mut self, ips_before: DateTime<Utc>, now: DateTime<Utc>) -> StoreResult<u64> {
        const DOING: &str = "delete what has expired";
        Ok(self.repeatable(DOING, |transaction| requests::purge(transaction, ips_before, now))?
            + self.repeatable(DOING, |transaction| rate::purge(transaction, now))?
            + self.repeatable(DOING, |transaction| messages::purge(transaction, now))?
            + self.repeatable(DOING, |transaction| handled::purge(transaction, now))?
            + self.repeatable(DOING, |transaction| consents::purge_ips(transaction, ips_before))?)
    }
}

/// Numbers a batch, and settles what dead processes left.
fn begin(session: &mut Session, place: &str, now: DateTime<Utc>) -> Result<(i64, u64)> {
    let number = batch::number(&mut session.client)?;
    let mut transaction = session.client.transaction()?;
    moves::refuse_if_moved(&mut transaction, place)?;
    let unknown = messages::settle(&mut transaction, now)?;
    transaction.commit()?;
    Ok((number, unknown))
}

pub(super) fn note_request(transaction: &mut Transaction<'_>, request: &SubscriptionRequest, tag: Tag) -> Result<()> {
    let SubscriptionRequest { address, language, requested, .. } = request;
    requests::note(transaction, request, tag)?;
    messages::queue(transaction, MessageKind::Confirmation, address, language, *requested)
}

pub(super) fn confirm(
    transaction: &mut Transaction<'_>,
    request: &SubscriptionRequest,
    now: DateTime<Utc>,
) -> Result<Option<Status>> {
    let address = &request.address;
    requests::delete(transaction, address)?;
    let new = NewSubscriber::new(address.clone(), &request.name);
    let mut known = subscribers::lock(transaction, address)?;
    if known.is_none() {
        // Imports may add the address meanwhile.
        subscribers::lock_additions(transaction)?;
        known = subscribers::lock(transaction, address)?;
    }
    if known.is_some_and(|(_, status)| status == Status::Complained) {
        return Ok(Some(Status::Complained));
    }
    let id = match known {
        Some((id, _)) => {
            subscribers::activate(transaction, id, &new.name, now)?;
            id
        }
        None => subscribers::add_one(transaction, &new, now)?,
    };
    personal_data::allow(transaction, address)?;
    blocked::delete(transaction, address)?;
    unsubscriptions::delete(transaction, id)?;
    consents::add(transaction, id, request, now)?;
    Ok(known.map(|(_, status)| status))
}

pub(super) fn leave(
    transaction: &mut Transaction<'_>,
    id: SubscriberId,
    channel: Channel,
    message: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Status>> {
    let Some((address, status)) = subscribers::lock_by_id(transaction, id)? else { return Ok(None) };
    if matches!(status, Status::Active | Status::Unconfirmed) {
        subscribers::set_status(transaction, &address, Status::Unsubscribed, now)?;
        unsubscriptions::note(transaction, id, channel, now)?;
        if let Some(language) = message {
            messages::queue(transaction, MessageKind::Goodbye, &address, language, now)?;
        }
    }
    Ok(Some(status))
}

fn come_back(transaction: &mut Transaction<'_>, id: SubscriberId, now: DateTime<Utc>) -> Result<bool> {
    let Some((address, status)) = subscribers::lock_by_id(transaction, id)? else { return Ok(false) };
    if status != Status::Unsubscribed {
        return Ok(status == Status::Active);
    }
    match unsubscriptions::of(transaction, id)? {
        Some(left) if left.at >= now - UNDO_PERIOD => {
            subscribers::set_status(transaction, &address, Status::Active, now)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
