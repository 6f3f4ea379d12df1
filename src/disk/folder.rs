//! Open folders: lists them, and opens the files and folders in them by name.
//!
//! Resolving the path of each of many small files from the working folder would take as long as reading them.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(not(unix))]
pub(super) use by_path::{Folder, Listing};
#[cfg(unix)]
pub(super) use open::{Folder, Listing};

/// An entry of a folder.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry of a folder is; symbolic links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Folder,
    SymbolicLink,
    /// A pipe, a socket or a device.
    Special,
}

#[cfg(unix)]
mod open {
    use std::ffi::OsStr;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::ffi::OsStrExt;

    use rustix::fs::{AtFlags, CWD, Dir, DirEntry, FileType, Mode, OFlags, openat, statat};

    use super::{Entry, EntryKind, File, Path, io};

    const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

    /// A folder that is open.
    #[derive(Debug)]
    pub struct Folder(OwnedFd);

    impl Folder {
        /// Opens the folder at a path.
        pub fn open(path: &Path) -> io::Result<Self> {
            Ok(Self(openat(CWD, path, FOLDER, Mode::empty())?))
        }

        /// Lists a folder in it.
        pub fn list(&self, name: &str) -> io::Result<Listing> {
            list(&self.0, Path::new(name))
        }

        /// Opens a file below it.
        pub fn file(&self, path: &str) -> io::Result<File> {
            Ok(openat(&self.0, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?.into())
        }
    }

    /// A folder that is open, and its entries.
    pub struct Listing(Dir);

    impl Listing {
        /// Lists the folder at a path.
        pub fn open(path: &Path) -> io::Result<Self> {
            list(CWD, path)
        }

        /// The folder.
        pub fn folder(&self) -> io::Result<Folder> {
            Ok(Folder(self.0.fd()?.try_clone_to_owned()?))
        }
    }

    impl Iterator for Listing {
        type Item = io::Result<Entry>;

        fn next(&mut self) -> Option<Self::Item> {
            let is_here = |entry: &DirEntry| matches!(entry.file_name().to_bytes(), b"." | b"..");
            let read = self.0.find(|entry| !entry.as_ref().is_ok_and(is_here))?;
            Some(read.and_then(|read| entry(&self.0, &read)).map_err(Into::into))
        }
    }

    fn list(at: impl AsFd, path: &Path) -> io::Result<Listing> {
        Ok(Listing(Dir::new(openat(at, path, FOLDER, Mode::empty())?)?))
    }

    fn entry(dir: &Dir, entry: &DirEntry) -> rustix::io::Result<Entry> {
        let kind = match entry.file_type() {
            // Not every file system says.
            FileType::Unknown => {
                let status = statat(dir.fd()?, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(status.st_mode)
            }
            kind => kind,
        };
        let kind = match kind {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Folder,
            FileType::Symlink => EntryKind::SymbolicLink,
            _ => EntryKind::Special,
        };
        Ok(Entry { name: OsStr::from_bytes(entry.file_name().to_bytes()).to_owned(), kind })
    }
}

#[cfg(not(unix))]
mod by_path {
    use std::fs::{self, DirEntry, FileType, ReadDir};
    use std::path::PathBuf;

    use super::{Entry, EntryKind, File, Path, io};

    /// A folder.
    #[derive(Debug)]
    pub struct Folder(PathBuf);

    impl Folder {
        /// The folder at a path.
        pub fn open(path: &Path) -> io::Result<Self> {
            Ok(Self(path.to_owned()))
        }

        /// Lists a folder in it.
        pub fn list(&self, name: &str) -> io::Result<Listing> {
            Listing::open(&self.0.join(name))
        }

        /// Opens a file below it.
        pub fn file(&self, path: &str) -> io::Result<File> {
            File::open(self.0.join(path))
        }
    }

    /// A folder and its entries.
    pub struct Listing {
        path: PathBuf,
        entries: ReadDir,
    }

    impl Listing {
        /// Lists the folder at a path.
        pub fn open(path: &Path) -> io::Result<Self> {
            Ok(Self { path: path.to_owned(), entries: fs::read_dir(path)? })
        }

        /// The folder.
        pub fn folder(&self) -> io::Result<Folder> {
            Ok(Folder(self.path.clone()))
        }
    }

    impl Iterator for Listing {
        type Item = io::Result<Entry>;

        fn next(&mut self) -> Option<Self::Item> {
            let entry = |read: DirEntry| Ok(Entry { name: read.file_name(), kind: kind(read.file_type()?) });
            Some(self.entries.next()?.and_then(entry))
        }
    }

    fn kind(kind: FileType) -> EntryKind {
        match kind {
            kind if kind.is_file() => EntryKind::File,
            kind if kind.is_dir() => EntryKind::Folder,
            kind if kind.is_symlink() => EntryKind::SymbolicLink,
            _ => EntryKind::Special,
        }
    }
}
