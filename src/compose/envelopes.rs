//! The envelopes of letters: which address a bounce goes to, and by which id a report names the letter.
//!
//! Takes `mail.bounce_address` and the secrets of tokens; returns sender and id of each recipient's envelope.

use std::sync::Arc;

use crate::config::MailConfig;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::letter::Letter;
use crate::token::Secrets;
use crate::token::bounce_address::BounceAddress;
use crate::token::envelope_id::EnvelopeId;

/// Addresses letters.
pub struct Envelopes {
    /// The sender that belongs to no recipient.
    sender: EmailAddress,
    bounce_address: Option<BounceAddress>,
    /// Make the tokens; without them no letter has an id.
    secrets: Option<Arc<Secrets>>,
}

impl Envelopes {
    /// Those of the project's mail.
    pub fn new(mail: &MailConfig, secrets: Option<Arc<Secrets>>) -> Self {
        Self { sender: mail.envelope_sender().clone(), bounce_address: mail.bounce_address.clone(), secrets }
    }

    /// A letter of a mailing.
    pub fn of_mailing(&self, mailing: &IssueId, to: &EmailAddress, content: Vec<u8>) -> Letter {
        let id = self.secrets.as_ref().map(|secrets| EnvelopeId::new(mailing, secrets, to).to_string());
        Letter { envelope_id: id, ..self.single(to, content) }
    }

    /// A letter of no mailing.
    pub fn single(&self, to: &EmailAddress, content: Vec<u8>) -> Letter {
        let from = match (&self.bounce_address, &self.secrets) {
            (Some(address), Some(secrets)) => address.of(secrets, to),
            _ => self.sender.clone(),
        };
        Letter { from, to: to.clone(), envelope_id: None, content }
    }

    /// A test. What becomes of it is in no ledger, so its bounce must not be taken for that of a mailing: the sender has no one's
    /// token.
    pub fn test(&self, to: &EmailAddress, content: Vec<u8>) -> Letter {
        Letter { from: self.sender.clone(), to: to.clone(), envelope_id: None, content }
    }
}
