//! Requests, consents, unsubscriptions, blocks and messages.

use chrono::{DateTime, Utc};

use super::Sqlite;
use crate::consent::{Consent, SubscriptionRequest};
use crate::email::EmailAddress;
use crate::ledger::{LedgerEntry, Run, StateCounts};
use crate::rate::Rate;
use crate::store::{ReaderStore, StoreError};
use crate::subscriber::{Status, SubscriberId};
use crate::token::Tag;
use crate::transactional_message::{MessageId, MessageKind, TransactionalMessage};
use crate::unsubscription::{Channel, Unsubscription};

impl ReaderStore for Sqlite {
    fn take_one_of_each(&mut self, rates: &[Rate], now: DateTime<Utc>) -> Result<bool, StoreError> {
        Err(crate::store::unfinished())
    }
    fn note_request(&mut self, request: &SubscriptionRequest, tag: Tag) -> Result<(), StoreError> {
        Err(crate::store::unfinished())
    }
    fn request_by_tag(&self, tag: Tag, now: DateTime<Utc>) -> Result<Option<SubscriptionRequest>, StoreError> {
        Err(crate::store::unfinished())
    }
    fn request_of(
        &self,
        address: &EmailAddress,
        now: DateTime<Utc>,
    ) -> Result<Option<SubscriptionRequest>, StoreError> {
        Err(crate::store::unfinished())
    }
    fn confirm(&mut self, request: &SubscriptionRequest, now: DateTime<Utc>) -> Result<Option<Status>, StoreError> {
        Err(crate::store::unfinished())
    }
    fn consents(&self, subscriber: SubscriberId) -> Result<Vec<Consent>, StoreError> {
        Err(crate::store::unfinished())
    }
    fn leave(
        &mut self,
        subscriber: SubscriberId,
        channel: Channel,
        message: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<Status>, StoreError> {
        Err(crate::store::unfinished())
    }
    fn unsubscription(&self, subscriber: SubscriberId) -> Result<Option<Unsubscription>, StoreError> {
        Err(crate::store::unfinished())
    }
    fn come_back(&mut self, subscriber: SubscriberId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        Err(crate::store::unfinished())
    }
    fn unsubscriptions_since(&self, since: DateTime<Utc>) -> Result<Vec<(Channel, u64)>, StoreError> {
        Err(crate::store::unfinished())
    }
    fn block(&mut self, address: &EmailAddress, now: DateTime<Utc>) -> Result<(), StoreError> {
        Err(crate::store::unfinished())
    }
    fn is_blocked(&self, address: &EmailAddress) -> Result<bool, StoreError> {
        Err(crate::store::unfinished())
    }
    fn queue_message(
        &mut self,
        kind: MessageKind,
        address: &EmailAddress,
        language: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        Err(crate::store::unfinished())
    }
    fn begin_batch(&mut self, run: &Run, now: DateTime<Utc>) -> Result<Option<u64>, StoreError> {
        Err(crate::store::unfinished())
    }
    fn claim_messages(&mut self, limit: usize, now: DateTime<Utc>) -> Result<Vec<TransactionalMessage>, StoreError> {
        Err(crate::store::unfinished())
    }
    fn record_message(&mut self, id: MessageId, entry: &LedgerEntry, now: DateTime<Utc>) -> Result<(), StoreError> {
        Err(crate::store::unfinished())
    }
    fn drop_message(&mut self, id: MessageId, why: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        Err(crate::store::unfinished())
    }
    fn end_batch(&mut self) -> Result<(), StoreError> {
        Err(crate::store::unfinished())
    }
    fn message_counts(&self) -> Result<StateCounts, StoreError> {
        Err(crate::store::unfinished())
    }
    fn last_message(&self, kind: MessageKind, address: &EmailAddress) -> Result<Option<DateTime<Utc>>, StoreError> {
        Err(crate::store::unfinished())
    }
    fn purge(&mut self, ips_before: DateTime<Utc>, now: DateTime<Utc>) -> Result<u64, StoreError> {
        Err(crate::store::unfinished())
    }
}
