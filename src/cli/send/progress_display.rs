//! Shows the progress of a run: a bar on a terminal, a line per minute in a log, nothing with `--quiet` or `--json`.
//!
//! Takes events from many threads, and the monotonic clock: `--now` stands still, but pauses take time all the same. The
//! text is made by `mailing_progress`, written by `report`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::cli::report::{Report, Watching};
use crate::cli::send::mailing_progress::MailingProgress;
use crate::cli::send::summary;
use crate::delivery::job::Progress;

/// Time between two lines in a log.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

pub(super) struct ProgressDisplay<'a> {
    report: &'a Report,
    watching: Watching,
    began: Instant,
    current: Arc<Mutex<Current>>,
    bar: Mutex<ProgressBar>,
}

struct Current {
    /// The current mailing.
    mailing: Option<MailingProgress>,
    /// How many more recipients the run may have.
    left: Option<u64>,
    /// When the last line was written, or the mailing begun.
    last_line: Duration,
}

impl<'a> ProgressDisplay<'a> {
    /// For a run that sends to at most `limit` recipients.
    pub fn new(report: &'a Report, limit: Option<u64>) -> Self {
        let current = Arc::new(Mutex::new(Current { mailing: None, left: limit, last_line: Duration::ZERO }));
        let bar = Mutex::new(ProgressBar::hidden());
        Self { report, watching: report.watching(), began: Instant::now(), current, bar }
    }

    /// Shows what happened.
    pub fn update(&self, progress: Progress) {
        if let Progress::Waiting { slug, mailed, left } = &progress {
            self.end();
            return self.report.message(&summary::waiting(slug, *mailed, *left));
        }
        let at = self.began.elapsed();
        let begins = matches!(progress, Progress::Begun { .. });
        let mut current = lock(&self.current);
        current.take(progress, at);
        let line = if self.watching == Watching::Lines { current.line_if_due(at) } else { None };
        drop(current);
        if begins {
            self.show_bar();
        }
        line.iter().for_each(|line| self.report.message(line));
    }

    /// Removes the bar.
    pub fn end(&self) {
        lock(&self.bar).finish_and_clear();
    }

    fn show_bar(&self) {
        let (current, began) = (Arc::clone(&self.current), self.began);
        let mut bar = lock(&self.bar);
        bar.finish_and_clear();
        *bar = self.report.live(move |width| {
            lock(&current).mailing.as_ref().map_or_else(String::new, |mailing| mailing.line(width, began.elapsed()))
        });
    }
}

impl Current {
    fn take(&mut self, progress: Progress, at: Duration) {
        match progress {
            Progress::Begun { slug, open } => {
                let open = self.left.map_or(open, |left| left.min(open));
                self.mailing = Some(MailingProgress::new(slug.as_str(), open, at));
                self.last_line = at;
            }
            Progress::Settled(state) => {
                self.left = self.left.map(|left| left.saturating_sub(1));
                self.mailing.iter_mut().for_each(|mailing| mailing.settle(state, at));
            }
            // Shown at once.
            Progress::Waiting { .. } => {}
            Progress::Paused(pause, wait) => {
                self.mailing.iter_mut().for_each(|mailing| mailing.pause(pause, at + wait))
            }
        }
    }

    /// The line for a log, if it is time for one.
    fn line_if_due(&mut self, at: Duration) -> Option<String> {
        let mailing = self.mailing.as_ref().filter(|_| at.saturating_sub(self.last_line) >= LOG_INTERVAL)?;
        self.last_line = at;
        Some(mailing.sentence(at))
    }
}

/// The lock, even if a thread panicked while it held it.
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
    fn a_log_gets_a_line_per_minute() {
        let mut current = Current { mailing: None, left: Some(250), last_line: Duration::ZERO };
        let mut lines = Vec::new();
        let mut update = |progress: Progress, at: u64| {
            current.take(progress, Duration::from_secs(at));
            lines.extend(current.line_if_due(Duration::from_secs(at)).map(|line| format!("{at} s: {line}")));
        };
        update(Progress::Begun { slug: Slug::new("neap").unwrap(), open: 4000 }, 100);
        (1..=150).for_each(|second| update(Progress::Settled(State::Sent), 100 + second));
        update(Progress::Begun { slug: Slug::new("surge").unwrap(), open: 4000 }, 255);
        update(Progress::Settled(State::Failed), 290);
        update(Progress::Paused(PauseReason::Server, Duration::from_secs(15)), 320);
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
