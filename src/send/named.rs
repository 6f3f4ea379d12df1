//! Which issue or digest a person means by a name, and under which id the ledger has it.

use chrono::{DateTime, Utc};

use crate::delivery::digests::Gathering;
use crate::delivery::history::History;
use crate::delivery::policy::{EditionOf, Policy};
use crate::digest::{PREFIX, Piece};
use crate::issue::{Issue, IssueId};
use crate::load;
use crate::store::{Store, StoreError};

/// The issue or digest of that name, in a project with this policy, if it mails. Only for a digest the store is opened.
///
/// # Errors
/// A finding when there is none of that name; when the store cannot be opened or read.
pub fn piece<'a>(
    name: &str,
    issues: &'a [Issue],
    policy: Option<&Policy>,
    now: DateTime<Utc>,
    store: impl FnOnce() -> anyhow::Result<Box<dyn Store>>,
) -> anyhow::Result<Piece<'a>> {
    let means_digest =
        |policy: &&Policy| name.starts_with(PREFIX) || name == "latest" && policy.edition == EditionOf::Digest;
    match policy.filter(means_digest) {
        Some(Policy { schedule, .. }) => {
            let history = History::read(&*store()?)?;
            Gathering { issues, schedule, history: &history, now }.named(name).map(Piece::Digest)
        }
        None => load::find(issues, name, now).map(Piece::Issue),
    }
}

/// The id under which the ledger has an issue or digest: that of the digest for an issue that was mailed in one.
///
/// # Errors
/// When the store cannot be read.
pub fn mailed_as(store: &dyn Store, piece: &Piece<'_>) -> Result<IssueId, StoreError> {
    let history = History::read(store)?;
    let id = piece.id();
    Ok(history.digest_of(&id).cloned().unwrap_or(id))
}
