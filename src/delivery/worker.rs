//! One worker: one connection, one message at a time, and what each of the server's answers does to the run.
//!
//! It holds one letter more than it sends, whose envelope leaves with the content before it.

use std::time::Duration;

use crate::delivery::desk::{Desk, Next, Seat};
use crate::delivery::diagnostics;
use crate::delivery::job::{Job, Pause, Progress};
use crate::delivery::ledger_writer::Stopped;
use crate::delivery::papers::Ready;
use crate::delivery::reply_action::{Verdict, deferred, verdict};
use crate::delivery::retry;
use crate::delivery::server::Trouble;
use crate::finding::Finding;
use crate::ledger::Outcome;
use crate::letter::Letter;
use crate::smtp::Route;
use crate::smtp::outbox::Outbox;
use crate::smtp::phase::Phase;
use crate::smtp::relay::Relay;
use crate::smtp::reply::{Class, Reply};
use crate::smtp::session::{Cause, Session, SessionError};

/// After a connection broke so often under one letter, it may be this letter that the server cannot stand.
const MOST_BREAKS: u32 = 4;

pub(super) struct Worker<'desk, 'job> {
    seat: Seat,
    job: &'job Job<'job>,
    desk: &'desk Desk<'job>,
    session: Option<Session<'job>>,
    /// There are other servers too.
    has_several_servers: bool,
    /// The letter after the one at hand.
    next: Option<Ready>,
    /// How often in a row something was wrong with its connection.
    troubles: u32,
}

/// What one attempt came to.
enum Attempt {
    Sent(Reply),
    Failed(SessionError),
    /// Another run mails this recipient.
    Lost,
}

impl<'desk, 'job> Worker<'desk, 'job> {
    /// The worker of that seat.
    pub(super) fn new(seat: Seat, job: &'job Job<'job>, desk: &'desk Desk<'job>) -> Self {
        let has_several_servers = matches!(job.route, Route::Relays(relays) if relays.len() > 1);
        Self { seat, job, desk, session: None, has_several_servers, next: None, troubles: 0 }
    }

