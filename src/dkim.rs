//! DKIM signatures (RFC 6376, RFC 8463): proof that a message comes from the sender's domain, unchanged.
//!
//! Takes a finished message with its transfer encoding applied, and parsed keys; returns the message preceded by one
//! signature per key. The same message, keys and time yield the same bytes. DNS lookups are left to `diagnosis`.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use memchr::memmem;

use crate::dkim::canon::{Field, body_hash, fields, relaxed};

pub use crate::dkim::key::{Algorithm, Key, PublicKey};

mod canon;
mod der;
mod generate;
pub mod key;

/// Fields that are signed if present: those of RFC 6376 section 5.4.1, and those of RFC 8058 section 4.
const SIGNED_FIELDS: [&str; 18] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Language",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Archive",
    "Archived-At",
    "Feedback-ID",
    "Auto-Submitted",
    "Precedence",
];

/// Fields signed once more than they occur, so that adding another breaks the signature (RFC 6376 section 8.15).
const OVERSIGNED_FIELDS: [&str; 8] =
    ["From", "To", "Subject", "Date", "Reply-To", "Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post"];

/// RFC 5322 section 2.1.1: a line should have at most 78 characters.
const MAX_LINE_LENGTH: usize = 76;

/// Signs the messages of one sender.
pub struct Signer {
    signatures: Vec<Signature>,
}

/// One key, and the location of its public half in the DNS.
#[derive(Debug)]
pub struct Signature {
    /// The signing domain (`d=`).
    pub domain: String,
    /// The selector of the key (`s=`).
    pub selector: String,
    /// The key.
    pub key: Key,
}

/// The location of a signing key, and of its public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// The selector: the record is at `SELECTOR._domainkey.DOMAIN`.
    pub selector: String,
    /// The signing domain, as A-labels.
    pub domain: String,
    /// PEM file of the private key, relative to the project folder.
    pub key_file: PathBuf,
}

impl Signer {
    /// Signs with each of these keys; without keys, messages are unchanged.
    pub fn new(signatures: Vec<Signature>) -> Self {
        Self { signatures }
    }

    /// Whether there is a key.
    pub fn signs(&self) -> bool {
        !self.signatures.is_empty()
    }

    /// The message preceded by its signatures. `time` is their timestamp (`t=`).
    ///
    /// # Errors
    /// If the message has no body, or a key fails to sign.
    pub fn sign(&self, message: Vec<u8>, time: DateTime<Utc>) -> anyhow::Result<Vec<u8>> {
        if !self.signs() {
            return Ok(message);
        }
        const END: &[u8] = b"\r\n\r\n";
        let end = memmem::find(&message, END).context("the message has no body")?;
        let head = std::str::from_utf8(&message[..end + 2]).context("the header is not UTF-8")?;
        let fields = fields(head);
        let body_hash = STANDARD.encode(body_hash(&message[end + END.len()..]));
        let mut signed = Vec::with_capacity(message.len() + self.signatures.len() * 800);
        for signature in &self.signatures {
            signed.extend_from_slice(signature.field(&fields, &body_hash, time)?.as_bytes());
        }
        signed.extend_from_slice(&message);
        Ok(signed)
    }
}

impl Signature {
    /// The DKIM-Signature field with its CRLF (RFC 6376 section 3.5).
    fn field(&self, fields: &[Field<'_>], body_hash: &str, time: DateTime<Utc>) -> anyhow::Result<String> {
        let mut signed = Vec::new();
        let mut data = String::with_capacity(2048);
        for name in SIGNED_FIELDS {
            // Fields of the same name are signed from last to first (section 5.4.2).
            for field in fields.iter().rev().filter(|field| field.name.eq_ignore_ascii_case(name)) {
                signed.push(name);
                data.push_str(&relaxed(field));
                data.push_str("\r\n");
            }
            if OVERSIGNED_FIELDS.contains(&name) {
                signed.push(name);
            }
        }
        let mut value = format!(
            " v=1; a={}; c=relaxed/relaxed; d={};\r\n s={}; t={};\r\n h=",
            self.key.algorithm().name(),
            self.domain,
            self.selector,
            time.timestamp()
        );
        write_list(&mut value, &signed);
        let _ = write!(value, ";\r\n bh={body_hash};\r\n b=");
        data.push_str(&relaxed(&Field { name: "DKIM-Signature", value: &value }));
        let signature = STANDARD.encode(self.key.sign(data.as_bytes())?);
        Ok(format!("DKIM-Signature:{value}{}\r\n", folded(&signature)))
    }
}

/// Writes the names separated by colons, folded after a colon.
fn write_list(value: &mut String, names: &[&str]) {
    let mut length = " h=".len();
    for (index, name) in names.iter().enumerate() {
        let colon = if index + 1 < names.len() { ":" } else { "" };
        if length + name.len() + colon.len() > MAX_LINE_LENGTH {
            value.push_str("\r\n ");
            length = 1;
        }
        value.push_str(name);
        value.push_str(colon);
        length += name.len() + colon.len();
    }
}

/// Folds Base64 into lines; whitespace is ignored there (section 3.5, `b=`).
fn folded(base64: &str) -> String {
    let mut lines = String::with_capacity(base64.len() + base64.len() / MAX_LINE_LENGTH * 3 + 3);
    let first = base64.len().min(MAX_LINE_LENGTH - " b=".len());
    lines.push_str(&base64[..first]);
    for line in base64.as_bytes()[first..].chunks(MAX_LINE_LENGTH - 1) {
        lines.push_str("\r\n ");
        lines.extend(line.iter().map(|byte| char::from(*byte)));
    }
    lines
}

#[cfg(test)]
mod tests;
