//! The disk: reads the project, writes files atomically and only when their bytes changed.
//!
//! Takes paths below the project folder; returns text, bytes or an error that names the file. Interpreting the text is
//! left to `config` and `content`.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::fault;

mod copy;
mod folder;
pub mod git;
pub mod heads;
pub mod listing;
pub mod machine;
pub mod sources;
#[cfg(feature = "preview")]
pub mod watch;

/// A project folder.
#[derive(Debug, Clone)]
pub struct Project {
    folder: PathBuf,
}

/// What `write` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The file did not exist before.
    New,
    /// Its bytes changed.
    Changed,
    /// It had the same bytes and was not touched.
    Unchanged,
}

impl Project {
    /// The project in `folder`, which is not read yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The project folder, as given.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path below the project folder, without a leading `./`; an absolute path is returned unchanged.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = self.folder.join(path);
        match path.strip_prefix(".") {
            Ok(below) if !below.as_os_str().is_empty() => below.to_owned(),
            _ => path,
        }
    }

    /// The text of a file.
    ///
    /// # Errors
    /// If it is missing, not readable or not UTF-8; the message names it.
    pub fn text(&self, path: impl AsRef<Path>) -> anyhow::Result<String> {
        let path = self.path(path);
        fs::read_to_string(&path).with_context(|| format!("failed to read `{}`", path.display()))
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// If it is missing or not readable; the message names it.
    pub fn bytes(&self, path: impl AsRef<Path>) -> anyhow::Result<Vec<u8>> {
        let path = self.path(path);
        fs::read(&path).with_context(|| format!("failed to read `{}`", path.display()))
    }

    /// The bytes of a file, or `None` if it has more than `max`.
    ///
    /// # Errors
    /// If it is missing, not readable or not a file; the message names it.
    pub fn bytes_up_to(&self, path: impl AsRef<Path>, max: u64) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.path(path);
        read_up_to(&path, max).with_context(|| format!("failed to read `{}`", path.display()))
    }

    /// The text of a file, or `None` if it does not exist.
    ///
    /// # Errors
    /// If it exists and cannot be read, or is not UTF-8.
    pub fn text_if_exists(&self, path: impl AsRef<Path>) -> anyhow::Result<Option<String>> {
        let path = self.path(path);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("failed to read `{}`", path.display())),
        }
    }

    /// The names of the folders in `folder` that contain one of these files, sorted; empty if `folder` does not exist.
    ///
    /// # Errors
    /// If it exists and cannot be read; the message names it.
    pub fn folders_with(&self, folder: impl AsRef<Path>, files: &[&str]) -> anyhow::Result<Vec<String>> {
        let folder = self.path(folder);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("failed to read `{}`", folder.display())),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.with_context(|| format!("failed to read `{}`", folder.display()))?;
            if files.iter().any(|file| entry.path().join(file).is_file()) {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Whether the path is a file.
    pub fn is_file(&self, path: impl AsRef<Path>) -> bool {
        self.path(path).is_file()
    }

    /// The path with every symbolic link resolved, or `None` if it does not exist.
    pub fn real_path(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        self.path(path).canonicalize().ok()
    }

    /// The size of a file in bytes, or `None` if it does not exist.
    pub fn size(&self, path: impl AsRef<Path>) -> Option<u64> {
        self.path(path).metadata().ok().map(|metadata| metadata.len())
    }

    /// Whether only the owner of a file can read it; always true on systems without such permissions.
    ///
    /// # Errors
    /// If it does not exist; the message names it.
    pub fn is_private(&self, path: impl AsRef<Path>) -> anyhow::Result<bool> {
        let path = self.path(path);
        let metadata = fs::metadata(&path).with_context(|| format!("failed to read `{}`", path.display()))?;
        Ok(is_private(&metadata))
    }

    /// Opens a file to read it in pieces.
    ///
    /// # Errors
    /// If it is missing or not readable; the message names it.
    pub fn open(&self, path: impl AsRef<Path>) -> anyhow::Result<File> {
        let path = self.path(path);
        File::open(&path).with_context(|| format!("failed to read `{}`", path.display()))
    }

    /// Opens a file, or returns `None` if it does not exist.
    ///
    /// # Errors
    /// If it exists and is not readable; the message names it.
    pub fn open_if_exists(&self, path: impl AsRef<Path>) -> anyhow::Result<Option<File>> {
        let path = self.path(path);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("failed to read `{}`", path.display())),
        }
    }

    /// Writes a file atomically, and creates the folders above it; a file that has these bytes already keeps its
    /// modification time.
    ///
    /// # Errors
    /// If writing fails; the message names the file, which is then unchanged.
    pub fn write(&self, path: impl AsRef<Path>, bytes: &[u8]) -> anyhow::Result<Written> {
        let path = self.path(path);
        write(&path, bytes, Readers::All).with_context(|| format!("failed to write `{}`", path.display()))
    }

    /// Writes a file that must not exist yet.
    ///
    /// # Errors
    /// If it exists, or writing fails.
    pub fn write_new(&self, path: impl AsRef<Path>, bytes: &[u8]) -> anyhow::Result<()> {
        self.write_first(path.as_ref(), bytes, Readers::All)
    }

    /// Writes a file that contains a secret, readable by its owner only. It must not exist yet.
    ///
    /// # Errors
    /// If it exists, or writing fails.
    pub fn write_new_secret(&self, path: impl AsRef<Path>, bytes: &[u8]) -> anyhow::Result<()> {
        self.write_first(path.as_ref(), bytes, Readers::Owner)
    }

    fn write_first(&self, path: &Path, bytes: &[u8], readers: Readers) -> anyhow::Result<()> {
        let path = self.path(path);
        if path.symlink_metadata().is_ok() {
            bail!("`{}` already exists", path.display());
        }
        write(&path, bytes, readers).with_context(|| format!("failed to write `{}`", path.display())).map(|_| ())
    }
}

