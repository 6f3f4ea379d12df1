//! The unsubscribe links of a message: what List-Unsubscribe and the foot of an edition contain.
//!
//! Takes `mail.unsubscribe_url` and `mail.unsubscribe_mailto` and a recipient; returns the links, with the recipient's token or
//! address filled in. Tokens are made by `token`, the header field is written by `message`.

use std::sync::Arc;

use anyhow::{Context, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::edition::{Options, Recipient};
use crate::email::EmailAddress;
use crate::token::{self, Purpose, Secrets};

/// Everything except the unreserved characters of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL cannot be folded, and a line has at most 998 bytes (RFC 5322 section 2.1.1).
pub(super) const MAX_URL_BYTES: usize = 900;

/// The unsubscribe links as configured in the project file.
#[derive(Debug, Clone, Default)]
pub struct UnsubscribeLinks {
    /// `mail.unsubscribe_url`, with `{token}` and `{address}` not yet filled in.
    page: Option<String>,
    mailto: Option<String>,
    /// Make the tokens for `{token}`.
    secrets: Option<Arc<Secrets>>,
}

/// Placeholder for the recipient's token in the project file.
const TOKEN: &str = "{token}";

/// Placeholder for the recipient's address.
const ADDRESS: &str = "{address}";

/// Placeholder for the language of the mail.
const LANGUAGE: &str = "{language}";

/// The unsubscribe links of one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The unsubscribe page: an absolute URL in ASCII.
    pub url: Option<String>,
    /// A `mailto:` URI with a subject.
    pub mailto: Option<String>,
    /// Whether a POST to `url` unsubscribes: RFC 8058 section 3.1 requires HTTPS and a URL that identifies the recipient.
    pub one_click: bool,
}

impl UnsubscribeLinks {
    /// The links that the project file configures, in mail of this language (a BCP 47 tag).
    ///
    /// # Errors
    /// When `mail.unsubscribe_url` is not a valid URL.
    pub fn new(mail: &Options, language: &str) -> anyhow::Result<Self> {
        let language = utf8_percent_encode(language, RESERVED).to_string();
        let page = mail.unsubscribe_url.as_ref().map(|page| page.replace(LANGUAGE, &language));
        let mailto = mail.unsubscribe_mailto.clone();
        let unsubscribe = Self { page, mailto, secrets: None };
        unsubscribe.of(&Recipient::of_address(mail.from.address.clone()))?;
        Ok(unsubscribe)
    }

    /// Adds the secrets that make tokens.
    pub fn with_secrets(self, secrets: Arc<Secrets>) -> Self {
        Self { secrets: Some(secrets), ..self }
    }

    /// The links of one recipient. Without secrets they contain an example token.
    ///
    /// # Errors
    /// When the URL is invalid, or too long for a header.
    pub fn of(&self, recipient: &Recipient) -> anyhow::Result<Unsubscribe> {
        let token = match &self.secrets {
            Some(secrets) => secrets.token(Purpose::Unsubscribe, &recipient.address).to_string(),
            None => "0".repeat(token::TOKEN_DIGITS),
        };
        let url = self.page.as_ref().map(|page| page_of(page, &recipient.address, &token)).transpose()?;
        if url.as_ref().is_some_and(|url| url.len() > MAX_URL_BYTES) {
            bail!("`mail.unsubscribe_url` is too long for a header line");
        }
        let is_personal = self.page.as_ref().is_some_and(|page| page.contains(ADDRESS) || page.contains(TOKEN));
        let one_click = is_personal && url.as_ref().is_some_and(|url| url.starts_with("https:"));
        let mailto = self.mailto.as_ref().map(|address| address.replace(TOKEN, &token).parse()).transpose();
        let mailto = mailto.context("`mail.unsubscribe_mailto` is not a valid address")?;
        Ok(Unsubscribe { url, mailto: mailto.as_ref().map(|address| mailto_uri(address, "unsubscribe")), one_click })
    }
}

