//! The store: subscribers and the ledger of what was sent to whom. This file is the contract; `sqlite` and `postgres` keep
//! it (as does `memory`, for tests), `conformance` proves that they do.
//!
//! It speaks in this program's nouns. Every method is one transaction: it happens whole or not at all, and a method
//! that returned has happened. Methods that say *durable* survive a power cut; the others survive the death of the
//! process. Who may send, and how many at a time, is settled by `begin_run`; reading and subscribing are free. A store that
//! was moved elsewhere (`moving`) can be read; whatever else a person or a run wants of it is `StoreError::Moved`.

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
pub use location::{Database, Location};
pub use personal_data::{Erasure, ForgetOutcome, PersonalData};

mod added;
pub mod backup;
#[cfg(test)]
mod conformance;
mod error;
mod listed;
mod location;
#[cfg(test)]
pub(crate) mod memory;
pub mod moving;
mod password;
mod personal_data;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;
mod tags;

/// What was learned of the mail servers at one place is kept for so many greetings.
const MAX_GREETINGS: u32 = 20;

/// Tells where a file of the project is, by its path below the project folder.
pub type Locate<'a> = &'a dyn Fn(&Path) -> PathBuf;

/// Called with one subscriber; returns whether to go on.
pub type Visit<'a> = dyn FnMut(Subscriber) -> anyhow::Result<ControlFlow<()>> + 'a;

/// Opens the store at `location`. `locate` finds the files that it names.
///
/// # Errors
/// When it cannot be opened, is no store, or was made by a newer version of this program.
pub fn open(location: &Location, locate: Locate<'_>) -> Result<Box<dyn Store>, StoreError> {
    Ok(open_movable(location, None, locate)?)
}

/// Opens a store to move it, or to move another one to it. The password of a database is in `password_file`, relative to
/// the project folder, where one is named, else where it always is.
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
        help: "mend or remove `store_password_file` in the project file, or `--password-file`",
        source,
    })?;
    postgres::Postgres::open(&database.url, password.as_ref(), |file| {
        let path = locate(Path::new(file));
        fs::read(&path).with_context(|| format!("failed to read `{}`", path.display()))
    })
}

/// What keeps subscribers and the ledger.
pub trait Store: Send {
    /// Adds subscribers, durable, each with the status of their record. Of an address already there (compared by
    /// `EmailAddress::key`) nothing changes but the status, as `Status::after` says: whoever is not active stays so, and
    /// whoever is active leaves when their new record says that they left, bounced, complained or are suppressed. Whoever
    /// was forgotten is not added.
    fn add_subscribers(
        &mut self,
        new: &mut dyn Iterator<Item = NewSubscriber>,
        now: DateTime<Utc>,
    ) -> Result<Added, StoreError>;

    /// The subscriber with that address.
    fn subscriber(&self, address: &EmailAddress) -> Result<Option<Subscriber>, StoreError>;

    /// Of each of these addresses, the status of its subscriber, if it has one.
    fn statuses_of(&self, addresses: &[&EmailAddress]) -> Result<Vec<Option<Status>>, StoreError>;

    /// Of each of these addresses, whether it was forgotten.
    fn are_forgotten(&self, addresses: &[&EmailAddress]) -> Result<Vec<bool>, StoreError>;

    /// The subscriber of that number.
    fn subscriber_by_id(&self, id: SubscriberId) -> Result<Option<Subscriber>, StoreError>;

