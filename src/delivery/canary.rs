//! The canary: a first wave of recipients gets an issue, and the others only if it arrives.
//!
//! The phase of a mailing follows from the ledger alone, so that any run on any machine continues where the last one summary.
//! The first wave is the same for every run; it is mailed, waited for, and checked; it is over once a recipient outside of
//! it was mailed. If too many of the wave failed, every run halts this mailing until a person decides; later issues are
//! mailed.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::delivery::dispatcher::run;
use crate::delivery::failure_limit::Replies;
use crate::delivery::job::{Job, Progress, RunSummary};
use crate::delivery::policy::{Canary, Wave};
use crate::finding::Finding;
use crate::issue::{IssueId, Slug};
use crate::ledger::{Delivery, State};
use crate::store::Store;
use crate::subscriber::SubscriberId;

/// Minimum size of a wave given as a share: fewer recipients prove nothing.
const MIN_WAVE: usize = 10;

/// How often a waiting run renews its lock and checks the wave.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Mails the first wave, waits for it, and mails the others if not too many failed. `name` is the issue's name on the
/// command line.
///
/// # Errors
/// When the store cannot be read or written.
pub fn mail(store: &mut dyn Store, job: &Job<'_>, canary: &Canary, name: &Slug) -> anyhow::Result<RunSummary> {
    let FirstWave { wave, warnings, error } = first_wave(store, job.issue, canary, name)?;
    let mut summary = RunSummary { warnings, halted: error, ..RunSummary::default() };
    if summary.halted.is_some() {
        return Ok(summary);
    }
    let wave = wave.unwrap_or_default();
    let monitor = WaveMonitor { store: &mut *store, job, canary, name, wave: &wave, retried: false };
    if !wave.is_empty() && !monitor.complete(&mut summary)? {
        return Ok(summary);
    }
    let limit = job.limit.map(|limit| limit.saturating_sub(summary.tally.total()));
    summary.add(run(store, &Job { limit, ..*job })?);
    Ok(summary)
}

/// The first wave of a mailing.
#[derive(Default)]
struct FirstWave {
    /// `None` if all may be mailed at once, or the wave is over.
    wave: Option<Vec<SubscriberId>>,
    warnings: Vec<Finding>,
    error: Option<Finding>,
}

fn first_wave(store: &dyn Store, issue: &IssueId, canary: &Canary, name: &Slug) -> anyhow::Result<FirstWave> {
    let counts = store.counts(issue)?;
    let untried = counts.of(State::Queued) + counts.of(State::Suppressed);
    let (all, tried) = (usize::try_from(counts.total())?, usize::try_from(counts.total() - untried)?);
    let mut first = FirstWave::default();
    let wave = match &canary.wave {
        Wave::Share(share) => {
            let Some(size) = wave_size(all, *share).filter(|size| tried <= *size) else { return Ok(first) };
            spread(store, issue, all, size)?
        }
        Wave::To(seeds) => {
            let mut wave = Vec::new();
            for seed in seeds {
                match store.subscriber(seed)? {
                    Some(subscriber) => wave.push(subscriber.id),
                    None => first.warnings.push(unknown_seed(seed.as_str())),
                }
            }
            wave.sort_unstable_by_key(|id| id.0);
            wave.dedup();
            let in_audience = store.deliveries_to(issue, &wave)?;
            if in_audience.is_empty() {
                first.error = Some(no_seed_in_audience(name));
            }
            in_audience.into_iter().map(|delivery| delivery.subscriber).collect()
        }
    };
    // Recipients tried outside the wave were tried after it.
    first.wave = Some(wave).filter(|wave| tried <= wave.len() && wave.len() < all);
    Ok(first)
}

/// The size of a wave that is this share of all recipients; `None` if it would be all of them.
pub fn wave_size(all: usize, share: f64) -> Option<usize> {
    Some(((all as f64 * share).ceil() as usize).max(MIN_WAVE)).filter(|size| *size < all)
}

/// Chooses `size` recipients spread evenly over the list, the same ones every time.
fn spread(store: &dyn Store, issue: &IssueId, all: usize, size: usize) -> anyhow::Result<Vec<SubscriberId>> {
    let (mut at, mut wave) = (0_usize, Vec::with_capacity(size));
    store.each_delivery(issue, None, &mut |delivery| {
        if at == wave.len() * all / size {
            wave.push(delivery.subscriber);
        }
        at += 1;
        Ok(())
    })?;
    Ok(wave)
}

