//! The tables of consents and of the texts that were agreed to, each of which is kept once.

use chrono::{DateTime, Utc};
use postgres::{GenericClient, Row, Transaction};

use super::Result;
use super::claims::storable;
use super::connection::Session;
use crate::consent::{Consent, SubscriptionRequest, Wording};
use crate::subscriber::SubscriberId;

/// Keeps a text; returns its hash.
pub(super) fn keep_wording(client: &mut impl GenericClient, wording: &Wording) -> Result<String> {
    let hash = wording.hash();
    let insert = "INSERT INTO wording (hash, text) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    client.execute(insert, &[&hash, &storable(wording.text())])?;
    Ok(hash)
}

/// Records a consent. Of a request that was confirmed before, the first one counts.
pub(super) fn add(
    transaction: &mut Transaction<'_>,
    subscriber: SubscriberId,
    request: &SubscriptionRequest,
    now: DateTime<Utc>,
) -> Result<()> {
    let wording = keep_wording(transaction, &request.wording)?;
    let language = storable(&request.language);
    let [page, ip] = [&request.page, &request.ip].map(|text| text.as_deref().map(storable));
    transaction.execute(
        "INSERT INTO consent (subscriber, requested, confirmed, language, page, wording, ip)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &[&subscriber.0, &request.requested, &now, &language, &page, &wording, &ip],
    )?;
    Ok(())
}

/// Those of one subscriber, oldest first.
pub(super) fn of(session: &mut Session, subscriber: SubscriberId) -> Result<Vec<Consent>> {
    let rows = session.query(
        "SELECT requested, confirmed, language, page, text, ip
         FROM consent JOIN wording ON wording.hash = consent.wording WHERE subscriber = $1 ORDER BY requested",
        &[&subscriber.0],
    )?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Consent> {
    Ok(Consent {
        requested: row.try_get(0)?,
        confirmed: row.try_get(1)?,
        language: row.try_get(2)?,
        page: row.try_get(3)?,
        wording: Wording::new(row.try_get::<_, String>(4)?),
        ip: row.try_get(5)?,
    })
}

pub(super) fn delete(client: &mut impl GenericClient, subscriber: SubscriberId) -> Result<()> {
    client.execute("DELETE FROM consent WHERE subscriber = $1", &[&subscriber.0])?;
    Ok(())
}

/// Deletes the network addresses of requests from before this time.
pub(super) fn purge_ips(client: &mut impl GenericClient, before: DateTime<Utc>) -> Result<u64> {
    Ok(client.execute("UPDATE consent SET ip = NULL WHERE requested < $1 AND ip IS NOT NULL", &[&before])?)
}
