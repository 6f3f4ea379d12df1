//! Encodes a body once for all recipients, with placeholders for what differs.
//!
//! Takes a body with placeholders for the recipient's values; writes it for each recipient, encoding only the values and a
//! few bytes next to them. Quoted-printable and base64 as in RFC 2045 sections 6.7 and 6.8.

use email_encoding::body::base64;

/// The prefix of every placeholder. No one writes it by chance, and HTML, CSS and text keep it unchanged.
const PLACEHOLDER: &str = "slugline-b3dcbc1cbb0e4d2f-";

/// Digits of a placeholder's number.
const NUMBER_DIGITS: usize = 3;

/// The maximum number of placeholders.
pub(super) const MAX_PLACEHOLDERS: usize = 1000;

/// In an unencoded line, the values may have this many bytes in total.
const MAX_VALUE_BYTES: usize = 300;

/// The placeholder for the value with this number, below `MAX_PLACEHOLDERS`.
pub(super) fn placeholder(number: usize) -> String {
    format!("{PLACEHOLDER}{number:0NUMBER_DIGITS$}")
}

/// Splits the text at every placeholder: the text before the first, then the number of each and the text after it.
pub(super) fn split_at_placeholders(text: &str) -> (&str, Vec<(usize, &str)>) {
    let mut parts = text.split(PLACEHOLDER);
    let before = parts.next().unwrap_or_default();
    (
        before,
        parts.filter_map(|part| Some((part.get(..NUMBER_DIGITS)?.parse().ok()?, &part[NUMBER_DIGITS..]))).collect(),
    )
}

/// The text with the values in place of their placeholders.
pub(super) fn fill(text: &str, values: &[String]) -> String {
    let (before, rest) = split_at_placeholders(text);
    let mut filled = before.to_owned();
    for (number, after) in rest {
        filled.push_str(values.get(number).map_or("", String::as_str));
        filled.push_str(after);
    }
    filled
}

/// RFC 5322 section 2.1.1, without CRLF.
const MAX_LINE_BYTES: usize = 998;

/// A Content-Transfer-Encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Unencoded ASCII with lines of at most 998 characters.
    SevenBit,
    /// For text with few non-ASCII characters.
    QuotedPrintable,
    /// For text with many.
    Base64,
}

impl Encoding {
    /// The value of the header field.
    pub fn as_str(self) -> &'static str {
        match self {
            Encoding::SevenBit => "7bit",
            Encoding::QuotedPrintable => "quoted-printable",
            Encoding::Base64 => "base64",
        }
    }

    /// The shortest encoding for `text` (lines end in CRLF) that every relay leaves unchanged, if the placeholders of a line
    /// may become values of `MAX_VALUE_BYTES`.
    fn of(text: &str) -> Self {
        let others = text.bytes().filter(|byte| !byte.is_ascii()).count();
        let fits =
            |line: &str| line.len() + if line.contains(PLACEHOLDER) { MAX_VALUE_BYTES } else { 0 } <= MAX_LINE_BYTES;
        if others == 0 && text.split("\r\n").all(fits) {
            return Encoding::SevenBit;
        }
        // A non-ASCII byte takes 3 bytes in quoted-printable, any byte 1.37 in base64: the same length at 18 in 100.
        if others * 100 <= text.len() * 18 { Encoding::QuotedPrintable } else { Encoding::Base64 }
    }
}

/// A part, encoded except for the recipient's values.
#[derive(Debug, Clone)]
pub(super) struct EncodedPart {
    encoding: Encoding,
    /// The header of the part.
    head: String,
    first: Segment,
    /// Each after the value with this number.
    others: Vec<(usize, Segment)>,
}

/// The text between two values.
#[derive(Debug, Clone)]
struct Segment {
    raw: Vec<u8>,
    /// Encoded. Base64 turns three bytes into four characters, so how many bytes of the segment belong to the value before it
    /// depends on that value's length: the segment is encoded from byte 0, 1 and 2.
    encoded: Vec<String>,
}

