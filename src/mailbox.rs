//! Mailboxes: where mail that came in is found: a Maildir, an mbox, a folder of messages, one message, an account of an IMAP
//! server.
//!
//! Takes a path, a stream or an account; returns messages in batches, each cut off at 1 MiB, and marks one as read when asked to.
//! Nothing is deleted, and every other message stays as it is. What a message says is left to `incoming` and `inbox`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context as _;

use crate::mailbox::files::{Entry, Files};
use crate::mailbox::imap::Session;
use crate::mailbox::mbox::Mbox;

mod files;
pub mod imap;
mod mbox;

/// What of a message is read: the report is at its beginning, and what is returned comes last.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Messages read at a time.
const BATCH: usize = 64;

/// The beginning of the line that an mbox, and a mail server that calls a program, write before a message.
const ENVELOPE_LINE: &[u8] = b"From ";

/// A message of a mailbox.
pub struct Message {
    /// Where it is: its path, its path and number in an mbox, or its number on the server.
    pub name: String,
    /// Its first bytes, up to `MAX_MESSAGE_BYTES`, or why it cannot be read.
    pub content: io::Result<Vec<u8>>,
    position: Position,
}

/// How a mailbox finds a message again.
enum Position {
    /// It cannot mark messages.
    Nowhere,
    File(Entry),
    Uid(u32),
}

/// A mailbox whose unread messages are read from the oldest on.
pub enum Mailbox {
    /// A single message.
    One(Option<Message>),
    /// A Maildir, or a folder whose files are messages.
    Files(Files),
    /// A file with many messages; it is only read.
    Mbox(Mbox),
    /// A folder on an IMAP server.
    Imap(Box<Session>),
}

impl Mailbox {
    /// The mailbox at a path: a folder with `new` and `cur` is a Maildir, of any other each file is a message; a file that begins
    /// with `From ` is an mbox, any other a message.
    ///
    /// # Errors
    /// If it cannot be read; the message names it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let opened = if path.is_dir() { Files::open(path).map(Self::Files) } else { Self::of_file(path) };
        opened.with_context(|| format!("failed to read `{}`", path.display()))
    }

    /// The only message in a stream, which is read to its end.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of_stream(name: &str, stream: &mut dyn Read) -> io::Result<Self> {
        let content = first_bytes(&mut *stream)?;
        // A mail server may call a program that does not read everything a failure.
        io::copy(stream, &mut io::sink())?;
        Ok(Self::One(Some(Message { name: name.to_owned(), content: Ok(content), position: Position::Nowhere })))
    }

    fn of_file(path: &Path) -> io::Result<Self> {
        let mut start = Vec::new();
        File::open(path)?.take(ENVELOPE_LINE.len() as u64).read_to_end(&mut start)?;
        if start == ENVELOPE_LINE {
            return Mbox::open(path).map(Self::Mbox);
        }
        Self::of_stream(&path.to_string_lossy(), &mut File::open(path)?)
    }

    /// The next messages, oldest first; none at the end. A message that another process has taken meanwhile is left out.
    ///
    /// # Errors
    /// If the mailbox cannot be read any further.
    pub fn next_batch(&mut self) -> anyhow::Result<Vec<Message>> {
        match self {
            Self::One(message) => Ok(message.take().into_iter().collect()),
            Self::Files(files) => Ok(files.next_batch(BATCH)),
            Self::Mbox(mbox) => mbox.next_batch(BATCH).context("failed to read the mbox to its end"),
            Self::Imap(session) => session.next_batch(),
        }
    }

    /// Marks a message as read: in a Maildir it moves to `cur` with the flag S, on a server it gets the flag `\Seen`. Elsewhere, and
    /// if another process has done so, nothing happens.
    ///
    /// # Errors
    /// If the mailbox cannot be changed.
    pub fn mark_read(&mut self, message: &Message) -> anyhow::Result<()> {
        match (self, &message.position) {
            (Self::Files(files), Position::File(entry)) => {
                files.mark_read(entry).with_context(|| format!("failed to mark `{}` as read", message.name))
            }
            (Self::Imap(session), Position::Uid(uid)) => session.mark_read(*uid),
            _ => Ok(()),
        }
    }

    /// Takes leave of the server, if there is one.
    pub fn close(self) {
        if let Self::Imap(session) = self {
            session.log_out();
        }
    }
}

/// The beginning of a message, without the line that an mbox or a mail server writes before it.
fn first_bytes(stream: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(MAX_MESSAGE_BYTES as u64).read_to_end(&mut bytes)?;
    if bytes.starts_with(ENVELOPE_LINE) {
        let end = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1);
        bytes.drain(..end);
    }
    Ok(bytes)
}

/// The beginning of the message in a file; `None` if there is no file any more.
fn of_file_if_there(path: &Path) -> Option<io::Result<Vec<u8>>> {
    let read = File::open(path).and_then(|mut file| first_bytes(&mut file));
    if read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) { None } else { Some(read) }
}

/// Whether a path leads to a file, and not to a pipe that would block.
fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}
