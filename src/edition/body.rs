//! The body of a message: `multipart/alternative`, encoded once per issue.
//!
//! Takes the text and the HTML; gives ASCII lines ended by CRLF, none longer than 998 bytes, and a boundary that the
//! same parts always get. What is said in the headers is left to `message`.

use lettre::message::Body as Encoded;
use lettre::message::header::ContentTransferEncoding as Encoding;
use sha2::{Digest, Sha256};

use crate::edition::hex;

/// RFC 5322 section 2.1.1: bytes of a line, CRLF not counted.
const LONGEST_LINE: usize = 998;

/// Above this share of bytes that are not ASCII, base64 is shorter than quoted-printable: 1 + 2f = 1.37.
const BASE64_FROM_PERCENT: usize = 18;

/// Both parts, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    boundary: String,
    lines: Vec<u8>,
}

impl Body {
    /// Encodes the plain text and the HTML of one issue. A line of the text that ends in spaces goes on in the next
    /// line as RFC 3676 (section 4.2) has it with `DelSp=yes`: the last space is no part of the text.
    pub fn encode(text: &str, html: &str) -> Self {
        let boundary = boundary(text, html);
        let (text, flow) = flowed(text);
        let mut lines = Vec::with_capacity((text.len() + html.len()) * 3 / 2);
        for (content_type, part) in [
            (format!("text/plain; charset=utf-8; {flow}"), text.as_str()),
            ("text/html; charset=utf-8".to_owned(), html),
        ] {
            let (encoding, encoded) = encode(part);
            let head = format!(
                "--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
            );
            lines.extend_from_slice(head.as_bytes());
            lines.extend_from_slice(&encoded);
            lines.extend_from_slice(b"\r\n");
        }
        lines.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Self { boundary, lines }
    }

    /// The field that announces the parts, with its CRLF.
    pub fn content_type(&self) -> String {
        format!("Content-Type: multipart/alternative;\r\n boundary=\"{}\"\r\n", self.boundary)
    }

    /// The parts, from the first boundary to the last.
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }
}

/// `=_` never occurs in quoted-printable or base64, and no text holds its own hash.
fn boundary(text: &str, html: &str) -> String {
    let hash = Sha256::new().chain_update(text).chain_update([0]).chain_update(html).finalize();
    format!("=_{}", hex(&hash[..16]))
}

/// The shortest encoding that every relay leaves alone, and the bytes in it.
fn encode(text: &str) -> (Encoding, Vec<u8>) {
    let text = clean_lines(text);
    let not_ascii = text.bytes().filter(|byte| !byte.is_ascii()).count();
    let fits = text.split("\r\n").all(|line| line.len() <= LONGEST_LINE);
    let encoding = if not_ascii == 0 && fits {
        Encoding::SevenBit
    } else if not_ascii * 100 <= text.len() * BASE64_FROM_PERCENT {
        Encoding::QuotedPrintable
    } else {
        Encoding::Base64
    };
    let bytes = Encoded::new_with_encoding(text, encoding).map_or_else(|bytes| bytes, Encoded::into_vec);
    (encoding, bytes)
}

/// Every line end as CRLF; without control characters, which SMTP servers refuse or drop.
fn clean_lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut clean = String::with_capacity(text.len() + text.len() / 32);
    for character in text.chars() {
        match character {
            '\n' => clean.push_str("\r\n"),
            '\t' => clean.push('\t'),
            control if control.is_control() => {}
            other => clean.push(other),
        }
    }
    clean
}

/// The text as `format=flowed`, and the parameters that say so. Where no line goes on without a space of its own, which
/// only CJK text does, DelSp is not needed, and more mail programs read the text as it is meant.
fn flowed(text: &str) -> (String, &'static str) {
    let needs_delsp = text.lines().any(|line| line.ends_with(' ') && !line.ends_with("  "));
    let mut flowed = String::with_capacity(text.len() + 64);
    for line in text.lines() {
        if line.starts_with(' ') || line.starts_with("From ") {
            flowed.push(' ');
        }
        let line = if needs_delsp { line } else { line.strip_suffix(' ').unwrap_or(line) };
        flowed.push_str(line);
        flowed.push('\n');
    }
    (flowed, if needs_delsp { "format=flowed; delsp=yes" } else { "format=flowed" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> (Encoding, String) {
        let (encoding, bytes) = encode(text);
        (encoding, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn each_text_gets_the_encoding_that_suits_it() {
        assert_eq!(encoded("a\nb\r\n"), (Encoding::SevenBit, "a\r\nb\r\n".to_owned()));
        assert_eq!(
            encoded("Grüße an alle aus Köln am Rhein \n"),
            (Encoding::QuotedPrintable, "Gr=C3=BC=C3=9Fe an alle aus K=C3=B6ln am Rhein=20\r\n".to_owned())
        );
        assert_eq!(encoded("周刊"), (Encoding::Base64, "5ZGo5YiK".to_owned()));
        assert_eq!(encode(&"x".repeat(999)).0, Encoding::QuotedPrintable);
        assert_eq!(encoded("a\u{0}\u{7}b").1, "ab");
    }

    #[test]
    fn text_flows() {
        assert_eq!(flowed("one  \ntwo\n  code\n"), ("one \ntwo\n   code\n".to_owned(), "format=flowed"));
        assert_eq!(flowed("一 \n二  \nthree\n"), ("一 \n二  \nthree\n".to_owned(), "format=flowed; delsp=yes"));
        assert_eq!(flowed("From here\n> quoted\n").0, " From here\n> quoted\n");
    }

    #[test]
    fn a_body_holds_text_first_and_html_last() {
        let body = Body::encode("Hello\n", "<p>Hello</p>\n");
        let boundary = &body.boundary;
        let expected = format!(
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
             Hello\r\n\r\n--{boundary}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
             <p>Hello</p>\r\n\r\n--{boundary}--\r\n"
        );
        assert_eq!(std::str::from_utf8(body.lines()).unwrap(), expected);
        assert_eq!(boundary.len(), 34);
    }
}
