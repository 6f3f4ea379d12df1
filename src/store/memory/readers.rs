//! Requests, consents, unsubscriptions, blocks and messages.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::tables::Tables;
use super::{Memory, failed};
use crate::consent::{Consent, SubscriptionRequest};
use crate::email::EmailAddress;
use crate::ledger::{LedgerEntry, Run, State, StateCounts};
use crate::rate::Rate;
use crate::store::events::DIGESTS_KEPT;
use crate::store::message_step::MessageStep;
use crate::store::readers::{DIED, MESSAGES_KEPT, RATES, RATES_KEPT, REQUEST_LIFETIME, no_right, not_claimed};
use crate::store::{ReaderStore, StoreError};
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};
use crate::token::Tag;
use crate::transactional_message::{MessageId, MessageKind, MessageRecord, TransactionalMessage};
use crate::unsubscription::{Channel, UNDO_PERIOD, Unsubscription};

/// The rows about readers.
#[derive(Default)]
pub(super) struct Readers {
    /// By key.
    pub requests: BTreeMap<String, (SubscriptionRequest, Tag)>,
    pub consents: Vec<(SubscriberId, Consent)>,
    pub unsubscriptions: BTreeMap<SubscriberId, Unsubscription>,
    /// Keys.
    pub blocked: BTreeSet<String>,
    pub messages: BTreeMap<i64, Message>,
    /// The highest number a message was ever given.
    pub last_message: i64,
    /// Who may send messages.
    pub batch: Option<Run>,
}

pub(super) struct Message {
    /// `None` if the reader was forgotten.
    pub address: Option<EmailAddress>,
    pub record: MessageRecord,
    retry_at: Option<DateTime<Utc>>,
}

impl Readers {
    pub fn message(&mut self, kind: MessageKind, address: &EmailAddress, language: &str, now: DateTime<Utc>) {
        let (language, state) = (language.to_owned(), State::Queued);
        let record = MessageRecord { kind, language, created: now, state, attempts: 0, reply: None, changed: now };
        self.last_message += 1;
        self.messages.insert(self.last_message, Message { address: Some(address.clone()), record, retry_at: None });
    }

    /// The messages to an address.
    pub fn messages_to(&self, address: &EmailAddress) -> Vec<MessageRecord> {
        let messages = self.messages.values().filter(|message| message.is_to(address));
        messages.map(|message| message.record.clone()).collect()
    }

    /// Settles the queued messages to an address.
    pub fn drop_queued(&mut self, address: &EmailAddress, why: &str, now: DateTime<Utc>) {
        let queued = |message: &&mut Message| {
            message.is_to(address) && matches!(message.record.state, State::Queued | State::Deferred)
        };
        for message in self.messages.values_mut().filter(queued) {
            message.retry_at = None;
            let record = &mut message.record;
            (record.state, record.reply, record.changed) = (State::Suppressed, Some(why.to_owned()), now);
        }
    }

    pub fn consents_of(&self, subscriber: SubscriberId) -> Vec<Consent> {
        self.consents.iter().filter(|(of, _)| *of == subscriber).map(|(_, consent)| consent.clone()).collect()
    }

    pub fn forget(&mut self, address: &EmailAddress, id: Option<SubscriberId>) {
        self.requests.remove(&address.key());
        self.consents.retain(|(of, _)| Some(*of) != id);
        self.unsubscriptions.retain(|of, _| Some(*of) != id);
        self.messages.retain(|_, message| !message.is_to(address) || message.record.state == State::Sending);
        for message in self.messages.values_mut().filter(|message| message.is_to(address)) {
            (message.address, message.record.reply) = (None, None);
        }
    }

    fn settle(&mut self, now: DateTime<Utc>) -> u64 {
        let mut unknown = 0;
        for message in self.messages.values_mut() {
            let record = &mut message.record;
            match record.state {
                State::Claimed => (record.state, record.changed) = (State::Queued, now),
                State::Sending => {
                    (record.state, record.changed, message.retry_at) = (State::Unknown, now, None);
                    record.reply = message.address.as_ref().map(|_| DIED.to_owned());
                    record.attempts += 1;
                    unknown += 1;
                }
                _ => {}
            }
        }
        unknown
    }
}

