//! The tables of mailings, runs and deliveries; `digest` has those of digests' contents.

use std::collections::BTreeSet;

use anyhow::{Context, anyhow, ensure};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::log::LoggedEntry;
use super::{Result, digest, format_time, parse_time, subscribers};
use crate::bounce::Class;
use crate::digest::DigestContents;
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, Claim, Delivery, LedgerEntry, Mailing, Recovered, Run, State, StateCounts};
use crate::subscriber::{Status, SubscriberId};

const COLUMNS: &str = "mailing.issue, delivery.subscriber, delivery.address, delivery.state, delivery.attempts, \
                       delivery.reply, delivery.changed, delivery.class";

/// The last run, if it is of this boot. After another boot its log does not count.
pub(super) fn last_run(connection: &Connection, boot_id: &str) -> Result<Option<i64>> {
    let sql = "SELECT id FROM run WHERE id = (SELECT max(id) FROM run) AND boot_id = ?1";
    Ok(connection.query_row(sql, [boot_id], |row| row.get(0)).optional()?)
}

/// Settles what dead runs left; the run lock proves that they are dead. After another boot, unsynced writes may be
/// lost, so that a `claimed` row may have been sent.
pub(super) fn begin_run(transaction: &Transaction<'_>, run: &Run, now: DateTime<Utc>) -> Result<(i64, Recovered)> {
    let now = format_time(now);
    let dead = "state IN ('claimed', 'sending') AND run IN (SELECT id FROM run WHERE boot_id = ?1)";
    let requeued = transaction.execute(
        &format!(
            "UPDATE delivery SET state = 'queued', run = NULL, class = NULL, changed = ?2 WHERE state = 'claimed' AND {dead}"
        ),
        params![run.boot_id, now],
    )?;
    // A bounce shows what became of these.
    transaction.execute(
        "UPDATE delivery SET state = 'bounced', attempts = attempts + 1, run = NULL, changed = ?1
         WHERE state IN ('claimed', 'sending') AND class IS NOT NULL",
        params![now],
    )?;
    let sql = format!(
        "SELECT {COLUMNS} FROM delivery JOIN mailing ON mailing.id = delivery.mailing
         WHERE delivery.state IN ('claimed', 'sending') ORDER BY delivery.mailing, delivery.subscriber"
    );
    let mut unknown = Vec::new();
    let mut select = transaction.prepare(&sql)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let reply = Some("the run that was sending it died before the reply".to_owned());
        unknown.push(Delivery { state: State::Unknown, reply, ..from_row(row)? });
    }
    transaction.execute(
        "UPDATE delivery SET state = 'unknown', attempts = attempts + 1, changed = ?1,
             reply = 'the run that was sending it died before the reply'
         WHERE state IN ('claimed', 'sending')",
        params![now],
    )?;
    transaction.execute(
        "INSERT INTO run (host, boot_id, pid, started) VALUES (?1, ?2, ?3, ?4)",
        params![run.host, run.boot_id, run.pid, now],
    )?;
    Ok((transaction.last_insert_rowid(), Recovered { requeued: requeued as u64, unknown }))
}

pub(super) fn freeze(
    transaction: &Transaction<'_>,
    issue: &IssueId,
    content_hash: &str,
    contents: Option<&DigestContents>,
    now: DateTime<Utc>,
) -> Result<Mailing> {
    if let Some(mailing) = mailing(transaction, issue)? {
        return Ok(mailing);
    }
    for issue in contents.map_or(std::slice::from_ref(issue), |contents| &contents.issues) {
        ensure!(!digest::is_mailed(transaction, issue)?, "`{issue}` is already in a mailing");
    }
    let active: i64 =
        transaction.query_row("SELECT count(*) FROM subscriber WHERE status = 'active'", [], |row| row.get(0))?;
    let frozen_at = format_time(now);
    transaction.execute(
        "INSERT INTO mailing (issue, content_hash, frozen_at, expected) VALUES (?1, ?2, ?3, ?4)",
        params![issue.as_str(), content_hash, frozen_at, active],
    )?;
    let number = transaction.last_insert_rowid();
    let written = transaction.execute(
        "INSERT INTO delivery (mailing, subscriber, address, state, attempts, changed)
         SELECT ?1, id, address, 'queued', 0, ?2 FROM subscriber WHERE status = 'active' ORDER BY id",
        params![number, frozen_at],
    )?;
    ensure!(written as i64 == active, "{written} recipients were recorded instead of {active}");
    if let Some(contents) = contents {
        digest::write(transaction, number, contents)?;
    }
    mailing(transaction, issue)?.context("the mailing just written is missing")
}

