//! Lets a person follow a sending: a bar on a terminal, a line a minute in a log, nothing where nobody wants it.
//!
//! Takes what the run tells, from many threads, and the monotonic clock: `--now` stands still, and a pause lasts none the
//! less. What is said is left to `meter`, writing it to `report`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::cli::report::{Report, Watching};
use crate::cli::send::meter::Meter;
use crate::cli::send::words;
use crate::delivery::job::Progress;

/// From one line in a log to the next.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

pub(super) struct Watch<'a> {
    report: &'a Report,
    watching: Watching,
    began: Instant,
    shown: Arc<Mutex<Shown>>,
    bar: Mutex<ProgressBar>,
}

struct Shown {
    /// Of the mailing at hand.
    meter: Option<Meter>,
    /// How many recipients the sending may still have.
    left: Option<u64>,
    /// When the last line was written, or the mailing begun.
    said: Duration,
}

impl<'a> Watch<'a> {
    /// For a sending to so many recipients at most.
    pub fn new(report: &'a Report, limit: Option<u64>) -> Self {
        let shown = Arc::new(Mutex::new(Shown { meter: None, left: limit, said: Duration::ZERO }));
        let bar = Mutex::new(ProgressBar::hidden());
        Self { report, watching: report.watching(), began: Instant::now(), shown, bar }
    }

    /// Takes in what happened.
    pub fn tell(&self, progress: Progress) {
        if let Progress::Waiting { slug, mailed, left } = &progress {
            self.end();
            return self.report.message(&words::waiting(slug, *mailed, *left));
        }
        let at = self.began.elapsed();
        let begins = matches!(progress, Progress::Begun { .. });
        let mut shown = lock(&self.shown);
        shown.take(progress, at);
        let line = if self.watching == Watching::Lines { shown.line_if_due(at) } else { None };
        drop(shown);
        if begins {
            self.show_bar();
        }
        line.iter().for_each(|line| self.report.message(line));
    }

    /// Takes the bar away.
    pub fn end(&self) {
        lock(&self.bar).finish_and_clear();
    }

    fn show_bar(&self) {
        let (shown, began) = (Arc::clone(&self.shown), self.began);
        let mut bar = lock(&self.bar);
        bar.finish_and_clear();
        *bar = self.report.live(move |width| {
            lock(&shown).meter.as_ref().map_or_else(String::new, |meter| meter.line(width, began.elapsed()))
        });
    }
}

impl Shown {
    fn take(&mut self, progress: Progress, at: Duration) {
        match progress {
            Progress::Begun { slug, open } => {
                let open = self.left.map_or(open, |left| left.min(open));
                self.meter = Some(Meter::new(slug.as_str(), open, at));
                self.said = at;
            }
            Progress::Settled(state) => {
                self.left = self.left.map(|left| left.saturating_sub(1));
                self.meter.iter_mut().for_each(|meter| meter.settle(state, at));
            }
            // Said at once, in words of its own.
            Progress::Waiting { .. } => {}
            Progress::Paused(pause, wait) => self.meter.iter_mut().for_each(|meter| meter.pause(pause, at + wait)),
        }
    }

    /// The line for a log, if it is time for one.
    fn line_if_due(&mut self, at: Duration) -> Option<String> {
        let meter = self.meter.as_ref().filter(|_| at.saturating_sub(self.said) >= BETWEEN_LINES)?;
        self.said = at;
        Some(meter.sentence(at))
    }
}

/// What a thread that panicked has left is still worth showing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::job::PauseReason;
    use crate::issue::Slug;
    use crate::ledger::State;

    #[test]
    fn a_log_gets_a_line_a_minute() {
        let mut shown = Shown { meter: None, left: Some(250), said: Duration::ZERO };
        let mut lines = Vec::new();
        let mut tell = |progress: Progress, at: u64| {
            shown.take(progress, Duration::from_secs(at));
            lines.extend(shown.line_if_due(Duration::from_secs(at)).map(|line| format!("{at} s: {line}")));
        };
        tell(Progress::Begun { slug: Slug::new("neap").unwrap(), open: 4000 }, 100);
        (1..=150).for_each(|second| tell(Progress::Settled(State::Sent), 100 + second));
        tell(Progress::Begun { slug: Slug::new("surge").unwrap(), open: 4000 }, 255);
        tell(Progress::Settled(State::Failed), 290);
        tell(Progress::Paused(PauseReason::Server, Duration::from_secs(15)), 320);
        assert_eq!(
            lines,
            [
                "160 s: neap: 60 of 250, 1.0/s, 3 min left, 60 sent",
                "220 s: neap: 120 of 250, 1.0/s, 2 min left, 120 sent",
                "320 s: surge: 1 of 100, 1 failed, waiting for the server for 15 s",
            ]
        );
    }
}
