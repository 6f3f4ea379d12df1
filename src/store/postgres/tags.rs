//! The index of addresses by the tags in tokens. It can be rebuilt at any time from secret and subscribers.

use postgres::fallible_iterator::FallibleIterator as _;

use super::connection::Session;
use super::{Result, subscribers};
use crate::email::EmailAddress;
use crate::store::tags::TAGS_PER_TRANSACTION;
use crate::subscriber::Subscriber;
use crate::token::{Secret, Tag};

/// Looks the tag up, or searches those who joined since the index was written.
pub(super) fn find(session: &mut Session, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>> {
    if let Some(subscriber) = indexed(session, secret, tag)? {
        return Ok(Some(subscriber));
    }
    match not_indexed(session, secret, tag)? {
        Some(subscriber) => Ok(Some(subscriber)),
        // Another process may have indexed it between the two searches.
        None => indexed(session, secret, tag),
    }
}

fn indexed(session: &mut Session, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>> {
    let sql = "SELECT id, address, name, status, attributes::text, created
               FROM address_tag JOIN subscriber ON subscriber.id = address_tag.subscriber
               WHERE secret = $1 AND tag = $2";
    session.query(sql, &[&secret.fingerprint(), &tag.to_string()])?.first().map(subscribers::from_row).transpose()
}

fn not_indexed(session: &mut Session, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>> {
    let joined_since = "SELECT id, address, name, status, attributes::text, created FROM subscriber
                        WHERE id > (SELECT coalesce(max(subscriber), 0) FROM address_tag WHERE secret = $1)";
    let mut rows = session.client.query_raw(joined_since, [secret.fingerprint()])?;
    while let Some(row) = rows.next()? {
        let subscriber = subscribers::from_row(&row)?;
        if secret.tag(&subscriber.address) == tag {
            return Ok(Some(subscriber));
        }
    }
    Ok(None)
}

/// Adds the tags of some subscribers who joined since the last call; returns whether there were any. Imports run one
/// after the other, so that numbers become visible in order.
pub(super) fn add(session: &mut Session, secret: &Secret) -> Result<bool> {
    let fingerprint = secret.fingerprint();
    let rows = session.query(
        "SELECT id, address FROM subscriber
         WHERE id > (SELECT coalesce(max(subscriber), 0) FROM address_tag WHERE secret = $1) ORDER BY id LIMIT $2",
        &[&fingerprint, &TAGS_PER_TRANSACTION],
    )?;
    let (mut numbers, mut tags): (Vec<i64>, Vec<String>) = (Vec::new(), Vec::new());
    for row in &rows {
        let address: EmailAddress = row.try_get::<_, &str>(1)?.parse()?;
        numbers.push(row.try_get(0)?);
        tags.push(secret.tag(&address).to_string());
    }
    // An address that was removed and added again has a new number.
    session.query(
        "INSERT INTO address_tag (secret, tag, subscriber)
         SELECT $1, tag, number FROM unnest($2::text[], $3::bigint[]) AS added (tag, number) ORDER BY tag
         ON CONFLICT (secret, tag) DO UPDATE SET subscriber = excluded.subscriber",
        &[&fingerprint, &tags, &numbers],
    )?;
    Ok(!rows.is_empty())
}
