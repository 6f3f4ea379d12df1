//! When to try again: delays as pure functions.
//!
//! A delay grows so that a server in trouble is left alone, and is spread so that a thousand recipients refused in one
//! second do not all come back in one second. The spread comes from whose delivery it is, so that a run can be repeated.

use std::time::Duration;

use crate::issue::IssueId;
use crate::subscriber::SubscriberId;

const MINUTE: u64 = 60;
const FIRST: u64 = 5 * MINUTE;
const LONGEST: u64 = 24 * 60 * MINUTE;

/// After so many tries a recipient is given up for this issue: after five days or six where runs are frequent, as RFC 5321
/// 4.5.4.1 wants it (four or five at least), and two weeks where there is one a day.
const MOST_TRIES: u32 = 14;

/// How long a deferred recipient waits after `tries` tries (1 or more); `None`: no more.
pub fn delay(issue: &IssueId, subscriber: SubscriberId, tries: u32) -> Option<Duration> {
    if tries >= MOST_TRIES {
        return None;
    }
    let seconds = (FIRST << tries.saturating_sub(1).min(16)).min(LONGEST);
    // Between 80 and 120 percent.
    let spread = 800 + hash(issue, subscriber, tries) % 401;
    Some(Duration::from_secs(seconds * spread / 1000))
}

/// How long a connection waits before try number `tries` + 1 (`tries` from 1) with a server that is busy or gone.
pub fn back_off(tries: u32) -> Duration {
    Duration::from_secs(2 << tries.saturating_sub(1).min(5))
}

/// How long a server is left alone after it failed `failures` times in a row (1 or more). One that refuses us is asked
/// again seldom: what it says does not pass by itself, and a wrong password too often may lock an account.
pub fn rest(failures: u32, refuses: bool) -> Duration {
    const REFUSES: u64 = 5 * MINUTE;
    let longer = failures.saturating_sub(1);
    match refuses {
        true => Duration::from_secs(REFUSES << longer.min(3)),
        false => Duration::from_secs((2 << longer.min(8)).min(REFUSES)),
    }
}

/// FNV-1a: any hash would do that stays the same in every release.
fn hash(issue: &IssueId, subscriber: SubscriberId, tries: u32) -> u64 {
    let numbers = [subscriber.0.to_le_bytes(), i64::from(tries).to_le_bytes()];
    let bytes = issue.as_str().bytes().chain(numbers.into_iter().flatten());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(subscriber: i64) -> Vec<u64> {
        let issue = IssueId::new("https://example.org/notes/").unwrap();
        (1..).map_while(|tries| delay(&issue, SubscriberId(subscriber), tries)).map(|delay| delay.as_secs()).collect()
    }

    #[test]
    fn delays_grow_from_minutes_to_a_day_and_end_after_five() {
        for subscriber in 0..200 {
            let delays = delays(subscriber);
            assert_eq!(delays.len(), 13);
            for (at, delay) in delays.iter().enumerate() {
                let even = (300 << at).min(24 * 3600);
                assert!((even * 8 / 10..=even * 12 / 10).contains(delay), "{delays:?}");
            }
            let total: u64 = delays.iter().sum();
            assert!((4 * 24 * 3600..7 * 24 * 3600).contains(&total), "{total}");
        }
    }

    #[test]
    fn delays_differ_between_people_and_are_the_same_each_time() {
        assert_eq!(delays(1), delays(1));
        let mut first: Vec<u64> = (0..100).map(|subscriber| delays(subscriber)[0]).collect();
        first.sort_unstable();
        first.dedup();
        assert!(first.len() > 40, "{first:?}");
    }

    #[test]
    fn a_busy_server_is_left_alone_for_longer_each_time() {
        let seconds: Vec<u64> = (1..9).map(|tries| back_off(tries).as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 16, 32, 64, 64, 64]);
        let rests = |refuses| (1..11).map(|failures| rest(failures, refuses).as_secs()).collect::<Vec<u64>>();
        assert_eq!(rests(false), [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(rests(true)[..5], [300, 600, 1200, 2400, 2400]);
    }
}
