//! The table of how and when subscribers left.

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, params};

use super::{Result, format_time, parse_time};
use crate::subscriber::SubscriberId;
use crate::unsubscription::{Channel, Unsubscription};

pub(super) fn note(
    transaction: &Transaction<'_>,
    subscriber: SubscriberId,
    channel: Channel,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut insert = transaction
        .prepare_cached("INSERT OR REPLACE INTO unsubscription (subscriber, channel, at) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![subscriber.0, channel.as_str(), format_time(now)])?;
    Ok(())
}

pub(super) fn of(connection: &Connection, subscriber: SubscriberId) -> Result<Option<Unsubscription>> {
    let mut select = connection.prepare_cached("SELECT channel, at FROM unsubscription WHERE subscriber = ?1")?;
    let mut rows = select.query([subscriber.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (word, at): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(Some(Unsubscription { channel: channel(&word)?, at: parse_time(&at)? }))
}

pub(super) fn delete(transaction: &Transaction<'_>, subscriber: SubscriberId) -> Result<()> {
    transaction.prepare_cached("DELETE FROM unsubscription WHERE subscriber = ?1")?.execute([subscriber.0])?;
    Ok(())
}

/// How many left by each channel, in the order of `Channel::ALL`.
pub(super) fn since(connection: &Connection, since: DateTime<Utc>) -> Result<Vec<(Channel, u64)>> {
    let sql = "SELECT channel, count(*) FROM unsubscription WHERE at >= ?1 GROUP BY channel";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([format_time(since)])?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        counts.push((channel(&row.get::<_, String>(0)?)?, u64::try_from(row.get::<_, i64>(1)?)?));
    }
    counts.sort_by_key(|(channel, _)| *channel as usize);
    Ok(counts)
}

fn channel(word: &str) -> Result<Channel> {
    Channel::from_word(word).ok_or_else(|| anyhow!("there is no way `{word}` to leave"))
}
