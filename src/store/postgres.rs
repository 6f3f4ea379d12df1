//! The store in a PostgreSQL database: any number of runs, on any machines, share a mailing and a rate limit.
//!
//! A run is alive while its lease lasts (20 minutes by the server's clock, renewed by every call) and its session holds
//! the lock on its number. A dead run's claims go back to the queue; what it was `sending` becomes `unknown`. A run may
//! be declared dead by mistake (the network was down, the machine slept), and still no one is mailed twice: `sending`
//! is only written over `claimed` in a row with `run = mine`, and nothing is sent before that is confirmed. A row that
//! was queued again, or claimed by another run, refuses it; a row that was `sending` is never queued again
//! automatically, and accepts a late reply unless the user has resolved it.
//!
//! Claims are committed durably. Entries are not: they survive the death of the run, not that of the server. After a
//! fail-over or a crash of the server, all claims of dead runs, and of a live one that misses a call, are unknown
//! (`runs::server`). A server whose fail-over loses durable commits is not suitable. Connect to the server directly, or
//! through a pooler in session mode: locks and prepared statements belong to the session.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use postgres::Transaction;
use secrecy::SecretString;

use crate::digest::DigestContents;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{Claim, Delivery, LedgerEntry, Mailing, Recovered, Run, State, StateCounts};
use crate::rate::{Permits, Quota, Rate};
use crate::store::moving::Movable as _;
use crate::store::{
    Added, Adoption, Barrier, ForgetOutcome, PersonalData, Requeued, RunStart, Store, StoreError, Visit,
};
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};
use crate::token::{Secret, Tag};

mod address;
mod batch;
mod blocked;
mod claims;
mod connection;
mod consents;
mod decisions;
mod deliveries;
mod digest;
mod error;
mod events;
mod handled;
mod import;
mod listed;
mod mailings;
mod messages;
mod moves;
mod personal_data;
mod properties;
mod rate;
mod readers;
mod requests;
mod runs;
mod schema;
mod servers;
mod subscribers;
mod tags;
mod tls;
mod unsubscriptions;

use address::Address;
use connection::Connection;

/// A store in a PostgreSQL database.
#[derive(Debug)]
pub struct Postgres {
    connection: Connection,
    /// The number of this process's batch of transactional messages.
    batch: Option<i64>,
    /// When the run began or last renewed its lease.
    renewed: Option<DateTime<Utc>>,
    /// Mailings whose pending recipients have all been refused before, so that looking for others each time is not
    /// needed.
    tried: BTreeSet<IssueId>,
}

impl Postgres {
    /// Opens the store in the database at `url`, creating its tables if necessary. `certificate` reads the file that
    /// the URL names as `sslrootcert`.
    ///
    /// # Errors
    /// If it cannot be reached, or has tables that this program does not know.
    pub fn open(
        url: &str,
        password: Option<&SecretString>,
        certificate: impl FnOnce(&str) -> anyhow::Result<Vec<u8>>,
    ) -> StoreResult<Self> {
        let address = Address::parse(url).map_err(|error| connection::unreadable(url, error))?;
        let roots = address.root_certificate.as_deref().map(certificate).transpose();
        let roots = roots.map_err(|error| connection::unreadable(url, error))?;
        let connection = Connection::open(address, password, roots.as_deref())?;
        connection.prepare()?;
        Ok(Self { connection, batch: None, renewed: None, tried: BTreeSet::new() })
    }
}

impl Store for Postgres {
    fn add_subscribers(
        &mut self,
        new: &mut dyn Iterator<Item = NewSubscriber>,
        now: DateTime<Utc>,
    ) -> StoreResult<Added> {
        let place = self.connection.place().to_owned();
        self.connection.once("add subscribers", |session| {
            moves::refuse_if_moved(&mut session.client, &place)?;
            let mut transaction = session.client.transaction()?;
            let added = import::add(&mut transaction, &place, new, now)?;
            transaction.commit()?;
            Ok(added)
        })
    }

    fn subscriber(&self, address: &EmailAddress) -> StoreResult<Option<Subscriber>> {
        self.connection.retried("find a subscriber", |session, _| subscribers::find(session, address))
    }

    fn statuses_of(&self, addresses: &[&EmailAddress]) -> StoreResult<Vec<Option<Status>>> {
        self.connection.retried("find subscribers", |session, _| subscribers::statuses_of(session, addresses))
    }

    fn subscriber_by_id(&self, id: SubscriberId) -> StoreResult<Option<Subscriber>> {
        self.connection.retried("find a subscriber", |session, _| subscribers::by_id(session, id))
    }

    fn subscriber_by_tag(&self, secret: &Secret, tag: Tag) -> StoreResult<Option<Subscriber>> {
        self.connection.retried("find a subscriber by a token", |session, _| tags::find(session, secret, tag))
    }

