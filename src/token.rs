//! Tokens: the token in a link proves whom an email was sent to, without naming the address, and is good for one purpose.
//!
//! A token consists of a tag, which is a keyed hash of the address, and a MAC over it; both require a secret. Tokens of
//! earlier versions contain a subscriber's id instead of the tag: in a rebuilt store the id may be another subscriber's,
//! but the MAC then does not match. `store` finds the subscriber of a tag or id, `compose::secrets` reads the secrets.

use std::fmt;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

use crate::email::EmailAddress;
use crate::hex::hex;
use crate::subscriber::SubscriberId;

pub mod bounce_address;
pub mod envelope_id;

/// What a token is good for; it is not valid for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To unsubscribe (RFC 8058).
    Unsubscribe,
    /// To confirm a request to subscribe; bound to its time.
    Confirm,
    /// To be asked never again.
    Block,
    /// To undo an unsubscription.
    Return,
    /// To report what became of a letter.
    Bounce,
}

impl Purpose {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Unsubscribe => b"slugline token 2: leave",
            Self::Confirm => b"slugline token 2: confirm",
            Self::Block => b"slugline token 2: block",
            Self::Return => b"slugline token 2: return",
            Self::Bounce => b"slugline token 2: bounce",
        }
    }
}

/// The purpose of all tokens with an id.
const NUMBERED_NAME: &[u8] = b"slugline token 1: leave";

/// Hashed before an address to make its tag; no MAC of a token starts with it.
const TAG_LABEL: &[u8] = b"slugline tag 1";

/// Hashed to make the fingerprint of a secret.
const FINGERPRINT_LABEL: &[u8] = b"slugline fingerprint 1";

/// Hashed before a text to seal it.
const SEAL_LABEL: &[u8] = b"slugline seal 1";

/// Minimum length of a secret.
pub const MIN_SECRET_CHARS: usize = 32;

/// Length of a tag: among billions of addresses no two have the same 96 bits.
const TAG_BYTES: usize = 12;

/// Length of the MAC over a tag: guesses can only be tried online, and 2^96 are out of reach.
const MAC_BYTES: usize = 12;

/// Length of the MAC in a token with an id.
const NUMBERED_MAC_BYTES: usize = 16;

/// Length of a token in hexadecimal digits. Those with an id have at most 47.
pub const TOKEN_DIGITS: usize = 2 * (TAG_BYTES + MAC_BYTES);

/// Represents an address in a token: a keyed hash, which reveals nothing without the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag([u8; TAG_BYTES]);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0))
    }
}

/// One secret.
pub struct Secret(hmac::Key);

impl Secret {
    /// The tag of an address, whatever its spelling.
    pub fn tag(&self, address: &EmailAddress) -> Tag {
        Tag(self.hash(&[TAG_LABEL, &[0], address.key().as_bytes()]))
    }

    /// Identifies this secret without revealing it: 24 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        hex(self.hash::<TAG_BYTES>(&[FINGERPRINT_LABEL]))
    }

    fn mac(&self, purpose: Purpose, tag: Tag) -> [u8; MAC_BYTES] {
        self.hash(&[purpose.name(), &[0], &tag.0])
    }

    fn mac_at(&self, purpose: Purpose, tag: Tag, time: DateTime<Utc>) -> [u8; MAC_BYTES] {
        self.hash(&[purpose.name(), &[0], &tag.0, &time.timestamp_millis().to_be_bytes()])
    }

    fn seal(&self, text: &str) -> [u8; MAC_BYTES] {
        self.hash(&[SEAL_LABEL, &[0], text.as_bytes()])
    }

    fn numbered_mac(&self, id: SubscriberId, address: &EmailAddress) -> [u8; NUMBERED_MAC_BYTES] {
        self.hash(&[NUMBERED_NAME, &[0], &id.0.to_be_bytes(), address.key().as_bytes()])
    }

    /// The first bytes of HMAC-SHA-256 over the parts.
    fn hash<const BYTES: usize>(&self, parts: &[&[u8]]) -> [u8; BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        let digest = context.sign();
        std::array::from_fn(|at| digest.as_ref()[at])
    }
}

/// The secrets that make and verify tokens. They are never shown.
pub struct Secrets {
    current: Secret,
    previous: Vec<Secret>,
}

