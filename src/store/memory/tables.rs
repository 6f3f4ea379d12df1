//! The rows of the store in memory, and how they change.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::readers::Readers;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, Delivery, LedgerEntry, Mailing, Recovered, Run, State};
use crate::store::{Added, Adoption, Occurrence, StoreError};
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};

#[derive(Default)]
pub(super) struct Tables {
    pub subscribers: Vec<Subscriber>,
    /// The highest number a subscriber was ever given.
    pub last_number: i64,
    /// The keys of forgotten addresses.
    pub forgotten: BTreeSet<String>,
    /// By number, the word for whether the list names the subscriber.
    pub listed: BTreeMap<i64, String>,
    pub mailings: Vec<Mailing>,
    pub rows: BTreeMap<(IssueId, SubscriberId), Row>,
    pub runs: Vec<Run>,
    /// The run counter.
    pub counted: u64,
    pub rates: BTreeMap<String, DateTime<Utc>>,
    /// How much of each quota is used on each day.
    pub quotas: BTreeMap<(String, NaiveDate), u64>,
    pub servers: BTreeMap<(String, String), (bool, DateTime<Utc>)>,
    pub readers: Readers,
    /// When the message with each digest was handled.
    pub handled: BTreeMap<String, DateTime<Utc>>,
    /// How many failures of a mailing a person has accepted.
    pub accepted_failures: BTreeMap<IssueId, u64>,
    pub sending: Option<Run>,
    pub writes_left: Option<u32>,
}

pub(super) struct Row {
    pub delivery: Delivery,
    pub retry_at: Option<DateTime<Utc>>,
    pub run: Option<usize>,
}