    fn index_tags(&mut self, secret: &Secret) -> StoreResult<()> {
        if self.moved()?.is_none() {
            while self.connection.retried("index the tags of tokens", |session, _| tags::add(session, secret))? {}
        }
        Ok(())
    }

    /// Uses a separate connection, so that `each` may use the store.
    fn count_subscribers(&self, status: Option<Status>) -> StoreResult<u64> {
        self.connection.retried("count the subscribers", |session, _| subscribers::count(&mut session.client, status))
    }

    fn visit_subscribers(&self, status: Option<Status>, visit: &mut Visit<'_>) -> anyhow::Result<()> {
        let all = self.connection.new_client().and_then(|mut client| subscribers::visit(&mut client, status, visit));
        all.map_err(|error| error::reading("read the subscribers", self.connection.place(), error))
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
        self.connection.retried("read its id", |session, _| properties::id(&mut session.client))
    }

    fn is_empty(&self) -> StoreResult<bool> {
        self.connection.retried("check whether it is empty", |session, _| properties::is_empty(&mut session.client))
    }

    fn runs(&self) -> StoreResult<u64> {
        self.connection.retried("read its run counter", |session, _| properties::runs(&mut session.client))
    }

    fn count_run(&mut self) -> StoreResult<u64> {
        // Counting twice after a lost connection is harmless.
        self.connection.retried("count a run", |session, _| {
            let mut transaction = session.client.transaction()?;
            let counted = properties::count_run(&mut transaction)?;
            transaction.commit()?;
            Ok(counted)
        })
    }

    fn personal_data(&self, address: &EmailAddress) -> StoreResult<Option<PersonalData>> {
        self.connection.retried("read a person's data", |session, _| personal_data::personal_data(session, address))
    }

    fn forget(&mut self, address: &EmailAddress, _: &Run, now: DateTime<Utc>) -> StoreResult<ForgetOutcome> {
        personal_data::forget(&self.connection, address, now)
    }

    fn are_forgotten(&self, addresses: &[&EmailAddress]) -> StoreResult<Vec<bool>> {
        const DOING: &str = "find forgotten addresses";
        self.connection.retried(DOING, |session, _| personal_data::are_forgotten(&mut session.client, addresses))
    }

    fn allow(&mut self, address: &EmailAddress) -> StoreResult<bool> {
        self.changing("allow an address again", |transaction| personal_data::allow(transaction, address))
    }

    fn note_listed(&mut self, is_named: &dyn Fn(&str) -> bool) -> StoreResult<Vec<EmailAddress>> {
        self.changing("record whom the list names", |transaction| listed::note(transaction, is_named))
    }

    fn unlisted(&self) -> StoreResult<Vec<EmailAddress>> {
        self.connection.retried("find subscribers no longer in the list", |session, _| listed::unlisted(session))
    }

    fn begin_run(&mut self, run: &Run, now: DateTime<Utc>) -> StoreResult<RunStart> {
        const DOING: &str = "begin to send";
        let place = self.connection.place().to_owned();
        let begun = self.connection.once(DOING, |session| {
            if session.run_handle.is_some() {
                return Ok(RunStart::Started(Recovered::default()));
            }
            schema::check(&mut session.client, &place)?;
            let (run_handle, recovered) = runs::begin(&mut session.client, &place, run, now)?;
            session.run_handle = Some(run_handle);
            Ok(RunStart::Started(recovered))
        })?;
        self.renewed = Some(now);
        Ok(begun)
    }

    /// Works every ten seconds: other runs see all writes anyway, and claims and entries renew the lease.
    fn renew_run(&mut self, now: DateTime<Utc>) -> StoreResult<Recovered> {
        let rest = TimeDelta::seconds(10);
        if self.renewed.is_some_and(|renewed| (now - renewed).abs() < rest) {
            return Ok(Recovered::default());
        }
        let recovered = self.connection.retried("renew the run's lease", |session, _| {
            let run_handle = session.run_handle.clone().ok_or_else(runs::none)?;
            runs::renew(&mut session.client, &run_handle, now)
        })?;
        self.renewed = Some(now);
        Ok(recovered)
    }

    fn freeze(
        &mut self,
        issue: &IssueId,
        content_hash: &str,
        digest: Option<&DigestContents>,
        now: DateTime<Utc>,
    ) -> StoreResult<Mailing> {
        let place = self.connection.place().to_owned();
        self.connection.retried("freeze the audience", |session, _| {
            let mut transaction = session.client.transaction()?;
            moves::refuse_if_moved(&mut transaction, &place)?;
            let mailing = mailings::freeze(&mut transaction, issue, content_hash, digest, now)?;
            transaction.commit()?;
            Ok(mailing)
        })
    }

    fn mailings(&self) -> StoreResult<Vec<Mailing>> {
        self.connection.retried("read the mailings", |session, _| mailings::mailings(&mut session.client))
    }

    fn open_mailings(&self) -> StoreResult<Vec<(IssueId, DateTime<Utc>)>> {
        self.connection.retried("find open mailings", |session, _| deliveries::open_mailings(session))
    }

