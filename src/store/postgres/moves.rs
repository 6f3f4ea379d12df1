//! Moving a database's contents to another store, or another's into it.

use std::io::{BufRead, Write};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use postgres::{Client, GenericClient, Transaction};

use super::claims::storable;
use super::import::escape;
use super::runs::{self, RunHandle};
use super::{Postgres, Result, StoreResult, batch, error, messages};
use crate::fault;
use crate::ledger::Run;
use crate::store::StoreError;
use crate::store::moving::{EachRow, Kind, Movable, MoveStart, Moved, RowCounts, RowSource, SEQUENCES, Table};

impl Movable for Postgres {
    fn moved(&self) -> StoreResult<Option<Moved>> {
        self.connection.retried("check whether it was moved", |session, _| moved(&mut session.client))
    }

    fn begin_move(&mut self, to: &str, run: &Run, now: DateTime<Utc>) -> StoreResult<MoveStart> {
        let place = self.connection.place().to_owned();
        self.connection.once("begin to move", |session| {
            if !batch::acquire(session)? {
                return Ok(MoveStart::Busy(None));
            }
            let begun = begin(&mut session.client, &place, to, run, now);
            if !matches!(begun, Ok((MoveStart::Begun(_), _))) {
                batch::release(session)?;
            }
            let (leaving, run_handle) = begun?;
            session.run_handle = session.run_handle.take().or(run_handle);
            Ok(leaving)
        })
    }

    fn end_move(&mut self, now: DateTime<Utc>) -> StoreResult<()> {
        self.connection.retried("record that it was moved", |session, _| {
            session.client.execute("UPDATE moved SET ended = $1 WHERE ended IS NULL", &[&now])?;
            Ok(())
        })
    }

    fn give_up_move(&mut self) -> StoreResult<()> {
        self.connection.retried("cancel its move", |session, _| {
            let mut transaction = session.client.transaction()?;
            transaction.execute("DELETE FROM moved", &[])?;
            transaction.execute("UPDATE slugline_schema SET needs = 1 WHERE version = 2", &[])?;
            Ok(transaction.commit()?)
        })
    }

    /// Uses a separate connection, until the store is dropped.
    fn begin_snapshot(&mut self) -> StoreResult<()> {
        let begun = self.connection.new_client().and_then(|mut client| {
            client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT FROM slugline_schema")?;
            Ok(client)
        });
        let client = begun.map_err(|error| error::doing("take a snapshot", self.connection.place(), error))?;
        self.connection.snapshot.replace(Some(client));
        Ok(())
    }

    fn row_counts(&self) -> StoreResult<RowCounts> {
        if let Some(snapshot) = &mut *self.connection.snapshot.borrow_mut() {
            return row_counts(snapshot)
                .map_err(|error| error::doing("count its rows", self.connection.place(), error));
        }
        self.connection.retried("count its rows", |session, _| row_counts(&mut session.client))
    }

    /// Uses a separate connection.
    fn for_each_row(&self, table: Table, each: &mut EachRow<'_>) -> anyhow::Result<()> {
        let all = match &mut *self.connection.snapshot.borrow_mut() {
            Some(snapshot) => for_each_row(snapshot, table, each),
            None => self.connection.new_client().and_then(|mut client| for_each_row(&mut client, table, each)),
        };
        all.map_err(|error| error::reading("read its rows", self.connection.place(), error))
    }

    fn can_be_filled(&self) -> StoreResult<()> {
        let place = self.connection.place().to_owned();
        self.connection.retried("check whether it is empty", |session, _| can_be_filled(&mut session.client, &place))
    }

    fn fill(&mut self, moved: &Moved, expected: &RowCounts, rows: &mut RowSource<'_>) -> StoreResult<()> {
        const DOING: &str = "copy into it";
        let place = self.connection.place().to_owned();
        self.connection.once(DOING, |session| {
            let mut transaction = session.client.transaction()?;
            transaction.batch_execute(LOCK_TABLES)?;
            can_be_filled(&mut transaction, &place)?;
            transaction.batch_execute(
                "DELETE FROM rate; DELETE FROM quota; DELETE FROM property; DELETE FROM forgotten; DELETE FROM wording",
            )?;
            for table in Table::ALL {
                fault::step(DOING, table.name());
                write(&mut transaction, table, rows)?;
            }
            transaction
                .batch_execute("ANALYZE subscriber, mailing, digest, digest_issue, delivery, consent, message")?;
            raise_sequences(&mut transaction, expected)?;
            transaction.execute("INSERT INTO filled (move) VALUES ($1)", &[&moved.id])?;
            ensure!(row_counts(&mut transaction)? == *expected, "what was written is not what was read");
            fault::step(DOING, "not committed");
            Ok(transaction.commit()?)
        })
    }

    fn discard(self: Box<Self>) -> StoreResult<()> {
        Ok(())
    }

