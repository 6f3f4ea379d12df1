//! Adding subscribers, one or a million: all rows are copied into a temporary table, and a few statements apply the
//! contract.
//!
//! Of the rows with one address, the first creates the subscriber; the first that deactivates them (`Status::after`),
//! whether it created them or came later, and all after it count as away.

use std::io::Write;

use anyhow::Context;
use chrono::{DateTime, Utc};
use postgres::Transaction;

use super::claims::storable;
use super::personal_data::HASH_OF_KEY;
use super::subscribers::{lock_additions, status_of};
use super::{Result, moves};
use crate::store::Added;
use crate::subscriber::{NewSubscriber, Status, StatusCounts};

const INCOMING: &str = "
CREATE TEMPORARY TABLE incoming (
    position    BIGINT NOT NULL,
    key         TEXT COLLATE \"C\" NOT NULL,
    address     TEXT NOT NULL,
    name        TEXT NOT NULL,
    status      TEXT NOT NULL,
    attributes  JSON NOT NULL
) ON COMMIT DROP";

/// One row per address: the subscriber in the store, the first row, and the first row that deactivates them.
/// `unconfirmed` does not deactivate a subscriber that is in the store.
const CANDIDATES: &str = "
CREATE TEMPORARY TABLE candidate ON COMMIT DROP AS
SELECT first.*, subscriber.id AS known, subscriber.status AS before, left_at, left_as
FROM (SELECT DISTINCT ON (key) key, position FROM incoming ORDER BY key, position) AS first
LEFT JOIN subscriber ON subscriber.key = first.key
LEFT JOIN (
    SELECT DISTINCT ON (key) key, position AS left_at, incoming.status AS left_as
    FROM incoming LEFT JOIN subscriber USING (key)
    WHERE incoming.status <> 'active' AND (incoming.status <> 'unconfirmed' OR subscriber.id IS NULL)
    ORDER BY key, position
) AS leaving ON leaving.key = first.key";

const COUNT: &str = "
SELECT count(*) FILTER (WHERE before IS NULL AND position = first AND NOT away),
    count(*) FILTER (WHERE before IS NOT NULL AND NOT away),
    count(*) FILTER (WHERE before IS NULL AND position > first AND NOT away),
    count(*) FILTER (WHERE away)
FROM (
    SELECT before, incoming.position, candidate.position AS first,
        coalesce(before <> 'active', false) OR coalesce(incoming.position >= left_at, false) AS away
    FROM incoming JOIN candidate USING (key)
) AS classified";

const STATUSES: &str = "
SELECT CASE WHEN before <> 'active' THEN before ELSE coalesce(left_as, 'active') END AS status, count(*)
FROM candidate GROUP BY 1";

const DEACTIVATE: &str = "
UPDATE subscriber SET status = left_as, changed = $1
FROM candidate WHERE subscriber.id = candidate.known AND before = 'active' AND left_at IS NOT NULL";

const INSERT: &str = "
INSERT INTO subscriber (key, address, name, status, attributes, created, changed)
SELECT key, address, name, coalesce(left_as, 'active'), attributes, $1, $1
FROM incoming JOIN candidate USING (key, position) WHERE known IS NULL ORDER BY position";

/// Adds subscribers; imports run one after the other. `place` is the store's name in messages.
pub(super) fn add(
    transaction: &mut Transaction<'_>,
    place: &str,
    new: &mut dyn Iterator<Item = NewSubscriber>,
    now: DateTime<Utc>,
) -> Result<Added> {
    transaction.batch_execute(INCOMING)?;
    let rows = copy(transaction, new)?;
    // Only now, because reading the list may take a while.
    moves::refuse_if_moved(transaction, place)?;
    lock_additions(transaction)?;
    if rows > 1000 {
        transaction.batch_execute("SET LOCAL work_mem = '128MB'; ANALYZE incoming")?;
    }
    // No hashes are computed unless an address was forgotten.
    let forgotten = format!(
        "DELETE FROM incoming WHERE EXISTS (SELECT FROM forgotten)
             AND {HASH_OF_KEY} IN (SELECT hash FROM forgotten)"
    );
    let forgotten = transaction.execute(&forgotten, &[])?;
    transaction.batch_execute(CANDIDATES)?;
    let row = transaction.query_one(COUNT, &[])?;
    transaction.execute(DEACTIVATE, &[&now])?;
    transaction.execute(INSERT, &[&now])?;
    let count = |at: usize| -> Result<u64> { Ok(u64::try_from(row.try_get::<_, i64>(at)?)?) };
    let mut by_status = StatusCounts::default();
    for row in transaction.query(STATUSES, &[])? {
        by_status.add(status_of(row.try_get(0)?)?, u64::try_from(row.try_get::<_, i64>(1)?)?);
    }
    let (new, known, repeated, away) = (count(0)?, count(1)?, count(2)?, count(3)?);
    Ok(Added { new, known, repeated, away, forgotten, by_status })
}

/// Copies the rows to the server; returns how many.
fn copy(transaction: &mut Transaction<'_>, new: &mut dyn Iterator<Item = NewSubscriber>) -> Result<u64> {
    let mut writer = transaction.copy_in("COPY incoming FROM STDIN")?;
    let (mut line, mut count) = (String::new(), 0);
    for NewSubscriber { address, name, status, attributes } in new {
        count += 1;
        line.clear();
        line.push_str(&count.to_string());
        let attributes = serde_json::to_string(&attributes)?;
        for field in [&address.key(), address.as_str(), &storable(&name), Status::as_str(status), &attributes] {
            line.push('\t');
            escape(field, &mut line);
        }
        line.push('\n');
        writer.write_all(line.as_bytes()).context("failed to send a row to the server")?;
    }
    writer.finish()?;
    Ok(count)
}

/// Writes a field in PostgreSQL's text format.
pub(super) fn escape(field: &str, line: &mut String) {
    for letter in field.chars() {
        match letter {
            '\\' => line.push_str("\\\\"),
            '\t' => line.push_str("\\t"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            letter => line.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cannot_end_a_row() {
        let mut line = String::new();
        escape("a\tb\\N\r\n\\.", &mut line);
        assert_eq!(line, "a\\tb\\\\N\\r\\n\\\\.");
    }
}
