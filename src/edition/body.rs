//! The body of a message: `multipart/alternative`, with pictures next to the HTML, encoded once per edition.
//!
//! Takes the text and the HTML; returns ASCII lines that end in CRLF and have at most 998 bytes, and a boundary that is always
//! the same for the same parts. `message` writes the header.

use sha2::{Digest, Sha256};

use crate::edition::pictures::Pictures;
use crate::edition::transfer_encoding::{EncodedPart, Encoding};
use crate::hex::hex;

/// Both parts, encoded.
#[derive(Debug, Clone)]
pub struct Body {
    content_type: String,
    text: EncodedPart,
    html: EncodedPart,
    /// Everything from the pictures to the last boundary.
    after: Vec<u8>,
}

impl Body {
    /// Encodes the plain text and the HTML of one edition, which contain placeholders for the recipient's values. A line of the
    /// text that ends in a space continues on the next line, as RFC 3676 (section 4.2) defines it with `DelSp=yes`: the last
    /// space is not part of the text. The HTML refers to the pictures by their Content-IDs.
    pub(super) fn encode(text: &str, html: &str, pictures: &Pictures) -> Self {
        let boundary = boundary(text, html);
        let (text, text_type) = flowed(text);
        let plain = format!("text/plain; charset=utf-8; {text_type}");
        let text = EncodedPart::new(&clean_lines(&text), |encoding| part_head(&boundary, &plain, encoding));
        let mut after = Vec::new();
        let html = EncodedPart::new(&clean_lines(html), |encoding| {
            const HTML: &str = "text/html; charset=utf-8";
            if pictures.is_empty() {
                return part_head(&boundary, HTML, encoding);
            }
            // Neither boundary is a prefix of the other: the hash contains only hexadecimal digits.
            let related = boundary.replacen("=_", "=_r", 1);
            after = pictures.parts(&related);
            related_head(&boundary, &related) + &part_head(&related, HTML, encoding)
        });
        after.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let content_type = format!("Content-Type: multipart/alternative;\r\n boundary=\"{boundary}\"\r\n");
        Self { content_type, text, html, after }
    }

    /// The Content-Type field, with its CRLF.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Whether the values can be inserted into the encoded parts: they contain no control characters, and in the text nothing
    /// that changes how its lines flow.
    pub fn accepts(&self, values: &[String]) -> bool {
        let flows = |value: &String| {
            !value.is_empty() && !value.starts_with(['>', ' ']) && !value.ends_with(' ') && !value.starts_with("From ")
        };
        !values.iter().any(|value| value.contains(char::is_control))
            && self.text.values_used(values).all(flows)
            && self.text.accepts(values)
            && self.html.accepts(values)
    }

    /// Appends the parts, from the first boundary to the last, with these values, which must be accepted, at their placeholders.
    pub fn write(&self, values: &[String], out: &mut Vec<u8>) {
        self.text.write(values, out);
        self.html.write(values, out);
        out.extend_from_slice(&self.after);
    }
}

/// The header of a text part.
fn part_head(boundary: &str, content_type: &str, encoding: Encoding) -> String {
    let encoding = encoding.as_str();
    format!("--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n")
}

/// The header of the HTML with its pictures: `multipart/related` (RFC 2387), whose first part is shown.
fn related_head(boundary: &str, related: &str) -> String {
    format!("--{boundary}\r\nContent-Type: multipart/related; type=\"text/html\";\r\n boundary=\"{related}\"\r\n\r\n")
}

/// `=_` never occurs in quoted-printable or base64, and no text contains its own hash.
fn boundary(text: &str, html: &str) -> String {
    let hash = Sha256::new().chain_update(text).chain_update([0]).chain_update(html).finalize();
    format!("=_{}", hex(&hash[..16]))
}

/// Ends every line in CRLF and removes control characters, which SMTP servers refuse or drop.
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

