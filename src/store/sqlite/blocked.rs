//! The table of addresses that are never asked again, as hashes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, params};

use super::{Result, forgotten, format_time};
use crate::email::EmailAddress;

pub(super) fn add(transaction: &Transaction<'_>, address: &EmailAddress, now: DateTime<Utc>) -> Result<()> {
    let hash = forgotten::hash(transaction, &address.key())?;
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO blocked (hash, at) VALUES (?1, ?2)")?;
    insert.execute(params![hash, format_time(now)])?;
    Ok(())
}

pub(super) fn is_blocked(connection: &Connection, address: &EmailAddress) -> Result<bool> {
    let hash = forgotten::hash(connection, &address.key())?;
    Ok(connection.prepare_cached("SELECT 1 FROM blocked WHERE hash = ?1")?.exists([hash])?)
}

pub(super) fn delete(transaction: &Transaction<'_>, address: &EmailAddress) -> Result<()> {
    let hash = forgotten::hash(transaction, &address.key())?;
    transaction.prepare_cached("DELETE FROM blocked WHERE hash = ?1")?.execute([hash])?;
    Ok(())
}
