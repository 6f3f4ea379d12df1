//! How fast a sending would go: who comes first by the canary, and how long a warm-up takes.
//!
//! Takes the policy, the ways out and the store, which it reads only; leaves the words to faces.

use chrono::{DateTime, NaiveDate, Utc};

use crate::delivery::Route;
use crate::delivery::canary::{self, CanaryForecast};
use crate::delivery::policy::{Canary, Policy, Wave};
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::issue::Slug;
use crate::rate::WarmUp;
use crate::store::{Store, StoreError};

/// Longer than this nobody looks ahead, in days.
const FARTHEST: u32 = 3650;

/// What warm-ups allow of a sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Messages that may leave today.
    pub today: u64,
    /// So many of them have not left yet.
    pub left: u64,
    /// The day on which the last recipient is mailed, and which it is, today being the first; `None` when it is years away.
    pub last: Option<(NaiveDate, u32)>,
}

/// The forecast for so many recipients; `None` where no warm-up limits all that leaves.
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
    while waiting > 0 && day < FARTHEST {
        let Some(next) = limits.all().map(|warm_up| warm_up.next_day(at).to_utc()).min() else { break };
        day +=
            u32::try_from((next.with_timezone(&zone).date_naive() - at.with_timezone(&zone).date_naive()).num_days())
                .unwrap_or(FARTHEST)
                .max(1);
        at = next;
        waiting = waiting.saturating_sub(limits.messages(&|warm_up| Ok(warm_up.quota(at).messages))?);
    }
    let last = (waiting == 0).then(|| (at.with_timezone(&zone).date_naive(), day));
    Ok(Some(Forecast { today, left, last }))
}

/// The warm-ups that limit all that leaves.
struct Limits<'a> {
    /// That of all mail together.
    of_all: Option<&'a WarmUp>,
    /// Those of the servers, where each has one.
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

    /// How many messages all of them allow, when each allows what `of` says.
    fn messages(&self, of: &dyn Fn(&WarmUp) -> Result<u64, StoreError>) -> Result<u64, StoreError> {
        let mut most = self.of_all.map_or(Ok(u64::MAX), of)?;
        if !self.of_servers.is_empty() {
            let mut all = 0_u64;
            for warm_up in &self.of_servers {
                all = all.saturating_add(of(warm_up)?);
            }
            most = most.min(all);
        }
        Ok(most)
    }
}

/// Who of an audience that is not frozen yet would come first, counted while it is gone through.
pub(super) struct Seeds<'a> {
    canary: &'a Canary,
    found: Vec<bool>,
}

impl<'a> Seeds<'a> {
    pub fn new(canary: &'a Canary) -> Self {
        let seeds = if let Wave::To(seeds) = &canary.wave { seeds.len() } else { 0 };
        Self { canary, found: vec![false; seeds] }
    }

    /// Notes a recipient.
    pub fn see(&mut self, address: &EmailAddress) {
        let Wave::To(seeds) = &self.canary.wave else { return };
        for (seed, found) in seeds.iter().zip(&mut self.found) {
            *found |= seed.key() == address.key();
        }
    }

    /// What a run would do with `recipients` in all.
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
