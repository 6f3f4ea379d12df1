//! The table of rates: how far each is used up, by the server's clock, since those of the machines that share it differ.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Result;
use super::link::Session;
use crate::rate::{Permits, Rate};

/// How often others may take first before this one waits.
const MOST_TRIES: u32 = 10;

/// Takes permits without a lock: what was read is written only if nobody took any meanwhile, so that a machine which
/// dies, or is far away, holds nobody up.
pub(super) fn take(session: &mut Session, rate: &Rate, wanted: u64) -> Result<Permits> {
    for _ in 0..MOST_TRIES {
        let sql = "SELECT clock_timestamp(), (SELECT full_at FROM rate WHERE name = $1)";
        let rows = session.query(sql, &[&rate.name])?;
        let Some(row) = rows.first() else { continue };
        let (now, before): (DateTime<Utc>, Option<DateTime<Utc>>) = (row.try_get(0)?, row.try_get(1)?);
        let (permits, full_at) = rate.take(before, wanted, now);
        // To what the server keeps of a time, never earlier.
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
