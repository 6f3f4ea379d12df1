//! The envelope sender (RFC 5321 section 3.3): one address for all recipients or, with `{token}`, one for each (VERP), so that a
//! bounce names its recipient whatever else it says.
//!
//! Takes `mail.bounce_address`; returns the address of a recipient. Finding the token in an address that a bounce came to is left to
//! `inbox`.

use thiserror::Error;

use crate::email::{EmailAddress, InvalidAddress};
use crate::token::{TOKEN_DIGITS, Token};

/// The placeholder for the token in the project file.
const TOKEN: &str = "{token}";

/// In place of a token: as long as one, and no one's.
const NO_TOKEN: &str = "000000000000000000000000000000000000000000000000";

/// RFC 5321 section 4.5.3.1.1.
const MAX_LOCAL_PART_OCTETS: usize = 64;

/// Where bounces go.
#[derive(Debug, Clone, PartialEq)]
pub struct BounceAddress {
    /// With zeros in place of the token.
    sample: EmailAddress,
    /// The index of the token in the sample.
    token_at: Option<usize>,
}

/// Why a text is not an address for bounces.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidBounceAddress {
    /// It is not a valid address.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    /// The token is in the domain, or occurs twice.
    #[error("`{{token}}` may occur once, and only before the `@`")]
    Token,
    /// The local part is too long.
    #[error("with a token of {TOKEN_DIGITS} characters, the part before the `@` has {0}, and at most 64 are allowed")]
    TooLong(usize),
}

impl BounceAddress {
    /// Parses an address with at most one `{token}`, before the `@`.
    ///
    /// # Errors
    /// If the address is invalid, or its local part is longer than 64 octets (RFC 5321 section 4.5.3.1.1).
    pub fn parse(text: &str) -> Result<Self, InvalidBounceAddress> {
        let text = text.trim();
        let local_part = text.rsplit_once('@').map_or(text, |(local_part, _)| local_part);
        let token_at = text.find(TOKEN);
        if text.matches(TOKEN).count() > local_part.matches(TOKEN).count().min(1) {
            return Err(InvalidBounceAddress::Token);
        }
        let octets = local_part.replace(TOKEN, NO_TOKEN).len();
        if token_at.is_some() && octets > MAX_LOCAL_PART_OCTETS {
            return Err(InvalidBounceAddress::TooLong(octets));
        }
        Ok(Self { sample: text.replace(TOKEN, NO_TOKEN).parse()?, token_at })
    }

    /// Whether it contains a token.
    pub fn has_token(&self) -> bool {
        self.token_at.is_some()
    }

    /// The address itself or, if it contains a token, one with zeros instead, which belongs to no recipient.
    pub fn of_nobody(&self) -> &EmailAddress {
        &self.sample
    }

    /// The address as the project file writes it, with `{token}` in it if it contains one.
    pub fn template(&self) -> String {
        let mut text = self.sample.as_str().to_owned();
        if let Some(at) = self.token_at {
            text.replace_range(at..at + TOKEN_DIGITS, TOKEN);
        }
        text
    }

    /// The address for the recipient with this token, for the purpose `Bounce`.
    pub fn of(&self, token: &Token) -> EmailAddress {
        let Some(at) = self.token_at else { return self.sample.clone() };
        let mut text = self.sample.as_str().to_owned();
        text.replace_range(at..at + TOKEN_DIGITS, &token.to_string());
        // Only digits differ from the sample, which was parsed.
        text.parse().unwrap_or_else(|_| self.sample.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscriber::SubscriberId;
    use crate::token::{Purpose, Secrets};

    fn secrets() -> Secrets {
        Secrets::parse("0123456789abcdef0123456789abcdef").unwrap()
    }

    #[test]
    fn each_recipient_has_an_address_from_which_the_token_is_read_back() {
        assert_eq!(NO_TOKEN.len(), TOKEN_DIGITS);
        let bounces = BounceAddress::parse(" bounces+{token}@Example.org ").unwrap();
        let [maren, lin] = ["maren@example.org", "lin@example.org"].map(|text| text.parse::<EmailAddress>().unwrap());
        let of = |reader: &EmailAddress| bounces.of(&secrets().token(Purpose::Bounce, reader));
        let address = of(&maren);
        assert_eq!((address.local_part().len(), address.domain()), (56, "example.org"));
        assert_ne!(address, of(&lin));
        for text in [address.as_str().to_owned(), address.as_str().to_uppercase()] {
            let token = Token::parse(&text["bounces+".len()..][..TOKEN_DIGITS]).unwrap();
            assert!(secrets().belongs_to(&token, Purpose::Bounce, SubscriberId(1), &maren));
            assert!(!secrets().belongs_to(&token, Purpose::Bounce, SubscriberId(1), &lin));
            assert!(!secrets().belongs_to(&token, Purpose::Unsubscribe, SubscriberId(1), &maren));
        }
        assert!(bounces.of_nobody().as_str().contains(NO_TOKEN));
        assert!(secrets().claim(&Token::parse(NO_TOKEN).unwrap(), Purpose::Bounce).is_none());
    }

    #[test]
    fn without_a_token_it_is_the_same_for_all() {
        let bounces = BounceAddress::parse("bounces@example.org").unwrap();
        assert!(!bounces.has_token());
        let address = bounces.of(&secrets().token(Purpose::Bounce, &"maren@example.org".parse().unwrap()));
        assert_eq!(&address, bounces.of_nobody());
    }

    #[test]
    fn an_address_that_is_too_long_or_has_the_token_elsewhere_is_refused() {
        let long = |letters: usize| BounceAddress::parse(&format!("{}{{token}}@example.org", "b".repeat(letters)));
        assert!(long(16).is_ok());
        assert_eq!(long(17), Err(InvalidBounceAddress::TooLong(65)));
        for text in ["b@{token}.example.org", "{token}{token}@e.org", "b+{token}@{token}.org"] {
            assert_eq!(BounceAddress::parse(text), Err(InvalidBounceAddress::Token), "{text}");
        }
        assert_eq!(BounceAddress::parse("bounces"), Err(InvalidBounceAddress::Address(InvalidAddress::Incomplete)));
    }
}