    /// The subscriber whose address has that tag under the secret. Tags are kept, and found without a search; those of
    /// whoever joined since are added first. A store that was moved is searched instead.
    fn subscriber_by_tag(&mut self, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>, StoreError>;

    /// How many subscribers there are, only those of `status` if one is given.
    fn count_subscribers(&self, status: Option<Status>) -> Result<u64, StoreError>;

    /// Calls `visit` with every subscriber in the order of their numbers, only those of `status` if one is given, until it
    /// breaks off.
    fn visit_subscribers(&self, status: Option<Status>, visit: &mut Visit<'_>) -> anyhow::Result<()>;

    /// Calls `each` with every subscriber, as `visit_subscribers` does.
    fn each_subscriber(
        &self,
        status: Option<Status>,
        each: &mut dyn FnMut(Subscriber) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.visit_subscribers(status, &mut |subscriber| each(subscriber).map(ControlFlow::Continue))
    }

    /// Sets a subscriber's status, durable; gives the one before, `None` when the address is not known.
    fn set_status(
        &mut self,
        address: &EmailAddress,
        status: Status,
        now: DateTime<Utc>,
    ) -> Result<Option<Status>, StoreError>;

    /// Its id, of which there is no other; copies of the store have the same.
    fn id(&self) -> Result<String, StoreError>;

    /// Whether it has neither a subscriber nor a mailing, as one that was just made.
    fn is_empty(&self) -> Result<bool, StoreError>;

    /// How far it has counted runs. A copy has counted as far as the store had when it was made, and no further.
    fn runs(&self) -> Result<u64, StoreError>;

    /// StateCounts a run that begins to mail, or one that is over, durable; returns how far it has counted now.
    fn count_run(&mut self) -> Result<u64, StoreError>;

    /// Everything that is known of the person with that address.
    fn personal_data(&self, address: &EmailAddress) -> Result<Option<PersonalData>, StoreError>;

    /// Forgets the person with that address, durable, whether or not they are a subscriber: the row is gone, their
    /// deliveries keep number, state and time, but no address, and what still waits is suppressed. No list brings them
    /// back (`add_subscribers`), and nobody else gets their number. What runs that are dead left behind is settled first, as
    /// `begin_run` does; where this process has the right to send, it is given up. Then the files of the store are cleaned
    /// of what is left of the address.
    fn forget(&mut self, address: &EmailAddress, run: &Run, now: DateTime<Utc>) -> Result<ForgetOutcome, StoreError>;

    /// Lets a forgotten address be added again, durable; tells whether it had been forgotten.
    fn allow(&mut self, address: &EmailAddress) -> Result<bool, StoreError>;

    /// Notes whom the project's own list names, by `EmailAddress::key`, durable. Gives those whom it named before and does
    /// not name any more, as long as they are active: each once, unless it names them again meanwhile.
    fn note_listed(&mut self, is_named: &dyn Fn(&str) -> bool) -> Result<Vec<EmailAddress>, StoreError>;

    /// All whom `note_listed` gave and who are still active, in the order of their numbers.
    fn unlisted(&self) -> Result<Vec<EmailAddress>, StoreError>;

    /// Takes the right to send, until the store is dropped, and settles what dead runs left behind, durable: their
    /// claims are queued again, their `sending` rows become `unknown`. In a store in a file one run sends at a time, and
    /// every claim becomes `unknown` if `run.boot_id` is another; a store on a server has any number of runs, each of
    /// which takes recipients that no other has.
    fn begin_run(&mut self, run: &Run, now: DateTime<Utc>) -> Result<RunStart, StoreError>;

    /// Writes down the audience of an issue or digest, durable: one queued row per active subscriber, and their number,
    /// which is verified; and what a digest holds. What has a mailing already is left as it is, and that mailing is
    /// given. No issue is ever in two mailings: it is an error if a digest holds one that was mailed, alone or in another
    /// digest, or if the issue is in a digest.
    fn freeze(
        &mut self,
        issue: &IssueId,
        content_hash: &str,
        digest: Option<&DigestContents>,
        now: DateTime<Utc>,
    ) -> Result<Mailing, StoreError>;

    /// All mailings, of issues by themselves and of digests, newest first.
    fn mailings(&self) -> Result<Vec<Mailing>, StoreError>;

    /// The mailings that somebody waits for, queued, taken by a run, or deferred, the oldest first; and when the state of a
    /// recipient of each last changed.
    fn open_mailings(&self) -> Result<Vec<(IssueId, DateTime<Utc>)>, StoreError>;

    /// Takes these mailings for mailed, durable: one that it does not know is written down without recipients, and of one
    /// that it knows whoever still waits becomes `unknown`, with `why` as the reply. From then on it has counted `runs`
    /// runs at least. Returns what it did of each.
    fn adopt(
        &mut self,
        mailings: &[Mailing],
        runs: u64,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Adoption>, StoreError>;

    /// Says that this run is alive, shows others how far it is, and settles what runs left behind that died meanwhile. To
    /// be called several times a second: the store decides how often that means work. A run that is silent for ten
    /// minutes may be taken for dead; its claims are others' then.
    fn renew_run(&mut self, now: DateTime<Utc>) -> Result<Recovered, StoreError>;

    /// Takes up to `limit` recipients: queued ones, and deferred ones whose time has come, in the order of their
    /// numbers, those first whom no server has refused: whom it puts off again and again keeps nobody waiting. Those who
    /// left or were suppressed since the freeze become `suppressed` instead, and do not count.
    ///
    /// Not durable by itself, so that a slow disk does not hold up others who write: nothing may be sent to them before
    /// `barrier` has been called and has returned.
    fn claim(&mut self, issue: &IssueId, limit: usize, now: DateTime<Utc>) -> Result<Vec<Claim>, StoreError>;

    /// Takes those of these recipients who wait, as `claim` does.
    fn claim_these(
        &mut self,
        issue: &IssueId,
        recipients: &[SubscriberId],
        now: DateTime<Utc>,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Gives a function for any thread: once it has returned, all that was written before its call is durable.
    fn barrier(&self) -> Result<Barrier, StoreError>;

    /// Writes down entries about recipients whom this run has claimed, in their order. `Failed` with `suppress` also
    /// suppresses the subscriber.
    ///
    /// Gives those whose claim this run has lost to another: of them nothing was written, and nothing may be sent.
    fn record(
        &mut self,
        issue: &IssueId,
        entries: &[(SubscriberId, LedgerEntry)],
        now: DateTime<Utc>,
    ) -> Result<Vec<SubscriberId>, StoreError>;

    /// Gives a function for any thread that does the same about an issue's recipients while the store is busy with
    /// something else, unless it can do only one thing at a time.
    fn recorder(&self, _issue: &IssueId) -> Result<Option<Recorder>, StoreError> {
        Ok(None)
    }

    /// Takes up to `wanted` messages from what `rate` allows to all who send from this store. What is taken is gone,
    /// also for the next run.
    fn take_permits(&mut self, rate: &Rate, wanted: u64, now: DateTime<Utc>) -> Result<Permits, StoreError>;

    /// How many messages were taken from `quota`.
    fn quota_used(&self, quota: &Quota) -> Result<u64, StoreError>;

    /// Takes up to `wanted` messages from what `quota` allows on its day to all who send from this store; gives how many.
    fn take_quota(&mut self, quota: &Quota, wanted: u64) -> Result<u64, StoreError>;

    /// Gives back what was taken of `quota` and not used. What a run took that died is gone for the day.
    fn return_quota(&mut self, quota: &Quota, unused: u64) -> Result<(), StoreError>;

    /// Whether the mail server at `place` (`host:port`), while it greets so, takes the envelope of a message behind the content
    /// of the one before; `None` where that was not found out yet.
    fn pipelining(&self, place: &str, greeting: &str) -> Result<Option<bool>, StoreError>;

    /// Keeps whether it does. Of each place, what was kept first is forgotten beyond twenty greetings.
    fn note_pipelining(
        &mut self,
        place: &str,
        greeting: &str,
        takes: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// How many recipients of an issue are in each state.
    fn counts(&self, issue: &IssueId) -> Result<StateCounts, StoreError>;

    /// Calls `each` with the recipients of an issue in the order of their numbers, only those in `state` if given.
    fn each_delivery(
        &self,
        issue: &IssueId,
        state: Option<State>,
        each: &mut dyn FnMut(Delivery) -> anyhow::Result<()>,
    ) -> anyhow::Result<()>;

    /// The deliveries of an issue to these subscribers, as far as they are among its recipients, in the order of their
    /// numbers.
    fn deliveries_to(&self, issue: &IssueId, recipients: &[SubscriberId]) -> Result<Vec<Delivery>, StoreError>;

    /// Decides on rows that are `unknown` (all, or those of `addresses`), durable: `Sent` or `Queued`. Gives how many.
    fn resolve(
        &mut self,
        issue: &IssueId,
        addresses: &[EmailAddress],
        to: State,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError>;

    /// Queues recipients (all, or those of `addresses`) for another try, durable: those who are deferred, and with
    /// `failed` those who failed. A deferred one goes on with the tries it has had; those of a failed one begin anew, for
    /// else the next might be the last. Whoever has left or is suppressed stays as they are, so that they can be
    /// queued once they are active again; rows in any other state do too.
    fn requeue(
        &mut self,
        issue: &IssueId,
        failed: bool,
        addresses: &[EmailAddress],
        now: DateTime<Utc>,
    ) -> Result<Requeued, StoreError>;
}

/// Makes durable what was written before; see `Store::barrier`.
pub type Barrier = Box<dyn Fn() -> Result<(), StoreError> + Send + Sync>;

/// Writes entries down while the store does something else; see `Store::recorder`.
pub type Recorder =
    Box<dyn Fn(&[(SubscriberId, LedgerEntry)], DateTime<Utc>) -> Result<Vec<SubscriberId>, StoreError> + Send + Sync>;

/// Who was queued again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requeued {
    /// Were deferred.
    pub deferred: u64,
    /// Had failed.
    pub failed: u64,
    /// Were deferred or had failed, and stay so: they have left or are suppressed.
    pub away: u64,
}

/// What became of a mailing that was taken for mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// It was not known, and is now.
    Entered,
    /// It was known; so many who waited are `unknown` now.
    Settled(u64),
}

/// Whether this process may send.
#[derive(Debug, Clone, PartialEq)]
pub enum RunStart {
    /// It may; what was found of dead runs.
    Started(Recovered),
    /// Another live run has the right; its host and process id as far as known.
    Busy(Option<Run>),
}
