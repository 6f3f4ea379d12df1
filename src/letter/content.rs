//! The content of a message, in pieces. Those that an edition's messages share are neither copied nor looked through
//! again for each of them, so that a message costs what is its recipient's own.
//!
//! Takes bytes in their order; gives the pieces and what SMTP asks of the whole. Sending and signing are left to others.

use std::ops::Range;
use std::sync::Arc;

/// A shorter piece is copied: that is less work than to share it.
const SHORT: usize = 512;

/// The content of one message: RFC 5322, lines ended by CRLF.
#[derive(Debug, Clone)]
pub struct Content {
    pieces: Vec<Piece>,
    /// All pieces that are its own, one behind the other.
    own: Vec<u8>,
    len: usize,
    is_ascii: bool,
    is_ready: bool,
    ends_line: bool,
    last: Option<u8>,
}

#[derive(Debug, Clone)]
enum Piece {
    /// A part of `own`.
    Own(Range<usize>),
    Shared(Shared),
}

/// Bytes that many messages have in common.
#[derive(Debug, Clone)]
pub struct Shared(Arc<Stretch>);

#[derive(Debug)]
struct Stretch {
    bytes: Vec<u8>,
    is_ascii: bool,
    is_ready: bool,
    is_relaxed: bool,
}

/// A part of a content, as it is.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The same, where other messages have it too.
    pub shared: Option<&'a Shared>,
}

impl Content {
    /// Nothing yet, with room for so many bytes of its own.
    pub fn with_capacity(own: usize) -> Self {
        let (pieces, own) = (Vec::with_capacity(16), Vec::with_capacity(own));
        Self { pieces, own, len: 0, is_ascii: true, is_ready: true, ends_line: true, last: None }
    }

    /// Appends bytes of its own.
    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.append(bytes, bytes.is_ascii(), is_ready(bytes));
        let start = self.own.len();
        self.own.extend_from_slice(bytes);
        let end = self.own.len();
        match self.pieces.last_mut() {
            Some(Piece::Own(range)) => range.end = end,
            _ => self.pieces.push(Piece::Own(start..end)),
        }
    }

    /// Appends bytes that it has in common with others.
    pub fn push_shared(&mut self, shared: &Shared) {
        let Stretch { bytes, is_ascii, is_ready, .. } = &*shared.0;
        if bytes.len() < SHORT {
            return self.push(bytes);
        }
        self.append(bytes, *is_ascii, *is_ready);
        self.pieces.push(Piece::Shared(shared.clone()));
    }

    fn append(&mut self, bytes: &[u8], is_ascii: bool, is_ready: bool) {
        let Some((first, last)) = bytes.first().zip(bytes.last()) else { return };
        // What stands before the first byte is the end of a line.
        let fits = self.last.map_or(!matches!(first, b'.' | b'\n'), |last| is_fine(last, *first));
        self.is_ready &= is_ready && fits;
        self.is_ascii &= is_ascii;
        self.ends_line = bytes.ends_with(b"\r\n") || bytes == b"\n" && self.last == Some(b'\r');
        self.len += bytes.len();
        self.last = Some(*last);
    }

    /// The same behind these bytes.
    pub fn behind(&self, bytes: &[u8]) -> Self {
        let mut content = Self::with_capacity(bytes.len() + self.own.len());
        content.push(bytes);
        for piece in &self.pieces {
            match piece {
                Piece::Own(range) => content.push(&self.own[range.clone()]),
                Piece::Shared(shared) => content.push_shared(shared),
            }
        }
        content
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether all of it is ASCII.
    pub fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// Whether it can travel as it is (RFC 5321 section 4.5.2): all line ends are CRLF, and no line begins with a dot.
    pub fn is_ready(&self) -> bool {
        self.is_ready && self.last != Some(b'\r')
    }

    /// Whether its last line ends with CRLF.
    pub fn ends_line(&self) -> bool {
        self.ends_line
    }

    /// Its parts, in their order. None is empty.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> + Clone {
        self.pieces.iter().map(|piece| match piece {
            Piece::Own(range) => Part { bytes: &self.own[range.clone()], shared: None },
            Piece::Shared(shared) => Part { bytes: &shared.0.bytes, shared: Some(shared) },
        })
    }

    /// All of it, in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.len);
        self.parts().for_each(|part| whole.extend_from_slice(part.bytes));
        whole
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        let mut content = Self::with_capacity(bytes.len());
        content.push(&bytes);
        content
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.to_vec() == other.to_vec()
    }
}