/// The normalized URL of the unsubscribe page, with the recipient filled in.
fn page_of(page: &str, address: &EmailAddress, token: &str) -> anyhow::Result<String> {
    let address = utf8_percent_encode(address.as_str(), RESERVED).to_string();
    let url = page.replace(ADDRESS, &address).replace(TOKEN, token);
    Url::parse(&url).map(String::from).context("`mail.unsubscribe_url` is not a valid URL")
}

impl Unsubscribe {
    /// The link to show: the page, or else the address.
    pub fn link(&self) -> Option<&str> {
        self.url.as_deref().or(self.mailto.as_deref())
    }

    /// The items of List-Unsubscribe (RFC 2369 section 3.2), in order of preference.
    pub fn items(&self) -> Vec<String> {
        self.url.iter().chain(&self.mailto).map(|uri| format!("<{uri}>")).collect()
    }
}

/// A URI (RFC 6068) that opens a message to an address with this subject, a word.
pub fn mailto_uri(address: &EmailAddress, subject: &str) -> String {
    let local = utf8_percent_encode(address.local_part(), RESERVED).to_string().replace("%2B", "+");
    format!("mailto:{local}@{}?subject={subject}", address.domain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscriber::SubscriberId;

    fn unsubscribe(url: &str, mailto: Option<&str>) -> UnsubscribeLinks {
        UnsubscribeLinks { page: Some(url.to_owned()), mailto: mailto.map(str::to_owned), secrets: None }
    }

    fn recipient(address: &str) -> Recipient {
        Recipient { id: SubscriberId(300), ..Recipient::of_address(address.parse().unwrap()) }
    }

    #[test]
    fn an_address_is_percent_encoded_into_the_page() {
        let unsubscribe = unsubscribe("https://news.example.org/leave?who={address}", Some("leave+weekly@example.org"));
        let unsubscribe = unsubscribe.of(&recipient("a+b&c@example.org")).unwrap();
        assert_eq!(
            unsubscribe.items(),
            [
                "<https://news.example.org/leave?who=a%2Bb%26c%40example.org>",
                "<mailto:leave+weekly@example.org?subject=unsubscribe>"
            ]
        );
        assert!(unsubscribe.one_click);
    }

    #[test]
    fn a_token_identifies_the_recipient_without_the_address() {
        let secrets = Arc::new(Secrets::parse(&"s".repeat(32)).unwrap());
        let unsubscribe = unsubscribe("https://news.example.org/leave/{token}", Some("leave+{token}@example.org"));
        let unsubscribe = unsubscribe.with_secrets(Arc::clone(&secrets));
        let maren = recipient("maren@example.org");
        let unsubscribe = unsubscribe.of(&maren).unwrap();
        let token = secrets.token(Purpose::Unsubscribe, &maren.address);
        assert_eq!(
            unsubscribe.items(),
            [
                format!("<https://news.example.org/leave/{token}>"),
                format!("<mailto:leave+{token}@example.org?subject=unsubscribe>")
            ]
        );
        assert!(unsubscribe.one_click);
    }

    #[test]
    fn a_page_knows_the_language_of_the_mail() {
        let project = "title: T\nbase_url: https://example.org\nmail:\n  from: weekly@example.org\n  \
                       unsubscribe_url: https://example.org/leave/{token}?in={language}\n";
        let mail = crate::config::Config::parse("slugline.yaml", project).unwrap().mail.unwrap();
        let links = UnsubscribeLinks::new(&mail.edition, "zh-Hant").unwrap();
        let url = links.of(&recipient("a@example.org")).unwrap().url.unwrap();
        assert_eq!(url, format!("https://example.org/leave/{}?in=zh-Hant", "0".repeat(token::TOKEN_DIGITS)));
    }

    #[test]
    fn a_page_that_is_the_same_for_all_is_not_one_click() {
        let unsubscribe = unsubscribe("https://news.example.org/leave", None);
        assert!(!unsubscribe.of(&recipient("a@example.org")).unwrap().one_click);
    }
}
