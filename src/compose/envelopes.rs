//! The envelopes of letters: which address a bounce goes to, and by which id a report names the letter.
//!
//! Takes `mail.bounce_address` and the secrets of tokens; returns sender and id of each recipient's envelope.

use std::sync::Arc;

use crate::config::MailConfig;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::letter::Letter;
use crate::token::bounce_address::BounceAddress;
use crate::token::envelope_id::EnvelopeId;
use crate::token::{Purpose, Secrets, Token};

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
        let token = self.token(to);
        let id = token.as_ref().map(|token| EnvelopeId::new(mailing, token).to_string());
        Letter { envelope_id: id, ..self.letter(token.as_ref(), to, content) }
    }

    /// A letter of no mailing.
    pub fn single(&self, to: &EmailAddress, content: Vec<u8>) -> Letter {
        self.letter(self.token(to).as_ref(), to, content)
    }

    /// A test. What becomes of it is in no ledger, so its bounce must not be taken for that of a mailing: the sender has no one's
    /// token.
    pub fn test(&self, to: &EmailAddress, content: Vec<u8>) -> Letter {
        self.letter(None, to, content)
    }

    fn token(&self, to: &EmailAddress) -> Option<Token> {
        self.secrets.as_ref().map(|secrets| secrets.token(Purpose::Bounce, to))
    }

    fn letter(&self, token: Option<&Token>, to: &EmailAddress, content: Vec<u8>) -> Letter {
        let from = self.bounce_address.as_ref().zip(token).map(|(address, token)| address.of(token));
        let from = from.unwrap_or_else(|| self.sender.clone());
        Letter { from, to: to.clone(), envelope_id: None, content }
    }
}
