//! Whether the server accepts mail from the sender's address, and to it.

use crate::diagnosis::Step;
use crate::diagnosis::server::{SendingTerms, reason};
use crate::reply::Phase;
use crate::smtp::failure::Cause;
use crate::smtp::probe::ProbeReport;
use crate::smtp::relay::Relay;

const NAME: &str = "envelope";

pub(super) fn step(relay: &Relay, report: &ProbeReport, terms: &SendingTerms<'_>) -> Option<Step> {
    let (from, to) = (terms.envelope.from, terms.envelope.to);
    if !report.envelopes.is_empty() {
        return Some(Step::ok(NAME, format!("mail from {from} to {to} is accepted (none was sent)")));
    }
    // If the password is missing, a refusal is to be expected.
    let failure = report.failure.as_ref().filter(|_| terms.no_password.is_none())?;
    if !matches!(failure.phase, Phase::Mail | Phase::Rcpt) {
        return None;
    }
    let what = if failure.phase == Phase::Mail { format!("from {from}") } else { format!("to {to}") };
    let seen_then = format!("mail {what} is refused: {}", reason(failure));
    if matches!(&failure.cause, Cause::Refused(reply) if reply.code < 500) {
        return Some(Step::warning(NAME, seen_then, "the server says that this is temporary: run it again later"));
    }
    let without_login = relay.login.is_none() && report.offers("AUTH");
    let remedy = match failure.phase {
        _ if without_login => "log in: set `mail.user`, and put the password in SLUGLINE_SMTP_PASSWORD",
        Phase::Mail => {
            "use an address that this login may send from (`mail.from`, `mail.bounce_address`), or have it allowed"
        }
        _ => {
            "allow this login or machine to relay mail to other domains; if only the mailbox is missing, create it, so \
              that replies arrive"
        }
    };
    Some(Step::error(NAME, seen_then, remedy))
}