/// What a run would do next for a frozen mailing.
#[derive(Debug)]
pub struct CanaryForecast {
    /// Size of the first wave; `None` if all may be mailed at once.
    pub first: Option<usize>,
    /// Seeds that are not subscribers, and what would halt the mailing.
    pub findings: Vec<Finding>,
}

/// Checks the ledger as a run would, without mailing.
///
/// # Errors
/// When the store cannot be read.
pub fn forecast(store: &dyn Store, issue: &IssueId, canary: &Canary, name: &Slug) -> anyhow::Result<CanaryForecast> {
    let FirstWave { wave, warnings: mut findings, error } = first_wave(store, issue, canary, name)?;
    findings.extend(error);
    let wave = wave.filter(|wave| !wave.is_empty());
    if let Some(wave) = &wave {
        findings.extend(canary.check_failures(name, &WaveStatus::of(&store.deliveries_to(issue, wave)?), false));
    }
    Ok(CanaryForecast { first: wave.map(|wave| wave.len()), findings })
}

/// Mails the wave and waits for it.
struct WaveMonitor<'w> {
    store: &'w mut dyn Store,
    job: &'w Job<'w>,
    canary: &'w Canary,
    name: &'w Slug,
    wave: &'w [SubscriberId],
    /// Whether the deferred recipients were tried again.
    retried: bool,
}

impl WaveMonitor<'_> {
    /// Returns whether the others may be mailed now; if not, `summary` contains the reason.
    fn complete(mut self, summary: &mut RunSummary) -> anyhow::Result<bool> {
        let mut timer = WaitTimer::default();
        loop {
            let status = WaveStatus::of(&self.store.deliveries_to(self.job.issue, self.wave)?);
            if self.is_stopped() || (!status.queued.is_empty() && !self.mail(&status.queued, summary)?) {
                return Ok(false);
            }
            if !status.queued.is_empty() || status.under_way > 0 {
                // Waits for recipients that another run has claimed.
                if !timer.has_changed(status.queued.len()) {
                    self.wait(POLL_INTERVAL)?;
                }
                continue;
            }
            summary.halted = self.canary.check_failures(self.name, &status, false);
            if summary.halted.is_some() {
                return Ok(false);
            }
            let left = timer.left(status.last, self.canary.wait, self.job.hooks.now());
            if !left.is_zero() {
                if timer.is_first_wait() {
                    let (slug, mailed) = (self.name.clone(), status.mailed() as u64);
                    (self.job.hooks.progress)(Progress::Waiting { slug, mailed, left });
                }
                let step = left.min(POLL_INTERVAL);
                self.wait(step)?;
                timer.passed(step);
                continue;
            }
            if !status.deferred.is_empty() && !self.retried {
                self.retried = true;
                if !self.mail(&status.deferred, summary)? {
                    return Ok(false);
                }
                continue;
            }
            summary.halted = self.canary.check_failures(self.name, &status, true);
            return Ok(summary.halted.is_none());
        }
    }

    /// Mails these; returns whether to go on.
    fn mail(&mut self, recipients: &[SubscriberId], summary: &mut RunSummary) -> anyhow::Result<bool> {
        let limit = self.job.limit.map(|limit| limit.saturating_sub(summary.tally.total()));
        if limit == Some(0) {
            return Ok(false);
        }
        summary.add(run(self.store, &Job { only: Some(recipients), limit, ..*self.job })?);
        let limit_is_reached = self.job.limit.is_some_and(|limit| summary.tally.total() >= limit);
        let is_ended = summary.stopped.is_some() || summary.halted.is_some() || summary.paused.is_some();
        Ok(!is_ended && !limit_is_reached && !self.is_stopped())
    }

    fn wait(&mut self, time: Duration) -> anyhow::Result<()> {
        (self.job.hooks.sleep)(time);
        self.store.renew_run(self.job.hooks.now())?;
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.job.hooks.is_stopped()
    }
}

impl Canary {
    /// The finding that halts the mailing, if too many failed. At the `end`, deferred and unknown recipients count half:
    /// greylisting alone is no failure, but a wave of which nothing arrives is one.
    fn check_failures(&self, name: &Slug, status: &WaveStatus, end: bool) -> Option<Finding> {
        let half = if end { (status.deferred.len() + status.unknown) as f64 / 2.0 } else { 0.0 };
        let are_too_many = status.failed as f64 + half > self.max_failure_share * status.mailed() as f64;
        are_too_many.then(|| halted(name, status, self.max_failure_share))
    }
}

