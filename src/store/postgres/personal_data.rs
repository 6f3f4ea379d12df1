//! One person's data: reading and erasing it.

use anyhow::Context;
use chrono::{DateTime, Utc};
use postgres::{Client, GenericClient, Transaction};
use sha2::{Digest as _, Sha256};

use super::connection::{Connection, Session};
use super::{Result, StoreResult, consents, deliveries, messages, moves, requests, runs, subscribers, unsubscriptions};
use crate::email::EmailAddress;
use crate::hex::hex;
use crate::ledger::State;
use crate::statistics::masked;
use crate::store::listed::NAMED;
use crate::store::personal_data::{Erasure, FORGET_KEY, ForgetOutcome, PersonalData, hashed};
use crate::subscriber::SubscriberId;

pub(super) fn personal_data(session: &mut Session, address: &EmailAddress) -> Result<Option<PersonalData>> {
    let mut person = PersonalData {
        request: requests::stored(session, address)?,
        messages: messages::to(session, address)?,
        ..PersonalData::default()
    };
    let Some(subscriber) = subscribers::find(session, address)? else { return Ok(person.if_any()) };
    let sql = "SELECT changed, listed FROM subscriber WHERE id = $1";
    let rows = session.query(sql, &[&subscriber.id.0])?;
    let Some(row) = rows.first() else { return Ok(person.if_any()) };
    person.changed = Some(row.try_get(0)?);
    person.listed = row.try_get::<_, Option<&str>>(1)? == Some(NAMED);
    person.deliveries = deliveries::to_person(&mut session.client, subscriber.id)?;
    person.consents = consents::of(session, subscriber.id)?;
    person.unsubscription = unsubscriptions::of(&mut session.client, subscriber.id)?;
    person.subscriber = Some(subscriber);
    Ok(Some(person))
}

/// The hash that stands for a forgotten address.
pub(super) fn hash(client: &mut impl GenericClient, address: &EmailAddress) -> Result<String> {
    let row = client.query_opt("SELECT value FROM property WHERE name = $1", &[&FORGET_KEY])?;
    let key: String = row.context("the key for hashing forgotten addresses is missing")?.try_get(0)?;
    Ok(hex(Sha256::digest(hashed(&key, &address.key()))))
}

/// SQL for the same hash of the column `key`.
pub(super) const HASH_OF_KEY: &str =
    "encode(sha256(convert_to((SELECT value FROM property WHERE name = 'forget_key') || ':' || key, 'UTF8')), 'hex')";