impl EncodedPart {
    /// Encodes `text` (lines end in CRLF) around its placeholders; `head` returns the header of the part for an encoding.
    pub fn new(text: &str, head: impl FnOnce(Encoding) -> String) -> Self {
        let encoding = Encoding::of(text);
        let (first, rest) = split_at_placeholders(text);
        let others = rest.into_iter().map(|(number, text)| (number, Segment::new(text, encoding))).collect();
        Self { encoding, head: head(encoding), first: Segment::new(first, encoding), others }
    }

    /// Whether these values, which contain no control characters, can be inserted into the encoded part.
    pub fn accepts(&self, values: &[String]) -> bool {
        self.encoding != Encoding::SevenBit
            || (self.values_used(values).all(|value| value.is_ascii())
                && self.values_used(values).map(String::len).sum::<usize>() <= MAX_VALUE_BYTES)
    }

    /// The values that the part contains, each as often as its placeholder.
    pub fn values_used<'a>(&'a self, values: &'a [String]) -> impl Iterator<Item = &'a String> {
        self.others.iter().filter_map(|(number, _)| values.get(*number))
    }

    /// Appends header and body with these values, which must be accepted, and a line end that is not part of the body.
    pub fn write(&self, values: &[String], out: &mut Vec<u8>) {
        out.extend_from_slice(self.head.as_bytes());
        match self.encoding {
            Encoding::SevenBit => self.write_plain(values, out),
            Encoding::QuotedPrintable => self.write_quoted(values, out),
            Encoding::Base64 => self.write_base64(values, out),
        }
    }

    fn write_plain(&self, values: &[String], out: &mut Vec<u8>) {
        for (value, segment) in self.parts(values) {
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(&segment.raw);
        }
        out.extend_from_slice(b"\r\n");
    }

