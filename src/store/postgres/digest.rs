//! The tables of digests' contents.

use anyhow::Context;
use postgres::{GenericClient, Transaction};

use super::Result;
use crate::digest::{DigestContents, Period, PeriodName};
use crate::issue::IssueId;

/// Returns one of these issues that is in a mailing, by itself or in a digest.
pub(super) fn mailed(transaction: &mut Transaction<'_>, issues: &[IssueId]) -> Result<Option<String>> {
    let row = transaction.query_opt(
        "SELECT issue FROM (SELECT issue FROM mailing UNION ALL SELECT issue FROM digest_issue) AS held
         WHERE issue = ANY($1) LIMIT 1",
        &[&texts(issues)],
    )?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) fn write(transaction: &mut Transaction<'_>, mailing: i64, contents: &DigestContents) -> Result<()> {
    let Period { start, end, .. } = &contents.period;
    let digest = "INSERT INTO digest (mailing, period_start, period_end) VALUES ($1, $2, $3)";
    transaction.execute(digest, &[&mailing, start, end])?;
    transaction.execute(
        "INSERT INTO digest_issue (issue, mailing, position)
         SELECT issue, $1, position FROM unnest($2::text[]) WITH ORDINALITY AS held (issue, position)",
        &[&mailing, &texts(&contents.issues)],
    )?;
    Ok(())
}

/// The contents of the mailing `id`, or `None` if it is that of an issue.
pub(super) fn read(client: &mut impl GenericClient, mailing: i64, id: &IssueId) -> Result<Option<DigestContents>> {
    let period = "SELECT period_start, period_end FROM digest WHERE mailing = $1";
    let Some(row) = client.query_opt(period, &[&mailing])? else { return Ok(None) };
    let name = PeriodName::of_id(id).context("its name is not that of a digest")?;
    let period = Period { name, start: row.try_get(0)?, end: row.try_get(1)? };
    let rows = client.query("SELECT issue FROM digest_issue WHERE mailing = $1 ORDER BY position", &[&mailing])?;
    let issues = rows.iter().map(|row| issue_id(row.try_get(0)?)).collect::<Result<_>>()?;
    Ok(Some(DigestContents { period, issues }))
}

fn texts(issues: &[IssueId]) -> Vec<&str> {
    issues.iter().map(IssueId::as_str).collect()
}

/// The id of an issue in a mailing.
pub(super) fn issue_id(text: &str) -> Result<IssueId> {
    IssueId::new(text).context("a mailing has an empty issue id")
}
