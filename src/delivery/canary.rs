//! The canary: a few recipients get an issue first, and the others only if it arrives.
//!
//! Which phase a mailing is in follows from the ledger alone, so that any run, on any machine, goes on where the last one
//! ended: the first wave is the same for everybody; it is mailed, waited for, and judged; once anybody outside of it was
//! mailed it is over. A wave that failed stays what it is, and every run halts that issue until a person says otherwise;
//! the issues after it are mailed.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::delivery::dispatcher::run;
use crate::delivery::job::{Job, Progress, RunSummary};
use crate::delivery::policy::{Canary, Wave};
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::issue::{IssueId, Slug};
use crate::ledger::{Delivery, State};
use crate::store::Store;
use crate::subscriber::SubscriberId;

/// Fewer say nothing.
const FEWEST: usize = 10;

/// So often a run that waits says that it is alive.
const STEP: Duration = Duration::from_secs(10);

/// Mails the first wave, waits, looks, and mails the others or nobody. `name` is what the command line calls the issue.
///
/// # Errors
/// When the store cannot be read or written.
pub fn mail(store: &mut dyn Store, job: &Job<'_>, canary: &Canary, name: &Slug) -> anyhow::Result<RunSummary> {
    let First { wave, warnings, error } = first(store, job.issue, canary, name)?;
    let mut ended = RunSummary { warnings, halted: error, ..RunSummary::default() };
    if ended.halted.is_some() {
        return Ok(ended);
    }
    let wave = wave.unwrap_or_default();
    let watch = Watch { store: &mut *store, job, canary, name, wave: &wave, retried: false };
    if !wave.is_empty() && !watch.sees_it_through(&mut ended)? {
        return Ok(ended);
    }
    let limit = job.limit.map(|limit| limit.saturating_sub(ended.tally.total()));
    ended.add(run(store, &Job { limit, ..*job })?);
    Ok(ended)
}

/// Who comes first.
#[derive(Default)]
struct First {
    /// `None`: all at once, or it is over.
    wave: Option<Vec<SubscriberId>>,
    warnings: Vec<Finding>,
    error: Option<Finding>,
}

fn first(store: &dyn Store, issue: &IssueId, canary: &Canary, name: &Slug) -> anyhow::Result<First> {
    let counts = store.counts(issue)?;
    let away = counts.of(State::Queued) + counts.of(State::Suppressed);
    let (all, tried) = (usize::try_from(counts.total())?, usize::try_from(counts.total() - away)?);
    let mut first = First::default();
    let wave = match &canary.wave {
        Wave::Share(share) => {
            let Some(size) = share_of(all, *share).filter(|size| tried <= *size) else { return Ok(first) };
            spread(store, issue, all, size)?
        }
        Wave::To(seeds) => {
            let mut wave = Vec::new();
            for seed in seeds {
                match store.subscriber(seed)? {
                    Some(subscriber) => wave.push(subscriber.id),
                    None => first.warnings.push(no_seed(seed.as_str())),
                }
            }
            wave.sort_unstable_by_key(|id| id.0);
            wave.dedup();
            let there = store.deliveries_to(issue, &wave)?;
            if there.is_empty() {
                first.error = Some(no_seeds(name));
            }
            there.into_iter().map(|delivery| delivery.subscriber).collect()
        }
    };
    // Whoever is tried beside the wave was tried after it.
    first.wave = Some(wave).filter(|wave| tried <= wave.len() && wave.len() < all);
    Ok(first)
}

/// How many of all recipients are the first; `None` where that would be all.
pub fn share_of(all: usize, share: f64) -> Option<usize> {
    Some(((all as f64 * share).ceil() as usize).max(FEWEST)).filter(|size| *size < all)
}

/// So many of all recipients, from the whole list, the same ones every time.
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

/// What a run would do next about an issue whose audience is frozen.
#[derive(Debug)]
pub struct Outlook {
    /// How many come first; `None` where the others may be mailed at once.
    pub first: Option<usize>,
    /// Who is named as one of the first and is none, and why nobody would be mailed but them.
    pub findings: Vec<Finding>,
}