    fn is_filled_by(&mut self, moved: &Moved) -> StoreResult<bool> {
        self.connection.retried("check whether it was filled", |session, _| {
            let mut transaction = session.client.transaction()?;
            // A `fill` whose program is gone may still be about to commit.
            transaction.batch_execute("LOCK TABLE filled IN SHARE MODE")?;
            let filled = "SELECT EXISTS (SELECT FROM filled WHERE move = $1)";
            Ok(transaction.query_one(filled, &[&moved.id])?.try_get(0)?)
        })
    }
}

impl Postgres {
    /// Runs `work`, which changes data that belongs to a move, in one transaction.
    pub(super) fn changing<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T>,
    ) -> StoreResult<T> {
        self.connection.once(doing, |session| {
            let mut transaction = session.client.transaction()?;
            refuse_if_moved(&mut transaction, self.connection.place())?;
            let done = work(&mut transaction)?;
            transaction.commit()?;
            Ok(done)
        })
    }

    /// Runs `work` as `changing` does, and again if the connection breaks: doing it twice must be harmless.
    pub(super) fn repeatable<T>(
        &self,
        doing: &'static str,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<T>,
    ) -> StoreResult<T> {
        self.connection.retried(doing, |session, _| {
            let mut transaction = session.client.transaction()?;
            refuse_if_moved(&mut transaction, self.connection.place())?;
            let done = work(&mut transaction)?;
            transaction.commit()?;
            Ok(done)
        })
    }
}

/// Prevents other processes from filling the store or adding to it until the transaction ends.
const LOCK_TABLES: &str = "LOCK TABLE filled, subscriber, mailing, delivery, subscription_request, blocked, message, handled IN EXCLUSIVE MODE";

/// An error if the store was moved, or is being moved. Inside a transaction it cannot be marked before that ends,
/// because marking waits for its lock.
pub(super) fn refuse_if_moved(client: &mut impl GenericClient, place: &str) -> Result<()> {
    match moved(client)? {
        Some(moved) => Err(moved.refusal(place.to_owned()).into()),
        None => Ok(()),
    }
}

fn moved(client: &mut impl GenericClient) -> Result<Option<Moved>> {
    let Some(row) = client.query_opt("SELECT id, place, begun, ended FROM moved", &[])? else { return Ok(None) };
    Ok(Some(Moved { id: row.try_get(0)?, place: row.try_get(1)?, begun: row.try_get(2)?, ended: row.try_get(3)? }))
}

/// Takes the run lock and marks the store, unless another run is alive: one whose session holds the lock on its number,
/// however old its lease. A live run without a session finds the mark when it reconnects. This session has the right to
/// send messages.
fn begin(
    client: &mut Client,
    place: &str,
    to: &str,
    run: &Run,
    now: DateTime<Utc>,
) -> Result<(MoveStart, Option<RunHandle>)> {
    let number = runs::number(client)?;
    let server = runs::server(client)?;
    let mut transaction = client.transaction()?;
    transaction.batch_execute("LOCK TABLE moved IN ACCESS EXCLUSIVE MODE")?;
    if let Some(other) = alive(&mut transaction, number)? {
        return Ok((MoveStart::Busy(Some(other)), None));
    }
    let marked = match moved(&mut transaction)? {
        Some(moved) if moved.place == to && moved.ended.is_none() => moved,
        Some(moved) => return Err(moved.refusal(place.to_owned()).into()),
        None => mark(&mut transaction, to, run, now)?,
    };
    runs::enter(&mut transaction, number, run, &server, now)?;
    messages::settle(&mut transaction, now)?;
    transaction.commit()?;
    Ok((MoveStart::Begun(marked), Some(RunHandle { number, call: 0 })))
}

/// Another live run.
fn alive(transaction: &mut Transaction<'_>, mine: i64) -> Result<Option<Run>> {
    let row = transaction.query_opt(
        "WITH other AS MATERIALIZED (SELECT * FROM run WHERE id <> $1 AND ended IS NULL)
         SELECT host, boot_id, pid FROM other
         WHERE NOT pg_try_advisory_xact_lock('run'::regclass::oid::int, id::int) LIMIT 1",
        &[&mine],
    )?;
    let Some(row) = row else { return Ok(None) };
    let pid = u32::try_from(row.try_get::<_, i64>(2)?)?;
    Ok(Some(Run { host: row.try_get(0)?, boot_id: row.try_get(1)?, pid }))
}

/// Also keeps out versions that do not know the mark.
fn mark(transaction: &mut Transaction<'_>, to: &str, run: &Run, now: DateTime<Utc>) -> Result<Moved> {
    let moved = Moved::new(to, run, now);
    let insert = "INSERT INTO moved (id, place, begun) VALUES ($1, $2, $3)";
    transaction.execute(insert, &[&moved.id, &moved.place, &moved.begun])?;
    transaction.execute("UPDATE slugline_schema SET needs = 2 WHERE version = 2", &[])?;
    Ok(moved)
}

