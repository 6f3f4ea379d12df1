//! What a store knows of itself, which travels with a copy: its id, and how many runs it has counted. And whether it holds
//! anything.

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
    runs.map_or(Ok(0), |text| text.parse()).context("the number of its runs cannot be read")
}

/// Counts on, one run after the other.
pub(super) fn count_run(transaction: &mut Transaction<'_>) -> Result<u64> {
    let row = transaction.query_one(
        "INSERT INTO property (name, value) VALUES ($1, '1')
         ON CONFLICT (name) DO UPDATE SET value = (property.value::bigint + 1)::text RETURNING value",
        &[&RUNS],
    )?;
    Ok(row.try_get::<_, String>(0)?.parse()?)
}

/// From now on so many runs are counted at least.
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
