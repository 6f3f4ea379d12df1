//! The table of subscribers.

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{Result, forgotten, format_time, parse_time, unsubscriptions};
use crate::email::EmailAddress;
use crate::store::{Added, Occurrence, Visit};
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};

/// The columns that `from_row` reads.
pub(super) const COLUMNS: &str = "subscriber.id, subscriber.address, subscriber.name, subscriber.status, \
                                  subscriber.attributes, subscriber.created";

pub(super) fn add(
    transaction: &Transaction<'_>,
    new: &mut dyn Iterator<Item = NewSubscriber>,
    now: DateTime<Utc>,
) -> Result<Added> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO subscriber (key, address, name, status, attributes, created, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (key) DO NOTHING",
    )?;
    let mut find = transaction.prepare_cached("SELECT id, status FROM subscriber WHERE key = ?1")?;
    let mut find = |key: &str| {
        let row = |row: &Row<'_>| Ok((row.get(0)?, status_of_value(row.get_ref(1)?)));
        let found: Option<(i64, Result<Status>)> = find.query_row([key], row).optional()?;
        found.map(|(id, status)| status.map(|status| (id, status))).transpose()
    };
    let mut leave = transaction.prepare_cached("UPDATE subscriber SET status = ?2, changed = ?3 WHERE id = ?1")?;
    // Numbers only grow: a higher one was assigned in this call.
    let last = "SELECT coalesce(max(id), 0) FROM subscriber";
    let last: i64 = transaction.query_row(last, [], |row| row.get(0))?;
    let now = format_time(now);
    let (mut added, mut met_before) = (Added::default(), Numbers::default());
    let has_forgotten = forgotten::has_forgotten(transaction)?;
    // Lists tend to be all new or all known, so the next record is first assumed to be like the last one.
    let mut was_known = false;
    let mut text = Vec::new();
    for NewSubscriber { address, name, status, attributes } in new {
        let key = address.key();
        let mut known: Option<(i64, Status)> = if was_known { find(&key)? } else { None };
        let mut is_new = false;
        if known.is_none() && has_forgotten && forgotten::is_forgotten(transaction, &key)? {
            added.forgotten += 1;
            continue;
        }
        if known.is_none() {
            text.clear();
            serde_json::to_writer(&mut text, &attributes)?;
            let attributes = ValueRef::Text(&text);
            let row = params![key, address.as_str(), name, status.as_str(), ToSqlOutput::Borrowed(attributes), now];
            is_new = insert.execute(row)? > 0;
            known = match is_new {
                true => Some((transaction.last_insert_rowid(), status)),
                false => find(&key)?,
            };
        }
        was_known = !is_new;
        let (id, before) = known.context("an existing subscriber was not found")?;
        let after = before.after(status, id > last);
        if after != before {
            leave.execute(params![id, after.as_str(), now])?;
        }
        let met = match is_new {
            true => Occurrence::New,
            false if id > last => Occurrence::Repeated,
            false if met_before.insert(id) => Occurrence::Known,
            false => Occurrence::KnownAgain,
        };
        added.count(met, before, after);
    }
    Ok(added)
}

/// A set of subscribers' numbers, one bit each: a list of a million takes 125 kB.
#[derive(Default)]
struct Numbers(Vec<u64>);

impl Numbers {
    /// Adds a number; returns whether it was new.
    fn insert(&mut self, id: i64) -> bool {
        let (word, bit) = ((id / 64) as usize, 1 << (id % 64));
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let is_new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        is_new
    }
}

fn status_of_value(status: ValueRef<'_>) -> Result<Status> {
    status_of(status.as_str().context("a status is not text")?)
}

pub(super) fn find(connection: &Connection, address: &EmailAddress) -> Result<Option<Subscriber>> {
    let mut find = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM subscriber WHERE key = ?1"))?;
    let mut rows = find.query([address.key()])?;
    rows.next()?.map(from_row).transpose()
}

pub(super) fn statuses_of(connection: &Connection, addresses: &[&EmailAddress]) -> Result<Vec<Option<Status>>> {
    let mut find = connection.prepare_cached("SELECT status FROM subscriber WHERE key = ?1")?;
    let mut status = |address: &EmailAddress| {
        let found = find.query_row([address.key()], |row| Ok(status_of_value(row.get_ref(0)?))).optional()?;
        found.transpose()
    };
    addresses.iter().map(|address| status(address)).collect()
}

