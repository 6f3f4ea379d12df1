//! How a run would go: who is in the canary wave, and how long a warm-up takes.
//!
//! Takes the policy, the route and the store, which it only reads; the command line words the result.

use chrono::{DateTime, NaiveDate, Utc};

use crate::delivery::Route;
use crate::delivery::canary::{self, CanaryForecast};
use crate::delivery::policy::{Canary, Policy, Wave};
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::issue::Slug;
use crate::rate::WarmUp;
use crate::store::{Store, StoreError};

/// How far ahead to look.
const MAX_FORECAST_DAYS: u32 = 3650;

/// What the warm-ups allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Messages that may leave today.
    pub today: u64,
    /// Those of them that have not left yet.
    pub left: u64,
    /// The day of the last recipient, as date and as number with today as 1; `None` if it is beyond `MAX_FORECAST_DAYS`.
    pub last: Option<(NaiveDate, u32)>,
}

/// The forecast for this number of recipients; `None` if no warm-up limits all mail.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn forecast(
    store: &dyn Store,
    policy: &Policy,
    route: &Route,
    now: DateTime<Utc>,
    recipients: u64,
) -> Result<Option<Forecast>, StoreError> {
    let limits = Limits::of(policy, route);
    let Some(zone) = limits.all().next().map(|warm_up| warm_up.zone) else { return Ok(None) };
    let today = limits.messages(&|warm_up| Ok(warm_up.quota(now).messages))?;
    let left = limits.messages(&|warm_up| {
        let quota = warm_up.quota(now);
        Ok(quota.messages.saturating_sub(store.quota_used(&quota)?))
    })?;
    let (mut waiting, mut at, mut day) = (recipients.saturating_sub(left), now, 1);
    while waiting > 0 && day < MAX_FORECAST_DAYS {
        let Some(next) = limits.all().map(|warm_up| warm_up.next_day(at).to_utc()).min() else { break };
        day +=
            u32::try_from((next.with_timezone(&zone).date_naive() - at.with_timezone(&zone).date_naive()).num_days())
                .unwrap_or(MAX_FORECAST_DAYS)
                .max(1);
        at = next;
        waiting = waiting.saturating_sub(limits.messages(&|warm_up| Ok(warm_up.quota(at).messages))?);
    }
    let last = (waiting == 0).then(|| (at.with_timezone(&zone).date_naive(), day));
    Ok(Some(Forecast { today, left, last }))
}

/// The warm-ups that limit all mail.
struct Limits<'a> {
    /// The warm-up of all mail.
    of_all: Option<&'a WarmUp>,
    /// Those of the servers, if every server has one.
    of_servers: Vec<&'a WarmUp>,
}

impl<'a> Limits<'a> {
    fn of(policy: &'a Policy, route: &'a Route) -> Self {
        let of_servers: Option<Vec<&WarmUp>> = match route {
            Route::Relays(relays) => relays.iter().map(|relay| relay.warm_up.as_ref()).collect(),
            Route::Outbox { .. } => None,
        };
        Self { of_all: policy.warm_up.as_ref(), of_servers: of_servers.unwrap_or_default() }
    }

    fn all(&self) -> impl Iterator<Item = &'a WarmUp> {
        self.of_all.into_iter().chain(self.of_servers.iter().copied())
    }

    /// Number of messages all of them allow, if each allows `of`.
    fn messages(&self, of: &dyn Fn(&WarmUp) -> Result<u64, StoreError>) -> Result<u64, StoreError> {
        let mut max = self.of_all.map_or(Ok(u64::MAX), of)?;
        if !self.of_servers.is_empty() {
            let mut all = 0_u64;
            for warm_up in &self.of_servers {
                all = all.saturating_add(of(warm_up)?);
            }
            max = max.min(all);
        }
        Ok(max)
    }
}

/// Counts the seeds of a canary in an audience that is not frozen yet.
pub(super) struct SeedCounter<'a> {
    canary: &'a Canary,
    found: Vec<bool>,
}

impl<'a> SeedCounter<'a> {
    pub fn new(canary: &'a Canary) -> Self {
        let seeds = if let Wave::To(seeds) = &canary.wave { seeds.len() } else { 0 };
        Self { canary, found: vec![false; seeds] }
    }

    /// Counts a recipient.
    pub fn count(&mut self, address: &EmailAddress) {
        let Wave::To(seeds) = &self.canary.wave else { return };
        for (seed, found) in seeds.iter().zip(&mut self.found) {
            *found |= seed.key() == address.key();
        }
    }

    /// The canary's forecast for this number of recipients.
    pub fn forecast(self, recipients: u64, name: &Slug) -> CanaryForecast {
        let all = usize::try_from(recipients).unwrap_or(usize::MAX);
        let seeds = match &self.canary.wave {
            Wave::Share(share) => {
                return CanaryForecast { first: canary::wave_size(all, *share), findings: Vec::new() };
            }
            Wave::To(seeds) => seeds,
        };
        let missing = seeds.iter().zip(&self.found).filter(|(_, found)| !**found);
        let mut findings: Vec<Finding> = missing.map(|(seed, _)| canary::unknown_seed(seed.as_str())).collect();
        let first = self.found.iter().filter(|found| **found).count();
        if first == 0 {
            findings.push(canary::no_seed_in_audience(name));
        }
        CanaryForecast { first: Some(first).filter(|first| (1..all).contains(first)), findings }
    }
}
