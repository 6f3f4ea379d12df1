//! The tables of rate limits and quotas: how far each is used up. Rates use the server's clock, because those of the
//! machines differ.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};

use super::Result;
use super::connection::Session;
use crate::rate::{Permits, Quota, Rate};

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
