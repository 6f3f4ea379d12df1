//! Statistics of a mailing: by outcome, over time, by domain, by server reply and by number of attempts.
//!
//! Takes the deliveries of the ledger one by one and keeps only sums, so that memory does not grow with the number of
//! recipients. Addresses are dropped, even from replies. `page` shows the result.

use std::collections::BTreeMap;

use chrono::{DateTime, Offset, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::bounce::Class;
use crate::ledger::{Delivery, Mailing, State};
use crate::statistics::domains::Domains;
use crate::statistics::replies::{ReplyGroup, ReplyGroups};
use crate::statistics::timeline::{Timeline, Times};

mod domains;
mod masking;
pub mod page;
mod plot;
mod replies;
pub mod scale;
mod timeline;

pub use domains::DomainTally;
pub use masking::masked;

/// State of a delivery, as far as plots distinguish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The server accepted it.
    Sent,
    /// It will be tried again later.
    Deferred,
    /// It will not be tried again.
    Failed,
    /// It was sent, and did not arrive.
    Bounced,
    /// Whether it arrived is unknown.
    Unknown,
    /// The recipient unsubscribed or was suppressed after the freeze.
    Suppressed,
    /// Queued, claimed or being sent.
    Waiting,
}

impl Outcome {
    /// All outcomes, in the order in which they are stacked.
    pub const ALL: [Self; 7] =
        [Self::Sent, Self::Deferred, Self::Failed, Self::Bounced, Self::Unknown, Self::Suppressed, Self::Waiting];

    /// The outcome shown for a state.
    pub fn of(state: State) -> Self {
        match state {
            State::Queued | State::Claimed | State::Sending => Self::Waiting,
            State::Sent => Self::Sent,
            State::Deferred => Self::Deferred,
            State::Failed => Self::Failed,
            State::Suppressed => Self::Suppressed,
            State::Unknown => Self::Unknown,
            State::Bounced => Self::Bounced,
        }
    }

    /// Its word: that of the state, except `waiting`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Deferred => "deferred",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
            Self::Unknown => "unknown",
            Self::Suppressed => "suppressed",
            Self::Waiting => "waiting",
        }
    }

    /// Whether it was tried without success.
    pub fn is_undelivered(self) -> bool {
        matches!(self, Self::Deferred | Self::Failed | Self::Bounced | Self::Unknown)
    }
}

/// Number of recipients with each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [u64; Outcome::ALL.len()],
}

impl Tally {
    /// Number with `outcome`.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.counts[outcome as usize]
    }

    /// Number of all recipients.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Number that were tried without success: deferred, failed, bounced or unknown.
    pub fn undelivered(&self) -> u64 {
        Outcome::ALL.into_iter().filter(|outcome| outcome.is_undelivered()).map(|outcome| self.of(outcome)).sum()
    }

    /// The outcomes that occur, with their numbers.
    pub fn occurring(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::ALL.into_iter().map(|outcome| (outcome, self.of(outcome))).filter(|(_, count)| *count > 0)
    }

    fn add(&mut self, outcome: Outcome) {
        self.counts[outcome as usize] += 1;
    }

    fn add_all(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
    }
}

/// Statistics of one mailing.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// When the audience was frozen.
    pub begun: DateTime<Utc>,
    /// Number of recipients it was frozen with.
    pub expected: u64,
    /// Number of recipients with each outcome.
    pub tally: Tally,
    /// Bounces by what they mean; only classes that occur.
    pub bounces: BTreeMap<Class, u64>,
    /// Outcomes over time; `None` if there are none yet.
    pub times: Option<Times>,
    /// The domains with the most recipients, largest first.
    pub domains: Vec<DomainTally>,
    /// All other domains together.
    pub other_domains: Tally,
    /// Number of the other domains.
    pub other_domains_count: u64,
    /// Maximum number of recipients a domain may have beyond those shown: 0 unless there are very many domains.
    pub domain_error: u64,
    /// Those of the other domains with the most undelivered recipients.
    pub failing_domains: Vec<DomainTally>,
    /// The replies, most frequent first for each outcome.
    pub reasons: Vec<ReplyGroup>,
    /// Recipients by number of attempts, from 0; the last entry includes all with more.
    pub attempts: Vec<Tally>,
}

/// Sums up the deliveries of one mailing.
#[derive(Debug)]
pub struct Aggregator {
    begun: DateTime<Utc>,
    expected: u64,
    tally: Tally,
    bounces: BTreeMap<Class, u64>,
    timeline: Timeline,
    domains: Domains,
    reasons: ReplyGroups,
    attempts: Vec<Tally>,
}

/// Recipients with more attempts are counted with these.
const MAX_ATTEMPTS_SHOWN: u32 = 12;

impl Aggregator {
    /// Starts with no deliveries. Times are counted in this time zone.
    pub fn of(mailing: &Mailing, zone: Tz) -> Self {
        let offset = mailing.frozen_at.with_timezone(&zone).offset().fix();
        Self {
            begun: mailing.frozen_at,
            expected: mailing.expected,
            tally: Tally::default(),
            bounces: BTreeMap::new(),
            timeline: Timeline::new(i64::from(offset.local_minus_utc())),
            domains: Domains::default(),
            reasons: ReplyGroups::default(),
            attempts: Vec::new(),
        }
    }

    /// Adds one delivery.
    pub fn add(&mut self, delivery: &Delivery) {
        let outcome = Outcome::of(delivery.state);
        self.tally.add(outcome);
        delivery.bounce().into_iter().for_each(|class| *self.bounces.entry(class).or_default() += 1);
        // A forgotten recipient counts, but in no domain.
        match &delivery.address {
            Some(address) => self.domains.add(address.domain(), outcome),
            None => self.domains.add_to_others(outcome),
        }
        let attempts = delivery.attempts.min(MAX_ATTEMPTS_SHOWN) as usize;
        if self.attempts.len() <= attempts {
            self.attempts.resize(attempts + 1, Tally::default());
        }
        self.attempts[attempts].add(outcome);
        if outcome == Outcome::Waiting {
            return;
        }
        if let Some(changed) = delivery.changed {
            self.timeline.add(changed, outcome);
        }
        self.reasons.add(outcome, delivery.reply.as_deref().unwrap_or_default(), delivery.address.as_ref());
    }

    /// Returns the statistics.
    pub fn close(self) -> Statistics {
        let ranking = self.domains.close();
        Statistics {
            begun: self.begun,
            expected: self.expected,
            tally: self.tally,
            bounces: self.bounces,
            times: self.timeline.close(),
            domains: ranking.largest,
            other_domains: ranking.others,
            other_domains_count: ranking.others_count,
            domain_error: ranking.error,
            failing_domains: ranking.failing,
            reasons: self.reasons.close(),
            attempts: self.attempts,
        }
    }
}

impl Statistics {
    /// From the start to the last outcome.
    pub fn duration(&self) -> Option<TimeDelta> {
        self.times.as_ref().map(|times| (times.last - self.begun).max(TimeDelta::zero()))
    }
}

#[cfg(test)]
mod tests;
