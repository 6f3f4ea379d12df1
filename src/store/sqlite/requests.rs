//! The table of requests to subscribe.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Rows, Transaction, params};

use super::{Result, consents, format_time, parse_time};
use crate::consent::{SubscriptionRequest, Wording};
use crate::email::EmailAddress;
use crate::store::readers::REQUEST_LIFETIME;
use crate::token::Tag;

const SELECT: &str = "
SELECT address, name, language, page, return_to, text, ip, requested
FROM subscription_request JOIN wording ON wording.hash = subscription_request.wording";

/// Records a request in place of an earlier one for the same address.
pub(super) fn note(transaction: &Transaction<'_>, request: &SubscriptionRequest, tag: Tag) -> Result<()> {
    let wording = consents::keep_wording(transaction, &request.wording)?;
    let mut insert = transaction.prepare_cached(
        "INSERT OR REPLACE INTO subscription_request
             (key, address, name, language, page, return_to, wording, ip, requested, tag)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    insert.execute(params![
        request.address.key(),
        request.address.as_str(),
        request.name,
        request.language,
        request.page,
        request.return_to,
        wording,
        request.ip,
        format_time(request.requested),
        tag.to_string()
    ])?;
    Ok(())
}

pub(super) fn by_tag(connection: &Connection, tag: Tag, now: DateTime<Utc>) -> Result<Option<SubscriptionRequest>> {
    let sql = format!("{SELECT} WHERE tag = ?1 AND requested >= ?2 ORDER BY requested DESC LIMIT 1");
    let mut select = connection.prepare_cached(&sql)?;
    first(select.query(params![tag.to_string(), oldest(now)])?)
}

pub(super) fn of(
    connection: &Connection,
    address: &EmailAddress,
    now: DateTime<Utc>,
) -> Result<Option<SubscriptionRequest>> {
    let mut select = connection.prepare_cached(&format!("{SELECT} WHERE key = ?1 AND requested >= ?2"))?;
    first(select.query(params![address.key(), oldest(now)])?)
}

/// The request for this address, however old.
pub(super) fn stored(connection: &Connection, address: &EmailAddress) -> Result<Option<SubscriptionRequest>> {
    let mut select = connection.prepare_cached(&format!("{SELECT} WHERE key = ?1"))?;
    first(select.query([address.key()])?)
}

pub(super) fn delete(transaction: &Transaction<'_>, address: &EmailAddress) -> Result<()> {
    transaction.prepare_cached("DELETE FROM subscription_request WHERE key = ?1")?.execute([address.key()])?;
    Ok(())
}

/// Deletes requests that were not confirmed in time, and network addresses from before `ips_before`.
pub(super) fn purge(transaction: &Transaction<'_>, ips_before: DateTime<Utc>, now: DateTime<Utc>) -> Result<usize> {
    let deleted = transaction.execute("DELETE FROM subscription_request WHERE requested < ?1", [oldest(now)])?;
    let changed = transaction.execute(
        "UPDATE subscription_request SET ip = NULL WHERE requested < ?1 AND ip IS NOT NULL",
        [format_time(ips_before)],
    )?;
    Ok(deleted + changed)
}

/// The time of the oldest request that counts.
fn oldest(now: DateTime<Utc>) -> String {
    format_time(now - REQUEST_LIFETIME)
}

/// Reads the first row, if there is one.
fn first(mut rows: Rows<'_>) -> Result<Option<SubscriptionRequest>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let (address, wording, requested): (String, String, String) = (row.get(0)?, row.get(5)?, row.get(7)?);
    Ok(Some(SubscriptionRequest {
        address: address.parse()?,
        name: row.get(1)?,
        language: row.get(2)?,
        page: row.get(3)?,
        return_to: row.get(4)?,
        wording: Wording::new(wording),
        ip: row.get(6)?,
        requested: parse_time(&requested)?,
    }))
}
