//! Which issue or digest a person means by a name, and under which id the ledger has it.

use chrono::{DateTime, Utc};

use crate::config::{EditionOf, Schedule};
use crate::delivery::digests::Gathering;
use crate::delivery::past::Past;
use crate::digest::{PREFIX, Piece};
use crate::issue::{Issue, IssueId};
use crate::load;
use crate::store::{Store, StoreError};

/// What a project mails.
#[derive(Debug, Clone, Copy)]
pub struct Mailed<'m> {
    /// Whether it is digests.
    pub edition: EditionOf,
    /// Their periods.
    pub schedule: &'m Schedule,
}

/// The issue or digest of that name, in a project that mails so, if it mails. Only for a digest the store is opened.
///
/// # Errors
/// A finding when there is none of that name; when the store cannot be opened or read.
pub fn piece<'a>(
    name: &str,
    issues: &'a [Issue],
    mailed: Option<Mailed<'_>>,
    now: DateTime<Utc>,
    store: impl FnOnce() -> anyhow::Result<Box<dyn Store>>,
) -> anyhow::Result<Piece<'a>> {
    let means_digest =
        |mailed: &Mailed<'_>| name.starts_with(PREFIX) || name == "latest" && mailed.edition == EditionOf::Digest;
    match mailed.filter(means_digest) {
        Some(Mailed { schedule, .. }) => {
            let past = Past::read(&*store()?)?;
            Gathering { issues, schedule, past: &past, now }.named(name).map(Piece::Digest)
        }
        None => load::find(issues, name, now).map(Piece::Issue),
    }
}

/// The id under which the ledger has an issue or digest: that of the digest for an issue that was mailed in one.
///
/// # Errors
/// When the store cannot be read.
pub fn mailed_as(store: &dyn Store, piece: &Piece<'_>) -> Result<IssueId, StoreError> {
    let past = Past::read(store)?;
    let id = piece.id();
    Ok(past.digest_of(&id).cloned().unwrap_or(id))
}
