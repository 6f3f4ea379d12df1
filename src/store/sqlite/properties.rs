//! Properties of a store that a copy takes along: its id, its run counter and, in a backup, when it was made. Also
//! whether it is empty.

use anyhow::Context as _;
use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::Result;
use crate::store::moving::{BACKUP, ID, RUNS};

pub(super) fn read(connection: &Connection, name: &str) -> Result<Option<String>> {
    let mut select = connection.prepare_cached("SELECT value FROM property WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn set(transaction: &Transaction<'_>, name: &str, value: &str) -> Result<()> {
    let insert = "INSERT INTO property (name, value) VALUES (?1, ?2)
                  ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    transaction.execute(insert, [name, value])?;
    Ok(())
}

pub(super) fn id(connection: &Connection) -> Result<String> {
    read(connection, ID)?.context("the store has no id")
}

pub(super) fn runs(connection: &Connection) -> Result<u64> {
    let runs = read(connection, RUNS)?;
    runs.map_or(Ok(0), |text| text.parse()).context("its run counter cannot be read")
}

pub(super) fn count_run(transaction: &Transaction<'_>) -> Result<u64> {
    let next = runs(transaction)? + 1;
    set(transaction, RUNS, &next.to_string())?;
    Ok(next)
}

/// When this backup was made, if it is one.
pub(super) fn backup(connection: &Connection) -> Result<Option<String>> {
    read(connection, BACKUP)
}

pub(super) fn is_empty(connection: &Connection) -> Result<bool> {
    let is_used = "SELECT EXISTS (SELECT 1 FROM subscriber) OR EXISTS (SELECT 1 FROM mailing)";
    Ok(!connection.query_row(is_used, [], |row| row.get::<_, bool>(0))?)
}
