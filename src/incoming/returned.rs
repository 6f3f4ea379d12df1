//! The message that a report is about, as far as its header came back.
//!
//! Takes the header of a returned message, or the text that quotes it; returns what identifies the message and its reader.

use crate::email::EmailAddress;
use crate::incoming::fields::{Fields, field};

/// What the header of a returned message says.
#[derive(Debug, Default)]
pub(super) struct Returned {
    /// Message-ID without angle brackets.
    pub(super) id: Option<String>,
    /// The URIs of List-Unsubscribe.
    pub(super) links: Vec<String>,
    /// The addresses it was sent from and to: the envelope first.
    pub(super) delivered_to: Vec<EmailAddress>,
    /// To, Cc and the envelope's recipient: the readers.
    pub(super) recipients: Vec<EmailAddress>,
}

/// Where a message was delivered to, the envelope first.
pub(super) const DELIVERED_TO: [&str; 5] = ["delivered-to", "x-original-to", "envelope-to", "to", "cc"];

impl Returned {
    /// From its header.
    pub(super) fn from(header: &Fields) -> Self {
        let bracketed = |value: &str| {
            value
                .split('<')
                .skip(1)
                .filter_map(|part| part.split_once('>'))
                .map(|(uri, _)| uri.split_whitespace().collect::<String>())
                .collect::<Vec<_>>()
        };
        let id = header.first("message-id");
        let mut delivered_to = header.addresses(&["return-path"]);
        delivered_to.extend(header.addresses(&DELIVERED_TO));
        Self {
            id: id
                .and_then(|id| bracketed(id).into_iter().next().or_else(|| Some(id.to_owned())))
                .filter(|id| !id.is_empty()),
            links: header.first("list-unsubscribe").map(bracketed).unwrap_or_default(),
            delivered_to,
            recipients: header.addresses(&[
                "x-hmxmroriginalrecipient",
                "x-failed-recipients",
                "envelope-to",
                "x-envelope-to",
                "to",
                "cc",
            ]),
        }
    }
}

impl Returned {
    /// The reader, if it was sent to a single one.
    pub(super) fn only_recipient(&self) -> Option<EmailAddress> {
        match self.recipients.as_slice() {
            [address] => Some(address.clone()),
            _ => None,
        }
    }
}

/// The place of the line that announces the returned message: `--- Below this line is a copy of the message.`
pub(super) fn announced(text: &str) -> Option<usize> {
    const WORDS: [&str; 6] = ["below", "copy", "follows", "original message", "returned m", "unsent"];
    let mut place = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim_start().to_ascii_lowercase();
        let is_about_message = ["message", "mail"].iter().any(|word| words.contains(word));
        if words.starts_with("--") && is_about_message && WORDS.iter().any(|word| words.contains(word)) {
            return Some(place);
        }
        place += line.len();
    }
    None
}

/// The place and the fields of a header that is quoted in the text of a report: a run of fields, one of them such as only a
/// header has. Quotation marks (`> `) before each line are allowed.
pub(super) fn in_text(text: &str) -> Option<(usize, Fields)> {
    let mut run: Option<(usize, String)> = None;
    let mut place = 0;
    for line in text.split_inclusive('\n').chain(["\n"]) {
        let unquoted = line.strip_prefix("> ").or_else(|| line.strip_prefix('>')).unwrap_or(line);
        let continues = run.is_some() && unquoted.starts_with([' ', '\t']) && !unquoted.trim().is_empty();
        if continues || field(unquoted.trim_end()).is_some_and(|(name, _)| !name.contains(['.', '/', '<', '"'])) {
            run.get_or_insert_with(|| (place, String::new())).1.push_str(unquoted);
        } else if let Some((start, lines)) = run.take()
            && is_header(&lines)
        {
            return Some((start, Fields::parse(&lines)));
        }
        place += line.len();
    }
    None
}

fn is_header(lines: &str) -> bool {
    let fields = Fields::parse(lines);
    let has = |name| fields.has(name);
    let sender = has("from") && (has("date") || has("to")) && has("subject");
    has("message-id") && (has("from") || has("to") || has("subject")) || has("received") || has("return-path") || sender
}