fn read_up_to(path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        // Opening a pipe would wait for a writer.
        return Err(io::Error::other("it is not a file"));
    }
    if metadata.len() > max {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    // It may have grown since.
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= max))
}

/// Who may read a file.
#[derive(Clone, Copy)]
enum Readers {
    Owner,
    All,
}

fn write(path: &Path, bytes: &[u8], readers: Readers) -> anyhow::Result<Written> {
    let before = match fs::read(path) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    if before.as_deref() == Some(bytes) {
        return Ok(Written::Unchanged);
    }
    replace(path, readers, |file| file.write_all(bytes))?;
    Ok(if before.is_some() { Written::Changed } else { Written::New })
}

/// Replaces a file atomically with what `fill` writes, and creates the folders above it.
fn replace(path: &Path, readers: Readers, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".slugline-");
    if let Readers::All = readers {
        readable_by_all(&mut builder);
    }
    let mut file = builder.tempfile_in(folder)?;
    fill(file.as_file_mut())?;
    // A file that is renamed before its bytes are on disk can be empty after a power cut.
    file.as_file().sync_data()?;
    fault::step("write a file", "not in its place");
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A temporary file is private by default; what is published must be readable by the web server.
#[cfg(unix)]
fn readable_by_all(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn readable_by_all(_: &mut tempfile::Builder<'_, '_>) {}

#[cfg(unix)]
fn is_private(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_private(_: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_only_if_its_bytes_change() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        let path = "a/b.txt";
        assert_eq!(project.write(path, b"one").unwrap(), Written::New);
        let modified = || fs::metadata(project.path(path)).unwrap().modified().unwrap();
        let before = modified();
        assert_eq!(project.write(path, b"one").unwrap(), Written::Unchanged);
        assert_eq!(modified(), before);
        assert_eq!(project.write(path, b"two").unwrap(), Written::Changed);
        assert_eq!(project.text(path).unwrap(), "two");
        assert_eq!(fs::read_dir(project.path("a")).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn paths_look_as_people_type_them() {
        let path = |folder: &str, path: &str| Project::new(folder).path(path).to_string_lossy().into_owned();
        for (folder, below, expected) in [
            (".", "a.md", "a.md"),
            ("./p", "a.md", "p/a.md"),
            (".", "./a/b.md", "a/b.md"),
            (".", "..", ".."),
            ("..", "a.md", "../a.md"),
            (".", "/a.md", "/a.md"),
        ] {
            assert_eq!(path(folder, below), expected, "{folder} {below}");
        }
        assert!(Project::new(".").path(".").is_dir());
    }

    #[test]
    fn a_missing_file_is_named() {
        let project = Project::new("/nonexistent");
        assert_eq!(project.text_if_exists("a.md").unwrap(), None);
        let error = project.text("a.md").unwrap_err();
        assert_eq!(error.to_string(), "failed to read `/nonexistent/a.md`");
    }

    #[test]
    fn a_file_is_read_up_to_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        project.write("a.md", b"text").unwrap();
        assert_eq!(project.bytes_up_to("a.md", 4).unwrap(), Some(b"text".to_vec()));
        assert_eq!(project.bytes_up_to("a.md", 3).unwrap(), None);
        assert_eq!(project.bytes_up_to(".", 9).unwrap_err().root_cause().to_string(), "it is not a file");
    }

    #[test]
    fn write_new_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        project.write_new("a.md", b"one").unwrap();
        assert!(project.write_new("a.md", b"two").is_err());
        assert_eq!(project.text("a.md").unwrap(), "one");
    }
}
