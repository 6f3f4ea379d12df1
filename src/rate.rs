//! Rate limits: messages per period, and messages per day while a server or domain warms up.
//!
//! A rate is a token bucket (the generic cell rate algorithm). For sending it holds the messages of a tenth of a second, at
//! least one; for what readers ask for, those of a whole period. Its state is a single timestamp, so that a store keeps it in
//! one row and any number of machines share it.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// A number of messages per period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The name under which stores keep its state.
    pub name: String,
    /// Messages, at least 1.
    pub messages: u32,
    /// The period, at least a second.
    pub per: Duration,
}

/// The messages that a rate allows now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permits {
    /// The number of messages that may be sent.
    pub granted: u64,
    /// How long to wait before asking again if none is granted.
    pub wait: Duration,
}

/// A daily limit that grows while receivers do not know a server or domain yet (IP and domain warm-up).
#[derive(Debug, Clone, PartialEq)]
pub struct WarmUp {
    /// The name under which stores count.
    pub name: String,
    /// The first day; nothing is sent before it.
    pub since: NaiveDate,
    /// Messages on the first day.
    pub first_day: u32,
    /// Growth from one day to the next, at least 1.
    pub factor: f64,
    /// The time zone in which days begin.
    pub zone: Tz,
}

/// The limit of one day, counted in the store for all runs that share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// The name of the warm-up.
    pub name: String,
    /// The day.
    pub day: NaiveDate,
    /// Maximum number of messages.
    pub messages: u64,
}

impl Rate {
    /// Parses a rate such as `10/s`, `300/min`, `5000/h` or `20000/d`.
    pub fn parse(name: &str, text: &str) -> Option<Self> {
        let (number, unit) = text.split_once('/')?;
        let messages: u32 = number.trim().parse().ok().filter(|messages| *messages > 0)?;
        let seconds = match unit.trim() {
            "s" => 1,
            "min" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return None,
        };
        Some(Self { name: name.to_owned(), messages, per: Duration::from_secs(seconds) })
    }
}

impl WarmUp {
    /// The quota of the day of `now`.
    pub fn quota(&self, now: DateTime<Utc>) -> Quota {
        const MAX_MESSAGES: f64 = 1e12;
        let day = now.with_timezone(&self.zone).date_naive();
        let days = (day - self.since).num_days();
        let mut messages = if days < 0 { 0.0 } else { f64::from(self.first_day) };
        for _ in 0..days.max(0) {
            if messages >= MAX_MESSAGES || self.factor <= 1.0 {
                break;
            }
            messages *= self.factor;
        }
        Quota { name: self.name.clone(), day, messages: messages.min(MAX_MESSAGES) as u64 }
    }

    /// The start of the next day on which messages may be sent.
    pub fn next_day(&self, now: DateTime<Utc>) -> DateTime<Tz> {
        let today = now.with_timezone(&self.zone).date_naive();
        let next = (today + Days::new(1)).max(self.since);
        // A day whose midnight is skipped by a clock change starts a little later.
        let beginnings = (0..24).filter_map(|quarter| {
            let time = next.and_time(NaiveTime::MIN) + TimeDelta::minutes(15 * quarter);
            time.and_local_timezone(self.zone).earliest()
        });
        beginnings.into_iter().next().unwrap_or_else(|| (now + TimeDelta::days(1)).with_timezone(&self.zone))
    }
}

impl Rate {
    /// Takes up to `wanted` messages. `next` is the time at which the bucket is full, as returned by the last call, or `None`
    /// for the first; returns the permits and the new time.
    pub fn take(&self, next: Option<DateTime<Utc>>, wanted: u64, now: DateTime<Utc>) -> (Permits, DateTime<Utc>) {
        // A clock that was set back must not stop the sending for long.
        let farthest = now + time_delta(self.per);
        let next = next.unwrap_or(now).clamp(now, farthest);
        let interval = self.interval();
        let used = (next - now).to_std().unwrap_or_default();
        let free = self.burst().saturating_sub(u64::try_from(used.as_nanos().div_ceil(interval)).unwrap_or(u64::MAX));
        let granted = free.min(wanted);
        if granted == 0 {
            let over = used.as_nanos().saturating_sub(interval * u128::from(self.burst() - 1));
            let wait = Duration::from_nanos(u64::try_from(over).unwrap_or(u64::MAX));
            return (Permits { granted, wait }, next);
        }
        let taken = Duration::from_nanos(u64::try_from(interval * u128::from(granted)).unwrap_or(u64::MAX));
        (Permits { granted, wait: Duration::ZERO }, next + time_delta(taken))
    }

