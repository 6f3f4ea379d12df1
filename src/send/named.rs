//! Which issue or digest a person means by a name, and under which id the ledger has it.

use chrono::{DateTime, Utc};

use crate::delivery::digests::Gathering;
use crate::delivery::history::History;
use crate::delivery::policy::{EditionOf, Policy};
use crate::digest::{PREFIX, Piece};
use crate::finding::Finding;
use crate::issue::{Issue, IssueId};
use crate::ledger::State;
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

/// The id under which the ledger has this edition of an issue, whichever is mailed now.
///
/// # Errors
/// A finding when it was never mailed; when the store cannot be read.
pub fn edition(store: &dyn Store, piece: &Piece<'_>, edition: u32) -> anyhow::Result<IssueId> {
    let wanted = match piece {
        Piece::Issue(issue) => Some(issue.id.of_edition(edition)),
        Piece::Digest(_) => None,
    };
    let mailed = store.mailings()?;
    match wanted.filter(|wanted| mailed.iter().any(|mailing| mailing.issue == *wanted)) {
        Some(wanted) => Ok(wanted),
        None => {
            let message = format!("no edition {edition} of `{}` was mailed", piece.slug());
            let help = format!("`slugline status {}` lists what was", piece.slug());
            Err(Finding::error("edition-not-mailed", message).help(help).into())
        }
    }
}

/// The editions of an issue with recipients of whom nobody knows, but for that with this id.
///
/// # Errors
/// When the store cannot be read.
pub fn others_with_unknown(store: &dyn Store, piece: &Piece<'_>, but: &IssueId) -> Result<Vec<(u32, u64)>, StoreError> {
    let Piece::Issue(issue) = piece else { return Ok(Vec::new()) };
    let mut others = Vec::new();
    for mailing in store.mailings()?.into_iter().filter(|mailing| mailing.issue != *but) {
        let (id, edition) = mailing.issue.edition();
        if id == issue.id.as_str() {
            others.push((edition, store.counts(&mailing.issue)?.of(State::Unknown)));
        }
    }
    others.retain(|(_, unknown)| *unknown > 0);
    others.sort_unstable();
    Ok(others)
}
