//! What goes wrong on a connection, with the phase it went wrong in. What becomes of the recipient is `delivery`'s.

use crate::smtp::phase::Phase;
use crate::smtp::reply::Reply;

/// What went wrong, and when.
#[derive(Debug, thiserror::Error)]
#[error("{cause}, while {phase}")]
pub struct SessionError {
    /// When.
    pub phase: Phase,
    /// What.
    pub cause: Cause,
}

impl SessionError {
    /// Whether nobody can know if the server has taken the message.
    pub fn leaves_unknown(&self) -> bool {
        self.phase == Phase::FinalDot && matches!(self.cause, Cause::Lost(_))
    }
}

/// What went wrong on a connection.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The server said no.
    #[error("the server said `{0}`")]
    Refused(Reply),
    /// The connection broke, nothing came in time, or what came was no SMTP: why.
    #[error("the connection failed ({0})")]
    Lost(String),
    /// The server does not offer what is needed: which extension.
    #[error("the server does not offer {0}")]
    MissingExtension(&'static str),
    /// The password would have travelled where others can read it.
    #[error("the connection is not encrypted, so the password was not sent")]
    Unencrypted,
    /// The server takes no message of this size, as its reply to EHLO says.
    #[error("the message has {bytes} bytes, and the server takes {max} at most")]
    TooLarge {
        /// Size of the message.
        bytes: usize,
        /// Most the server takes.
        max: usize,
    },
}

/// A positive reply, but to another question: the dialogue is out of step, and no later reply can be believed.
pub(super) fn unexpected_reply(phase: Phase, reply: &Reply) -> SessionError {
    SessionError { phase, cause: Cause::Lost(format!("the server answered `{reply}` out of turn")) }
}

/// Whether the dialogue is in step after this. 421 announces that the server closes the connection (RFC 5321 3.8).
pub(super) fn is_in_step(error: &SessionError) -> bool {
    matches!(&error.cause, Cause::Refused(reply) if reply.code != 421)
}
