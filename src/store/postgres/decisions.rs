//! The user's decisions about recipients: resolving unknown ones, and queueing others again.

use anyhow::Context;
use chrono::{DateTime, Utc};
use postgres::Transaction;

use super::{Result, digest, mailings};
use crate::digest::DigestContents;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{Mailing, State};
use crate::store::{Adoption, Requeued};

/// A resolved row belongs to no run: a later reply is not recorded.
pub(super) fn resolve(
    transaction: &mut Transaction<'_>,
    issue: &IssueId,
    addresses: &[EmailAddress],
    to: State,
    now: DateTime<Utc>,
) -> Result<u64> {
    let rows = transaction.query(
        "WITH resolved AS (
             UPDATE delivery SET run = NULL, changed = $3,
                 -- Forgotten recipients are not mailed again.
                 state = CASE WHEN $2 = 'queued' AND NOT EXISTS (
                     SELECT FROM subscriber WHERE subscriber.id = delivery.subscriber) THEN 'suppressed' ELSE $2 END
             WHERE state = 'unknown' AND mailing = (SELECT id FROM mailing WHERE issue = $1)
                 AND ($4::text[] IS NULL OR subscriber IN (SELECT id FROM subscriber WHERE key = ANY($4)))
             RETURNING 1
         )
         SELECT count(*) FROM resolved",
        &[&issue.as_str(), &to.as_str(), &now, &keys(addresses)],
    )?;
    let count = rows.first().context("no count came back")?.try_get::<_, i64>(0)?;
    Ok(u64::try_from(count)?)
}

const REQUEUE: &str = "
WITH named AS (
    SELECT delivery.mailing, delivery.subscriber, state, coalesce(subscriber.status = 'active', false) AS active
    FROM delivery LEFT JOIN subscriber ON subscriber.id = delivery.subscriber
    WHERE mailing = (SELECT id FROM mailing WHERE issue = $1) AND (state = 'deferred' OR $2 AND state IN ('failed', 'bounced'))
        AND ($3::text[] IS NULL OR subscriber.key = ANY($3))
    ORDER BY delivery.subscriber FOR UPDATE OF delivery
),
requeued AS (
    UPDATE delivery SET state = 'queued', retry_at = NULL, class = NULL, changed = $4,
        attempts = CASE named.state WHEN 'deferred' THEN attempts ELSE 0 END
    FROM named
    WHERE delivery.mailing = named.mailing AND delivery.subscriber = named.subscriber AND named.active
)
SELECT count(*) FILTER (WHERE active AND state = 'deferred'), count(*) FILTER (WHERE active AND state <> 'deferred'),
    count(*) FILTER (WHERE NOT active)
FROM named";

pub(super) fn requeue(
    transaction: &mut Transaction<'_>,
    issue: &IssueId,
    failed: bool,
    addresses: &[EmailAddress],
    now: DateTime<Utc>,
) -> Result<Requeued> {
    let rows = transaction.query(REQUEUE, &[&issue.as_str(), &failed, &keys(addresses), &now])?;
    let row = rows.first().context("no count came back")?;
    let count = |at: usize| -> Result<u64> { Ok(u64::try_from(row.try_get::<_, i64>(at)?)?) };
    Ok(Requeued { deferred: count(0)?, failed: count(1)?, away: count(2)? })
}

/// Records a mailing as mailed. Its rows then belong to no run.
pub(super) fn adopt(
    transaction: &mut Transaction<'_>,
    mailing: &Mailing,
    why: &str,
    now: DateTime<Utc>,
) -> Result<Adoption> {
    let Mailing { issue, digest, content_hash, frozen_at, expected } = mailing;
    mailings::lock(transaction)?;
    if mailings::mailing(transaction, issue)?.is_some() {
        let settled = transaction.execute(
            "UPDATE delivery SET state = 'unknown', run = NULL, retry_at = NULL, class = NULL, reply = $2,
                 changed = $3
             WHERE mailing = (SELECT id FROM mailing WHERE issue = $1)
                 AND state IN ('queued', 'claimed', 'sending', 'deferred')",
            &[&issue.as_str(), &why, &now],
        )?;
        return Ok(Adoption::Settled(settled));
    }
    let insert = "INSERT INTO mailing (issue, content_hash, frozen_at, expected) VALUES ($1, $2, $3, $4) RETURNING id";
    let expected = i64::try_from(*expected)?;
    let row = transaction.query_one(insert, &[&issue.as_str(), &content_hash, &frozen_at, &expected])?;
    if let Some(DigestContents { period, issues }) = digest {
        let mut unmailed = Vec::new();
        for issue in issues {
            // Issues in another mailing are known to be mailed.
            if digest::mailed(transaction, std::slice::from_ref(issue))?.is_none() {
                unmailed.push(issue.clone());
            }
        }
        digest::write(transaction, row.try_get(0)?, &DigestContents { period: period.clone(), issues: unmailed })?;
    }
    Ok(Adoption::Entered)
}

/// The keys of addresses; `None` stands for all.
fn keys(addresses: &[EmailAddress]) -> Option<Vec<String>> {
    (!addresses.is_empty()).then(|| addresses.iter().map(EmailAddress::key).collect())
}
