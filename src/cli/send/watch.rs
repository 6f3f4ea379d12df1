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
use crate::delivery::run::Progress;

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
        let at = self.began.elapsed();
        let mut shown = lock(&self.shown);
        match progress {
            Progress::Begun { slug, open } => {
                let open = shown.left.map_or(open, |left| left.min(open));
                shown.meter = Some(Meter::new(slug.as_str(), open, at));
                shown.said = at;
                drop(shown);
                return self.show_bar();
            }
            Progress::Settled(state) => {
                shown.left = shown.left.map(|left| left.saturating_sub(1));
                shown.meter.iter_mut().for_each(|meter| meter.settle(state, at));
            }
            Progress::Waiting { slug, mailed, left } => {
                drop(shown);
                self.end();
                return self.report.message(&words::waiting(&slug, mailed, left));
            }
            Progress::Paused(pause, wait) => shown.meter.iter_mut().for_each(|meter| meter.pause(pause, at + wait)),
        }
        if self.watching == Watching::Lines && at - shown.said >= BETWEEN_LINES {
            shown.said = at;
            let line = shown.meter.as_ref().map(|meter| meter.sentence(at));
            drop(shown);
            line.iter().for_each(|line| self.report.message(line));
        }
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

/// What a thread that panicked has left is still worth showing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
