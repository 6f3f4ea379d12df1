//! The envelope id of a letter (ENVID, RFC 3461 section 4.4), which reports return as Original-Envelope-Id (RFC 3464 section 2.2.1):
//! it names the mailing, and proves the recipient even where a relay has replaced the envelope sender.
//!
//! Takes the mailing and the recipient and returns the text; takes the text and returns the parts. Which mailing and recipient these
//! are, and whether the token is valid, is left to `store` and `Secrets`.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use crate::issue::IssueId;
use crate::token::Token;

/// Length of the hash of a mailing's id.
const MAILING_BYTES: usize = 8;

/// An envelope id: `{16 hexadecimal digits}.{token}`, 65 characters, none of which xtext (RFC 3461 section 4) escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeId {
    /// The first digits of the SHA-256 of the mailing's id.
    mailing: String,
    /// The recipient's token, for the purpose `Bounce`.
    pub token: Token,
}

impl EnvelopeId {
    /// That of the letter of a mailing to the recipient with this token: the same for every attempt.
    pub fn new(mailing: &IssueId, token: &Token) -> Self {
        Self { mailing: mailing_hash(mailing), token: *token }
    }

    /// Parses what a report returns, in any case; `None` if this program did not write it.
    pub fn parse(text: &str) -> Option<Self> {
        let (mailing, token) = text.trim().split_once('.')?;
        let is_hash = mailing.len() == 2 * MAILING_BYTES && mailing.bytes().all(|byte| byte.is_ascii_hexdigit());
        let token = Token::parse(token).filter(|token| is_hash && token.tag().is_some())?;
        Some(Self { mailing: mailing.to_ascii_lowercase(), token })
    }

    /// Whether it is of a letter of this mailing.
    pub fn is_of(&self, mailing: &IssueId) -> bool {
        self.mailing == mailing_hash(mailing)
    }
}

impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.mailing, self.token)
    }
}

fn mailing_hash(mailing: &IssueId) -> String {
    hex(&Sha256::digest(mailing.as_str())[..MAILING_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::EmailAddress;
    use crate::subscriber::SubscriberId;
    use crate::token::{Purpose, Secrets};

    #[test]
    fn mailing_and_recipient_are_found_again() {
        let secrets = Secrets::parse("0123456789abcdef0123456789abcdef").unwrap();
        let [spring, neap] = ["https://example.org/spring/", "neap"].map(|id| IssueId::new(id).unwrap());
        let maren: EmailAddress = "maren@example.org".parse().unwrap();
        let text = EnvelopeId::new(&spring, &secrets.token(Purpose::Bounce, &maren)).to_string();
        assert_eq!(text.len(), 65);
        assert!(text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'.'), "xtext: {text}");
        for text in [text.clone(), text.to_uppercase()] {
            let id = EnvelopeId::parse(&text).unwrap();
            assert!(id.is_of(&spring) && !id.is_of(&neap));
            assert!(secrets.belongs_to(&id.token, Purpose::Bounce, SubscriberId(1), &maren));
        }
        for other in ["", "QQ314159", "a.b", &text[1..], &text[..60], "0123456789abcdeg.00"] {
            assert_eq!(EnvelopeId::parse(other), None, "{other}");
        }
    }
}
