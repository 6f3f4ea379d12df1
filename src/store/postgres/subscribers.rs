//! The table of subscribers; `import` adds to it.

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, Row, Transaction};

use super::Result;
use super::connection::Session;
use crate::email::EmailAddress;
use crate::store::Visit;
use crate::subscriber::{Status, Subscriber, SubscriberId};

pub(super) fn find(session: &mut Session, address: &EmailAddress) -> Result<Option<Subscriber>> {
    let sql = "SELECT id, address, name, status, attributes::text, created FROM subscriber WHERE key = $1";
    session.query(sql, &[&address.key()])?.first().map(from_row).transpose()
}

pub(super) fn statuses_of(session: &mut Session, addresses: &[&EmailAddress]) -> Result<Vec<Option<Status>>> {
    let sql = "SELECT (SELECT status FROM subscriber WHERE subscriber.key = asked.key)
               FROM unnest($1::text[]) WITH ORDINALITY AS asked (key, position) ORDER BY position";
    let keys: Vec<String> = addresses.iter().map(|address| address.key()).collect();
    let rows = session.query(sql, &[&keys])?;
    rows.iter().map(|row| row.try_get::<_, Option<&str>>(0)?.map(status_of).transpose()).collect()
}

pub(super) fn by_id(session: &mut Session, id: SubscriberId) -> Result<Option<Subscriber>> {
    let sql = "SELECT id, address, name, status, attributes::text, created FROM subscriber WHERE id = $1";
    session.query(sql, &[&id.0])?.first().map(from_row).transpose()
}

pub(super) fn count(client: &mut Client, status: Option<Status>) -> Result<u64> {
    let sql = "SELECT count(*) FROM subscriber WHERE $1::text IS NULL OR status = $1";
    Ok(u64::try_from(client.query_one(sql, &[&status.map(Status::as_str)])?.try_get::<_, i64>(0)?)?)
}

pub(super) fn visit(client: &mut Client, status: Option<Status>, visit: &mut Visit<'_>) -> Result<()> {
    let sql = "SELECT id, address, name, status, attributes::text, created FROM subscriber
               WHERE $1::text IS NULL OR status = $1 ORDER BY id";
    let mut rows = client.query_raw(sql, [status.map(Status::as_str)])?;
    while let Some(row) = rows.next()? {
        if visit(from_row(&row)?)?.is_break() {
            break;
        }
    }
    Ok(())
}

pub(super) fn set_status(
    transaction: &mut Transaction<'_>,
    address: &EmailAddress,
    status: Status,
    now: DateTime<Utc>,
) -> Result<Option<Status>> {
    let sql = "WITH before AS (SELECT id, status FROM subscriber WHERE key = $1 FOR UPDATE)
               UPDATE subscriber SET status = $2, changed = $3 FROM before WHERE subscriber.id = before.id
               RETURNING before.status";
    let rows = transaction.query(sql, &[&address.key(), &status.as_str(), &now])?;
    rows.first().map(|row| status_of(row.try_get(0)?)).transpose()
}

/// Reads a subscriber from id, address, name, status, attributes and created.
pub(super) fn from_row(row: &Row) -> Result<Subscriber> {
    let id: i64 = row.try_get(0)?;
    subscriber(row, id).with_context(|| format!("row {id} of the table `subscriber` cannot be read"))
}

fn subscriber(row: &Row, id: i64) -> Result<Subscriber> {
    Ok(Subscriber {
        id: SubscriberId(id),
        address: row.try_get::<_, &str>(1)?.parse()?,
        name: row.try_get(2)?,
        status: status_of(row.try_get(3)?)?,
        attributes: serde_json::from_str(row.try_get(4)?)?,
        created: row.try_get(5)?,
    })
}

pub(super) fn status_of(word: &str) -> Result<Status> {
    Status::from_word(word).ok_or_else(|| anyhow!("there is no status `{word}`"))
}
