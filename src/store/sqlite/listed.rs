//! Whom the project's own list names, and whom it no longer names.

use rusqlite::{Connection, Transaction, params};

use super::Result;
use crate::email::EmailAddress;
use crate::store::listed::{Changes, MISSING, NAMED};
use crate::subscriber::Status;

pub(super) fn note(transaction: &Transaction<'_>, is_named: &dyn Fn(&str) -> bool) -> Result<Vec<EmailAddress>> {
    let (mut changes, mut gone) = (Changes::default(), Vec::new());
    let mut select =
        transaction.prepare_cached("SELECT id, key, address, status, listed FROM subscriber ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let is_named = is_named(row.get_ref(1)?.as_str()?);
        let (status, listed) = (row.get_ref(3)?.as_str()?, row.get_ref(4)?.as_str_or_null()?);
        if changes.apply(row.get(0)?, listed, status, is_named) {
            gone.push(row.get_ref(2)?.as_str()?.parse()?);
        }
    }
    let mut update = transaction.prepare_cached("UPDATE subscriber SET listed = ?2 WHERE id = ?1")?;
    for (word, ids) in [(NAMED, changes.named), (MISSING, changes.missing)] {
        for id in ids {
            update.execute(params![id, word])?;
        }
    }
    Ok(gone)
}

pub(super) fn unlisted(connection: &Connection) -> Result<Vec<EmailAddress>> {
    let sql = "SELECT address FROM subscriber WHERE listed = ?1 AND status = ?2 ORDER BY id";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([MISSING, Status::Active.as_str()])?;
    let mut unlisted = Vec::new();
    while let Some(row) = rows.next()? {
        unlisted.push(row.get_ref(0)?.as_str()?.parse()?);
    }
    Ok(unlisted)
}
