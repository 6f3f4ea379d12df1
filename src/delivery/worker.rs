//! One worker: one connection, one message at a time, and what each of the server's answers means for the ledger.
//!
//! When a message may be sent again follows from the phase of the failure (RFC 5321 4.1.1.4): before the final dot it
//! was not accepted, after the dot and without a reply nobody knows, and `unknown` is written down.

use chrono::{DateTime, TimeDelta, Utc};

use crate::delivery::desk::{Desk, Stopped};
use crate::delivery::retry;
use crate::delivery::run::Job;
use crate::delivery::trouble;
use crate::finding::Finding;
use crate::ledger::{Claim, Outcome};
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
    job: &'job Job<'job>,
    desk: &'desk Desk<'job>,
    session: Option<Session<'job>>,
}

/// What to do after one attempt.
enum Verdict {
    /// Write this down and go on with the next.
    Settle(Outcome),
    /// Nothing was accepted, and that says nothing about the recipient: try again.
    Again,
    /// The server refused us or the message, perhaps only for this recipient.
    Suspect(Reply),
    /// The run has no sense any more.
    Stop,
}

impl<'desk, 'job> Worker<'desk, 'job> {
    pub(super) fn new(job: &'job Job<'job>, desk: &'desk Desk<'job>) -> Self {
        Self { job, desk, session: None }
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
        while let Some(claim) = self.desk.next() {
            if self.serve(claim).is_err() {
                break;
            }
        }
        if let Some(session) = self.session.take() {
            session.quit();
        }
    }

    fn serve(&mut self, claim: Claim) -> Result<(), Stopped> {
        let letter = match (self.job.write)(&claim.subscriber) {
            Ok(letter) => letter,
            Err(error) => return self.stop(claim, unwritten(&error)),
        };
        match self.job.route {
            Route::Outbox { project, root } => {
                self.put_into(&Outbox::new(project, root, self.job.slug), claim, &letter)
            }
            Route::Relay(relay) => self.send(relay, claim, &letter),
        }
    }

    /// The row stays claimed until the file is there: a run killed before is repeated, which writes the same file.
    fn put_into(&self, outbox: &Outbox<'_>, claim: Claim, letter: &Letter) -> Result<(), Stopped> {
        match outbox.write(letter) {
            Ok(path) => self.desk.settle(&claim, Outcome::Sent(format!("written to {}", path.display()))),
            Err(error) => self.stop(claim, trouble::outbox(&error)),
        }
    }

    fn send(&mut self, relay: &Relay, claim: Claim, letter: &Letter) -> Result<(), Stopped> {
        let mut tries = 0;
        loop {
            if self.keep_connected(relay, letter).is_err() {
                self.desk.put_back(claim);
                return Err(Stopped);
            }
            let error = match self.attempt(&claim, letter)? {
                Ok(reply) => return self.desk.settle(&claim, Outcome::Sent(reply.to_string())),
                Err(error) => error,
            };
            match self.judge(&claim, &error) {
                Verdict::Settle(outcome) => return self.desk.settle(&claim, outcome),
                Verdict::Stop => return self.stop(claim, trouble::finding(relay, &error, Some(letter))),
                Verdict::Suspect(reply) => {
                    let finding = trouble::finding(relay, &error, Some(letter));
                    self.desk.suspect(claim, reply.to_string(), finding);
                    return Ok(());
                }
                Verdict::Again => tries += 1,
            }
            if self.desk.is_stopped() {
                self.desk.put_back(claim);
                return Err(Stopped);
            }
            if tries >= MOST_TRIES {
                return self.give_up(relay, claim, letter, &error);
            }
            (self.job.pause)(retry::back_off(tries));
        }
    }

    /// One try on an open connection. The outer error is the ledger's, the inner one the server's.
    fn attempt(&mut self, claim: &Claim, letter: &Letter) -> Result<Result<Reply, SessionError>, Stopped> {
        let Some(session) = &mut self.session else { return Err(Stopped) };
        if let Err(error) = session.offer(letter) {
            return Ok(Err(error));
        }
        self.desk.sending(claim)?;
        Ok(session.transmit(letter, None))
    }

