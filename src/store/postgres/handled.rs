//! The table of messages that came in and were handled, by their digests.

use chrono::{DateTime, Utc};
use postgres::{GenericClient, Transaction};

use super::Result;
use super::connection::Session;
use crate::store::events::DIGESTS_KEPT;

pub(super) fn is_in(session: &mut Session, digest: &str) -> Result<bool> {
    Ok(!session.query("SELECT FROM handled WHERE digest = $1", &[&digest])?.is_empty())
}

/// Returns whether it was not there.
pub(super) fn add(transaction: &mut Transaction<'_>, digest: &str, now: DateTime<Utc>) -> Result<bool> {
    let insert = "INSERT INTO handled (digest, at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    Ok(transaction.execute(insert, &[&digest, &now])? > 0)
}

/// Deletes those from long ago.
pub(super) fn purge(client: &mut impl GenericClient, now: DateTime<Utc>) -> Result<u64> {
    Ok(client.execute("DELETE FROM handled WHERE at < $1", &[&(now - DIGESTS_KEPT)])?)
}
