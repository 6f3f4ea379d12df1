//! The index of addresses by the tags in tokens. It can be rebuilt at any time from secret and subscribers.

use rusqlite::{Connection, Transaction, params};

use super::{Result, Sqlite, StoreResult, subscribers};
use crate::email::EmailAddress;
use crate::store::moving::Movable as _;
use crate::store::tags::{TAGS_PER_TRANSACTION, search};
use crate::subscriber::Subscriber;
use crate::token::{Secret, Tag};

impl Sqlite {
    pub(super) fn find_by_tag(&self, secret: &Secret, tag: Tag) -> StoreResult<Option<Subscriber>> {
        const DOING: &str = "find a subscriber by a token";
        if self.moved()?.is_some() {
            return search(self, secret, tag);
        }
        if let Some(found) = self.reading(DOING, |connection| find(connection, secret, tag))? {
            return Ok(Some(found));
        }
        while self.quickly(DOING, |transaction| add(transaction, secret))? {}
        self.reading(DOING, |connection| find(connection, secret, tag))
    }
}

fn find(connection: &Connection, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>> {
    let sql = format!(
        "SELECT {} FROM address_tag JOIN subscriber ON subscriber.id = address_tag.subscriber
         WHERE address_tag.secret = ?1 AND address_tag.tag = ?2",
        subscribers::COLUMNS
    );
    let mut find = connection.prepare_cached(&sql)?;
    let mut rows = find.query(params![secret.fingerprint(), tag.to_string()])?;
    rows.next()?.map(subscribers::from_row).transpose()
}

/// Adds the tags of some subscribers who joined since the last call; returns whether there were any.
fn add(transaction: &Transaction<'_>, secret: &Secret) -> Result<bool> {
    let fingerprint = secret.fingerprint();
    let mut select = transaction.prepare_cached(
        "SELECT id, address FROM subscriber
         WHERE id > (SELECT coalesce(max(subscriber), 0) FROM address_tag WHERE secret = ?1) ORDER BY id LIMIT ?2",
    )?;
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