    fn judge(&self, claim: &Claim, error: &SessionError) -> Verdict {
        let failed = |suppress| Verdict::Settle(Outcome::Failed { reply: said(error), suppress });
        let reply = match &error.cause {
            Cause::Lost(_) if error.phase.may_be_accepted() => {
                return Verdict::Settle(Outcome::Unknown(error.to_string()));
            }
            Cause::Lost(_) => return Verdict::Again,
            Cause::Lacks(_) => return failed(false),
            Cause::Unencrypted | Cause::TooLarge { .. } => return Verdict::Stop,
            Cause::Refused(reply) => reply,
        };
        match reply.class(error.phase) {
            Class::AddressBad => failed(true),
            Class::MailboxUnavailable | Class::Unsupported => failed(false),
            Class::TryLater => Verdict::Settle(self.deferred(claim, said(error))),
            Class::OurFault if error.phase == Phase::Mail => Verdict::Stop,
            Class::OurFault | Class::Message => Verdict::Suspect(reply.clone()),
            Class::BackOff | Class::Accepted => Verdict::Again,
        }
    }

    /// The same message failed again and again, on one connection after another.
    fn give_up(&self, relay: &Relay, claim: Claim, letter: &Letter, error: &SessionError) -> Result<(), Stopped> {
        match &error.cause {
            // Connecting works, so it may be this message that the server cannot stand: the others shall not wait for it.
            Cause::Lost(_) => self.desk.settle(&claim, self.deferred(&claim, error.to_string())),
            _ => {
                self.desk.put_back(claim);
                self.desk.retire(trouble::finding(relay, error, Some(letter)));
                Err(Stopped)
            }
        }
    }

    fn deferred(&self, claim: &Claim, reply: String) -> Outcome {
        let now: DateTime<Utc> = (self.job.clock)();
        let tries = claim.attempts + 1;
        let delay = retry::delay(self.job.issue, claim.subscriber.id, tries);
        let retry_at = delay.and_then(|delay| now.checked_add_signed(TimeDelta::from_std(delay).ok()?));
        match retry_at {
            Some(retry_at) => Outcome::Deferred { reply, retry_at },
            None => Outcome::Failed { reply: format!("{reply} (given up after {tries} tries)"), suppress: false },
        }
    }

    /// Makes sure there is a connection that can take the letter. On failure the desk knows why.
    fn keep_connected(&mut self, relay: &Relay, letter: &Letter) -> Result<(), Stopped> {
        if let Some(session) = self.session.take() {
            if session.can_take(letter) {
                self.session = Some(session);
                return Ok(());
            }
            session.quit();
        }
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
            if tries >= MOST_TRIES {
                self.desk.retire(finding);
                return Err(Stopped);
            }
            if self.desk.is_stopped() {
                return Err(Stopped);
            }
            (self.job.pause)(retry::back_off(tries));
        }
    }

    /// Whether a failure to connect may pass by itself: a server that was there before, or one that says it is busy.
    fn may_pass(&self, error: &SessionError) -> bool {
        match &error.cause {
            Cause::Refused(reply) => reply.class(error.phase) == Class::BackOff,
            Cause::Lost(_) => error.phase != Phase::Tls && self.desk.has_connected(),
            Cause::Lacks(_) | Cause::Unencrypted | Cause::TooLarge { .. } => false,
        }
    }

    fn stop(&self, claim: Claim, finding: Finding) -> Result<(), Stopped> {
        self.desk.put_back(claim);
        self.desk.stop(finding);
        Err(Stopped)
    }
}

/// The server's own words, or what the program has to say instead.
fn said(error: &SessionError) -> String {
    match &error.cause {
        Cause::Refused(reply) => reply.to_string(),
        _ => error.to_string(),
    }
}

fn unwritten(error: &anyhow::Error) -> Finding {
    Finding::error("edition-render", format!("{error:#}"))
        .help("nobody was mailed this issue in a wrong form; mend it and run this again")
}
