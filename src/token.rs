//! Tokens: what a link in a mail proves about whom the mail was for, without saying who that is.
//!
//! A token holds a tag, which is a keyed hash of the address, and a MAC over it; only whoever has a secret makes either.
//! Tokens that earlier versions made hold the number of a subscriber instead of the tag: the number of a store that was
//! filled anew is another person's, the MAC is not. Which subscriber has a tag or a number is left to `store`, where the
//! secrets are kept to `cli`.

use std::fmt;

use anyhow::Context as _;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

use crate::email::EmailAddress;
use crate::hex::hex;
use crate::subscriber::SubscriberId;

/// What a token is good for: one for the one thing is none for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To leave (RFC 8058).
    Unsubscribe,
}

impl Purpose {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Unsubscribe => b"slugline token 2: leave",
        }
    }

    /// The name in tokens with a number.
    fn numbered_name(self) -> &'static [u8] {
        match self {
            Self::Unsubscribe => b"slugline token 1: leave",
        }
    }
}

/// What is hashed before an address to make its tag: no MAC of a token begins so.
const TAG_OF: &[u8] = b"slugline tag 1";

/// What is hashed to tell secrets apart.
const FINGERPRINT: &[u8] = b"slugline fingerprint 1";

/// A secret is at least so long, in characters.
pub const MIN_SECRET_CHARS: usize = 32;

/// Bytes of a tag: among billions of addresses no two have the same 96 bits.
const TAG: usize = 12;

/// Bytes of the MAC over a tag: a guess can only be tried by asking, and nobody asks 2^96 times.
const MAC: usize = 12;

/// Bytes of the MAC in a token with a number.
const NUMBERED_MAC: usize = 16;

/// Digits of a token. Those with a number have at most 47.
pub const TOKEN_DIGITS: usize = 2 * (TAG + MAC);

/// What stands for an address in a token: a keyed hash of it. Whoever has no secret learns nothing from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag([u8; TAG]);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0))
    }
}

/// One secret.
pub struct Secret(hmac::Key);

impl Secret {
    /// The tag of an address; all spellings of it have the same.
    pub fn tag(&self, address: &EmailAddress) -> Tag {
        Tag(self.hash(&[TAG_OF, &[0], address.key().as_bytes()]))
    }

    /// What tells this secret from others, and does not tell the secret: 24 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        hex(self.hash::<TAG>(&[FINGERPRINT]))
    }

    fn mac(&self, purpose: Purpose, tag: Tag) -> [u8; MAC] {
        self.hash(&[purpose.name(), &[0], &tag.0])
    }

    fn numbered_mac(&self, purpose: Purpose, id: SubscriberId, address: &EmailAddress) -> [u8; NUMBERED_MAC] {
        self.hash(&[purpose.numbered_name(), &[0], &id.0.to_be_bytes(), address.key().as_bytes()])
    }

    /// The first bytes of HMAC-SHA-256 over the parts.
    fn hash<const BYTES: usize>(&self, parts: &[&[u8]]) -> [u8; BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        let whole = context.sign();
        std::array::from_fn(|at| whole.as_ref()[at])
    }
}

/// The secrets that make and verify tokens. They are shown nowhere.
pub struct Secrets {
    first: Secret,
    others: Vec<Secret>,
}

impl Secrets {
    /// One secret a line. The first makes tokens, all verify them: put a new one before the old, and links in mails that
    /// were sent keep working. `None` when there is none, or one is too short.
    pub fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let is_long = |line: &&str| line.len() >= MIN_SECRET_CHARS;
        let mut secrets = lines.iter().map(|line| Secret(hmac::Key::new(hmac::HMAC_SHA256, line.as_bytes())));
        let first = secrets.next().filter(|_| lines.iter().all(is_long))?;
        Some(Self { first, others: secrets.collect() })
    }

    /// The token of whoever has that address: always the same, ASCII letters and digits, fit for a URL and for an address.
    pub fn token(&self, purpose: Purpose, address: &EmailAddress) -> Token {
        let tag = self.first.tag(address);
        Token(Form::Tagged { tag, mac: self.first.mac(purpose, tag) })
    }

    /// Whose token it claims to be. `None` where no secret made it for that purpose; of one with a number that cannot be
    /// known before its subscriber is, which `is_of` is for.
    pub fn claim(&self, token: &Token, purpose: Purpose) -> Option<TokenClaim<'_>> {
        match token.0 {
            Form::Tagged { tag, mac } => {
                let is_made_by = |secret: &&Secret| secret.mac(purpose, tag).ct_eq(&mac).into();
                Some(TokenClaim::Tagged(self.all().find(is_made_by)?, tag))
            }
            Form::Numbered { id, .. } => Some(TokenClaim::Numbered(id)),
        }
    }

    /// Whether the token is this subscriber's.
    pub fn is_of(&self, token: &Token, purpose: Purpose, id: SubscriberId, address: &EmailAddress) -> bool {
        match token.0 {
            Form::Tagged { tag, .. } => match self.claim(token, purpose) {
                Some(TokenClaim::Tagged(secret, _)) => secret.tag(address) == tag,
                _ => false,
            },
            Form::Numbered { id: claimed, mac } => {
                let is_made_by = |secret: &Secret| secret.numbered_mac(purpose, id, address).ct_eq(&mac).into();
                claimed == id && self.all().any(is_made_by)
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// A new secret, of 64 hexadecimal digits.
///
/// # Errors
/// When the machine gives no random numbers.
pub fn new_secret() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok().context("failed to make a secret: the system has no random numbers")?;
    Ok(hex(bytes))
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.all().count())
    }
}

