//! What `slugline serve` does beside answering: sends the messages that wait, and keeps the store tidy.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use chrono::{DateTime, TimeDelta, Utc};

use crate::cli::Context;
use crate::cli::clock::Clock;
use crate::cli::serve::log::Logger;
use crate::config::Config;
use crate::delivery::job::RunHooks;
use crate::disk::{Project, machine};
use crate::send::mailing_record::MailingRecord;
use crate::serve::Service;
use crate::store::moving::Movable;
use crate::transactional;
use crate::web::readers::{Event, OpenStore};

/// Time between two purges.
const PURGE_EVERY: TimeDelta = TimeDelta::hours(1);

/// The work of the thread that sends.
pub(super) struct Upkeep {
    project: Project,
    project_file: String,
    config: Config,
    clock: Clock,
    service: Arc<Service>,
    open_store: OpenStore,
    store: Option<Box<dyn Movable>>,
    purged: Option<DateTime<Utc>>,
    logger: Logger,
    /// The problem of the last turn, told once.
    problem: Option<String>,
}

impl Upkeep {
    pub fn new(
        context: &Context,
        config: Config,
        service: Arc<Service>,
        open_store: OpenStore,
        logger: Logger,
    ) -> Self {
        Self {
            project: context.project.clone(),
            project_file: context.project_file(),
            config,
            clock: context.clock,
            service,
            open_store,
            store: None,
            purged: None,
            logger,
            problem: None,
        }
    }

    /// One turn: as soon as a request queued a message, and now and then.
    pub fn turn(&mut self, is_stopping: &AtomicBool) {
        let problem = self.try_turn(is_stopping).err().map(|error| format!("{error:#}"));
        if problem.is_some() {
            // It may be broken; the next turn opens it anew.
            self.store = None;
        }
        if problem != self.problem
            && let Some(problem) = &problem
        {
            self.logger.event(Event::Problem(format!("messages to readers wait: {problem}")));
        }
        self.problem = problem;
    }

    fn try_turn(&mut self, is_stopping: &AtomicBool) -> anyhow::Result<()> {
        let mut store = match self.store.take() {
            Some(store) => store,
            None => (self.open_store)()?,
        };
        let may_send = self.may_send(&*store)?;
        self.service.set_open(may_send);
        if may_send {
            self.service.prepare(&mut *store)?;
            self.purge(&mut *store)?;
            self.send_waiting(&mut *store, is_stopping)?;
        }
        self.store = Some(store);
        Ok(())
    }

    /// Whether this is the store to use: not one that was moved, or that lacks a recorded mailing.
    fn may_send(&self, store: &dyn Movable) -> anyhow::Result<bool> {
        let is_moved = store.moved()?.is_some();
        Ok(!is_moved && MailingRecord::new(&self.project, &self.project_file).refusal(store)?.is_none())
    }

    /// Deletes what has expired, now and then.
    fn purge(&mut self, store: &mut dyn Movable) -> anyhow::Result<()> {
        let now = self.clock.now();
        if self.purged.is_none_or(|purged| now - purged >= PURGE_EVERY) {
            let keep_ip = self.config.serve.as_ref().and_then(|serve| serve.keep_ip).unwrap_or_default();
            store.purge(now - keep_ip, now)?;
            self.purged = Some(now);
        }
        Ok(())
    }

    /// Sends the transactional messages that wait, until none is due or the process stops.
    fn send_waiting(&self, store: &mut dyn Movable, is_stopping: &AtomicBool) -> anyhow::Result<()> {
        let clock = self.clock;
        let hooks = RunHooks {
            clock: &move || clock.now(),
            sleep: &thread::sleep,
            stop: is_stopping,
            progress: &|_| {},
            meanwhile: None,
        };
        let run = machine::this_run(clock.now());
        let request = transactional::Request { project: &self.project, config: &self.config, run, hooks };
        let report = transactional::deliver(store, &request)?;
        for finding in report.findings() {
            self.logger.event(Event::Problem(finding.to_string()));
        }
        Ok(())
    }
}
