//! The table of forgotten addresses.

use anyhow::Context;
use rusqlite::{Connection, OptionalExtension, Transaction};
use sha2::{Digest as _, Sha256};

use super::Result;
use crate::email::EmailAddress;
use crate::hex::hex;
use crate::store::personal_data::{FORGET_KEY, hashed};

/// The hash that stands for a forgotten address.
pub(super) fn hash(connection: &Connection, address_key: &str) -> Result<String> {
    let mut select = connection.prepare_cached("SELECT value FROM property WHERE name = ?1")?;
    let key: Option<String> = select.query_row([FORGET_KEY], |row| row.get(0)).optional()?;
    let key = key.context("the key for hashing forgotten addresses is missing")?;
    Ok(hex(Sha256::digest(hashed(&key, address_key))))
}

/// Whether any address was forgotten.
pub(super) fn has_forgotten(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM forgotten")?.exists([])?)
}

pub(super) fn is_forgotten(connection: &Connection, address_key: &str) -> Result<bool> {
    let mut find = connection.prepare_cached("SELECT 1 FROM forgotten WHERE hash = ?1")?;
    Ok(find.exists([hash(connection, address_key)?])?)
}

pub(super) fn are_forgotten(connection: &Connection, addresses: &[&EmailAddress]) -> Result<Vec<bool>> {
    let has_forgotten = has_forgotten(connection)?;
    let keys = addresses.iter().map(|address| address.key());
    keys.map(|key| Ok(has_forgotten && is_forgotten(connection, &key)?)).collect()
}

pub(super) fn allow(transaction: &Transaction<'_>, address: &EmailAddress) -> Result<bool> {
    let hash = hash(transaction, &address.key())?;
    Ok(transaction.execute("DELETE FROM forgotten WHERE hash = ?1", [hash])? > 0)
}
