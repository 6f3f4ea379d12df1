//! The tables of rate limits and quotas: how far each is used up. Rates of sending use the server's clock, because those
//! of the machines differ.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use postgres::{GenericClient, Row, Transaction};

use super::Result;
use super::connection::Session;
use crate::rate::{Permits, Quota, Rate};
use crate::store::readers::{RATES, RATES_KEPT};

/// How often other runs may win the race before this one waits.
const MAX_ATTEMPTS: u32 = 10;

/// Takes permits without a lock: the new value is written only if no one has changed it meanwhile, so that a machine
/// that dies or is far away blocks no one.
pub(super) fn take(session: &mut Session, rate: &Rate, wanted: u64) -> Result<Permits> {
    for _ in 0..MAX_ATTEMPTS {
        let sql = "SELECT clock_timestamp(), (SELECT full_at FROM rate WHERE name = $1)";
        let rows = session.query(sql, &[&rate.name])?;
        let Some(row) = rows.first() else { continue };
        let (now, before): (DateTime<Utc>, Option<DateTime<Utc>>) = (row.try_get(0)?, row.try_get(1)?);
        let (permits, full_at) = rate.take(before, wanted, now);
        // Rounds up to the server's precision, never down.
        let full_at = full_at + TimeDelta::nanoseconds(999);
        let written = session.query(
            "INSERT INTO rate (name, full_at)
             SELECT $1, $2 FROM (SELECT set_config('synchronous_commit', 'off', true)) AS quickly
             ON CONFLICT (name) DO UPDATE SET full_at = $2 WHERE rate.full_at = $3 RETURNING 1",
            &[&rate.name, &full_at, &before],
        )?;
        if permits.granted == 0 || !written.is_empty() {
            return Ok(permits);
        }
    }
    Ok(Permits { granted: 0, wait: Duration::from_millis(20) })
}

/// Takes one message from each bucket, or from none; returns whether it did. Looks first, so that refused requests,
/// however many, lock nothing. Rows are made and locked in the order of their names.
pub(super) fn take_one_of_each(transaction: &mut Transaction<'_>, rates: &[Rate], now: DateTime<Utc>) -> Result<bool> {
    const SELECT: &str = "SELECT name, full_at FROM rate WHERE name = ANY($1) ORDER BY name COLLATE \"C\"";
    let mut rates: Vec<&Rate> = rates.iter().collect();
    rates.sort_by(|one, other| one.name.cmp(&other.name));
    let names: Vec<&str> = rates.iter().map(|rate| rate.name.as_str()).collect();
    if one_of_each(&transaction.query(SELECT, &[&names])?, &rates, now)?.is_none() {
        return Ok(false);
    }
    transaction.execute(
        "INSERT INTO rate (name, full_at) SELECT name, $2 FROM unnest($1::text[]) WITH ORDINALITY AS new (name, position)
         ORDER BY position ON CONFLICT DO NOTHING",
        &[&names, &now],
    )?;
    let rows = transaction.query(&format!("{SELECT} FOR UPDATE"), &[&names])?;
    let Some(taken) = one_of_each(&rows, &rates, now)? else { return Ok(false) };
    transaction.execute(
        "UPDATE rate SET full_at = new.full_at FROM unnest($1::text[], $2::timestamptz[]) AS new (name, full_at)
         WHERE rate.name = new.name",
        &[&names, &taken],
    )?;
    Ok(true)
}

/// When each bucket is full once one message was taken from it, or `None` if one of them has none.
fn one_of_each(rows: &[Row], rates: &[&Rate], now: DateTime<Utc>) -> Result<Option<Vec<DateTime<Utc>>>> {
    let mut full_at: HashMap<&str, DateTime<Utc>> = HashMap::new();
    for row in rows {
        full_at.insert(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(rates.iter().map(|rate| rate.take_one(full_at.get(rate.name.as_str()).copied(), now)).collect())
}

/// Deletes limits of requests whose buckets have long been full.
pub(super) fn purge(client: &mut impl GenericClient, now: DateTime<Utc>) -> Result<u64> {
    let sql = "DELETE FROM rate WHERE starts_with(name, $1) AND full_at <= $2";
    Ok(client.execute(sql, &[&RATES, &(now - RATES_KEPT)])?)
}

/// Takes from a day's quota in one statement, which locks the row. If the reply is lost, the call is retried, and what
/// was taken twice is gone for the day.
pub(super) fn take_quota(session: &mut Session, quota: &Quota, wanted: u64) -> Result<u64> {
    let (most, wanted) = (i64::try_from(quota.messages)?, i64::try_from(wanted)?);
    let day = quota.day.to_string();
    session.query(
        "INSERT INTO quota (name, day, used) VALUES ($1, $2::text::date, 0) ON CONFLICT DO NOTHING",
        &[&quota.name, &day],
    )?;
    let rows = session.query(
        "WITH before AS (SELECT used FROM quota WHERE name = $1 AND day = $2::text::date FOR UPDATE)
         UPDATE quota SET used = before.used + least($4, greatest($3 - before.used, 0))
         FROM before WHERE name = $1 AND day = $2::text::date
         RETURNING quota.used - before.used",
        &[&quota.name, &day, &most, &wanted],
    )?;
    let granted: i64 = rows.first().context("the row of the quota is missing")?.try_get(0)?;
    Ok(u64::try_from(granted)?)
}

pub(super) fn quota_used(session: &mut Session, quota: &Quota) -> Result<u64> {
    let rows = session.query(
        "SELECT coalesce((SELECT used FROM quota WHERE name = $1 AND day = $2::text::date), 0)",
        &[&quota.name, &quota.day.to_string()],
    )?;
    Ok(u64::try_from(rows.first().context("no row came back")?.try_get::<_, i64>(0)?)?)
}

pub(super) fn return_quota(session: &mut Session, quota: &Quota, unused: u64) -> Result<()> {
    session.query(
        "UPDATE quota SET used = greatest(used - $3, 0) WHERE name = $1 AND day = $2::text::date RETURNING 1",
        &[&quota.name, &quota.day.to_string(), &i64::try_from(unused)?],
    )?;
    Ok(())
}
