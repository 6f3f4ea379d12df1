//! Where front matter begins and ends: its fences, the braces of JSON, or the lines of a header.
//!
//! Takes the first bytes of a file; returns the syntax of its front matter, and offsets.

use memchr::{memchr, memmem};
use serde::de::IgnoredAny;

use crate::content::front_matter::MAX_BYTES;
use crate::content::front_matter::key_value::{self, Header};

/// The syntaxes of front matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Yaml,
    Toml,
    Json,
    /// Of a JSON object, without its braces.
    Entries,
    KeyValue,
}

impl Syntax {
    /// The line at its end, and, for YAML and TOML, at its start.
    pub fn fence(self) -> &'static [u8] {
        match self {
            Syntax::Yaml => b"---",
            Syntax::Toml => b"+++",
            Syntax::Json => b"}",
            Syntax::Entries => b";;;",
            Syntax::KeyValue => b"",
        }
    }
}

/// The opening fence: its syntax, the offset after it, and the lines up to there; JSON begins with its brace, a header with its
/// first line. Byte order marks and empty lines may precede it.
pub(super) fn opening(bytes: &[u8]) -> Option<(Syntax, usize, usize)> {
    let mut offset = 0;
    while bytes[offset..].starts_with(b"\xef\xbb\xbf") {
        offset += 3;
    }
    let mut lines = 0;
    loop {
        if is_json_object(&bytes[offset..]) {
            return Some((Syntax::Json, offset, lines));
        }
        if key_value::header(bytes, offset) != Header::Absent && !bytes[offset..].trim_ascii_start().is_empty() {
            return Some((Syntax::KeyValue, offset, lines));
        }
        let end = offset + memchr(b'\n', &bytes[offset..])? + 1;
        lines += 1;
        let line = bytes[offset..end].trim_ascii_end();
        let is_fence = |syntax: &Syntax| line.strip_prefix(syntax.fence()).is_some_and(is_blank_or_comment);
        let found = [Syntax::Yaml, Syntax::Toml].into_iter().find(is_fence);
        if let Some(syntax) = found {
            return Some((syntax, end, lines));
        }
        if !line.is_empty() {
            return None;
        }
        offset = end;
    }
}

/// Whether there is nothing but white space, or a comment after some.
fn is_blank_or_comment(behind: &[u8]) -> bool {
    let trimmed = behind.trim_ascii_start();
    trimmed.is_empty() || trimmed.starts_with(b"#") && trimmed.len() < behind.len()
}

/// Whether a line begins a JSON object, and not a shortcode or a block of attributes.
fn is_json_object(bytes: &[u8]) -> bool {
    let inside = bytes.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    inside.is_some_and(|inside| inside.starts_with(b"\"") || inside.starts_with(b"}"))
}

/// The closing fence: returns the offsets of the end of the block and of the start of the body. As in Hugo, the first line that starts
/// with the fence ends the block. The rest of that line is part of the body unless it is empty, a comment, or more of the fence.
pub(super) fn closing(bytes: &[u8], syntax: Syntax, start: usize) -> Option<(usize, usize)> {
    match syntax {
        Syntax::Json => return closing_brace(bytes, start),
        Syntax::KeyValue => match key_value::header(bytes, start) {
            Header::Closed(end, body) => return Some((end, body)),
            _ => return None,
        },
        Syntax::Yaml | Syntax::Toml | Syntax::Entries => {}
    }
    let fence = syntax.fence();
    let begins_line = |at: &usize| *at == start || bytes[at - 1] == b'\n';
    let body = |at: usize| {
        let behind = at + fence.len();
        let end = memchr(b'\n', &bytes[behind..]).map_or(bytes.len(), |length| behind + length + 1);
        let rest = bytes[behind..end].trim_ascii_end();
        let is_longer = rest.iter().all(|byte| *byte == fence[0]);
        match is_longer || is_blank_or_comment(rest) {
            true => Some((at, end)),
            false => (syntax != Syntax::Entries).then_some((at, behind)),
        }
    };
    let found = memmem::find_iter(&bytes[start..], fence).map(|at| start + at).filter(begins_line).find_map(body);
    if syntax != Syntax::Yaml {
        return found;
    }
    document_end(bytes, start, found.map_or(bytes.len(), |(at, _)| at)).or(found)
}

/// A line `...`, which ends YAML, as in Jekyll, unless a fence follows it at once.
fn document_end(bytes: &[u8], start: usize, fence: usize) -> Option<(usize, usize)> {
    let at = start + memmem::find(&bytes[start..fence], b"\n...")? + 1;
    let end = memchr(b'\n', &bytes[at..fence]).map_or(fence, |length| at + length + 1);
    let is_alone = bytes[at..end].trim_ascii_end() == b"..."
        && (fence == bytes.len() || !bytes[end..fence].trim_ascii().is_empty());
    is_alone.then_some((at, end))
}

/// The same for JSON. An object with an error ends at a line of nothing but its brace.
fn closing_brace(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let mut values = serde_json::Deserializer::from_slice(&bytes[start..]).into_iter::<IgnoredAny>();
    let end = match values.next()? {
        Ok(_) => start + values.byte_offset(),
        Err(error) if error.is_eof() => return None,
        Err(_) => start + bytes[start..].windows(2).position(|pair| pair == b"\n}")? + 2,
    };
    let rest = &bytes[end..];
    let blank = rest.iter().take_while(|byte| b" \t\r".contains(byte)).count();
    let line_end = usize::from(rest.get(blank) == Some(&b'\n'));
    Some((end, end + if line_end == 1 { blank + 1 } else { 0 }))
}

/// The end of a `Key: value` header at the end of the file, or of one that begins with `---` and ends at a blank line.
pub(super) fn unfenced(bytes: &[u8], syntax: Syntax, start: usize) -> Option<(Syntax, (usize, usize))> {
    match (key_value::header(bytes, start), syntax) {
        _ if bytes.len() > MAX_BYTES => None,
        (Header::Open(true), Syntax::KeyValue) => Some((Syntax::KeyValue, (bytes.len(), bytes.len()))),
        // Otherwise it is YAML that lacks its end.
        (Header::Closed(end, body), Syntax::Yaml) if key_value::is_capitalised(&bytes[start..end]) => {
            Some((Syntax::KeyValue, (end, body)))
        }
        _ => None,
    }
}
