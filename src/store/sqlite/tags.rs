//! The index of addresses by the tags in tokens. It can be rebuilt at any time from secret and subscribers.

use rusqlite::{Connection, Transaction, params};

use super::{Result, subscribers};
use crate::email::EmailAddress;
use crate::store::tags::TAGS_PER_TRANSACTION;
use crate::subscriber::Subscriber;
use crate::token::{Secret, Tag};

/// Looks the tag up, or searches those who joined since the index was written.
pub(super) fn find(connection: &Connection, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>> {
    if let Some(subscriber) = indexed(connection, secret, tag)? {
        return Ok(Some(subscriber));
    }
    match not_indexed(connection, secret, tag)? {
        Some(subscriber) => Ok(Some(subscriber)),
        // Another process may have indexed it between the two searches.
        None => indexed(connection, secret, tag),
    }
}

fn indexed(connection: &Connection, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>> {
    let sql = format!(
        "SELECT {} FROM address_tag JOIN subscriber ON subscriber.id = address_tag.subscriber
         WHERE address_tag.secret = ?1 AND address_tag.tag = ?2",
        subscribers::COLUMNS
    );
    let mut find = connection.prepare_cached(&sql)?;
    let mut rows = find.query(params![secret.fingerprint(), tag.to_string()])?;
    rows.next()?.map(subscribers::from_row).transpose()
}

fn not_indexed(connection: &Connection, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>> {
    let sql = format!("SELECT {} FROM subscriber WHERE {IS_NEW}", subscribers::COLUMNS);
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([secret.fingerprint()])?;
    while let Some(row) = rows.next()? {
        let subscriber = subscribers::from_row(row)?;
        if secret.tag(&subscriber.address) == tag {
            return Ok(Some(subscriber));
        }
    }
    Ok(None)
}

/// Whether a subscriber is not in the index of the secret with fingerprint `?1`.
const IS_NEW: &str = "id > (SELECT coalesce(max(subscriber), 0) FROM address_tag WHERE secret = ?1)";

/// Adds the tags of some subscribers who joined since the last call; returns whether there were any.
pub(super) fn add(transaction: &Transaction<'_>, secret: &Secret) -> Result<bool> {
    let fingerprint = secret.fingerprint();
    let sql = format!("SELECT id, address FROM subscriber WHERE {IS_NEW} ORDER BY id LIMIT ?2");
    let mut select = transaction.prepare_cached(&sql)?;
    // An address that was removed and added again has a new number.
    let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO address_tag VALUES (?1, ?2, ?3)")?;
    let mut rows = select.query(params![fingerprint, TAGS_PER_TRANSACTION])?;
    let mut were_any = false;
    while let Some(row) = rows.next()? {
        let address: EmailAddress = row.get_ref(1)?.as_str()?.parse()?;
        insert.execute(params![fingerprint, secret.tag(&address).to_string(), row.get::<_, i64>(0)?])?;
        were_any = true;
    }
    Ok(were_any)
}
