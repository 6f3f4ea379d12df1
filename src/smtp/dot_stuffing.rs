//! A message as sent after DATA: CRLF line ends, dots doubled (RFC 5321 4.5.2), and the final dot.
//!
//! Copies a message only if something must change, which never happens with our own: a message is sent tens of
//! thousands of times.

use std::borrow::Cow;

/// The content to send, and the final dot, preceded by a line end if the last line has none.
///
/// Other line ends become CRLF, because some servers read a lone CR or LF as a line end and others do not (RFC 5321
/// 2.3.8).
pub(super) fn dot_stuff(content: &[u8]) -> (Cow<'_, [u8]>, &'static [u8]) {
    let content = if needs_no_change(content) { Cow::Borrowed(content) } else { Cow::Owned(stuffed(content)) };
    let ends_line = content.is_empty() || content.ends_with(b"\r\n");
    (content, if ends_line { b".\r\n" } else { b"\r\n.\r\n" })
}

/// Whether no line begins with a dot, and CR and LF occur only together.
fn needs_no_change(content: &[u8]) -> bool {
    let fits =
        |(this, next): (&u8, &u8)| ((*this == b'\r') == (*next == b'\n')) & !((*this == b'\n') & (*next == b'.'));
    // Without branches, the compiler compares many bytes at a time.
    let pairs = content.iter().zip(content.get(1..).unwrap_or_default());
    pairs.fold(true, |all, pair| all & fits(pair))
        && !content.starts_with(b".")
        && !content.starts_with(b"\n")
        && !content.ends_with(b"\r")
}

fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(content.len() + content.len() / 64 + 8);
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        for part in line.split(|byte| *byte == b'\r') {
            if part.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend_from_slice(part);
            wire.extend_from_slice(b"\r\n");
        }
    }
    wire
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(content: &[u8]) -> String {
        let (content, dot) = dot_stuff(content);
        String::from_utf8([&content, dot].concat()).unwrap()
    }

    /// The message as the server receives it: RFC 5321 4.5.2.
    fn received(wire: &str) -> String {
        let lines = wire.strip_suffix(".\r\n").unwrap().split_inclusive("\r\n");
        lines.map(|line| line.strip_prefix('.').unwrap_or(line)).collect()
    }

    #[test]
    fn only_dots_at_the_start_of_a_line_are_doubled() {
        assert_eq!(whole(b".a\r\nb.\r\n..\r\n"), "..a\r\nb.\r\n...\r\n.\r\n");
    }

    #[test]
    fn every_kind_of_line_end_becomes_crlf() {
        assert_eq!(whole(b"a\nb\rc\r\n."), "a\r\nb\r\nc\r\n..\r\n.\r\n");
        assert_eq!(whole(b"a\n.\nMAIL"), "a\r\n..\r\nMAIL\r\n.\r\n");
        assert_eq!(whole(b""), ".\r\n");
        assert_eq!(whole(b"a\r\nb"), "a\r\nb\r\n.\r\n");
        assert_eq!(whole(b"a\r"), "a\r\n.\r\n");
    }

    #[test]
    fn an_unchanged_message_is_not_copied() {
        assert!(matches!(dot_stuff(b"a.\r\n\r\nb\r\n").0, Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn a_message_arrives_unchanged(lines in prop::collection::vec("[^\r\n]{0,20}", 0..20)) {
            let message: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            prop_assert_eq!(received(&whole(message.as_bytes())), message);
        }

        #[test]
        fn no_input_ends_the_message_early(text in "[.\r\na]{0,40}") {
            let wire = whole(text.as_bytes());
            prop_assert_eq!(wire.find("\r\n.\r\n").map(|at| at + 5).unwrap_or(wire.len()), wire.len());
            prop_assert!(!wire.replace("\r\n", "").contains(['\r', '\n']));
            prop_assert!(wire.ends_with("\r\n.\r\n") || wire == ".\r\n");
        }
    }
}
