//! Finds the issue or digest meant by a name, and its id in the ledger.

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::delivery::digest_selection::DigestSelection;
use crate::delivery::eligibility::ineligible;
use crate::delivery::history::History;
use crate::delivery::policy::{EditionKind, Policy};
use crate::digest::{MailingContent, PREFIX};
use crate::finding::Finding;
use crate::issue::{Issue, IssueId};
use crate::ledger::State;
use crate::load;
use crate::store::{Store, StoreError};

/// The issue or digest with this name, under this email policy, if any; `latest` is the newest one that may be mailed. The store is opened only for a digest.
///
/// # Errors
/// A finding if there is none with this name; when the store cannot be opened or read.
pub fn find<'a>(
    name: &str,
    issues: &'a [Issue],
    policy: Option<&Policy>,
    now: DateTime<Utc>,
    store: impl FnOnce() -> anyhow::Result<Box<dyn Store>>,
) -> anyhow::Result<MailingContent<'a>> {
    let means_digest =
        |policy: &&Policy| name.starts_with(PREFIX) || name == "latest" && policy.edition == EditionKind::Digest;
    match policy.filter(means_digest) {
        Some(Policy { schedule, .. }) => {
            let history = History::read(&*store()?)?;
            DigestSelection { issues, schedule, history: &history, now }.named(name).map(MailingContent::Digest)
        }
        None if name == "latest" => latest(issues, now).map(MailingContent::Issue),
        None => load::find(issues, name, now).map(MailingContent::Issue),
    }
}

/// The newest issue that may be mailed.
fn latest(issues: &[Issue], now: DateTime<Utc>) -> anyhow::Result<&Issue> {
    let newest = issues.iter().find(|issue| ineligible(issue, now).is_none());
    newest.context("no issue for email has been published yet, so there is no `latest`")
}

/// The id in the ledger: for an issue mailed in a digest, that of the digest.
///
/// # Errors
/// When the store cannot be read.
pub fn ledger_key(store: &dyn Store, content: &MailingContent<'_>) -> Result<IssueId, StoreError> {
    let history = History::read(store)?;
    let id = content.id();
    Ok(history.digest_of(&id).cloned().unwrap_or(id))
}

/// The id in the ledger of this edition of an issue, whichever edition is current.
///
/// # Errors
/// A finding if it was never mailed; when the store cannot be read.
pub fn edition(store: &dyn Store, content: &MailingContent<'_>, edition: u32) -> anyhow::Result<IssueId> {
    let id = match content {
        MailingContent::Issue(issue) => Some(issue.id.of_edition(edition)),
        MailingContent::Digest(_) => None,
    };
    let mailed = store.mailings()?;
    match id.filter(|id| mailed.iter().any(|mailing| mailing.issue == *id)) {
        Some(id) => Ok(id),
        None => {
            let message = format!("edition {edition} of `{}` was not mailed", content.slug());
            let help = format!("`slugline status {}` lists the editions that were", content.slug());
            Err(Finding::error("edition-not-mailed", message).help(help).into())
        }
    }
}

/// The editions of an issue that have unknown recipients, with their number, except the edition with the id `but`.
///
/// # Errors
/// When the store cannot be read.
pub fn other_editions_with_unknown(
    store: &dyn Store,
    content: &MailingContent<'_>,
    but: &IssueId,
) -> Result<Vec<(u32, u64)>, StoreError> {
    let MailingContent::Issue(issue) = content else { return Ok(Vec::new()) };
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

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone as _};

    use super::*;
    use crate::send::tests::issue;

    #[test]
    fn latest_is_the_newest_issue_for_email() {
        let now = Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap();
        let names = ["future", "web-only", "draft", "expired", "newest", "older"];
        let mut issues: Vec<Issue> =
            (-1..).zip(names).map(|(days, name)| issue(name, now - TimeDelta::days(days))).collect();
        issues[1].email = false;
        issues[2].draft = true;
        issues[3].expires = Some(now.fixed_offset());
        let find = |issues| {
            find("latest", issues, Some(&Policy::default()), now, || unreachable!()).map(|it| it.slug().to_string())
        };
        assert_eq!(find(&issues).unwrap(), "newest");
        assert!(find(&issues[..4]).is_err());
    }
}
