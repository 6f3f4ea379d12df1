//! Who gets a message, and how that person can leave.

use anyhow::{Context, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::config::MailConfig;
use crate::email::EmailAddress;
use crate::subscriber::Subscriber;

/// Everything but the unreserved characters of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL cannot be folded, and a line has at most 998 bytes (RFC 5322 section 2.1.1).
pub(super) const LONGEST_URL: usize = 900;

/// Who gets a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipient {
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
            address: subscriber.address.clone(),
            name: subscriber.name.clone(),
            attributes: subscriber.attributes.clone(),
        }
    }

    /// A recipient of whom only the address is known.
    pub fn of_address(address: EmailAddress) -> Self {
        Self { address, name: String::new(), attributes: serde_json::Map::new() }
    }
}

/// The ways to leave that the project file offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsubscribe {
    url: Option<String>,
    mailto: Option<String>,
}

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
    pub fn new(mail: &MailConfig) -> anyhow::Result<Self> {
        let mailto = mail.unsubscribe_mailto.as_ref().map(mailto);
        let unsubscribe = Self { url: mail.unsubscribe_url.clone(), mailto };
        unsubscribe.of(&mail.from.address)?;
        Ok(unsubscribe)
    }

    /// Whether the ways differ from one recipient to the next.
    pub fn is_personal(&self) -> bool {
        self.url.as_ref().is_some_and(|url| url.contains("{address}"))
    }

    /// The ways to leave for one address.
    ///
    /// # Errors
    /// When the page's address is no URL, or too long for a header.
    pub fn of(&self, address: &EmailAddress) -> anyhow::Result<Leave> {
        let encoded = utf8_percent_encode(address.as_str(), RESERVED).to_string();
        let filled_in = self.url.as_ref().map(|url| url.replace("{address}", &encoded));
        let url = filled_in
            .map(|url| Url::parse(&url).map(String::from).context("`mail.unsubscribe_url` is no URL"))
            .transpose()?;
        if url.as_ref().is_some_and(|url| url.len() > LONGEST_URL) {
            bail!("`mail.unsubscribe_url` is too long for a line of a message");
        }
        let one_click = self.is_personal() && url.as_ref().is_some_and(|url| url.starts_with("https:"));
        Ok(Leave { url, mailto: self.mailto.clone(), one_click })
    }
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

fn mailto(address: &EmailAddress) -> String {
    let local = utf8_percent_encode(address.local_part(), RESERVED).to_string().replace("%2B", "+");
    format!("mailto:{local}@{}?subject=unsubscribe", address.domain())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_percent_encoded_into_the_page() {
        let unsubscribe = Unsubscribe {
            url: Some("https://news.example.org/leave?who={address}".to_owned()),
            mailto: Some(mailto(&"leave+weekly@example.org".parse().unwrap())),
        };
        let leave = unsubscribe.of(&"a+b&c@example.org".parse().unwrap()).unwrap();
        assert_eq!(
            leave.items(),
            [
                "<https://news.example.org/leave?who=a%2Bb%26c%40example.org>",
                "<mailto:leave+weekly@example.org?subject=unsubscribe>"
            ]
        );
        assert!(leave.one_click && unsubscribe.is_personal());
    }

    #[test]
    fn a_page_that_is_the_same_for_all_is_no_one_click() {
        let unsubscribe = Unsubscribe { url: Some("https://news.example.org/leave".to_owned()), mailto: None };
        assert!(!unsubscribe.of(&"a@example.org".parse().unwrap()).unwrap().one_click);
    }
}
