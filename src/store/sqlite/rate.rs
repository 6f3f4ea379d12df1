//! The table of rates: how far each is used up.

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Result, time};
use crate::rate::{Permits, Rate};

pub(super) fn take(transaction: &Transaction<'_>, rate: &Rate, wanted: u64, now: DateTime<Utc>) -> Result<Permits> {
    let mut select = transaction.prepare_cached("SELECT full_at FROM rate WHERE name = ?1")?;
    let full_at: Option<String> = select.query_row([&rate.name], |row| row.get(0)).optional()?;
    let full_at = full_at.map(|text| time(&text)).transpose()?;
    let (permits, full_at) = rate.take(full_at, wanted, now);
    let mut write = transaction.prepare_cached(
        "INSERT INTO rate (name, full_at) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET full_at = ?2",
    )?;
    write.execute(params![rate.name, full_at.to_rfc3339_opts(SecondsFormat::Nanos, true)])?;
    Ok(permits)
}
