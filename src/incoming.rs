//! Mail that comes to the publication's addresses, and what it says.
//!
//! Takes the bytes of one message (RFC 5322) and returns an `Incoming`. Whose delivery it is about, whether it may be believed
//! and what follows from it is left to `inbox`.

use crate::email::EmailAddress;

pub use crate::bounce::Class;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Incoming {
    /// What it is.
    pub kind: Kind,
    /// The recipients that it reports on, each once: RFC 3464, or what other reports name.
    pub recipients: Vec<Report>,
    /// The addresses it was delivered to, as far as its header tells: Delivered-To, X-Original-To, Envelope-To, To, Cc, in this order,
    /// and those of a returned message after them (Return-Path of it, From of it is left out).
    pub delivered_to: Vec<EmailAddress>,
    /// From; proves nothing.
    pub from: Option<EmailAddress>,
    /// Message-ID of the returned message, without angle brackets.
    pub returned_id: Option<String>,
    /// The URIs of List-Unsubscribe of the returned message, without angle brackets: they contain its recipient's token.
    pub returned_links: Vec<String>,
    /// Original-Envelope-Id (RFC 3464 section 2.2.1).
    pub envelope_id: Option<String>,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// At least one recipient did not get a message.
    Bounce,
    /// It is still being tried.
    Delay,
    /// A reader called a message spam (RFC 5965).
    Complaint,
    /// A reader called a message in the spam folder no spam (RFC 6430).
    NotSpam,
    /// A reader wants to leave: by the address it was sent to, or by its words.
    Leave,
    /// A reader answers a request to confirm.
    Confirm,
    /// Someone wants to subscribe.
    Subscribe,
    /// A program answered for a person (RFC 3834).
    AutoReply,
    /// Anything else: left as it is.
    #[default]
    Other,
}

impl Kind {
    /// The word used in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Delay => "delay",
            Self::Complaint => "complaint",
            Self::NotSpam => "not-spam",
            Self::Leave => "leave",
            Self::Confirm => "confirm",
            Self::Subscribe => "subscribe",
            Self::AutoReply => "auto-reply",
            Self::Other => "other",
        }
    }
}

/// What is reported on one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The recipient: Original-Recipient, or else Final-Recipient.
    pub address: Option<EmailAddress>,
    /// What became of the message.
    pub action: Action,
    /// Status (RFC 3463), such as `5.1.1`: the innermost that is found.
    pub status: Option<String>,
    /// What the last server said, as one line: `550 5.1.1 …`.
    pub diagnostic: Option<String>,
    /// What it means.
    pub class: Class,
}

/// RFC 3464 section 2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It will not arrive.
    Failed,
    /// It is still being tried.
    Delayed,
    /// It has arrived.
    Delivered,
    /// It went on to a system that sends no reports.
    Relayed,
    /// It went on to several addresses.
    Expanded,
}

impl Action {
    /// The word of the standard.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}
