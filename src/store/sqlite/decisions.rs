//! The user's decisions about recipients: resolving unknown ones, and queueing others again.

use chrono::{DateTime, Utc};
use rusqlite::{Transaction, params};

use super::{Result, digest, format_time, ledger};
use crate::digest::DigestContents;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{Mailing, State};
use crate::store::{Adoption, Requeued};

pub(super) fn resolve(
    transaction: &Transaction<'_>,
    issue: &IssueId,
    addresses: &[EmailAddress],
    to: State,
    now: DateTime<Utc>,
) -> Result<u64> {
    let (from, now) = (State::Unknown.as_str(), format_time(now));
    let mut resolved = 0;
    for key in keys(addresses) {
        let sql = format!(
            "UPDATE delivery SET changed = ?5, state = CASE WHEN ?4 = 'queued' AND NOT {IS_THERE}
                 THEN 'suppressed' ELSE ?4 END WHERE {}",
            in_state(key.as_deref())
        );
        let mut update = transaction.prepare_cached(&sql)?;
        resolved += update.execute(params![issue.as_str(), from, key, to.as_str(), now])? as u64;
    }
    Ok(resolved)
}

pub(super) fn requeue(
    transaction: &Transaction<'_>,
    issue: &IssueId,
    failed: bool,
    addresses: &[EmailAddress],
    now: DateTime<Utc>,
) -> Result<Requeued> {
    let mut requeued = Requeued::default();
    for key in keys(addresses) {
        let key = key.as_deref();
        requeued.deferred += queue_again(transaction, issue, State::Deferred, key, now)?;
        requeued.away += away(transaction, issue, State::Deferred, key)?;
        for state in [State::Failed, State::Bounced].into_iter().filter(|_| failed) {
            requeued.failed += queue_again(transaction, issue, state, key, now)?;
            requeued.away += away(transaction, issue, state, key)?;
        }
    }
    Ok(requeued)
}

/// Records a mailing as mailed.
pub(super) fn adopt(
    transaction: &Transaction<'_>,
    mailing: &Mailing,
    why: &str,
    now: DateTime<Utc>,
) -> Result<Adoption> {
    let Mailing { issue, digest, content_hash, frozen_at, expected } = mailing;
    if ledger::mailing(transaction, issue)?.is_some() {
        let settled = transaction.execute(
            "UPDATE delivery SET state = 'unknown', run = NULL, retry_at = NULL, class = NULL, reply = ?2, changed = ?3
             WHERE mailing = (SELECT id FROM mailing WHERE issue = ?1)
                 AND state IN ('queued', 'claimed', 'sending', 'deferred')",
            params![issue.as_str(), why, format_time(now)],
        )?;
        return Ok(Adoption::Settled(settled as u64));
    }
    transaction.execute(
        "INSERT INTO mailing (issue, content_hash, frozen_at, expected) VALUES (?1, ?2, ?3, ?4)",
        params![issue.as_str(), content_hash, format_time(*frozen_at), *expected as i64],
    )?;
    let number = transaction.last_insert_rowid();
    if let Some(DigestContents { period, issues }) = digest {
        let mut unmailed = Vec::new();
        for issue in issues {
            // Issues in another mailing are known to be mailed.
            if !digest::is_mailed(transaction, issue)? {
                unmailed.push(issue.clone());
            }
        }
        digest::write(transaction, number, &DigestContents { period: period.clone(), issues: unmailed })?;
    }
    Ok(Adoption::Entered)
}

/// The keys of addresses; one `None` stands for all.
fn keys(addresses: &[EmailAddress]) -> Vec<Option<String>> {
    match addresses {
        [] => vec![None],
        addresses => addresses.iter().map(|address| Some(address.key())).collect(),
    }
}

/// The condition for recipients in a state or, given a key, for one of them, found without a scan.
fn in_state(key: Option<&str>) -> String {
    let which = match key {
        None => "?3 IS NULL",
        Some(_) => "subscriber = (SELECT id FROM subscriber WHERE key = ?3)",
    };
    format!("mailing = (SELECT id FROM mailing WHERE issue = ?1) AND state = ?2 AND {which}")
}

/// Forgotten recipients are not mailed again.
const IS_THERE: &str = "EXISTS (SELECT 1 FROM subscriber WHERE subscriber.id = delivery.subscriber)";

const IS_ACTIVE: &str =
    "EXISTS (SELECT 1 FROM subscriber WHERE subscriber.id = delivery.subscriber AND status = 'active')";

fn queue_again(
    transaction: &Transaction<'_>,
    issue: &IssueId,
    from: State,
    key: Option<&str>,
    now: DateTime<Utc>,
) -> Result<u64> {
    let mut update = transaction.prepare_cached(&format!(
        "UPDATE delivery SET state = 'queued', retry_at = NULL, class = NULL, changed = ?4,
             attempts = CASE state WHEN 'deferred' THEN attempts ELSE 0 END
         WHERE {} AND {IS_ACTIVE}",
        in_state(key)
    ))?;
    Ok(update.execute(params![issue.as_str(), from.as_str(), key, format_time(now)])? as u64)
}

fn away(transaction: &Transaction<'_>, issue: &IssueId, state: State, key: Option<&str>) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM delivery WHERE {} AND NOT {IS_ACTIVE}", in_state(key));
    let mut count = transaction.prepare_cached(&sql)?;
    let count: i64 = count.query_row(params![issue.as_str(), state.as_str(), key], |row| row.get(0))?;
    Ok(count as u64)
}
