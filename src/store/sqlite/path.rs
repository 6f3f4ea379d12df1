//! The path of a database: its file, for its owner alone, and what is named after it.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Result;

/// What belongs to a database and is named after it, but for the lock; it goes before the database does.
pub(super) const BESIDE: [&str; 4] = ["-wal", "-shm", "-log", "-log2"];

/// The endings of all files of a store, its database first.
pub const FILES: [&str; 6] = ["", BESIDE[0], BESIDE[1], BESIDE[2], BESIDE[3], ".lock"];

/// Makes the file if it is not there, readable by its owner alone: it holds addresses. Returns whether it did.
pub(super) fn make_private(path: &Path) -> Result<bool> {
    let folder = folder_of(path);
    if !folder.exists() {
        bail!("the folder `{}` is not there", folder.display());
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let is_new = !path.exists();
    options.open(path)?;
    Ok(is_new)
}

/// The folder that a file is in.
pub(in crate::store) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path of a file that goes with the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
