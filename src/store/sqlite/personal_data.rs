//! One person's data: reading and erasing it.

use std::fs::File;
use std::io;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, Transaction, params};

use super::path::beside;
use super::{
    Result, Sqlite, StoreResult, consents, error, forgotten, format_time, ledger, log, messages, parse_time, requests,
    subscribers, unsubscriptions,
};
use crate::email::EmailAddress;
use crate::ledger::{Run, State};
use crate::statistics::masked;
use crate::store::listed::NAMED;
use crate::store::personal_data::{Erasure, ForgetOutcome, PersonalData};
use crate::subscriber::SubscriberId;

pub(super) fn personal_data(connection: &Connection, address: &EmailAddress) -> Result<Option<PersonalData>> {
    let mut person = PersonalData {
        request: requests::stored(connection, address)?,
        messages: messages::to(connection, address)?,
        ..PersonalData::default()
    };
    let Some(subscriber) = subscribers::find(connection, address)? else { return Ok(person.if_any()) };
    let sql = "SELECT changed, listed FROM subscriber WHERE id = ?1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (changed, listed): (String, Option<String>) = connection.query_row(sql, [subscriber.id.0], row)?;
    person.changed = Some(parse_time(&changed)?);
    person.listed = listed.as_deref() == Some(NAMED);
    person.deliveries = ledger::to_person(connection, subscriber.id)?;
    person.consents = consents::of(connection, subscriber.id)?;
    person.unsubscription = unsubscriptions::of(connection, subscriber.id)?;
    person.subscriber = Some(subscriber);
    Ok(Some(person))
}

impl Sqlite {
    /// Forgets a person while holding the run lock, so that no other run has claimed them; if another run is alive,
    /// only if it has not claimed them.
    pub(super) fn forget_person(
        &mut self,
        address: &EmailAddress,
        run: &Run,
        now: DateTime<Utc>,
    ) -> StoreResult<ForgetOutcome> {
        const DOING: &str = "forget a subscriber";
        self.write_log()?;
        self.active_run = None;
        // With the spelling that is stored: another one may differ in bytes.
        let address = &self.reading(DOING, |connection| spelled(connection, address))?;
        let refuse = |store: &Self, transaction: &Transaction<'_>| store.refuse_if_moved(transaction);
        let begun = self.begin(DOING, run, now, refuse)?;
        let failed = |why: rusqlite::Error| error::doing(DOING, &self.path, why.into());
        // Overwrites deleted content within its page.
        self.connection.pragma_update(None, "secure_delete", true).map_err(failed)?;
        let done = self.changing(DOING, |transaction| forget(transaction, address, now))?;
        let Some(mut erasure) = done else { return Ok(ForgetOutcome::Busy(begun.err().flatten())) };
        match begun {
            Ok((recovered, ())) => {
                erasure.recovered = recovered;
                // The dead run's log is empty, and no one writes to it.
                erasure.is_erased = self.erase(address, true)?;
                self.active_run = None;
            }
            Err(_) => erasure.is_erased = self.erase(address, false)?,
        }
        Ok(ForgetOutcome::Done(Box::new(erasure)))
    }

    /// Erases what older versions of pages contain; returns whether no trace is left. Unless this process holds the run
    /// lock, the file is not rewritten: a sending run would have to wait too long.
    fn erase(&self, address: &EmailAddress, is_locked: bool) -> StoreResult<bool> {
        const DOING: &str = "erase a subscriber's data";
        let failed = |why: anyhow::Error| error::doing(DOING, &self.path, why);
        let is_there = || self.is_in_files(address).map_err(|why| failed(why.into()));
        let is_cut = self.cut_wal().map_err(|why| failed(why.into()))?;
        if !is_there()? {
            return Ok(is_cut);
        }
        if !is_locked {
            return Ok(false);
        }
        match self.connection.execute_batch("VACUUM") {
            Err(why) if why.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => return Ok(false),
            done => done.map_err(|why| failed(why.into()))?,
        }
        // Any remaining match is part of another address.
        self.cut_wal().map_err(|why| failed(why.into()))
    }

    /// Moves the write-ahead log into the database and empties it; returns whether no other process prevented it.
    fn cut_wal(&self) -> rusqlite::Result<bool> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok(row.get::<_, i64>(0)? == 0))
    }

    /// Whether one of the files contains the address.
    fn is_in_files(&self, address: &EmailAddress) -> io::Result<bool> {
        let [one_log, other_log] = log::paths(&self.path);
        for file in [self.path.clone(), beside(&self.path, "-wal"), one_log, other_log] {
            match File::open(file) {
                Ok(file) if address.occurs_in(&file)? => return Ok(true),
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
                _ => {}
            }
        }
        Ok(false)
    }
}

/// The address as it is stored.
fn spelled(connection: &Connection, address: &EmailAddress) -> Result<EmailAddress> {
    if let Some(subscriber) = subscribers::find(connection, address)? {
        return Ok(subscriber.address);
    }
    let request = requests::stored(connection, address)?;
    Ok(request.map_or_else(|| address.clone(), |request| request.address))
}

/// Removes a person from all tables; returns `None` if a run has claimed them.
fn forget(transaction: &Transaction<'_>, address: &EmailAddress, now: DateTime<Utc>) -> Result<Option<Erasure>> {
    let mut erasure =
        Erasure { was_forgotten: forgotten::is_forgotten(transaction, &address.key())?, ..Default::default() };
    if let Some(subscriber) = subscribers::find(transaction, address)? {
        let deliveries = ledger::to_person(transaction, subscriber.id)?;
        if deliveries.iter().any(|delivery| matches!(delivery.state, State::Claimed | State::Sending)) {
            return Ok(None);
        }
        for delivery in deliveries {
            let reply = delivery.reply.map(|reply| masked(&reply, Some(address)));
            let waits = matches!(delivery.state, State::Queued | State::Deferred);
            let mut update = transaction.prepare_cached(UPDATE)?;
            let number = ledger::number(transaction, &delivery.issue)?;
            update.execute(params![number, subscriber.id.0, reply, waits, format_time(now)])?;
            erasure.deliveries += 1;
            erasure.suppressed += u64::from(waits);
        }
        erase_rows(transaction, subscriber.id)?;
        erasure.was_known = true;
    }
    requests::delete(transaction, address)?;
    messages::forget(transaction, address)?;
    let hash = forgotten::hash(transaction, &address.key())?;
    transaction.execute("INSERT OR IGNORE INTO forgotten (hash) VALUES (?1)", [hash])?;
    Ok(Some(erasure))
}

const UPDATE: &str = "
UPDATE delivery SET address = '', reply = ?3, run = NULL,
    state = CASE WHEN ?4 THEN 'suppressed' ELSE state END, changed = CASE WHEN ?4 THEN ?5 ELSE changed END
WHERE mailing = ?1 AND subscriber = ?2";

fn erase_rows(transaction: &Transaction<'_>, id: SubscriberId) -> Result<()> {
    transaction.execute("DELETE FROM address_tag WHERE subscriber = ?1", [id.0])?;
    consents::delete(transaction, id)?;
    unsubscriptions::delete(transaction, id)?;
    transaction.execute("DELETE FROM subscriber WHERE id = ?1", [id.0])?;
    Ok(())
}
