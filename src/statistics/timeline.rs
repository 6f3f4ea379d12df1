//! Outcomes over time, in bins as wide as the time span requires.
//!
//! Takes the time of each outcome, in any order; returns stretches of bins, without the empty times between them. The
//! number of bins is limited: beyond it, neighbouring bins are merged.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::statistics::{Outcome, Tally};

/// Possible widths of a bin, in seconds; each is a multiple of the one before. Larger widths are doubled.
const BIN_WIDTHS_SECONDS: [i64; 12] = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 86_400];

/// Maximum number of bins while counting.
const MAX_BINS_COUNTED: usize = 4096;

/// Maximum number of bins shown, including breaks.
const MAX_BINS_SHOWN: usize = 72;

/// Maximum number of stretches shown: infrequent mail is not a series of runs with pauses.
const MAX_STRETCHES: usize = 6;

/// Maximum number of empty bins in a row within a stretch.
const MAX_EMPTY_BINS: i64 = 8;

/// Width of a break in a plot, in bins.
pub(super) const BREAK_BINS: usize = 2;

/// Outcomes over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// Time of the first outcome.
    pub first: DateTime<Utc>,
    /// Time of the last outcome.
    pub last: DateTime<Utc>,
    /// Width of a bin, in seconds.
    pub width: i64,
    /// The times with outcomes, in order, at least one.
    pub stretches: Vec<Stretch>,
}

/// A time span with outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Its start, in seconds since 1970.
    pub start: i64,
    /// The outcomes in each bin, at least one.
    pub bins: Vec<Tally>,
}

impl Times {
    /// How long mail was being sent, without the breaks.
    pub fn active(&self) -> TimeDelta {
        let bins: usize = self.stretches.iter().map(|stretch| stretch.bins.len()).sum();
        let (Some(first), Some(last)) = (self.stretches.first(), self.stretches.last()) else {
            return TimeDelta::zero();
        };
        let end = last.start + last.bins.len() as i64 * self.width;
        let all = TimeDelta::seconds(bins as i64 * self.width);
        let before = self.first - seconds(first.start);
        let after = seconds(end) - self.last;
        (all - before - after).max(TimeDelta::zero())
    }

    /// Messages per second while mail was being sent, including refused ones; `None` if all were at the same time.
    pub fn rate(&self) -> Option<f64> {
        let bins = self.stretches.iter().flat_map(|stretch| &stretch.bins);
        let messages: u64 = bins.map(|tally| tally.total() - tally.of(Outcome::Suppressed)).sum();
        let active = self.active().as_seconds_f64();
        (active > 0.0).then(|| messages as f64 / active)
    }
}

/// The time this many seconds after 1970.
pub(super) fn seconds(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

#[derive(Debug)]
pub(super) struct Timeline {
    /// Offset of local time from UTC in seconds: bins start at round local times.
    offset: i64,
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
    width: i64,
    /// By the number of bin widths since 1970, in local time.
    bins: BTreeMap<i64, Tally>,
}

impl Timeline {
    pub fn new(offset: i64) -> Self {
        Self { offset, span: None, width: BIN_WIDTHS_SECONDS[0], bins: BTreeMap::new() }
    }

    pub fn add(&mut self, time: DateTime<Utc>, outcome: Outcome) {
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
        let at = (time.timestamp() + self.offset).div_euclid(self.width);
        self.bins.entry(at).or_default().add(outcome);
        if self.bins.len() > MAX_BINS_COUNTED {
            self.widen();
        }
    }

    /// `None` if there are no outcomes.
    pub fn close(mut self) -> Option<Times> {
        let (first, last) = self.span?;
        loop {
            let stretches = self.stretches();
            let bins: usize = stretches.iter().map(|stretch| stretch.bins.len()).sum();
            if stretches.len() <= MAX_STRETCHES && bins + BREAK_BINS * (stretches.len() - 1) <= MAX_BINS_SHOWN {
                return Some(Times { first, last, width: self.width, stretches });
            }
            self.widen();
        }
    }

    fn widen(&mut self) {
        let wider = BIN_WIDTHS_SECONDS.into_iter().find(|width| *width > self.width).unwrap_or(self.width * 2);
        let times = wider / self.width;
        for (at, tally) in std::mem::take(&mut self.bins) {
            self.bins.entry(at.div_euclid(times)).or_default().add_all(&tally);
        }
        self.width = wider;
    }

    fn stretches(&self) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut next = i64::MIN;
        for (at, tally) in &self.bins {
            match stretches.last_mut() {
                Some(stretch) if at - next <= MAX_EMPTY_BINS => {
                    stretch.bins.extend((next..*at).map(|_| Tally::default()));
                    stretch.bins.push(*tally);
                }
                _ => stretches.push(Stretch { start: at * self.width - self.offset, bins: vec![*tally] }),
            }
            next = at + 1;
        }
        stretches
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times(at: impl IntoIterator<Item = i64>) -> Times {
        let mut timeline = Timeline::new(0);
        at.into_iter().for_each(|at| timeline.add(seconds(at), Outcome::Sent));
        timeline.close().unwrap()
    }

    fn shape(times: &Times) -> Vec<(i64, Vec<u64>)> {
        let bins = |stretch: &Stretch| stretch.bins.iter().map(Tally::total).collect();
        times.stretches.iter().map(|stretch| (stretch.start, bins(stretch))).collect()
    }

    #[test]
    fn bins_widen_with_the_span() {
        for (span, width) in [(1, 1), (72, 1), (73, 5), (361, 10), (3600, 60), (5000, 300), (86_400, 1800)] {
            assert_eq!(times(0..span).width, width, "{span} s");
        }
    }

    #[test]
    fn empty_times_are_left_out() {
        let times = times([100, 100, 103, 50_000]);
        assert_eq!(shape(&times), [(100, vec![2, 0, 0, 1]), (50_000, vec![1])]);
        assert_eq!((times.active(), times.rate()), (TimeDelta::seconds(4), Some(1.0)));
    }

    #[test]
    fn outcomes_at_the_same_time_have_no_rate() {
        assert_eq!(times([7, 7, 7]).rate(), None);
        assert_eq!(Timeline::new(0).close(), None);
    }

    #[test]
    fn infrequent_mail_is_one_stretch() {
        let times = times((0..30).map(|number| number * 40));
        assert_eq!((times.width, times.stretches.len()), (30, 1));
    }

    #[test]
    fn a_few_stragglers_do_not_make_the_bins_wide() {
        let run = 1_000_000..1_000_060;
        let times = times(run.chain([1_000_960, 1_002_000]));
        assert_eq!((times.width, times.stretches.len()), (1, 3));
        assert_eq!(times.stretches[0].bins.len(), 60);
    }

    proptest! {
        #[test]
        fn every_recipient_is_counted_in_any_order(
            mut at in proptest::collection::vec(-5_000_000_000i64..5_000_000_000, 1..200),
        ) {
            let one = times(at.iter().copied());
            at.sort_unstable();
            prop_assert_eq!(&one, &times(at.iter().copied()));
            let bins: Vec<u64> = shape(&one).into_iter().flat_map(|(_, bins)| bins).collect();
            prop_assert_eq!(bins.iter().sum::<u64>(), at.len() as u64);
            prop_assert!(bins.len() + BREAK_BINS * (one.stretches.len() - 1) <= MAX_BINS_SHOWN);
            let end = |stretch: &Stretch| stretch.start + stretch.bins.len() as i64 * one.width;
            let in_order = one.stretches.windows(2).all(|pair| end(&pair[0]) < pair[1].start);
            prop_assert!(in_order);
        }
    }
}
