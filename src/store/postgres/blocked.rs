//! The table of addresses that are never asked again, as hashes.

use chrono::{DateTime, Utc};
use postgres::{Client, GenericClient};

use super::Result;
use super::personal_data::hash;
use crate::email::EmailAddress;

pub(super) fn add(client: &mut impl GenericClient, address: &EmailAddress, now: DateTime<Utc>) -> Result<()> {
    let hash = hash(client, address)?;
    client.execute("INSERT INTO blocked (hash, at) VALUES ($1, $2) ON CONFLICT DO NOTHING", &[&hash, &now])?;
    Ok(())
}

pub(super) fn is_blocked(client: &mut Client, address: &EmailAddress) -> Result<bool> {
    let hash = hash(client, address)?;
    Ok(client.query_one("SELECT EXISTS (SELECT FROM blocked WHERE hash = $1)", &[&hash])?.try_get(0)?)
}

pub(super) fn delete(client: &mut impl GenericClient, address: &EmailAddress) -> Result<()> {
    let hash = hash(client, address)?;
    client.execute("DELETE FROM blocked WHERE hash = $1", &[&hash])?;
    Ok(())
}
