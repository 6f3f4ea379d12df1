//! A ledger in memory, as much of the store's contract as delivery needs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{Claim, Counts, Delivery, Mailing, Outcome, Recovered, Run, State};
use crate::store::{Added, Begun, Store, StoreError};
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};

#[derive(Default)]
pub(super) struct Fake {
    pub(super) subscribers: Vec<Subscriber>,
    mailings: Vec<Mailing>,
    rows: BTreeMap<(IssueId, i64), Row>,
    pub(super) busy: Option<Run>,
    /// How many more writes succeed, before the disk is full; `None`: all.
    pub(super) writes_left: Option<u32>,
}

struct Row {
    delivery: Delivery,
    retry_at: Option<DateTime<Utc>>,
}

impl Fake {
    fn write(&mut self) -> Result<(), StoreError> {
        match &mut self.writes_left {
            None => Ok(()),
            Some(0) => Err(StoreError::Full),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    /// State, tries and reply of an address, for each issue.
    pub(super) fn state(&self, address: &str) -> Vec<(State, u32, String)> {
        let rows = self.rows.values().filter(|row| row.delivery.address.as_str() == address);
        rows.map(|row| {
            let delivery = &row.delivery;
            (delivery.state, delivery.attempts, delivery.reply.clone().unwrap_or_default())
        })
        .collect()
    }
}

impl Store for Fake {
    fn add_subscribers(
        &mut self,
        new: &mut dyn Iterator<Item = NewSubscriber>,
        now: DateTime<Utc>,
    ) -> Result<Added, StoreError> {
        let mut added = Added::default();
        for subscriber in new {
            let id = SubscriberId(self.subscribers.len() as i64 + 1);
            let NewSubscriber { address, name, attributes, .. } = subscriber;
            self.subscribers.push(Subscriber { id, address, name, status: Status::Active, attributes, created: now });
            added.new += 1;
        }
        Ok(added)
    }

    fn subscriber(&self, address: &EmailAddress) -> Result<Option<Subscriber>, StoreError> {
        Ok(self.subscribers.iter().find(|subscriber| subscriber.address == *address).cloned())
    }

    fn each_subscriber(
        &self,
        status: Option<Status>,
        each: &mut dyn FnMut(Subscriber) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let wanted = |subscriber: &&Subscriber| status.is_none_or(|status| subscriber.status == status);
        self.subscribers.iter().filter(wanted).cloned().try_for_each(each)
    }

    fn set_status(
        &mut self,
        address: &EmailAddress,
        status: Status,
        _: DateTime<Utc>,
    ) -> Result<Option<Status>, StoreError> {
        let subscriber = self.subscribers.iter_mut().find(|subscriber| subscriber.address == *address);
        Ok(subscriber.map(|subscriber| std::mem::replace(&mut subscriber.status, status)))
    }

    fn begin_run(&mut self, _: &Run, _: DateTime<Utc>) -> Result<Begun, StoreError> {
        if let Some(run) = &self.busy {
            return Ok(Begun::Busy(Some(run.clone())));
        }
        let mut recovered = Recovered::default();
        for row in self.rows.values_mut() {
            match row.delivery.state {
                State::Claimed => {
                    row.delivery.state = State::Queued;
                    recovered.requeued += 1;
                }
                State::Sending => {
                    row.delivery.state = State::Unknown;
                    recovered.unknown.push(row.delivery.clone());
                }
                _ => {}
            }
        }
        Ok(Begun::Started(recovered))
    }

    fn freeze(&mut self, issue: &IssueId, content_hash: &str, now: DateTime<Utc>) -> Result<Mailing, StoreError> {
        if let Some(mailing) = self.mailing(issue)? {
            return Ok(mailing);
        }
        for subscriber in self.subscribers.iter().filter(|subscriber| subscriber.status == Status::Active) {
            let delivery = Delivery {
                issue: issue.clone(),
                subscriber: subscriber.id,
                address: subscriber.address.clone(),
                state: State::Queued,
                attempts: 0,
                reply: None,
                changed: None,
            };
            self.rows.insert((issue.clone(), subscriber.id.0), Row { delivery, retry_at: None });
        }
        let expected = self.counts(issue)?.total();
        let mailing = Mailing { issue: issue.clone(), content_hash: content_hash.to_owned(), frozen_at: now, expected };
        self.mailings.push(mailing.clone());
        Ok(mailing)
    }

    fn mailing(&self, issue: &IssueId) -> Result<Option<Mailing>, StoreError> {
        Ok(self.mailings.iter().find(|mailing| mailing.issue == *issue).cloned())
    }

    fn mailings(&self) -> Result<Vec<Mailing>, StoreError> {
        Ok(self.mailings.iter().rev().cloned().collect())
    }

    fn claim(&mut self, issue: &IssueId, limit: usize, now: DateTime<Utc>) -> Result<Vec<Claim>, StoreError> {
        self.write()?;
        let mut claims = Vec::new();
        for ((of, number), row) in &mut self.rows {
            let due = match row.delivery.state {
                State::Queued => true,
                State::Deferred => row.retry_at.is_some_and(|at| at <= now),
                _ => false,
            };
            if of != issue || !due || claims.len() == limit {
                continue;
            }
            let subscriber = self.subscribers[*number as usize - 1].clone();
            if subscriber.status != Status::Active {
                row.delivery.state = State::Suppressed;
                continue;
            }
            row.delivery.state = State::Claimed;
            claims.push(Claim { subscriber, attempts: row.delivery.attempts });
        }
        Ok(claims)
    }

    fn sending(&mut self, issue: &IssueId, subscriber: SubscriberId, _: DateTime<Utc>) -> Result<(), StoreError> {
        self.write()?;
        if let Some(row) = self.rows.get_mut(&(issue.clone(), subscriber.0)) {
            row.delivery.state = State::Sending;
        }
        Ok(())
    }

    fn record(
        &mut self,
        issue: &IssueId,
        outcomes: &[(SubscriberId, Outcome)],
        _: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write()?;
        for (subscriber, outcome) in outcomes {
            let Some(row) = self.rows.get_mut(&(issue.clone(), subscriber.0)) else { continue };
            let (state, reply) = match outcome.clone() {
                Outcome::Sent(reply) => (State::Sent, Some(reply)),
                Outcome::Deferred { reply, retry_at } => {
                    row.retry_at = Some(retry_at);
                    (State::Deferred, Some(reply))
                }
                Outcome::Failed { reply, suppress } => {
                    if suppress {
                        self.subscribers[subscriber.0 as usize - 1].status = Status::Suppressed;
                    }
                    (State::Failed, Some(reply))
                }
                Outcome::Unknown(reply) => (State::Unknown, Some(reply)),
                Outcome::Requeued => (State::Queued, None),
            };
            row.delivery.attempts += u32::from(state != State::Queued);
            (row.delivery.state, row.delivery.reply) = (state, reply);
        }
        Ok(())
    }

    fn counts(&self, issue: &IssueId) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        for (_, row) in self.rows.iter().filter(|((of, _), _)| of == issue) {
            counts.set(row.delivery.state, counts.of(row.delivery.state) + 1);
        }
        Ok(counts)
    }

    fn each_delivery(
        &self,
        issue: &IssueId,
        state: Option<State>,
        each: &mut dyn FnMut(Delivery) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let of_issue = self.rows.values().map(|row| &row.delivery).filter(|delivery| delivery.issue == *issue);
        let wanted = |delivery: &&Delivery| state.is_none_or(|state| delivery.state == state);
        of_issue.filter(wanted).cloned().try_for_each(each)
    }

    fn resolve(
        &mut self,
        issue: &IssueId,
        addresses: &[EmailAddress],
        to: State,
        _: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut count = 0;
        for ((of, _), row) in &mut self.rows {
            let named = addresses.is_empty() || addresses.contains(&row.delivery.address);
            if of == issue && row.delivery.state == State::Unknown && named {
                row.delivery.state = to;
                count += 1;
            }
        }
        Ok(count)
    }
}
