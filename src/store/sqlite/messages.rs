//! The table of transactional messages. One process at a time sends them, so that a row that is claimed belongs to the
//! process that may send, or to a dead one.

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Result, format_time, parse_time};
use crate::email::EmailAddress;
use crate::ledger::{LedgerEntry, State, StateCounts};
use crate::store::message_step::MessageStep;
use crate::store::readers::{DIED, MESSAGES_KEPT, not_claimed};
use crate::subscriber::Status;
use crate::transactional_message::{MessageId, MessageKind, MessageRecord, TransactionalMessage};

pub(super) fn queue(
    transaction: &Transaction<'_>,
    kind: MessageKind,
    address: &EmailAddress,
    language: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO message (kind, key, address, language, created, state, attempts, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, 'queued', 0, ?5)",
    )?;
    insert.execute(params![kind.as_str(), address.key(), address.as_str(), language, format_time(now)])?;
    Ok(())
}

/// Settles what a dead process left: every `sending` row was recorded durably before its message was sent, so that what
/// is only claimed was not sent. Returns how many are unknown.
pub(super) fn settle(transaction: &Transaction<'_>, now: DateTime<Utc>) -> Result<u64> {
    let now = format_time(now);
    transaction.execute("UPDATE message SET state = 'queued', changed = ?1 WHERE state = 'claimed'", [&now])?;
    let unknown = transaction.execute(
        "UPDATE message SET state = 'unknown', attempts = attempts + 1, retry_at = NULL, changed = ?1,
             reply = CASE WHEN key <> '' THEN ?2 END WHERE state = 'sending'",
        params![now, DIED],
    )?;
    Ok(unknown as u64)
}

/// Claims messages: those that no server has refused come first.
pub(super) fn claim(
    transaction: &Transaction<'_>,
    limit: usize,
    now: DateTime<Utc>,
) -> Result<Vec<TransactionalMessage>> {
    let now = format_time(now);
    let mut select = transaction.prepare_cached(
        "SELECT id, kind, address, language, created, attempts FROM message INDEXED BY message_open
         WHERE state IN ('queued', 'deferred') AND (state = 'queued' OR retry_at <= ?1)
         ORDER BY retry_at IS NOT NULL, id LIMIT ?2",
    )?;
    let mut update = transaction.prepare_cached("UPDATE message SET state = 'claimed', changed = ?2 WHERE id = ?1")?;
    let mut rows = select.query(params![now, i64::try_from(limit)?])?;
    let mut claimed = Vec::new();
    while let Some(row) = rows.next()? {
        let (address, created): (String, String) = (row.get(2)?, row.get(4)?);
        claimed.push(TransactionalMessage {
            id: MessageId(row.get(0)?),
            kind: kind(&row.get::<_, String>(1)?)?,
            address: address.parse()?,
            language: row.get(3)?,
            created: parse_time(&created)?,
            attempts: row.get(5)?,
        });
    }
    for message in &claimed {
        update.execute(params![message.id.0, now])?;
    }
    Ok(claimed)
}

pub(super) fn record(
    transaction: &Transaction<'_>,
    id: MessageId,
    entry: &LedgerEntry,
    now: DateTime<Utc>,
) -> Result<()> {
    let step = MessageStep::of(entry, now);
    let [from, or_from] = step.from.map(State::as_str);
    let mut update = transaction.prepare_cached(
        "UPDATE message SET state = CASE WHEN key = '' THEN ?3 ELSE ?2 END, attempts = attempts + ?4,
             reply = CASE WHEN key <> '' THEN coalesce(?5, CASE ?4 WHEN 0 THEN reply END) END,
             retry_at = coalesce(?6, CASE ?4 WHEN 0 THEN retry_at END), changed = ?7
         WHERE id = ?1 AND state IN (?8, ?9)",
    )?;
    let (to, to_if_forgotten) = (step.to.as_str(), step.to_if_forgotten().as_str());
    let (attempt, retry_at, now) = (i64::from(step.is_attempt), step.retry_at.map(format_time), format_time(now));
    let row = params![id.0, to, to_if_forgotten, attempt, step.reply, retry_at, now, from, or_from];
    if update.execute(row)? == 0 {
        return Err(not_claimed());
    }
    if step.suppress {
        suppress(transaction, id, &now)?;
    }
    Ok(())
}

