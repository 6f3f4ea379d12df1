//! An e-mail address, parsed once.
//!
//! Takes text as typed; gives an address whose domain is lower-case ASCII (A-labels, RFC 5890), so that it can be
//! compared, stored and put into an SMTP command as it is. It says nothing about whether anybody reads it.

use std::fmt;
use std::str::FromStr;

mod search;

/// A mailbox without a display name: RFC 5322 `addr-spec`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

/// Why text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// There is no `@` with something on both sides.
    #[error("it needs a name, an `@` and a domain")]
    Incomplete,
    /// The part before the `@` holds something RFC 5321 does not allow there, or is over 64 bytes.
    #[error("the part before the `@` is not allowed in an address")]
    LocalPart,
    /// The part after the `@` is no domain name.
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

    /// The whole address, fit for SMTP.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What two spellings of one subscriber's address have in common: all of it in lower case.
    pub fn key(&self) -> String {
        self.text.to_lowercase()
    }

    /// Whether a server needs SMTPUTF8 (RFC 6531) for it: the local part is not ASCII.
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

/// Whether a local part is beyond doubt: words of letters, digits, `-`, `_` and `+` with dots between them. Nearly every one
/// is, and lists of a million addresses wait for the rest of the rules.
fn is_plain_local(local: &str) -> bool {
    let is_word =
        |word: &[u8]| !word.is_empty() && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_+".contains(byte));
    local.len() <= 64 && local.as_bytes().split(|byte| *byte == b'.').all(is_word)
}

/// Whether a domain is beyond doubt, and as it is to be: lower-case labels without `--`, the last with letters only.
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

/// The domain in A-labels (UTS 46, strict), or `None` when it is none. Address literals are refused: no list uses them.
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
    /// Masked, so that no log or panic shows it whole.
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
        /// What is taken for granted is what the rules say.
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
    fn what_is_no_address_says_why() {
        assert_eq!(parse("reader"), Err(InvalidAddress::Incomplete));
        assert_eq!(parse("@example.org"), Err(InvalidAddress::Incomplete));
        assert_eq!(parse("a b@example.org"), Err(InvalidAddress::LocalPart));
        assert_eq!(parse("a@b@example.org"), Err(InvalidAddress::LocalPart));
        assert_eq!(parse("a@exa mple.org"), Err(InvalidAddress::Domain));
        assert_eq!(parse("a@example..org"), Err(InvalidAddress::Domain));
        assert_eq!(parse("a\r\nRCPT TO:<x@y.z>@example.org"), Err(InvalidAddress::LocalPart));
    }

    #[test]
    fn debug_and_masked_hide_the_person() {
        let address = parse("reader@example.org").unwrap();
        assert_eq!(format!("{address:?}"), "r...@example.org");
    }
}
