//! The phases of an SMTP connection.
//!
//! The phase of a failure decides what a reply means, and whether a message may be sent again: before the final dot nothing
//! was accepted (RFC 5321 4.1.1.4), after it the result is unknown without a reply.

use std::fmt;

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