    fn adopt(&mut self, mailings: &[Mailing], runs: u64, why: &str, now: DateTime<Utc>) -> StoreResult<Vec<Adoption>> {
        self.changing("adopt mailings", |transaction| {
            properties::raise_runs(transaction, runs)?;
            mailings.iter().map(|mailing| decisions::adopt(transaction, mailing, why, now)).collect()
        })
    }

    fn claim(&mut self, issue: &IssueId, limit: usize, now: DateTime<Utc>) -> StoreResult<Vec<Claim>> {
        let claim = |untried, limit| claims::claim(&self.connection, issue, untried, limit, now);
        let mut claims = match self.tried.contains(issue) {
            true => Vec::new(),
            false => claim(true, limit)?,
        };
        if claims.len() < limit {
            claims.extend(claim(false, limit - claims.len())?);
            self.tried.insert(issue.clone());
        }
        Ok(claims)
    }

    fn claim_these(
        &mut self,
        issue: &IssueId,
        recipients: &[SubscriberId],
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<Claim>> {
        claims::claim_these(&self.connection, issue, recipients, now)
    }

    /// Claims are committed durably.
    fn barrier(&self) -> StoreResult<Barrier> {
        Ok(Box::new(|| Ok(())))
    }

    fn record(
        &mut self,
        issue: &IssueId,
        entries: &[(SubscriberId, LedgerEntry)],
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<SubscriberId>> {
        claims::record(&self.connection, issue, entries, now)
    }

    /// By the server's clock, not this machine's.
    fn take_permits(&mut self, rate: &Rate, wanted: u64, _: DateTime<Utc>) -> StoreResult<Permits> {
        self.connection.retried("take from the rate limit", |session, _| rate::take(session, rate, wanted))
    }

    fn quota_used(&self, quota: &Quota) -> StoreResult<u64> {
        self.connection.retried("take from the warm-up quota", |session, _| rate::quota_used(session, quota))
    }

    fn take_quota(&mut self, quota: &Quota, wanted: u64) -> StoreResult<u64> {
        self.connection.retried("take from the warm-up quota", |session, _| rate::take_quota(session, quota, wanted))
    }

    /// Not retried: if it were returned twice, too much could be sent.
    fn return_quota(&mut self, quota: &Quota, unused: u64) -> StoreResult<()> {
        self.connection.once("take from the warm-up quota", |session| rate::return_quota(session, quota, unused))
    }

    fn pipelining(&self, place: &str, greeting: &str) -> StoreResult<Option<bool>> {
        let read = |session: &mut connection::Session, _| servers::pipelining(session, place, greeting);
        self.connection.retried("read what was learned of a server", read)
    }

    fn note_pipelining(&mut self, place: &str, greeting: &str, takes: bool, now: DateTime<Utc>) -> StoreResult<()> {
        let note =
            |session: &mut connection::Session, _| servers::note_pipelining(session, place, greeting, takes, now);
        self.connection.retried("record what was learned of a server", note)
    }

    fn counts(&self, issue: &IssueId) -> StoreResult<StateCounts> {
        self.connection.retried("count recipients", |session, _| deliveries::counts(session, issue))
    }

    fn next_retry(&self, issue: &IssueId) -> StoreResult<Option<DateTime<Utc>>> {
        self.connection.retried("find the next retry", |session, _| deliveries::next_retry(session, issue))
    }

    /// Uses a separate connection, so that `each` may use the store.
    fn each_delivery(
        &self,
        issue: &IssueId,
        state: Option<State>,
        each: &mut dyn FnMut(Delivery) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let all = self.connection.new_client().and_then(|mut client| deliveries::each(&mut client, issue, state, each));
        all.map_err(|error| error::reading("read the recipients", self.connection.place(), error))
    }

    fn deliveries_to(&self, issue: &IssueId, recipients: &[SubscriberId]) -> StoreResult<Vec<Delivery>> {
        self.connection.retried("read the recipients", |session, _| deliveries::to(session, issue, recipients))
    }

    fn resolve(
        &mut self,
        issue: &IssueId,
        addresses: &[EmailAddress],
        to: State,
        now: DateTime<Utc>,
    ) -> StoreResult<u64> {
        self.changing("resolve recipients", |transaction| decisions::resolve(transaction, issue, addresses, to, now))
    }

    fn requeue(
        &mut self,
        issue: &IssueId,
        failed: bool,
        addresses: &[EmailAddress],
        now: DateTime<Utc>,
    ) -> StoreResult<Requeued> {
        let requeue =
            |transaction: &mut Transaction<'_>| decisions::requeue(transaction, issue, failed, addresses, now);
        self.changing("queue recipients again", requeue)
    }
}

type Result<T, E = anyhow::Error> = std::result::Result<T, E>;
type StoreResult<T> = std::result::Result<T, StoreError>;

#[cfg(test)]
pub(crate) mod tests;