    /// Serves recipients until there are none left or the run stops.
    pub(super) fn work(mut self) {
        while let Some(ready) = self.next_letter() {
            if self.serve(ready).is_err() {
                break;
            }
        }
        self.put_back_next();
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
            match self.desk.next(self.seat, self.session.is_some()) {
                Next::Letter(ready) => return Some(*ready),
                Next::Rest => self.hang_up(),
                Next::Pause(pause) => {
                    (self.job.surroundings.progress)(Progress::Paused(Pause::Server, pause));
                    self.pause(pause);
                }
                Next::Pace(pause) => {
                    self.pace(Pause::Rate, pause);
                    self.desk.ask_again(self.seat);
                }
                Next::End => return None,
            }
        }
    }

    fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit();
            self.desk.note_closed(self.seat);
        }
    }

    fn put_back_next(&mut self) {
        if let Some(next) = self.next.take() {
            self.desk.put_back(self.seat, next, false);
        }
    }

    fn serve(&mut self, ready: Ready) -> Result<(), Stopped> {
        match self.job.route {
            Route::Outbox { project, root, .. } => self.put_into(&Outbox::new(project, root, self.job.slug), ready),
            Route::Relays(relays) => self.send(&relays[self.seat.server], ready),
        }
    }

    /// The row stays claimed until the file is there: a run killed before is repeated, which writes the same file.
    fn put_into(&self, outbox: &Outbox<'_>, ready: Ready) -> Result<(), Stopped> {
        match outbox.write(&ready.letter) {
            Ok(path) => {
                self.desk.settle(self.seat, &ready.claim, Outcome::Sent(format!("written to {}", path.display())));
                Ok(())
            }
            Err(error) => {
                self.desk.put_back(self.seat, ready, false);
                self.desk.stop(diagnostics::outbox(&error));
                Err(Stopped)
            }
        }
    }

    fn send(&mut self, relay: &Relay, ready: Ready) -> Result<(), Stopped> {
        if let Some((trouble, finding)) = self.keep_connected(relay, &ready.letter) {
            self.give_back(ready, trouble, finding);
            return Ok(());
        }
        let error = match self.attempt(&ready)? {
            Attempt::Sent(reply) => {
                self.troubles = 0;
                let said = if self.has_several_servers { format!("{reply} [{relay}]") } else { reply.to_string() };
                self.desk.settle(self.seat, &ready.claim, Outcome::Sent(said));
                return Ok(());
            }
            Attempt::Lost => return Ok(()),
            Attempt::Failed(error) => error,
        };
        let finding = || diagnostics::finding(relay, &error, Some(&ready.letter));
        match verdict(self.job.issue, &ready.claim, &error, self.job.surroundings.now()) {
            Verdict::Settle(outcome) => {
                let missed = matches!(outcome, Outcome::Unknown(_));
                self.desk.settle(self.seat, &ready.claim, outcome);
                if missed {
                    self.hang_up();
                    self.desk.miss(self.seat, || diagnostics::no_verdict(relay));
                }
            }
            Verdict::Stop => {
                let finding = finding();
                self.give_back(ready, Trouble::Refuses, finding);
            }
            Verdict::Suspect(reply) => {
                let finding = finding();
                self.desk.suspect(self.seat, ready, reply.to_string(), finding);
            }
            Verdict::SlowDown => {
                let finding = finding();
                self.give_back(ready, Trouble::Busy, finding);
            }
            Verdict::Again => {
                let finding = finding();
                self.try_again(ready, &error, finding);
            }
        }
        Ok(())
    }

    /// The connection broke. If it did so again and again under this letter, the others shall not wait for it.
    fn try_again(&mut self, mut ready: Ready, error: &SessionError, finding: Finding) {
        ready.breaks += 1;
        if ready.breaks < MOST_BREAKS {
            return self.give_back(ready, Trouble::Broken, finding);
        }
        self.hang_up();
        let now = self.job.surroundings.now();
        self.desk.settle(self.seat, &ready.claim, deferred(self.job.issue, &ready.claim, error.to_string(), now));
    }

    /// One try on an open connection. The outer error is the ledger's.
    fn attempt(&mut self, ready: &Ready) -> Result<Attempt, Stopped> {
        let Some(session) = &mut self.session else { return Err(Stopped) };
        if let Err(error) = session.offer(&ready.letter) {
            return Ok(Attempt::Failed(error));
        }
        if !self.desk.sending(&ready.claim)? {
            // The server waits for a message that somebody else sends.
            self.hang_up();
            return Ok(Attempt::Lost);
        }
        if self.next.is_none() {
            self.next = self.desk.next_if_ready(self.seat);
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

    /// Makes sure there is a connection that can take the letter; gives what is wrong if there is none.
    fn keep_connected(&mut self, relay: &Relay, letter: &Letter) -> Option<(Trouble, Finding)> {
        if self.session.as_ref().is_some_and(|session| session.can_take(letter)) {
            return None;
        }
        self.hang_up();
        match Session::connect(relay, self.job.surroundings.stop) {
            Ok(session) => {
                self.desk.note_connected(self.seat);
                self.session = Some(session);
                None
            }
            Err(error) => Some((self.trouble(&error), diagnostics::finding(relay, &error, None))),
        }
    }

    /// Closes a connection that is no good, and gives the letter back for whoever has a better one. Unless the server is
    /// left alone anyway, this worker does so for a while.
    fn give_back(&mut self, ready: Ready, trouble: Trouble, finding: Finding) {
        self.put_back_next();
        self.hang_up();
        self.desk.put_back(self.seat, ready, true);
        self.troubles += 1;
        if !self.desk.trouble(self.seat, trouble, finding) {
            self.pace(Pause::Server, retry::back_off(self.troubles));
        }
    }

    /// Waits so long, or until nothing is left to do.
    fn pace(&mut self, why: Pause, pause: Duration) {
        const STEP: Duration = Duration::from_secs(1);
        (self.job.surroundings.progress)(Progress::Paused(why, pause));
        let mut left = pause;
        while !left.is_zero() && !self.desk.is_all_done() {
            let step = left.min(STEP);
            self.pause(step);
            left -= step;
        }
    }

    /// Waits so long. Nobody else shall wait meanwhile, not even the ledger.
    fn pause(&mut self, pause: Duration) {
        self.desk.flush();
        (self.job.surroundings.pause)(pause);
    }

    /// What a failure to connect says: a server that was there before, or one that says it is busy, may come back.
    fn trouble(&self, error: &SessionError) -> Trouble {
        match &error.cause {
            Cause::Refused(reply) if reply.class(error.phase) == Class::BackOff => Trouble::Busy,
            Cause::Lost(_) if error.phase == Phase::Tls => Trouble::Refuses,
            Cause::Lost(_) if self.desk.was_connected(self.seat) => Trouble::Broken,
            Cause::Lost(_) => Trouble::Unreached,
            Cause::Refused(_) | Cause::Lacks(_) | Cause::Unencrypted | Cause::TooLarge { .. } => Trouble::Refuses,
        }
    }
}
