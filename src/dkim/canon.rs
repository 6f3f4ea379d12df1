//! The relaxed form of header and body, in which relays may fold and space them as they like: RFC 6376 section 3.4.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use memchr::memmem;

use crate::letter::content::{Part, Shared};

/// A field of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Its name, as written.
    pub name: &'a str,
    /// What follows the colon, folded, without the last CRLF.
    pub value: &'a str,
}

/// The fields of a header whose lines are ended by CRLF, in order.
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

/// Section 3.4.2: name in lower case, value unfolded, white space as one space, none at the ends nor round the colon;
/// without CRLF.
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

/// SHA-256 of the body in the form of section 3.4.4: no white space at the end of lines, other white space as one space,
/// no empty lines at the end. `known` has the hash of what all bodies of an edition begin with.
pub(super) fn body_hash<'a>(body: impl Iterator<Item = Part<'a>> + Clone, known: &Beginning) -> [u8; 32] {
    let mut body = body.filter(|part| !part.bytes.is_empty());
    if are_relaxed(body.clone()) {
        let mut hash = body.next().map_or_else(BodyHash::new, |first| known.hash(first));
        body.for_each(|part| hash.update(part.bytes));
        return hash.finish();
    }
    let whole: Vec<u8> = body.flat_map(|part| part.bytes).copied().collect();
    let mut hash = BodyHash::new();
    hash.update(&relaxed_body(&whole));
    hash.finish()
}

/// What bodies begin with, and its hash: the same for all messages of an edition, up to what is the first recipient's own.
#[derive(Default)]
pub(super) struct Beginning(Mutex<Option<(Shared, BodyHash)>>);

impl Beginning {
    /// The hash of the first part of a body.
    fn hash(&self, first: Part<'_>) -> BodyHash {
        let mut hash = BodyHash::new();
        let Some(shared) = first.shared else {
            hash.update(first.bytes);
            return hash;
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((other, hash)) if other.is(shared) => hash.clone(),
            _ => {
                hash.update(first.bytes);
                *known = Some((shared.clone(), hash.clone()));
                hash
            }
        }
    }
}

/// Whether there is nothing to change in a body, as in most: they are base64 or quoted-printable.
fn are_relaxed<'a>(mut body: impl Iterator<Item = Part<'a>>) -> bool {
    let mut last = None;
    body.all(|part| {
        // No line end, and no gap, is cut in two.
        let is_whole = |last: u8| !matches!(last, b' ' | b'\r');
        let fits = last.is_none_or(is_whole);
        last = part.bytes.last().copied();
        fits && part.is_relaxed()
    }) && last.is_none_or(|last| last != b' ')
}

/// The hash of a relaxed body, so far.
#[derive(Clone)]
struct BodyHash {
    hash: Context,
    is_empty: bool,
    /// Of lines that are the last ones, unless more follows.
    line_ends: usize,
}

impl BodyHash {
    fn new() -> Self {
        Self { hash: Context::new(&SHA256), is_empty: true, line_ends: 0 }
    }

    fn update(&mut self, part: &[u8]) {
        let mut text = part;
        while let Some(shorter) = text.strip_suffix(b"\r\n") {
            text = shorter;
        }
        if !text.is_empty() {
            (0..self.line_ends).for_each(|_| self.hash.update(b"\r\n"));
            self.hash.update(text);
            (self.line_ends, self.is_empty) = (0, false);
        }
        self.line_ends += (part.len() - text.len()) / 2;
    }

    fn finish(mut self) -> [u8; 32] {
        if !self.is_empty {
            self.hash.update(b"\r\n");
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.hash.finish().as_ref());
        bytes
    }
}

fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut relaxed = Vec::with_capacity(body.len());
    for (index, line) in memmem_split(body).enumerate() {
        if index > 0 {
            relaxed.extend_from_slice(b"\r\n");
        }
        let start = relaxed.len();
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
    relaxed
}

/// The lines of a text, without their CRLF.
fn memmem_split(text: &[u8]) -> impl Iterator<Item = &[u8]> {
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
    use crate::letter::Content;

    fn body_hash(body: &[u8]) -> [u8; 32] {
        super::body_hash(Content::from(body.to_vec()).parts(), &Beginning::default())
    }

    #[test]
    fn the_example_of_the_standard() {
        // RFC 6376 section 3.4.5.
        let head = "A: X\r\nB : Y\t\r\n\tZ  \r\n";
        let shown: Vec<String> = fields(head).iter().map(relaxed).collect();
        assert_eq!(shown, ["a:X", "b:Y Z"]);
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n\r\n\r\n");
        assert_eq!(body_hash(b" C \r\nD \t E\r\n\r\n\r\n"), body_hash(b" C\r\nD E\r\n"));
    }

    #[test]
    fn the_body_of_another_standard_has_its_hash() {
        // RFC 8463 appendix A.3.
        let body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
        assert_eq!(STANDARD.encode(body_hash(body)), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    }

    #[test]
    fn an_empty_body_has_the_hash_of_nothing() {
        // RFC 6376 section 3.4.4.
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for body in [&b""[..], b"\r\n", b"\r\n\r\n", b" \r\n"] {
            let hash: String = body_hash(body).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hash, nothing, "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn the_hash_is_that_of_the_whole_however_it_is_cut(
            parts in prop::collection::vec(("[ab\t ]{0,3}(\r\n){0,3}[ab ]{0,2}|\r|\n", any::<bool>()), 0..6),
        ) {
            let mut content = Content::with_capacity(0);
            for (part, is_shared) in &parts {
                let long = format!("{}\r\n{part}", "a".repeat(600));
                if *is_shared { content.push_shared(&Shared::new(long.into())) } else { content.push(part.as_bytes()) }
            }
            let mut expected = BodyHash::new();
            expected.update(&relaxed_body(&content.to_vec()));
            let (known, expected) = (Beginning::default(), expected.finish());
            for _ in 0..2 {
                prop_assert_eq!(super::body_hash(content.parts(), &known), expected);
            }
            let other = Content::from("other\r\n");
            prop_assert_eq!(super::body_hash(other.parts(), &known), body_hash(b"other\r\n"));
        }

        /// Written as the standard words it, a line at a time.
        #[test]
        fn any_body_is_relaxed(body in "[ab\t ]{0,6}(\r\n[ab \t]{0,6}){0,5}") {
            let lines = body.split("\r\n").map(|line| {
                let line = line.replace('\t', " ");
                let mut words = line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
                if line.starts_with(' ') && !words.is_empty() {
                    words.insert(0, ' ');
                }
                words
            });
            let expected = lines.collect::<Vec<_>>().join("\r\n");
            prop_assert_eq!(String::from_utf8(relaxed_body(body.as_bytes())).unwrap(), expected);
        }
    }
}