    /// Takes one message from a bucket that holds those of a whole period: as many at once, then one per interval. No period
    /// contains more than twice as many, less one. `next` is as for `take`; returns the new time, or `None` if there is no
    /// message left.
    pub fn take_one(&self, next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = next.unwrap_or(now).clamp(now, now + time_delta(self.per));
        let taken = next + TimeDelta::nanoseconds(i64::try_from(self.interval()).unwrap_or(i64::MAX));
        (taken <= now + time_delta(self.per)).then_some(taken)
    }

    /// Nanoseconds from one message to the next.
    pub fn interval(&self) -> u128 {
        (self.per.as_nanos() / u128::from(self.messages.max(1))).max(1)
    }

    /// How many messages may be sent at once.
    fn burst(&self) -> u64 {
        u64::try_from(Duration::from_millis(100).as_nanos() / self.interval()).unwrap_or(u64::MAX).max(1)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.per.as_secs() {
            1 => write!(f, "{}/s", self.messages),
            60 => write!(f, "{}/min", self.messages),
            3600 => write!(f, "{}/h", self.messages),
            86_400 => write!(f, "{}/d", self.messages),
            seconds => write!(f, "{} in {seconds} s", self.messages),
        }
    }
}

fn time_delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_are_parsed_and_displayed() {
        for text in ["10/s", "300/min", "5000/h", "20000/d"] {
            assert_eq!(Rate::parse("mail", text).unwrap().to_string(), text);
        }
        assert_eq!(Rate::parse("mail", " 7 / min ").unwrap().to_string(), "7/min");
        for wrong in ["", "10", "/s", "0/s", "-1/s", "10/m", "1.5/s", "99999999999/s"] {
            assert_eq!(Rate::parse("mail", wrong), None, "{wrong}");
        }
    }

    fn rate(messages: u32, seconds: u64) -> Rate {
        Rate { name: "test".to_owned(), messages, per: Duration::from_secs(seconds) }
    }

    /// Sends `count` messages as fast as allowed; returns the milliseconds after the start at which each was sent.
    fn sent(rate: &Rate, wanted: u64, count: usize) -> Vec<u128> {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let (mut now, mut next, mut times) = (start, None, Vec::new());
        while times.len() < count {
            let (permits, then) = rate.take(next, wanted, now);
            next = Some(then);
            let passed = (now - start).to_std().unwrap().as_millis();
            times.extend((0..permits.granted).map(|_| passed));
            now += time_delta(permits.wait.max(Duration::from_millis(1)));
        }
        times.truncate(count);
        times
    }

    #[test]
    fn messages_are_spaced_evenly() {
        assert_eq!(sent(&rate(10, 1), 1, 4), [0, 100, 200, 300]);
        assert_eq!(sent(&rate(60, 3600), 9, 3), [0, 60_000, 120_000]);
        let fast = sent(&rate(1000, 1), 500, 2001);
        assert!((1890..=1910).contains(fast.last().unwrap()), "{:?}", fast.last());
    }

    fn warm_up(zone: Tz) -> WarmUp {
        let since = "2026-11-20".parse().unwrap();
        WarmUp { name: "test".to_owned(), since, first_day: 50, factor: 1.5, zone }
    }

    #[test]
    fn the_quota_of_a_warm_up_grows_each_day() {
        let of = |time: &str| warm_up(Tz::UTC).quota(time.parse().unwrap()).messages;
        let days = ["19", "20", "21", "22", "23", "24"].map(|day| of(&format!("2026-11-{day}T12:00:00Z")));
        assert_eq!(days, [0, 50, 75, 112, 168, 253]);
        assert_eq!(of("2029-01-01T00:00:00Z"), 1_000_000_000_000);
        let even = WarmUp { factor: 1.0, ..warm_up(Tz::UTC) };
        assert_eq!(even.quota("2029-01-01T00:00:00Z".parse().unwrap()).messages, 50);
    }

    #[test]
    fn days_begin_in_the_time_zone_of_the_publication() {
        let warm_up = warm_up(Tz::Asia__Tokyo);
        let quota = |time: &str| warm_up.quota(time.parse().unwrap());
        assert_eq!(quota("2026-11-20T14:59:59Z").messages, 50);
        assert_eq!(
            (quota("2026-11-20T15:00:00Z").messages, quota("2026-11-20T15:00:00Z").day.to_string()),
            (75, "2026-11-21".to_owned())
        );
        let next = |time: &str| warm_up.next_day(time.parse().unwrap()).to_rfc3339();
        assert_eq!(next("2026-11-20T14:59:59Z"), "2026-11-21T00:00:00+09:00");
        assert_eq!(next("2026-11-01T00:00:00Z"), "2026-11-20T00:00:00+09:00");
        // In Beirut, clocks jumped from midnight to one o'clock.
        let beirut = WarmUp { zone: Tz::Asia__Beirut, ..warm_up.clone() };
        assert_eq!(beirut.next_day("2027-03-27T12:00:00Z".parse().unwrap()).to_rfc3339(), "2027-03-28T01:00:00+03:00");
    }

    /// The hours after the start at which one message could be taken, when someone tries every half hour for `hours`.
    fn taken(rate: &Rate, hours: i64) -> Vec<i64> {
        let (mut next, mut times) = (None, Vec::new());
        for half in 0..=hours * 2 {
            let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(30 * half);
            while let Some(then) = rate.take_one(next, now) {
                next = Some(then);
                times.push(half / 2);
            }
        }
        times
    }

    #[test]
    fn a_bucket_of_a_whole_period_gives_its_messages_at_once_and_then_one_per_interval() {
        assert_eq!(taken(&rate(3, 86_400), 48), [0, 0, 0, 8, 16, 24, 32, 40, 48]);
        // So two per day are at most three in any day.
        assert_eq!(taken(&rate(2, 86_400), 36), [0, 0, 12, 24, 36]);
        assert_eq!(taken(&rate(1, 3600), 3), [0, 1, 2, 3]);
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let (mut next, thousand) = (None, rate(1000, 1));
        let taken = (0..2000).map_while(|_| thousand.take_one(next, start).inspect(|then| next = Some(*then))).count();
        assert_eq!(taken, 1000);
        // A clock that was set back.
        let ahead = Some(start + TimeDelta::days(9));
        assert_eq!(rate(3, 86_400).take_one(ahead, start), None);
        assert!(rate(3, 86_400).take_one(ahead, start + TimeDelta::days(9)).is_some());
    }

    #[test]
    fn a_clock_that_was_set_back_stops_the_sending_for_at_most_one_period() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let (permits, _) = rate(1, 60).take(Some(now + TimeDelta::days(9)), 1, now);
        assert_eq!(permits, Permits { granted: 0, wait: Duration::from_secs(60) });
    }

    proptest! {
        #[test]
        fn no_window_exceeds_the_rate_and_one_burst(
            messages in 1u32..400, seconds in 1u64..20, wanted in 1u64..50,
        ) {
            let rate = rate(messages, seconds);
            let times = sent(&rate, wanted, 600);
            let most = u64::from(messages) + rate.burst() + 1;
            for (at, start) in times.iter().enumerate() {
                let window = times[at..].iter().take_while(|time| **time < start + u128::from(seconds) * 1000);
                prop_assert!(window.count() as u64 <= most);
            }
        }

        #[test]
        fn waiting_as_asked_yields_a_permit(messages in 1u32..4000, seconds in 1u64..4000, ahead in 0u64..9_000_000) {
            let rate = rate(messages, seconds);
            let now = DateTime::<Utc>::UNIX_EPOCH;
            let (permits, next) = rate.take(Some(now + time_delta(Duration::from_micros(ahead))), 5, now);
            if permits.granted == 0 {
                let later = now + time_delta(permits.wait);
                prop_assert!(rate.take(Some(next), 5, later).0.granted > 0);
            }
        }
    }
}
