//! An mbox: messages one after another, each behind a line `From SENDER TIME` after an empty line.
//!
//! Takes the file, which is only read; returns its messages, with `>From ` at the beginning of a line unquoted, as in mboxrd and
//! mboxo. A line that looks like the beginning of a message but has no time belongs to the message it is in.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use crate::mailbox::{ENVELOPE_LINE, MAX_MESSAGE_BYTES, Message, Position};

/// Longer lines are read in pieces.
const MAX_PIECE_BYTES: u64 = 64 * 1024;

/// An mbox that is being read.
pub struct Mbox {
    name: String,
    reader: BufReader<File>,
    /// Number of messages read.
    read: usize,
    /// Whether the line that opens the next message was read.
    is_opened: bool,
}

impl Mbox {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let reader = BufReader::new(File::open(path)?);
        Ok(Self { name: path.to_string_lossy().into_owned(), reader, read: 0, is_opened: false })
    }

    pub(super) fn next_batch(&mut self, size: usize) -> io::Result<Vec<Message>> {
        let mut messages = Vec::new();
        let mut bytes = 0;
        while messages.len() < size && bytes < MAX_MESSAGE_BYTES {
            let Some(content) = self.next()? else { break };
            bytes += content.len();
            let name = format!("{}#{}", self.name, self.read);
            messages.push(Message { name, content: Ok(content), position: Position::Nowhere });
        }
        Ok(messages)
    }

    /// The next message; `None` at the end.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut content = Vec::new();
        let (mut piece, mut is_line_start, mut is_after_empty) = (Vec::new(), true, !self.is_opened);
        let mut is_in_message = self.is_opened;
        self.is_opened = false;
        loop {
            piece.clear();
            if self.reader.by_ref().take(MAX_PIECE_BYTES).read_until(b'\n', &mut piece)? == 0 {
                self.read += usize::from(is_in_message);
                return Ok(is_in_message.then_some(content));
            }
            // The first line has opened the file, whatever is behind `From `.
            let is_first = self.read == 0 && !is_in_message;
            if is_line_start && is_after_empty && (is_first || is_opening(&piece)) {
                if is_in_message {
                    self.is_opened = true;
                    self.read += 1;
                    return Ok(Some(content));
                }
                is_in_message = true;
            } else if is_in_message {
                let line = if is_line_start { unquoted(&piece) } else { &piece };
                let space = MAX_MESSAGE_BYTES - content.len();
                content.extend_from_slice(&line[..line.len().min(space)]);
            }
            is_after_empty = is_line_start && matches!(piece.as_slice(), b"\n" | b"\r\n");
            is_line_start = piece.ends_with(b"\n");
        }
    }
}

/// Whether a line opens a message: `From `, and a time of day and a year somewhere behind.
fn is_opening(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(ENVELOPE_LINE) else { return false };
    let rest = String::from_utf8_lossy(rest);
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let has_time = rest.split_whitespace().any(|word| {
        let parts: Vec<&str> = word.split(':').collect();
        parts.len() >= 2 && parts.iter().all(|part| part.len() <= 2 && are_digits(part))
    });
    has_time && rest.split_whitespace().any(|word| word.len() == 4 && are_digits(word))
}

/// The line without one `>` if it is `>From `, `>>From ` and so on.
fn unquoted(line: &[u8]) -> &[u8] {
    let quotes = line.iter().take_while(|byte| **byte == b'>').count();
    if quotes > 0 && line[quotes..].starts_with(ENVELOPE_LINE) { &line[1..] } else { line }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::mailbox::Mailbox;

    fn messages(text: &str) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box");
        fs::write(&path, text).unwrap();
        let mut mailbox = Mailbox::open(&path).unwrap();
        let mut found = Vec::new();
        loop {
            let batch = mailbox.next_batch().unwrap();
            if batch.is_empty() {
                return found;
            }
            found.extend(batch.into_iter().map(|message| {
                let name = Path::new(&message.name).file_name().unwrap().to_str().unwrap().to_owned();
                (name, String::from_utf8(message.content.unwrap()).unwrap())
            }));
        }
    }

    #[test]
    fn messages_are_split_at_their_envelope_lines_and_unquoted() {
        let text = "From MAILER-DAEMON Fri Jul  8 12:08:34 2011\nSubject: one\n\nFrom here it is text.\n\n>From us\n>>From you\n\n\
                    From a@example.org  Fri Jul  8 12:08:34 +0200 2011\r\nSubject: two\r\n\r\nFrom b Fri Jul 8 12:08:34 2011\r\n\
                    > From\n";
        let message = |name: &str, content: &str| (name.to_owned(), content.to_owned());
        assert_eq!(
            messages(text),
            [
                message("box#1", "Subject: one\n\nFrom here it is text.\n\nFrom us\n>From you\n\n"),
                message("box#2", "Subject: two\r\n\r\n"),
                message("box#3", "> From\n"),
            ]
        );
    }

    #[test]
    fn an_mbox_may_be_long_and_have_long_lines() {
        let long = "x".repeat(2 * MAX_MESSAGE_BYTES);
        let one = format!("From a@example.org Fri Jul  8 12:08:34 2011\nSubject: {long}\n\n");
        let found = messages(&one.repeat(3));
        let lengths: Vec<usize> = found.iter().map(|(_, content)| content.len()).collect();
        assert_eq!(lengths, [MAX_MESSAGE_BYTES; 3]);
        let many = messages(&"From a@example.org Fri Jul  8 12:08:34 2011\nA: b\n\n".repeat(200));
        assert_eq!((many.len(), many[199].0.as_str()), (200, "box#200"));
    }
}
