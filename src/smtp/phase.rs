//! The phases of an SMTP connection, and their timeouts.
//!
//! The phase of a failure decides whether a message may be sent again: before the final dot nothing was accepted (RFC
//! 5321 4.1.1.4), after it the result is unknown without a reply.

use std::fmt;
use std::time::Duration;

/// Where in the dialogue something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Name lookup, TCP, the server's greeting and EHLO.
    Connect,
    /// The TLS handshake, after STARTTLS if used.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, until the server's 354.
    Data,
    /// Writing the message; the final dot has not left.
    Content,
    /// The final dot was handed to the network; the reply is missing.
    FinalDot,
    /// RSET, between messages.
    Reset,
    /// QUIT, at the end.
    Quit,
}

impl fmt::Display for Phase {
    /// What the program was doing, to follow "while".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Connect => "connecting",
            Phase::Tls => "starting TLS",
            Phase::Auth => "logging in",
            Phase::Mail => "naming the sender (MAIL FROM)",
            Phase::Rcpt => "naming the recipient (RCPT TO)",
            Phase::Data => "asking to send the message (DATA)",
            Phase::Content => "writing the message",
            Phase::FinalDot => "waiting for the reply to the message",
            Phase::Reset => "resetting the connection (RSET)",
            Phase::Quit => "saying goodbye (QUIT)",
        })
    }
}

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
