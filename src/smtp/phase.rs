//! The phases of an SMTP connection, and how long each may take.
//!
//! The phase in which something went wrong decides whether a message may be sent again: nothing before the final dot
//! was accepted (RFC 5321 4.1.1.4), after it nobody can know without a reply.

use std::fmt;
use std::time::Duration;

/// Where in the dialogue something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Name lookup, TCP, the server's greeting and EHLO.
    Connect,
    /// Certificate and key exchange, with STARTTLS before it where that is used.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL FROM, which names the sender.
    Mail,
    /// RCPT TO, which names the recipient.
    Rcpt,
    /// DATA, before the server said 354.
    Data,
    /// The message is being written; the final dot has not left.
    Content,
    /// The final dot was handed to the network; its reply has not come.
    FinalDot,
    /// RSET, between two messages.
    Reset,
    /// QUIT, after the last.
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
    /// Every block that is written.
    pub block: Duration,
    /// The reply to the final dot.
    pub final_dot: Duration,
    /// The reply to MAIL that left behind a message, from the reply to that message on.
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
            // Nothing depends on it.
            Phase::Quit => Duration::from_secs(2),
        }
    }
}

impl Default for Timeouts {
    /// RFC 5321 4.5.3.2, which wants ten minutes after the final dot because giving up early there duplicates mail.
    /// Only connecting is shorter than its five minutes: nothing is lost by it, and a person may be waiting. So is what left
    /// behind a message: a server that has read it answers at once, and the others never.
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