impl Tables {
    pub fn write(&mut self) -> Result<(), StoreError> {
        match &mut self.writes_left {
            None => Ok(()),
            Some(0) => Err(StoreError::Full),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    pub fn find(&mut self, address: &EmailAddress) -> Option<&mut Subscriber> {
        self.subscribers.iter_mut().find(|subscriber| subscriber.address.key() == address.key())
    }

    /// Whether an issue is in a mailing, by itself or in a digest.
    pub fn is_mailed(&self, issue: &IssueId) -> bool {
        let mut digests = self.mailings.iter().filter_map(|mailing| mailing.digest.as_ref());
        digests.any(|digest| digest.issues.contains(issue))
            || self.mailings.iter().any(|mailing| mailing.issue == *issue)
    }

    /// The row of a recipient that this run has claimed.
    pub fn taken(&mut self, issue: &IssueId, id: SubscriberId, run: usize, states: &[State]) -> Option<&mut Row> {
        let row = self.rows.get_mut(&(issue.clone(), id))?;
        (row.run == Some(run) && states.contains(&row.delivery.state)).then_some(row)
    }

    /// Records an entry, unless another run has claimed the recipient.
    pub fn enter(
        &mut self,
        issue: &IssueId,
        id: SubscriberId,
        run: usize,
        entry: LedgerEntry,
        now: DateTime<Utc>,
    ) -> bool {
        match entry {
            LedgerEntry::Sending => self.shift(issue, id, run, [State::Claimed, State::Sending]),
            LedgerEntry::Unsent => self.shift(issue, id, run, [State::Sending, State::Claimed]),
            LedgerEntry::Settled(outcome) => self.settle(issue, id, run, outcome, now),
        }
    }

    pub fn shift(&mut self, issue: &IssueId, id: SubscriberId, run: usize, [from, to]: [State; 2]) -> bool {
        self.taken(issue, id, run, &[from]).map(|row| row.delivery.state = to).is_some()
    }

    /// Adds a subscriber. Numbers up to `known` existed before the list; `met` contains those already seen in it.
    pub fn add(
        &mut self,
        new: NewSubscriber,
        now: DateTime<Utc>,
        added: &mut Added,
        known: i64,
        met: &mut BTreeSet<SubscriberId>,
    ) {
        if self.forgotten.contains(&new.address.key()) {
            added.forgotten += 1;
            return;
        }
        let Some(there) = self.find(&new.address) else {
            self.last_number += 1;
            let id = SubscriberId(self.last_number);
            added.count(Occurrence::New, new.status, new.status);
            return self.subscribers.push(new.into_subscriber(id, now));
        };
        let (before, is_of_this_list) = (there.status, there.id.0 > known);
        there.status = before.after(new.status, is_of_this_list);
        let how = match is_of_this_list {
            true => Occurrence::Repeated,
            false if met.insert(there.id) => Occurrence::Known,
            false => Occurrence::KnownAgain,
        };
        added.count(how, before, there.status);
    }

    pub fn adopt(&mut self, mailing: &Mailing, why: &str, now: DateTime<Utc>) -> Adoption {
        if self.mailings.iter().all(|known| known.issue != mailing.issue) {
            let mut entered = mailing.clone();
            if let Some(digest) = &mut entered.digest {
                digest.issues.retain(|issue| !self.is_mailed(issue));
            }
            self.mailings.push(entered);
            return Adoption::Entered;
        }
        let open = [State::Queued, State::Claimed, State::Sending, State::Deferred];
        let rows = self.rows.values_mut().filter(|row| row.delivery.issue == mailing.issue);
        let waiting = rows.filter(|row| open.contains(&row.delivery.state));
        let settled = waiting.map(|row| {
            (row.delivery.state, row.delivery.reply, row.delivery.changed) =
                (State::Unknown, Some(why.to_owned()), Some(now));
            (row.run, row.retry_at, row.delivery.class) = (None, None, None);
        });
        Adoption::Settled(settled.count() as u64)
    }

    pub fn recover(&mut self, run: &Run, now: DateTime<Utc>) -> Recovered {
        let mut recovered = Recovered::default();
        for row in self.rows.values_mut() {
            let delivery = &mut row.delivery;
            if !matches!(delivery.state, State::Claimed | State::Sending) {
                continue;
            }
            let same_boot = row.run.is_some_and(|dead| self.runs[dead].boot_id == run.boot_id);
            delivery.changed = Some(now);
            if same_boot && delivery.state == State::Claimed {
                (delivery.state, delivery.class) = (State::Queued, None);
                recovered.requeued += 1;
                continue;
            }
            delivery.attempts += 1;
            if delivery.class.is_some() {
                delivery.state = State::Bounced;
                continue;
            }
            delivery.state = State::Unknown;
            recovered.unknown.push(delivery.clone());
        }
        recovered
    }

    pub fn settle(
        &mut self,
        issue: &IssueId,
        id: SubscriberId,
        run: usize,
        outcome: AttemptOutcome,
        now: DateTime<Utc>,
    ) -> bool {
        let Some(row) = self.taken(issue, id, run, &[State::Claimed, State::Sending]) else { return false };
        let suppresses = matches!(outcome, AttemptOutcome::Failed { suppress: true, .. });
        let (state, reply) = match outcome {
            AttemptOutcome::Sent(reply) => (State::Sent, Some(reply)),
            AttemptOutcome::Deferred { reply, retry_at } => {
                row.retry_at = Some(retry_at);
                (State::Deferred, Some(reply))
            }
            AttemptOutcome::Failed { reply, .. } => (State::Failed, Some(reply)),
            AttemptOutcome::Unknown(reply) => (State::Unknown, Some(reply)),
            AttemptOutcome::Requeued => (State::Queued, row.delivery.reply.take()),
            AttemptOutcome::RequeuedAfterRefusal(reply) => {
                row.retry_at = Some(now);
                (State::Queued, Some(reply))
            }
        };
        row.delivery.attempts += u32::from(state != State::Queued);
        let has_bounced = row.delivery.class.is_some() && matches!(state, State::Sent | State::Unknown);
        let (state, reply) = if has_bounced { (State::Bounced, row.delivery.reply.take()) } else { (state, reply) };
        row.delivery.class = row.delivery.class.filter(|_| has_bounced);
        (row.delivery.state, row.delivery.reply, row.delivery.changed) = (state, reply, Some(now));
        if suppresses {
            let subscriber = self.subscribers.iter_mut().find(|subscriber| subscriber.id == id);
            subscriber.into_iter().for_each(|subscriber| subscriber.status = Status::Suppressed);
        }
        true
    }
}
