//! The locks held by the one process that mails from a file, or replaces it, and by the one that sends transactional
//! messages from it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::Path;

use super::Result;
use super::path::beside;
use crate::ledger::Run;

/// Takes the lock beside the database; if it is taken, returns its holder's host and process id.
pub(in crate::store) fn acquire(database: &Path) -> Result<std::result::Result<File, Option<Run>>> {
    lock(&beside(database, ".lock"))
}

/// Likewise for the right to send transactional messages.
pub(in crate::store) fn acquire_batch(database: &Path) -> Result<std::result::Result<File, Option<Run>>> {
    lock(&beside(database, ".batch"))
}

fn lock(path: &Path) -> Result<std::result::Result<File, Option<Run>>> {
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Ok(file)),
        Err(TryLockError::WouldBlock) => {
            // Some systems do not allow reading a locked file; the holder then stays unnamed.
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            let holder = text.trim().split_once(' ').and_then(|(pid, host)| {
                Some(Run { host: host.to_owned(), boot_id: String::new(), pid: pid.parse().ok()? })
            });
            Ok(Err(holder))
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Writes the holder into the lock file.
pub(in crate::store) fn write_holder(lock: &mut File, run: &Run) -> Result<()> {
    lock.set_len(0)?;
    Ok(writeln!(lock, "{} {}", run.pid, run.host)?)
}
