//! The store in memory, for tests: the same contract, with faults on request.
//!
//! Every handle from `open` acts as another process with the same store; dropping it is that process's death.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::anyhow;
use chrono::{DateTime, Utc};

use crate::digest::DigestContents;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{Claim, Delivery, LedgerEntry, Mailing, Recovered, Run, State, StateCounts};
use crate::rate::{Permits, Quota, Rate};
use crate::statistics::masked;
use crate::store::listed::{Changes, MISSING, NAMED};
use crate::store::{
    Added, Adoption, Barrier, Erasure, ForgetOutcome, MAX_GREETINGS, PersonalData, Requeued, RunStart, Store,
    StoreError, Visit,
};
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};
use crate::token::{Secret, Tag};

use tables::{Row, Tables};

mod events;
mod readers;
mod tables;

/// One process's handle of the store.
#[derive(Default)]
pub(crate) struct Memory {
    tables: Arc<Mutex<Tables>>,
    /// The number of this process's run, while it may send.
    run: Option<usize>,
    /// Whether this process may send messages.
    has_batch: bool,
}

impl Memory {
    /// Opens the same store as another process.
    pub(crate) fn open(&self) -> Self {
        Self { tables: Arc::clone(&self.tables), run: None, has_batch: false }
    }

    /// Makes another process send.
    pub(crate) fn busy(&self, run: Run) {
        self.tables().sending = Some(run);
    }

    /// How many more writes succeed before the disk is full; `None` for no limit.
    pub(crate) fn writes_left(&self, writes: Option<u32>) {
        self.tables().writes_left = writes;
    }

    /// State, attempts and reply of an address, for each issue.
    pub(crate) fn state(&self, address: &str) -> Vec<(State, u32, String)> {
        let tables = self.tables();
        let deliveries = tables.rows.values().map(|row| &row.delivery);
        deliveries
            .filter(|delivery| delivery.address_or_forgotten() == address)
            .map(|delivery| (delivery.state, delivery.attempts, delivery.reply.clone().unwrap_or_default()))
            .collect()
    }

    /// The status of every subscriber.
    pub(crate) fn statuses(&self) -> Vec<Status> {
        self.tables().subscribers.iter().map(|subscriber| subscriber.status).collect()
    }

    fn claimed(
        &self,
        issue: &IssueId,
        limit: usize,
        now: DateTime<Utc>,
        wanted: impl Fn(SubscriberId) -> bool,
    ) -> Result<Vec<Claim>, StoreError> {
        let run = self.run.ok_or_else(|| failed("no run has begun"))?;
        let mut guard = self.tables();
        guard.write()?;
        let tables = &mut *guard;
        let mut claims = Vec::new();
        let waiting = tables.rows.iter_mut().filter(|((of, id), _)| of == issue && wanted(*id));
        let (untried, tried): (Vec<_>, Vec<_>) =
            waiting.partition(|(_, row)| row.delivery.state == State::Queued && row.retry_at.is_none());
        for (_, row) in untried.into_iter().chain(tried) {
            let is_due = match row.delivery.state {
                State::Queued => true,
                State::Deferred => row.retry_at.is_some_and(|at| at <= now),
                _ => false,
            };
            if !is_due || claims.len() == limit {
                continue;
            }
            let id = row.delivery.subscriber;
            let Some(subscriber) = tables.subscribers.iter().find(|subscriber| subscriber.id == id).cloned() else {
                continue;
            };
            if subscriber.status != Status::Active {
                row.delivery.state = State::Suppressed;
                continue;
            }
            (row.delivery.state, row.run) = (State::Claimed, Some(run));
            let (attempts, was_refused) = (row.delivery.attempts, row.retry_at.is_some());
            claims.push(Claim { subscriber, attempts, was_refused });
        }
        Ok(claims)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.run.is_some() {
            self.tables().sending = None;
        }
        if self.has_batch {
            self.tables().readers.batch = None;
        }
    }
}

fn failed(why: &str) -> StoreError {
    StoreError::Failed { doing: "write the ledger", source: anyhow!("{why}") }
}

impl Store for Memory {
    fn add_subscribers(
        &mut self,
        new: &mut dyn Iterator<Item = NewSubscriber>,
        now: DateTime<Utc>,
    ) -> Result<Added, StoreError> {
        let mut tables = self.tables();
        let (known, mut added) = (tables.last_number, Added::default());
        let mut met = BTreeSet::new();
        new.for_each(|new| tables.add(new, now, &mut added, known, &mut met));
        Ok(added)
    }

