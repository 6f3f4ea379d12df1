//! The transactional messages that a `send` or `publish` takes along: while mailings run, and what is left afterwards.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::cli::clock::WaitingClock;
use crate::cli::send::interrupt::Interrupt;
use crate::cli::{Context, Exit};
use crate::config::Config;
use crate::delivery::job::{Occasion, RunHooks};
use crate::disk::machine;
use crate::store::Store;
use crate::transactional::{self, Report, Request};

/// Sends transactional messages.
pub(in crate::cli) struct TransactionalMessages<'a> {
    pub context: &'a Context,
    pub config: &'a Config,
    pub(super) clock: WaitingClock,
    pub(super) interrupt: Interrupt,
    sent: Mutex<Sent>,
}

/// What became of the messages.
#[derive(Debug, Default)]
pub(in crate::cli) struct Sent {
    report: Report,
    /// Why none could be sent.
    error: Option<anyhow::Error>,
}

/// The transactional messages of a run.
#[derive(Serialize)]
pub(in crate::cli) struct TransactionalRow<'a> {
    /// Messages that a server accepted, or that were written to the outbox.
    sent: u64,
    /// Messages that are tried again later.
    deferred: u64,
    /// Messages that are not tried again.
    failed: u64,
    /// Messages of which it is unknown whether they arrived.
    unknown: u64,
    /// Messages that are still to be sent.
    waiting: u64,
    /// The first of those that failed, each with its masked address and the server's reply.
    failures: Vec<&'a str>,
}

impl<'a> TransactionalMessages<'a> {
    /// Those of this project.
    pub fn new(context: &'a Context, config: &'a Config) -> Self {
        let (clock, interrupt) = (WaitingClock::new(context.clock), Interrupt::default());
        Self { context, config, clock, interrupt, sent: Mutex::default() }
    }

    /// Sends what is queued while a mailing runs. After a problem no more is tried until it is over.
    pub(super) fn send_meanwhile(&self, occasion: &Occasion<'_>) {
        let has_problem = |sent: &Sent| sent.error.is_some() || sent.report.problem.is_some();
        if !has_problem(&self.sent()) {
            let result = self.with_request(|request| transactional::deliver_meanwhile(occasion, request));
            self.sent().add(result);
        }
    }

    /// Sends what is left, whether or not anything was mailed, and returns what became of all.
    pub fn send_rest(self, store: &mut dyn Store) -> Sent {
        let is_any_open = self.config.answers_readers() && store.message_counts().is_ok_and(|counts| counts.open() > 0);
        if is_any_open {
            let result = self.interrupt.listen();
            let result = result.and_then(|()| self.with_request(|request| transactional::deliver(store, request)));
            self.sent().add(result);
        }
        self.sent.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_request<T>(&self, act: impl FnOnce(&Request<'_>) -> T) -> T {
        let Self { context, config, clock, interrupt, .. } = self;
        act(&Request {
            project: &context.project,
            config,
            run: machine::this_run(clock.now()),
            hooks: RunHooks {
                clock: &|| clock.now(),
                sleep: &|pause| clock.during(|| interrupt.wait(pause)),
                stop: interrupt.stop(),
                progress: &|_| {},
                meanwhile: None,
            },
        })
    }

    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sent {
    fn add(&mut self, result: anyhow::Result<Report>) {
        match result {
            Ok(report) => {
                self.report.add(report);
                self.error = None;
            }
            Err(error) => self.error = Some(error),
        }
    }

    /// The row of the document; `None` if nothing was sent and nothing failed.
    pub fn row(&self) -> Option<TransactionalRow<'_>> {
        let Report { sent, deferred, failed, unknown, waiting, .. } = self.report;
        let failures = self.report.failures.iter().map(String::as_str).collect();
        let row = TransactionalRow { sent, deferred, failed, unknown, waiting, failures };
        self.report.is_worth_telling().then_some(row)
    }

    /// Shows how many were sent, if any.
    pub fn show(&self, context: &Context) -> anyhow::Result<Exit> {
        if !context.report.json && self.report.has_sent() {
            context.report.text(&format!("{}\n", self.report.summary()))?;
            self.report.failures.iter().for_each(|failure| context.report.message(&format!("Failed: {failure}")));
        }
        Ok(Exit::Done)
    }

    /// Reports what needs attention, and returns the exit code for it.
    pub fn problems(&self, context: &Context) -> Exit {
        let findings = self.report.findings();
        context.report.findings(&findings);
        if let Some(error) = &self.error {
            context.report.error(error);
        }
        if findings.is_empty() && self.error.is_none() { Exit::Done } else { Exit::Attention }
    }

    /// Shows all of it before the error that ends the command, and returns that error. Why none could be sent is then no news.
    pub fn show_before(mut self, context: &Context, error: anyhow::Error) -> anyhow::Result<anyhow::Error> {
        drop(mem::take(&mut self.error));
        self.show(context)?;
        self.problems(context);
        Ok(error)
    }
}
