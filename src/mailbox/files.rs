//! Messages in files of their own: a Maildir, or any folder.
//!
//! Takes the folder; returns what is unread, in the order of the names, which in a Maildir begin with the time. Only the names are
//! in memory.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use rayon::prelude::*;

use crate::fault;
use crate::mailbox::{Message, Position, is_file, of_file_if_there};

/// Before the flags in the name of a file.
const INFO: &str = ":2,";

/// The flag of a message that was read.
const SEEN: char = 'S';

/// The unread messages of a folder.
pub struct Files {
    folder: PathBuf,
    is_maildir: bool,
    entries: IntoIter<Entry>,
}

/// A file with a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    name: OsString,
    place: Place,
}

/// Where below the folder a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// In the folder itself.
    Folder,
    /// In `new` of a Maildir.
    New,
    /// In `cur` of a Maildir: an IMAP server moves messages there before anyone reads them.
    Cur,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Folder => "",
            Self::New => "new",
            Self::Cur => "cur",
        }
    }
}

impl Files {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let is_maildir = ["new", "cur"].iter().all(|name| folder.join(name).is_dir());
        let places: &[Place] = if is_maildir { &[Place::New, Place::Cur] } else { &[Place::Folder] };
        let mut entries = Vec::new();
        for place in places {
            for entry in fs::read_dir(folder.join(place.name()))? {
                let name = entry?.file_name();
                let is_hidden = name.to_string_lossy().starts_with('.');
                let was_read = *place == Place::Cur && flags(&name).contains(SEEN);
                if !is_hidden && !was_read {
                    entries.push(Entry { name, place: *place });
                }
            }
        }
        entries.sort_unstable();
        Ok(Self { folder: folder.to_owned(), is_maildir, entries: entries.into_iter() })
    }

    pub(super) fn next_batch(&mut self, size: usize) -> Vec<Message> {
        loop {
            let entries: Vec<Entry> = self.entries.by_ref().take(size).collect();
            let is_over = entries.is_empty();
            let messages: Vec<Message> = entries.into_par_iter().filter_map(|entry| self.read(entry)).collect();
            // Another process may have taken all of them, or all are folders.
            if is_over || !messages.is_empty() {
                return messages;
            }
        }
    }

    fn read(&self, entry: Entry) -> Option<Message> {
        let path = self.path(&entry);
        if path.exists() && !is_file(&path) {
            return None;
        }
        let content = of_file_if_there(&path)?;
        Some(Message { name: path.to_string_lossy().into_owned(), content, position: Position::File(entry) })
    }

    pub(super) fn mark_read(&self, entry: &Entry) -> io::Result<()> {
        if !self.is_maildir {
            return Ok(());
        }
        fault::step("mark a message", "not in `cur`");
        match fs::rename(self.path(entry), self.folder.join("cur").join(with_seen(&entry.name))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn path(&self, entry: &Entry) -> PathBuf {
        self.folder.join(entry.place.name()).join(&entry.name)
    }
}

/// The flags in the name of a file.
fn flags(name: &OsStr) -> String {
    name.to_string_lossy().rsplit_once(INFO).map(|(_, flags)| flags.to_owned()).unwrap_or_default()
}

/// The name with the flag of a message that was read; flags are in ASCII order.
fn with_seen(name: &OsStr) -> OsString {
    let Some((before, flags)) = name.to_str().and_then(|name| name.rsplit_once(INFO)) else {
        let mut marked = name.to_owned();
        marked.push(format!("{INFO}{SEEN}"));
        return marked;
    };
    let mut flags: Vec<char> = flags.chars().filter(|flag| *flag != SEEN).chain([SEEN]).collect();
    flags.sort_unstable();
    format!("{before}{INFO}{}", flags.into_iter().collect::<String>()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{MAX_MESSAGE_BYTES, Mailbox};

    /// A folder with these files.
    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    /// Name and content of every message, those whose content begins with `read` being marked.
    fn read(folder: &Path) -> Vec<(String, String)> {
        let mut mailbox = Mailbox::open(folder).unwrap();
        let mut found = Vec::new();
        loop {
            let batch = mailbox.next_batch().unwrap();
            if batch.is_empty() {
                return found;
            }
            for message in &batch {
                let content = String::from_utf8(message.content.as_ref().unwrap().clone()).unwrap();
                if content.starts_with("read") {
                    mailbox.mark_read(message).unwrap();
                }
                let name = Path::new(&message.name).strip_prefix(folder).unwrap();
                found.push((name.to_str().unwrap().to_owned(), content));
            }
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let below = |place: &str| {
            let entries = fs::read_dir(folder.join(place)).unwrap();
            let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
            entries.map(|entry| format!("{place}/{}", name(entry))).collect::<Vec<_>>()
        };
        let mut names = [below("new"), below("cur")].concat();
        names.sort();
        names
    }

    #[test]
    fn a_maildir_is_read_in_the_order_of_time_and_what_was_read_moves_to_cur() {
        let folder = folder(&[
            ("new/3.a", b"read 3"),
            ("new/1.b", b"other 1"),
            ("new/.hidden", b"no message"),
            ("cur/2.c:2,", b"read 2"),
            ("cur/4.d:2,RT", b"read 4"),
            ("cur/0.e:2,S", b"read 0, by a person"),
            ("tmp/5.f", b"not delivered yet"),
        ]);
        let pair = |name: &str, content: &str| (name.to_owned(), content.to_owned());
        let expected = [
            pair("new/1.b", "other 1"),
            pair("cur/2.c:2,", "read 2"),
            pair("new/3.a", "read 3"),
            pair("cur/4.d:2,RT", "read 4"),
        ];
        assert_eq!(read(folder.path()), expected);
        assert_eq!(
            names(folder.path()),
            ["cur/0.e:2,S", "cur/2.c:2,S", "cur/3.a:2,S", "cur/4.d:2,RST", "new/.hidden", "new/1.b"]
        );
        assert_eq!(read(folder.path()), [pair("new/1.b", "other 1")]);
    }

    #[test]
    fn two_processes_may_read_a_maildir_at_once() {
        let folder = folder(&[("new/1.a", b"read 1"), ("new/2.b", b"read 2"), ("cur/0.c:2,S", b"")]);
        let (mut first, mut second) = (Mailbox::open(folder.path()).unwrap(), Mailbox::open(folder.path()).unwrap());
        let messages = first.next_batch().unwrap();
        first.mark_read(&messages[0]).unwrap();
        let left: Vec<String> = second.next_batch().unwrap().into_iter().map(|message| message.name).collect();
        assert_eq!(left, [folder.path().join("new/2.b").to_str().unwrap()]);
        second.mark_read(&messages[0]).unwrap();
    }

    #[test]
    fn any_other_folder_has_a_message_in_each_file_and_is_only_read() {
        let folder =
            folder(&[("b.eml", b"From a@example.org Mon\nread b"), ("a.eml", b"read a"), ("below/c.eml", b"")]);
        let pair = |name: &str, content: &str| (name.to_owned(), content.to_owned());
        let expected = [pair("a.eml", "read a"), pair("b.eml", "read b")];
        assert_eq!(read(folder.path()), expected);
        assert_eq!(read(folder.path()), expected);
    }

    #[test]
    fn a_long_message_is_cut_off_and_one_that_cannot_be_read_says_why() {
        let folder = folder(&[("long.eml", &vec![b'x'; MAX_MESSAGE_BYTES + 1])]);
        let message = Mailbox::open(&folder.path().join("long.eml")).unwrap().next_batch().unwrap().pop().unwrap();
        assert_eq!(message.content.unwrap().len(), MAX_MESSAGE_BYTES);
        let error = Mailbox::open(Path::new("/nonexistent/box")).err().unwrap();
        assert_eq!(error.to_string(), "failed to read `/nonexistent/box`");
    }
}