    fn subscriber(&self, address: &EmailAddress) -> Result<Option<Subscriber>, StoreError> {
        Ok(self.tables().find(address).cloned())
    }

    fn statuses_of(&self, addresses: &[&EmailAddress]) -> Result<Vec<Option<Status>>, StoreError> {
        let mut tables = self.tables();
        Ok(addresses.iter().map(|address| tables.find(address).map(|subscriber| subscriber.status)).collect())
    }

    fn are_forgotten(&self, addresses: &[&EmailAddress]) -> Result<Vec<bool>, StoreError> {
        let tables = self.tables();
        Ok(addresses.iter().map(|address| tables.forgotten.contains(&address.key())).collect())
    }

    fn subscriber_by_id(&self, id: SubscriberId) -> Result<Option<Subscriber>, StoreError> {
        Ok(self.tables().subscribers.iter().find(|subscriber| subscriber.id == id).cloned())
    }

    fn subscriber_by_tag(&self, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>, StoreError> {
        let tables = self.tables();
        Ok(tables.subscribers.iter().find(|subscriber| secret.tag(&subscriber.address) == tag).cloned())
    }

    fn index_tags(&mut self, _secret: &Secret) -> Result<(), StoreError> {
        Ok(())
    }

    fn count_subscribers(&self, status: Option<Status>) -> Result<u64, StoreError> {
        let statuses = self.statuses().into_iter();
        Ok(statuses.filter(|one| status.is_none_or(|status| *one == status)).count() as u64)
    }

    fn visit_subscribers(&self, status: Option<Status>, visit: &mut Visit<'_>) -> anyhow::Result<()> {
        let subscribers = self.tables().subscribers.clone();
        let wanted = |subscriber: &Subscriber| status.is_none_or(|status| subscriber.status == status);
        for subscriber in subscribers.into_iter().filter(wanted) {
            if visit(subscriber)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn set_status(
        &mut self,
        address: &EmailAddress,
        status: Status,
        _: DateTime<Utc>,
    ) -> Result<Option<Status>, StoreError> {
        let mut tables = self.tables();
        let Some(subscriber) = tables.find(address) else { return Ok(None) };
        let (id, before) = (subscriber.id, std::mem::replace(&mut subscriber.status, status));
        if status == Status::Active {
            tables.readers.unsubscriptions.remove(&id);
        }
        Ok(Some(before))
    }

    fn id(&self) -> Result<String, StoreError> {
        Ok(format!("{:p}", Arc::as_ptr(&self.tables)))
    }

    fn is_empty(&self) -> Result<bool, StoreError> {
        let tables = self.tables();
        Ok(tables.subscribers.is_empty() && tables.mailings.is_empty())
    }

    fn runs(&self) -> Result<u64, StoreError> {
        Ok(self.tables().counted)
    }

    fn count_run(&mut self) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        tables.counted += 1;
        Ok(tables.counted)
    }

    fn personal_data(&self, address: &EmailAddress) -> Result<Option<PersonalData>, StoreError> {
        let mut tables = self.tables();
        let mut person = PersonalData {
            request: tables.readers.requests.get(&address.key()).map(|(request, _)| request.clone()),
            messages: tables.readers.messages_to(address),
            ..PersonalData::default()
        };
        let Some(subscriber) = tables.find(address).cloned() else { return Ok(person.if_any()) };
        let deliveries = tables.rows.values().map(|row| row.delivery.clone());
        person.deliveries = deliveries.filter(|delivery| delivery.subscriber == subscriber.id).collect();
        person.changed = Some(subscriber.created);
        person.listed = tables.listed.get(&subscriber.id.0).is_some_and(|word| word == NAMED);
        person.consents = tables.readers.consents_of(subscriber.id);
        person.unsubscription = tables.readers.unsubscriptions.get(&subscriber.id).copied();
        person.subscriber = Some(subscriber);
        Ok(Some(person))
    }

    fn forget(&mut self, address: &EmailAddress, run: &Run, now: DateTime<Utc>) -> Result<ForgetOutcome, StoreError> {
        let mut tables = self.tables();
        let recovered = if tables.sending.is_none() { tables.recover(run, now) } else { Recovered::default() };
        let id = tables.find(address).map(|subscriber| subscriber.id);
        let theirs = |(of, _): &(SubscriberId, State)| Some(*of) == id;
        let states = tables.rows.values().map(|row| (row.delivery.subscriber, row.delivery.state)).filter(theirs);
        if states.clone().any(|(_, state)| matches!(state, State::Claimed | State::Sending)) {
            return Ok(ForgetOutcome::Busy(tables.sending.clone()));
        }
        let mut erasure = Erasure { was_known: id.is_some(), is_erased: true, recovered, ..Erasure::default() };
        for row in tables.rows.values_mut().filter(|row| Some(row.delivery.subscriber) == id) {
            let delivery = &mut row.delivery;
            delivery.address = None;
            delivery.reply = delivery.reply.take().map(|reply| masked(&reply, Some(address)));
            erasure.deliveries += 1;
            if matches!(delivery.state, State::Queued | State::Deferred) {
                (delivery.state, delivery.changed) = (State::Suppressed, Some(now));
                erasure.suppressed += 1;
            }
        }
        tables.subscribers.retain(|subscriber| Some(subscriber.id) != id);
        tables.readers.forget(address, id);
        erasure.was_forgotten = !tables.forgotten.insert(address.key());
        Ok(ForgetOutcome::Done(Box::new(erasure)))
    }

    fn allow(&mut self, address: &EmailAddress) -> Result<bool, StoreError> {
        Ok(self.tables().forgotten.remove(&address.key()))
    }

    fn note_listed(&mut self, is_named: &dyn Fn(&str) -> bool) -> Result<Vec<EmailAddress>, StoreError> {
        let mut guard = self.tables();
        let tables = &mut *guard;
        let mut changes = Changes::default();
        let mut is_missing = |subscriber: &&Subscriber| {
            let listed = tables.listed.get(&subscriber.id.0).map(String::as_str);
            let is_named = is_named(&subscriber.address.key());
            changes.apply(subscriber.id.0, listed, subscriber.status.as_str(), is_named)
        };
        let gone = tables.subscribers.iter().filter(|one| is_missing(one)).map(|one| one.address.clone()).collect();
        for (word, ids) in [(NAMED, changes.named), (MISSING, changes.missing)] {
            tables.listed.extend(ids.into_iter().map(|id| (id, word.to_owned())));
        }
        Ok(gone)
    }

    fn unlisted(&self) -> Result<Vec<EmailAddress>, StoreError> {
        let tables = self.tables();
        let is_missing = |one: &&Subscriber| {
            one.status == Status::Active && tables.listed.get(&one.id.0).is_some_and(|word| word == MISSING)
        };
        Ok(tables.subscribers.iter().filter(is_missing).map(|one| one.address.clone()).collect())
    }

    fn begin_run(&mut self, run: &Run, now: DateTime<Utc>) -> Result<RunStart, StoreError> {
        if self.run.is_some() {
            return Ok(RunStart::Started(Recovered::default()));
        }
        let mut tables = self.tables();
        if let Some(other) = &tables.sending {
            return Ok(RunStart::Busy(Some(other.clone())));
        }
        let recovered = tables.recover(run, now);
        tables.sending = Some(run.clone());
        tables.runs.push(run.clone());
        let number = tables.runs.len() - 1;
        drop(tables);
        self.run = Some(number);
        Ok(RunStart::Started(recovered))
    }

    fn renew_run(&mut self, _: DateTime<Utc>) -> Result<Recovered, StoreError> {
        Ok(Recovered::default())
    }

    fn freeze(
        &mut self,
        issue: &IssueId,
        content_hash: &str,
        digest: Option<&DigestContents>,
        now: DateTime<Utc>,
    ) -> Result<Mailing, StoreError> {
        let mut tables = self.tables();
        if let Some(mailing) = tables.mailings.iter().find(|mailing| mailing.issue == *issue) {
            return Ok(mailing.clone());
        }
        let mut held = digest.map_or(std::slice::from_ref(issue), |digest| &digest.issues).iter();
        if let Some(repeated) = held.find(|issue| tables.is_mailed(issue)) {
            return Err(failed(&format!("`{repeated}` is already in a mailing")));
        }
        let is_active = |subscriber: &&Subscriber| subscriber.status == Status::Active;
        let audience: Vec<Subscriber> = tables.subscribers.iter().filter(is_active).cloned().collect();
        let expected = audience.len() as u64;
        for Subscriber { id, address, .. } in audience {
            let (issue, changed) = (issue.clone(), Some(now));
            let key = (issue.clone(), id);
            let (address, state) = (Some(address), State::Queued);
            let delivery =
                Delivery { issue, subscriber: id, address, state, attempts: 0, reply: None, changed, class: None };
            tables.rows.insert(key, Row { delivery, retry_at: None, run: None });
        }
        let (digest, content_hash) = (digest.cloned(), content_hash.to_owned());
        let mailing = Mailing { issue: issue.clone(), digest, content_hash, frozen_at: now, expected };
        tables.mailings.push(mailing.clone());
        Ok(mailing)
    }

    fn mailings(&self) -> Result<Vec<Mailing>, StoreError> {
        Ok(self.tables().mailings.iter().rev().cloned().collect())
    }

    fn open_mailings(&self) -> Result<Vec<(IssueId, DateTime<Utc>)>, StoreError> {
        let mut open = Vec::new();
        for mailing in self.mailings()?.into_iter().rev() {
            if self.counts(&mailing.issue)?.open() > 0 {
                let tables = self.tables();
                let rows = tables.rows.iter().filter(|((issue, _), _)| *issue == mailing.issue);
                let changed = rows.filter_map(|(_, row)| row.delivery.changed).max();
                open.push((mailing.issue, changed.unwrap_or_default()));
            }
        }
        Ok(open)
    }

    fn adopt(
        &mut self,
        mailings: &[Mailing],
        runs: u64,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Adoption>, StoreError> {
        let mut tables = self.tables();
        tables.counted = tables.counted.max(runs);
        Ok(mailings.iter().map(|mailing| tables.adopt(mailing, why, now)).collect())
    }

    fn claim(&mut self, issue: &IssueId, limit: usize, now: DateTime<Utc>) -> Result<Vec<Claim>, StoreError> {
        self.claimed(issue, limit, now, |_| true)
    }

    fn claim_these(
        &mut self,
        issue: &IssueId,
        recipients: &[SubscriberId],
        now: DateTime<Utc>,
    ) -> Result<Vec<Claim>, StoreError> {
        self.claimed(issue, usize::MAX, now, |id| recipients.contains(&id))
    }

    fn barrier(&self) -> Result<Barrier, StoreError> {
        Ok(Box::new(|| Ok(())))
    }

    fn record(
        &mut self,
        issue: &IssueId,
        entries: &[(SubscriberId, LedgerEntry)],
        now: DateTime<Utc>,
    ) -> Result<Vec<SubscriberId>, StoreError> {
        let run = self.run.ok_or_else(|| failed("no run has begun"))?;
        let mut tables = self.tables();
        tables.write()?;
        let lost = entries.iter().filter(|(id, entry)| !tables.enter(issue, *id, run, entry.clone(), now));
        Ok(lost.map(|(id, _)| *id).collect())
    }

    fn take_permits(&mut self, rate: &Rate, wanted: u64, now: DateTime<Utc>) -> Result<Permits, StoreError> {
        let mut tables = self.tables();
        let (permits, full_at) = rate.take(tables.rates.get(&rate.name).copied(), wanted, now);
        tables.rates.insert(rate.name.clone(), full_at);
        Ok(permits)
    }

    fn quota_used(&self, quota: &Quota) -> Result<u64, StoreError> {
        Ok(self.tables().quotas.get(&(quota.name.clone(), quota.day)).copied().unwrap_or_default())
    }

    fn take_quota(&mut self, quota: &Quota, wanted: u64) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let used = tables.quotas.entry((quota.name.clone(), quota.day)).or_default();
        let granted = quota.messages.saturating_sub(*used).min(wanted);
        *used += granted;
        Ok(granted)
    }

    fn return_quota(&mut self, quota: &Quota, unused: u64) -> Result<(), StoreError> {
        if let Some(used) = self.tables().quotas.get_mut(&(quota.name.clone(), quota.day)) {
            *used = used.saturating_sub(unused);
        }
        Ok(())
    }

    fn pipelining(&self, place: &str, greeting: &str) -> Result<Option<bool>, StoreError> {
        let server = (place.to_owned(), greeting.to_owned());
        Ok(self.tables().servers.get(&server).map(|(takes, _)| *takes))
    }

    fn note_pipelining(
        &mut self,
        place: &str,
        greeting: &str,
        takes: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let servers = &mut self.tables().servers;
        servers.insert((place.to_owned(), greeting.to_owned()), (takes, now));
        let mut of_place: Vec<_> = servers.iter().filter(|((at, _), _)| at == place).collect();
        of_place.sort_by(|(one, (_, first)), (other, (_, second))| second.cmp(first).then(one.cmp(other)));
        let old: Vec<_> = of_place.iter().skip(MAX_GREETINGS as usize).map(|(server, _)| (*server).clone()).collect();
        servers.retain(|server, _| !old.contains(server));
        Ok(())
    }

    fn counts(&self, issue: &IssueId) -> Result<StateCounts, StoreError> {
        let mut counts = StateCounts::default();
        for (_, row) in self.tables().rows.iter().filter(|((of, _), _)| of == issue) {
            counts.set(row.delivery.state, counts.of(row.delivery.state) + 1);
        }
        Ok(counts)
    }

    fn next_retry(&self, issue: &IssueId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let tables = self.tables();
        let of_issue = tables.rows.iter().filter(|((of, _), _)| of == issue).map(|(_, row)| row);
        Ok(of_issue.filter(|row| row.delivery.state == State::Deferred).filter_map(|row| row.retry_at).min())
    }

    fn each_delivery(
        &self,
        issue: &IssueId,
        state: Option<State>,
        each: &mut dyn FnMut(Delivery) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let deliveries: Vec<Delivery> = self.tables().rows.values().map(|row| row.delivery.clone()).collect();
        let of_issue = deliveries.into_iter().filter(|delivery| delivery.issue == *issue);
        of_issue.filter(|delivery| state.is_none_or(|state| delivery.state == state)).try_for_each(each)
    }

    fn deliveries_to(&self, issue: &IssueId, recipients: &[SubscriberId]) -> Result<Vec<Delivery>, StoreError> {
        let tables = self.tables();
        let of_issue = tables.rows.values().map(|row| &row.delivery).filter(|delivery| delivery.issue == *issue);
        Ok(of_issue.filter(|delivery| recipients.contains(&delivery.subscriber)).cloned().collect())
    }

    fn resolve(
        &mut self,
        issue: &IssueId,
        addresses: &[EmailAddress],
        to: State,
        _: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let deliveries = tables.rows.values_mut().map(|row| &mut row.delivery);
        let unknown = deliveries.filter(|delivery| delivery.issue == *issue && delivery.state == State::Unknown);
        let resolved = unknown.filter(|delivery| is_named(delivery, addresses)).map(|delivery| {
            // Forgotten recipients are not mailed again.
            let stays = to == State::Queued && delivery.address.is_none();
            delivery.state = if stays { State::Suppressed } else { to };
        });
        Ok(resolved.count() as u64)
    }

    fn requeue(
        &mut self,
        issue: &IssueId,
        failed: bool,
        addresses: &[EmailAddress],
        now: DateTime<Utc>,
    ) -> Result<Requeued, StoreError> {
        let (mut guard, mut requeued) = (self.tables(), Requeued::default());
        let tables = &mut *guard;
        for (_, row) in
            tables.rows.iter_mut().filter(|((of, _), row)| of == issue && is_named(&row.delivery, addresses))
        {
            let is_this = |subscriber: &&Subscriber| subscriber.id == row.delivery.subscriber;
            let is_active = tables.subscribers.iter().find(is_this).is_some_and(|one| one.status == Status::Active);
            match row.delivery.state {
                State::Deferred if is_active => requeued.deferred += 1,
                State::Failed | State::Bounced if failed && is_active => {
                    requeued.failed += 1;
                    row.delivery.attempts = 0;
                }
                State::Deferred => requeued.away += 1,
                State::Failed | State::Bounced if failed => requeued.away += 1,
                _ => {}
            }
            let is_over = failed && matches!(row.delivery.state, State::Failed | State::Bounced);
            if is_active && (row.delivery.state == State::Deferred || is_over) {
                row.delivery.class = None;
                (row.delivery.state, row.delivery.changed, row.retry_at) = (State::Queued, Some(now), None);
            }
        }
        Ok(requeued)
    }
}

/// Whether a delivery is to one of these addresses, or none are given.
fn is_named(delivery: &Delivery, addresses: &[EmailAddress]) -> bool {
    let key = delivery.address.as_ref().map(EmailAddress::key);
    addresses.is_empty() || addresses.iter().any(|address| Some(address.key()) == key)
}

#[test]
fn conforms_to_the_contract() {
    super::conformance::conforms(super::conformance::Runs::One, &|test| {
        let store = Memory::default();
        test(&|| Box::new(store.open()));
    });
}
