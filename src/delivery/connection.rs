//! A worker's connection to its server: opened when there is a letter to send, and what it says of the server when it
//! cannot be.

use std::sync::atomic::AtomicBool;

use crate::delivery::pipelining::{Allowed, ConnectionPipelining, Pipelining};
use crate::delivery::server_state::Trouble;
use crate::letter::Letter;
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::greeting::stable_part;
use crate::smtp::phase::Phase;
use crate::smtp::relay::Relay;
use crate::smtp::reply::{Reply, ReplyClass};
use crate::smtp::session::{Behind, Session};

/// A session, or none at present.
#[derive(Default)]
pub(super) struct Connection<'job> {
    session: Option<Session<'job>>,
    greeting: String,
    pipelining: Option<ConnectionPipelining>,
    /// How many messages were taken on it.
    taken: usize,
}

impl<'job> Connection<'job> {
    /// Whether it is open and `letter` may be offered on it.
    pub(super) fn can_take(&self, letter: &Letter) -> bool {
        self.session.as_ref().is_some_and(|session| session.can_take(letter))
    }

    /// Connects and logs in.
    pub(super) fn open(&mut self, relay: &Relay, stop: &'job AtomicBool) -> Result<(), SessionError> {
        (self.session, self.taken) = (Some(Session::connect(relay, stop)?), 0);
        Ok(())
    }

    /// From now on something may leave behind a message, as far as the server has earned that: in this run or, as `kept`
    /// tells of a greeting, before.
    pub(super) fn join<E>(
        &mut self,
        pipelining: &Pipelining,
        server: usize,
        kept: impl FnOnce(&str) -> Result<Option<bool>, E>,
    ) -> Result<(), E> {
        self.greeting = self.session.as_ref().map_or_else(String::new, |session| stable_part(session.greeting()));
        self.pipelining = Some(pipelining.join(server, &self.greeting, || kept(&self.greeting))?);
        Ok(())
    }

    /// What tells the server from others, as it said at first.
    pub(super) fn greeting(&self) -> &str {
        &self.greeting
    }

    /// What may leave behind the next message.
    pub(super) fn allowed(&mut self) -> Allowed {
        match (&self.session, &mut self.pipelining) {
            (Some(session), Some(pipelining)) if session.may_chain() => pipelining.allowed(),
            _ => Allowed::Nothing,
        }
    }

    /// Whether the server has just shown that it reads, or does not read, what leaves behind a message; and what is to be
    /// kept of that.
    pub(super) fn learned(&mut self) -> Option<(bool, Option<bool>)> {
        let reads_on = self.session.as_mut()?.reads_on()?;
        Some((reads_on, self.pipelining.as_mut().and_then(|pipelining| pipelining.note(reads_on))))
    }

    /// As `Session::offer`.
    pub(super) fn offer(&mut self, letter: &Letter) -> Result<(), SessionError> {
        self.session.as_mut().map_or_else(|| Err(closed(Phase::Mail)), |session| session.offer(letter))
    }

    /// As `Session::transmit`.
    pub(super) fn transmit(&mut self, letter: &Letter, behind: Behind<'_>) -> Result<Reply, SessionError> {
        let Some(session) = &mut self.session else { return Err(closed(Phase::Content)) };
        let reply = session.transmit(letter, behind)?;
        self.taken += 1;
        Ok(reply)
    }

    /// Whether so many messages were taken on it, or will be with the next `ahead`.
    pub(super) fn is_used_up(&self, most: Option<usize>, ahead: usize) -> bool {
        most.is_some_and(|most| self.taken + ahead >= most)
    }

    /// After how many messages the server ended the connection, if the error may mean no more than that.
    pub(super) fn ended_after(&self, error: &SessionError) -> Option<usize> {
        let is_end = match &error.cause {
            Cause::Lost(_) => !error.leaves_unknown(),
            Cause::Refused(reply) => error.phase < Phase::Rcpt || reply.code == 421 || reply.limits_connection(),
            Cause::MissingExtension(_) | Cause::Unencrypted | Cause::TooLarge { .. } => false,
        };
        (is_end && self.taken > 0).then_some(self.taken)
    }

    /// Ends it; returns whether it was open.
    pub(super) fn close(&mut self) -> bool {
        self.pipelining = None;
        self.session.take().map(Session::quit).is_some()
    }
}

fn closed(phase: Phase) -> SessionError {
    SessionError { phase, cause: Cause::Lost("there is no connection".to_owned()) }
}

/// What a failure to connect says: a server that was there before, or one that says it is busy, may come back. One that
/// offered TLS and a login before, and now does not, has as many connections as it wants: Sendmail does so.
pub(super) fn trouble(error: &SessionError, was_connected: bool) -> Trouble {
    match &error.cause {
        Cause::Refused(_) | Cause::MissingExtension(_) if was_connected => Trouble::Crowded,
        Cause::Refused(reply) if reply.class(error.phase) == ReplyClass::BackOff => Trouble::Busy,
        Cause::Lost(_) if was_connected => Trouble::Broken,
        Cause::Lost(_) if error.phase == Phase::Tls => Trouble::Refuses,
        Cause::Lost(_) => Trouble::Unreached,
        Cause::Refused(_) | Cause::MissingExtension(_) | Cause::Unencrypted | Cause::TooLarge { .. } => {
            Trouble::Refuses
        }
    }
}
