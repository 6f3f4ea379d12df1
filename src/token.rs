//! Tokens: what a link in a mail proves about whom the mail was for, without saying who that is.
//!
//! A token holds the number of a subscriber and a MAC over it and the address; only whoever has a secret makes one. The
//! number of a store that was filled anew is another person's, the MAC is not. Which subscriber has a number is left to
//! `store`, where the secrets are kept to `cli`.

use std::fmt;

use anyhow::Context as _;
use aws_lc_rs::hmac;

use crate::email::EmailAddress;
use crate::hex::hex;
use crate::subscriber::SubscriberId;

/// What a token is good for: one for the one thing is none for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To leave (RFC 8058).
    Leave,
}

impl Purpose {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Leave => b"slugline token 1: leave",
        }
    }
}

/// A secret is at least so long, in characters.
pub const SHORTEST_SECRET: usize = 32;

/// Bytes of the MAC: nobody guesses 128 bits.
const MAC: usize = 16;

/// The secrets that make and verify tokens. They are shown nowhere.
pub struct Secrets(Vec<hmac::Key>);

impl Secrets {
    /// One secret a line. The first makes tokens, all verify them: put a new one before the old, and links in mails that
    /// were sent keep working. `None` when there is none, or one is too short.
    pub fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let is_long = |line: &&str| line.len() >= SHORTEST_SECRET;
        let key = |line: &&str| hmac::Key::new(hmac::HMAC_SHA256, line.as_bytes());
        (!lines.is_empty() && lines.iter().all(is_long)).then(|| Self(lines.iter().map(key).collect()))
    }

    /// The token of a subscriber: always the same, ASCII letters and digits, fit for a URL and for an address.
    pub fn token(&self, purpose: Purpose, id: SubscriberId, address: &EmailAddress) -> Token {
        let mac = self.0.first().map(|key| mac(key, purpose, id, address)).unwrap_or_default();
        Token { id, mac }
    }

    /// Whether the token is this subscriber's.
    pub fn prove(&self, token: &Token, purpose: Purpose, id: SubscriberId, address: &EmailAddress) -> bool {
        let is_made_by = |key: &hmac::Key| {
            let expected = mac(key, purpose, id, address);
            aws_lc_rs::constant_time::verify_slices_are_equal(&expected, &token.mac).is_ok()
        };
        token.id == id && self.0.iter().any(is_made_by)
    }
}

/// A new secret, of 64 hexadecimal digits.
///
/// # Errors
/// When the machine gives no random numbers.
pub fn new_secret() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).context("failed to make a secret")?;
    Ok(hex(bytes))
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

fn mac(key: &hmac::Key, purpose: Purpose, id: SubscriberId, address: &EmailAddress) -> [u8; MAC] {
    let mut context = hmac::Context::with_key(key);
    for part in [purpose.name(), &[0], &id.0.to_be_bytes(), address.key().as_bytes()] {
        context.update(part);
    }
    let tag = context.sign();
    let mut short = [0; MAC];
    short.copy_from_slice(&tag.as_ref()[..MAC]);
    short
}

/// What stands in a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    id: SubscriberId,
    mac: [u8; MAC],
}

impl Token {
    /// Reads a token as it stands in a link; mail programs may have changed its case. `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let at = text.len().checked_sub(2 * MAC).filter(|at| is_hexadecimal && (1..=15).contains(at))?;
        let (id, hexadecimal) = text.split_at(at);
        let id = SubscriberId(i64::from_str_radix(id, 16).ok()?);
        let mut mac = [0; MAC];
        for (byte, digits) in mac.iter_mut().zip(hexadecimal.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self { id, mac })
    }

    /// Whose it claims to be.
    pub fn subscriber(&self) -> SubscriberId {
        self.id
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}{}", self.id.0, hex(self.mac))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    fn address(text: &str) -> EmailAddress {
        text.parse().unwrap()
    }

    fn secrets(text: &str) -> Secrets {
        Secrets::parse(text).unwrap()
    }

    #[test]
    fn a_token_is_one_persons_and_outlives_its_secret() {
        let (maren, id) = (address("maren@example.org"), SubscriberId(300));
        let token = secrets(OLD).token(Purpose::Leave, id, &maren);
        assert_eq!(Token::parse(&token.to_string().to_uppercase()), Some(token));
        let rotated = secrets(&format!("{NEW}\n\n{OLD}\n"));
        for secrets in [&secrets(OLD), &rotated] {
            assert!(secrets.prove(&token, Purpose::Leave, id, &address("MAREN@example.org")));
            assert!(!secrets.prove(&token, Purpose::Leave, id, &address("lin@example.org")), "a store filled anew");
            assert!(!secrets.prove(&token, Purpose::Leave, SubscriberId(301), &maren));
        }
        assert!(!secrets(NEW).prove(&token, Purpose::Leave, id, &maren));
        assert_ne!(rotated.token(Purpose::Leave, id, &maren), token);
        assert!(!token.to_string().contains("maren") && token.to_string().len() == 35);
    }

    #[test]
    fn a_short_secret_is_none_and_none_is_shown() {
        assert!(Secrets::parse("").is_none() && Secrets::parse(&OLD[1..]).is_none());
        assert!(Secrets::parse(&format!("{OLD}\nshort")).is_none());
        assert_eq!(format!("{:?}", secrets(OLD)), "Secrets(1)");
    }

    proptest! {
        #[test]
        fn what_is_no_token_is_refused(text in "[0-9a-fA-F]{0,60}|\\PC{0,60}|[+-]?[0-9a-f]{33,40}") {
            if let Some(token) = Token::parse(&text) {
                prop_assert_eq!(Token::parse(&token.to_string()), Some(token));
                prop_assert!(!secrets(OLD).prove(&token, Purpose::Leave, token.subscriber(), &address("a@example.org")));
            }
        }
    }
}