pub(super) fn mailing(connection: &Connection, issue: &IssueId) -> Result<Option<Mailing>> {
    let sql = "SELECT issue, content_hash, frozen_at, expected, id FROM mailing WHERE issue = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([issue.as_str()])?;
    rows.next()?.map(|row| mailing_from_row(connection, row)).transpose()
}

pub(super) fn mailings(connection: &Connection) -> Result<Vec<Mailing>> {
    let mut select = connection
        .prepare("SELECT issue, content_hash, frozen_at, expected, id FROM mailing ORDER BY frozen_at DESC, id DESC")?;
    let mut rows = select.query([])?;
    let mut mailings = Vec::new();
    while let Some(row) = rows.next()? {
        mailings.push(mailing_from_row(connection, row)?);
    }
    Ok(mailings)
}

/// Indexes show which mailings have pending recipients; only the rows of those are read.
pub(super) fn open_mailings(connection: &Connection) -> Result<Vec<(IssueId, DateTime<Utc>)>> {
    let mut select = connection.prepare(
        "SELECT issue, (SELECT max(changed) FROM delivery WHERE mailing = one.id) FROM mailing AS one
         WHERE EXISTS (SELECT 1 FROM delivery WHERE mailing = one.id AND state IN ('queued', 'deferred'))
             OR id IN (SELECT mailing FROM delivery WHERE run >= 0 AND state IN ('claimed', 'sending'))
         ORDER BY id",
    )?;
    let mut rows = select.query([])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        open.push((digest::issue_id(&row.get::<_, String>(0)?)?, parse_time(&row.get::<_, String>(1)?)?));
    }
    Ok(open)
}

fn mailing_from_row(connection: &Connection, row: &Row<'_>) -> Result<Mailing> {
    let (issue, frozen_at): (String, String) = (row.get(0)?, row.get(2)?);
    let id = digest::issue_id(&issue)?;
    let digest = digest::read(connection, row.get(4)?, &id);
    Ok(Mailing {
        digest: digest.with_context(|| format!("the contents of `{issue}` cannot be read"))?,
        issue: id,
        content_hash: row.get(1)?,
        frozen_at: parse_time(&frozen_at).with_context(|| format!("the mailing of `{issue}` cannot be read"))?,
        expected: row.get::<_, i64>(3)? as u64,
    })
}

/// Which recipients to claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Those no server has refused.
    Untried,
    /// All that may be tried now.
    All,
}

impl Due {
    /// The condition on a row of `delivery`; `now` is the SQL for the current time.
    fn condition(self, now: &str) -> String {
        match self {
            Due::Untried => "delivery.state = 'queued' AND delivery.retry_at IS NULL".to_owned(),
            Due::All => format!("(delivery.state = 'queued' OR delivery.retry_at <= {now})"),
        }
    }
}