impl Message {
    fn is_to(&self, address: &EmailAddress) -> bool {
        self.address.as_ref().is_some_and(|to| to.key() == address.key())
    }

    fn take(&mut self, step: &MessageStep<'_>, now: DateTime<Utc>) {
        let record = &mut self.record;
        record.state = if self.address.is_some() { step.to } else { step.to_if_forgotten() };
        record.changed = now;
        record.attempts += u32::from(step.is_attempt);
        let (old_reply, old_retry_at) = (record.reply.take(), self.retry_at.take());
        record.reply = step.reply.map(str::to_owned).or_else(|| old_reply.filter(|_| !step.is_attempt));
        record.reply = record.reply.take().filter(|_| self.address.is_some());
        self.retry_at = step.retry_at.or_else(|| old_retry_at.filter(|_| !step.is_attempt));
    }
}

impl Tables {
    fn by_number(&mut self, id: SubscriberId) -> Option<&mut Subscriber> {
        self.subscribers.iter_mut().find(|subscriber| subscriber.id == id)
    }

    fn claimed(&mut self, id: MessageId, from: [State; 2]) -> Result<&mut Message, StoreError> {
        let message = self.readers.messages.get_mut(&id.0).filter(|message| from.contains(&message.record.state));
        message.ok_or_else(|| failed(&not_claimed().to_string()))
    }
}

impl Memory {
    /// Whether this process may send messages.
    fn sending(&self) -> Result<(), StoreError> {
        if self.has_batch { Ok(()) } else { Err(failed(&no_right().to_string())) }
    }
}

impl ReaderStore for Memory {
    fn take_one_of_each(&mut self, rates: &[Rate], now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let taken = rates.iter().map(|rate| rate.take_one(tables.rates.get(&rate.name).copied(), now));
        let Some(taken) = taken.collect::<Option<Vec<_>>>() else { return Ok(false) };
        tables.write()?;
        tables.rates.extend(rates.iter().map(|rate| rate.name.clone()).zip(taken));
        Ok(true)
    }

