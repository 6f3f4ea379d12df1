//! The table of messages that came in and were handled, by their digests.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, params};

use super::{Result, format_time};
use crate::store::events::DIGESTS_KEPT;

pub(super) fn is_in(connection: &Connection, digest: &str) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM handled WHERE digest = ?1")?.exists([digest])?)
}

/// Returns whether it was not there.
pub(super) fn add(transaction: &Transaction<'_>, digest: &str, now: DateTime<Utc>) -> Result<bool> {
    let insert = "INSERT OR IGNORE INTO handled (digest, at) VALUES (?1, ?2)";
    Ok(transaction.execute(insert, params![digest, format_time(now)])? > 0)
}

/// Deletes those from long ago.
pub(super) fn purge(transaction: &Transaction<'_>, now: DateTime<Utc>) -> Result<usize> {
    Ok(transaction.execute("DELETE FROM handled WHERE at < ?1", [format_time(now - DIGESTS_KEPT)])?)
}