/// Claims recipients; also returns the number of the mailing.
pub(super) fn claim(
    transaction: &Transaction<'_>,
    issue: &IssueId,
    run: i64,
    which: Due,
    limit: usize,
    now: DateTime<Utc>,
) -> Result<(i64, Vec<Claim>)> {
    let mailing = number(transaction, issue)?;
    let now = format_time(now);
    let sql = format!(
        "UPDATE delivery SET state = 'claimed', run = ?4, changed = ?5
         WHERE mailing = ?1 AND subscriber BETWEEN ?2 AND ?3 AND state IN ('queued', 'deferred') AND {}",
        which.condition("?5")
    );
    let mut claims: Vec<Claim> = Vec::new();
    while claims.len() < limit {
        let due = due(transaction, mailing, which, limit - claims.len(), &now)?;
        let (Some(first), Some(last)) = (due.first(), due.last()) else { break };
        // Covers exactly the due recipients from the first to the last.
        let range = params![mailing, first.subscriber.id.0, last.subscriber.id.0, run, now];
        let mut update = transaction.prepare_cached(&sql)?;
        let claimed = update.execute(range)?;
        ensure!(claimed == due.len(), "{claimed} recipients were claimed instead of {}", due.len());
        for claim in due {
            if claim.subscriber.status == Status::Active {
                claims.push(claim);
            } else {
                leave_out(transaction, mailing, claim.subscriber.id, &now)?;
            }
        }
    }
    Ok((mailing, claims))
}

/// Claims those of these recipients that are due; also returns the number of the mailing.
pub(super) fn claim_these(
    transaction: &Transaction<'_>,
    issue: &IssueId,
    run: i64,
    recipients: &[SubscriberId],
    now: DateTime<Utc>,
) -> Result<(i64, Vec<Claim>)> {
    let mailing = number(transaction, issue)?;
    let now = format_time(now);
    let sql = format!(
        "SELECT {}, delivery.attempts, delivery.retry_at IS NOT NULL FROM delivery JOIN subscriber ON subscriber.id = delivery.subscriber
         WHERE delivery.mailing = ?1 AND delivery.subscriber = ?2
             AND (delivery.state = 'queued' OR delivery.state = 'deferred' AND delivery.retry_at <= ?3)",
        subscribers::COLUMNS
    );
    let mut select = transaction.prepare_cached(&sql)?;
    let mut update = transaction.prepare_cached(
        "UPDATE delivery SET state = 'claimed', run = ?3, changed = ?4 WHERE mailing = ?1 AND subscriber = ?2",
    )?;
    let mut claims = Vec::new();
    for recipient in recipients {
        let mut rows = select.query(params![mailing, recipient.0, now])?;
        let Some(row) = rows.next()? else { continue };
        let claim = claim_of(row)?;
        if claim.subscriber.status == Status::Active {
            update.execute(params![mailing, recipient.0, run, now])?;
            claims.push(claim);
        } else {
            leave_out(transaction, mailing, *recipient, &now)?;
        }
    }
    Ok((mailing, claims))
}

/// Suppresses a recipient who unsubscribed or was suppressed after the freeze.
fn leave_out(transaction: &Transaction<'_>, mailing: i64, subscriber: SubscriberId, now: &str) -> Result<()> {
    let mut update = transaction.prepare_cached(
        "UPDATE delivery SET state = 'suppressed', run = NULL, changed = ?3 WHERE mailing = ?1 AND subscriber = ?2",
    )?;
    update.execute(params![mailing, subscriber.0, now])?;
    Ok(())
}

/// The next due recipients, inactive ones included. Without the hints SQLite would scan everyone who has the issue
/// already.
fn due(transaction: &Transaction<'_>, mailing: i64, which: Due, limit: usize, now: &str) -> Result<Vec<Claim>> {
    let sql = format!(
        "SELECT {}, delivery.attempts, delivery.retry_at IS NOT NULL FROM delivery INDEXED BY delivery_open
             CROSS JOIN subscriber ON subscriber.id = delivery.subscriber
         WHERE delivery.mailing = ?1 AND delivery.state IN ('queued', 'deferred') AND {}
         ORDER BY delivery.subscriber LIMIT ?3",
        subscribers::COLUMNS,
        which.condition("?2")
    );
    let mut select = transaction.prepare_cached(&sql)?;
    let mut rows = select.query(params![mailing, now, limit as i64])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        due.push(claim_of(row)?);
    }
    Ok(due)
}

fn claim_of(row: &Row<'_>) -> Result<Claim> {
    Ok(Claim { subscriber: subscribers::from_row(row)?, attempts: row.get(6)?, was_refused: row.get(7)? })
}

