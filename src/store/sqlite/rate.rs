//! The tables of rate limits and quotas: how far each is used up.

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Result, parse_time};
use crate::rate::{Permits, Quota, Rate};
use crate::store::readers::{RATES, RATES_KEPT};

pub(super) fn take(transaction: &Transaction<'_>, rate: &Rate, wanted: u64, now: DateTime<Utc>) -> Result<Permits> {
    let (permits, full_at) = rate.take(full_at(transaction, rate)?, wanted, now);
    set_full_at(transaction, rate, full_at)?;
    Ok(permits)
}

fn full_at(connection: &Connection, rate: &Rate) -> Result<Option<DateTime<Utc>>> {
    let mut select = connection.prepare_cached("SELECT full_at FROM rate WHERE name = ?1")?;
    let full_at: Option<String> = select.query_row([&rate.name], |row| row.get(0)).optional()?;
    full_at.map(|text| parse_time(&text)).transpose()
}

fn set_full_at(transaction: &Transaction<'_>, rate: &Rate, full_at: DateTime<Utc>) -> Result<()> {
    let mut write = transaction.prepare_cached(
        "INSERT INTO rate (name, full_at) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET full_at = ?2",
    )?;
    write.execute(params![rate.name, text(full_at)])?;
    Ok(())
}

/// As exact as rates are.
fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// When each bucket is full once one message was taken from it, or `None` if one of them has none.
pub(super) fn one_of_each(
    connection: &Connection,
    rates: &[Rate],
    now: DateTime<Utc>,
) -> Result<Option<Vec<DateTime<Utc>>>> {
    let taken = rates.iter().map(|rate| Ok(rate.take_one(full_at(connection, rate)?, now)));
    taken.collect::<Result<Option<Vec<_>>>>()
}

/// Takes one message from each bucket, or from none; returns whether it did.
pub(super) fn take_one_of_each(transaction: &Transaction<'_>, rates: &[Rate], now: DateTime<Utc>) -> Result<bool> {
    let Some(taken) = one_of_each(transaction, rates, now)? else { return Ok(false) };
    for (rate, full_at) in rates.iter().zip(taken) {
        set_full_at(transaction, rate, full_at)?;
    }
    Ok(true)
}

/// Deletes limits of requests whose buckets have long been full.
pub(super) fn purge(transaction: &Transaction<'_>, now: DateTime<Utc>) -> Result<usize> {
    let sql = "DELETE FROM rate WHERE substr(name, 1, length(?1)) = ?1 AND full_at <= ?2";
    Ok(transaction.execute(sql, params![RATES, text(now - RATES_KEPT)])?)
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