/// Suppresses the subscriber whose address does not work. Anyone else is not mailed anyway, for a reason that is kept.
fn suppress(transaction: &Transaction<'_>, id: MessageId, now: &str) -> Result<()> {
    let mut update = transaction.prepare_cached(
        "UPDATE subscriber SET status = ?2, changed = ?3
         WHERE key = (SELECT key FROM message WHERE id = ?1) AND status IN ('active', 'unconfirmed')",
    )?;
    update.execute(params![id.0, Status::Suppressed.as_str(), now])?;
    Ok(())
}

/// Settles a claimed message for which nothing is to be sent.
pub(super) fn drop_one(transaction: &Transaction<'_>, id: MessageId, why: &str, now: DateTime<Utc>) -> Result<()> {
    let mut update = transaction.prepare_cached(
        "UPDATE message SET state = 'suppressed', retry_at = NULL, reply = ?2, changed = ?3
         WHERE id = ?1 AND state = 'claimed'",
    )?;
    if update.execute(params![id.0, why, format_time(now)])? == 0 {
        return Err(not_claimed());
    }
    Ok(())
}

/// Settles the queued messages to an address, for which nothing is to be sent any more.
pub(super) fn drop_queued(
    transaction: &Transaction<'_>,
    address: &EmailAddress,
    why: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    transaction.execute(
        "UPDATE message SET state = 'suppressed', retry_at = NULL, reply = ?2, changed = ?3
         WHERE key = ?1 AND state IN ('queued', 'deferred')",
        params![address.key(), why, format_time(now)],
    )?;
    Ok(())
}

pub(super) fn counts(connection: &Connection) -> Result<StateCounts> {
    let mut select = connection.prepare_cached("SELECT state, count(*) FROM message GROUP BY state")?;
    let mut rows = select.query([])?;
    let mut counts = StateCounts::default();
    while let Some(row) = rows.next()? {
        counts.set(state(&row.get::<_, String>(0)?)?, u64::try_from(row.get::<_, i64>(1)?)?);
    }
    Ok(counts)
}

/// When the last message of this kind was accepted for the address.
pub(super) fn last(
    connection: &Connection,
    kind: MessageKind,
    address: &EmailAddress,
) -> Result<Option<DateTime<Utc>>> {
    let sql = "SELECT max(changed) FROM message WHERE key = ?1 AND kind = ?2 AND state = 'sent'";
    let mut select = connection.prepare_cached(sql)?;
    let last: Option<Option<String>> =
        select.query_row(params![address.key(), kind.as_str()], |row| row.get(0)).optional()?;
    last.flatten().map(|time| parse_time(&time)).transpose()
}

/// All messages to one address, oldest first.
pub(super) fn to(connection: &Connection, address: &EmailAddress) -> Result<Vec<MessageRecord>> {
    let mut select = connection.prepare_cached(
        "SELECT kind, language, created, state, attempts, reply, changed FROM message WHERE key = ?1 ORDER BY id",
    )?;
    let mut rows = select.query([address.key()])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        let (created, changed): (String, String) = (row.get(2)?, row.get(6)?);
        messages.push(MessageRecord {
            kind: kind(&row.get::<_, String>(0)?)?,
            language: row.get(1)?,
            created: parse_time(&created)?,
            state: state(&row.get::<_, String>(3)?)?,
            attempts: row.get(4)?,
            reply: row.get(5)?,
            changed: parse_time(&changed)?,
        });
    }
    Ok(messages)
}

/// Deletes the messages to an address. One that is being sent stays without it, so that its outcome can be recorded.
pub(super) fn forget(transaction: &Transaction<'_>, address: &EmailAddress) -> Result<()> {
    transaction.execute("DELETE FROM message WHERE key = ?1 AND state <> 'sending'", [address.key()])?;
    transaction.execute("UPDATE message SET key = '', address = '', reply = NULL WHERE key = ?1", [address.key()])?;
    Ok(())
}

/// Deletes messages that were settled long ago.
pub(super) fn purge(transaction: &Transaction<'_>, now: DateTime<Utc>) -> Result<usize> {
    let sql = "DELETE FROM message WHERE state IN ('sent', 'failed', 'suppressed', 'unknown') AND changed < ?1";
    Ok(transaction.execute(sql, [format_time(now - MESSAGES_KEPT)])?)
}

fn kind(word: &str) -> Result<MessageKind> {
    MessageKind::from_word(word).ok_or_else(|| anyhow!("there is no kind of message `{word}`"))
}

fn state(word: &str) -> Result<State> {
    State::from_word(word).ok_or_else(|| anyhow!("there is no state `{word}`"))
}