impl Secrets {
    /// Parses one secret per line. The first makes tokens, all verify them: put a new one before the old one, and links in
    /// earlier emails keep working. `None` if there is none or one is too short.
    pub fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let is_long_enough = |line: &&str| line.len() >= MIN_SECRET_CHARS;
        let mut secrets = lines.iter().map(|line| Secret(hmac::Key::new(hmac::HMAC_SHA256, line.as_bytes())));
        let current = secrets.next().filter(|_| lines.iter().all(is_long_enough))?;
        Some(Self { current, previous: secrets.collect() })
    }

    /// The token of an address: always the same, ASCII letters and digits, valid in URLs and addresses.
    pub fn token(&self, purpose: Purpose, address: &EmailAddress) -> Token {
        let tag = self.current.tag(address);
        Token(Form::Tagged { tag, mac: self.current.mac(purpose, tag) })
    }

    /// The token of an address at a time, in whole milliseconds: one of another time is not valid.
    pub fn token_at(&self, purpose: Purpose, address: &EmailAddress, time: DateTime<Utc>) -> Token {
        let tag = self.current.tag(address);
        Token(Form::Tagged { tag, mac: self.current.mac_at(purpose, tag, time) })
    }

    /// Whether `token_at` made the token for this address at this time.
    pub fn belongs_to_time(
        &self,
        token: &Token,
        purpose: Purpose,
        address: &EmailAddress,
        time: DateTime<Utc>,
    ) -> bool {
        let Form::Tagged { tag, mac } = token.0 else { return false };
        let is_made_by =
            |secret: &Secret| secret.tag(address) == tag && bool::from(secret.mac_at(purpose, tag, time).ct_eq(&mac));
        self.all().any(is_made_by)
    }

    /// A keyed hash of a text that may be shown: 24 hexadecimal digits.
    pub fn seal(&self, text: &str) -> String {
        hex(self.current.seal(text))
    }

    /// Whether a seal was made for this text.
    pub fn is_seal(&self, seal: &str, text: &str) -> bool {
        seal.len() == 2 * MAC_BYTES
            && bytes::<MAC_BYTES>(seal)
                .is_some_and(|seal| self.all().any(|secret| secret.seal(text).ct_eq(&seal).into()))
    }

    /// The tag of an address under the secret that makes tokens.
    pub fn tag(&self, address: &EmailAddress) -> Tag {
        self.current.tag(address)
    }

    /// Whom the token claims to be from. `None` if no secret made it for this purpose; a token with an id can only be
    /// verified with its subscriber, by `belongs_to`.
    pub fn claim(&self, token: &Token, purpose: Purpose) -> Option<TokenClaim<'_>> {
        match token.0 {
            Form::Tagged { tag, mac } => {
                let is_made_by = |secret: &&Secret| secret.mac(purpose, tag).ct_eq(&mac).into();
                Some(TokenClaim::Tagged(self.all().find(is_made_by)?, tag))
            }
            Form::Numbered { id, .. } => (purpose == Purpose::Unsubscribe).then_some(TokenClaim::Numbered(id)),
        }
    }

    /// Whether the token belongs to this subscriber.
    pub fn belongs_to(&self, token: &Token, purpose: Purpose, id: SubscriberId, address: &EmailAddress) -> bool {
        match token.0 {
            Form::Tagged { tag, .. } => match self.claim(token, purpose) {
                Some(TokenClaim::Tagged(secret, _)) => secret.tag(address) == tag,
                _ => false,
            },
            Form::Numbered { id: claimed, mac } => {
                let is_made_by = |secret: &Secret| secret.numbered_mac(id, address).ct_eq(&mac).into();
                purpose == Purpose::Unsubscribe && claimed == id && self.all().any(is_made_by)
            }
        }
    }

    /// All secrets, the one that makes tokens first.
    pub fn all(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

/// A new secret with 64 hexadecimal digits.
///
/// # Errors
/// When the system has no random numbers.
pub fn new_secret() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok().context("failed to create a secret: the system has no random numbers")?;
    Ok(hex(bytes))
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.all().count())
    }
}

/// Whom a token claims to be from.
pub enum TokenClaim<'a> {
    /// The subscriber whose address has this tag under the secret.
    Tagged(&'a Secret, Tag),
    /// The subscriber with this id.
    Numbered(SubscriberId),
}

/// A token as used in links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token(Form);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Tagged {
        tag: Tag,
        mac: [u8; MAC_BYTES],
    },
    /// Made by earlier versions.
    Numbered {
        id: SubscriberId,
        mac: [u8; NUMBERED_MAC_BYTES],
    },
}

impl Token {
    /// The tag of its address; `None` in tokens with an id.
    pub fn tag(&self) -> Option<Tag> {
        match self.0 {
            Form::Tagged { tag, .. } => Some(tag),
            Form::Numbered { .. } => None,
        }
    }

