//! What became of a mailing, in numbers: by outcome, over time, by domain, by the servers' words, by attempts.
//!
//! Takes the deliveries of the ledger one by one, and keeps sums only: memory does not grow with the number of recipients.
//! No address stays, not even in the words of a server. `page` shows the numbers.

use chrono::{DateTime, Offset, TimeDelta, Utc};
use chrono_tz::Tz;

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

/// Where a recipient's mail stands, as plots distinguish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The server took it.
    Sent,
    /// The server said: later.
    Deferred,
    /// The server said: never.
    Failed,
    /// Nobody can know.
    Unknown,
    /// The recipient left after the freeze.
    Suppressed,
    /// Nothing has become of it yet: queued, claimed or being sent.
    Waiting,
}

impl Outcome {
    /// All of them, in the order in which they are stacked.
    pub const ALL: [Self; 6] =
        [Self::Sent, Self::Deferred, Self::Failed, Self::Unknown, Self::Suppressed, Self::Waiting];

    /// What a state comes to.
    pub fn of(state: State) -> Self {
        match state {
            State::Queued | State::Claimed | State::Sending => Self::Waiting,
            State::Sent => Self::Sent,
            State::Deferred => Self::Deferred,
            State::Failed => Self::Failed,
            State::Suppressed => Self::Suppressed,
            State::Unknown => Self::Unknown,
        }
    }

    /// The word for it: that of the state, where it is one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Deferred => "deferred",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Suppressed => "suppressed",
            Self::Waiting => "waiting",
        }
    }
}

/// How many recipients have each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [u64; Outcome::ALL.len()],
}

impl Tally {
    /// How many have this outcome.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.counts[outcome as usize]
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many were tried and did not get it: deferred, failed or unknown.
    pub fn undelivered(&self) -> u64 {
        self.of(Outcome::Deferred) + self.of(Outcome::Failed) + self.of(Outcome::Unknown)
    }

    /// Outcomes that occur, with their numbers.
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

/// The numbers of one mailing.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// When the audience was written down.
    pub begun: DateTime<Utc>,
    /// How many recipients were written down.
    pub expected: u64,
    /// How many recipients have each outcome.
    pub tally: Tally,
    /// What happened when; `None` when nothing has happened.
    pub times: Option<Times>,
    /// The domains with most recipients, the largest first.
    pub domains: Vec<DomainTally>,
    /// All other domains as one.
    pub other_domains: Tally,
    /// How many those are.
    pub other_domains_count: u64,
    /// So many recipients more may a domain have, at most: 0 unless there are very many domains.
    pub domain_error: u64,
    /// Of the other domains, those with most recipients who did not get it.
    pub failing_domains: Vec<DomainTally>,
    /// The servers' words, the most frequent first for each outcome.
    pub reasons: Vec<ReplyGroup>,
    /// Recipients who were tried so often, from 0; the last stands for all who were tried more often.
    pub attempts: Vec<Tally>,
}

/// Sums up the deliveries of one mailing.
#[derive(Debug)]
pub struct Aggregator {
    begun: DateTime<Utc>,
    expected: u64,
    tally: Tally,
    timeline: Timeline,
    domains: Domains,
    reasons: ReplyGroups,
    attempts: Vec<Tally>,
}

/// Whoever was tried more often is counted with those.
const MOST_ATTEMPTS: u32 = 12;

impl Aggregator {
    /// Nothing of this mailing is summed up yet. Times are counted by the clock of that zone.
    pub fn of(mailing: &Mailing, zone: Tz) -> Self {
        let offset = mailing.frozen_at.with_timezone(&zone).offset().fix();
        Self {
            begun: mailing.frozen_at,
            expected: mailing.expected,
            tally: Tally::default(),
            timeline: Timeline::new(i64::from(offset.local_minus_utc())),
            domains: Domains::default(),
            reasons: ReplyGroups::default(),
            attempts: Vec::new(),
        }
    }

    /// Takes one delivery.
    pub fn add(&mut self, delivery: &Delivery) {
        let outcome = Outcome::of(delivery.state);
        self.tally.add(outcome);
        // Whoever was forgotten counts, but in no domain.
        match &delivery.address {
            Some(address) => self.domains.add(address.domain(), outcome),
            None => self.domains.add_to_others(outcome),
        }
        let attempts = delivery.attempts.min(MOST_ATTEMPTS) as usize;
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

    /// The numbers.
    pub fn close(self) -> Statistics {
        let ranking = self.domains.close();
        Statistics {
            begun: self.begun,
            expected: self.expected,
            tally: self.tally,
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
    /// From the beginning to the last outcome.
    pub fn duration(&self) -> Option<TimeDelta> {
        self.times.as_ref().map(|times| (times.last - self.begun).max(TimeDelta::zero()))
    }
}

#[cfg(test)]
mod tests;
