//! The store: subscribers and the ledger. This file is the contract; `sqlite` and `postgres` implement it (as does
//! `memory`, for tests), and `conformance` proves that they do.
//!
//! Every method is one transaction: all or nothing, and done once it returns. Methods marked *durable* survive a power
//! cut; the others survive the death of the process. `begin_run` decides who may send and how many at a time; reading
//! and subscribing are always allowed. A store that was moved elsewhere (`moving`) can be read; everything else is
//! `StoreError::Moved`.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::digest::DigestContents;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{Claim, Delivery, LedgerEntry, Mailing, Recovered, Run, State, StateCounts};
use crate::rate::{Permits, Quota, Rate};
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};
use crate::token::{Secret, Tag};

use moving::Movable;

pub use added::{Added, Occurrence};
pub use error::StoreError;
pub use events::EventStore;
pub use location::{Database, Location};
pub use personal_data::{Erasure, ForgetOutcome, PersonalData};
pub use readers::ReaderStore;

mod added;
pub mod backup;
#[cfg(test)]
mod conformance;
mod error;
pub mod events;
mod listed;
mod location;
#[cfg(test)]
pub(crate) mod memory;
mod message_step;
pub mod moving;
mod password;
mod personal_data;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod readers;
pub mod sqlite;
mod tags;

/// How many greetings per server keep what was learned of the server.
const MAX_GREETINGS: u32 = 20;

/// Returns the path of a project file, given its path below the project folder.
pub type Locate<'a> = &'a dyn Fn(&Path) -> PathBuf;

/// Called with one subscriber; returns whether to continue.
pub type Visit<'a> = dyn FnMut(Subscriber) -> anyhow::Result<ControlFlow<()>> + 'a;

/// Opens the store at `location`; `locate` finds the files it names.
///
/// # Errors
/// If it cannot be opened, is not a store, or was made by a newer version of this program.
pub fn open(location: &Location, locate: Locate<'_>) -> Result<Box<dyn Store>, StoreError> {
    Ok(open_movable(location, None, locate)?)
}

/// Opens a store to move it, or to move another one into it. The database password comes from `password_file`, relative
/// to the project folder, or from the usual places if it is `None`.
///
/// # Errors
/// As `open`.
pub fn open_movable(
    location: &Location,
    password_file: Option<&Path>,
    locate: Locate<'_>,
) -> Result<Box<dyn Movable>, StoreError> {
    match location {
        Location::Sqlite(file) => Ok(Box::new(sqlite::Sqlite::open(&locate(file))?)),
        #[cfg(feature = "postgres")]
        Location::Postgres(database) => Ok(Box::new(open_postgres(database, password_file, locate)?)),
        #[cfg(not(feature = "postgres"))]
        Location::Postgres(_) => Err(StoreError::NoPostgres),
    }
}

#[cfg(feature = "postgres")]
fn open_postgres(
    database: &Database,
    password_file: Option<&Path>,
    locate: Locate<'_>,
) -> Result<postgres::Postgres, StoreError> {
    let password = match password_file {
        Some(file) => password::in_file(&locate(file)).map(Some),
        None => password::password(database, locate),
    };
    let password = password.map_err(|source| StoreError::Connect {
        place: database.place().to_owned(),
        help: "fix or remove `store_password_file` in the project file, or `--password-file`",
        source,
    })?;
    postgres::Postgres::open(&database.url, password.as_ref(), |file| {
        let path = locate(Path::new(file));
        fs::read(&path).with_context(|| format!("failed to read `{}`", path.display()))
    })
}

/// Stores subscribers and the ledger.
pub trait Store: Send + ReaderStore + EventStore {
    /// Adds subscribers, durable, each with the status in its record. For an address that is already there (compared by
    /// `EmailAddress::key`) only the status changes, as `Status::after` defines: an inactive subscriber stays inactive,
    /// and an active one becomes inactive if the new record is unsubscribed, bounced, complained or suppressed.
    /// Forgotten addresses are not added.
    fn add_subscribers(
        &mut self,
        new: &mut dyn Iterator<Item = NewSubscriber>,
        now: DateTime<Utc>,
    ) -> Result<Added, StoreError>;

