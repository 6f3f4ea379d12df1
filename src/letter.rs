//! A letter: one finished message with its envelope.
//!
//! `edition` writes it, `delivery` passes it on unopened, `smtp` sends it or an outbox stores it.

use crate::email::EmailAddress;

/// A finished message to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// Envelope sender (RFC 5321 `MAIL FROM`): receives bounces.
    pub from: EmailAddress,
    /// Envelope id (RFC 3461 section 4.4), as xtext, for reports on it.
    pub envelope_id: Option<String>,
    /// Envelope recipient (`RCPT TO`).
    pub to: EmailAddress,
    /// The message (RFC 5322), signed, with CRLF line endings, not yet dot-stuffed for SMTP.
    pub content: Vec<u8>,
}
