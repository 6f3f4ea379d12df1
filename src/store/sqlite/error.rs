//! What a SQLite error means to somebody who has to decide on it.

use std::path::Path;

use anyhow::anyhow;
use rusqlite::{ErrorCode, ffi};

use crate::store::StoreError;

/// An error while the store at `path` was doing something.
pub(super) fn doing(doing: &'static str, path: &Path, error: anyhow::Error) -> StoreError {
    let error = match error.downcast::<StoreError>() {
        Ok(known) => return known,
        Err(error) => error,
    };
    known(path, &error).unwrap_or(StoreError::Failed { doing, source: error })
}

/// An error while the store at `path` was being opened.
pub(super) fn opening(path: &Path, error: rusqlite::Error) -> StoreError {
    let source = anyhow::Error::from(error);
    known(path, &source).unwrap_or_else(|| StoreError::Open { place: path.display().to_string(), source })
}

/// An error while rows were read, which may be that of whoever read them; theirs stays as it is.
pub(super) fn reading(reading: &'static str, path: &Path, error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<rusqlite::Error>() {
        Some(_) => doing(reading, path, error).into(),
        None => error,
    }
}

fn known(path: &Path, error: &anyhow::Error) -> Option<StoreError> {
    let is_full = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::StorageFull;
    if error.chain().any(|cause| cause.downcast_ref().is_some_and(is_full)) {
        return Some(StoreError::Full);
    }
    let error = error.chain().find_map(|cause| cause.downcast_ref::<rusqlite::Error>())?;
    let place = path.display().to_string();
    match error.sqlite_error_code()? {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some(StoreError::Locked),
        ErrorCode::DiskFull => Some(StoreError::Full),
        // Where there is no room for the index of the write-ahead log, SQLite does not say `full`.
        ErrorCode::SystemIoFailure if error.sqlite_error()?.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            Some(StoreError::Full)
        }
        ErrorCode::NotADatabase => Some(StoreError::Open { place, source: anyhow!("it is not a SQLite database") }),
        ErrorCode::DatabaseCorrupt => {
            Some(StoreError::Damaged { place, why: "SQLite cannot read what is written in it" })
        }
        _ => None,
    }
}
