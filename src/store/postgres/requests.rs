//! The table of requests to subscribe.

use chrono::{DateTime, Utc};
use postgres::{GenericClient, Row, Transaction};

use super::claims::storable;
use super::connection::Session;
use super::{Result, consents};
use crate::consent::{SubscriptionRequest, Wording};
use crate::email::EmailAddress;
use crate::store::readers::REQUEST_LIFETIME;
use crate::token::Tag;

const BY_TAG: &str = "
SELECT address, name, language, page, return_to, text, ip, requested
FROM subscription_request JOIN wording ON wording.hash = subscription_request.wording
WHERE tag = $1 AND requested >= $2 ORDER BY requested DESC LIMIT 1";

const BY_KEY: &str = "
SELECT address, name, language, page, return_to, text, ip, requested
FROM subscription_request JOIN wording ON wording.hash = subscription_request.wording
WHERE key = $1 AND ($2::timestamptz IS NULL OR requested >= $2)";

/// Records a request in place of an earlier one for the same address.
pub(super) fn note(transaction: &mut Transaction<'_>, request: &SubscriptionRequest, tag: Tag) -> Result<()> {
    let wording = consents::keep_wording(transaction, &request.wording)?;
    let (key, name, language) = (request.address.key(), storable(&request.name), storable(&request.language));
    let [page, return_to, ip] =
        [&request.page, &request.return_to, &request.ip].map(|text| text.as_deref().map(storable));
    transaction.execute(
        "INSERT INTO subscription_request
             (key, address, name, language, page, return_to, wording, ip, requested, tag)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (key) DO UPDATE SET address = excluded.address, name = excluded.name,
             language = excluded.language, page = excluded.page, return_to = excluded.return_to,
             wording = excluded.wording, ip = excluded.ip, requested = excluded.requested, tag = excluded.tag",
        &[
            &key,
            &request.address.as_str(),
            &name,
            &language,
            &page,
            &return_to,
            &wording,
            &ip,
            &request.requested,
            &tag.to_string(),
        ],
    )?;
    Ok(())
}

pub(super) fn by_tag(session: &mut Session, tag: Tag, now: DateTime<Utc>) -> Result<Option<SubscriptionRequest>> {
    let rows = session.query(BY_TAG, &[&tag.to_string(), &(now - REQUEST_LIFETIME)])?;
    rows.first().map(from_row).transpose()
}

pub(super) fn of(
    session: &mut Session,
    address: &EmailAddress,
    now: DateTime<Utc>,
) -> Result<Option<SubscriptionRequest>> {
    let rows = session.query(BY_KEY, &[&address.key(), &Some(now - REQUEST_LIFETIME)])?;
    rows.first().map(from_row).transpose()
}

/// The request for this address, however old.
pub(super) fn stored(session: &mut Session, address: &EmailAddress) -> Result<Option<SubscriptionRequest>> {
    let rows = session.query(BY_KEY, &[&address.key(), &None::<DateTime<Utc>>])?;
    rows.first().map(from_row).transpose()
}

pub(super) fn delete(client: &mut impl GenericClient, address: &EmailAddress) -> Result<()> {
    client.execute("DELETE FROM subscription_request WHERE key = $1", &[&address.key()])?;
    Ok(())
}

/// Deletes requests that were not confirmed in time, and network addresses from before `ips_before`.
pub(super) fn purge(client: &mut impl GenericClient, ips_before: DateTime<Utc>, now: DateTime<Utc>) -> Result<u64> {
    let oldest = now - REQUEST_LIFETIME;
    let deleted = client.execute("DELETE FROM subscription_request WHERE requested < $1", &[&oldest])?;
    let delete_ips = "UPDATE subscription_request SET ip = NULL WHERE requested < $1 AND ip IS NOT NULL";
    Ok(deleted + client.execute(delete_ips, &[&ips_before])?)
}

fn from_row(row: &Row) -> Result<SubscriptionRequest> {
    Ok(SubscriptionRequest {
        address: row.try_get::<_, &str>(0)?.parse()?,
        name: row.try_get(1)?,
        language: row.try_get(2)?,
        page: row.try_get(3)?,
        return_to: row.try_get(4)?,
        wording: Wording::new(row.try_get::<_, String>(5)?),
        ip: row.try_get(6)?,
        requested: row.try_get(7)?,
    })
}