    fn write_quoted(&self, values: &[String], out: &mut Vec<u8>) {
        for (index, (value, segment)) in self.parts(values).enumerate() {
            if index > 0 {
                // Soft line breaks around the value keep the lengths of lines independent.
                out.extend_from_slice(b"=\r\n");
                out.extend_from_slice(quoted_printable(value.as_bytes()).as_bytes());
                out.extend_from_slice(b"=\r\n");
            }
            out.extend_from_slice(segment.encoded[0].as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }

    fn write_base64(&self, values: &[String], out: &mut Vec<u8>) {
        let mut carry = Vec::new();
        for (value, segment) in self.parts(values) {
            carry.extend_from_slice(value.as_bytes());
            let taken = ((3 - carry.len() % 3) % 3).min(segment.raw.len());
            let (head, rest) = segment.raw.split_at(taken);
            carry.extend_from_slice(head);
            if !carry.len().is_multiple_of(3) {
                continue;
            }
            out.extend_from_slice(base64_lines(&carry).as_bytes());
            out.extend_from_slice(segment.encoded[taken].as_bytes());
            carry = rest[rest.len() - rest.len() % 3..].to_vec();
        }
        out.extend_from_slice(base64_lines(&carry).as_bytes());
    }

    /// Each segment with the value before it.
    fn parts<'a>(&'a self, values: &'a [String]) -> impl Iterator<Item = (&'a str, &'a Segment)> {
        let value = |number: &usize| values.get(*number).map_or("", String::as_str);
        let others = self.others.iter().map(move |(number, segment)| (value(number), segment));
        std::iter::once(("", &self.first)).chain(others)
    }
}

impl Segment {
    fn new(text: &str, encoding: Encoding) -> Self {
        let raw = text.as_bytes();
        let encoded = match encoding {
            Encoding::SevenBit => Vec::new(),
            Encoding::QuotedPrintable => vec![quoted_printable(raw)],
            Encoding::Base64 => {
                let from = |start| raw.get(start..).unwrap_or_default();
                (0..3).map(from).map(|rest| base64_lines(&rest[..rest.len() - rest.len() % 3])).collect()
            }
        };
        Self { raw: raw.to_vec(), encoded }
    }
}

/// RFC 2045 section 6.8; every line ends in CRLF.
fn base64_lines(bytes: &[u8]) -> String {
    let mut lines = String::new();
    let written = base64::encode(bytes, &mut lines);
    debug_assert!(written.is_ok(), "writing into a string never fails");
    if !bytes.is_empty() {
        lines.push_str("\r\n");
    }
    lines
}

/// RFC 2045 section 6.7; the line breaks of the text are CRLF.
fn quoted_printable(bytes: &[u8]) -> String {
    const MAX_LINE_BYTES: usize = 76;
    let mut quoted = String::with_capacity(bytes.len() + bytes.len() / 8);
    let mut column = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) == Some(&b'\n')) {
            quoted.push(char::from(*byte));
            column = 0;
            continue;
        }
        let next = bytes.get(at + 1);
        let at_line_end = next.is_none() || next == Some(&b'\r') || next == Some(&b'\n');
        let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && !at_line_end);
        let width = if plain { 1 } else { 3 };
        if column + width > MAX_LINE_BYTES - 1 {
            quoted.push_str("=\r\n");
            column = 0;
        }
        if plain {
            quoted.push(char::from(*byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            quoted.push('=');
            quoted.push(char::from(HEX[usize::from(byte >> 4)]));
            quoted.push(char::from(HEX[usize::from(byte & 15)]));
        }
        column += width;
    }
    quoted
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    use super::*;

    /// The body as an independent parser decodes it.
    fn decoded(encoded: &EncodedPart, values: &[String]) -> String {
        let mut message = Vec::new();
        encoded.write(values, &mut message);
        let body = std::str::from_utf8(&message).unwrap().split_once("\r\n\r\n").unwrap().1;
        assert!(body.is_ascii() && body.lines().all(|line| line.len() <= 998), "{body}");
        assert!(encoded.encoding == Encoding::SevenBit || body.lines().all(|line| line.len() <= 76), "{body}");
        MessageParser::default().parse(&message).unwrap().body_text(0).unwrap().into_owned()
    }

    fn encoded(text: &str) -> EncodedPart {
        EncodedPart::new(text, |encoding| {
            let encoding = encoding.as_str();
            format!("Content-Transfer-Encoding: {encoding}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")
        })
    }

    #[test]
    fn the_shortest_encoding_is_chosen() {
        let placeholder = placeholder(7);
        assert_eq!(Encoding::of("plain\r\n"), Encoding::SevenBit);
        assert_eq!(Encoding::of(&"x".repeat(999)), Encoding::QuotedPrintable);
        let room = MAX_LINE_BYTES - MAX_VALUE_BYTES - placeholder.len();
        assert_eq!(Encoding::of(&format!("{placeholder}{}", "x".repeat(room))), Encoding::SevenBit);
        assert_eq!(Encoding::of(&format!("{placeholder}{}", "x".repeat(room + 1))), Encoding::QuotedPrintable);
        assert_eq!(Encoding::of("a caf\u{e9} in the old town"), Encoding::QuotedPrintable);
        assert_eq!(Encoding::of("周刊 and"), Encoding::Base64);
    }

    #[test]
    fn unencoded_ascii_accepts_short_ascii_values() {
        let plain = encoded(&format!("{} and {}", placeholder(0), placeholder(0)));
        let accepts = |value: &str| plain.accepts(&[value.to_owned(), "é".to_owned()]);
        assert!(
            accepts(&"x".repeat(MAX_VALUE_BYTES / 2))
                && !accepts(&"x".repeat(MAX_VALUE_BYTES / 2 + 1))
                && !accepts("é")
        );
    }

    proptest! {
        #[test]
        fn every_value_arrives_at_its_placeholder(
            parts in proptest::collection::vec("[a-z =.\t]{0,90}|[a-zé =]{0,200}|[一-龥a]{0,40}", 1..5),
            values in proptest::collection::vec("[!-~]{0,120}|[!-~一-龥é]{0,400}", 4)
        ) {
            let (mut text, mut expected) = (format!("x{}", parts[0]), format!("x{}", parts[0]));
            for (at, part) in parts.iter().enumerate().skip(1) {
                let number = at % 3;
                text.extend([placeholder(number).as_str(), part]);
                expected.extend([values[number].as_str(), part]);
            }
            prop_assert_eq!(&fill(&text, &values), &expected);
            let encoded = encoded(&format!("{text}x"));
            prop_assume!(encoded.accepts(&values));
            let back = decoded(&encoded, &values);
            prop_assert_eq!(back.trim_end_matches("\r\n"), format!("{expected}x"));
        }
    }
}