impl Shared {
    /// These bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        let (is_ascii, is_ready, is_relaxed) = (bytes.is_ascii(), is_ready(&bytes), is_relaxed(&bytes));
        Self(Arc::new(Stretch { bytes, is_ascii, is_ready, is_relaxed }))
    }

    /// What they are.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// Whether it is the very same, not one that has the same bytes.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Part<'_> {
    /// Whether relaxing it (RFC 6376 section 3.4.4) changes nothing between its first byte and its last.
    pub fn is_relaxed(&self) -> bool {
        self.shared.map_or_else(|| is_relaxed(self.bytes), |shared| shared.0.is_relaxed)
    }
}

/// Whether relaxing the bytes changes nothing between the first and the last.
fn is_relaxed(bytes: &[u8]) -> bool {
    let is_fine = |this, next| (this != b' ') | ((next != b' ') & (next != b'\r'));
    !bytes.contains(&b'\t') && are_all(bytes, is_fine)
}

/// Whether every line that begins in the bytes begins without a dot, and every one that ends there ends with CRLF.
fn is_ready(bytes: &[u8]) -> bool {
    are_all(bytes, is_fine)
}

/// Whether this is true of all pairs of neighbours. A predicate without a branch lets a machine look at many at a time.
fn are_all(bytes: &[u8], is_fine: impl Fn(u8, u8) -> bool) -> bool {
    const BLOCK: usize = 4096;
    let mut blocks = bytes.chunks(BLOCK).zip(bytes.get(1..).unwrap_or_default().chunks(BLOCK));
    blocks.all(|(these, next)| these.iter().zip(next).fold(true, |fine, (this, next)| fine & is_fine(*this, *next)))
}

/// Whether a byte may stand before another in what travels as it is.
fn is_fine(this: u8, next: u8) -> bool {
    ((this == b'\r') == (next == b'\n')) & !((this == b'\n') & (next == b'.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_known_of_the_pieces_is_true_of_the_whole(
            parts in prop::collection::vec(("[.\r\na\u{e9}]{0,4}|(\r\n[.a]{0,3}){0,3}", any::<bool>()), 0..6),
            filler in "[a.\r\n]{1,3}",
        ) {
            let mut content = Content::with_capacity(0);
            let mut whole = Vec::new();
            for (part, is_shared) in &parts {
                let part = if *is_shared { format!("{part}{}{part}", filler.repeat(SHORT)) } else { part.clone() };
                if *is_shared { content.push_shared(&Shared::new(part.clone().into())) } else { content.push(part.as_bytes()) }
                whole.extend_from_slice(part.as_bytes());
            }
            prop_assert_eq!(&content.to_vec(), &whole);
            prop_assert_eq!((content.len(), content.is_ascii()), (whole.len(), whole.is_ascii()));
            let lines = || whole.split_inclusive(|byte| *byte == b'\n');
            let is_line = |line: &[u8]| {
                let line = line.strip_suffix(b"\r\n").unwrap_or(line);
                !line.starts_with(b".") && !line.contains(&b'\r') && !line.contains(&b'\n')
            };
            prop_assert_eq!(content.is_ready(), lines().all(is_line));
            prop_assert_eq!(content.ends_line(), whole.is_empty() || whole.ends_with(b"\r\n"));
            let behind = content.behind(b"a: b\r\n");
            prop_assert_eq!(behind.to_vec(), [b"a: b\r\n", whole.as_slice()].concat());
            prop_assert_eq!(behind.is_ascii(), whole.is_ascii());
        }
    }
}