/// Looks at the ledger as a run would, and does nothing.
///
/// # Errors
/// When the store cannot be read.
pub fn outlook(store: &dyn Store, issue: &IssueId, canary: &Canary, name: &Slug) -> anyhow::Result<Outlook> {
    let First { wave, warnings: mut findings, error } = first(store, issue, canary, name)?;
    findings.extend(error);
    let wave = wave.filter(|wave| !wave.is_empty());
    if let Some(wave) = &wave {
        findings.extend(canary.judge(name, &Seen::of(&store.deliveries_to(issue, wave)?), false));
    }
    Ok(Outlook { first: wave.map(|wave| wave.len()), findings })
}

/// A wave under way.
struct Watch<'w> {
    store: &'w mut dyn Store,
    job: &'w Job<'w>,
    canary: &'w Canary,
    name: &'w Slug,
    wave: &'w [SubscriberId],
    /// Those whom the server put off were tried again.
    retried: bool,
}

impl Watch<'_> {
    /// Whether the others may be mailed now; else `ended` says why not.
    fn sees_it_through(mut self, ended: &mut RunSummary) -> anyhow::Result<bool> {
        let mut pause = Pause::default();
        loop {
            let seen = Seen::of(&self.store.deliveries_to(self.job.issue, self.wave)?);
            if self.is_stopped() || (!seen.queued.is_empty() && !self.mail(&seen.queued, ended)?) {
                return Ok(false);
            }
            if !seen.queued.is_empty() || seen.under_way > 0 {
                // Those whom another run has taken are waited for.
                if !pause.is_new(seen.queued.len()) {
                    self.wait(STEP)?;
                }
                continue;
            }
            ended.halted = self.canary.judge(self.name, &seen, false);
            if ended.halted.is_some() {
                return Ok(false);
            }
            let left = pause.left(seen.last, self.canary.wait, self.job.hooks.now());
            if !left.is_zero() {
                if pause.begins() {
                    let (slug, mailed) = (self.name.clone(), seen.mailed() as u64);
                    (self.job.hooks.progress)(Progress::Waiting { slug, mailed, left });
                }
                let step = left.min(STEP);
                self.wait(step)?;
                pause.passed(step);
                continue;
            }
            if !seen.deferred.is_empty() && !self.retried {
                self.retried = true;
                if !self.mail(&seen.deferred, ended)? {
                    return Ok(false);
                }
                continue;
            }
            ended.halted = self.canary.judge(self.name, &seen, true);
            return Ok(ended.halted.is_none());
        }
    }

    /// Mails these; gives whether to go on.
    fn mail(&mut self, recipients: &[SubscriberId], ended: &mut RunSummary) -> anyhow::Result<bool> {
        let limit = self.job.limit.map(|limit| limit.saturating_sub(ended.tally.total()));
        if limit == Some(0) {
            return Ok(false);
        }
        ended.add(run(self.store, &Job { only: Some(recipients), limit, ..*self.job })?);
        let limit_is_reached = self.job.limit.is_some_and(|limit| ended.tally.total() >= limit);
        Ok(ended.stopped.is_none() && ended.paused.is_none() && !limit_is_reached && !self.is_stopped())
    }

    fn wait(&mut self, pause: Duration) -> anyhow::Result<()> {
        (self.job.hooks.pause)(pause);
        self.store.renew_run(self.job.hooks.now())?;
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.job.hooks.is_stopped()
    }
}

impl Canary {
    /// Why nobody else shall be mailed, if so many failed. At the `end`, who was put off and of whom nobody knows counts by
    /// half: a greylisting is no failure, a wave of which nothing arrives is one.
    fn judge(&self, name: &Slug, seen: &Seen, end: bool) -> Option<Finding> {
        let half = if end { (seen.deferred.len() + seen.unknown) as f64 / 2.0 } else { 0.0 };
        let is_too_much = seen.failed as f64 + half > self.max_failure_share * seen.mailed() as f64;
        is_too_much.then(|| halted(name, seen, self.max_failure_share))
    }
}

/// How long the run still has to wait, whatever clock it goes by: one that stands still must not make it wait for ever.
#[derive(Default)]
struct Pause {
    since: Option<DateTime<Utc>>,
    left: Duration,
    has_begun: bool,
    queued: Option<usize>,
}

