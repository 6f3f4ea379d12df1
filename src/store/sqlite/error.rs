//! Turns SQLite errors into those that callers decide on.

use std::path::Path;

use anyhow::anyhow;
use rusqlite::{ErrorCode, ffi};

use crate::store::StoreError;

/// The error of an operation on the store at `path`.
pub(super) fn doing(doing: &'static str, path: &Path, error: anyhow::Error) -> StoreError {
    let error = match error.downcast::<StoreError>() {
        Ok(known) => return known,
        Err(error) => error,
    };
    known(path, &error).unwrap_or(StoreError::Failed { doing, source: error })
}

/// The error of opening the store at `path`.
pub(super) fn opening(path: &Path, error: rusqlite::Error) -> StoreError {
    let source = anyhow::Error::from(error);
    known(path, &source).unwrap_or_else(|| StoreError::Open { place: path.display().to_string(), source })
}

/// The error of reading rows; one that comes from the visitor stays unchanged.
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
        // If the disk is full for the index of the write-ahead log, SQLite does not report `full`.
        ErrorCode::SystemIoFailure if error.sqlite_error()?.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            Some(StoreError::Full)
        }
        ErrorCode::NotADatabase => Some(StoreError::Open { place, source: anyhow!("it is not a SQLite database") }),
        ErrorCode::DatabaseCorrupt => Some(StoreError::Damaged { place, why: "SQLite cannot read its content" }),
        _ => None,
    }
}
