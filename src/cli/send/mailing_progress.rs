//! The progress of a mailing in one line: bar, share, messages per second, time left, counts, why it pauses.
//!
//! Takes events with their time since the run began, returns text. It knows no clock and no terminal.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::cli::send::throughput::Throughput;
use crate::delivery::job::PauseReason;
use crate::ledger::{State, StateCounts};
use crate::statistics::scale::grouped;

/// Columns of the bar.
const MIN_BAR_COLUMNS: usize = 8;
const MAX_BAR_COLUMNS: usize = 40;

/// Columns of the mailing's name.
const MAX_NAME_COLUMNS: usize = 32;

/// How long a pause is shown after its end, so that short ones do not flicker.
const PAUSE_LINGER_TIME: Duration = Duration::from_secs(1);

/// The states that are counted in the line, in their order.
const SHOWN_STATES: [State; 4] = [State::Sent, State::Deferred, State::Failed, State::Unknown];

/// The progress of one mailing.
#[derive(Debug)]
pub(super) struct MailingProgress {
    name: String,
    open: u64,
    counts: StateCounts,
    throughput: Throughput,
    paused: Option<(PauseReason, Duration)>,
}

impl MailingProgress {
    /// The progress of a mailing that begins with `open` recipients.
    pub fn new(name: &str, open: u64, at: Duration) -> Self {
        Self {
            name: name.to_owned(),
            open,
            counts: StateCounts::default(),
            throughput: Throughput::new(at),
            paused: None,
        }
    }

    /// StateCounts a delivery that reached a state.
    pub fn settle(&mut self, state: State, at: Duration) {
        self.counts.set(state, self.counts.of(state) + 1);
        self.throughput.count(at);
    }

    /// Notes what the run waits for, and until when.
    pub fn pause(&mut self, pause: PauseReason, until: Duration) {
        let longer = self.paused.is_none_or(|(_, other)| other <= until);
        if longer {
            self.paused = Some((pause, until));
        }
    }

    /// The line for a terminal of `width` columns. What does not fit is left out, the least important first.
    pub fn line(&self, width: usize, at: Duration) -> String {
        // In the order of the line, each with its rank: low ranks are placed first. The bar has rank 5.
        let mut parts = vec![(0, self.share())];
        parts.extend(self.rate(at).map(|rate| (4, rate)));
        parts.extend(self.time_left(at).map(|left| (3, left)));
        parts.extend(self.outcomes().map(|(state, text)| (if state == State::Sent { 6 } else { 2 }, text)));
        parts.extend(self.reason(at).map(|reason| (1, reason)));
        let name = shortened(&self.name, MAX_NAME_COLUMNS.min(width / 3).max(1));
        let mut room = width.saturating_sub(name.width());
        let mut is_shown = vec![false; parts.len()];
        let mut bar = 0;
        for rank in 0..=6 {
            if rank == 5 && room >= MIN_BAR_COLUMNS + 2 {
                (bar, room) = (MIN_BAR_COLUMNS, room - MIN_BAR_COLUMNS - 2);
            }
            for (at, (_, part)) in parts.iter().enumerate().filter(|(_, (of, _))| *of == rank) {
                if let Some(left) = room.checked_sub(part.width() + 2) {
                    (room, is_shown[at]) = (left, true);
                }
            }
        }
        let mut line = name;
        if bar > 0 {
            line = format!("{line}  {}", self.bar((bar + room).min(MAX_BAR_COLUMNS)));
        }
        for (_, (_, part)) in parts.iter().enumerate().filter(|(at, _)| is_shown[*at]) {
            line = format!("{line}  {part}");
        }
        line
    }

    /// The line for a log.
    pub fn sentence(&self, at: Duration) -> String {
        let mut parts = vec![self.share()];
        parts.extend(self.rate(at));
        parts.extend(self.time_left(at));
        parts.extend(self.outcomes().map(|(_, text)| text));
        parts.extend(self.reason(at));
        format!("{}: {}", self.name, parts.join(", "))
    }