impl Pause {
    fn left(&mut self, since: Option<DateTime<Utc>>, wait: TimeDelta, now: DateTime<Utc>) -> Duration {
        let by_clock = since.map_or(Duration::ZERO, |since| (since + wait - now).to_std().unwrap_or_default());
        if self.since != since {
            (self.since, self.left) = (since, by_clock);
        }
        self.left = self.left.min(by_clock);
        self.left
    }

    fn passed(&mut self, step: Duration) {
        self.left = self.left.saturating_sub(step);
    }

    /// Whether this is the first time.
    fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.has_begun, true)
    }

    /// Whether the number of those who wait is another than the last time.
    fn is_new(&mut self, queued: usize) -> bool {
        self.queued.replace(queued) != Some(queued)
    }
}

/// What the ledger says of the wave.
#[derive(Default)]
struct Seen {
    queued: Vec<SubscriberId>,
    deferred: Vec<SubscriberId>,
    /// In the hands of a run.
    under_way: usize,
    sent: usize,
    failed: usize,
    unknown: usize,
    /// When the last of them was mailed for the first time.
    last: Option<DateTime<Utc>>,
    /// What servers said to those who did not get it, and how often.
    replies: BTreeMap<String, usize>,
}

impl Seen {
    fn of(deliveries: &[Delivery]) -> Self {
        let mut seen = Self::default();
        for delivery in deliveries {
            match delivery.state {
                State::Queued => seen.queued.push(delivery.subscriber),
                State::Deferred => seen.deferred.push(delivery.subscriber),
                State::Claimed | State::Sending => seen.under_way += 1,
                State::Sent => seen.sent += 1,
                State::Failed => seen.failed += 1,
                State::Unknown => seen.unknown += 1,
                State::Suppressed => continue,
            }
            // Another try later does not make the others wait longer.
            if delivery.attempts == 1 {
                seen.last = seen.last.max(delivery.changed);
            }
            if matches!(delivery.state, State::Failed | State::Deferred)
                && let Some(reply) = &delivery.reply
            {
                let address = delivery.address.as_ref().map_or("…", EmailAddress::as_str);
                *seen.replies.entry(reply.replace(address, "…")).or_default() += 1;
            }
        }
        seen
    }

    fn mailed(&self) -> usize {
        self.sent + self.failed + self.deferred.len() + self.unknown
    }
}

fn halted(slug: &Slug, seen: &Seen, most: f64) -> Finding {
    let mut replies: Vec<(&String, &usize)> = seen.replies.iter().collect();
    replies.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
    let said: Vec<String> = replies.iter().take(3).map(|(reply, times)| format!("`{reply}` ({times} times)")).collect();
    let mut outcome = format!("{} failed", seen.failed);
    for (count, what) in [(seen.deferred.len(), "were put off"), (seen.unknown, "are unknown")] {
        if count > 0 {
            outcome.push_str(&format!(", {count} {what}"));
        }
    }
    let said = if said.is_empty() { String::new() } else { format!(" The servers said {}.", said.join(", ")) };
    let message = format!(
        "nobody else is mailed `{slug}`: of the first {} recipients {outcome}, which is more than {} %.{said}",
        seen.mailed(),
        most * 100.0
    );
    Finding::error("canary-halted", message).help(format!(
        "mend what the replies complain of (`slugline status {slug} --recipients` shows all of them); \
         `slugline send {slug} --after-canary` then mails the others"
    ))
}

/// The finding about somebody who is to be among the first and is no subscriber.
pub fn no_seed(address: &str) -> Finding {
    Finding::warning("canary-seed", format!("`{address}` in `mail.canary.to` is no subscriber"))
        .help(format!("`slugline subscribers add {address}`, or remove it there"))
}

/// The finding about an issue none of whose recipients is to be among the first.
pub fn no_seeds(slug: &Slug) -> Finding {
    let message = format!("nobody is mailed `{slug}`: no address in `mail.canary.to` is among its recipients");
    Finding::error("canary-seed", message).help(format!(
        "`slugline send {slug} --after-canary` mails it at once; name subscribers there for the next issue"
    ))
}
