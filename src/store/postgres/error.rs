//! Turns PostgreSQL errors into those that callers decide on, and tells which calls may be retried.

use std::io;

use postgres::error::SqlState;

use crate::store::StoreError;

/// The error of an operation on the store at `place`.
pub(super) fn doing(doing: &'static str, place: &str, error: anyhow::Error) -> StoreError {
    let error = match error.downcast::<StoreError>() {
        Ok(known) => return known,
        Err(error) => error,
    };
    match code(&error) {
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => StoreError::Locked,
        Some(code) if *code == SqlState::DISK_FULL => StoreError::Full,
        _ if is_lost(&error) => StoreError::Lost { place: place.to_owned(), source: error },
        _ => StoreError::Failed { doing, source: error },
    }
}

/// The error of connecting to the store at `place`.
pub(super) fn connecting(place: &str, error: anyhow::Error) -> StoreError {
    let text = format!("{error:#}");
    let help = match code(&error) {
        Some(code) if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            PASSWORD
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => "make the database: `createdb`, or `CREATE DATABASE`",
        _ if text.contains("password missing") => PASSWORD,
        _ if text.contains("certificate") => {
            "name the server's authority with `?sslrootcert=FILE` in the URL, or use `?sslmode=require` to trust any"
        }
        _ if text.contains("TLS") => {
            "enable TLS on the server, or use `?sslmode=disable` in the URL to connect unencrypted"
        }
        _ => "check whether the server is running and can be reached from this machine",
    };
    StoreError::Connect { place: place.to_owned(), help, source: error }
}

const PASSWORD: &str = "put the password into the environment variable SLUGLINE_STORE_PASSWORD, or into a file named by `store_password_file`";

/// The error of reading rows; one that comes from the visitor stays unchanged.
pub(super) fn reading(reading: &'static str, place: &str, error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<postgres::Error>() {
        Some(_) => doing(reading, place, error).into(),
        None => error,
    }
}

/// Whether the connection was lost, or could not be made, for a passing reason.
pub(super) fn is_lost(error: &anyhow::Error) -> bool {
    let Some(error) = postgres_error(error) else { return false };
    let by_server = error.code().is_some_and(|code| {
        let passing = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
        passing.contains(code) || code.code().starts_with("08") || *code == SqlState::TOO_MANY_CONNECTIONS
    });
    let by_wire = std::error::Error::source(error).is_some_and(|source| source.is::<io::Error>());
    error.is_closed() || by_server || by_wire && !error.to_string().contains("TLS")
}

/// Whether the server rolled the transaction back in favour of another one, and it should be retried.
pub(super) fn is_retryable(error: &anyhow::Error) -> bool {
    let again = [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE];
    code(error).is_some_and(|code| again.contains(code))
}

fn code(error: &anyhow::Error) -> Option<&SqlState> {
    postgres_error(error)?.code()
}

fn postgres_error(error: &anyhow::Error) -> Option<&postgres::Error> {
    error.chain().find_map(|cause| cause.downcast_ref::<postgres::Error>())
}
