//! What a run does to deliveries: claims them, and records what became of them.
//!
//! Each call is one statement, one round trip. It stores its number and result in the row of its run, so that a call
//! whose reply was lost is found done or not done, and never done twice (`runs::answer`).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use postgres::Row;
use postgres::types::ToSql;

use super::connection::{Connection, Session};
use super::{Result, StoreResult, runs, subscribers};
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, Claim, LedgerEntry, State};
use crate::subscriber::{Status, SubscriberId};

const CLAIM: &str = "
WITH mine AS (SELECT id FROM mailing WHERE issue = $1),
due AS MATERIALIZED (
    SELECT subscriber FROM delivery
    WHERE mailing = (SELECT id FROM mine) AND state IN ('queued', 'deferred') AND (state = 'queued' OR retry_at <= $4)
    ORDER BY subscriber LIMIT $3 FOR UPDATE SKIP LOCKED
),
taken AS (
    UPDATE delivery SET state = CASE subscriber.status WHEN 'active' THEN 'claimed' ELSE 'suppressed' END,
        run = CASE subscriber.status WHEN 'active' THEN $2::bigint END, changed = $4
    FROM due JOIN subscriber ON subscriber.id = due.subscriber
    WHERE delivery.mailing = (SELECT id FROM mine) AND delivery.subscriber = due.subscriber
    RETURNING subscriber.id, subscriber.address, subscriber.name, subscriber.status, subscriber.attributes::text,
        subscriber.created, delivery.attempts, delivery.retry_at IS NOT NULL
),
counted AS (
    UPDATE run SET call = $5, answer = ARRAY(SELECT id FROM taken),
        lease_until = clock_timestamp() + interval '20 minutes'
    WHERE id = $2
)
SELECT taken.*, mine.id IS NULL FROM (SELECT) AS one LEFT JOIN mine ON true LEFT JOIN taken ON true ORDER BY taken.id";

/// The same for recipients that no server has refused.
static CLAIM_UNTRIED: LazyLock<String> =
    LazyLock::new(|| CLAIM.replace("(state = 'queued' OR retry_at <= $4)", "state = 'queued' AND retry_at IS NULL"));

/// The same for given recipients.
static CLAIM_THESE: LazyLock<String> =
    LazyLock::new(|| CLAIM.replace("ORDER BY subscriber LIMIT $3", "AND subscriber = ANY($3) ORDER BY subscriber"));

/// The recipients that a committed call claimed whose reply was lost.
const TAKEN: &str = "
SELECT subscriber.id, subscriber.address, subscriber.name, subscriber.status, subscriber.attributes::text,
    subscriber.created, delivery.attempts, delivery.retry_at IS NOT NULL, false
FROM mailing JOIN delivery ON delivery.mailing = mailing.id JOIN subscriber ON subscriber.id = delivery.subscriber
WHERE issue = $1 AND delivery.subscriber = ANY($2) ORDER BY subscriber.id";

/// A row is written only if its run and state agree; a resolved row has no run. The outcome of a message also replaces
/// `unknown`: another run had declared this one dead, and the user has not resolved the row since. What was sent and has bounced
/// meanwhile is `bounced` at once.
const RECORD: &str = "
WITH quickly AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
mine AS (SELECT id FROM mailing WHERE issue = $1),
entry AS (
    SELECT * FROM unnest($5::bigint[], $6::text[], $7::text[], $8::timestamptz[], $9::bool[])
        AS entry (subscriber, state, reply, retry_at, suppress)
),
written AS (
    UPDATE delivery SET changed = $3,
        state = CASE WHEN delivery.class IS NOT NULL AND entry.state IN ('sent', 'unknown') THEN 'bounced'
            ELSE entry.state END,
        run = CASE WHEN entry.state IN ('sending', 'claimed') THEN delivery.run END,
        reply = CASE WHEN delivery.class IS NOT NULL AND entry.state IN ('sent', 'unknown') THEN delivery.reply
            ELSE coalesce(entry.reply,
                CASE WHEN entry.state IN ('sending', 'claimed', 'queued') THEN delivery.reply END) END,
        class = CASE WHEN entry.state IN ('sending', 'claimed', 'sent', 'unknown') THEN delivery.class END,
        retry_at = coalesce(entry.retry_at,
            CASE WHEN entry.state IN ('sending', 'claimed', 'queued') THEN delivery.retry_at END),
        attempts = delivery.attempts - (delivery.state = 'unknown')::int
            + (entry.state NOT IN ('sending', 'claimed', 'queued'))::int
    FROM entry
    WHERE delivery.mailing = (SELECT id FROM mine) AND delivery.subscriber = entry.subscriber AND delivery.run = $2
        AND (delivery.state = 'claimed' AND entry.state <> 'claimed'
            OR delivery.state IN ('sending', 'unknown') AND entry.state <> 'sending')
    RETURNING delivery.subscriber, entry.suppress
),
suppressed AS (
    UPDATE subscriber SET status = 'suppressed', changed = $3
    FROM written WHERE subscriber.id = written.subscriber AND written.suppress
),
counted AS (
    UPDATE run SET call = $4, answer = ARRAY(SELECT subscriber FROM written),
        lease_until = clock_timestamp() + interval '20 minutes'
    WHERE id = $2
)
SELECT written.subscriber, mine.id IS NULL
FROM quickly LEFT JOIN mine ON true LEFT JOIN written ON true";

