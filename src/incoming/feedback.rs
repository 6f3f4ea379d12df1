//! Complaints (ARF: RFC 5965, RFC 6430) and what providers send in their place.
//!
//! Takes the parts of a message; returns whether it is a complaint or its opposite, and whose. Reports on failed
//! authentication (RFC 6591) are neither.

use crate::email::EmailAddress;
use crate::incoming::Kind;
use crate::incoming::fields::Fields;
use crate::incoming::mime::{Mail, Part};

/// A report of a reader's provider.
#[derive(Debug)]
pub(super) struct Feedback {
    /// Complaint or not spam.
    pub(super) kind: Kind,
    /// The readers it names.
    pub(super) recipients: Vec<EmailAddress>,
    /// The envelope sender it names: it contains the reader's token.
    pub(super) sender: Vec<EmailAddress>,
}

/// Reads a complaint, if the message is one.
pub(super) fn read(mail: &Mail) -> Option<Feedback> {
    let fields = mail.parts.iter().find_map(|part| match part {
        Part::Feedback(text) => Some(Fields::parse(text.trim_start())),
        _ => None,
    });
    let Some(fields) = fields else { return junk_mail_report(mail) };
    let kind = match fields.first("feedback-type")?.to_ascii_lowercase().as_str() {
        "not-spam" => Kind::NotSpam,
        kind if kind.starts_with("auth-failure") || kind.starts_with("dmarc") => return None,
        _ => Kind::Complaint,
    };
    Some(Feedback {
        kind,
        recipients: fields.addresses(&["original-rcpt-to", "removal-recipient"]),
        sender: fields.addresses(&["original-mail-from"]),
    })
}

/// Microsoft's Junk Mail Reporting Program sends the message alone, with the reader in a field of its header.
fn junk_mail_report(mail: &Mail) -> Option<Feedback> {
    let recipients = mail.parts.iter().find_map(|part| match part {
        Part::Returned(returned) => {
            Some(returned.header.addresses(&["x-hmxmroriginalrecipient"])).filter(|found| !found.is_empty())
        }
        _ => None,
    })?;
    Some(Feedback { kind: Kind::Complaint, recipients, sender: Vec::new() })
}