/// Writes entries of a run into its rows; rows that it has not claimed or that are settled stay unchanged. What was sent and
/// has bounced meanwhile is `bounced` at once.
pub(super) fn apply<'noted>(
    transaction: &Transaction<'_>,
    run: i64,
    entries: impl IntoIterator<Item = (i64, SubscriberId, &'noted LoggedEntry)>,
) -> Result<()> {
    for (mailing, subscriber, LoggedEntry { entry, at }) in entries {
        let at = format_time(*at);
        match entry {
            LedgerEntry::Sending => moved(transaction, mailing, subscriber, run, State::Sending, &at)?,
            LedgerEntry::Unsent => moved(transaction, mailing, subscriber, run, State::Claimed, &at)?,
            LedgerEntry::Settled(outcome) => ended(transaction, mailing, subscriber, run, outcome, &at)?,
        }
    }
    Ok(())
}

fn moved(
    transaction: &Transaction<'_>,
    mailing: i64,
    subscriber: SubscriberId,
    run: i64,
    to: State,
    at: &str,
) -> Result<()> {
    let mut update = transaction.prepare_cached(
        "UPDATE delivery SET state = ?4, changed = ?5
         WHERE mailing = ?1 AND subscriber = ?2 AND run = ?3 AND state IN ('claimed', 'sending')",
    )?;
    update.execute(params![mailing, subscriber.0, run, to.as_str(), at])?;
    Ok(())
}

fn ended(
    transaction: &Transaction<'_>,
    mailing: i64,
    subscriber: SubscriberId,
    run: i64,
    outcome: &AttemptOutcome,
    at: &str,
) -> Result<()> {
    let (state, reply, retry_at) = match outcome {
        AttemptOutcome::Sent(reply) => (State::Sent, Some(reply), None),
        AttemptOutcome::Deferred { reply, retry_at } => (State::Deferred, Some(reply), Some(format_time(*retry_at))),
        AttemptOutcome::Failed { reply, .. } => (State::Failed, Some(reply), None),
        AttemptOutcome::Unknown(why) => (State::Unknown, Some(why), None),
        AttemptOutcome::Requeued => (State::Queued, None, None),
        // A retry time marks the recipient as tried.
        AttemptOutcome::RequeuedAfterRefusal(reply) => (State::Queued, Some(reply), Some(at.to_owned())),
    };
    let mut update = transaction.prepare_cached(
        "UPDATE delivery SET attempts = attempts + ?7, run = NULL, changed = ?8,
             state = CASE WHEN class IS NOT NULL AND ?4 IN ('sent', 'unknown') THEN 'bounced' ELSE ?4 END,
             reply = CASE WHEN class IS NOT NULL AND ?4 IN ('sent', 'unknown') THEN reply
                 ELSE coalesce(?5, CASE ?4 WHEN 'queued' THEN reply END) END,
             class = CASE WHEN ?4 IN ('sent', 'unknown') THEN class END,
             retry_at = coalesce(?6, CASE ?4 WHEN 'queued' THEN retry_at END)
         WHERE mailing = ?1 AND subscriber = ?2 AND run = ?3 AND state IN ('claimed', 'sending')",
    )?;
    let tried = i64::from(state != State::Queued);
    let written = update.execute(params![mailing, subscriber.0, run, state.as_str(), reply, retry_at, tried, at])? == 1;
    if written && matches!(outcome, AttemptOutcome::Failed { suppress: true, .. }) {
        subscribers::suppress(transaction, subscriber, at)?;
    }
    Ok(())
}

pub(super) fn counts(connection: &Connection, issue: &IssueId) -> Result<StateCounts> {
    let mut select = connection.prepare_cached(
        "SELECT state, count(*) FROM delivery WHERE mailing = (SELECT id FROM mailing WHERE issue = ?1) GROUP BY state",
    )?;
    let mut rows = select.query([issue.as_str()])?;
    let mut counts = StateCounts::default();
    while let Some(row) = rows.next()? {
        counts.set(state(&row.get::<_, String>(0)?)?, row.get::<_, i64>(1)? as u64);
    }
    Ok(counts)
}

