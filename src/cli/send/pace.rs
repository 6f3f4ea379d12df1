//! How fast messages leave: of the last seconds, however many they are, and of none before a pause.
//!
//! Takes the time of each message; gives messages a second. It knows no clock.

use std::collections::VecDeque;
use std::time::Duration;

/// Messages of so long a time are one sample.
const SAMPLE: Duration = Duration::from_millis(500);

/// So many samples say how fast it is: sixteen seconds at least, and more where messages leave seldom.
const MOST_SAMPLES: usize = 32;

/// Without a message for so long, and for so many times the usual, nothing moves.
const STILL: Duration = Duration::from_secs(5);
const STILL_TIMES: u32 = 8;

#[derive(Debug)]
pub(super) struct Pace {
    began: Duration,
    /// When each began, and how many messages are in it.
    samples: VecDeque<(Duration, u64)>,
    last: Duration,
}

impl Pace {
    /// Nothing was sent yet.
    pub fn new(at: Duration) -> Self {
        Self { began: at, samples: VecDeque::new(), last: at }
    }

    /// A message left.
    pub fn count(&mut self, at: Duration) {
        // How fast it was before a pause says nothing of how fast it is after it.
        if self.is_still(at) {
            self.samples.clear();
        }
        self.last = self.last.max(at);
        match self.samples.back_mut() {
            Some((began, count)) if at.saturating_sub(*began) < SAMPLE => *count += 1,
            _ => self.samples.push_back((at, 1)),
        }
        if self.samples.len() > MOST_SAMPLES {
            self.samples.pop_front();
        }
    }

    /// Messages a second; 0 when nothing moves, `None` as long as nobody can say.
    pub fn per_second(&self, at: Duration) -> Option<f64> {
        if self.is_still(at) {
            return Some(0.0);
        }
        let (first, _) = self.samples.front()?;
        let passed = at.saturating_sub(*first);
        (passed >= SAMPLE && self.counted() > 1).then(|| (self.counted() - 1) as f64 / passed.as_secs_f64())
    }

    fn is_still(&self, at: Duration) -> bool {
        let silence = at.saturating_sub(self.last);
        let Some((first, _)) = self.samples.front() else { return at.saturating_sub(self.began) > STILL };
        match u32::try_from(self.counted() - 1) {
            // Of one message nobody can say how long the next may take.
            Ok(0) => false,
            Ok(steps) => silence > STILL.max(self.last.saturating_sub(*first) / steps * STILL_TIMES),
            Err(_) => silence > STILL,
        }
    }

    fn counted(&self) -> u64 {
        self.samples.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts messages at an interval from a time on; gives the time of the last.
    fn sent(pace: &mut Pace, from: f64, every: f64, many: u32) -> f64 {
        let time = |number: u32| from + every * f64::from(number);
        (0..many).for_each(|number| pace.count(Duration::from_secs_f64(time(number))));
        time(many - 1)
    }

    fn pace(pace: &Pace, at: f64) -> Option<f64> {
        pace.per_second(Duration::from_secs_f64(at)).map(|pace| (pace * 100.0).round() / 100.0)
    }

    #[test]
    fn nobody_can_say_at_once() {
        let mut new = Pace::new(Duration::ZERO);
        assert_eq!(pace(&new, 1.0), None);
        sent(&mut new, 1.0, 0.01, 1);
        assert_eq!(pace(&new, 3.0), None);
        assert_eq!(pace(&Pace::new(Duration::ZERO), 6.0), Some(0.0));
    }

    #[test]
    fn fast_and_slow_are_right() {
        for every in [0.0001, 0.02, 0.3, 1.0, 12.0, 3600.0] {
            let mut steady = Pace::new(Duration::ZERO);
            let last = sent(&mut steady, 1.0, every, 20_000);
            let measured = pace(&steady, last).unwrap();
            assert!((measured * every - 1.0).abs() < 0.05 || every > 100.0, "{measured} at one in {every} s");
            assert!(steady.samples.len() <= MOST_SAMPLES);
        }
    }

    #[test]
    fn it_follows_a_change_within_seconds() {
        let mut changing = Pace::new(Duration::ZERO);
        let last = sent(&mut changing, 0.0, 0.01, 3000);
        let later = sent(&mut changing, last, 0.1, 170);
        assert_eq!(pace(&changing, later), Some(10.0));
    }

    #[test]
    fn after_a_pause_it_is_what_it_is_now() {
        let mut paused = Pace::new(Duration::ZERO);
        let last = sent(&mut paused, 0.0, 0.01, 3000);
        assert_eq!(pace(&paused, last + 60.0), Some(0.0));
        let later = sent(&mut paused, last + 60.0, 0.05, 41);
        assert_eq!(pace(&paused, later), Some(20.0));
    }

    #[test]
    fn messages_that_come_seldom_are_no_pause() {
        let mut seldom = Pace::new(Duration::ZERO);
        let last = sent(&mut seldom, 0.0, 12.0, 10);
        assert_eq!(pace(&seldom, last), Some(0.08));
        assert_eq!(pace(&seldom, last + 12.0), Some(0.08));
        assert_eq!(pace(&seldom, last + 120.0), Some(0.0));
    }
}