pub(super) fn are_forgotten(client: &mut Client, addresses: &[&EmailAddress]) -> Result<Vec<bool>> {
    let sql = format!(
        "SELECT EXISTS (SELECT FROM forgotten) AND {HASH_OF_KEY} IN (SELECT hash FROM forgotten)
         FROM unnest($1::text[]) WITH ORDINALITY AS asked (key, position) ORDER BY position"
    );
    let keys: Vec<String> = addresses.iter().map(|address| address.key()).collect();
    client.query(&sql, &[&keys])?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

fn is_forgotten(client: &mut impl GenericClient, address: &EmailAddress) -> Result<bool> {
    let hash = hash(client, address)?;
    let exists = "SELECT EXISTS (SELECT FROM forgotten WHERE hash = $1)";
    Ok(client.query_one(exists, &[&hash])?.try_get(0)?)
}

pub(super) fn allow(transaction: &mut Transaction<'_>, address: &EmailAddress) -> Result<bool> {
    let hash = hash(transaction, address)?;
    Ok(transaction.execute("DELETE FROM forgotten WHERE hash = $1", &[&hash])? > 0)
}

/// Forgets a person, even while runs are alive, unless one has claimed them.
pub(super) fn forget(
    connection: &Connection,
    address: &EmailAddress,
    now: DateTime<Utc>,
) -> StoreResult<ForgetOutcome> {
    let place = connection.place().to_owned();
    // A retry finds it done; only the counts are lost then.
    let erasure = connection.retried("forget a subscriber", |session, _| {
        let server = runs::server(&mut session.client)?;
        let mut transaction = session.client.transaction()?;
        moves::refuse_if_moved(&mut transaction, &place)?;
        let recovered = runs::recover(&mut transaction, NO_RUN, &server, now)?;
        let erasure = forget_one(&mut transaction, address, now)?;
        // What dead runs left is settled in any case.
        transaction.commit()?;
        Ok(erasure.map(|erasure| Erasure { recovered, ..erasure }))
    })?;
    let Some(mut erasure) = erasure else { return Ok(ForgetOutcome::Busy(None)) };
    erasure.is_erased = connection.once("erase a subscriber's data", |session| erase(&mut session.client))?;
    Ok(ForgetOutcome::Done(Box::new(erasure)))
}

/// A number that no run has.
const NO_RUN: i64 = 0;

/// Removes a person from all tables; returns `None` if a run has claimed them.
fn forget_one(
    transaction: &mut Transaction<'_>,
    address: &EmailAddress,
    now: DateTime<Utc>,
) -> Result<Option<Erasure>> {
    // Keeps out imports and freezes, which could store the address again.
    for table in ["subscriber", "mailing"] {
        transaction.execute("SELECT pg_advisory_xact_lock($1::text::regclass::oid::int, 0)", &[&table])?;
    }
    let mut erasure = Erasure { was_forgotten: is_forgotten(transaction, address)?, ..Default::default() };
    let found = transaction.query_opt("SELECT id FROM subscriber WHERE key = $1 FOR UPDATE", &[&address.key()])?;
    if let Some(row) = found {
        let id = SubscriberId(row.try_get(0)?);
        transaction.execute("SELECT FROM delivery WHERE subscriber = $1 FOR UPDATE", &[&id.0])?;
        let deliveries = deliveries::to_person(transaction, id)?;
        if deliveries.iter().any(|delivery| matches!(delivery.state, State::Claimed | State::Sending)) {
            return Ok(None);
        }
        for delivery in deliveries {
            let reply = delivery.reply.map(|reply| masked(&reply, Some(address)));
            let waits = matches!(delivery.state, State::Queued | State::Deferred);
            transaction.execute(UPDATE, &[&delivery.issue.as_str(), &id.0, &reply, &waits, &now])?;
            erasure.deliveries += 1;
            erasure.suppressed += u64::from(waits);
        }
        consents::delete(transaction, id)?;
        unsubscriptions::delete(transaction, id)?;
        transaction.execute("DELETE FROM address_tag WHERE subscriber = $1", &[&id.0])?;
        transaction.execute("DELETE FROM subscriber WHERE id = $1", &[&id.0])?;
        erasure.was_known = true;
    }
    requests::delete(transaction, address)?;
    messages::forget(transaction, address)?;
    let hash = hash(transaction, address)?;
    transaction.execute("INSERT INTO forgotten (hash) VALUES ($1) ON CONFLICT DO NOTHING", &[&hash])?;
    Ok(Some(erasure))
}

const UPDATE: &str = "
UPDATE delivery SET address = '', reply = $3, run = NULL,
    state = CASE WHEN $4 THEN 'suppressed' ELSE state END, changed = CASE WHEN $4 THEN $5 ELSE changed END
WHERE mailing = (SELECT id FROM mailing WHERE issue = $1) AND subscriber = $2";

/// Rewrites the tables without deleted rows. While another run sends, which would have to wait for it, the space is
/// only marked as free, and old bytes remain until it is reused. Returns whether no trace is left.
fn erase(client: &mut Client) -> Result<bool> {
    let is_sending = "SELECT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 'run'::regclass::oid AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid())";
    let is_sending: bool = client.query_one(is_sending, &[])?.try_get(0)?;
    let how = if is_sending { "" } else { "FULL " };
    for table in
        ["subscriber", "delivery", "address_tag", "subscription_request", "consent", "unsubscription", "message"]
    {
        client.batch_execute(&format!("VACUUM {how}{table}"))?;
    }
    Ok(!is_sending)
}