    /// Parses the token of a link, whose case mail programs may have changed; `None` if it is not a token.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        if text.len() == TOKEN_DIGITS {
            let (tag, mac) = text.split_at(2 * TAG_BYTES);
            return Some(Self(Form::Tagged { tag: Tag(bytes(tag)?), mac: bytes(mac)? }));
        }
        let at = text.len().checked_sub(2 * NUMBERED_MAC_BYTES).filter(|at| (1..=15).contains(at))?;
        let (id, mac) = text.split_at(at);
        let id = SubscriberId(i64::from_str_radix(id, 16).ok()?);
        Some(Self(Form::Numbered { id, mac: bytes(mac)? }))
    }
}

/// Decodes hexadecimal digits.
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
    fn a_token_belongs_to_one_address_under_any_id_and_outlives_its_secret() {
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
                assert!(secrets.belongs_to(&token, Purpose::Unsubscribe, id, &maren));
                assert!(!secrets.belongs_to(&token, Purpose::Unsubscribe, id, &lin));
            }
        }
        assert!(secrets(NEW).claim(&token, Purpose::Unsubscribe).is_none());
        assert!(!secrets(NEW).belongs_to(&token, Purpose::Unsubscribe, SubscriberId(1), &maren));
        assert_ne!(rotated.token(Purpose::Unsubscribe, &maren), token);
        assert_ne!(secrets(OLD).current.fingerprint(), secrets(NEW).current.fingerprint());
        assert!(!OLD.contains(&secrets(OLD).current.fingerprint()));
    }

    #[test]
    fn a_token_of_an_earlier_version_is_still_valid() {
        // Of subscriber 300, maren@example.org, under the secret OLD.
        let (maren, id) = (address("maren@example.org"), SubscriberId(300));
        let token = Token::parse("12cf3242456737b4b4852be2ac67c3cfd40").unwrap();
        let secrets = secrets(&format!("{NEW}\n{OLD}"));
        assert!(matches!(secrets.claim(&token, Purpose::Unsubscribe), Some(TokenClaim::Numbered(SubscriberId(300)))));
        assert!(secrets.belongs_to(&token, Purpose::Unsubscribe, id, &address("MAREN@example.org")));
        assert!(
            !secrets.belongs_to(&token, Purpose::Unsubscribe, id, &address("lin@example.org")),
            "a store filled anew"
        );
        assert!(!secrets.belongs_to(&token, Purpose::Unsubscribe, SubscriberId(301), &maren));
    }

    #[test]
    fn a_token_is_good_for_one_purpose_and_time() {
        let (maren, secrets) = (address("maren@example.org"), secrets(OLD));
        let (time, later) = (DateTime::from_timestamp_millis(1).unwrap(), DateTime::from_timestamp_millis(2).unwrap());
        let purposes = [Purpose::Unsubscribe, Purpose::Confirm, Purpose::Block, Purpose::Return, Purpose::Bounce];
        for made in purposes {
            let (plain, timed) = (secrets.token(made, &maren), secrets.token_at(made, &maren, time));
            assert_eq!(plain.tag(), Some(secrets.tag(&maren)));
            for used in purposes {
                assert_eq!(secrets.claim(&plain, used).is_some(), made == used);
                assert_eq!(secrets.belongs_to(&plain, used, SubscriberId(1), &maren), made == used);
                assert_eq!(secrets.belongs_to_time(&timed, used, &maren, time), made == used);
                assert!(secrets.claim(&timed, used).is_none());
                assert!(!secrets.belongs_to_time(&plain, used, &maren, time));
                assert!(!secrets.belongs_to_time(&timed, used, &maren, later));
                assert!(!secrets.belongs_to_time(&timed, used, &address("lin@example.org"), time));
            }
        }
    }

    #[test]
    fn a_short_secret_is_refused_and_secrets_are_not_shown() {
        assert!(Secrets::parse("").is_none() && Secrets::parse(&OLD[1..]).is_none());
        assert!(Secrets::parse(&format!("{OLD}\nshort")).is_none());
        assert_eq!(format!("{:?}", secrets(OLD)), "Secrets(1)");
    }

    proptest! {
        #[test]
        fn anything_but_a_token_is_refused(text in "[0-9a-fA-F]{0,60}|\\PC{0,60}|[+-]?[0-9a-f]{33,48}|[0-9a-f]{48}") {
            if let Some(token) = Token::parse(&text) {
                prop_assert_eq!(Token::parse(&token.to_string()), Some(token));
                let id = match token.0 {
                    Form::Numbered { id, .. } => id,
                    Form::Tagged { .. } => SubscriberId(1),
                };
                prop_assert!(!secrets(OLD).belongs_to(&token, Purpose::Unsubscribe, id, &address("a@example.org")));
            }
        }
    }
}
