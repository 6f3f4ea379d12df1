//! What the project file says of the messages themselves: keys below `mail`.

use crate::email::EmailAddress;
use crate::issue::Extent;

/// What messages look like, and how their readers can leave.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Header From.
    pub from: Mailbox,
    /// Header Reply-To.
    pub reply_to: Option<Mailbox>,
    /// Header List-Id (RFC 2919): display name and dotted identifier.
    pub list_id: Option<ListId>,
    /// Template of the subject of an issue's mail.
    pub subject: String,
    /// Template of the subject of a digest.
    pub digest_subject: String,
    /// How much of each issue a digest holds.
    pub digest_content: Extent,
    /// What becomes of pictures.
    pub images: Images,
    /// Address that takes requests to leave: List-Unsubscribe, and the link at the foot of the mail. `{token}` in it
    /// becomes the recipient's token.
    pub unsubscribe_mailto: Option<String>,
    /// URL of a page to leave at; `{token}` in it becomes the recipient's token, `{address}` the address,
    /// percent-encoded.
    pub unsubscribe_url: Option<String>,
    /// The sender's postal address, line by line; it stands at the foot of the mail.
    pub postal_address: Vec<String>,
}

/// What becomes of the pictures in a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// Mail programs load them from the web.
    Link,
    /// The project's own travel with the mail.
    Embed {
        /// Bytes that the files of one mail may have together.
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
