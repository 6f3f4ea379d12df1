//! Properties of a store that a copy takes along: its id and its run counter. Also whether it is empty.

use anyhow::Context as _;
use postgres::{GenericClient, Transaction};

use super::Result;
use crate::store::moving::{ID, RUNS};

fn read(client: &mut impl GenericClient, name: &str) -> Result<Option<String>> {
    let row = client.query_opt("SELECT value FROM property WHERE name = $1", &[&name])?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) fn id(client: &mut impl GenericClient) -> Result<String> {
    read(client, ID)?.context("the store has no id")
}

pub(super) fn runs(client: &mut impl GenericClient) -> Result<u64> {
    let runs = read(client, RUNS)?;
    runs.map_or(Ok(0), |text| text.parse()).context("its run counter cannot be read")
}

/// Increments the run counter.
pub(super) fn count_run(transaction: &mut Transaction<'_>) -> Result<u64> {
    let row = transaction.query_one(
        "INSERT INTO property (name, value) VALUES ($1, '1')
         ON CONFLICT (name) DO UPDATE SET value = (property.value::bigint + 1)::text RETURNING value",
        &[&RUNS],
    )?;
    Ok(row.try_get::<_, String>(0)?.parse()?)
}

/// Raises the run counter to at least `runs`.
pub(super) fn raise_runs(transaction: &mut Transaction<'_>, runs: u64) -> Result<()> {
    transaction.execute(
        "INSERT INTO property (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE
         SET value = greatest(property.value::bigint, excluded.value::bigint)::text",
        &[&RUNS, &runs.to_string()],
    )?;
    Ok(())
}

pub(super) fn is_empty(client: &mut impl GenericClient) -> Result<bool> {
    let is_empty = "SELECT NOT EXISTS (SELECT FROM subscriber) AND NOT EXISTS (SELECT FROM mailing)";
    Ok(client.query_one(is_empty, &[])?.try_get(0)?)
}
