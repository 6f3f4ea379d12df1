//! A letter: one finished message and the envelope it travels in.
//!
//! `edition` writes it, `delivery` hands it on, `smtp` sends it or puts it into a folder. Nothing looks inside the
//! content again.

use crate::email::EmailAddress;

/// A finished message to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// Envelope sender (RFC 5321 `MAIL FROM`): where reports of failure go.
    pub from: EmailAddress,
    /// Envelope recipient (`RCPT TO`).
    pub to: EmailAddress,
    /// The message, RFC 5322, lines ended by CRLF, as it was signed; nothing is escaped for SMTP yet.
    pub content: Vec<u8>,
}
