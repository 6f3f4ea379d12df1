//! The table of mail servers: what was learned of each.

use chrono::{DateTime, Utc};

use super::Result;
use super::connection::Session;
use crate::store::MAX_GREETINGS;

pub(super) fn pipelining(session: &mut Session, place: &str, greeting: &str) -> Result<Option<bool>> {
    let sql = "SELECT chaining FROM server WHERE place = $1 AND greeting = $2";
    let rows = session.query(sql, &[&place, &greeting])?;
    rows.first().map(|row| Ok(row.try_get::<_, &str>(0)? == "yes")).transpose()
}

pub(super) fn note_pipelining(
    session: &mut Session,
    place: &str,
    greeting: &str,
    takes: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    let takes = if takes { "yes" } else { "no" };
    session.query(
        "INSERT INTO server (place, greeting, chaining, changed) VALUES ($1, $2, $3, $4)
         ON CONFLICT (place, greeting) DO UPDATE SET chaining = $3, changed = $4",
        &[&place, &greeting, &takes, &now],
    )?;
    session.query(
        "DELETE FROM server WHERE place = $1 AND greeting NOT IN
         (SELECT greeting FROM server WHERE place = $1 ORDER BY changed DESC, greeting LIMIT $2)",
        &[&place, &i64::from(MAX_GREETINGS)],
    )?;
    Ok(())
}
