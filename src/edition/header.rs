//! Header fields of a message: text in, lines of printable ASCII out, folded and ended by CRLF.
//!
//! The encoded words of RFC 2047 are made by the encoder that lettre uses; what lettre passes through and a mail
//! program would misread (control characters, a literal `=?`, words longer than a line) is encoded here too.

use std::fmt::{self, Write};

use email_encoding::headers::rfc2047;
use email_encoding::headers::writer::EmailWriter;

use crate::email::EmailAddress;

/// RFC 2047 section 2: a line with an encoded word has at most 76 characters.
const MAX_LINE_CHARACTERS: usize = 76;

/// A longer word does not fit into a line next to the field name.
const MAX_WORD_BYTES: usize = 60;

/// A field of unstructured text (RFC 5322 section 2.2.1), such as Subject.
pub fn text(name: &str, value: &str) -> String {
    field(name, |writer| write_text(writer, &one_line(value)))
}

/// A field with one mailbox: display name, if there is one, and address. Only the name is ever encoded.
pub fn mailbox(name: &str, display: Option<&str>, address: &EmailAddress) -> String {
    phrase_and_angle(name, display, address.as_str(), false)
}

/// List-Id (RFC 2919 section 2): display name, if there is one, and identifier in angle brackets.
pub fn list_id(display: Option<&str>, id: &str) -> String {
    phrase_and_angle("List-Id", display, id, true)
}

/// A field of comma-separated ASCII items, folded only after a comma.
pub fn list(name: &str, items: &[String]) -> String {
    field(name, |writer| {
        for (index, item) in items.iter().enumerate() {
            let comma = if index + 1 < items.len() { "," } else { "" };
            write_unfolded(writer, &[item, comma], index > 0)?;
        }
        Ok(())
    })
}

/// Text on one line: runs of spaces and control characters become one space.
pub fn one_line(text: &str) -> String {
    let is_space = |character: char| character == ' ' || character.is_control();
    if !text.contains(char::is_control) && !text.contains("  ") {
        return text.trim_matches(' ').to_owned();
    }
    text.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn phrase_and_angle(name: &str, display: Option<&str>, inner: &str, always_angle: bool) -> String {
    let display = one_line(display.unwrap_or_default());
    field(name, |writer| {
        if display.is_empty() {
            let whole = if always_angle { ["<", inner, ">"] } else { ["", inner, ""] };
            return write_unfolded(writer, &whole, false);
        }
        if is_plain(&display) {
            write_phrase(writer, &display)?;
        } else {
            rfc2047::encode(&display, writer)?;
        }
        write_unfolded(writer, &["<", inner, ">"], true)
    })
}

/// ASCII text as an RFC 5322 `phrase`: one atom unchanged, anything else as a quoted string.
fn write_phrase(writer: &mut EmailWriter<'_>, text: &str) -> fmt::Result {
    if text.bytes().all(is_atext) {
        return write_folding(writer, &[text], false);
    }
    let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    for (index, word) in quoted.split(' ').enumerate() {
        write_unfolded(writer, &[word], index > 0)?;
    }
    Ok(())
}

/// RFC 5322 section 3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// ASCII words unchanged, runs of other words as encoded words that include the spaces between them.
fn write_text(writer: &mut EmailWriter<'_>, text: &str) -> fmt::Result {
    let mut words = text.split(' ').peekable();
    let mut first = true;
    while let Some(word) = words.next() {
        if !first {
            writer.space();
        }
        if is_plain(word) {
            write_folding(writer, &[word], !first)?;
        } else {
            let mut run = word.to_owned();
            while let Some(next) = words.next_if(|next| !is_plain(next)) {
                run.push(' ');
                run.push_str(next);
            }
            rfc2047::encode(&run, writer)?;
        }
        first = false;
    }
    Ok(())
}

/// Whether a header may contain the text unchanged: every word is ASCII and short, and none begins an encoded word.
fn is_plain(text: &str) -> bool {
    text.is_ascii() && !text.contains("=?") && text.split(' ').all(|word| word.len() <= MAX_WORD_BYTES)
}

/// Writes something that cannot be folded inside, after a space if `space` is set.
fn write_unfolded(writer: &mut EmailWriter<'_>, parts: &[&str], space: bool) -> fmt::Result {
    if space {
        writer.space();
    }
    write_folding(writer, parts, space)
}

fn write_folding(writer: &mut EmailWriter<'_>, parts: &[&str], may_fold: bool) -> fmt::Result {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if may_fold && writer.projected_line_len() + length > MAX_LINE_CHARACTERS {
        writer.new_line()?;
    }
    parts.iter().try_for_each(|part| writer.write_str(part))
}

