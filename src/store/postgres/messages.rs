//! The table of transactional messages. A row names the batch that claimed it last.
//!
//! One process at a time has the right to send: the lock of its session. If the connection breaks, the server gives the
//! right to another process while the first may live on. As with deliveries, still no message is sent twice: `sending`
//! is only written over `claimed` in a row of this batch, and a row of a lost batch accepts nothing but the late outcome
//! of an unknown message.

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use postgres::{GenericClient, Row, Transaction};

use super::Result;
use super::claims::storable;
use super::connection::Session;
use crate::email::EmailAddress;
use crate::ledger::{LedgerEntry, State, StateCounts};
use crate::store::message_step::MessageStep;
use crate::store::readers::{DIED, MESSAGES_KEPT, not_claimed};
use crate::transactional_message::{MessageId, MessageKind, MessageRecord, TransactionalMessage};

pub(super) fn queue(
    client: &mut impl GenericClient,
    kind: MessageKind,
    address: &EmailAddress,
    language: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    client.execute(
        "INSERT INTO message (kind, key, address, language, created, state, attempts, changed)
         VALUES ($1, $2, $3, $4, $5, 'queued', 0, $5)",
        &[&kind.as_str(), &address.key(), &address.as_str(), &storable(language), &now],
    )?;
    Ok(())
}

/// Settles what a dead process left; the lock proves that it has no right any more. Rows stay with their batch, so that
/// it can still record a late reply. Returns how many are unknown.
pub(super) fn settle(client: &mut impl GenericClient, now: DateTime<Utc>) -> Result<u64> {
    client.execute("UPDATE message SET state = 'queued', changed = $1 WHERE state = 'claimed'", &[&now])?;
    Ok(client.execute(
        "UPDATE message SET state = 'unknown', attempts = attempts + 1, retry_at = NULL, changed = $1,
             reply = CASE WHEN key <> '' THEN $2 END WHERE state = 'sending'",
        &[&now, &DIED],
    )?)
}

/// Claims messages: those that no server has refused come first.
pub(super) fn claim(
    client: &mut impl GenericClient,
    batch: i64,
    limit: usize,
    now: DateTime<Utc>,
) -> Result<Vec<TransactionalMessage>> {
    let rows = client.query(
        "WITH due AS MATERIALIZED (
             SELECT id, retry_at IS NOT NULL AS was_refused FROM message
             WHERE state IN ('queued', 'deferred') AND (state = 'queued' OR retry_at <= $3)
             ORDER BY was_refused, id LIMIT $2 FOR UPDATE
         ),
         taken AS (
             UPDATE message SET state = 'claimed', batch = $1, changed = $3 FROM due WHERE message.id = due.id
             RETURNING message.id, kind, address, language, created, attempts, was_refused
         )
         SELECT * FROM taken ORDER BY was_refused, id",
        &[&batch, &i64::try_from(limit)?, &now],
    )?;
    rows.iter().map(claimed).collect()
}

fn claimed(row: &Row) -> Result<TransactionalMessage> {
    Ok(TransactionalMessage {
        id: MessageId(row.try_get(0)?),
        kind: kind(row.try_get(1)?)?,
        address: row.try_get::<_, &str>(2)?.parse()?,
        language: row.try_get(3)?,
        created: row.try_get(4)?,
        attempts: u32::try_from(row.try_get::<_, i32>(5)?)?,
    })
}

/// Records an entry. An outcome also replaces `unknown`: another process had taken over.
const RECORD: &str = "
WITH written AS (
    UPDATE message SET state = CASE WHEN key = '' THEN $4 ELSE $3 END, changed = $8,
        attempts = attempts - (state = 'unknown')::int + $5::bool::int,
        reply = CASE WHEN key <> '' THEN coalesce($6, CASE WHEN NOT $5 THEN reply END) END,
        retry_at = coalesce($7, CASE WHEN NOT $5 THEN retry_at END)
    WHERE id = $1 AND batch = $2 AND (state = ANY($9) OR state = 'unknown' AND $5)
    RETURNING key
),
suppressed AS (
    UPDATE subscriber SET status = 'suppressed', changed = $8
    FROM written WHERE subscriber.key = written.key AND $10 AND status IN ('active', 'unconfirmed')
)
SELECT 1 FROM written";

/// `is_again` says that the call may have been made before, and its reply was lost.
pub(super) fn record(
    session: &mut Session,
    batch: i64,
    id: MessageId,
    entry: &LedgerEntry,
    is_again: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    let step = MessageStep::of(entry, now);
    let (to, to_if_forgotten, reply) = (step.to.as_str(), step.to_if_forgotten().as_str(), step.reply.map(storable));
    let from = step.from.map(State::as_str).to_vec();
    let written = session.query(
        RECORD,
        &[&id.0, &batch, &to, &to_if_forgotten, &step.is_attempt, &reply, &step.retry_at, &now, &from, &step.suppress],
    )?;
    if written.is_empty() && !(is_again && is_in(session, batch, id, &[to, to_if_forgotten])?) {
        return Err(not_claimed());
    }
    Ok(())
}

