//! The table of mail servers: what was learned of each.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Result, format_time};
use crate::store::MAX_GREETINGS;

pub(super) fn pipelining(connection: &Connection, place: &str, greeting: &str) -> Result<Option<bool>> {
    let mut select = connection.prepare_cached("SELECT chaining FROM server WHERE place = ?1 AND greeting = ?2")?;
    let kept: Option<String> = select.query_row(params![place, greeting], |row| row.get(0)).optional()?;
    Ok(kept.map(|kept| kept == "yes"))
}

pub(super) fn note_pipelining(
    transaction: &Transaction<'_>,
    place: &str,
    greeting: &str,
    takes: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    let takes = if takes { "yes" } else { "no" };
    transaction.execute(
        "INSERT INTO server (place, greeting, chaining, changed) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (place, greeting) DO UPDATE SET chaining = ?3, changed = ?4",
        params![place, greeting, takes, format_time(now)],
    )?;
    transaction.execute(
        "DELETE FROM server WHERE place = ?1 AND greeting NOT IN
         (SELECT greeting FROM server WHERE place = ?1 ORDER BY changed DESC, greeting LIMIT ?2)",
        params![place, MAX_GREETINGS],
    )?;
    Ok(())
}