    /// The subscriber with this address.
    fn subscriber(&self, address: &EmailAddress) -> Result<Option<Subscriber>, StoreError>;

    /// The status of each address's subscriber, or `None` if there is none.
    fn statuses_of(&self, addresses: &[&EmailAddress]) -> Result<Vec<Option<Status>>, StoreError>;

    /// Whether each address was forgotten.
    fn are_forgotten(&self, addresses: &[&EmailAddress]) -> Result<Vec<bool>, StoreError>;

    /// The subscriber with this number.
    fn subscriber_by_id(&self, id: SubscriberId) -> Result<Option<Subscriber>, StoreError>;

    /// The subscriber whose address has this tag under the secret: found in the index of tags, or among the subscribers who
    /// joined since it was written.
    fn subscriber_by_tag(&self, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>, StoreError>;

    /// Adds the tags of subscribers who joined since to the index. Leaves a store that was moved as it is.
    fn index_tags(&mut self, secret: &Secret) -> Result<(), StoreError>;

    /// Counts the subscribers, or those with `status`.
    fn count_subscribers(&self, status: Option<Status>) -> Result<u64, StoreError>;

    /// Calls `visit` with every subscriber, or every one with `status`, in the order of their numbers, until it breaks
    /// off.
    fn visit_subscribers(&self, status: Option<Status>, visit: &mut Visit<'_>) -> anyhow::Result<()>;

    /// Calls `each` with every subscriber, as `visit_subscribers` does.
    fn each_subscriber(
        &self,
        status: Option<Status>,
        each: &mut dyn FnMut(Subscriber) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.visit_subscribers(status, &mut |subscriber| each(subscriber).map(ControlFlow::Continue))
    }

    /// Sets a subscriber's status, durable; returns the previous one, or `None` if the address is unknown.
    fn set_status(
        &mut self,
        address: &EmailAddress,
        status: Status,
        now: DateTime<Utc>,
    ) -> Result<Option<Status>, StoreError>;

    /// Its unique id; copies of the store have the same one.
    fn id(&self) -> Result<String, StoreError>;

    /// Whether it has no subscribers and no mailings, like a new store.
    fn is_empty(&self) -> Result<bool, StoreError>;

    /// The run counter. A copy has the value that the store had when the copy was made.
    fn runs(&self) -> Result<u64, StoreError>;

    /// Increments the run counter when a run begins to mail and when it ends, durable; returns the new value.
    fn count_run(&mut self) -> Result<u64, StoreError>;

    /// Everything stored about the person with this address.
    fn personal_data(&self, address: &EmailAddress) -> Result<Option<PersonalData>, StoreError>;

    /// Forgets the person with this address, durable, whether or not they are a subscriber: the row is deleted, their
    /// deliveries keep number, state and time but no address, and pending ones become `suppressed`. No import brings
    /// them back (`add_subscribers`), and their number is not reused. What dead runs left is settled first, as in
    /// `begin_run`; if this process has the run lock, it gives it up. Then every remaining trace of the address is
    /// erased from the store's files.
    fn forget(&mut self, address: &EmailAddress, run: &Run, now: DateTime<Utc>) -> Result<ForgetOutcome, StoreError>;

    /// Lets a forgotten address be added again, durable; returns whether it was forgotten.
    fn allow(&mut self, address: &EmailAddress) -> Result<bool, StoreError>;

    /// Records which subscribers the project's own list names, by `EmailAddress::key`, durable. Returns the active ones
    /// it named before and no longer does: each once, unless it names them again in between.
    fn note_listed(&mut self, is_named: &dyn Fn(&str) -> bool) -> Result<Vec<EmailAddress>, StoreError>;

    /// All still active subscribers that `note_listed` has returned, in the order of their numbers.
    fn unlisted(&self) -> Result<Vec<EmailAddress>, StoreError>;

    /// Takes the run lock until the store is dropped and settles what dead runs left, durable: their claims go back to
    /// the queue, their `sending` rows become `unknown`. In a file only one run sends at a time, and every claim
    /// becomes `unknown` if `run.boot_id` differs; on a server any number of runs claim disjoint recipients.
    fn begin_run(&mut self, run: &Run, now: DateTime<Utc>) -> Result<RunStart, StoreError>;

    /// Freezes the audience of an issue or digest, durable: one queued row per active subscriber, their number, which
    /// is verified, and a digest's contents. An existing mailing is returned unchanged. No issue is ever in two
    /// mailings: it is an error if a digest contains an issue that was mailed, by itself or in another digest, or if
    /// the issue is in a digest.
    fn freeze(
        &mut self,
        issue: &IssueId,
        content_hash: &str,
        digest: Option<&DigestContents>,
        now: DateTime<Utc>,
    ) -> Result<Mailing, StoreError>;

    /// All mailings, of issues and digests, newest first.
    fn mailings(&self) -> Result<Vec<Mailing>, StoreError>;

    /// The mailings with recipients that are queued, claimed or deferred, oldest first, each with the time when a
    /// recipient's state last changed.
    fn open_mailings(&self) -> Result<Vec<(IssueId, DateTime<Utc>)>, StoreError>;

    /// Records these mailings as mailed, durable: an unknown one is entered without recipients; in a known one every
    /// pending recipient becomes `unknown`, with `why` as the reply. Raises the run counter to at least `runs`. Returns
    /// what was done for each.
    fn adopt(
        &mut self,
        mailings: &[Mailing],
        runs: u64,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Adoption>, StoreError>;

    /// Renews the lease of this run, publishes its progress, and settles what runs that died meanwhile left. To be
    /// called several times a second: the store decides when to do the work. A run that is silent for ten minutes may
    /// be considered dead; its claims may then go to others.
    fn renew_run(&mut self, now: DateTime<Utc>) -> Result<Recovered, StoreError>;

    /// Claims up to `limit` recipients that are queued or due for a retry, in the order of their numbers, those no
    /// server has refused first, so that recipients deferred again and again delay no one. Recipients who unsubscribed
    /// or were suppressed since the freeze become `suppressed` and do not count.
    ///
    /// Not durable by itself, so that a slow disk does not hold up other writers: nothing may be sent to them before a
    /// call of `barrier` has returned.
    fn claim(&mut self, issue: &IssueId, limit: usize, now: DateTime<Utc>) -> Result<Vec<Claim>, StoreError>;

    /// Claims those of these recipients that are due, as `claim` does.
    fn claim_these(
        &mut self,
        issue: &IssueId,
        recipients: &[SubscriberId],
        now: DateTime<Utc>,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Returns a function for any thread: once it returns, everything written before its call is durable.
    fn barrier(&self) -> Result<Barrier, StoreError>;

    /// Records entries, in their order, about recipients that this run has claimed. `Failed` with `suppress` also
    /// suppresses the subscriber.
    ///
    /// Returns the recipients whose claim this run has lost to another: nothing was written about them, and nothing may
    /// be sent to them.
    fn record(
        &mut self,
        issue: &IssueId,
        entries: &[(SubscriberId, LedgerEntry)],
        now: DateTime<Utc>,
    ) -> Result<Vec<SubscriberId>, StoreError>;

    /// Returns a function for any thread that does the same for an issue's recipients while the store is busy, or
    /// `None` if the store can do only one thing at a time.
    fn recorder(&self, _issue: &IssueId) -> Result<Option<Recorder>, StoreError> {
        Ok(None)
    }

    /// Takes up to `wanted` messages from what `rate` allows all senders of this store together. They are not given
    /// back, not even to the next run.
    fn take_permits(&mut self, rate: &Rate, wanted: u64, now: DateTime<Utc>) -> Result<Permits, StoreError>;

    /// How many messages of `quota` are used.
    fn quota_used(&self, quota: &Quota) -> Result<u64, StoreError>;

    /// Takes up to `wanted` messages from what `quota` allows all senders of this store on its day; returns how many.
    fn take_quota(&mut self, quota: &Quota, wanted: u64) -> Result<u64, StoreError>;

    /// Returns unused messages to `quota`. What a run that died had taken is gone for the day.
    fn return_quota(&mut self, quota: &Quota, unused: u64) -> Result<(), StoreError>;

    /// Whether the mail server at `place` (`host:port`), with this greeting, accepts the next envelope behind a
    /// message's content; `None` if that is not known yet.
    fn pipelining(&self, place: &str, greeting: &str) -> Result<Option<bool>, StoreError>;

    /// Records whether it does. Beyond twenty greetings per server, the oldest are dropped.
    fn note_pipelining(
        &mut self,
        place: &str,
        greeting: &str,
        takes: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// How many recipients of an issue are in each state.
    fn counts(&self, issue: &IssueId) -> Result<StateCounts, StoreError>;

    /// When the first deferred recipient of an issue may be claimed again; `None` if none is deferred.
    fn next_retry(&self, issue: &IssueId) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Calls `each` with the recipients of an issue, or those in `state`, in the order of their numbers.
    fn each_delivery(
        &self,
        issue: &IssueId,
        state: Option<State>,
        each: &mut dyn FnMut(Delivery) -> anyhow::Result<()>,
    ) -> anyhow::Result<()>;

    /// The deliveries of an issue to those of these subscribers that are recipients, in the order of their numbers.
    fn deliveries_to(&self, issue: &IssueId, recipients: &[SubscriberId]) -> Result<Vec<Delivery>, StoreError>;

    /// Resolves rows that are `unknown` (all, or those of `addresses`) to `Sent` or `Queued`, durable. Returns how
    /// many.
    fn resolve(
        &mut self,
        issue: &IssueId,
        addresses: &[EmailAddress],
        to: State,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError>;

    /// Queues recipients (all, or those of `addresses`) for another attempt, durable: the deferred ones and, with
    /// `failed`, those that failed or bounced. A deferred recipient keeps its attempts; a failed one starts over, because its next
    /// attempt might be the last. Inactive subscribers are left unchanged, so that they can be queued once they are
    /// active again; so are rows in any other state.
    fn requeue(
        &mut self,
        issue: &IssueId,
        failed: bool,
        addresses: &[EmailAddress],
        now: DateTime<Utc>,
    ) -> Result<Requeued, StoreError>;
}

/// Makes earlier writes durable; see `Store::barrier`.
pub type Barrier = Box<dyn Fn() -> Result<(), StoreError> + Send + Sync>;

/// Records entries while the store does something else; see `Store::recorder`.
pub type Recorder =
    Box<dyn Fn(&[(SubscriberId, LedgerEntry)], DateTime<Utc>) -> Result<Vec<SubscriberId>, StoreError> + Send + Sync>;

/// How many recipients were queued again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requeued {
    /// Had been deferred.
    pub deferred: u64,
    /// Had failed or bounced.
    pub failed: u64,
    /// Deferred, failed or bounced, and left unchanged: their subscribers are inactive.
    pub away: u64,
}

/// What adopting a mailing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// It was unknown and is now recorded.
    Entered,
    /// It was known; this many pending recipients are now `unknown`.
    Settled(u64),
}

/// Whether this process may send.
#[derive(Debug, Clone, PartialEq)]
pub enum RunStart {
    /// It may; what was recovered from dead runs.
    Started(Recovered),
    /// Another live run has the lock; its host and process id if known.
    Busy(Option<Run>),
}
