//! How many messages leave per second, measured over the last seconds; it starts anew after a pause.
//!
//! Takes the time of each message. It knows no clock.

use std::collections::VecDeque;
use std::time::Duration;

/// Messages of this time are one sample.
const SAMPLE_DURATION: Duration = Duration::from_millis(500);

/// Samples that the rate is computed from: at least sixteen seconds, more if messages leave rarely.
const MAX_SAMPLES: usize = 32;

/// Without a message for this time, and for this many of the usual intervals, nothing moves.
const MIN_IDLE_TIME: Duration = Duration::from_secs(5);
const IDLE_INTERVALS: u32 = 8;

#[derive(Debug)]
pub(super) struct Throughput {
    began: Duration,
    /// When each began, and its number of messages.
    samples: VecDeque<(Duration, u64)>,
    last: Duration,
}

impl Throughput {
    /// Begins to measure.
    pub fn new(at: Duration) -> Self {
        Self { began: at, samples: VecDeque::new(), last: at }
    }

    /// Counts a message.
    pub fn count(&mut self, at: Duration) {
        // The rate before a pause says nothing about the rate after it.
        if self.is_idle(at) {
            self.samples.clear();
        }
        self.last = self.last.max(at);
        match self.samples.back_mut() {
            Some((began, count)) if at.saturating_sub(*began) < SAMPLE_DURATION => *count += 1,
            _ => self.samples.push_back((at, 1)),
        }
        if self.samples.len() > MAX_SAMPLES {
            self.samples.pop_front();
        }
    }

    /// Messages per second: 0 if nothing moves, `None` if it is too early to tell.
    pub fn per_second(&self, at: Duration) -> Option<f64> {
        if self.is_idle(at) {
            return Some(0.0);
        }
        let (first, _) = self.samples.front()?;
        let passed = at.saturating_sub(*first);
        (passed >= SAMPLE_DURATION && self.counted() > 1).then(|| (self.counted() - 1) as f64 / passed.as_secs_f64())
    }

    fn is_idle(&self, at: Duration) -> bool {
        let silence = at.saturating_sub(self.last);
        let Some((first, _)) = self.samples.front() else { return at.saturating_sub(self.began) > MIN_IDLE_TIME };
        match u32::try_from(self.counted() - 1) {
            // One message does not tell how long the next may take.
            Ok(0) => false,
            Ok(steps) => silence > MIN_IDLE_TIME.max(self.last.saturating_sub(*first) / steps * IDLE_INTERVALS),
            Err(_) => silence > MIN_IDLE_TIME,
        }
    }

    fn counted(&self) -> u64 {
        self.samples.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts messages at an interval from a time on; returns the time of the last.
    fn sent(throughput: &mut Throughput, from: f64, every: f64, many: u32) -> f64 {
        let time = |number: u32| from + every * f64::from(number);
        (0..many).for_each(|number| throughput.count(Duration::from_secs_f64(time(number))));
        time(many - 1)
    }

    fn rate(throughput: &Throughput, at: f64) -> Option<f64> {
        throughput.per_second(Duration::from_secs_f64(at)).map(|rate| (rate * 100.0).round() / 100.0)
    }

    #[test]
    fn there_is_no_rate_at_first() {
        let mut new = Throughput::new(Duration::ZERO);
        assert_eq!(rate(&new, 1.0), None);
        sent(&mut new, 1.0, 0.01, 1);
        assert_eq!(rate(&new, 3.0), None);
        assert_eq!(rate(&Throughput::new(Duration::ZERO), 6.0), Some(0.0));
    }

    #[test]
    fn fast_and_slow_rates_are_right() {
        for every in [0.0001, 0.02, 0.3, 1.0, 12.0, 3600.0] {
            let mut steady = Throughput::new(Duration::ZERO);
            let last = sent(&mut steady, 1.0, every, 20_000);
            let measured = rate(&steady, last).unwrap();
            assert!((measured * every - 1.0).abs() < 0.05 || every > 100.0, "{measured} at one in {every} s");
            assert!(steady.samples.len() <= MAX_SAMPLES);
        }
    }

    #[test]
    fn it_follows_a_change_within_seconds() {
        let mut changing = Throughput::new(Duration::ZERO);
        let last = sent(&mut changing, 0.0, 0.01, 3000);
        let later = sent(&mut changing, last, 0.1, 170);
        assert_eq!(rate(&changing, later), Some(10.0));
    }

    #[test]
    fn it_starts_anew_after_a_pause() {
        let mut paused = Throughput::new(Duration::ZERO);
        let last = sent(&mut paused, 0.0, 0.01, 3000);
        assert_eq!(rate(&paused, last + 60.0), Some(0.0));
        let later = sent(&mut paused, last + 60.0, 0.05, 41);
        assert_eq!(rate(&paused, later), Some(20.0));
    }

    #[test]
    fn rare_messages_are_no_pause() {
        let mut seldom = Throughput::new(Duration::ZERO);
        let last = sent(&mut seldom, 0.0, 12.0, 10);
        assert_eq!(rate(&seldom, last), Some(0.08));
        assert_eq!(rate(&seldom, last + 12.0), Some(0.08));
        assert_eq!(rate(&seldom, last + 120.0), Some(0.0));
    }
}