    fn done(&self) -> u64 {
        self.counts.total()
    }

    fn share(&self) -> String {
        format!("{} of {}", grouped(self.done()), grouped(self.open.max(self.done())))
    }

    fn rate(&self, at: Duration) -> Option<String> {
        self.throughput.per_second(at).map(rate)
    }

    fn time_left(&self, at: Duration) -> Option<String> {
        let rate = self.throughput.per_second(at).filter(|rate| *rate > 0.0)?;
        let left = self.open.saturating_sub(self.done());
        (left > 0)
            .then(|| format!("{} left", time(Duration::try_from_secs_f64(left as f64 / rate).unwrap_or(Duration::MAX))))
    }

    fn outcomes(&self) -> impl Iterator<Item = (State, String)> {
        let occurring = SHOWN_STATES.into_iter().filter(|state| self.counts.of(*state) > 0);
        occurring.map(|state| (state, format!("{} {state}", grouped(self.counts.of(state)))))
    }

    /// Why the run pauses.
    fn reason(&self, at: Duration) -> Option<String> {
        let (pause, until) = self.paused.filter(|(_, until)| *until + PAUSE_LINGER_TIME > at)?;
        let left = until.saturating_sub(at);
        let after = |words: &str| format!("{words} for {}", time(left));
        Some(match (pause, left >= Duration::from_secs(1)) {
            (PauseReason::Rate, false) => "held back by `mail.rate`".to_owned(),
            (PauseReason::Rate, true) => after("held back by `mail.rate`"),
            (PauseReason::Server, false) => "waiting for the server".to_owned(),
            (PauseReason::Server, true) => after("waiting for the server"),
        })
    }

    /// Full, empty, and in between in eighths of a column.
    fn bar(&self, width: usize) -> String {
        const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        let all = self.open.max(self.done()).max(1);
        let filled = u128::from(self.done()) * (width as u128 * 8) / u128::from(all);
        let filled = usize::try_from(filled).unwrap_or(width * 8).min(width * 8);
        let bar = format!("{}{}", "█".repeat(filled / 8), EIGHTHS[filled % 8]);
        format!("{bar}{}", "░".repeat(width - bar.chars().count()))
    }
}

/// A rate in the unit that makes it readable.
fn rate(per_second: f64) -> String {
    let with = |number: f64, unit: &str| match number {
        number if number >= 9.95 => format!("{}/{unit}", grouped(number.round() as u64)),
        number => format!("{number:.1}/{unit}"),
    };
    match per_second {
        none if none <= 0.0 => "0/s".to_owned(),
        fast if fast >= 0.95 => with(fast, "s"),
        slow if slow * 60.0 >= 0.95 => with(slow * 60.0, "min"),
        slower => with(slower * 3600.0, "h"),
    }
}

/// A time in its largest unit, with the second largest where it matters.
fn time(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_millis() >= 500);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if seconds < 90 {
        format!("{seconds} s")
    } else if minutes < 90 {
        format!("{} min", (seconds + 30) / 60)
    } else if hours < 48 {
        format!("{hours} h {:02} min", minutes % 60)
    } else {
        format!("{} days", grouped(days))
    }
}

