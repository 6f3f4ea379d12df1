//! The only reader of the clock: `--now` first; then, only for what is built, SOURCE_DATE_EPOCH; then the system's clock.

use std::env;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::finding::Finding;

/// The time at which the program acts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clock {
    /// A given time.
    Fixed(DateTime<Utc>),
    /// The system's clock.
    System,
}

impl Clock {
    /// The clock for the value of `--now`.
    ///
    /// # Errors
    /// A finding if it is not a valid time.
    pub fn new(now: Option<&str>) -> anyhow::Result<Self> {
        now.map_or(Ok(Self::System), |text| Ok(Self::Fixed(parse(text)?)))
    }

    /// The clock for what is built: without `--now` the time in SOURCE_DATE_EPOCH, so that a build can be reproduced. Mail,
    /// lists and certificates do not use it: <https://reproducible-builds.org/specs/source-date-epoch/>.
    ///
    /// # Errors
    /// When the variable is not a number of seconds.
    pub fn of_builds(self) -> anyhow::Result<Self> {
        match (self, env::var("SOURCE_DATE_EPOCH")) {
            (Self::System, Ok(seconds)) => Ok(Self::Fixed(epoch(&seconds)?)),
            (clock, _) => Ok(clock),
        }
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(self) -> DateTime<Utc> {
        match self {
            Self::Fixed(time) => time,
            Self::System => Utc::now(),
        }
    }
}

/// The clock of a run: a given time stands still except while the run waits, so that rates and pauses take as long as they
/// really take.
pub(super) struct WaitingClock {
    clock: Clock,
    waits: Mutex<Waits>,
}

/// How long a run has waited; threads that wait at the same time count once.
#[derive(Default)]
struct Waits {
    under_way: usize,
    since: Option<Instant>,
    before: Duration,
}

impl WaitingClock {
    pub fn new(clock: Clock) -> Self {
        Self { clock, waits: Mutex::default() }
    }

    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        match self.clock {
            Clock::Fixed(time) => time + self.waits().so_far(),
            Clock::System => self.clock.now(),
        }
    }

    /// Calls `wait`; meanwhile the time passes.
    pub fn during(&self, wait: impl FnOnce()) {
        let mut waits = self.waits();
        waits.under_way += 1;
        waits.since.get_or_insert_with(Instant::now);
        drop(waits);
        wait();
        let mut waits = self.waits();
        waits.under_way -= 1;
        if waits.under_way == 0 {
            (waits.before, waits.since) = (waits.so_far(), None);
        }
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waits {
    fn so_far(&self) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

fn parse(text: &str) -> anyhow::Result<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|error| {
        Finding::error("usage", format!("`--now {text}` is not a valid time: {error}"))
            .help("write one such as `2026-11-23T08:00:00Z`")
            .into()
    })
}

fn epoch(seconds: &str) -> anyhow::Result<DateTime<Utc>> {
    let time = seconds.trim().parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.with_context(|| format!("the environment variable SOURCE_DATE_EPOCH is not a number of seconds: `{seconds}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_time_stands_still() {
        let clock = Clock::new(Some("2026-11-23T16:00:00+08:00")).unwrap();
        assert_eq!(clock.now().to_rfc3339(), "2026-11-23T08:00:00+00:00");
        assert!(Clock::new(Some("today")).is_err());
    }

    #[test]
    fn a_given_time_passes_while_a_thread_waits() {
        let begin = DateTime::UNIX_EPOCH;
        let clock = WaitingClock::new(Clock::Fixed(begin));
        assert_eq!(clock.now(), begin);
        let wait = Duration::from_millis(20);
        clock.during(|| {
            clock.during(|| std::thread::sleep(wait));
            assert!(clock.now() >= begin + wait, "the outer wait is not over");
        });
        let after = clock.now();
        assert!(after >= begin + wait);
        std::thread::sleep(wait);
        assert_eq!(clock.now(), after, "no thread waits");
    }

    #[test]
    fn an_epoch_counts_seconds() {
        assert_eq!(epoch("86400").unwrap().to_rfc3339(), "1970-01-02T00:00:00+00:00");
        assert!(epoch("soon").is_err());
    }
}
