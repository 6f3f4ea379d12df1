//! Who gets a message, and how that person can leave.

use std::sync::Arc;

use anyhow::{Context, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::edition::Options;
use crate::email::EmailAddress;
use crate::subscriber::{Subscriber, SubscriberId};
use crate::token::{self, Purpose, Secrets};

/// Everything but the unreserved characters of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL cannot be folded, and a line has at most 998 bytes (RFC 5322 section 2.1.1).
pub(super) const LONGEST_URL: usize = 900;

/// Who gets a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipient {
    /// Number in the store; 0 for somebody who is not in it.
    pub id: SubscriberId,
    /// Where it goes.
    pub address: EmailAddress,
    /// Display name, blank when unknown.
    pub name: String,
    /// Further columns of the subscriber list, for templates.
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

impl Recipient {
    /// A subscriber as a recipient.
    pub fn of(subscriber: &Subscriber) -> Self {
        Self {
            id: subscriber.id,
            address: subscriber.address.clone(),
            name: subscriber.name.clone(),
            attributes: subscriber.attributes.clone(),
        }
    }

    /// A recipient of whom only the address is known.
    pub fn of_address(address: EmailAddress) -> Self {
        Self { id: SubscriberId(0), address, name: String::new(), attributes: serde_json::Map::new() }
    }
}

/// The ways to leave that the project file offers.
#[derive(Debug, Clone, Default)]
pub struct Unsubscribe {
    /// The address of the page to leave at, before it says who leaves.
    page: Option<String>,
    mailto: Option<String>,
    /// Make the tokens that stand in place of `{token}`.
    secrets: Option<Arc<Secrets>>,
}

/// Stands for the recipient's token in the project file.
const TOKEN: &str = "{token}";

/// Stands for the recipient's address.
const ADDRESS: &str = "{address}";

/// The ways to leave for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// Page to leave at: an absolute URL in ASCII.
    pub url: Option<String>,
    /// `mailto:` with a subject.
    pub mailto: Option<String>,
    /// Whether a POST to `url` says who leaves: RFC 8058 section 3.1 wants HTTPS, and a URL that names the recipient.
    pub one_click: bool,
}

impl Unsubscribe {
    /// The ways to leave that the project file offers.
    ///
    /// # Errors
    /// When `mail.unsubscribe_url` is no URL.
    pub fn new(mail: &Options) -> anyhow::Result<Self> {
        let (page, mailto) = (mail.unsubscribe_url.clone(), mail.unsubscribe_mailto.clone());
        let unsubscribe = Self { page, mailto, secrets: None };
        unsubscribe.of(&Recipient::of_address(mail.from.address.clone()))?;
        Ok(unsubscribe)
    }

    /// The same, with what makes tokens.
    pub fn with_secrets(self, secrets: Arc<Secrets>) -> Self {
        Self { secrets: Some(secrets), ..self }
    }

    /// The ways to leave for one recipient. Where nothing makes tokens, an example of one stands in their place.
    ///
    /// # Errors
    /// When the page's address is no URL, or too long for a header.
    pub fn of(&self, recipient: &Recipient) -> anyhow::Result<Leave> {
        let token = match &self.secrets {
            Some(secrets) => secrets.token(Purpose::Leave, &recipient.address).to_string(),
            None => "0".repeat(token::DIGITS),
        };
        let url = self.page.as_ref().map(|page| page_of(page, &recipient.address, &token)).transpose()?;
        if url.as_ref().is_some_and(|url| url.len() > LONGEST_URL) {
            bail!("`mail.unsubscribe_url` is too long for a line of a message");
        }
        let is_personal = self.page.as_ref().is_some_and(|page| page.contains(ADDRESS) || page.contains(TOKEN));
        let one_click = is_personal && url.as_ref().is_some_and(|url| url.starts_with("https:"));
        let mailto = self.mailto.as_ref().map(|address| address.replace(TOKEN, &token).parse()).transpose();
        let mailto = mailto.context("`mail.unsubscribe_mailto` is no address")?;
        Ok(Leave { url, mailto: mailto.as_ref().map(mailto_uri), one_click })
    }
}

/// The page to leave at, as a URL is written, with who leaves in it.
fn page_of(page: &str, address: &EmailAddress, token: &str) -> anyhow::Result<String> {
    let address = utf8_percent_encode(address.as_str(), RESERVED).to_string();
    let url = page.replace(ADDRESS, &address).replace(TOKEN, token);
    Url::parse(&url).map(String::from).context("`mail.unsubscribe_url` is no URL")
}

impl Leave {
    /// The one link to show: the page, else the address.
    pub fn link(&self) -> Option<&str> {
        self.url.as_deref().or(self.mailto.as_deref())
    }

    /// The items of List-Unsubscribe (RFC 2369 section 3.2), in the order of preference.
    pub fn items(&self) -> Vec<String> {
        self.url.iter().chain(&self.mailto).map(|uri| format!("<{uri}>")).collect()
    }
}

fn mailto_uri(address: &EmailAddress) -> String {
    let local = utf8_percent_encode(address.local_part(), RESERVED).to_string().replace("%2B", "+");
    format!("mailto:{local}@{}?subject=unsubscribe", address.domain())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsubscribe(url: &str, mailto: Option<&str>) -> Unsubscribe {
        Unsubscribe { page: Some(url.to_owned()), mailto: mailto.map(str::to_owned), secrets: None }
    }

    fn recipient(address: &str) -> Recipient {
        Recipient { id: SubscriberId(300), ..Recipient::of_address(address.parse().unwrap()) }
    }

    #[test]
    fn an_address_is_percent_encoded_into_the_page() {
        let unsubscribe = unsubscribe("https://news.example.org/leave?who={address}", Some("leave+weekly@example.org"));
        let leave = unsubscribe.of(&recipient("a+b&c@example.org")).unwrap();
        assert_eq!(
            leave.items(),
            [
                "<https://news.example.org/leave?who=a%2Bb%26c%40example.org>",
                "<mailto:leave+weekly@example.org?subject=unsubscribe>"
            ]
        );
        assert!(leave.one_click);
    }

    #[test]
    fn a_token_says_who_leaves_and_no_address() {
        let secrets = Arc::new(Secrets::parse(&"s".repeat(32)).unwrap());
        let unsubscribe = unsubscribe("https://news.example.org/leave/{token}", Some("leave+{token}@example.org"));
        let unsubscribe = unsubscribe.with_secrets(Arc::clone(&secrets));
        let maren = recipient("maren@example.org");
        let leave = unsubscribe.of(&maren).unwrap();
        let token = secrets.token(Purpose::Leave, &maren.address);
        assert_eq!(
            leave.items(),
            [
                format!("<https://news.example.org/leave/{token}>"),
                format!("<mailto:leave+{token}@example.org?subject=unsubscribe>")
            ]
        );
        assert!(leave.one_click);
    }

    #[test]
    fn a_page_that_is_the_same_for_all_is_no_one_click() {
        let unsubscribe = unsubscribe("https://news.example.org/leave", None);
        assert!(!unsubscribe.of(&recipient("a@example.org")).unwrap().one_click);
    }
}
