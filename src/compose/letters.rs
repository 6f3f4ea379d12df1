//! Writes the signed message of each recipient of an edition.

use chrono::{DateTime, Utc};

use crate::compose::envelopes::Envelopes;
use crate::dkim::Signer;
use crate::edition::{Edition, Recipient};
use crate::issue::IssueId;
use crate::letter::Letter;
use crate::subscriber::Subscriber;

/// Writes the messages of one edition.
pub struct Letters {
    edition: Edition,
    signer: Signer,
    envelopes: Envelopes,
    /// The mailing, once it is known.
    mailing: Option<IssueId>,
    date: DateTime<Utc>,
}

impl Letters {
    /// `date` is the same for every attempt.
    pub fn new(edition: Edition, signer: Signer, envelopes: Envelopes, date: DateTime<Utc>) -> Self {
        Self { edition, signer, envelopes, mailing: None, date }
    }

    /// The letters of this mailing, which their envelopes name.
    pub fn of_mailing(self, mailing: IssueId) -> Self {
        Self { mailing: Some(mailing), ..self }
    }

    /// Writes the message for a subscriber.
    ///
    /// # Errors
    /// When a template fails on this subscriber, or the message cannot be signed.
    pub fn write(&self, subscriber: &Subscriber) -> anyhow::Result<Letter> {
        let message = self.edition.message(&Recipient::of(subscriber), self.date)?;
        let (to, content) = (&subscriber.address, self.signer.sign(message, self.date)?);
        Ok(match &self.mailing {
            Some(mailing) => self.envelopes.of_mailing(mailing, to, content),
            None => self.envelopes.single(to, content),
        })
    }

    /// Writes a test message for a subscriber, marked as a test and with its own Message-ID.
    ///
    /// # Errors
    /// As `write`.
    pub fn write_test(&self, subscriber: &Subscriber) -> anyhow::Result<Letter> {
        let message = self.edition.test_message(&Recipient::of(subscriber), self.date)?;
        Ok(self.envelopes.test(&subscriber.address, self.signer.sign(message, self.date)?))
    }

    /// Whether some messages may fail, because they depend on the subscriber.
    pub fn may_fail(&self) -> bool {
        self.edition.is_personalized()
    }

    /// Checks, with as little work as possible, that the message for a subscriber can be written.
    ///
    /// # Errors
    /// As `write`.
    pub fn check(&self, subscriber: &Subscriber) -> anyhow::Result<()> {
        self.edition.check(&Recipient::of(subscriber))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::content::assemble::{Source, assemble};
    use crate::content::front_matter::split;
    use crate::content::markdown::Document;
    use crate::content::names::Names;
    use crate::dkim::{Algorithm, Key, Signature};
    use crate::edition::{NO_FILES, Section};
    use crate::subscriber::{NewSubscriber, SubscriberId};

    #[test]
    fn signatures_match_tests_and_international_addresses() {
        let text = "title: T\nbase_url: https://example.org\nmail: {from: weekly@example.org}\n";
        let config = Config::parse("slugline.yaml", text).unwrap();
        let source = Source::of_path("content/one.md", "one.md");
        let block = split("content/one.md", b"---\ntitle: Neap tides\ndate: 2026-11-20\n---\n").unwrap();
        let issue =
            assemble(source, &block, &config.publication, &config.permalink, &mut Names::default()).issue.unwrap();
        let mail = config.mail.as_ref().map(|mail| &mail.edition);
        let section = Section { issue: &issue, cover: None, body: Document::parse("Hello\n") };
        let edition = Edition::prepare(&config.publication, mail, &section, &NO_FILES).unwrap();
        let pem = Key::generate(Algorithm::Ed25519).unwrap().1;
        let signer = || {
            let key = Key::from_pem(pem.as_bytes()).unwrap();
            Signer::new(vec![Signature { domain: "example.org".to_owned(), selector: "s".to_owned(), key }])
        };
        let date = DateTime::from_timestamp(1_795_140_000, 0).unwrap();
        let letters = Letters::new(edition, signer(), Envelopes::new(config.mail.as_ref().unwrap(), None), date);
        for address in ["reader@example.com", "用户@example.com"] {
            let subscriber = NewSubscriber::new(address.parse().unwrap(), "").into_subscriber(SubscriberId(1), date);
            for (letter, is_test) in
                [(letters.write(&subscriber).unwrap(), false), (letters.write_test(&subscriber).unwrap(), true)]
            {
                let message = String::from_utf8(letter.content).unwrap();
                let (signature, sent) = message.split_at(message.find("\r\nFrom: ").unwrap() + 2);
                // Ed25519 signatures are deterministic.
                let signed_anew = signer().sign(sent.as_bytes().to_vec(), date).unwrap();
                assert_eq!(String::from_utf8(signed_anew).unwrap(), message, "{signature}");
                assert_eq!(sent.contains("\r\nSubject: [test] Neap tides\r\n"), is_test, "{sent}");
                assert!(sent.contains(&format!("\r\nTo: {address}\r\n")), "{sent}");
            }
        }
    }
}
