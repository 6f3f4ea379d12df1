//! What a person decides about recipients: of whom nobody can know, and who is to be tried again.

use chrono::{DateTime, Utc};
use rusqlite::{Transaction, params};

use super::{Result, time_text};
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::State;
use crate::store::Requeued;

pub(super) fn resolve(
    transaction: &Transaction<'_>,
    issue: &IssueId,
    addresses: &[EmailAddress],
    to: State,
    now: DateTime<Utc>,
) -> Result<u64> {
    let now = time_text(now);
    let unknown = "state = 'unknown' AND mailing = (SELECT id FROM mailing WHERE issue = ?1)";
    if addresses.is_empty() {
        let sql = format!("UPDATE delivery SET state = ?2, changed = ?3 WHERE {unknown}");
        return Ok(transaction.execute(&sql, params![issue.as_str(), to.as_str(), now])? as u64);
    }
    let sql = format!(
        "UPDATE delivery SET state = ?2, changed = ?3
         WHERE {unknown} AND subscriber = (SELECT id FROM subscriber WHERE key = ?4)"
    );
    let mut update = transaction.prepare_cached(&sql)?;
    let mut resolved = 0;
    for address in addresses {
        resolved += update.execute(params![issue.as_str(), to.as_str(), now, address.key()])? as u64;
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
    let mut queue = |key: Option<String>| -> Result<()> {
        requeued.deferred += queue_again(transaction, issue, State::Deferred, key.as_deref(), now)?;
        requeued.away += away(transaction, issue, State::Deferred, key.as_deref())?;
        if failed {
            requeued.failed += queue_again(transaction, issue, State::Failed, key.as_deref(), now)?;
            requeued.away += away(transaction, issue, State::Failed, key.as_deref())?;
        }
        Ok(())
    };
    match addresses {
        [] => queue(None)?,
        addresses => addresses.iter().try_for_each(|address| queue(Some(address.key())))?,
    }
    Ok(requeued)
}

/// Recipients in a state; those of one address where a key is given.
const IN_STATE: &str = "mailing = (SELECT id FROM mailing WHERE issue = ?1) AND state = ?2
     AND (?3 IS NULL OR subscriber = (SELECT id FROM subscriber WHERE key = ?3))";

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
        "UPDATE delivery SET state = 'queued', retry_at = NULL, changed = ?4,
             attempts = CASE state WHEN 'failed' THEN 0 ELSE attempts END
         WHERE {IN_STATE} AND {IS_ACTIVE}"
    ))?;
    Ok(update.execute(params![issue.as_str(), from.as_str(), key, time_text(now)])? as u64)
}

fn away(transaction: &Transaction<'_>, issue: &IssueId, state: State, key: Option<&str>) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM delivery WHERE {IN_STATE} AND NOT {IS_ACTIVE}");
    let mut count = transaction.prepare_cached(&sql)?;
    let count: i64 = count.query_row(params![issue.as_str(), state.as_str(), key], |row| row.get(0))?;
    Ok(count as u64)
}