pub(super) fn by_id(connection: &Connection, id: SubscriberId) -> Result<Option<Subscriber>> {
    let mut find = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM subscriber WHERE id = ?1"))?;
    let mut rows = find.query([id.0])?;
    rows.next()?.map(from_row).transpose()
}

pub(super) fn count(connection: &Connection, status: Option<Status>) -> Result<u64> {
    let sql = "SELECT count(*) FROM subscriber WHERE ?1 IS NULL OR status = ?1";
    let count: i64 = connection.query_row(sql, [status.map(Status::as_str)], |row| row.get(0))?;
    Ok(u64::try_from(count)?)
}

pub(super) fn visit(connection: &Connection, status: Option<Status>, visit: &mut Visit<'_>) -> Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM subscriber WHERE ?1 IS NULL OR status = ?1 ORDER BY id");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([status.map(Status::as_str)])?;
    while let Some(row) = rows.next()? {
        if visit(from_row(row)?)?.is_break() {
            break;
        }
    }
    Ok(())
}

pub(super) fn set_status(
    transaction: &Transaction<'_>,
    address: &EmailAddress,
    status: Status,
    now: DateTime<Utc>,
) -> Result<Option<Status>> {
    let key = address.key();
    let mut select = transaction.prepare_cached("SELECT status, id FROM subscriber WHERE key = ?1")?;
    let before: Option<(String, i64)> = select.query_row([&key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((before, id)) = before else { return Ok(None) };
    if status == Status::Active {
        unsubscriptions::delete(transaction, SubscriberId(id))?;
    }
    let mut update = transaction.prepare_cached("UPDATE subscriber SET status = ?2, changed = ?3 WHERE key = ?1")?;
    update.execute(params![key, status.as_str(), format_time(now)])?;
    status_of(&before).map(Some)
}

/// Adds a subscriber whose address is not there; returns their number.
pub(super) fn add_one(transaction: &Transaction<'_>, new: NewSubscriber, now: DateTime<Utc>) -> Result<SubscriberId> {
    let address = new.address.clone();
    add(transaction, &mut std::iter::once(new), now)?;
    Ok(find(transaction, &address)?.context("the subscriber just added is missing")?.id)
}

/// Makes a subscriber active. The name is for those who have none.
pub(super) fn activate(transaction: &Transaction<'_>, id: SubscriberId, name: &str, now: DateTime<Utc>) -> Result<()> {
    let mut update = transaction.prepare_cached(
        "UPDATE subscriber SET name = CASE name WHEN '' THEN ?2 ELSE name END,
             changed = CASE status WHEN ?3 THEN changed ELSE ?4 END, status = ?3 WHERE id = ?1",
    )?;
    update.execute(params![id.0, name, Status::Active.as_str(), format_time(now)])?;
    Ok(())
}

/// Suppresses a subscriber whose address does not work.
pub(super) fn suppress(transaction: &Transaction<'_>, id: SubscriberId, now: &str) -> Result<()> {
    let mut update = transaction.prepare_cached("UPDATE subscriber SET status = ?2, changed = ?3 WHERE id = ?1")?;
    update.execute(params![id.0, Status::Suppressed.as_str(), now])?;
    Ok(())
}

/// Reads a subscriber from a row of `COLUMNS`.
pub(super) fn from_row(row: &Row<'_>) -> Result<Subscriber> {
    let id: i64 = row.get(0)?;
    subscriber(row, id).with_context(|| format!("row {id} of the table `subscriber` cannot be read"))
}

fn subscriber(row: &Row<'_>, id: i64) -> Result<Subscriber> {
    let (address, status, attributes, created): (String, String, String, String) =
        (row.get(1)?, row.get(3)?, row.get(4)?, row.get(5)?);
    Ok(Subscriber {
        id: SubscriberId(id),
        address: address.parse()?,
        name: row.get(2)?,
        status: status_of(&status)?,
        attributes: serde_json::from_str(&attributes)?,
        created: parse_time(&created)?,
    })
}

fn status_of(word: &str) -> Result<Status> {
    Status::from_word(word).ok_or_else(|| anyhow!("there is no status `{word}`"))
}
