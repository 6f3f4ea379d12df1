//! The letters of one edition: writes that of each recipient, signed.

use chrono::{DateTime, Utc};

use crate::dkim::Signer;
use crate::edition::{Edition, Recipient};
use crate::email::EmailAddress;
use crate::letter::Letter;
use crate::subscriber::Subscriber;

/// Writes the letters of one edition.
pub struct Letters {
    edition: Edition,
    signer: Signer,
    from: EmailAddress,
    date: DateTime<Utc>,
}

impl Letters {
    /// The letters of an edition: signed by `signer`, `from` that sender of the envelope, and dated so at every attempt.
    pub fn new(edition: Edition, signer: Signer, from: EmailAddress, date: DateTime<Utc>) -> Self {
        Self { edition, signer, from, date }
    }

    /// Writes the letter of a subscriber.
    ///
    /// # Errors
    /// When a template fails on this subscriber, or the letter cannot be signed.
    pub fn write(&self, subscriber: &Subscriber) -> anyhow::Result<Letter> {
        let message = self.edition.message(&Recipient::of(subscriber), self.date)?;
        let content = self.signer.sign(message, self.date)?;
        Ok(Letter { from: self.from.clone(), to: subscriber.address.clone(), content })
    }

    /// Whether it depends on the reader if a letter can be written.
    pub fn may_fail(&self) -> bool {
        self.edition.knows_its_reader()
    }

    /// Finds out, with as little work as that takes, whether the letter of a subscriber can be written.
    ///
    /// # Errors
    /// As `write`.
    pub fn check(&self, subscriber: &Subscriber) -> anyhow::Result<()> {
        self.edition.check(&Recipient::of(subscriber))
    }
}
