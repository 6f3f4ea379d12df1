//! The table of mailings; `digest` has those of digests' contents, `deliveries` that of recipients.

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use postgres::{GenericClient, Row, Transaction};

use super::{Result, digest};
use crate::digest::DigestContents;
use crate::issue::IssueId;
use crate::ledger::Mailing;

const COLUMNS: &str = "SELECT issue, content_hash, frozen_at, expected, id FROM mailing";

/// Freezes one audience at a time. Every statement sees what was committed before it began, so that after waiting for
/// the lock a mailing made meanwhile is found. Count and rows come from one statement, so that no one joins between
/// them.
pub(super) fn freeze(
    transaction: &mut Transaction<'_>,
    issue: &IssueId,
    content_hash: &str,
    contents: Option<&DigestContents>,
    now: DateTime<Utc>,
) -> Result<Mailing> {
    lock(transaction)?;
    if let Some(mailing) = mailing(transaction, issue)? {
        return Ok(mailing);
    }
    let issues = contents.map_or(std::slice::from_ref(issue), |contents| &contents.issues);
    if let Some(mailed) = digest::mailed(transaction, issues)? {
        bail!("`{mailed}` is already in a mailing");
    }
    let insert = "INSERT INTO mailing (issue, content_hash, frozen_at, expected) VALUES ($1, $2, $3, 0) RETURNING id";
    let number: i64 = transaction.query_one(insert, &[&issue.as_str(), &content_hash, &now])?.try_get(0)?;
    let row = transaction.query_one(
        "WITH written AS (
             INSERT INTO delivery (mailing, subscriber, address, state, attempts, changed)
             SELECT $1, id, address, 'queued', 0, $2 FROM subscriber WHERE status = 'active' ORDER BY id RETURNING 1
         )
         SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM subscriber WHERE status = 'active')",
        &[&number, &now],
    )?;
    let (written, active): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    ensure!(written == active, "{written} recipients were recorded instead of {active}");
    transaction.execute("UPDATE mailing SET expected = $2 WHERE id = $1", &[&number, &active])?;
    if let Some(contents) = contents {
        digest::write(transaction, number, contents)?;
    }
    mailing(transaction, issue)?.context("the mailing just written is missing")
}

/// Records how many failures a person has accepted.
pub(super) fn accept_failures(transaction: &mut Transaction<'_>, issue: &IssueId, failures: u64) -> Result<()> {
    let (update, failures) = ("UPDATE mailing SET accepted_failures = $2 WHERE issue = $1", i64::try_from(failures)?);
    ensure!(transaction.execute(update, &[&issue.as_str(), &failures])? == 1, "`{issue}` has no mailing");
    Ok(())
}

/// Prevents other runs from freezing an audience until the transaction ends.
pub(super) fn lock(transaction: &mut Transaction<'_>) -> Result<()> {
    transaction.execute("SELECT pg_advisory_xact_lock('mailing'::regclass::oid::int, 0)", &[])?;
    Ok(())
}

pub(super) fn mailing(client: &mut impl GenericClient, issue: &IssueId) -> Result<Option<Mailing>> {
    let row = client.query_opt(&format!("{COLUMNS} WHERE issue = $1"), &[&issue.as_str()])?;
    row.map(|row| from_row(client, &row)).transpose()
}

pub(super) fn mailings(client: &mut impl GenericClient) -> Result<Vec<Mailing>> {
    let rows = client.query(&format!("{COLUMNS} ORDER BY frozen_at DESC, id DESC"), &[])?;
    rows.iter().map(|row| from_row(client, row)).collect()
}

fn from_row(client: &mut impl GenericClient, row: &Row) -> Result<Mailing> {
    let issue: &str = row.try_get(0)?;
    let id = digest::issue_id(issue)?;
    let digest = digest::read(client, row.try_get(4)?, &id);
    Ok(Mailing {
        digest: digest.with_context(|| format!("the contents of `{issue}` cannot be read"))?,
        issue: id,
        content_hash: row.try_get(1)?,
        frozen_at: row.try_get(2)?,
        expected: u64::try_from(row.try_get::<_, i64>(3)?)?,
    })
}
