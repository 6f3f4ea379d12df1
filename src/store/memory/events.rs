//! What mail that came in changed, and which messages were handled.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Memory;
use crate::bounce::Class;
use crate::issue::IssueId;
use crate::ledger::State;
use crate::store::events::{COMPLAINED, EventOutcome, MAY_HAVE_LEFT, MailEvent};
use crate::store::{EventStore, ReaderStore as _, Store as _, StoreError};
use crate::subscriber::{Status, SubscriberId};
use crate::unsubscription::{Channel, Unsubscription};

impl EventStore for Memory {
    fn is_handled(&self, digest: &str) -> Result<bool, StoreError> {
        Ok(self.tables().handled.contains_key(digest))
    }

    fn handle(
        &mut self,
        digest: &str,
        events: &[MailEvent],
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<EventOutcome>>, StoreError> {
        let mut tables = self.tables();
        tables.write()?;
        if tables.handled.contains_key(digest) {
            return Ok(None);
        }
        tables.handled.insert(digest.to_owned(), now);
        drop(tables);
        events.iter().map(|event| self.record_event(event, now)).collect::<Result<_, _>>().map(Some)
    }

    fn deliveries_since(
        &self,
        subscriber: SubscriberId,
        since: DateTime<Utc>,
    ) -> Result<Vec<(IssueId, DateTime<Utc>)>, StoreError> {
        let tables = self.tables();
        let theirs = tables.rows.values().map(|row| &row.delivery).filter(|delivery| {
            delivery.subscriber == subscriber
                && delivery.changed.is_some_and(|changed| changed >= since)
                && MAY_HAVE_LEFT.contains(&delivery.state)
        });
        let number = |issue: &IssueId| tables.mailings.iter().position(|mailing| mailing.issue == *issue);
        let mut found: Vec<_> =
            theirs.map(|delivery| (delivery.issue.clone(), delivery.changed.unwrap_or_default())).collect();
        found.sort_by_key(|(issue, changed)| std::cmp::Reverse((*changed, number(issue))));
        Ok(found)
    }

    fn bounces(&self, issue: &IssueId) -> Result<Vec<(Class, u64)>, StoreError> {
        let (tables, mut counts) = (self.tables(), BTreeMap::new());
        let deliveries = tables.rows.values().map(|row| &row.delivery);
        for delivery in deliveries.filter(|it| it.issue == *issue && it.state == State::Bounced) {
            *counts.entry(delivery.class.unwrap_or(Class::Unknown)).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }

    fn accept_failures(&mut self, issue: &IssueId, failures: u64) -> Result<(), StoreError> {
        self.tables().accepted_failures.insert(issue.clone(), failures);
        Ok(())
    }

    fn accepted_failures(&self, issue: &IssueId) -> Result<u64, StoreError> {
        Ok(self.tables().accepted_failures.get(issue).copied().unwrap_or_default())
    }
}

impl Memory {
    fn record_event(&mut self, event: &MailEvent, now: DateTime<Utc>) -> Result<EventOutcome, StoreError> {
        let before = match event {
            MailEvent::Bounced { issue, subscriber, class, reply, suppress } => {
                return Ok(self.bounced((issue, *subscriber), (*class, reply), *suppress, now));
            }
            MailEvent::Complained { subscriber } => return Ok(self.complained(*subscriber, now)),
            MailEvent::Left { subscriber, channel, message } => {
                let before = self.leave(*subscriber, *channel, message.as_deref(), now)?;
                return Ok(match before {
                    Some(Status::Active | Status::Unconfirmed) => EventOutcome::Recorded(before),
                    _ => EventOutcome::Unchanged,
                });
            }
            MailEvent::Requested { request, tag } => {
                self.note_request(request, *tag)?;
                self.subscriber(&request.address)?.map(|subscriber| subscriber.status)
            }
            MailEvent::Confirmed { request } => self.confirm(request, now)?,
            MailEvent::Answered { kind, address, language } => {
                self.queue_message(*kind, address, language, now)?;
                self.subscriber(address)?.map(|subscriber| subscriber.status)
            }
        };
        Ok(EventOutcome::Recorded(before))
    }

    fn bounced(
        &self,
        (issue, id): (&IssueId, SubscriberId),
        (class, reply): (Class, &str),
        suppress: bool,
        now: DateTime<Utc>,
    ) -> EventOutcome {
        let mut guard = self.tables();
        let tables = &mut *guard;
        let Some(subscriber) = tables.subscribers.iter_mut().find(|it| it.id == id) else {
            return EventOutcome::Unchanged;
        };
        let Some(row) = tables.rows.get_mut(&(issue.clone(), id)) else { return EventOutcome::Unchanged };
        let delivery = &mut row.delivery;
        let may_bounce = [State::Sent, State::Unknown, State::Claimed, State::Sending].contains(&delivery.state);
        if !may_bounce || delivery.class.is_some() {
            return EventOutcome::Unchanged;
        }
        (delivery.class, delivery.reply) = (Some(class), Some(reply.to_owned()));
        if matches!(delivery.state, State::Sent | State::Unknown) {
            (delivery.state, delivery.changed, row.run) = (State::Bounced, Some(now), None);
        }
        let before = subscriber.status;
        if suppress && matches!(before, Status::Active | Status::Unconfirmed) {
            subscriber.status = Status::Suppressed;
        }
        EventOutcome::Recorded(Some(before))
    }

    fn complained(&self, id: SubscriberId, now: DateTime<Utc>) -> EventOutcome {
        let mut guard = self.tables();
        let tables = &mut *guard;
        let subscriber = tables.subscribers.iter_mut().find(|it| it.id == id && it.status != Status::Complained);
        let Some(subscriber) = subscriber else { return EventOutcome::Unchanged };
        let (address, before) = (subscriber.address.clone(), subscriber.status);
        subscriber.status = Status::Complained;
        tables.readers.unsubscriptions.insert(id, Unsubscription { channel: Channel::Complaint, at: now });
        tables.readers.requests.remove(&address.key());
        tables.readers.drop_queued(&address, COMPLAINED, now);
        EventOutcome::Recorded(Some(before))
    }
}
