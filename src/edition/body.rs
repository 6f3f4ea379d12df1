//! The body of a message: `multipart/alternative`, its pictures with the HTML, encoded once per issue.
//!
//! Takes the text and the HTML; gives ASCII lines ended by CRLF, none longer than 998 bytes, and a boundary that the
//! same parts always get. What is said in the headers is left to `message`.

use sha2::{Digest, Sha256};

use crate::edition::pictures::Pictures;
use crate::edition::transfer_encoding::{Encoded, Encoding};
use crate::hex::hex;

/// Both parts, encoded.
#[derive(Debug, Clone)]
pub struct Body {
    content_type: String,
    text: Encoded,
    html: Encoded,
    /// From the pictures to the last boundary.
    after: Vec<u8>,
}

impl Body {
    /// Encodes the plain text and the HTML of one issue, in which marks stand for a recipient's own values. A line of the
    /// text that ends in spaces goes on in the next line as RFC 3676 (section 4.2) has it with `DelSp=yes`: the last
    /// space is no part of the text.
    /// The HTML shows the pictures by their Content-IDs.
    pub(super) fn encode(text: &str, html: &str, pictures: &Pictures) -> Self {
        let boundary = boundary(text, html);
        let (text, text_type) = flowed(text);
        let plain = format!("text/plain; charset=utf-8; {text_type}");
        let text = Encoded::new(&clean_lines(&text), |encoding| part_head(&boundary, &plain, encoding));
        let mut after = Vec::new();
        let html = Encoded::new(&clean_lines(html), |encoding| {
            const HTML: &str = "text/html; charset=utf-8";
            if pictures.is_empty() {
                return part_head(&boundary, HTML, encoding);
            }
            // Neither boundary begins with the other: the hash has hexadecimal digits only.
            let related = boundary.replacen("=_", "=_r", 1);
            after = pictures.parts(&related);
            related_head(&boundary, &related) + &part_head(&related, HTML, encoding)
        });
        after.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let content_type = format!("Content-Type: multipart/alternative;\r\n boundary=\"{boundary}\"\r\n");
        Self { content_type, text, html, after }
    }

    /// The field that announces the parts, with its CRLF.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Whether the values can stand in the parts as they are encoded: they hold no control characters, and in the text
    /// nothing that could change how its lines flow.
    pub fn takes(&self, values: &[String]) -> bool {
        let flows = |value: &String| {
            !value.is_empty() && !value.starts_with(['>', ' ']) && !value.ends_with(' ') && !value.starts_with("From ")
        };
        !values.iter().any(|value| value.contains(char::is_control))
            && self.text.used(values).all(flows)
            && self.text.takes(values)
            && self.html.takes(values)
    }

    /// Appends the parts, from the first boundary to the last, with the values at their marks, which it takes.
    pub fn write(&self, values: &[String], out: &mut Vec<u8>) {
        self.text.write(values, out);
        self.html.write(values, out);
        out.extend_from_slice(&self.after);
    }
}

/// What stands before a part that shows text.
fn part_head(boundary: &str, content_type: &str, encoding: Encoding) -> String {
    let encoding = encoding.as_str();
    format!("--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n")
}

/// What stands before the HTML with its pictures: `multipart/related` (RFC 2387), whose first part is the one to show.
fn related_head(boundary: &str, related: &str) -> String {
    format!("--{boundary}\r\nContent-Type: multipart/related; type=\"text/html\";\r\n boundary=\"{related}\"\r\n\r\n")
}

/// `=_` never occurs in quoted-printable or base64, and no text holds its own hash.
fn boundary(text: &str, html: &str) -> String {
    let hash = Sha256::new().chain_update(text).chain_update([0]).chain_update(html).finalize();
    format!("=_{}", hex(&hash[..16]))
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

/// How deep a line is quoted, and the line without its marks. Of marks with blanks between them, RFC 3676 (section 4.5)
/// counts the first only.
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
    use crate::edition::transfer_encoding::mark;

    /// RFC 3676 section 4, as a mail program reads it: paragraphs, each with its quote depth.
    fn unflowed(text: &str, delsp: bool) -> Vec<(usize, String)> {
        let mut paragraphs: Vec<(usize, String)> = Vec::new();
        let mut goes_on = false;
        for line in text.lines() {
            let depth = line.bytes().take_while(|byte| *byte == b'>').count();
            let content = line[depth..].strip_prefix(' ').unwrap_or(&line[depth..]);
            let soft = content.ends_with(' ');
            let content = if soft && delsp { &content[..content.len() - 1] } else { content };
            match paragraphs.last_mut().filter(|_| goes_on) {
                Some((open, paragraph)) => {
                    assert_eq!(*open, depth, "a paragraph keeps its depth: {text}");
                    paragraph.push_str(content);
                }
                None => paragraphs.push((depth, content.to_owned())),
            }
            goes_on = soft;
        }
        assert!(!goes_on, "the last line ends its paragraph");
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
            let (text, flow) = flowed(&plain_text::render(&Document::parse(&markdown), &permalink));
            prop_assert_eq!(unflowed(&text, flow.contains("delsp=yes")), [(depth, paragraph)]);
        }
    }

    #[test]
    fn control_characters_stay_out() {
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
    fn a_body_holds_text_first_and_html_last() {
        let body = Body::encode("Hello\n", &format!("<p>{}</p>\n", mark(0)), &Pictures::default());
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
