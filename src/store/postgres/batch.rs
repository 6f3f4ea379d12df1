//! The right to send transactional messages: a lock of the session, which the server releases when the session ends.

use postgres::Client;

use super::Result;
use super::connection::Session;
use crate::store::readers::no_right;

/// Takes the right, unless another session has it; returns whether this one has it now.
pub(super) fn acquire(session: &mut Session) -> Result<bool> {
    if !session.has_batch {
        let lock = "SELECT pg_try_advisory_lock('message'::regclass::oid::int, 0)";
        session.has_batch = session.client.query_one(lock, &[])?.try_get(0)?;
    }
    Ok(session.has_batch)
}

/// Gives the right up.
pub(super) fn release(session: &mut Session) -> Result<()> {
    if std::mem::take(&mut session.has_batch) {
        session.client.execute("SELECT pg_advisory_unlock('message'::regclass::oid::int, 0)", &[])?;
    }
    Ok(())
}

/// A number that no batch and no run has had: both count with one sequence.
pub(super) fn number(client: &mut Client) -> Result<i64> {
    Ok(client.query_one("SELECT nextval(pg_get_serial_sequence('run', 'id'))", &[])?.try_get(0)?)
}

/// The number of this process's batch, if its session still has the right.
pub(super) fn held(session: &Session, batch: Option<i64>) -> Result<i64> {
    batch.filter(|_| session.has_batch).ok_or_else(no_right)
}
