//! How far a mailing is, in one line: bar, done of all, messages a second, time left, what became of them, why it pauses.
//!
//! Takes what happened and when, as the time since the sending began; gives text. It knows no clock and no terminal.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::cli::send::pace::Pace;
use crate::delivery::job::PauseReason;
use crate::ledger::{State, StateCounts};
use crate::statistics::scale::grouped;

/// Columns of the bar, at least and at most.
const NARROWEST: usize = 8;
const WIDEST: usize = 40;

/// Columns of the name, at most.
const WIDEST_NAME: usize = 32;

/// A pause is shown a little longer than it lasts, so that short ones do not flicker.
const LINGER: Duration = Duration::from_secs(1);

/// What became of recipients, in the order in which it is said.
const OUTCOMES: [State; 4] = [State::Sent, State::Deferred, State::Failed, State::Unknown];

/// How far one mailing is.
#[derive(Debug)]
pub(super) struct Meter {
    name: String,
    open: u64,
    counts: StateCounts,
    pace: Pace,
    paused: Option<(PauseReason, Duration)>,
}

impl Meter {
    /// A mailing of that name with so many recipients to go begins.
    pub fn new(name: &str, open: u64, at: Duration) -> Self {
        Self { name: name.to_owned(), open, counts: StateCounts::default(), pace: Pace::new(at), paused: None }
    }

    /// A recipient's delivery is in that state now.
    pub fn settle(&mut self, state: State, at: Duration) {
        self.counts.set(state, self.counts.of(state) + 1);
        self.pace.count(at);
    }

    /// Something is waited for until then.
    pub fn pause(&mut self, pause: PauseReason, until: Duration) {
        let longer = self.paused.is_none_or(|(_, other)| other <= until);
        if longer {
            self.paused = Some((pause, until));
        }
    }

    /// The line for a terminal of that many columns. What it has no room for is left out, the least needed first.
    pub fn line(&self, width: usize, at: Duration) -> String {
        // In the order of the line, each with its rank: those of low rank go first into the room that there is. The bar has
        // rank 5.
        let mut parts = vec![(0, self.share())];
        parts.extend(self.rate(at).map(|rate| (4, rate)));
        parts.extend(self.time_left(at).map(|left| (3, left)));
        parts.extend(self.outcomes().map(|(state, said)| (if state == State::Sent { 6 } else { 2 }, said)));
        parts.extend(self.reason(at).map(|reason| (1, reason)));
        let name = shortened(&self.name, WIDEST_NAME.min(width / 3).max(1));
        let mut room = width.saturating_sub(name.width());
        let mut is_shown = vec![false; parts.len()];
        let mut bar = 0;
        for rank in 0..=6 {
            if rank == 5 && room >= NARROWEST + 2 {
                (bar, room) = (NARROWEST, room - NARROWEST - 2);
            }
            for (at, (_, part)) in parts.iter().enumerate().filter(|(_, (of, _))| *of == rank) {
                if let Some(left) = room.checked_sub(part.width() + 2) {
                    (room, is_shown[at]) = (left, true);
                }
            }
        }
        let mut line = name;
        if bar > 0 {
            line = format!("{line}  {}", self.bar((bar + room).min(WIDEST)));
        }
        for (_, (_, part)) in parts.iter().enumerate().filter(|(at, _)| is_shown[*at]) {
            line = format!("{line}  {part}");
        }
        line
    }

    /// The same for a log.
    pub fn sentence(&self, at: Duration) -> String {
        let mut parts = vec![self.share()];
        parts.extend(self.rate(at));
        parts.extend(self.time_left(at));
        parts.extend(self.outcomes().map(|(_, said)| said));
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
        self.pace.per_second(at).map(rate)
    }

    fn time_left(&self, at: Duration) -> Option<String> {
        let pace = self.pace.per_second(at).filter(|pace| *pace > 0.0)?;
        let left = self.open.saturating_sub(self.done());
        (left > 0)
            .then(|| format!("{} left", time(Duration::try_from_secs_f64(left as f64 / pace).unwrap_or(Duration::MAX))))
    }

    fn outcomes(&self) -> impl Iterator<Item = (State, String)> {
        let occurring = OUTCOMES.into_iter().filter(|state| self.counts.of(*state) > 0);
        occurring.map(|state| (state, format!("{} {state}", grouped(self.counts.of(state)))))
    }

    /// Why nothing, or not more, moves.
    fn reason(&self, at: Duration) -> Option<String> {
        let (pause, until) = self.paused.filter(|(_, until)| *until + LINGER > at)?;
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

/// Messages in the unit that gives a number one can read.
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

/// The two largest units of a time, the second only where it matters.
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

/// Text of at most so many columns; dots stand for what is cut off.
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
    fn underway() -> Meter {
        let mut meter = Meter::new("spring-notes", 1500, Duration::ZERO);
        for number in 0..500 {
            let state = match number % 100 {
                7 | 8 => State::Deferred,
                9 => State::Failed,
                _ => State::Sent,
            };
            meter.settle(state, seconds(f64::from(number) * 0.02));
        }
        meter
    }

    #[test]
    fn a_line_says_more_where_there_is_more_room() {
        let (meter, at) = (underway(), seconds(10.0));
        let lines: Vec<String> = [110, 82, 72, 55, 40, 24, 12].map(|width| meter.line(width, at)).into();
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
        let mut meter = underway();
        assert_eq!(
            meter.sentence(seconds(10.0)),
            "spring-notes: 500 of 1,500, 50/s, 20 s left, 485 sent, 10 deferred, 5 failed"
        );
        meter.pause(PauseReason::Server, seconds(40.0));
        assert_eq!(
            meter.sentence(seconds(20.0)),
            "spring-notes: 500 of 1,500, 0/s, 485 sent, 10 deferred, 5 failed, waiting for the server for 20 s"
        );
    }

    #[test]
    fn a_pause_says_why_until_a_little_after_its_end() {
        let mut meter = Meter::new("neap", 10, Duration::ZERO);
        let said = |meter: &Meter, at: f64| meter.reason(seconds(at)).unwrap_or_default();
        assert_eq!(said(&meter, 0.0), "");
        meter.pause(PauseReason::Rate, seconds(0.1));
        assert_eq!(said(&meter, 0.0), "held back by `mail.rate`");
        meter.pause(PauseReason::Server, seconds(15.0));
        meter.pause(PauseReason::Rate, seconds(0.2));
        assert_eq!(said(&meter, 1.0), "waiting for the server for 14 s");
        assert_eq!(said(&meter, 15.5), "waiting for the server");
        assert_eq!(said(&meter, 16.0), "");
    }

    #[test]
    fn more_than_was_foreseen_is_all() {
        let mut meter = Meter::new("neap", 1, Duration::ZERO);
        meter.settle(State::Sent, seconds(1.0));
        meter.settle(State::Unknown, seconds(1.0));
        assert_eq!(meter.line(60, seconds(1.0)), "neap  ███████████████████████████  2 of 2  1 sent  1 unknown");
    }

    #[test]
    fn times_and_rates_have_units_one_can_read() {
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
            let mut meter = Meter::new(&name, open, Duration::ZERO);
            for number in 0..done {
                meter.settle(State::ALL[number % 8], seconds(number as f64 * 0.1));
            }
            meter.pause(PauseReason::Server, Duration::from_secs(wait));
            let line = meter.line(width, seconds(done as f64 * 0.1));
            prop_assert!(line.width() <= width.max(1), "{line}");
        }
    }
}
