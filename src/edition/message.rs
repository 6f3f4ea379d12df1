//! The message for one recipient: RFC 5322 header, then the body that all recipients share.
//!
//! Fields that are the same for all are encoded once per edition; To, Date, Message-ID and List-Unsubscribe are added for each
//! recipient. The same recipient and date always yield the same bytes. `dkim` signs, `delivery` sends.

use anyhow::bail;
use chrono::{DateTime, Datelike as _, Utc};
use sha2::{Digest, Sha256};
use url::Url;

use crate::edition::render::EncodedParts;
use crate::edition::{Options, header};
use crate::edition::{
    Recipient,
    unsubscribe::{MAX_URL_BYTES, Unsubscribe},
};
use crate::email::EmailAddress;
use crate::hex::hex;

/// The issue or digest that messages contain.
#[derive(Debug, Clone, Copy)]
pub struct ContentRef<'a> {
    /// Makes their Message-IDs differ from those of other issues and digests.
    pub id: &'a str,
    /// Its address on the web.
    pub archived_at: Option<&'a Url>,
}

/// The header of the messages of one edition.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// From.
    before: String,
    /// Reply-To, if there is one.
    reply_to: String,
    /// Everything from List-Id on.
    after: String,
    /// SHA-256 of the content's id.
    content_hash: [u8; 32],
    domain: String,
}

impl Header {
    /// Encodes the fields that are the same for every recipient.
    ///
    /// # Errors
    /// When an address of the project file needs SMTPUTF8.
    pub fn new(mail: &Options, content: &ContentRef<'_>, language: &str) -> anyhow::Result<Self> {
        Self::with_fields(mail, content.id, after(mail, content.archived_at, language))
    }

    /// The header of one transactional message, which is no list mail. `id` makes its Message-ID differ from all others.
    ///
    /// # Errors
    /// As `new`.
    pub fn of_transactional(mail: &Options, id: &str, language: &str) -> anyhow::Result<Self> {
        Self::with_fields(mail, id, AUTOMATIC.to_owned() + &content_language(language))
    }

    /// The header with another Reply-To, an ASCII address.
    pub fn with_reply_to(self, address: &EmailAddress) -> Self {
        Self { reply_to: header::mailbox("Reply-To", None, address), ..self }
    }

    fn with_fields(mail: &Options, id: &str, after: String) -> anyhow::Result<Self> {
        let from = &mail.from;
        check_ascii(&from.address, "mail.from")?;
        let mut reply_to = String::new();
        if let Some(mailbox) = &mail.reply_to {
            check_ascii(&mailbox.address, "mail.reply_to")?;
            reply_to = header::mailbox("Reply-To", mailbox.name.as_deref(), &mailbox.address);
        }
        Ok(Self {
            before: header::mailbox("From", from.name.as_deref(), &from.address),
            reply_to,
            after,
            content_hash: Sha256::digest(id).into(),
            domain: from.address.domain().to_owned(),
        })
    }

    /// The complete message for one recipient; lines end in CRLF. `date` is the time of the first attempt, `subject` the field
    /// with its CRLF, `id` the Message-ID. The message is ASCII unless the address is not: then To contains it as UTF-8 (RFC 6532
    /// section 3.2), and only a server with SMTPUTF8 accepts the message.
    pub fn message(
        &self,
        recipient: &Recipient,
        unsubscribe: &Unsubscribe,
        date: DateTime<Utc>,
        subject: &str,
        id: &str,
        encoded: &EncodedParts<'_>,
    ) -> Vec<u8> {
        let mut head = String::new();
        head.push_str(&self.before);
        head.push_str(&header::mailbox("To", Some(&recipient.name), &recipient.address));
        head.push_str(&self.reply_to);
        head.push_str(subject);
        head.extend(["Date: ", &written(date), "\r\n"]);
        head.extend(["Message-ID: <", id, ">\r\n"]);
        head.push_str("MIME-Version: 1.0\r\n");
        head.push_str(encoded.body.content_type());
        let links = unsubscribe.items();
        if !links.is_empty() {
            head.push_str(&header::list("List-Unsubscribe", &links));
        }
        if unsubscribe.one_click {
            head.push_str("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
        }
        head.push_str(&self.after);
        head.push_str("\r\n");
        let mut message = head.into_bytes();
        encoded.body.write(&encoded.values, &mut message);
        message
    }

    /// RFC 5322 section 3.6.4: the same for every attempt at one edition and recipient, different for all others.
    pub fn message_id(&self, address: &EmailAddress) -> String {
        id_of(self.content_hash, address, &self.domain)
    }

    /// RFC 5322 section 3.6.4: a test has a unique id, because mail programs drop a message whose id they have seen before.
    /// `message` is the test with any id, `time` the time of sending.
    pub fn test_id(&self, message: &[u8], time: DateTime<Utc>) -> String {
        let nanoseconds = i128::from(time.timestamp()) * 1_000_000_000 + i128::from(time.timestamp_subsec_nanos());
        let test = Sha256::new().chain_update(message).chain_update(nanoseconds.to_be_bytes()).finalize();
        format!("test.{}.{}@{}", hex(&self.content_hash[..8]), hex(&test[..16]), self.domain)
    }
}

/// The Message-ID of the message with this content, as `ContentRef::id` names it, to an address.
pub fn message_id(content: &str, address: &EmailAddress, domain: &str) -> String {
    id_of(Sha256::digest(content).into(), address, domain)
}

fn id_of(content_hash: [u8; 32], address: &EmailAddress, domain: &str) -> String {
    let recipient = Sha256::new().chain_update(content_hash).chain_update(address.key()).finalize();
    format!("{}.{}@{domain}", hex(&content_hash[..8]), hex(&recipient[..16]))
}

/// RFC 5322 section 3.3, with a day of two digits.
fn written(date: DateTime<Utc>) -> String {
    let text = date.to_rfc2822();
    if date.day() < 10 { text.replacen(", ", ", 0", 1) } else { text }
}

/// The fields of all mail that a program writes: RFC 3834 section 5, and what Exchange checks instead.
const AUTOMATIC: &str = "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\n";

/// The fields that identify list mail to programs: RFC 2919, RFC 5064, `AUTOMATIC`, and what old autoresponders check.
fn after(mail: &Options, archived_at: Option<&Url>, language: &str) -> String {
    let mut after = String::new();
    if let Some(list) = &mail.list_id {
        after.push_str(&header::list_id(list.name.as_deref(), &list.id));
    }
    if let Some(permalink) = archived_at.filter(|permalink| permalink.as_str().len() <= MAX_URL_BYTES) {
        after.push_str(&header::list("Archived-At", &[format!("<{permalink}>")]));
    }
    after + AUTOMATIC + "Precedence: bulk\r\n" + &content_language(language)
}

/// RFC 3282; empty if the language is not a tag.
fn content_language(language: &str) -> String {
    let is_tag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if language.is_empty() || language.len() > 35 || !language.bytes().all(is_tag) {
        return String::new();
    }
    format!("Content-Language: {language}\r\n")
}

fn check_ascii(address: &EmailAddress, key: &str) -> anyhow::Result<()> {
    if address.needs_smtputf8() {
        bail!(
            "the address in `{key}` has non-ASCII characters before the `@`, which only servers with SMTPUTF8 accept"
        );
    }
    Ok(())
}
