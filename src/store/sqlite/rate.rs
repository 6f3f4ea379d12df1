//! The tables of rate limits and quotas: how far each is used up.

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Result, parse_time};
use crate::rate::{Permits, Quota, Rate};

pub(super) fn take(transaction: &Transaction<'_>, rate: &Rate, wanted: u64, now: DateTime<Utc>) -> Result<Permits> {
    let mut select = transaction.prepare_cached("SELECT full_at FROM rate WHERE name = ?1")?;
    let full_at: Option<String> = select.query_row([&rate.name], |row| row.get(0)).optional()?;
    let full_at = full_at.map(|text| parse_time(&text)).transpose()?;
    let (permits, full_at) = rate.take(full_at, wanted, now);
    let mut write = transaction.prepare_cached(
        "INSERT INTO rate (name, full_at) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET full_at = ?2",
    )?;
    write.execute(params![rate.name, full_at.to_rfc3339_opts(SecondsFormat::Nanos, true)])?;
    Ok(permits)
}

pub(super) fn take_quota(transaction: &Transaction<'_>, quota: &Quota, wanted: u64) -> Result<u64> {
    let (name, day) = (&quota.name, quota.day.to_string());
    let used = quota_used(transaction, quota)?;
    let granted = quota.messages.saturating_sub(used).min(wanted);
    if granted > 0 {
        let mut write = transaction.prepare_cached(
            "INSERT INTO quota (name, day, used) VALUES (?1, ?2, ?3) ON CONFLICT (name, day) DO UPDATE SET used = ?3",
        )?;
        write.execute(params![name, day, i64::try_from(used + granted)?])?;
    }
    Ok(granted)
}

pub(super) fn quota_used(connection: &Connection, quota: &Quota) -> Result<u64> {
    let mut select = connection.prepare_cached("SELECT used FROM quota WHERE name = ?1 AND day = ?2")?;
    let used: Option<i64> =
        select.query_row(params![quota.name, quota.day.to_string()], |row| row.get(0)).optional()?;
    Ok(u64::try_from(used.unwrap_or(0))?)
}

pub(super) fn return_quota(transaction: &Transaction<'_>, quota: &Quota, unused: u64) -> Result<()> {
    let sql = "UPDATE quota SET used = max(used - ?3, 0) WHERE name = ?1 AND day = ?2";
    let parameters = params![quota.name, quota.day.to_string(), i64::try_from(unused)?];
    transaction.prepare_cached(sql)?.execute(parameters)?;
    Ok(())
}
