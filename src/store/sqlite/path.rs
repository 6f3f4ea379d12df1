//! The path of a database: its file, readable by its owner only, and the files named after it.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Result;

/// The suffixes of a database's other files, except the locks; they move before the database does.
pub(super) const BESIDE: [&str; 4] = ["-wal", "-shm", "-log", "-log2"];

/// The suffixes of all files of a store, the database's first.
pub const FILES: [&str; 7] = ["", BESIDE[0], BESIDE[1], BESIDE[2], BESIDE[3], ".lock", ".batch"];

/// Creates the file, readable by its owner only, unless it exists: it contains addresses. Returns whether it did.
pub(super) fn make_private(path: &Path) -> Result<bool> {
    let folder = folder_of(path);
    if !folder.exists() {
        bail!("the folder `{}` does not exist", folder.display());
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let is_new = !path.exists();
    options.open(path)?;
    Ok(is_new)
}

/// The folder of a file.
pub(in crate::store) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path of a file beside the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
