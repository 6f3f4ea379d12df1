//! The tables of digests' contents.

use anyhow::{Context, Result};
use rusqlite::{Connection, Transaction, params};

use super::{format_time, parse_time};
use crate::digest::{DigestContents, Period, PeriodName};
use crate::issue::IssueId;

/// Whether an issue is in a mailing, by itself or in a digest.
pub(super) fn is_mailed(transaction: &Transaction<'_>, issue: &IssueId) -> Result<bool> {
    let mut select = transaction.prepare_cached(
        "SELECT 1 FROM mailing WHERE issue = ?1 UNION ALL SELECT 1 FROM digest_issue WHERE issue = ?1",
    )?;
    Ok(select.exists([issue.as_str()])?)
}

pub(super) fn write(transaction: &Transaction<'_>, mailing: i64, contents: &DigestContents) -> Result<()> {
    let period = &contents.period;
    transaction.execute(
        "INSERT INTO digest (mailing, period_start, period_end) VALUES (?1, ?2, ?3)",
        params![mailing, format_time(period.start), format_time(period.end)],
    )?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO digest_issue (issue, mailing, position) VALUES (?1, ?2, ?3)")?;
    for (position, issue) in (1_i64..).zip(&contents.issues) {
        insert.execute(params![issue.as_str(), mailing, position])?;
    }
    Ok(())
}

/// The contents of the mailing `id`, or `None` if it is that of an issue.
pub(super) fn read(connection: &Connection, mailing: i64, id: &IssueId) -> Result<Option<DigestContents>> {
    let mut select = connection.prepare_cached("SELECT period_start, period_end FROM digest WHERE mailing = ?1")?;
    let mut rows = select.query([mailing])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (start, end): (String, String) = (row.get(0)?, row.get(1)?);
    let name = PeriodName::of_id(id).context("its name is not that of a digest")?;
    let period = Period { name, start: parse_time(&start)?, end: parse_time(&end)? };
    let mut select =
        connection.prepare_cached("SELECT issue FROM digest_issue WHERE mailing = ?1 ORDER BY position")?;
    let mut rows = select.query([mailing])?;
    let mut issues = Vec::new();
    while let Some(row) = rows.next()? {
        issues.push(issue_id(&row.get::<_, String>(0)?)?);
    }
    Ok(Some(DigestContents { period, issues }))
}

/// The id of an issue in a mailing.
pub(super) fn issue_id(text: &str) -> Result<IssueId> {
    IssueId::new(text).context("a mailing has an empty issue id")
}
