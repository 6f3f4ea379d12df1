//! The record of a DKIM key, at `SELECTOR._domainkey.DOMAIN`: RFC 6376 section 3.6.1.

use crate::authentication::tags::Tags;
use crate::dkim::{Algorithm, PublicKey};

/// A key record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key, or `None` if it was revoked.
    pub key: Option<PublicKey>,
    /// Whether the domain is in test mode (`t=y`): receivers treat the mail as unsigned.
    pub is_test: bool,
    /// Whether it accepts signatures with SHA-256 (`h=`).
    pub takes_sha256: bool,
    /// Whether it is for email (`s=`).
    pub is_for_mail: bool,
}

impl KeyRecord {
    /// Parses a record.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(record: &str) -> Result<Self, String> {
        let tags = Tags::parse(record)?;
        match (tags.value("v"), tags.first()) {
            (None, _) | (Some("DKIM1"), Some(("v", _))) => {}
            (Some("DKIM1"), _) => return Err("`v=DKIM1` is not the first tag".to_owned()),
            (Some(other), _) => return Err(format!("`v={other}` is not `v=DKIM1`")),
        }
        let algorithm = match tags.value("k") {
            None | Some("rsa") => Algorithm::Rsa,
            Some("ed25519") => Algorithm::Ed25519,
            Some(other) => return Err(format!("`k={other}` is not a known key type")),
        };
        let base64 = tags.value("p").ok_or("it contains no key (`p=`)")?;
        let base64: String = base64.split_ascii_whitespace().collect();
        let lists = |name: &str, wanted: &[&str]| {
            let names = |list: &str| list.split(':').any(|item| wanted.contains(&item.trim()));
            tags.value(name).map(names)
        };
        Ok(Self {
            key: (!base64.is_empty()).then_some(PublicKey { algorithm, base64 }),
            is_test: lists("t", &["y"]).unwrap_or(false),
            takes_sha256: lists("h", &["sha256"]).unwrap_or(true),
            is_for_mail: lists("s", &["*", "email"]).unwrap_or(true),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(record: &str) -> KeyRecord {
        KeyRecord::parse(record).unwrap()
    }

    #[test]
    fn whitespace_in_a_key_is_ignored() {
        let PublicKey { algorithm, base64 } = key("v=DKIM1; k=ed25519; p=11qY AYKx\tCrfV").key.unwrap();
        assert_eq!((algorithm, base64.as_str()), (Algorithm::Ed25519, "11qYAYKxCrfV"));
        assert_eq!(key("p=AAAA").key.unwrap().algorithm, Algorithm::Rsa);
        assert_eq!(key("v=DKIM1; p=").key, None);
    }

    #[test]
    fn flags_and_lists_are_parsed() {
        let plain = key("p=AAAA");
        assert!(!plain.is_test && plain.takes_sha256 && plain.is_for_mail);
        assert!(key("v=DKIM1; t=s:y; p=AAAA").is_test);
        assert!(!key("h=sha1; p=AAAA").takes_sha256);
        assert!(!key("s=tlsrpt; p=AAAA").is_for_mail);
    }

    #[test]
    fn an_invalid_key_record_says_why() {
        let why = |record: &str| KeyRecord::parse(record).unwrap_err();
        assert!(why("v=DKIM1; k=rsa").contains("`p=`"));
        assert!(why("v=DKIM2; p=AAAA").contains("`v=DKIM2`"));
        assert!(why("p=AAAA; v=DKIM1").contains("first"));
        assert!(why("k=dsa; p=AAAA").contains("`k=dsa`"));
    }

    #[test]
    fn the_record_we_suggest_is_accepted() {
        let (ours, _) = crate::dkim::Key::generate(Algorithm::Ed25519).unwrap();
        let public = ours.public();
        assert_eq!(key(&public.record()).key, Some(public));
    }
}
