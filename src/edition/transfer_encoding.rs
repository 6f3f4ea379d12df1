//! Transfer encoding of a body once for all recipients, with room for what differs.
//!
//! Takes a body in which marks stand wherever a recipient's own values go; writes it for each recipient: nothing is
//! encoded twice but the values and a few bytes beside them. Quoted-printable and base64 as in RFC 2045 sections 6.7 and
//! 6.8.

use email_encoding::body::base64;

/// What every mark begins with. Nobody writes it by chance, and it survives HTML, CSS and text as it is.
const MARK: &str = "slugline-b3dcbc1cbb0e4d2f-";

/// Digits of a mark's number.
const DIGITS: usize = 3;

/// How many marks there are.
pub(super) const MARKS: usize = 1000;

/// In a line as it is, the values may have so many bytes together.
const ROOM: usize = 300;

/// Stands for the value of this number, below `MARKS`.
pub(super) fn mark(number: usize) -> String {
    format!("{MARK}{number:0DIGITS$}")
}

/// The text cut at every mark: what stands before the first, then the number of each mark and what follows it.
pub(super) fn cut(text: &str) -> (&str, Vec<(usize, &str)>) {
    let mut parts = text.split(MARK);
    let before = parts.next().unwrap_or_default();
    (before, parts.filter_map(|part| Some((part.get(..DIGITS)?.parse().ok()?, &part[DIGITS..]))).collect())
}

/// The text with the values in place of their marks.
pub(super) fn filled_in(text: &str, values: &[String]) -> String {
    let (before, rest) = cut(text);
    let mut filled = before.to_owned();
    for (number, after) in rest {
        filled.push_str(values.get(number).map_or("", String::as_str));
        filled.push_str(after);
    }
    filled
}

/// RFC 5322 section 2.1.1: bytes of a line, CRLF not counted.
const LONGEST_LINE: usize = 998;

/// A Content-Transfer-Encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// ASCII with lines of at most 998 characters, as it is.
    SevenBit,
    /// Few characters are not ASCII.
    QuotedPrintable,
    /// Many are not.
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

    /// The shortest encoding for `text` (lines ended by CRLF) that every relay leaves alone, where the marks of a line may
    /// become values of `ROOM` bytes.
    fn of(text: &str) -> Self {
        let others = text.bytes().filter(|byte| !byte.is_ascii()).count();
        let fits = |line: &str| line.len() + if line.contains(MARK) { ROOM } else { 0 } <= LONGEST_LINE;
        if others == 0 && text.split("\r\n").all(fits) {
            return Encoding::SevenBit;
        }
        // A byte outside ASCII takes 3 in quoted-printable, any byte 1.37 in base64: even at 18 in a hundred.
        if others * 100 <= text.len() * 18 { Encoding::QuotedPrintable } else { Encoding::Base64 }
    }
}

/// A body encoded but for the recipient's values.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    encoding: Encoding,
    /// The header of the part.
    head: String,
    first: Segment,
    /// Each behind the value of a number.
    others: Vec<(usize, Segment)>,
}

/// What stands between two values.
#[derive(Debug, Clone)]
struct Segment {
    raw: Vec<u8>,
    /// Encoded. In base64, which turns three bytes into four characters, beginning at byte 0, 1 and 2: how many bytes of
    /// the segment go with the value before it depends on that value's length.
    encoded: Vec<String>,
}

impl Encoded {
    /// Encodes `text` (lines ended by CRLF), cut at every mark, behind what `head` says of its encoding.
    pub fn new(text: &str, head: impl FnOnce(Encoding) -> String) -> Self {
        let encoding = Encoding::of(text);
        let (first, rest) = cut(text);
        let others = rest.into_iter().map(|(number, text)| (number, Segment::new(text, encoding))).collect();
        Self { encoding, head: head(encoding), first: Segment::new(first, encoding), others }
    }

    /// Whether these values, without control characters, can stand in the body as it is encoded.
    pub fn takes(&self, values: &[String]) -> bool {
        self.encoding != Encoding::SevenBit
            || (self.used(values).all(|value| value.is_ascii())
                && self.used(values).map(String::len).sum::<usize>() <= ROOM)
    }

    /// The values that have a mark here, each as often as it has.
    pub fn used<'a>(&'a self, values: &'a [String]) -> impl Iterator<Item = &'a String> {
        self.others.iter().filter_map(|(number, _)| values.get(*number))
    }

    /// Appends head and body, with the values at their marks, which it takes, and a line end that is no part of it.
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
                // Soft line breaks around the value keep every line's length its own.
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

/// RFC 2045 section 6.8, every line ended by CRLF.
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
    const LONGEST_LINE: usize = 76;
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
        if column + width > LONGEST_LINE - 1 {
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
    fn decoded(encoded: &Encoded, values: &[String]) -> String {
        let mut message = Vec::new();
        encoded.write(values, &mut message);
        let body = std::str::from_utf8(&message).unwrap().split_once("\r\n\r\n").unwrap().1;
        assert!(body.is_ascii() && body.lines().all(|line| line.len() <= 998), "{body}");
        assert!(encoded.encoding == Encoding::SevenBit || body.lines().all(|line| line.len() <= 76), "{body}");
        MessageParser::default().parse(&message).unwrap().body_text(0).unwrap().into_owned()
    }

    fn encoded(text: &str) -> Encoded {
        Encoded::new(text, |encoding| {
            let encoding = encoding.as_str();
            format!("Content-Transfer-Encoding: {encoding}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")
        })
    }

    #[test]
    fn the_shortest_encoding_is_chosen() {
        let mark = mark(7);
        assert_eq!(Encoding::of("plain\r\n"), Encoding::SevenBit);
        assert_eq!(Encoding::of(&"x".repeat(999)), Encoding::QuotedPrintable);
        let room = LONGEST_LINE - ROOM - mark.len();
        assert_eq!(Encoding::of(&format!("{mark}{}", "x".repeat(room))), Encoding::SevenBit);
        assert_eq!(Encoding::of(&format!("{mark}{}", "x".repeat(room + 1))), Encoding::QuotedPrintable);
        assert_eq!(Encoding::of("a caf\u{e9} in the old town"), Encoding::QuotedPrintable);
        assert_eq!(Encoding::of("周刊 and"), Encoding::Base64);
    }

    #[test]
    fn ascii_alone_takes_few_and_short_values() {
        let plain = encoded(&format!("{} and {}", mark(0), mark(0)));
        let takes = |value: &str| plain.takes(&[value.to_owned(), "é".to_owned()]);
        assert!(takes(&"x".repeat(ROOM / 2)) && !takes(&"x".repeat(ROOM / 2 + 1)) && !takes("é"));
    }

    proptest! {
        #[test]
        fn every_value_arrives_in_its_place(
            parts in proptest::collection::vec("[a-z =.\t]{0,90}|[a-zé =]{0,200}|[一-龥a]{0,40}", 1..5),
            values in proptest::collection::vec("[!-~]{0,120}|[!-~一-龥é]{0,400}", 4)
        ) {
            let (mut text, mut expected) = (format!("x{}", parts[0]), format!("x{}", parts[0]));
            for (at, part) in parts.iter().enumerate().skip(1) {
                let number = at % 3;
                text.extend([mark(number).as_str(), part]);
                expected.extend([values[number].as_str(), part]);
            }
            prop_assert_eq!(&filled_in(&text, &values), &expected);
            let encoded = encoded(&format!("{text}x"));
            prop_assume!(encoded.takes(&values));
            let back = decoded(&encoded, &values);
            prop_assert_eq!(back.trim_end_matches("\r\n"), format!("{expected}x"));
        }
    }
}
