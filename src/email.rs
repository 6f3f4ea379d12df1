//! An email address, parsed once.
//!
//! Takes text as typed; returns an address whose domain is lower-case ASCII (A-labels, RFC 5890), ready to be compared, stored
//! and sent in an SMTP command. Whether the mailbox exists is not checked.

use std::fmt;
use std::str::FromStr;

mod search;

/// A mailbox without a display name: RFC 5322 `addr-spec`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

/// Why a text is not an email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// There is no `@` with text on both sides.
    #[error("it needs a name, an `@` and a domain")]
    Incomplete,
    /// The part before the `@` is not allowed by RFC 5321, or longer than 64 bytes.
    #[error("the part before the `@` is not allowed in an address")]
    LocalPart,
    /// The part after the `@` is not a domain name.
    #[error("the part after the `@` is not a domain name")]
    Domain,
}

impl EmailAddress {
    /// The part before the `@`, as given.
    pub fn local_part(&self) -> &str {
        &self.text[..self.at]
    }

    /// The part after the `@`: lower-case A-labels.
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// The address, as used in SMTP.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same for all spellings of an address: lower case.
    pub fn key(&self) -> String {
        self.text.to_lowercase()
    }

    /// Whether the server must support SMTPUTF8 (RFC 6531), because the local part is not ASCII.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part().is_ascii()
    }

    /// The address for logs and messages: the first character, three dots, the domain.
    pub fn masked(&self) -> String {
        let first = self.local_part().chars().next().unwrap_or('?');
        format!("{first}...@{}", self.domain())
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidAddress::Incomplete)?;
        if local.is_empty() || domain.is_empty() {
            return Err(InvalidAddress::Incomplete);
        }
        if is_plain_local(local) && is_plain_domain(domain) {
            return Ok(Self { text: text.to_owned(), at: local.len() });
        }
        let domain = ascii_domain(domain).ok_or(InvalidAddress::Domain)?;
        lettre::Address::new(local, &domain).map_err(|_| InvalidAddress::LocalPart)?;
        Ok(Self { text: format!("{local}@{domain}"), at: local.len() })
    }
}

/// Whether a local part is obviously valid: words of letters, digits, `-`, `_` and `+` with dots between them. Nearly all are,
/// and the remaining rules are slow for a million addresses.
fn is_plain_local(local: &str) -> bool {
    let is_word =
        |word: &[u8]| !word.is_empty() && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_+".contains(byte));
    local.len() <= 64 && local.as_bytes().split(|byte| *byte == b'.').all(is_word)
}

/// Whether a domain is obviously valid and normalized: lower-case labels without `--`, the last one only letters.
fn is_plain_domain(domain: &str) -> bool {
    let is_label = |label: &[u8]| {
        let ends = [label.first(), label.last()];
        label.len() <= 63
            && ends.iter().all(|end| end.is_some_and(|byte| *byte != b'-'))
            && label.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
            && !label.windows(2).any(|pair| pair == b"--")
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.len() <= 253
        && last.bytes().all(|byte| byte.is_ascii_lowercase())
        && domain.as_bytes().split(|byte| *byte == b'.').all(is_label)
}

/// The domain in A-labels (UTS 46, strict), or `None` if it is invalid. Address literals are refused: no list uses them.
fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let plain = ascii.split('.').all(|label| !label.is_empty());
    plain.then_some(ascii)
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for EmailAddress {
    /// Masked, so that no log or panic shows the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<EmailAddress, InvalidAddress> {
        text.parse()
    }

    proptest! {
        /// The fast path accepts only what the rules accept.
        #[test]
        fn plain_addresses_are_addresses(local in "[a-zA-Z0-9._+-]{1,9}|[a.]{60,70}", domain in "([a-c0-1-]{1,6}[.]){0,3}[a-z0-9-]{1,3}|[a.]{250,256}|a{60,66}[.]a") {
            if is_plain_local(&local) && is_plain_domain(&domain) {
                prop_assert_eq!(ascii_domain(&domain), Some(domain.clone()));
                prop_assert!(lettre::Address::new(local.as_str(), domain.as_str()).is_ok());
            }
        }
    }

    #[test]
    fn an_international_domain_becomes_a_labels() {
        let address = parse(" Reader@例え.JP ").unwrap();
        assert_eq!(address.as_str(), "Reader@xn--r8jz45g.jp");
        assert_eq!(address.key(), "reader@xn--r8jz45g.jp");
        assert!(!address.needs_smtputf8());
    }

    #[test]
    fn an_invalid_address_reports_why() {
        assert_eq!(parse("reader"), Err(InvalidAddress::Incomplete));
        assert_eq!(parse("@example.org"), Err(InvalidAddress::Incomplete));
        assert_eq!(parse("a b@example.org"), Err(InvalidAddress::LocalPart));
        assert_eq!(parse("a@b@example.org"), Err(InvalidAddress::LocalPart));
        assert_eq!(parse("a@exa mple.org"), Err(InvalidAddress::Domain));
        assert_eq!(parse("a@example..org"), Err(InvalidAddress::Domain));
        assert_eq!(parse("a\r\nRCPT TO:<x@y.z>@example.org"), Err(InvalidAddress::LocalPart));
    }

    #[test]
    fn debug_and_masked_hide_the_address() {
        let address = parse("reader@example.org").unwrap();
        assert_eq!(format!("{address:?}"), "r...@example.org");
    }
}
