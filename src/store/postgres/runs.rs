//! The table of runs: which are alive, which are dead, and settling what the dead left.

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use postgres::{Client, GenericClient, Transaction};

use super::{Result, deliveries, moves};
use crate::ledger::{Delivery, Recovered, Run, State};

/// What is needed to resume a run of this process on another connection.
#[derive(Debug, Clone)]
pub(super) struct RunHandle {
    /// Its number.
    pub number: i64,
    /// The number of the last call that the server confirmed.
    pub call: i64,
}

const DIED: &str = "the run that was sending it died before the reply";
const LOST: &str = "the database server lost its record";

/// Identifies one life of the server: it changes after a fail-over and after a crash, which may both lose commits made
/// with `synchronous_commit = off`. Statistics are reset by a crash and survive a shutdown.
pub(super) fn server(client: &mut impl GenericClient) -> Result<String> {
    let may = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')
                  AND has_function_privilege('pg_control_checkpoint()', 'EXECUTE')";
    let known = match client.query_one(may, &[])?.try_get(0)? {
        true => {
            "SELECT concat_ws('/', system_identifier, timeline_id, stats_reset)
                 FROM pg_control_system(), pg_control_checkpoint(), pg_stat_bgwriter"
        }
        false => "SELECT concat_ws('/', pg_postmaster_start_time(), stats_reset) FROM pg_stat_bgwriter",
    };
    Ok(client.query_one(known, &[])?.try_get(0)?)
}

/// Gives a run its number, lease and lock, and settles what dead runs left.
pub(super) fn begin(client: &mut Client, place: &str, run: &Run, now: DateTime<Utc>) -> Result<(RunHandle, Recovered)> {
    let number = number(client)?;
    let server = server(client)?;
    let mut transaction = client.transaction()?;
    moves::refuse_if_moved(&mut transaction, place)?;
    let recovered = enter(&mut transaction, number, run, &server, now)?;
    transaction.commit()?;
    Ok((RunHandle { number, call: 0 }, recovered))
}

/// Assigns a run's number and takes the lock on it.
pub(super) fn number(client: &mut Client) -> Result<i64> {
    let number = client.query_one("SELECT nextval(pg_get_serial_sequence('run', 'id'))", &[])?.try_get(0)?;
    lock(client, number)?;
    Ok(number)
}

/// Records a run, and settles what dead runs left.
pub(super) fn enter(
    transaction: &mut Transaction<'_>,
    number: i64,
    run: &Run,
    server: &str,
    now: DateTime<Utc>,
) -> Result<Recovered> {
    transaction.execute(
        "INSERT INTO run (id, host, boot_id, pid, started, lease_until, server, call, answer)
         VALUES ($1, $2, $3, $4, $5, clock_timestamp() + interval '20 minutes', $6, 0, '{}')",
        &[&number, &run.host, &run.boot_id, &i64::from(run.pid), &now, &server],
    )?;
    recover(transaction, number, server, now)
}

/// Renews the lease, and settles what dead runs left.
pub(super) fn renew(client: &mut Client, run_handle: &RunHandle, now: DateTime<Utc>) -> Result<Recovered> {
    let server = server(client)?;
    let mut transaction = client.transaction()?;
    let renew = "UPDATE run SET lease_until = clock_timestamp() + interval '20 minutes' WHERE id = $1";
    transaction.execute(renew, &[&run_handle.number])?;
    let recovered = recover(&mut transaction, run_handle.number, &server, now)?;
    transaction.commit()?;
    Ok(recovered)
}

/// Records that a run is over. This commit is durable and covers all earlier ones.
pub(super) fn end(client: &mut Client, run_handle: &RunHandle) -> Result<()> {
    client.execute("UPDATE run SET ended = clock_timestamp() WHERE id = $1", &[&run_handle.number])?;
    let unlock = "SELECT pg_advisory_unlock('run'::regclass::oid::int, $1::bigint::int)";
    client.execute(unlock, &[&run_handle.number])?;
    Ok(())
}

