//! Relaxed canonicalization of header and body, which tolerates refolding and respacing by relays: RFC 6376 section 3.4.

use memchr::{memchr2, memmem};
use ring::digest::{SHA256, digest};

/// A header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// The name, as written.
    pub name: &'a str,
    /// The text after the colon, still folded, without the last CRLF.
    pub value: &'a str,
}

/// The fields of a header with CRLF line endings, in order.
pub(super) fn fields(head: &str) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    let mut rest = head;
    while let Some((name, after)) = rest.split_once(':') {
        let ends = memmem::find_iter(after.as_bytes(), b"\r\n");
        let mut ends = ends.filter(|end| !after[end + 2..].starts_with([' ', '\t']));
        let end = ends.next().unwrap_or(after.len());
        fields.push(Field { name, value: &after[..end] });
        rest = after.get(end + 2..).unwrap_or_default();
    }
    fields
}

/// Section 3.4.2: lower-case name, unfolded value, whitespace reduced to one space and removed at the ends and around the
/// colon; without CRLF.
pub(super) fn relaxed(field: &Field<'_>) -> String {
    let mut line = String::with_capacity(field.name.len() + field.value.len() + 1);
    line.push_str(field.name.trim_end());
    line.make_ascii_lowercase();
    line.push(':');
    let words = field.value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// SHA-256 of the body in its relaxed form.
pub(super) fn body_hash(body: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &relaxed_body(body)).as_ref());
    hash
}

/// Section 3.4.4: no whitespace at line ends, other whitespace reduced to one space, no empty lines at the end.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut relaxed = Vec::with_capacity(body.len() + 2);
    let mut end = 0;
    for line in lines(body) {
        let start = relaxed.len();
        if memchr2(b' ', b'\t', line).is_none() {
            relaxed.extend_from_slice(line);
        } else {
            for byte in line {
                match byte {
                    b' ' | b'\t' if relaxed.len() > start && relaxed.ends_with(b" ") => {}
                    b' ' | b'\t' => relaxed.push(b' '),
                    other => relaxed.push(*other),
                }
            }
            if relaxed.len() > start && relaxed.ends_with(b" ") {
                relaxed.pop();
            }
        }
        let is_empty = relaxed.len() == start;
        relaxed.extend_from_slice(b"\r\n");
        if !is_empty {
            end = relaxed.len();
        }
    }
    relaxed.truncate(end);
    relaxed
}

/// The lines of a text without their CRLF.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memmem::find_iter(text, b"\r\n").chain([text.len()]);
    ends.scan(0, |start, end| {
        let line = &text[*start..end];
        *start = end + 2;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_rfc_6376() {
        // RFC 6376 section 3.4.5.
        let head = "A: X\r\nB : Y\t\r\n\tZ  \r\n";
        let shown: Vec<String> = fields(head).iter().map(relaxed).collect();
        assert_eq!(shown, ["a:X", "b:Y Z"]);
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
    }

    #[test]
    fn the_body_of_rfc_8463_has_its_hash() {
        // RFC 8463 appendix A.3.
        let body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
        assert_eq!(STANDARD.encode(body_hash(body)), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    }

    #[test]
    fn an_empty_body_has_the_hash_of_no_bytes() {
        // RFC 6376 section 3.4.4.
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for body in [&b""[..], b"\r\n", b"\r\n\r\n", b" \r\n"] {
            let hash: String = body_hash(body).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hash, nothing, "{body:?}");
        }
    }

    proptest! {
        /// Compares with the definition of the RFC, applied line by line.
        #[test]
        fn any_body_is_canonicalized(body in "[ab\t ]{0,6}(\r\n[ab \t]{0,6}){0,5}") {
            let lines = body.split("\r\n").map(|line| {
                let line = line.replace('\t', " ");
                let mut words = line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
                if line.starts_with(' ') && !words.is_empty() {
                    words.insert(0, ' ');
                }
                words
            });
            let lines = lines.collect::<Vec<_>>().join("\r\n");
            let text = lines.trim_end_matches("\r\n");
            let expected = if text.is_empty() { String::new() } else { format!("{text}\r\n") };
            prop_assert_eq!(String::from_utf8(relaxed_body(body.as_bytes())).unwrap(), expected);
        }
    }
}
