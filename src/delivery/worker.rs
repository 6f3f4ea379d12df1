//! One worker: one connection, one message at a time, and what each of the server's answers does to the run.
//!
//! It holds one letter more than it sends, whose envelope leaves with the content before it.

use crate::delivery::desk::{Desk, Next, Ready};
use crate::delivery::journal::Stopped;
use crate::delivery::retry;
use crate::delivery::run::{Job, Pause, Progress};
use crate::delivery::trouble;
use crate::delivery::verdict::{Verdict, deferred, verdict};
use crate::ledger::Outcome;
use crate::letter::Letter;
use crate::smtp::Route;
use crate::smtp::outbox::Outbox;
use crate::smtp::phase::Phase;
use crate::smtp::relay::Relay;
use crate::smtp::reply::{Class, Reply};
use crate::smtp::session::{Cause, Session, SessionError};

/// How often one message, or one connection, is tried before the worker gives up on it.
const MOST_TRIES: u32 = 4;

pub(super) struct Worker<'desk, 'job> {
    number: usize,
    job: &'job Job<'job>,
    desk: &'desk Desk<'job>,
    session: Option<Session<'job>>,
    /// The letter after the one at hand.
    next: Option<Ready>,
}

/// What one attempt came to.
enum Attempt {
    Sent(Reply),
    Failed(SessionError),
    /// Another run mails this recipient.
    Lost,
}

impl<'desk, 'job> Worker<'desk, 'job> {
    /// The worker of that number, from 0.
    pub(super) fn new(number: usize, job: &'job Job<'job>, desk: &'desk Desk<'job>) -> Self {
        Self { number, job, desk, session: None, next: None }
    }

    /// Makes the first connection; gives whether the run can begin.
    pub(super) fn begin(&mut self) -> bool {
        match self.job.route {
            Route::Outbox { .. } => true,
            Route::Relay(relay) => self.connect(relay).is_ok(),
        }
    }

    /// Serves recipients until there are none left or the run stops.
    pub(super) fn work(mut self) {
        while let Some(ready) = self.next_letter() {
            if self.serve(ready).is_err() {
                break;
            }
        }
        if let Some(next) = self.next.take() {
            self.desk.put_back(next);
        }
        self.hang_up();
        self.desk.leave();
    }

    fn next_letter(&mut self) -> Option<Ready> {
        if self.desk.is_stopped() {
            return None;
        }
        if let Some(next) = self.next.take() {
            return Some(next);
        }
        loop {
            match self.desk.next(self.number, self.session.is_some()) {
                Next::Letter(ready) => return Some(*ready),
                Next::Rest => self.hang_up(),
                Next::End => return None,
            }
        }
    }

    fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit();
        }
    }

    fn serve(&mut self, ready: Ready) -> Result<(), Stopped> {
        match self.job.route {
            Route::Outbox { project, root } => self.put_into(&Outbox::new(project, root, self.job.slug), ready),
            Route::Relay(relay) => self.send(relay, ready),
        }
    }

    /// The row stays claimed until the file is there: a run killed before is repeated, which writes the same file.
    fn put_into(&self, outbox: &Outbox<'_>, ready: Ready) -> Result<(), Stopped> {
        match outbox.write(&ready.letter) {
            Ok(path) => {
                self.desk.settle(&ready.claim, Outcome::Sent(format!("written to {}", path.display())));
                Ok(())
            }
            Err(error) => {
                self.desk.put_back(ready);
                self.desk.stop(trouble::outbox(&error));
                Err(Stopped)
            }
        }
    }

    fn send(&mut self, relay: &Relay, ready: Ready) -> Result<(), Stopped> {
        let mut tries = 0;
        loop {
            if self.keep_connected(relay, &ready.letter).is_err() {
                self.desk.put_back(ready);
                return Err(Stopped);
            }
            let error = match self.attempt(&ready)? {
                Attempt::Sent(reply) => {
                    self.desk.settle(&ready.claim, Outcome::Sent(reply.to_string()));
                    return Ok(());
                }
                Attempt::Lost => return Ok(()),
                Attempt::Failed(error) => error,
            };
            match verdict(self.job.issue, &ready.claim, &error, (self.job.clock)()) {
                Verdict::Settle(outcome) => {
                    self.desk.settle(&ready.claim, outcome);
                    return Ok(());
                }
                Verdict::Stop => {
                    self.desk.stop(trouble::finding(relay, &error, Some(&ready.letter)));
                    self.desk.put_back(ready);
                    return Err(Stopped);
                }
                Verdict::Suspect(reply) => {
                    let finding = trouble::finding(relay, &error, Some(&ready.letter));
                    self.desk.suspect(ready.claim, reply.to_string(), finding);
                    return Ok(());
                }
                Verdict::SlowDown => self.desk.slow_down(),
                Verdict::Again => {}
            }
            tries += 1;
            if self.desk.is_stopped() {
                self.desk.put_back(ready);
                return Err(Stopped);
            }
            if tries >= MOST_TRIES {
                return self.give_up(relay, ready, &error);
            }
            self.wait(tries);
        }
    }

    /// One try on an open connection. The outer error is the ledger's.
    fn attempt(&mut self, ready: &Ready) -> Result<Attempt, Stopped> {
        let Some(session) = &mut self.session else { return Err(Stopped) };
        if let Err(error) = session.offer(&ready.letter) {
            return Ok(Attempt::Failed(error));
        }
        if !self.desk.sending(&ready.claim)? {
            // The server waits for a message that somebody else sends.
            self.session = None;
            return Ok(Attempt::Lost);
        }
        if self.next.is_none() {
            self.next = self.desk.next_if_ready(self.number);
        }
        match session.transmit(&ready.letter, self.next.as_ref().map(|next| &next.letter)) {
            Ok(reply) => Ok(Attempt::Sent(reply)),
            Err(error) => {
                if !error.leaves_unknown() {
                    self.desk.unsent(&ready.claim);
                }
                Ok(Attempt::Failed(error))
            }
        }
    }

    /// The same message failed again and again, on one connection after another.
    fn give_up(&self, relay: &Relay, ready: Ready, error: &SessionError) -> Result<(), Stopped> {
        match &error.cause {
            // Connecting works, so it may be this message that the server cannot stand: the others shall not wait for it.
            Cause::Lost(_) => {
                let now = (self.job.clock)();
                self.desk.settle(&ready.claim, deferred(self.job.issue, &ready.claim, error.to_string(), now));
                Ok(())
            }
            _ => {
                self.desk.retire(trouble::finding(relay, error, Some(&ready.letter)));
                self.desk.put_back(ready);
                Err(Stopped)
            }
        }
    }

    /// Makes sure there is a connection that can take the letter. On failure the desk knows why.
    fn keep_connected(&mut self, relay: &Relay, letter: &Letter) -> Result<(), Stopped> {
        if self.session.as_ref().is_some_and(|session| session.can_take(letter)) {
            return Ok(());
        }
        self.hang_up();
        self.connect(relay)
    }

    fn connect(&mut self, relay: &Relay) -> Result<(), Stopped> {
        let mut tries = 0;
        loop {
            let error = match Session::connect(relay, self.job.stop) {
                Ok(session) => {
                    self.desk.note_connected();
                    self.session = Some(session);
                    return Ok(());
                }
                Err(error) => error,
            };
            tries += 1;
            let finding = trouble::finding(relay, &error, None);
            if !self.may_pass(&error) {
                self.desk.stop(finding);
                return Err(Stopped);
            }
            if matches!(error.cause, Cause::Refused(_)) {
                self.desk.slow_down();
            }
            if tries >= MOST_TRIES {
                self.desk.retire(finding);
                return Err(Stopped);
            }
            if self.desk.is_stopped() {
                return Err(Stopped);
            }
            self.wait(tries);
        }
    }

    /// Leaves the server alone for a while. Nobody else shall wait meanwhile, not even the ledger.
    fn wait(&mut self, tries: u32) {
        if let Some(next) = self.next.take() {
            self.desk.put_back(next);
        }
        self.desk.flush();
        let pause = retry::back_off(tries);
        (self.job.progress)(Progress::Paused(Pause::Server, pause));
        (self.job.pause)(pause);
    }

    /// Whether a failure to connect may pass by itself: a server that was there before, or one that says it is busy.
    fn may_pass(&self, error: &SessionError) -> bool {
        match &error.cause {
            Cause::Refused(reply) => reply.class(error.phase) == Class::BackOff,
            Cause::Lost(_) => error.phase != Phase::Tls && self.desk.has_connected(),
            Cause::Lacks(_) | Cause::Unencrypted | Cause::TooLarge { .. } => false,
        }
    }
}
