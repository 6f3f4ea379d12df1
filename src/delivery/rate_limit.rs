//! How many messages may leave now: what rate limits and the day's warm-up quota allow. The store counts both for every
//! process that sends from it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::delivery::job::RateLimits;
use crate::delivery::ledger_writer::{LedgerWriter, Stopped};
use crate::rate::Quota;

/// How many messages may leave now.
pub(super) enum Allowance {
    /// This many, and the quota they were taken from, if any.
    Granted(u64, Option<Quota>),
    /// None for this time.
    Wait(Duration),
    /// None until then: today's quota is used up.
    UsedUp(DateTime<Tz>),
}

/// Acquires up to `wanted` messages from all rate limits and the day's quota.
pub(super) fn acquire(
    ledger: &LedgerWriter<'_>,
    limits: RateLimits<'_>,
    wanted: u64,
    now: DateTime<Utc>,
) -> Result<Allowance, Stopped> {
    let mut granted = wanted;
    for rate in limits.rates {
        let permits = ledger.with_store(|store| store.take_permits(rate, granted, now))?;
        if permits.granted == 0 {
            return Ok(Allowance::Wait(permits.wait));
        }
        granted = permits.granted;
    }
    let Some(warm_up) = limits.warm_up else { return Ok(Allowance::Granted(granted, None)) };
    let today = warm_up.quota(now);
    match ledger.with_store(|store| store.take_quota(&today, granted))? {
        0 => Ok(Allowance::UsedUp(warm_up.next_day(now))),
        granted => Ok(Allowance::Granted(granted, Some(today))),
    }
}
