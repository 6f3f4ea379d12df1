//! What goes wrong on a connection, with the phase it went wrong in.
//!
//! Takes lettre's errors and replies, gives ours. What becomes of the recipient is `delivery`'s.

use std::error::Error as _;
use std::io;

use lettre::transport::smtp::Error as LettreError;

use crate::config::TlsMode;
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
    Lacks(&'static str),
    /// The password would have travelled where others can read it.
    #[error("the connection is not encrypted, so the password was not sent")]
    Unencrypted,
    /// The server takes no message of this size, as its reply to EHLO says.
    #[error("the message has {bytes} bytes, and the server takes {most} at most")]
    TooLarge {
        /// Size of the message.
        bytes: usize,
        /// Most the server takes.
        most: usize,
    },
    /// The message holds bytes that are not UTF-8.
    #[error("the message is not UTF-8 text")]
    NotText,
}

/// A positive reply, but to another question: the dialogue is out of step, and no later reply can be believed.
pub(super) fn out_of_turn(phase: Phase, reply: &Reply) -> SessionError {
    SessionError { phase, cause: Cause::Lost(format!("the server answered `{reply}` out of turn")) }
}

/// Whether the dialogue is in step after this. 421 announces that the server closes the connection (RFC 5321 3.8).
pub(super) fn can_go_on(error: &SessionError) -> bool {
    matches!(&error.cause, Cause::Refused(reply) if reply.code != 421)
}

/// With implicit TLS the handshake happens when the greeting is read, and shows itself as bad data.
pub(super) fn connect_error(tls: TlsMode, error: &LettreError) -> SessionError {
    let handshake = tls == TlsMode::Implicit && io_error_kind(error) == Some(io::ErrorKind::InvalidData);
    session_error(if handshake { Phase::Tls } else { Phase::Connect }, error)
}

pub(super) fn session_error(phase: Phase, error: &LettreError) -> SessionError {
    if let Some(code) = error.status() {
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        return SessionError { phase, cause: Cause::Refused(Reply::new(code.into(), &text)) };
    }
    let kind = io_error_kind(error);
    // Only a write reports these two: the last bytes, which end with the final dot, have not left.
    let unwritten = matches!(kind, Some(io::ErrorKind::BrokenPipe | io::ErrorKind::WriteZero));
    let phase = if phase == Phase::FinalDot && unwritten { Phase::Content } else { phase };
    let why = match kind {
        Some(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => "no answer in time".to_owned(),
        _ => error.source().map_or_else(|| error.to_string(), ToString::to_string),
    };
    SessionError { phase, cause: Cause::Lost(why) }
}

fn io_error_kind(error: &LettreError) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        source = inner.source();
    }
    None
}
