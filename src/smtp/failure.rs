//! Failures of a connection, each with the phase it happened in. What follows for the recipient is left to `delivery`.

use crate::reply::{Phase, Reply};

/// A failure and its phase.
#[derive(Debug, thiserror::Error)]
#[error("{cause}, while {phase}")]
pub struct SessionError {
    /// The phase.
    pub phase: Phase,
    /// The cause.
    pub cause: Cause,
}

impl SessionError {
    /// Whether it is unknown if the server has accepted the message.
    pub fn leaves_unknown(&self) -> bool {
        self.phase == Phase::FinalDot && matches!(self.cause, Cause::Lost(_))
    }
}

/// Why a connection or command failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The server refused.
    #[error("the server said `{0}`")]
    Refused(Reply),
    /// The connection broke, timed out, or did not speak SMTP: the reason.
    #[error("the connection failed ({0})")]
    Lost(String),
    /// The server lacks a required extension: its name.
    #[error("the server does not offer {0}")]
    MissingExtension(&'static str),
    /// The password would have been readable on the way.
    #[error("the connection is not encrypted, so the password was not sent")]
    Unencrypted,
    /// The message is larger than the limit in the EHLO reply.
    #[error("the message has {bytes} bytes, and the server takes {max} at most")]
    TooLarge {
        /// The size of the message.
        bytes: usize,
        /// The server's limit.
        max: usize,
    },
}

/// An error for a positive reply to a different question: the dialogue is out of step, and no later reply can be
/// trusted.
pub(super) fn unexpected_reply(phase: Phase, reply: &Reply) -> SessionError {
    SessionError { phase, cause: Cause::Lost(format!("the server answered `{reply}` out of turn")) }
}

/// Whether the dialogue is in step after this error. 421 announces that the server closes the connection (RFC 5321
/// 3.8).
pub(super) fn is_in_step(error: &SessionError) -> bool {
    matches!(&error.cause, Cause::Refused(reply) if reply.code != 421)
}