    fn note_request(&mut self, request: &SubscriptionRequest, tag: Tag) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.write()?;
        let SubscriptionRequest { address, language, requested, .. } = request;
        tables.readers.message(MessageKind::Confirmation, address, language, *requested);
        tables.readers.requests.insert(address.key(), (request.clone(), tag));
        Ok(())
    }

    fn request_by_tag(&self, tag: Tag, now: DateTime<Utc>) -> Result<Option<SubscriptionRequest>, StoreError> {
        let tables = self.tables();
        let mut requests = tables.readers.requests.values();
        let found = requests.find(|(request, of)| *of == tag && request.requested >= now - REQUEST_LIFETIME);
        Ok(found.map(|(request, _)| request.clone()))
    }

    fn request_of(
        &self,
        address: &EmailAddress,
        now: DateTime<Utc>,
    ) -> Result<Option<SubscriptionRequest>, StoreError> {
        let tables = self.tables();
        let found = tables.readers.requests.get(&address.key());
        Ok(found.map(|(request, _)| request.clone()).filter(|request| request.requested >= now - REQUEST_LIFETIME))
    }

    fn confirm(&mut self, request: &SubscriptionRequest, now: DateTime<Utc>) -> Result<Option<Status>, StoreError> {
        let mut guard = self.tables();
        let tables = &mut *guard;
        tables.write()?;
        let SubscriptionRequest { address, language, page, wording, ip, requested, .. } = request.clone();
        tables.readers.requests.remove(&address.key());
        let before = tables.find(&address).map(|subscriber| subscriber.status);
        if before == Some(Status::Complained) {
            return Ok(before);
        }
        tables.forgotten.remove(&address.key());
        tables.readers.blocked.remove(&address.key());
        let new = NewSubscriber::new(address.clone(), &request.name);
        let id = match tables.find(&address) {
            Some(subscriber) => {
                subscriber.status = Status::Active;
                if subscriber.name.is_empty() {
                    subscriber.name = new.name;
                }
                subscriber.id
            }
            None => {
                tables.last_number += 1;
                let id = SubscriberId(tables.last_number);
                tables.subscribers.push(new.into_subscriber(id, now));
                id
            }
        };
        tables.readers.unsubscriptions.remove(&id);
        if tables.readers.consents_of(id).iter().all(|consent| consent.requested != requested) {
            let consent = Consent { requested, confirmed: now, language, page, wording, ip };
            tables.readers.consents.push((id, consent));
            tables.readers.consents.sort_by_key(|(_, consent)| consent.requested);
        }
        Ok(before)
    }

    fn consents(&self, subscriber: SubscriberId) -> Result<Vec<Consent>, StoreError> {
        Ok(self.tables().readers.consents_of(subscriber))
    }

    fn leave(
        &mut self,
        subscriber: SubscriberId,
        channel: Channel,
        message: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<Status>, StoreError> {
        let mut tables = self.tables();
        tables.write()?;
        let Some(person) = tables.by_number(subscriber) else { return Ok(None) };
        let (address, before) = (person.address.clone(), person.status);
        if matches!(before, Status::Active | Status::Unconfirmed) {
            person.status = Status::Unsubscribed;
            tables.readers.unsubscriptions.insert(subscriber, Unsubscription { channel, at: now });
            if let Some(language) = message {
                tables.readers.message(MessageKind::Goodbye, &address, language, now);
            }
        }
        Ok(Some(before))
    }

    fn unsubscription(&self, subscriber: SubscriberId) -> Result<Option<Unsubscription>, StoreError> {
        Ok(self.tables().readers.unsubscriptions.get(&subscriber).copied())
    }

    fn come_back(&mut self, subscriber: SubscriberId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        tables.write()?;
        let left = tables.readers.unsubscriptions.get(&subscriber).copied();
        let Some(person) = tables.by_number(subscriber) else { return Ok(false) };
        if person.status == Status::Unsubscribed && left.is_some_and(|left| left.at >= now - UNDO_PERIOD) {
            person.status = Status::Active;
            tables.readers.unsubscriptions.remove(&subscriber);
            return Ok(true);
        }
        Ok(person.status == Status::Active)
    }

    fn unsubscriptions_since(&self, since: DateTime<Utc>) -> Result<Vec<(Channel, u64)>, StoreError> {
        let tables = self.tables();
        let count = |channel: Channel| {
            let left = tables.readers.unsubscriptions.values();
            left.filter(|left| left.channel == channel && left.at >= since).count() as u64
        };
        let counts = Channel::ALL.map(|channel| (channel, count(channel)));
        Ok(counts.into_iter().filter(|(_, count)| *count > 0).collect())
    }

    fn block(&mut self, address: &EmailAddress, _: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.write()?;
        tables.readers.blocked.insert(address.key());
        Ok(())
    }

    fn is_blocked(&self, address: &EmailAddress) -> Result<bool, StoreError> {
        Ok(self.tables().readers.blocked.contains(&address.key()))
    }

    fn queue_message(
        &mut self,
        kind: MessageKind,
        address: &EmailAddress,
        language: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.write()?;
        tables.readers.message(kind, address, language, now);
        Ok(())
    }

    fn begin_batch(&mut self, run: &Run, now: DateTime<Utc>) -> Result<Option<u64>, StoreError> {
        let mut tables = self.tables();
        if tables.readers.batch.is_some() && !self.has_batch {
            return Ok(None);
        }
        tables.readers.batch = Some(run.clone());
        let unknown = tables.readers.settle(now);
        drop(tables);
        self.has_batch = true;
        Ok(Some(unknown))
    }

    fn claim_messages(&mut self, limit: usize, now: DateTime<Utc>) -> Result<Vec<TransactionalMessage>, StoreError> {
        self.sending()?;
        let mut tables = self.tables();
        tables.write()?;
        let is_due = |message: &Message| match message.record.state {
            State::Queued => true,
            State::Deferred => message.retry_at.is_some_and(|at| at <= now),
            _ => false,
        };
        let mut due: Vec<_> = tables.readers.messages.iter_mut().filter(|(_, message)| is_due(message)).collect();
        due.sort_by_key(|(id, message)| (message.retry_at.is_some(), **id));
        let claimed = due.into_iter().take(limit).filter_map(|(id, message)| {
            let record = &mut message.record;
            (record.state, record.changed) = (State::Claimed, now);
            Some(TransactionalMessage {
                id: MessageId(*id),
                kind: record.kind,
                address: message.address.clone()?,
                language: record.language.clone(),
                created: record.created,
                attempts: record.attempts,
            })
        });
        Ok(claimed.collect())
    }

    fn record_message(&mut self, id: MessageId, entry: &LedgerEntry, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.sending()?;
        let mut tables = self.tables();
        tables.write()?;
        let step = MessageStep::of(entry, now);
        let message = tables.claimed(id, step.from)?;
        message.take(&step, now);
        if let Some(address) = message.address.clone().filter(|_| step.suppress)
            && let Some(subscriber) = tables.find(&address)
            && matches!(subscriber.status, Status::Active | Status::Unconfirmed)
        {
            subscriber.status = Status::Suppressed;
        }
        Ok(())
    }

    fn drop_message(&mut self, id: MessageId, why: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.sending()?;
        let mut tables = self.tables();
        tables.write()?;
        let message = tables.claimed(id, [State::Claimed; 2])?;
        message.retry_at = None;
        let record = &mut message.record;
        (record.state, record.reply, record.changed) = (State::Suppressed, Some(why.to_owned()), now);
        Ok(())
    }

    fn end_batch(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.has_batch) {
            self.tables().readers.batch = None;
        }
        Ok(())
    }

    fn message_counts(&self) -> Result<StateCounts, StoreError> {
        let mut counts = StateCounts::default();
        for message in self.tables().readers.messages.values() {
            counts.set(message.record.state, counts.of(message.record.state) + 1);
        }
        Ok(counts)
    }

    fn last_message(&self, kind: MessageKind, address: &EmailAddress) -> Result<Option<DateTime<Utc>>, StoreError> {
        let messages = self.tables().readers.messages_to(address);
        let accepted = messages.into_iter().filter(|message| message.kind == kind && message.state == State::Sent);
        Ok(accepted.map(|message| message.changed).max())
    }

    fn purge(&mut self, ips_before: DateTime<Utc>, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut guard = self.tables();
        let tables = &mut *guard;
        tables.write()?;
        let rows = |tables: &Tables| {
            let Tables { readers, rates, handled, .. } = tables;
            readers.requests.len() + rates.len() + readers.messages.len() + handled.len()
        };
        let before = rows(tables);
        tables.readers.requests.retain(|_, (request, _)| request.requested >= now - REQUEST_LIFETIME);
        tables.rates.retain(|name, full_at| !name.starts_with(RATES) || *full_at > now - RATES_KEPT);
        let pending = [State::Queued, State::Claimed, State::Sending, State::Deferred];
        let stays = |record: &MessageRecord| pending.contains(&record.state) || record.changed >= now - MESSAGES_KEPT;
        tables.readers.messages.retain(|_, message| stays(&message.record));
        tables.handled.retain(|_, at| *at >= now - DIGESTS_KEPT);
        let deleted = before - rows(tables);
        let requests = tables.readers.requests.values_mut().map(|(request, _)| (request.requested, &mut request.ip));
        let consents = tables.readers.consents.iter_mut().map(|(_, consent)| (consent.requested, &mut consent.ip));
        let old = requests.chain(consents).filter(|(requested, ip)| *requested < ips_before && ip.is_some());
        let changed = old.map(|(_, ip)| *ip = None).count();
        Ok((deleted + changed) as u64)
    }
}