/// The text as `format=flowed`, with the parameters of its Content-Type. Only CJK text has lines that continue without a
/// space; all other text does without DelSp, which fewer mail programs understand.
fn flowed(text: &str) -> (String, &'static str) {
    let needs_delsp = text.lines().any(|line| line.ends_with(' ') && !line.ends_with("  "));
    let mut flowed = String::with_capacity(text.len() + 64);
    for line in text.lines() {
        let (depth, line) = quoted(line);
        flowed.extend(std::iter::repeat_n('>', depth));
        // Space-stuffing, RFC 3676 section 4.4.
        if depth > 0 && !line.is_empty() || line.starts_with(' ') || line.starts_with("From ") {
            flowed.push(' ');
        }
        let line = if needs_delsp { line } else { line.strip_suffix(' ').unwrap_or(line) };
        flowed.push_str(line);
        flowed.push('\n');
    }
    (flowed, if needs_delsp { "format=flowed; delsp=yes" } else { "format=flowed" })
}

/// The quote depth of a line, and the line without its quote marks. Of marks with spaces between them, RFC 3676 (section 4.5)
/// counts only the first.
fn quoted(line: &str) -> (usize, &str) {
    let (mut depth, mut rest) = (0, line);
    while let Some(inner) = rest.strip_prefix('>') {
        depth += 1;
        rest = inner.strip_prefix(' ').unwrap_or(inner);
    }
    (depth, rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::markdown::Document;
    use crate::content::plain_text;
    use crate::edition::transfer_encoding::placeholder;

    /// RFC 3676 section 4, as a mail program reads it: paragraphs, each with its quote depth.
    fn unflowed(text: &str, delsp: bool) -> Vec<(usize, String)> {
        let mut paragraphs: Vec<(usize, String)> = Vec::new();
        let mut continues = false;
        for line in text.lines() {
            let depth = line.bytes().take_while(|byte| *byte == b'>').count();
            let content = line[depth..].strip_prefix(' ').unwrap_or(&line[depth..]);
            let soft = content.ends_with(' ');
            let content = if soft && delsp { &content[..content.len() - 1] } else { content };
            match paragraphs.last_mut().filter(|_| continues) {
                Some((open, paragraph)) => {
                    assert_eq!(*open, depth, "a paragraph keeps its depth: {text}");
                    paragraph.push_str(content);
                }
                None => paragraphs.push((depth, content.to_owned())),
            }
            continues = soft;
        }
        assert!(!continues, "the last line ends its paragraph");
        paragraphs
    }

    proptest! {
        #[test]
        fn a_paragraph_flows_back(
            words in proptest::collection::vec("[a-zA-Z0-9]{1,12}|[一-龥。，「」]{1,20}|From", 1..60), depth in 0_usize..4,
        ) {
            let paragraph = format!("x{}", words.join(" "));
            let markdown = format!("{}{paragraph}", "> ".repeat(depth));
            let permalink = "https://example.org/one/".parse().unwrap();
            let (text, flow) = flowed(&plain_text::render(&Document::parse(&markdown), &permalink, ""));
            prop_assert_eq!(unflowed(&text, flow.contains("delsp=yes")), [(depth, paragraph)]);
        }
    }

    #[test]
    fn control_characters_are_removed() {
        assert_eq!(clean_lines("a\u{0}\u{7}b\rc\r\n\td\n"), "ab\r\nc\r\n\td\r\n");
    }

    #[test]
    fn text_flows() {
        assert_eq!(flowed("one  \ntwo\n  code\n"), ("one \ntwo\n   code\n".to_owned(), "format=flowed"));
        assert_eq!(flowed("一 \n二  \nthree\n"), ("一 \n二  \nthree\n".to_owned(), "format=flowed; delsp=yes"));
        assert_eq!(
            flowed("From here\n> quoted\n>\n> > deeper  \n> > still\n").0,
            " From here\n> quoted\n>\n>> deeper \n>> still\n"
        );
    }

    #[test]
    fn the_text_comes_first_and_the_html_last() {
        let body = Body::encode("Hello\n", &format!("<p>{}</p>\n", placeholder(0)), &Pictures::default());
        let boundary = body.content_type().split('"').nth(1).unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
             Hello\r\n\r\n--{boundary}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
             <p>?a&amp;b</p>\r\n\r\n--{boundary}--\r\n"
        );
        let mut lines = Vec::new();
        body.write(&["?a&amp;b".to_owned()], &mut lines);
        assert_eq!(String::from_utf8(lines).unwrap(), expected);
        assert_eq!(boundary.len(), 34);
    }
}
