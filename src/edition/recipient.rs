//! Who gets a message, and how that person can leave.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Position, Url};

use crate::edition::Options;
use crate::email::EmailAddress;
use crate::subscriber::{Subscriber, SubscriberId};
use crate::token::{Purpose, Secrets};

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
    page: Option<Page>,
    mailto: Option<String>,
    /// Make the tokens that stand in place of `{token}`.
    secrets: Option<Arc<Secrets>>,
}

/// The address of the page to leave at, before it says who leaves.
#[derive(Debug, Clone)]
struct Page {
    /// As the project file has it, or as a URL is written.
    url: String,
    /// The latter, so that it is still one with the recipient's own in it.
    is_normal: bool,
    is_personal: bool,
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
        let page = mail.unsubscribe_url.as_deref().map(Page::new);
        let unsubscribe = Self { page, mailto: mail.unsubscribe_mailto.clone(), secrets: None };
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
        const EXAMPLE: &str = "000000000000000000000000000000000";
        let secret =
            |secrets: &Arc<Secrets>| secrets.token(Purpose::Leave, recipient.id, &recipient.address).to_string();
        let token = self.secrets.as_ref().map_or(Cow::Borrowed(EXAMPLE), |secrets| Cow::Owned(secret(secrets)));
        let url = self.page.as_ref().map(|page| page.of(&recipient.address, &token)).transpose()?;
        if url.as_ref().is_some_and(|url| url.len() > LONGEST_URL) {
            bail!("`mail.unsubscribe_url` is too long for a line of a message");
        }
        let one_click = self.page.as_ref().is_some_and(|page| page.is_personal)
            && url.as_ref().is_some_and(|url| url.starts_with("https:"));
        let mailto = self.mailto.as_ref().map(|address| address.replace(TOKEN, &token).parse()).transpose();
        let mailto = mailto.context("`mail.unsubscribe_mailto` is no address")?;
        Ok(Leave { url, mailto: mailto.as_ref().map(mailto_uri), one_click })
    }
}

impl Page {
    fn new(url: &str) -> Self {
        let is_personal = [ADDRESS, TOKEN].iter().any(|own| url.contains(own));
        let normal = normal(url).filter(|_| is_personal);
        Self { is_normal: normal.is_some(), url: normal.unwrap_or_else(|| url.to_owned()), is_personal }
    }

    fn of(&self, address: &EmailAddress, token: &str) -> anyhow::Result<String> {
        let mut url = Cow::Borrowed(&self.url);
        if url.contains(ADDRESS) {
            url = Cow::Owned(url.replace(ADDRESS, &utf8_percent_encode(address.as_str(), RESERVED).to_string()));
        }
        if url.contains(TOKEN) {
            url = Cow::Owned(url.replace(TOKEN, token));
        }
        let url = url.into_owned();
        if self.is_normal {
            return Ok(url);
        }
        Url::parse(&url).map(String::from).context("`mail.unsubscribe_url` is no URL")
    }
}

/// The address as a URL is written, where who leaves is named behind the host, which nothing they are called can change.
fn normal(url: &str) -> Option<String> {
    const STAND_INS: [(&str, &str); 2] = [(ADDRESS, "slugline-address%40"), (TOKEN, "slugline-token")];
    let count = |text: &str, what| text.matches(what).count();
    let stood_in = STAND_INS.iter().fold(url.to_owned(), |url, (own, stand_in)| url.replace(own, stand_in));
    let parsed = Url::parse(&stood_in).ok().filter(Url::has_host)?;
    let behind_host = &parsed[Position::BeforePath..];
    let are_there = STAND_INS.iter().all(|(own, stand_in)| count(behind_host, *stand_in) == count(url, *own));
    let written = String::from(parsed.clone());
    are_there.then(|| STAND_INS.iter().fold(written, |url, (own, stand_in)| url.replace(stand_in, own)))
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
        Unsubscribe { page: Some(Page::new(url)), mailto: mailto.map(str::to_owned), secrets: None }
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
        let token = secrets.token(Purpose::Leave, maren.id, &maren.address);
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
    fn an_address_is_written_as_a_url_is_wherever_it_says_who_leaves() {
        for (url, is_normal) in [
            ("HTTPS://News.Example.org/a/../b c/{token}?w={address}#{address}", true),
            ("https://例え.example.org:443/é/{address}/{address}", true),
            ("https://{token}.example.org/{token}", false),
            ("https://example.org/leave", false),
            ("mailto:{address}", false),
            ("https://example.org/slugline-token/{token}", false),
        ] {
            let page = Page::new(url);
            assert_eq!(page.is_normal, is_normal, "{url}");
            for address in ["a.b@example.org", "..@example.org", "a+b&c/d%@example.org"] {
                let Ok(address) = address.parse::<EmailAddress>() else { continue };
                let parsed = Page { url: url.to_owned(), is_normal: false, is_personal: true }.of(&address, "aZ09-_");
                assert_eq!(page.of(&address, "aZ09-_").unwrap(), parsed.unwrap());
            }
        }
    }

    #[test]
    fn a_page_that_is_the_same_for_all_is_no_one_click() {
        let unsubscribe = unsubscribe("https://news.example.org/leave", None);
        assert!(!unsubscribe.of(&recipient("a@example.org")).unwrap().one_click);
    }
}