/// Claims up to `limit` recipients, in the order of their numbers, skipping those that others are claiming. `untried`
/// selects those no server has refused.
pub(super) fn claim(
    connection: &Connection,
    issue: &IssueId,
    untried: bool,
    limit: usize,
    now: DateTime<Utc>,
) -> StoreResult<Vec<Claim>> {
    let sql = if untried { CLAIM_UNTRIED.as_str() } else { CLAIM };
    let mut claims: Vec<Claim> = Vec::new();
    loop {
        let left = limit - claims.len();
        let taken = take(connection, issue, sql, &(left as i64), now)?;
        let is_last = taken.len() < left;
        claims.extend(taken.into_iter().filter(|claim| claim.subscriber.status == Status::Active));
        // Inactive subscribers leave room for others.
        if is_last || claims.len() >= limit {
            return Ok(claims);
        }
    }
}

/// Claims those of these recipients that are due.
pub(super) fn claim_these(
    connection: &Connection,
    issue: &IssueId,
    recipients: &[SubscriberId],
    now: DateTime<Utc>,
) -> StoreResult<Vec<Claim>> {
    let numbers: Vec<i64> = recipients.iter().map(|id| id.0).collect();
    let mut taken = take(connection, issue, CLAIM_THESE.as_str(), &numbers, now)?;
    taken.retain(|claim| claim.subscriber.status == Status::Active);
    Ok(taken)
}

/// Claims the recipients that `sql` finds, including inactive ones; `which` is its third parameter.
fn take(
    connection: &Connection,
    issue: &IssueId,
    sql: &'static str,
    which: &(dyn ToSql + Sync),
    now: DateTime<Utc>,
) -> StoreResult<Vec<Claim>> {
    connection.retried("claim recipients", |session, again| {
        let rows = numbered(session, again, |session, run, call, done| match done {
            Some(answer) => session.query(TAKEN, &[&issue.as_str(), &answer]),
            None => session.query(sql, &[&issue.as_str(), &run, which, &now, &call]),
        })?;
        is_mailed(&rows, 8, issue)?;
        let taken = rows.iter().filter(|row| matches!(row.try_get::<_, Option<i64>>(0), Ok(Some(_))));
        taken.map(claim_of).collect::<Result<Vec<Claim>>>()
    })
}

fn claim_of(row: &Row) -> Result<Claim> {
    let attempts = u32::try_from(row.try_get::<_, i32>(6)?)?;
    Ok(Claim { subscriber: subscribers::from_row(row)?, attempts, was_refused: row.try_get(7)? })
}

