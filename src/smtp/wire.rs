//! A message as it travels after DATA: CRLF line ends, dots doubled, the final dot appended (RFC 5321 4.5.2).
//!
//! Takes a message, gives one text so that content and final dot leave in a single write: a dot of its own would wait
//! for the acknowledgement of the content (Nagle), 40 ms for each message.

use std::str;

/// The message with its final dot, or `None` when it is not UTF-8, which no mail server could be told about.
///
/// Line ends other than CRLF become CRLF, because a lone CR or LF is read as a line end by some servers and not by
/// others (RFC 5321 2.3.8).
pub(super) fn with_final_dot(content: &[u8]) -> Option<String> {
    let text = str::from_utf8(content).ok()?;
    let mut wire = String::with_capacity(text.len() + text.len() / 64 + 8);
    for line in text.split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        for part in line.split('\r') {
            if part.starts_with('.') {
                wire.push('.');
            }
            wire.push_str(part);
            wire.push_str("\r\n");
        }
    }
    wire.push_str(".\r\n");
    Some(wire)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a server makes of it: RFC 5321 4.5.2, the receiver's side.
    fn received(wire: &str) -> String {
        let lines = wire.strip_suffix(".\r\n").unwrap().split_inclusive("\r\n");
        lines.map(|line| line.strip_prefix('.').unwrap_or(line)).collect()
    }

    #[test]
    fn doubles_dots_at_the_start_of_lines_only() {
        assert_eq!(with_final_dot(b".a\r\nb.\r\n..\r\n").unwrap(), "..a\r\nb.\r\n...\r\n.\r\n");
    }

    #[test]
    fn every_kind_of_line_end_becomes_crlf() {
        assert_eq!(with_final_dot(b"a\nb\rc\r\n.").unwrap(), "a\r\nb\r\nc\r\n..\r\n.\r\n");
        assert_eq!(with_final_dot(b"a\n.\nMAIL").unwrap(), "a\r\n..\r\nMAIL\r\n.\r\n");
        assert_eq!(with_final_dot(b"").unwrap(), ".\r\n");
    }

    #[test]
    fn what_is_not_utf8_cannot_travel() {
        assert_eq!(with_final_dot(&[b'a', 0xff]), None);
    }

    proptest! {
        #[test]
        fn a_message_arrives_as_it_was(lines in prop::collection::vec("[^\r\n]{0,20}", 0..20)) {
            let message: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            prop_assert_eq!(received(&with_final_dot(message.as_bytes()).unwrap()), message);
        }

        #[test]
        fn no_input_ends_the_message_early(text in "[.\r\na]{0,40}") {
            let wire = with_final_dot(text.as_bytes()).unwrap();
            prop_assert_eq!(wire.find("\r\n.\r\n").map(|at| at + 5).unwrap_or(wire.len()), wire.len());
            prop_assert!(!wire.replace("\r\n", "").contains(['\r', '\n']));
        }
    }
}