pub(super) fn next_retry(connection: &Connection, issue: &IssueId) -> Result<Option<DateTime<Utc>>> {
    let first: Option<String> = connection.query_row(
        "SELECT min(retry_at) FROM delivery
         WHERE mailing = (SELECT id FROM mailing WHERE issue = ?1) AND state = 'deferred'",
        [issue.as_str()],
        |row| row.get(0),
    )?;
    first.map(|time| parse_time(&time)).transpose()
}

pub(super) fn each(
    connection: &Connection,
    issue: &IssueId,
    state: Option<State>,
    each: &mut dyn FnMut(Delivery) -> anyhow::Result<()>,
) -> Result<()> {
    let sql = format!(
        "SELECT {COLUMNS} FROM delivery JOIN mailing ON mailing.id = delivery.mailing
         WHERE mailing.issue = ?1 AND (?2 IS NULL OR delivery.state = ?2) ORDER BY delivery.subscriber"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![issue.as_str(), state.map(State::as_str)])?;
    while let Some(row) = rows.next()? {
        each(from_row(row)?)?;
    }
    Ok(())
}

pub(super) fn deliveries_to(
    connection: &Connection,
    issue: &IssueId,
    recipients: &[SubscriberId],
) -> Result<Vec<Delivery>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM delivery JOIN mailing ON mailing.id = delivery.mailing
         WHERE mailing.issue = ?1 AND delivery.subscriber = ?2"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut deliveries = Vec::new();
    for recipient in recipients.iter().collect::<BTreeSet<_>>() {
        let mut rows = select.query(params![issue.as_str(), recipient.0])?;
        if let Some(row) = rows.next()? {
            deliveries.push(from_row(row)?);
        }
    }
    Ok(deliveries)
}

/// All deliveries to one person, oldest first.
pub(super) fn to_person(connection: &Connection, id: SubscriberId) -> Result<Vec<Delivery>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM mailing CROSS JOIN delivery ON delivery.mailing = mailing.id
         WHERE delivery.subscriber = ?1 ORDER BY mailing.frozen_at, mailing.id"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([id.0])?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        deliveries.push(from_row(row)?);
    }
    Ok(deliveries)
}

fn from_row(row: &Row<'_>) -> Result<Delivery> {
    let subscriber: i64 = row.get(1)?;
    delivery(row, subscriber).with_context(|| format!("the delivery to subscriber {subscriber} cannot be read"))
}

fn delivery(row: &Row<'_>, subscriber: i64) -> Result<Delivery> {
    let (issue, address, word, changed): (String, String, String, String) =
        (row.get(0)?, row.get(2)?, row.get(3)?, row.get(6)?);
    Ok(Delivery {
        issue: digest::issue_id(&issue)?,
        subscriber: SubscriberId(subscriber),
        // A forgotten address is stored as an empty text.
        address: if address.is_empty() { None } else { Some(address.parse()?) },
        state: state(&word)?,
        attempts: row.get(4)?,
        reply: row.get(5)?,
        changed: Some(parse_time(&changed)?),
        class: class(row.get(7)?)?,
    })
}

pub(super) fn number(connection: &Connection, issue: &IssueId) -> Result<i64> {
    let mut select = connection.prepare_cached("SELECT id FROM mailing WHERE issue = ?1")?;
    let number: Option<i64> = select.query_row([issue.as_str()], |row| row.get(0)).optional()?;
    number.ok_or_else(|| anyhow!("`{issue}` has no mailing"))
}

pub(super) fn class(word: Option<String>) -> Result<Option<Class>> {
    let class = |word: String| Class::from_word(&word).ok_or_else(|| anyhow!("there is no class of bounces `{word}`"));
    word.map(class).transpose()
}

fn state(word: &str) -> Result<State> {
    State::from_word(word).ok_or_else(|| anyhow!("there is no state `{word}`"))
}
