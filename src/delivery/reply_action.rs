//! What a failed attempt means for its recipient: settled, tried again, or a reason to stop.
//!
//! When a message may be sent again follows from the phase of the failure (RFC 5321 4.1.1.4): before the final dot it
//! was not accepted, after the dot and without a reply nobody knows, and `unknown` is written down.

use chrono::{DateTime, Utc};

use crate::delivery::retry_schedule::defer;
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, Claim};
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::phase::Phase;
use crate::smtp::reply::{Reply, ReplyClass};

/// What to do after one attempt that failed.
pub(super) enum Action {
    /// Write this down and go on with the next.
    Settle(AttemptOutcome),
    /// Nothing was accepted, and that says nothing about the recipient: try again.
    Retry,
    /// The same, and the server wants less from us.
    SlowDown,
    /// The server refused the recipient, or put it off, and that may be about us.
    Refused(Reply),
    /// The run has no sense any more.
    Stop,
}

/// What to do after a failed attempt to mail an issue.
pub(super) fn action(issue: &IssueId, claim: &Claim, error: &SessionError, now: DateTime<Utc>) -> Action {
    let failed = || Action::Settle(AttemptOutcome::Failed { reply: said(error), suppress: false });
    let reply = match &error.cause {
        Cause::Lost(_) if error.leaves_unknown() => return Action::Settle(AttemptOutcome::Unknown(error.to_string())),
        Cause::Lost(_) => return Action::Retry,
        Cause::MissingExtension(_) => return failed(),
        Cause::Unencrypted | Cause::TooLarge { .. } => return Action::Stop,
        Cause::Refused(reply) => reply,
    };
    match reply.class(error.phase) {
        ReplyClass::TryLater => Action::Settle(defer(issue, claim, said(error), now)),
        // No recipient was named yet.
        ReplyClass::Unsupported if error.phase < Phase::Rcpt => failed(),
        ReplyClass::BackOff if error.phase < Phase::Rcpt => Action::SlowDown,
        _ if error.phase < Phase::Rcpt => Action::Stop,
        _ => Action::Refused(reply.clone()),
    }
}

/// The server's own words, or what the program has to say instead.
fn said(error: &SessionError) -> String {
    match &error.cause {
        Cause::Refused(reply) => reply.to_string(),
        _ => error.to_string(),
    }
}