/// The text cut to `columns`, with an ellipsis.
fn shortened(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut taken = 1;
    for letter in text.chars() {
        taken += letter.width().unwrap_or(0);
        if taken > columns {
            break;
        }
        short.push(letter);
    }
    short + "…"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// A thousand recipients, 50 a second, ten seconds on.
    fn half_done() -> MailingProgress {
        let mut progress = MailingProgress::new("spring-notes", 1500, Duration::ZERO);
        for number in 0..500 {
            let state = match number % 100 {
                7 | 8 => State::Deferred,
                9 => State::Failed,
                _ => State::Sent,
            };
            progress.settle(state, seconds(f64::from(number) * 0.02));
        }
        progress
    }

    #[test]
    fn a_wider_line_shows_more() {
        let (progress, at) = (half_done(), seconds(10.0));
        let lines: Vec<String> = [110, 82, 72, 55, 40, 24, 12].map(|width| progress.line(width, at)).into();
        assert_eq!(
            lines,
            [
                "spring-notes  ██████████▋░░░░░░░░░░░░░░░░░░░░░  500 of 1,500  50/s  20 s left  485 sent  10 deferred  5 failed",
                "spring-notes  ████▋░░░░░░░░░  500 of 1,500  50/s  20 s left  10 deferred  5 failed",
                "spring-notes  500 of 1,500  50/s  20 s left  10 deferred  5 failed",
                "spring-notes  500 of 1,500  50/s  10 deferred  5 failed",
                "spring-notes  500 of 1,500  10 deferred",
                "spring-…  500 of 1,500",
                "spr…  50/s",
            ]
        );
    }

    #[test]
    fn a_log_gets_a_sentence() {
        let mut progress = half_done();
        assert_eq!(
            progress.sentence(seconds(10.0)),
            "spring-notes: 500 of 1,500, 50/s, 20 s left, 485 sent, 10 deferred, 5 failed"
        );
        progress.pause(PauseReason::Server, seconds(40.0));
        assert_eq!(
            progress.sentence(seconds(20.0)),
            "spring-notes: 500 of 1,500, 0/s, 485 sent, 10 deferred, 5 failed, waiting for the server for 20 s"
        );
    }

    #[test]
    fn a_pause_is_explained_until_shortly_after_its_end() {
        let mut progress = MailingProgress::new("neap", 10, Duration::ZERO);
        let reason = |progress: &MailingProgress, at: f64| progress.reason(seconds(at)).unwrap_or_default();
        assert_eq!(reason(&progress, 0.0), "");
        progress.pause(PauseReason::Rate, seconds(0.1));
        assert_eq!(reason(&progress, 0.0), "held back by `mail.rate`");
        progress.pause(PauseReason::Server, seconds(15.0));
        progress.pause(PauseReason::Rate, seconds(0.2));
        assert_eq!(reason(&progress, 1.0), "waiting for the server for 14 s");
        assert_eq!(reason(&progress, 15.5), "waiting for the server");
        assert_eq!(reason(&progress, 16.0), "");
    }

    #[test]
    fn more_deliveries_than_expected_raise_the_total() {
        let mut progress = MailingProgress::new("neap", 1, Duration::ZERO);
        progress.settle(State::Sent, seconds(1.0));
        progress.settle(State::Unknown, seconds(1.0));
        assert_eq!(progress.line(60, seconds(1.0)), "neap  ███████████████████████████  2 of 2  1 sent  1 unknown");
    }

    #[test]
    fn times_and_rates_have_readable_units() {
        let times = [0.4, 89.0, 90.0, 5399.0, 5400.0, 200_000.0].map(|number| time(seconds(number)));
        assert_eq!(times, ["0 s", "89 s", "2 min", "90 min", "1 h 30 min", "2 days"]);
        let rates = [12_345.6, 12.3, 3.21, 0.5, 0.083, 0.001, 0.0].map(rate);
        assert_eq!(rates, ["12,346/s", "12/s", "3.2/s", "30/min", "5.0/min", "3.6/h", "0/s"]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            name in "\\PC{0,60}", width in 0usize..200, open in 0u64..100_000, done in 0usize..300, wait in 0u64..100,
        ) {
            let mut progress = MailingProgress::new(&name, open, Duration::ZERO);
            for number in 0..done {
                progress.settle(State::ALL[number % 8], seconds(number as f64 * 0.1));
            }
            progress.pause(PauseReason::Server, Duration::from_secs(wait));
            let line = progress.line(width, seconds(done as f64 * 0.1));
            prop_assert!(line.width() <= width.max(1), "{line}");
        }
    }
}
