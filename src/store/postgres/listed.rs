//! Whom the project's own list names, and whom it no longer names.

use postgres::Transaction;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;

use super::Result;
use super::connection::Session;
use crate::email::EmailAddress;
use crate::store::listed::{Changes, MISSING, NAMED};
use crate::subscriber::Status;

pub(super) fn note(transaction: &mut Transaction<'_>, is_named: &dyn Fn(&str) -> bool) -> Result<Vec<EmailAddress>> {
    let (mut changes, mut gone) = (Changes::default(), Vec::new());
    let sql = "SELECT id, key, address, status, listed FROM subscriber ORDER BY id";
    let mut rows = transaction.query_raw(sql, std::iter::empty::<&(dyn ToSql + Sync)>())?;
    while let Some(row) = rows.next()? {
        let is_named = is_named(row.try_get(1)?);
        if changes.apply(row.try_get(0)?, row.try_get(4)?, row.try_get(3)?, is_named) {
            gone.push(row.try_get::<_, &str>(2)?.parse()?);
        }
    }
    drop(rows);
    for (word, ids) in [(NAMED, changes.named), (MISSING, changes.missing)] {
        if !ids.is_empty() {
            transaction.execute("UPDATE subscriber SET listed = $1 WHERE id = ANY($2)", &[&word, &ids])?;
        }
    }
    Ok(gone)
}

pub(super) fn unlisted(session: &mut Session) -> Result<Vec<EmailAddress>> {
    let sql = "SELECT address FROM subscriber WHERE listed = $1 AND status = $2 ORDER BY id";
    let rows = session.query(sql, &[&MISSING, &Status::Active.as_str()])?;
    rows.iter().map(|row| Ok(row.try_get::<_, &str>(0)?.parse()?)).collect()
}
