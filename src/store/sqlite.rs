//! The store in one SQLite file: the default, for one machine.
//!
//! There are two levels of durability: what the contract calls durable is committed with `synchronous=FULL`, the rest
//! with NORMAL, and entries about messages go into a `log` first. All of it survives the death of the process, because
//! the page cache does; only FULL survives that of the machine, and it covers every earlier commit, because the
//! write-ahead log is one file. The run lock is a lock of the operating system on a file beside the database, which
//! does not outlive its process.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction};

use crate::digest::DigestContents;
use crate::email::EmailAddress;
use crate::fault;
use crate::issue::IssueId;
use crate::ledger::{Claim, Delivery, LedgerEntry, Mailing, Recovered, Run, State, StateCounts};
use crate::rate::{Permits, Quota, Rate};
use crate::store::moving::{Movable as _, RUNS};
use crate::store::{
    Added, Adoption, Barrier, ForgetOutcome, PersonalData, Recorder, Requeued, RunStart, Store, StoreError, Visit,
};
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};
use crate::token::{Secret, Tag};

use active_run::ActiveRun;
use path::beside;
use timestamp::{format_time, parse_time};

pub use path::FILES;

mod active_run;
pub(super) mod backups;
mod blocked;
mod claims;
mod consents;
mod decisions;
mod digest;
mod error;
mod events;
mod file;
mod forgotten;
mod handled;
mod ledger;
mod listed;
mod log;
mod messages;
mod moves;
pub(super) mod path;
mod personal_data;
mod properties;
mod rate;
mod readers;
mod requests;
pub(super) mod run_lock;
mod schema;
mod servers;
mod subscribers;
mod tags;
mod timestamp;
mod unsubscriptions;

/// A store in a SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    durable: Cell<bool>,
    /// Whether opening it created the file.
    made: bool,
    /// The run, while this process may send.
    active_run: Option<ActiveRun>,
    /// The lock, while this process may send transactional messages.
    batch: Option<File>,
    /// Mailings whose pending recipients have all been refused before, so that looking for others each time is not
    /// needed.
    tried: BTreeSet<IssueId>,
}

impl Store for Sqlite {
    fn add_subscribers(
        &mut self,
        new: &mut dyn Iterator<Item = NewSubscriber>,
        now: DateTime<Utc>,
    ) -> StoreResult<Added> {
        self.with_large_cache(|| {
            self.changing("add subscribers", |transaction| subscribers::add(transaction, new, now))
        })
    }

    fn subscriber(&self, address: &EmailAddress) -> StoreResult<Option<Subscriber>> {
        self.reading("find a subscriber", |connection| subscribers::find(connection, address))
    }

    fn statuses_of(&self, addresses: &[&EmailAddress]) -> StoreResult<Vec<Option<Status>>> {
        self.reading("find subscribers", |connection| subscribers::statuses_of(connection, addresses))
    }

    fn subscriber_by_id(&self, id: SubscriberId) -> StoreResult<Option<Subscriber>> {
        self.reading("find a subscriber", |connection| subscribers::by_id(connection, id))
    }

    fn subscriber_by_tag(&self, secret: &Secret, tag: Tag) -> StoreResult<Option<Subscriber>> {
        self.reading("find a subscriber by a token", |connection| tags::find(connection, secret, tag))
    }

    fn index_tags(&mut self, secret: &Secret) -> StoreResult<()> {
        if self.moved()?.is_none() {
            while self.quickly("index the tags of tokens", |transaction| tags::add(transaction, secret))? {}
        }
        Ok(())
    }

    fn count_subscribers(&self, status: Option<Status>) -> StoreResult<u64> {
        self.reading("count the subscribers", |connection| subscribers::count(connection, status))
    }

    fn visit_subscribers(&self, status: Option<Status>, visit: &mut Visit<'_>) -> anyhow::Result<()> {
        let all = subscribers::visit(&self.connection, status, visit);
        all.map_err(|error| error::reading("read the subscribers", &self.path, error))
    }

