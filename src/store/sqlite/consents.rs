//! The tables of consents and of the texts that were agreed to, each of which is kept once.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, params};

use super::{Result, format_time, parse_time};
use crate::consent::{Consent, SubscriptionRequest, Wording};
use crate::subscriber::SubscriberId;

/// Keeps a text; returns its hash.
pub(super) fn keep_wording(transaction: &Transaction<'_>, wording: &Wording) -> Result<String> {
    let hash = wording.hash();
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO wording (hash, text) VALUES (?1, ?2)")?;
    insert.execute(params![hash, wording.text()])?;
    Ok(hash)
}

/// Records a consent. Of a request that was confirmed before, the first one counts.
pub(super) fn add(
    transaction: &Transaction<'_>,
    subscriber: SubscriberId,
    request: &SubscriptionRequest,
    now: DateTime<Utc>,
) -> Result<()> {
    let wording = keep_wording(transaction, &request.wording)?;
    let SubscriptionRequest { language, page, ip, requested, .. } = request;
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO consent (subscriber, requested, confirmed, language, page, wording, ip)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    insert.execute(params![subscriber.0, format_time(*requested), format_time(now), language, page, wording, ip])?;
    Ok(())
}

/// Those of one subscriber, oldest first.
pub(super) fn of(connection: &Connection, subscriber: SubscriberId) -> Result<Vec<Consent>> {
    let mut select = connection.prepare_cached(
        "SELECT requested, confirmed, language, page, text, ip
         FROM consent JOIN wording ON wording.hash = consent.wording WHERE subscriber = ?1 ORDER BY requested",
    )?;
    let mut rows = select.query([subscriber.0])?;
    let mut consents = Vec::new();
    while let Some(row) = rows.next()? {
        let (requested, confirmed, wording): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(4)?);
        consents.push(Consent {
            requested: parse_time(&requested)?,
            confirmed: parse_time(&confirmed)?,
            language: row.get(2)?,
            page: row.get(3)?,
            wording: Wording::new(wording),
            ip: row.get(5)?,
        });
    }
    Ok(consents)
}

pub(super) fn delete(transaction: &Transaction<'_>, subscriber: SubscriberId) -> Result<()> {
    transaction.execute("DELETE FROM consent WHERE subscriber = ?1", [subscriber.0])?;
    Ok(())
}

/// Deletes the network addresses of requests from before this time.
pub(super) fn purge_ips(transaction: &Transaction<'_>, before: DateTime<Utc>) -> Result<usize> {
    let sql = "UPDATE consent SET ip = NULL WHERE requested < ?1 AND ip IS NOT NULL";
    Ok(transaction.execute(sql, [format_time(before)])?)
}
