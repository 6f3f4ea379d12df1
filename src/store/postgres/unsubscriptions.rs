//! The table of how and when subscribers left.

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use postgres::GenericClient;

use super::Result;
use crate::subscriber::SubscriberId;
use crate::unsubscription::{Channel, Unsubscription};

pub(super) fn note(
    client: &mut impl GenericClient,
    subscriber: SubscriberId,
    channel: Channel,
    now: DateTime<Utc>,
) -> Result<()> {
    client.execute(
        "INSERT INTO unsubscription (subscriber, channel, at) VALUES ($1, $2, $3)
         ON CONFLICT (subscriber) DO UPDATE SET channel = excluded.channel, at = excluded.at",
        &[&subscriber.0, &channel.as_str(), &now],
    )?;
    Ok(())
}

pub(super) fn of(client: &mut impl GenericClient, subscriber: SubscriberId) -> Result<Option<Unsubscription>> {
    let row = client.query_opt("SELECT channel, at FROM unsubscription WHERE subscriber = $1", &[&subscriber.0])?;
    row.map(|row| Ok(Unsubscription { channel: channel(row.try_get(0)?)?, at: row.try_get(1)? })).transpose()
}

pub(super) fn delete(client: &mut impl GenericClient, subscriber: SubscriberId) -> Result<()> {
    client.execute("DELETE FROM unsubscription WHERE subscriber = $1", &[&subscriber.0])?;
    Ok(())
}

/// How many left by each channel, in the order of `Channel::ALL`.
pub(super) fn since(client: &mut impl GenericClient, since: DateTime<Utc>) -> Result<Vec<(Channel, u64)>> {
    let sql = "SELECT channel, count(*) FROM unsubscription WHERE at >= $1 GROUP BY channel";
    let mut counts = Vec::new();
    for row in client.query(sql, &[&since])? {
        counts.push((channel(row.try_get(0)?)?, u64::try_from(row.try_get::<_, i64>(1)?)?));
    }
    counts.sort_by_key(|(channel, _)| *channel as usize);
    Ok(counts)
}

fn channel(word: &str) -> Result<Channel> {
    Channel::from_word(word).ok_or_else(|| anyhow!("there is no way `{word}` to leave"))
}