fn can_be_filled(client: &mut impl GenericClient, place: &str) -> Result<()> {
    let is_used = "SELECT EXISTS (SELECT FROM subscriber) OR EXISTS (SELECT FROM mailing)
                       OR EXISTS (SELECT FROM forgotten) OR EXISTS (SELECT FROM subscription_request)
                       OR EXISTS (SELECT FROM blocked) OR EXISTS (SELECT FROM message)
                       OR EXISTS (SELECT FROM handled)";
    if client.query_one(is_used, &[])?.try_get(0)? {
        return Err(StoreError::NotEmpty { place: place.to_owned() }.into());
    }
    refuse_if_moved(client, place)
}

fn row_counts(client: &mut impl GenericClient) -> Result<RowCounts> {
    let mut counts = RowCounts::default();
    for (table, rows) in Table::ALL.iter().zip(&mut counts.rows) {
        let count = format!("SELECT count(*) FROM {}", table.name());
        *rows = u64::try_from(client.query_one(&count, &[])?.try_get::<_, i64>(0)?)?;
    }
    let states = "SELECT mailing, state, count(*) FROM delivery
                  GROUP BY mailing, state ORDER BY mailing, state COLLATE \"C\"";
    for row in client.query(states, &[])? {
        let count = u64::try_from(row.try_get::<_, i64>(2)?)?;
        counts.states.push((row.try_get(0)?, row.try_get(1)?, count));
    }
    let last = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass), 0)";
    for (table, number) in SEQUENCES.iter().zip(&mut counts.last_numbers) {
        *number = client.query_one(last, &[&table.name()])?.try_get(0)?;
    }
    Ok(counts)
}

fn for_each_row(client: &mut Client, table: Table, each: &mut EachRow<'_>) -> Result<()> {
    let column = |(name, kind): &(&str, Kind)| match kind {
        Kind::Text | Kind::Number => format!("{name}::text"),
        Kind::Time => format!("to_char({name}, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"),
        Kind::FineTime => format!("to_char({name}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"),
    };
    let columns = table.columns().iter().map(column).collect::<Vec<_>>().join(", ");
    // Without the name of the table, `id` would be the text in the result: 10 before 2.
    let key = table.key().split(", ").map(|column| format!("{}.{column}", table.name())).collect::<Vec<_>>().join(", ");
    let copy = format!("COPY (SELECT {columns} FROM {} ORDER BY {key}) TO STDOUT", table.name());
    let mut rows = client.copy_out(&copy)?;
    let mut line = String::new();
    let mut fields: Vec<Option<String>> = Vec::new();
    loop {
        line.clear();
        if rows.read_line(&mut line).context("failed to read a row from the server")? == 0 {
            return Ok(());
        }
        let row = line.strip_suffix('\n').unwrap_or(&line);
        fields.clear();
        fields.extend(row.split('\t').map(unescaped));
        each(&fields.iter().map(Option::as_deref).collect::<Vec<_>>())?;
    }
}

fn write(transaction: &mut Transaction<'_>, table: Table, rows: &mut RowSource<'_>) -> Result<()> {
    let copy = format!("COPY {} ({}) FROM STDIN", table.name(), table.names());
    let mut writer = transaction.copy_in(&copy)?;
    let mut line = String::new();
    rows(table, &mut |fields| {
        line.clear();
        for field in fields {
            match field {
                Some(text) if text.contains('\0') => escape(&storable(text), &mut line),
                Some(text) => escape(text, &mut line),
                None => line.push_str("\\N"),
            }
            line.push('\t');
        }
        line.pop();
        line.push('\n');
        writer.write_all(line.as_bytes()).context("failed to send a row to the server")
    })?;
    writer.finish()?;
    Ok(())
}

/// Decodes a field of PostgreSQL's text format; `None` is NULL.
fn unescaped(field: &str) -> Option<String> {
    if field == "\\N" {
        return None;
    }
    let mut text = String::with_capacity(field.len());
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '\\' => letters.next(),
            letter => {
                text.push(letter);
                continue;
            }
        };
        text.extend(letter.map(|letter| match letter {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            letter => letter,
        }));
    }
    Some(text)
}

/// The next row of each table gets a number above any that was ever given, and the next mailing one above all.
fn raise_sequences(transaction: &mut Transaction<'_>, expected: &RowCounts) -> Result<()> {
    let set = "SELECT setval(pg_get_serial_sequence($1, 'id'), greatest($2::bigint, 1), $2::bigint > 0)";
    let mailings = "SELECT coalesce(max(id), 0) FROM mailing";
    let last_mailing: i64 = transaction.query_one(mailings, &[])?.try_get(0)?;
    let given = SEQUENCES.into_iter().zip(expected.last_numbers);
    for (table, last) in given.chain([(Table::Mailing, last_mailing)]) {
        transaction.execute(set, &[&table.name(), &last])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn escaped_fields_are_read_back(text in "[a\\\\Nnt\t\r\n\u{b}\u{8}読]{0,12}") {
            let mut line = String::new();
            escape(&text, &mut line);
            prop_assert!(!line.contains(['\t', '\n']));
            prop_assert_eq!(unescaped(&line), Some(text));
        }
    }
}