/// Resumes a run on a new connection: terminates the old session, takes the lock, and checks whether the server has
/// lost calls that it had confirmed; the run's claims are then unknown.
pub(super) fn resume(
    client: &mut Client,
    place: &str,
    run_handle: &RunHandle,
    (process, since): &(i32, String),
) -> Result<RunHandle> {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2";
    client.execute(end, &[process, since])?;
    lock(client, run_handle.number)?;
    let server = server(client)?;
    let mut transaction = client.transaction()?;
    moves::refuse_if_moved(&mut transaction, place)?;
    let row = transaction.query_opt("SELECT call FROM run WHERE id = $1", &[&run_handle.number])?;
    let call: i64 = row.context("the server lost this run, which it had confirmed")?.try_get(0)?;
    if call < run_handle.call {
        transaction.execute(
            "UPDATE delivery SET attempts = attempts + 1, changed = clock_timestamp(),
                 state = CASE WHEN class IS NULL THEN 'unknown' ELSE 'bounced' END,
                 reply = CASE WHEN class IS NULL THEN $2 ELSE reply END
             WHERE run = $1 AND state IN ('claimed', 'sending')",
            &[&run_handle.number, &LOST],
        )?;
    }
    transaction.execute(
        "UPDATE run SET lease_until = clock_timestamp() + interval '20 minutes', server = $2, call = greatest(call, $3)
         WHERE id = $1",
        &[&run_handle.number, &server, &run_handle.call],
    )?;
    transaction.commit()?;
    Ok(run_handle.clone())
}

/// The result of the call with this number, if it was committed before the connection broke.
pub(super) fn answer(client: &mut Client, number: i64, call: i64) -> Result<Option<Vec<i64>>> {
    let row = client.query_opt("SELECT answer FROM run WHERE id = $1 AND call = $2", &[&number, &call])?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Takes the lock that shows that the run is alive, until the connection ends.
fn lock(client: &mut Client, number: i64) -> Result<()> {
    client.execute("SELECT pg_advisory_lock('run'::regclass::oid::int, $1::bigint::int)", &[&number])?;
    Ok(())
}

/// Settles what dead runs left: those whose lease has expired or whose lock is free. Their locks are held until the
/// transaction ends, so that none is resumed or settled twice meanwhile.
pub(super) fn recover(
    transaction: &mut Transaction<'_>,
    mine: i64,
    server: &str,
    now: DateTime<Utc>,
) -> Result<Recovered> {
    let rows = transaction.query(
        "WITH other AS MATERIALIZED (
             SELECT * FROM run WHERE id <> $1 AND id IN (
                 SELECT DISTINCT run FROM delivery WHERE state IN ('claimed', 'sending'))
         )
         SELECT id, server = $2 FROM other WHERE lease_until < clock_timestamp()
             OR pg_try_advisory_xact_lock('run'::regclass::oid::int, id::int)",
        &[&mine, &server],
    )?;
    let (mut dead, mut certain): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
    for row in rows {
        dead.push(row.try_get(0)?);
        if row.try_get(1)? {
            certain.push(row.try_get(0)?);
        }
    }
    if dead.is_empty() {
        return Ok(Recovered::default());
    }
    let requeued = transaction.execute(
        "UPDATE delivery SET state = 'queued', run = NULL, class = NULL, changed = $2
         WHERE state = 'claimed' AND run = ANY($1)",
        &[&certain, &now],
    )?;
    let unknown = settle_sending(transaction, &dead, now)?;
    Ok(Recovered { requeued, unknown })
}

/// Settles what dead runs were sending; returns what is unknown now.
fn settle_sending(transaction: &mut Transaction<'_>, dead: &[i64], now: DateTime<Utc>) -> Result<Vec<Delivery>> {
    // The rows keep their run, so that it can still record a late reply.
    let rows = transaction.query(
        "UPDATE delivery SET attempts = attempts + 1, changed = $3,
             state = CASE WHEN class IS NULL THEN 'unknown' ELSE 'bounced' END,
             reply = CASE WHEN class IS NULL THEN $2 ELSE reply END
         FROM mailing WHERE mailing.id = delivery.mailing AND state IN ('claimed', 'sending') AND run = ANY($1)
         RETURNING issue, subscriber, address, state, attempts, reply, changed, class",
        &[&dead, &DIED, &now],
    )?;
    let mut unknown = rows.iter().map(deliveries::from_row).collect::<Result<Vec<Delivery>>>()?;
    // A bounce shows what became of the others.
    unknown.retain(|delivery| delivery.state == State::Unknown);
    unknown.sort_by(|one, other| (&one.issue, one.subscriber).cmp(&(&other.issue, other.subscriber)));
    Ok(unknown)
}

/// The error of a call that needs a run when none has begun.
pub(super) fn none() -> anyhow::Error {
    anyhow!("no run has begun")
}