/// Whose token it claims to be.
pub enum TokenClaim<'a> {
    /// Whoever has the address of that tag under the secret.
    Tagged(&'a Secret, Tag),
    /// The subscriber of that number.
    Numbered(SubscriberId),
}

/// What stands in a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token(Form);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Tagged {
        tag: Tag,
        mac: [u8; MAC],
    },
    /// As earlier versions made them.
    Numbered {
        id: SubscriberId,
        mac: [u8; NUMBERED_MAC],
    },
}

impl Token {
    /// Reads a token as it stands in a link; mail programs may have changed its case. `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        if text.len() == TOKEN_DIGITS {
            let (tag, mac) = text.split_at(2 * TAG);
            return Some(Self(Form::Tagged { tag: Tag(bytes(tag)?), mac: bytes(mac)? }));
        }
        let at = text.len().checked_sub(2 * NUMBERED_MAC).filter(|at| (1..=15).contains(at))?;
        let (id, mac) = text.split_at(at);
        let id = SubscriberId(i64::from_str_radix(id, 16).ok()?);
        Some(Self(Form::Numbered { id, mac: bytes(mac)? }))
    }
}

/// The bytes that these hexadecimal digits are.
fn bytes<const BYTES: usize>(digits: &str) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    for (byte, digits) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Tagged { tag, mac } => write!(f, "{tag}{}", hex(mac)),
            Form::Numbered { id, mac } => write!(f, "{:x}{}", id.0, hex(mac)),
        }
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
    fn a_token_is_one_persons_whatever_their_number_and_outlives_its_secret() {
        let (maren, lin) = (address("maren@example.org"), address("lin@example.org"));
        let token = secrets(OLD).token(Purpose::Unsubscribe, &maren);
        assert_eq!(token.to_string().len(), TOKEN_DIGITS);
        assert_eq!(Token::parse(&token.to_string().to_uppercase()), Some(token));
        assert_eq!(secrets(OLD).token(Purpose::Unsubscribe, &address("MAREN@example.org")), token);
        let rotated = secrets(&format!("{NEW}\n\n{OLD}\n"));
        for secrets in [&secrets(OLD), &rotated] {
            let Some(TokenClaim::Tagged(secret, tag)) = secrets.claim(&token, Purpose::Unsubscribe) else {
                panic!("not proved")
            };
            assert_eq!((secret.tag(&maren), secret.fingerprint()), (tag, secrets.all().last().unwrap().fingerprint()));
            for id in [1, 300].map(SubscriberId) {
                assert!(secrets.is_of(&token, Purpose::Unsubscribe, id, &maren));
                assert!(!secrets.is_of(&token, Purpose::Unsubscribe, id, &lin));
            }
        }
        assert!(secrets(NEW).claim(&token, Purpose::Unsubscribe).is_none());
        assert!(!secrets(NEW).is_of(&token, Purpose::Unsubscribe, SubscriberId(1), &maren));
        assert_ne!(rotated.token(Purpose::Unsubscribe, &maren), token);
        assert_ne!(secrets(OLD).first.fingerprint(), secrets(NEW).first.fingerprint());
        assert!(!OLD.contains(&secrets(OLD).first.fingerprint()));
    }

    #[test]
    fn a_token_of_an_earlier_version_is_still_its_subscribers() {
        // Of subscriber 300, maren@example.org, under the secret OLD.
        let (maren, id) = (address("maren@example.org"), SubscriberId(300));
        let token = Token::parse("12cf3242456737b4b4852be2ac67c3cfd40").unwrap();
        let secrets = secrets(&format!("{NEW}\n{OLD}"));
        assert!(matches!(secrets.claim(&token, Purpose::Unsubscribe), Some(TokenClaim::Numbered(SubscriberId(300)))));
        assert!(secrets.is_of(&token, Purpose::Unsubscribe, id, &address("MAREN@example.org")));
        assert!(!secrets.is_of(&token, Purpose::Unsubscribe, id, &address("lin@example.org")), "a store filled anew");
        assert!(!secrets.is_of(&token, Purpose::Unsubscribe, SubscriberId(301), &maren));
    }

    #[test]
    fn a_short_secret_is_none_and_none_is_shown() {
        assert!(Secrets::parse("").is_none() && Secrets::parse(&OLD[1..]).is_none());
        assert!(Secrets::parse(&format!("{OLD}\nshort")).is_none());
        assert_eq!(format!("{:?}", secrets(OLD)), "Secrets(1)");
    }

    proptest! {
        #[test]
        fn what_is_not_a_token_is_refused(text in "[0-9a-fA-F]{0,60}|\\PC{0,60}|[+-]?[0-9a-f]{33,48}|[0-9a-f]{48}") {
            if let Some(token) = Token::parse(&text) {
                prop_assert_eq!(Token::parse(&token.to_string()), Some(token));
                let id = match token.0 {
                    Form::Numbered { id, .. } => id,
                    Form::Tagged { .. } => SubscriberId(1),
                };
                prop_assert!(!secrets(OLD).is_of(&token, Purpose::Unsubscribe, id, &address("a@example.org")));
            }
        }
    }
}
