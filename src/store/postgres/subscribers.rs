//! The table of subscribers; `import` adds to it.

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, Row, Transaction};

use super::claims::storable;
use super::connection::Session;
use super::{Result, unsubscriptions};
use crate::email::EmailAddress;
use crate::store::Visit;
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};

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
               RETURNING before.status, before.id";
    let Some(row) = transaction.query_opt(sql, &[&address.key(), &status.as_str(), &now])? else { return Ok(None) };
    if status == Status::Active {
        unsubscriptions::delete(transaction, SubscriberId(row.try_get(1)?))?;
    }
    status_of(row.try_get(0)?).map(Some)
}

/// The number and status of the subscriber with this address, whom no one else changes until the transaction ends.
pub(super) fn lock(
    transaction: &mut Transaction<'_>,
    address: &EmailAddress,
) -> Result<Option<(SubscriberId, Status)>> {
    let row =
        transaction.query_opt("SELECT id, status FROM subscriber WHERE key = $1 FOR UPDATE", &[&address.key()])?;
    row.map(|row| Ok((SubscriberId(row.try_get(0)?), status_of(row.try_get(1)?)?))).transpose()
}

/// Likewise the address and status of the subscriber with this number.
pub(super) fn lock_by_id(
    transaction: &mut Transaction<'_>,
    id: SubscriberId,
) -> Result<Option<(EmailAddress, Status)>> {
    let row = transaction.query_opt("SELECT address, status FROM subscriber WHERE id = $1 FOR UPDATE", &[&id.0])?;
    row.map(|row| Ok((row.try_get::<_, &str>(0)?.parse()?, status_of(row.try_get(1)?)?))).transpose()
}

/// Lets no one else add subscribers until the transaction ends, so that their numbers become visible in order.
pub(super) fn lock_additions(transaction: &mut Transaction<'_>) -> Result<()> {
    transaction.execute("SELECT pg_advisory_xact_lock('subscriber'::regclass::oid::int, 0)", &[])?;
    Ok(())
}

/// Adds a subscriber whose address is not there, under the lock on additions; returns their number.
pub(super) fn add_one(
    transaction: &mut Transaction<'_>,
    new: &NewSubscriber,
    now: DateTime<Utc>,
) -> Result<SubscriberId> {
    let NewSubscriber { address, name, status, .. } = new;
    let row = transaction.query_one(
        "INSERT INTO subscriber (key, address, name, status, attributes, created, changed)
         VALUES ($1, $2, $3, $4, '{}', $5, $5) RETURNING id",
        &[&address.key(), &address.as_str(), &storable(name), &status.as_str(), &now],
    )?;
    Ok(SubscriberId(row.try_get(0)?))
}

/// Makes a subscriber active. The name is for those who have none.
pub(super) fn activate(
    transaction: &mut Transaction<'_>,
    id: SubscriberId,
    name: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    transaction.execute(
        "UPDATE subscriber SET name = CASE name WHEN '' THEN $2 ELSE name END,
             changed = CASE status WHEN 'active' THEN changed ELSE $3 END, status = 'active' WHERE id = $1",
        &[&id.0, &storable(name), &now],
    )?;
    Ok(())
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