/// Settles a claimed message for which nothing is to be sent.
pub(super) fn drop_one(
    session: &mut Session,
    batch: i64,
    id: MessageId,
    why: &str,
    is_again: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    let written = session.query(
        "UPDATE message SET state = 'suppressed', retry_at = NULL, reply = $3, changed = $4
         WHERE id = $1 AND batch = $2 AND state = 'claimed' RETURNING 1",
        &[&id.0, &batch, &storable(why), &now],
    )?;
    if written.is_empty() && !(is_again && is_in(session, batch, id, &[State::Suppressed.as_str()])?) {
        return Err(not_claimed());
    }
    Ok(())
}

fn is_in(session: &mut Session, batch: i64, id: MessageId, states: &[&str]) -> Result<bool> {
    let sql = "SELECT 1 FROM message WHERE id = $1 AND batch = $2 AND state = ANY($3)";
    Ok(!session.query(sql, &[&id.0, &batch, &states])?.is_empty())
}

/// Settles the queued messages to an address, for which nothing is to be sent any more.
pub(super) fn drop_queued(
    transaction: &mut Transaction<'_>,
    address: &EmailAddress,
    why: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    transaction.execute(
        "UPDATE message SET state = 'suppressed', retry_at = NULL, reply = $2, changed = $3
         WHERE key = $1 AND state IN ('queued', 'deferred')",
        &[&address.key(), &why, &now],
    )?;
    Ok(())
}

pub(super) fn counts(session: &mut Session) -> Result<StateCounts> {
    let mut counts = StateCounts::default();
    for row in session.query("SELECT state, count(*) FROM message GROUP BY state", &[])? {
        counts.set(state(row.try_get(0)?)?, u64::try_from(row.try_get::<_, i64>(1)?)?);
    }
    Ok(counts)
}

/// When the last message of this kind was accepted for the address.
pub(super) fn last(session: &mut Session, kind: MessageKind, address: &EmailAddress) -> Result<Option<DateTime<Utc>>> {
    let sql = "SELECT max(changed) FROM message WHERE key = $1 AND kind = $2 AND state = 'sent'";
    let rows = session.query(sql, &[&address.key(), &kind.as_str()])?;
    rows.first().map_or(Ok(None), |row| Ok(row.try_get(0)?))
}

/// All messages to one address, oldest first.
pub(super) fn to(session: &mut Session, address: &EmailAddress) -> Result<Vec<MessageRecord>> {
    let rows = session.query(
        "SELECT kind, language, created, state, attempts, reply, changed FROM message WHERE key = $1 ORDER BY id",
        &[&address.key()],
    )?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<MessageRecord> {
    Ok(MessageRecord {
        kind: kind(row.try_get(0)?)?,
        language: row.try_get(1)?,
        created: row.try_get(2)?,
        state: state(row.try_get(3)?)?,
        attempts: u32::try_from(row.try_get::<_, i32>(4)?)?,
        reply: row.try_get(5)?,
        changed: row.try_get(6)?,
    })
}

/// Deletes the messages to an address. One that is being sent stays without it, so that its outcome can be recorded.
pub(super) fn forget(transaction: &mut Transaction<'_>, address: &EmailAddress) -> Result<()> {
    let key = address.key();
    transaction.execute("SELECT FROM message WHERE key = $1 FOR UPDATE", &[&key])?;
    transaction.execute("DELETE FROM message WHERE key = $1 AND state <> 'sending'", &[&key])?;
    transaction.execute("UPDATE message SET key = '', address = '', reply = NULL WHERE key = $1", &[&key])?;
    Ok(())
}

/// Deletes messages that were settled long ago.
pub(super) fn purge(client: &mut impl GenericClient, now: DateTime<Utc>) -> Result<u64> {
    let sql = "DELETE FROM message WHERE state IN ('sent', 'failed', 'suppressed', 'unknown') AND changed < $1";
    Ok(client.execute(sql, &[&(now - MESSAGES_KEPT)])?)
}

fn kind(word: &str) -> Result<MessageKind> {
    MessageKind::from_word(word).ok_or_else(|| anyhow!("there is no kind of message `{word}`"))
}

fn state(word: &str) -> Result<State> {
    State::from_word(word).ok_or_else(|| anyhow!("there is no state `{word}`"))
}
