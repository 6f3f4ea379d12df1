//! The parts of a message, as far as reports use them.
//!
//! Takes the bytes of a message with any line ends; returns its header and a flat list of parts, decoded to Unicode. Never
//! panics. What the parts say is left to others.

use std::borrow::Cow;

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use crate::incoming::fields::Fields;

/// A message as this module's siblings read it.
#[derive(Default)]
pub(super) struct Mail {
    /// The fields of its header.
    pub(super) header: Fields,
    /// The decoded subject.
    pub(super) subject: String,
    /// Parts without children, in their order.
    pub(super) parts: Vec<Part>,
}

/// One part.
pub(super) enum Part {
    /// Text, also what is neither text nor report but can be read as such.
    Text(String),
    /// HTML as text.
    Html(String),
    /// message/delivery-status or message/global-delivery-status.
    DeliveryStatus(String),
    /// message/feedback-report.
    Feedback(String),
    /// A message that is attached: whole (message/rfc822, message/global), or its header (text/rfc822-headers,
    /// message/global-headers).
    Returned(Mail),
}

/// Levels of messages within messages that are read.
const MOST_LEVELS: usize = 10;

/// Mentions of messages within messages, up to which a message is taken apart: the parser itself knows no bound, and a message
/// that is a thousand messages deep would exhaust the stack. Reports on a hundred recipients mention `rfc822` for each.
const MOST_MENTIONS: usize = 500;

/// Reads a message.
pub(super) fn read(message: &[u8]) -> Mail {
    let message = with_line_feeds(message);
    let message = without_mbox_line(&message);
    let parser = MessageParser::default();
    let parsed = match mentions(message) <= MOST_MENTIONS {
        true => parser.parse(message),
        false => parser.parse_headers(message),
    };
    parsed.map(|parsed| read_message(&parsed, MOST_LEVELS)).unwrap_or_default()
}

fn read_message(message: &Message<'_>, levels: usize) -> Mail {
    let parts = if levels == 0 { &[] } else { message.parts.as_slice() };
    Mail {
        header: header(message),
        subject: message.subject().unwrap_or_default().to_owned(),
        parts: parts.iter().filter_map(|part| read_part(message, part, levels)).collect(),
    }
}

/// The message with LF as its line end: reports that were stored on other systems have CR alone.
fn with_line_feeds(message: &[u8]) -> Cow<'_, [u8]> {
    if !message.contains(&b'\r') {
        return Cow::Borrowed(message);
    }
    let mut text = Vec::with_capacity(message.len());
    for (place, byte) in message.iter().enumerate() {
        match (byte, message.get(place + 1)) {
            (b'\r', Some(b'\n')) => {}
            (b'\r', _) => text.push(b'\n'),
            _ => text.push(*byte),
        }
    }
    Cow::Owned(text)
}

/// The message without the line that begins it in an mbox.
fn without_mbox_line(message: &[u8]) -> &[u8] {
    let message = message.trim_ascii_start();
    if !message.starts_with(b"From ") && !message.starts_with(b">From ") {
        return message;
    }
    message.iter().position(|byte| *byte == b'\n').map_or(message, |end| &message[end + 1..])
}

/// How often the names of types occur that make a part a message.
fn mentions(message: &[u8]) -> usize {
    [&b"rfc822"[..], b"global", b"digest"]
        .iter()
        .map(|name| message.windows(name.len()).filter(|window| window.eq_ignore_ascii_case(name)).count())
        .sum()
}

fn header(message: &Message<'_>) -> Fields {
    let Some(root) = message.parts.first() else { return Fields::default() };
    let bytes = message.raw_message.get(root.raw_header_offset() as usize..root.raw_body_offset() as usize);
    Fields::parse(&String::from_utf8_lossy(bytes.unwrap_or_default()))
}

fn read_part(message: &Message<'_>, part: &MessagePart<'_>, levels: usize) -> Option<Part> {
    let content_type = part.content_type();
    let kind = content_type.map_or("text", |found| found.ctype()).to_ascii_lowercase();
    let subtype = content_type.and_then(|found| found.subtype()).unwrap_or("plain").to_ascii_lowercase();
    let text = || text(message, part);
    Some(match (&part.body, kind.as_str(), subtype.as_str()) {
        (PartType::Multipart(_), ..) => return None,
        (PartType::Message(returned), ..) => Part::Returned(read_message(returned, levels - 1)),
        (_, _, "delivery-status" | "global-delivery-status") => Part::DeliveryStatus(text()),
        (_, _, "feedback-report") => Part::Feedback(text()),
        (_, _, "rfc822-headers" | "rfc822-header" | "global-headers" | "rfc822" | "global") => {
            Part::Returned(Mail { header: Fields::parse(text().trim_start()), ..Mail::default() })
        }
        (PartType::Html(_), ..) => Part::Html(crate::incoming::html::text(&text())),
        (_, "image" | "audio" | "video" | "application", _) => return None,
        _ => Part::Text(text()),
    })
}

/// The text of a part. One without a charset that is not UTF-8 is read as GB18030: providers who leave it out are Chinese.
fn text(message: &Message<'_>, part: &MessagePart<'_>) -> String {
    let has_charset = part.content_type().is_some_and(|found| found.has_attribute("charset"));
    let bytes = match &part.body {
        PartType::Text(text) | PartType::Html(text) if has_charset || !text.contains('\u{fffd}') => {
            return text.clone().into_owned();
        }
        PartType::Text(_) | PartType::Html(_) => {
            message.raw_message.get(part.raw_body_offset() as usize..part.raw_end_offset() as usize).unwrap_or_default()
        }
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes,
        PartType::Message(_) | PartType::Multipart(_) => return String::new(),
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::GB18030.decode_without_bom_handling(bytes).0.into_owned(),
    }
}
