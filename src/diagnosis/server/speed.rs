//! How fast mail can leave, from the measured round trips and the rate limit.

use std::time::Duration;

use crate::diagnosis::Step;
use crate::diagnosis::server::SendingTerms;
use crate::smtp::probe::ProbeReport;

/// Below this time per message the network is not the bottleneck: the server has to write each message to disk.
const MIN_LINE_BOUND: Duration = Duration::from_millis(3);

pub(super) fn step(report: &ProbeReport, terms: &SendingTerms<'_>) -> Option<Step> {
    let round_trip = median(&report.round_trips)?;
    let message = per_message(round_trip, median(&report.envelopes)?, report.offers("PIPELINING"));
    let possible = terms.connections as f64 / message.as_secs_f64().max(1e-6);
    let limit = terms.rate.map(|rate| f64::from(rate.messages) / rate.per.as_secs_f64());
    let expected = limit.map_or(possible, |limit| limit.min(possible));
    let over = match terms.connections {
        1 => "over 1 connection".to_owned(),
        many => format!("over {many} connections"),
    };
    let carried = rounded(possible);
    let (speed, is_known) = match (terms.rate, limit) {
        (Some(rate), Some(limit)) if limit < possible => {
            (format!("`mail.rate` allows {rate}; the network would carry {carried}/s {over}"), true)
        }
        _ if message < MIN_LINE_BOUND => {
            let decides = "the limit is how fast the server stores messages, which only sending can show";
            (format!("the network would carry {carried} messages/s {over}: {decides}"), false)
        }
        _ => (format!("up to {carried} messages/s {over}, {} for each", shown(message)), true),
    };
    let subscribers = terms.subscribers.filter(|subscribers| is_known && *subscribers > 0);
    let whole = subscribers.map_or_else(String::new, |subscribers| {
        let time = Duration::from_secs_f64(subscribers as f64 / expected);
        format!("; {subscribers} subscribers take {} or more", shown(time))
    });
    let mut step = Step::ok("speed", format!("{speed}{whole}"));
    step.numbers = vec![
        ("round_trip_ms", round_trip.as_secs_f64() * 1000.0),
        ("message_ms", message.as_secs_f64() * 1000.0),
        ("most_messages_per_second", expected),
    ];
    let trips = if report.offers("PIPELINING") { "one round trip" } else { "four round trips" };
    Some(step.details([
        format!("a round trip takes {}, the median of {} (NOOP)", shown(round_trip), report.round_trips.len()),
        format!("a message takes {trips}, and what the server needs for MAIL and RCPT"),
        "the time to store a message and to transfer it is added to this, and is not measured".to_owned(),
    ]))
}

/// The time per message on one connection. With PIPELINING, the next envelope is sent with the previous message, and
/// everything costs one round trip; without it, MAIL, RCPT, DATA and the message cost one each.
fn per_message(round_trip: Duration, envelope: Duration, groups: bool) -> Duration {
    match groups {
        true => envelope.max(round_trip),
        false => envelope.max(round_trip * 2) + round_trip * 2,
    }
}

fn median(times: &[Duration]) -> Option<Duration> {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied()
}

/// A duration for people.
pub(super) fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if seconds < 0.001 => format!("{:.2} ms", seconds * 1000.0),
        _ if seconds < 0.01 => format!("{:.1} ms", seconds * 1000.0),
        _ if seconds < 1.0 => format!("{:.0} ms", seconds * 1000.0),
        _ if seconds < 100.0 => format!("{seconds:.0} s"),
        _ if seconds < 2.0 * 3600.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

/// Rounds to two significant digits: an estimate has no more.
fn rounded(rate: f64) -> u64 {
    let unit = 10f64.powf(rate.max(1.0).log10().floor() - 1.0).max(1.0);
    ((rate / unit).round() * unit).max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_message_costs_one_round_trip_in_groups_and_four_without() {
        assert_eq!(per_message(ms(20), ms(20), true), ms(20));
        assert_eq!(per_message(ms(20), ms(50), true), ms(50));
        assert_eq!(per_message(ms(20), ms(40), false), ms(80));
        assert_eq!(per_message(ms(20), ms(90), false), ms(130));
    }

    #[test]
    fn one_slow_reply_does_not_count() {
        assert_eq!(median(&[ms(2), ms(900), ms(1)]), Some(ms(2)));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn numbers_are_as_exact_as_they_are_known() {
        let shown = [0.05, 3.0, 21.0, 1500.0, 600_000.0, 20_000_000.0]
            .map(|ms: f64| shown(Duration::from_secs_f64(ms / 1000.0)));
        assert_eq!(shown, ["0.05 ms", "3.0 ms", "21 ms", "2 s", "10 min", "5.6 h"]);
        assert_eq!([0.3, 7.4, 83.0, 812.0, 12_345.0].map(rounded), [1, 7, 83, 810, 12_000]);
    }
}
