//! The retry schedule: when a deferred recipient, a broken connection or a failing server is tried again.
//!
//! Nothing else decides it: no run claims a deferred recipient before the `retry_at` that `defer` returns. Delays grow, so
//! that a server with problems is left alone, and are spread, so that a thousand recipients deferred in one second do not
//! come back in one second. The spread is a hash of the delivery, which makes a run repeatable.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, Claim};
use crate::transactional_message::TransactionalMessage;

const MINUTE_SECONDS: u64 = 60;
const FIRST_DELAY_SECONDS: u64 = 5 * MINUTE_SECONDS;
const MAX_DELAY_SECONDS: u64 = 24 * 60 * MINUTE_SECONDS;

/// After this many attempts a recipient fails for this mailing: after five or six days where runs are frequent, as RFC 5321
/// 4.5.4.1 asks for (at least four or five), and after two weeks where there is one a day.
const MAX_ATTEMPTS: u32 = 14;

/// How long a server that refuses our mail is left alone at first, and a failing one at most.
const REFUSAL_SUSPENSION_SECONDS: u64 = 5 * MINUTE_SECONDS;

/// Defers the recipient of a failed attempt, or fails it after the last.
pub(super) fn defer(issue: &IssueId, claim: &Claim, reply: String, now: DateTime<Utc>) -> AttemptOutcome {
    later((issue.as_str(), claim.subscriber.id.0), claim.attempts + 1, reply, now)
}

/// The same for a transactional message.
pub fn defer_message(message: &TransactionalMessage, reply: String, now: DateTime<Utc>) -> AttemptOutcome {
    later(("", message.id.0), message.attempts + 1, reply, now)
}

/// `delivery` identifies what is deferred.
fn later(delivery: (&str, i64), attempts: u32, reply: String, now: DateTime<Utc>) -> AttemptOutcome {
    let delay = delay(delivery, attempts);
    let retry_at = delay.and_then(|delay| now.checked_add_signed(TimeDelta::from_std(delay).ok()?));
    match retry_at {
        Some(retry_at) => AttemptOutcome::Deferred { reply, retry_at },
        None => AttemptOutcome::Failed { reply: format!("{reply} (given up after {attempts} tries)"), suppress: false },
    }
}

/// How long a deferred recipient waits after `attempts` attempts (at least 1); `None` if there is no other.
fn delay(delivery: (&str, i64), attempts: u32) -> Option<Duration> {
    if attempts >= MAX_ATTEMPTS {
        return None;
    }
    let seconds = (FIRST_DELAY_SECONDS << attempts.saturating_sub(1).min(16)).min(MAX_DELAY_SECONDS);
    // 80 to 120 percent.
    let spread_per_mille = 800 + hash(delivery, attempts) % 401;
    Some(Duration::from_secs(seconds * spread_per_mille / 1000))
}

/// How long a connection to a busy or unreachable server waits after `attempts` attempts (at least 1).
pub(super) fn connection_backoff(attempts: u32) -> Duration {
    Duration::from_secs(2 << attempts.saturating_sub(1).min(5))
}

/// How long a server is left alone after `failures` failures in a row (at least 1). One that refuses our mail is tried
/// again rarely: a refusal does not pass by itself, and repeating a wrong password may lock an account.
pub(super) fn server_suspension(failures: u32, refuses: bool) -> Duration {
    let doublings = failures.saturating_sub(1);
    match refuses {
        true => Duration::from_secs(REFUSAL_SUSPENSION_SECONDS << doublings.min(3)),
        false => Duration::from_secs((2 << doublings.min(8)).min(REFUSAL_SUSPENSION_SECONDS)),
    }
}

/// FNV-1a: any hash that stays the same in every release would do.
fn hash((text, number): (&str, i64), attempts: u32) -> u64 {
    let numbers = [number.to_le_bytes(), i64::from(attempts).to_le_bytes()];
    let bytes = text.bytes().chain(numbers.into_iter().flatten());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(subscriber: i64) -> Vec<u64> {
        (1..)
            .map_while(|attempts| delay(("https://example.org/notes/", subscriber), attempts))
            .map(|delay| delay.as_secs())
            .collect()
    }

    #[test]
    fn delays_grow_from_minutes_to_a_day_and_end_after_five() {
        for subscriber in 0..200 {
            let delays = delays(subscriber);
            assert_eq!(delays.len(), 13);
            for (at, delay) in delays.iter().enumerate() {
                let unspread = (300 << at).min(24 * 3600);
                assert!((unspread * 8 / 10..=unspread * 12 / 10).contains(delay), "{delays:?}");
            }
            let total: u64 = delays.iter().sum();
            assert!((4 * 24 * 3600..7 * 24 * 3600).contains(&total), "{total}");
        }
    }

    #[test]
    fn delays_differ_between_subscribers_and_are_reproducible() {
        assert_eq!(delays(1), delays(1));
        let mut first: Vec<u64> = (0..100).map(|subscriber| delays(subscriber)[0]).collect();
        first.sort_unstable();
        first.dedup();
        assert!(first.len() > 40, "{first:?}");
    }

    #[test]
    fn a_failing_server_is_left_alone_for_longer_each_time() {
        let seconds: Vec<u64> = (1..9).map(|attempts| connection_backoff(attempts).as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 16, 32, 64, 64, 64]);
        let suspensions =
            |refuses| (1..11).map(|failures| server_suspension(failures, refuses).as_secs()).collect::<Vec<u64>>();
        assert_eq!(suspensions(false), [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(suspensions(true)[..5], [300, 600, 1200, 2400, 2400]);
    }
}