    fn set_status(
        &mut self,
        address: &EmailAddress,
        status: Status,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<Status>> {
        self.changing("change a subscriber", |transaction| subscribers::set_status(transaction, address, status, now))
    }

    fn id(&self) -> StoreResult<String> {
        self.reading("read its id", properties::id)
    }

    fn is_empty(&self) -> StoreResult<bool> {
        self.reading("check whether it is empty", properties::is_empty)
    }

    fn runs(&self) -> StoreResult<u64> {
        self.reading("read its run counter", properties::runs)
    }

    fn count_run(&mut self) -> StoreResult<u64> {
        self.changing("count a run", properties::count_run)
    }

    fn personal_data(&self, address: &EmailAddress) -> StoreResult<Option<PersonalData>> {
        self.write_log()?;
        self.reading("read a person's data", |connection| personal_data::personal_data(connection, address))
    }

    fn forget(&mut self, address: &EmailAddress, run: &Run, now: DateTime<Utc>) -> StoreResult<ForgetOutcome> {
        self.forget_person(address, run, now)
    }

    fn are_forgotten(&self, addresses: &[&EmailAddress]) -> StoreResult<Vec<bool>> {
        self.reading("find forgotten addresses", |connection| forgotten::are_forgotten(connection, addresses))
    }

    fn allow(&mut self, address: &EmailAddress) -> StoreResult<bool> {
        self.changing("allow an address again", |transaction| forgotten::allow(transaction, address))
    }

    fn note_listed(&mut self, is_named: &dyn Fn(&str) -> bool) -> StoreResult<Vec<EmailAddress>> {
        self.changing("record whom the list names", |transaction| listed::note(transaction, is_named))
    }

    fn unlisted(&self) -> StoreResult<Vec<EmailAddress>> {
        self.reading("find subscribers no longer in the list", listed::unlisted)
    }

    fn begin_run(&mut self, run: &Run, now: DateTime<Utc>) -> StoreResult<RunStart> {
        if self.active_run.is_some() {
            return Ok(RunStart::Started(Recovered::default()));
        }
        let refuse = |store: &Self, transaction: &Transaction<'_>| store.refuse_if_moved(transaction);
        Ok(match self.begin("take the run lock", run, now, refuse)? {
            Ok((recovered, ())) => RunStart::Started(recovered),
            Err(holder) => RunStart::Busy(holder),
        })
    }

    /// No other run can have died, because none may send meanwhile.
    fn renew_run(&mut self, _: DateTime<Utc>) -> StoreResult<Recovered> {
        self.write_log()?;
        Ok(Recovered::default())
    }

    fn freeze(
        &mut self,
        issue: &IssueId,
        content_hash: &str,
        digest: Option<&DigestContents>,
        now: DateTime<Utc>,
    ) -> StoreResult<Mailing> {
        self.changing("freeze the audience", |transaction| {
            ledger::freeze(transaction, issue, content_hash, digest, now)
        })
    }

    fn mailings(&self) -> StoreResult<Vec<Mailing>> {
        self.reading("read the mailings", ledger::mailings)
    }

    fn open_mailings(&self) -> StoreResult<Vec<(IssueId, DateTime<Utc>)>> {
        self.write_log()?;
        self.reading("find open mailings", ledger::open_mailings)
    }

    fn adopt(&mut self, mailings: &[Mailing], runs: u64, why: &str, now: DateTime<Utc>) -> StoreResult<Vec<Adoption>> {
        self.write_log()?;
        self.changing("adopt mailings", |transaction| {
            let least = properties::runs(transaction)?.max(runs);
            properties::set(transaction, RUNS, &least.to_string())?;
            mailings.iter().map(|mailing| decisions::adopt(transaction, mailing, why, now)).collect()
        })
    }

    fn claim(&mut self, issue: &IssueId, limit: usize, now: DateTime<Utc>) -> StoreResult<Vec<Claim>> {
        self.claim_untried_first(issue, limit, now)
    }

    fn claim_these(
        &mut self,
        issue: &IssueId,
        recipients: &[SubscriberId],
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<Claim>> {
        self.claim_with(|transaction, run| ledger::claim_these(transaction, issue, run, recipients, now))
    }

    /// The write-ahead log is one file, which any thread may sync while others write to it.
    fn barrier(&self) -> StoreResult<Barrier> {
        let path = beside(&self.path, "-wal");
        let log = OpenOptions::new().write(true).open(&path);
        let failed = move |error: std::io::Error| error::doing("sync its log", &path, error.into());
        let log = log.map_err(&failed)?;
        Ok(Box::new(move || {
            log.sync_data().map_err(&failed)?;
            fault::step("sync its log", "done");
            Ok(())
        }))
    }

    fn record(
        &mut self,
        issue: &IssueId,
        entries: &[(SubscriberId, LedgerEntry)],
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<SubscriberId>> {
        self.recorder_of(issue)?(entries, now)
    }

    /// The log exists for this. It stays small, because each claim empties it.
    fn recorder(&self, issue: &IssueId) -> StoreResult<Option<Recorder>> {
        self.recorder_of(issue).map(Some)
    }

    fn take_permits(&mut self, rate: &Rate, wanted: u64, now: DateTime<Utc>) -> StoreResult<Permits> {
        self.quickly("take from the rate limit", |transaction| rate::take(transaction, rate, wanted, now))
    }

    fn quota_used(&self, quota: &Quota) -> StoreResult<u64> {
        self.reading("take from the warm-up quota", |connection| rate::quota_used(connection, quota))
    }

    fn take_quota(&mut self, quota: &Quota, wanted: u64) -> StoreResult<u64> {
        self.quickly("take from the warm-up quota", |transaction| rate::take_quota(transaction, quota, wanted))
    }

    fn return_quota(&mut self, quota: &Quota, unused: u64) -> StoreResult<()> {
        self.quickly("take from the warm-up quota", |transaction| rate::return_quota(transaction, quota, unused))
    }

    fn pipelining(&self, place: &str, greeting: &str) -> StoreResult<Option<bool>> {
        self.reading("read what was learned of a server", |connection| servers::pipelining(connection, place, greeting))
    }

    fn note_pipelining(&mut self, place: &str, greeting: &str, takes: bool, now: DateTime<Utc>) -> StoreResult<()> {
        self.quickly("record what was learned of a server", |it| {
            servers::note_pipelining(it, place, greeting, takes, now)
        })
    }

    fn counts(&self, issue: &IssueId) -> StoreResult<StateCounts> {
        self.write_log()?;
        self.reading("count recipients", |connection| ledger::counts(connection, issue))
    }

    fn next_retry(&self, issue: &IssueId) -> StoreResult<Option<DateTime<Utc>>> {
        self.write_log()?;
        self.reading("find the next retry", |connection| ledger::next_retry(connection, issue))
    }

    fn each_delivery(
        &self,
        issue: &IssueId,
        state: Option<State>,
        each: &mut dyn FnMut(Delivery) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.write_log()?;
        let all = ledger::each(&self.connection, issue, state, each);
        all.map_err(|error| error::reading("read the recipients", &self.path, error))
    }

    fn deliveries_to(&self, issue: &IssueId, recipients: &[SubscriberId]) -> StoreResult<Vec<Delivery>> {
        self.write_log()?;
        self.reading("read the recipients", |connection| ledger::deliveries_to(connection, issue, recipients))
    }

    fn resolve(
        &mut self,
        issue: &IssueId,
        addresses: &[EmailAddress],
        to: State,
        now: DateTime<Utc>,
    ) -> StoreResult<u64> {
        self.write_log()?;
        self.changing("resolve recipients", |transaction| decisions::resolve(transaction, issue, addresses, to, now))
    }

    fn requeue(
        &mut self,
        issue: &IssueId,
        failed: bool,
        addresses: &[EmailAddress],
        now: DateTime<Utc>,
    ) -> StoreResult<Requeued> {
        self.write_log()?;
        let requeue = |transaction: &Transaction<'_>| decisions::requeue(transaction, issue, failed, addresses, now);
        self.changing("queue recipients again", requeue)
    }
}

impl Drop for Sqlite {
    /// The next run would do it too, but `status` may be run before that.
    fn drop(&mut self) {
        let _ = self.write_log();
    }
}

type Result<T> = anyhow::Result<T>;
type StoreResult<T> = std::result::Result<T, StoreError>;

#[cfg(test)]
mod tests;
