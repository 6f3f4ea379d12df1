//! What a failed attempt means: settle the recipient, try again, or stop.
//!
//! Whether a message may be sent again follows from the phase of the failure (RFC 5321 4.1.1.4): before the final dot it
//! was not accepted; after the dot and without a reply the outcome is unknown. When it is tried again is up to
//! `retry_schedule`.

use crate::ledger::AttemptOutcome;
use crate::reply::{Phase, Reply, ReplyClass};
use crate::smtp::failure::{Cause, SessionError};

/// What to do after a failed attempt.
pub(super) enum ReplyAction {
    /// Settle the recipient with this outcome.
    Settle(AttemptOutcome),
    /// Nothing was accepted, for no reason of the recipient's: try again.
    Retry,
    /// The same, and the server wants less from us.
    SlowDown,
    /// The server refused or deferred the recipient, perhaps because of us.
    Refused(Reply),
    /// The run cannot go on with this server.
    Stop,
}

/// What to do after a failed attempt; `defer` returns the outcome of a recipient that is tried again later.
pub(super) fn reply_action(error: &SessionError, defer: impl FnOnce(String) -> AttemptOutcome) -> ReplyAction {
    let failed = || ReplyAction::Settle(AttemptOutcome::Failed { reply: reply_text(error), suppress: false });
    let reply = match &error.cause {
        Cause::Lost(_) if error.leaves_unknown() => {
            return ReplyAction::Settle(AttemptOutcome::Unknown(error.to_string()));
        }
        Cause::Lost(_) => return ReplyAction::Retry,
        Cause::MissingExtension(_) => return failed(),
        Cause::Unencrypted | Cause::TooLarge { .. } => return ReplyAction::Stop,
        Cause::Refused(reply) => reply,
    };
    match reply.class(error.phase) {
        ReplyClass::TryLater => ReplyAction::Settle(defer(reply_text(error))),
        // No recipient was named yet.
        ReplyClass::Unsupported if error.phase < Phase::Rcpt => failed(),
        ReplyClass::BackOff if error.phase < Phase::Rcpt => ReplyAction::SlowDown,
        _ if error.phase < Phase::Rcpt => ReplyAction::Stop,
        _ => ReplyAction::Refused(reply.clone()),
    }
}

/// The server's reply, or the error if there is none.
fn reply_text(error: &SessionError) -> String {
    match &error.cause {
        Cause::Refused(reply) => reply.to_string(),
        _ => error.to_string(),
    }
}
