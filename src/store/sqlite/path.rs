//! The path of a database: its file, for its owner alone, and what is named after it.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Result;

/// Makes the file if it is not there, readable by its owner alone: it holds addresses. Returns whether it did.
pub(super) fn make_private(path: &Path) -> Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(missing) = folder.filter(|folder| !folder.exists()) {
        bail!("the folder `{}` is not there", missing.display());
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let is_new = !path.exists();
    options.open(path)?;
    Ok(is_new)
}

/// The path of a file that goes with the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
