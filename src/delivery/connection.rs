//! A worker's connection to its server, and what a failure to connect says about the server.

use std::sync::atomic::AtomicBool;

use crate::delivery::pipelining::{Allowed, ConnectionPipelining, PipeliningTrials};
use crate::delivery::server_state::ServerProblem;
use crate::letter::Letter;
use crate::reply::{Phase, Reply, ReplyClass};
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::greeting::stable_part;
use crate::smtp::relay::Relay;
use crate::smtp::session::{Behind, Session};

/// An SMTP session, if one is open.
#[derive(Default)]
pub(super) struct Connection<'job> {
    session: Option<Session<'job>>,
    greeting: String,
    pipelining: Option<ConnectionPipelining>,
    /// Number of messages accepted on it.
    taken: usize,
}

impl<'job> Connection<'job> {
    /// Whether it is open and can take `letter`.
    pub(super) fn can_take(&self, letter: &Letter) -> bool {
        self.session.as_ref().is_some_and(|session| session.can_take(letter))
    }

    /// Connects and logs in.
    pub(super) fn open(&mut self, relay: &Relay, stop: &'job AtomicBool) -> Result<(), SessionError> {
        (self.session, self.taken) = (Some(Session::connect(relay, stop)?), 0);
        Ok(())
    }

    /// Looks up what the server's pipelining allows, in this run or, by `stored`, from an earlier one.
    pub(super) fn join<E>(
        &mut self,
        pipelining: &PipeliningTrials,
        server: usize,
        stored: impl FnOnce(&str) -> Result<Option<bool>, E>,
    ) -> Result<(), E> {
        self.greeting = self.session.as_ref().map_or_else(String::new, |session| stable_part(session.greeting()));
        self.pipelining = Some(pipelining.join(server, &self.greeting, || stored(&self.greeting))?);
        Ok(())
    }

    /// The stable part of the server's greeting, which identifies its software.
    pub(super) fn greeting(&self) -> &str {
        &self.greeting
    }

    /// What may be pipelined behind the next message.
    pub(super) fn allowed(&mut self) -> Allowed {
        match (&self.session, &mut self.pipelining) {
            (Some(session), Some(pipelining)) if session.may_chain() => pipelining.allowed(),
            _ => Allowed::Nothing,
        }
    }

    /// Whether the server has just shown that it reads on behind a message; and what is to be stored about that.
    pub(super) fn take_pipelining_result(&mut self) -> Option<(bool, Option<bool>)> {
        let reads_on = self.session.as_mut()?.reads_on()?;
        Some((reads_on, self.pipelining.as_mut().and_then(|pipelining| pipelining.note(reads_on))))
    }

    /// See `Session::offer`.
    pub(super) fn offer(&mut self, letter: &Letter) -> Result<(), SessionError> {
        self.session.as_mut().map_or_else(|| Err(closed(Phase::Mail)), |session| session.offer(letter))
    }

    /// See `Session::transmit`.
    pub(super) fn transmit(&mut self, letter: &Letter, behind: Behind<'_>) -> Result<Reply, SessionError> {
        let Some(session) = &mut self.session else { return Err(closed(Phase::Content)) };
        let reply = session.transmit(letter, behind)?;
        self.taken += 1;
        Ok(reply)
    }

    /// Whether `max` messages were accepted on it, or will be with the next `ahead`.
    pub(super) fn is_used_up(&self, max: Option<usize>, ahead: usize) -> bool {
        max.is_some_and(|max| self.taken + ahead >= max)
    }

    /// The number of messages after which the server closed the connection, if the error may be no more than that.
    pub(super) fn ended_after(&self, error: &SessionError) -> Option<usize> {
        (may_be_the_end(error) && self.taken > 0).then_some(self.taken)
    }

    /// Closes it; returns whether it was open.
    pub(super) fn close(&mut self) -> bool {
        self.pipelining = None;
        self.session.take().map(Session::quit).is_some()
    }
}

/// Whether the error may only be the end of a connection that was used before: of its idle time or of its messages.
pub(super) fn may_be_the_end(error: &SessionError) -> bool {
    match &error.cause {
        Cause::Lost(_) => !error.leaves_unknown(),
        Cause::Refused(reply) => error.phase < Phase::Rcpt || reply.code == 421 || reply.limits_connection(),
        Cause::MissingExtension(_) | Cause::Unencrypted | Cause::TooLarge { .. } => false,
    }
}

fn closed(phase: Phase) -> SessionError {
    SessionError { phase, cause: Cause::Lost("there is no connection".to_owned()) }
}

/// Classifies a failure to connect. A server connected to before may recover, and so may one that is busy. One that offered
/// TLS and a login on earlier connections and does not now has reached its connection limit, as Sendmail does.
pub(super) fn problem(error: &SessionError, was_connected: bool) -> ServerProblem {
    match &error.cause {
        Cause::Refused(_) | Cause::MissingExtension(_) if was_connected => ServerProblem::TooManyConnections,
        Cause::Refused(reply) if reply.class(error.phase) == ReplyClass::BackOff => ServerProblem::Busy,
        Cause::Lost(_) if was_connected => ServerProblem::ConnectionLost,
        Cause::Lost(_) if error.phase == Phase::Tls => ServerProblem::RejectsUs,
        Cause::Lost(_) => ServerProblem::Unreachable,
        Cause::Refused(_) | Cause::MissingExtension(_) | Cause::Unencrypted | Cause::TooLarge { .. } => {
            ServerProblem::RejectsUs
        }
    }
}
