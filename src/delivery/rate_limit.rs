//! How much may leave now: what rates allow, and what is left of the day's quota of a warm-up. The store counts both, for
//! all who send from it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::delivery::job::RateLimits;
use crate::delivery::ledger_writer::{LedgerWriter, Stopped};
use crate::rate::Quota;

/// What may leave now.
pub(super) enum Allowance {
    /// This many messages, and the quota they were taken from, if there is one.
    Granted(u64, Option<Quota>),
    /// None before this time has passed.
    Wait(Duration),
    /// None before this time: today's quota is used up.
    UsedUp(DateTime<Tz>),
}

/// Takes up to `wanted` messages from all rates and from the quota of the day.
pub(super) fn take(
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