/// Records entries; returns the recipients that this run has not claimed. Entries about one recipient are written in
/// order, in separate statements; usually there is one per recipient.
pub(super) fn record(
    connection: &Connection,
    issue: &IssueId,
    entries: &[(SubscriberId, LedgerEntry)],
    now: DateTime<Utc>,
) -> StoreResult<Vec<SubscriberId>> {
    let mut lost = vec![false; entries.len()];
    let mut open: Vec<usize> = (0..entries.len()).collect();
    // Even an empty call must find out that there is no run.
    loop {
        let mut seen = BTreeSet::new();
        let (first, later): (Vec<usize>, Vec<usize>) = open.iter().partition(|at| seen.insert(entries[**at].0));
        let columns = Columns::of(first.iter().map(|at| &entries[*at]), now);
        let written = connection.retried("record what is sent", |session, again| {
            numbered(session, again, |session, run, call, done| match done {
                Some(answer) => Ok(answer),
                None => columns.write(session, issue, run, call, now),
            })
        })?;
        let written: BTreeSet<i64> = written.into_iter().collect();
        first.iter().for_each(|at| lost[*at] = !written.contains(&entries[*at].0.0));
        open = later;
        if open.is_empty() {
            break;
        }
    }
    Ok(entries.iter().zip(lost).filter(|(_, lost)| *lost).map(|((id, _), _)| *id).collect())
}

/// Entries as the column arrays of one statement.
#[derive(Default)]
struct Columns {
    subscribers: Vec<i64>,
    states: Vec<&'static str>,
    replies: Vec<Option<String>>,
    retries: Vec<Option<DateTime<Utc>>>,
    suppress: Vec<bool>,
}

impl Columns {
    fn of<'a>(entries: impl Iterator<Item = &'a (SubscriberId, LedgerEntry)>, now: DateTime<Utc>) -> Self {
        let mut columns = Self::default();
        for (subscriber, entry) in entries {
            let (state, reply, retry_at) = match entry {
                LedgerEntry::Sending => (State::Sending, None, None),
                LedgerEntry::Unsent => (State::Claimed, None, None),
                LedgerEntry::Settled(AttemptOutcome::Sent(reply)) => (State::Sent, Some(reply), None),
                LedgerEntry::Settled(AttemptOutcome::Deferred { reply, retry_at }) => {
                    (State::Deferred, Some(reply), Some(*retry_at))
                }
                LedgerEntry::Settled(AttemptOutcome::Failed { reply, .. }) => (State::Failed, Some(reply), None),
                LedgerEntry::Settled(AttemptOutcome::Unknown(why)) => (State::Unknown, Some(why), None),
                LedgerEntry::Settled(AttemptOutcome::Requeued) => (State::Queued, None, None),
                // A retry time marks the recipient as tried.
                LedgerEntry::Settled(AttemptOutcome::RequeuedAfterRefusal(reply)) => {
                    (State::Queued, Some(reply), Some(now))
                }
            };
            columns.subscribers.push(subscriber.0);
            columns.states.push(state.as_str());
            columns.replies.push(reply.map(|reply| storable(reply)));
            columns.retries.push(retry_at);
            columns.suppress.push(matches!(entry, LedgerEntry::Settled(AttemptOutcome::Failed { suppress: true, .. })));
        }
        columns
    }

    fn write(
        &self,
        session: &mut Session,
        issue: &IssueId,
        run: i64,
        call: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<i64>> {
        let Self { subscribers, states, replies, retries, suppress } = self;
        let rows = session
            .query(RECORD, &[&issue.as_str(), &run, &now, &call, subscribers, states, replies, retries, suppress])?;
        is_mailed(&rows, 1, issue)?;
        let written: Vec<Option<i64>> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        Ok(written.into_iter().flatten().collect())
    }
}

/// Makes a call of the run under its next number. If a retried call was done before, `call` receives its result.
fn numbered<T>(
    session: &mut Session,
    again: bool,
    call: impl FnOnce(&mut Session, i64, i64, Option<Vec<i64>>) -> Result<T>,
) -> Result<T> {
    let run_handle = session.run_handle.as_ref().ok_or_else(runs::none)?;
    let (run, number) = (run_handle.number, run_handle.call + 1);
    let done = if again { runs::answer(&mut session.client, run, number)? } else { None };
    let result = call(session, run, number, done)?;
    if let Some(run_handle) = &mut session.run_handle {
        run_handle.call = number;
    }
    Ok(result)
}

/// Column `at` of every row says whether the mailing is missing.
fn is_mailed(rows: &[Row], at: usize, issue: &IssueId) -> Result<()> {
    match rows.first().map(|row| row.try_get::<_, bool>(at)).transpose()? {
        Some(true) => Err(anyhow!("`{issue}` has no mailing")),
        _ => Ok(()),
    }
}

/// PostgreSQL text cannot contain NUL.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
