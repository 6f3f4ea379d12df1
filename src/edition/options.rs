//! The options of editions: keys below `mail`.

use crate::email::EmailAddress;
use crate::issue::Extent;

/// Options for the content and header of messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The header field From.
    pub from: Mailbox,
    /// The header field Reply-To.
    pub reply_to: Option<Mailbox>,
    /// The header field List-Id (RFC 2919): display name and dotted identifier.
    pub list_id: Option<ListId>,
    /// The subject template of an issue's edition.
    pub subject: String,
    /// The subject template of a digest.
    pub digest_subject: String,
    /// How much of each issue a digest contains.
    pub digest_content: Extent,
    /// How pictures are included.
    pub images: Images,
    /// Address for unsubscribe requests, in List-Unsubscribe and the link at the foot. `{token}` becomes the recipient's
    /// token.
    pub unsubscribe_mailto: Option<String>,
    /// URL of the unsubscribe page; `{token}` becomes the recipient's token, `{address}` the percent-encoded address.
    pub unsubscribe_url: Option<String>,
    /// Where those can subscribe to whom an email was forwarded; the publication's home page if there is nothing better.
    pub subscribe_url: Option<String>,
    /// The lines of the sender's postal address, shown at the foot.
    pub postal_address: Vec<String>,
}

/// How an edition includes pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// Mail programs load them from the web.
    Link,
    /// Pictures of the project are part of the message.
    Embed {
        /// Maximum total size of the files of one edition.
        max_bytes: u64,
    },
}

/// A display name and an address: RFC 5322 `mailbox`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mailbox {
    /// Display name, if any.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

/// RFC 2919: `Name <label.example.org>`.
#[derive(Debug, Clone, PartialEq)]
pub struct ListId {
    /// Display name, if any.
    pub name: Option<String>,
    /// Dotted ASCII identifier.
    pub id: String,
}