/// The remaining wait. It also counts the time slept, so that a clock that stands still cannot make it wait forever.
#[derive(Default)]
struct WaitTimer {
    since: Option<DateTime<Utc>>,
    left: Duration,
    has_begun: bool,
    queued: Option<usize>,
}

impl WaitTimer {
    fn left(&mut self, since: Option<DateTime<Utc>>, wait: TimeDelta, now: DateTime<Utc>) -> Duration {
        let left_by_clock = since.map_or(Duration::ZERO, |since| (since + wait - now).to_std().unwrap_or_default());
        if self.since != since {
            (self.since, self.left) = (since, left_by_clock);
        }
        self.left = self.left.min(left_by_clock);
        self.left
    }

    fn passed(&mut self, step: Duration) {
        self.left = self.left.saturating_sub(step);
    }

    /// Whether this is the first call.
    fn is_first_wait(&mut self) -> bool {
        !std::mem::replace(&mut self.has_begun, true)
    }

    /// Whether the number of queued recipients has changed.
    fn has_changed(&mut self, queued: usize) -> bool {
        self.queued.replace(queued) != Some(queued)
    }
}

/// The state of the wave in the ledger.
#[derive(Default)]
struct WaveStatus {
    queued: Vec<SubscriberId>,
    deferred: Vec<SubscriberId>,
    /// Claimed or being sent by a run.
    under_way: usize,
    sent: usize,
    failed: usize,
    unknown: usize,
    /// When the last recipient was mailed for the first time.
    last: Option<DateTime<Utc>>,
    /// Replies to those that were not sent.
    replies: Replies,
}

impl WaveStatus {
    fn of(deliveries: &[Delivery]) -> Self {
        let mut status = Self::default();
        for delivery in deliveries {
            match delivery.state {
                State::Queued => status.queued.push(delivery.subscriber),
                State::Deferred => status.deferred.push(delivery.subscriber),
                State::Claimed | State::Sending => status.under_way += 1,
                State::Sent => status.sent += 1,
                State::Failed | State::Bounced => status.failed += 1,
                State::Unknown => status.unknown += 1,
                State::Suppressed => continue,
            }
            // A later attempt does not extend the wait.
            if delivery.attempts == 1 {
                status.last = status.last.max(delivery.changed);
            }
            if matches!(delivery.state, State::Failed | State::Bounced | State::Deferred) {
                status.replies.add(delivery);
            }
        }
        status
    }

    fn mailed(&self) -> usize {
        self.sent + self.failed + self.deferred.len() + self.unknown
    }
}

fn halted(slug: &Slug, status: &WaveStatus, max_failure_share: f64) -> Finding {
    let mut outcome = format!("{} failed", status.failed);
    for (count, what) in [(status.deferred.len(), "were deferred"), (status.unknown, "are unknown")] {
        if count > 0 {
            outcome.push_str(&format!(", {count} {what}"));
        }
    }
    let message = format!(
        "no one else is mailed `{slug}`: of the first {} recipients {outcome}, which is more than {} %.{}",
        status.mailed(),
        max_failure_share * 100.0,
        status.replies.quoted()
    );
    Finding::error("canary-halted", message).help(format!(
        "fix the cause that the replies name (`slugline status {slug} --recipients` shows all of them); then \
         `slugline send {slug} --after-canary` mails the others"
    ))
}

/// The finding about a seed that is not a subscriber.
pub fn unknown_seed(address: &str) -> Finding {
    Finding::warning("canary-seed", format!("`{address}` in `mail.canary.to` is not a subscriber"))
        .help(format!("add it with `slugline subscribers add {address}`, or remove it from `mail.canary.to`"))
}

/// The finding about an issue with no seed among its recipients.
pub fn no_seed_in_audience(slug: &Slug) -> Finding {
    let message = format!("no one is mailed `{slug}`: no address in `mail.canary.to` is among its recipients");
    Finding::error("canary-seed", message).help(format!(
        "`slugline send {slug} --after-canary` mails it at once; for the next issue, name subscribers in `mail.canary.to`"
    ))
}
