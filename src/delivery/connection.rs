//! A worker's connection to its server: opened when there is a letter to send, and what it says of the server when it
//! cannot be.

use std::sync::atomic::AtomicBool;

use crate::delivery::server::Trouble;
use crate::letter::Letter;
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::phase::Phase;
use crate::smtp::relay::Relay;
use crate::smtp::reply::{Class, Reply};
use crate::smtp::session::Session;

/// A session, or none at present.
#[derive(Default)]
pub(super) struct Connection<'job> {
    session: Option<Session<'job>>,
}

impl<'job> Connection<'job> {
    /// Whether it is open and `letter` may be offered on it.
    pub(super) fn can_take(&self, letter: &Letter) -> bool {
        self.session.as_ref().is_some_and(|session| session.can_take(letter))
    }

    /// Connects and logs in.
    pub(super) fn open(&mut self, relay: &Relay, stop: &'job AtomicBool) -> Result<(), SessionError> {
        self.session = Some(Session::connect(relay, stop)?);
        Ok(())
    }

    /// As `Session::offer`.
    pub(super) fn offer(&mut self, letter: &Letter) -> Result<(), SessionError> {
        self.session.as_mut().map_or_else(|| Err(closed(Phase::Mail)), |session| session.offer(letter))
    }

    /// As `Session::transmit`.
    pub(super) fn transmit(&mut self, letter: &Letter, next: Option<&Letter>) -> Result<Reply, SessionError> {
        self.session.as_mut().map_or_else(|| Err(closed(Phase::Content)), |session| session.transmit(letter, next))
    }

    /// Ends it; returns whether it was open.
    pub(super) fn close(&mut self) -> bool {
        self.session.take().map(Session::quit).is_some()
    }
}

fn closed(phase: Phase) -> SessionError {
    SessionError { phase, cause: Cause::Lost("there is no connection".to_owned()) }
}

/// What a failure to connect says: a server that was there before, or one that says it is busy, may come back.
pub(super) fn trouble(error: &SessionError, was_connected: bool) -> Trouble {
    match &error.cause {
        Cause::Refused(reply) if reply.class(error.phase) == Class::BackOff => Trouble::Busy,
        Cause::Lost(_) if error.phase == Phase::Tls => Trouble::Refuses,
        Cause::Lost(_) if was_connected => Trouble::Broken,
        Cause::Lost(_) => Trouble::Unreached,
        Cause::Refused(_) | Cause::Lacks(_) | Cause::Unencrypted | Cause::TooLarge { .. } => Trouble::Refuses,
    }
}
