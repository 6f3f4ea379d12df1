//! How long to wait for a mail server in each phase (RFC 5321 4.5.3.2).
//!
//! Takes a phase and returns a duration. Keeping the time is left to `stream`.

use std::time::Duration;

use crate::reply::Phase;

/// How long to wait for the server in each phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP, greeting, EHLO, TLS and AUTH, each step.
    pub connect: Duration,
    /// MAIL, RCPT and RSET, each.
    pub envelope: Duration,
    /// The 354 after DATA.
    pub data: Duration,
    /// Each block that is written.
    pub block: Duration,
    /// The reply to the final dot.
    pub final_dot: Duration,
    /// The reply to a MAIL command sent behind a message, counted from that message's reply.
    pub behind: Duration,
}

impl Timeouts {
    /// How long to wait for a reply in `phase`.
    pub fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Connect | Phase::Tls | Phase::Auth => self.connect,
            Phase::Mail | Phase::Rcpt | Phase::Reset => self.envelope,
            Phase::Data => self.data,
            Phase::Content | Phase::FinalDot => self.final_dot,
            // Nothing depends on the reply.
            Phase::Quit => Duration::from_secs(2),
        }
    }
}

impl Default for Timeouts {
    /// RFC 5321 4.5.3.2, which requires ten minutes after the final dot because giving up earlier duplicates mail. Two
    /// are shorter: connecting, because nothing is lost and the user may be waiting; and commands sent behind a
    /// message, which a server answers at once or never.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(60),
            envelope: Duration::from_secs(5 * 60),
            data: Duration::from_secs(2 * 60),
            block: Duration::from_secs(3 * 60),
            final_dot: Duration::from_secs(10 * 60),
            behind: Duration::from_secs(4),
        }
    }
}