fn field(name: &str, write_value: impl FnOnce(&mut EmailWriter<'_>) -> fmt::Result) -> String {
    let mut line = String::with_capacity(2 * MAX_LINE_CHARACTERS);
    line.extend([name, ": "]);
    let before = line.len();
    let written = write_value(&mut EmailWriter::new(&mut line, before, 0, false));
    debug_assert!(written.is_ok(), "writing into a string never fails");
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_encoded_without_splitting_characters() {
        let subject = "SOFA Weekly | SOFABoot 发布、SOFAJRaft 以及 SOFARPC 内容合辑、MOSN 活动报名";
        assert_eq!(
            text("Subject", subject),
            "Subject: SOFA Weekly | SOFABoot =?utf-8?b?5Y+R5biD44CBU09GQUpSYWZ0IA==?=\r\n \
             =?utf-8?b?5Lul5Y+K?= SOFARPC =?utf-8?b?5YaF5a655ZCI6L6R44CBTU9TTiDmtLs=?=\r\n \
             =?utf-8?b?5Yqo5oql5ZCN?=\r\n"
        );
    }

    #[test]
    fn a_value_cannot_inject_a_field() {
        assert_eq!(text("Subject", "a\r\nBcc: b@example.org"), "Subject: a Bcc: b@example.org\r\n");
        assert_eq!(text("Subject", "=?utf-8?b?YQ==?="), "Subject: =?utf-8?b?PT91dGYtOD9iP1lRPT0/PQ==?=\r\n");
    }

    #[test]
    fn a_mailbox_encodes_the_name_and_never_the_address() {
        let address = "weekly@example.org".parse().unwrap();
        assert_eq!(mailbox("From", None, &address), "From: weekly@example.org\r\n");
        assert_eq!(mailbox("From", Some("A Team"), &address), "From: \"A Team\" <weekly@example.org>\r\n");
        assert_eq!(mailbox("To", Some("团队"), &address), "To: =?utf-8?b?5Zui6Zif?= <weekly@example.org>\r\n");
    }

    #[test]
    fn a_name_that_is_not_an_atom_is_quoted() {
        let address = "weekly@example.org".parse().unwrap();
        for (name, written) in [
            ("Tides", "Tides"),
            ("R&D!", "R&D!"),
            ("Node.js", "\"Node.js\""),
            (".NET", "\".NET\""),
            ("Team, \"A\"", "\"Team, \\\"A\\\"\""),
            ("C:\\", "\"C:\\\\\""),
            ("a@example.org", "\"a@example.org\""),
        ] {
            assert_eq!(mailbox("From", Some(name), &address), format!("From: {written} <weekly@example.org>\r\n"));
        }
        let long = mailbox("From", Some(&"tide ".repeat(20)), &address);
        assert_eq!(long.lines().count(), 2, "{long}");
    }

    proptest! {
        #[test]
        fn a_name_is_read_back(name in "[ -~é潮\"\\\\.,]{1,90}") {
            let address = "weekly@example.org".parse().unwrap();
            let field = mailbox("From", Some(&name), &address);
            prop_assert!(field.is_ascii() && field.lines().all(|line| line.len() <= 78), "{field}");
            let message = format!("{field}\r\n");
            let parsed = MessageParser::default().parse(&message).unwrap();
            let from = parsed.from().unwrap().first().unwrap();
            let name = one_line(&name);
            prop_assert_eq!(from.name(), Some(name.as_str()).filter(|name| !name.is_empty()));
            prop_assert_eq!(from.address(), Some("weekly@example.org"));
        }
    }

    #[test]
    fn a_list_id_is_in_angle_brackets() {
        assert_eq!(
            list_id(Some("周刊"), "weekly.example.org"),
            "List-Id: =?utf-8?b?5ZGo5YiK?= <weekly.example.org>\r\n"
        );
        assert_eq!(list_id(None, "weekly.example.org"), "List-Id: <weekly.example.org>\r\n");
    }
}
