//! Moving a file's contents to another store, or another's into it.

use std::fs;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params, params_from_iter};

use super::{Result, Sqlite, StoreResult, error, format_time, messages, parse_time, properties};
use crate::fault;
use crate::ledger::Run;
use crate::store::StoreError;
use crate::store::moving::{EachRow, Kind, Movable, MoveStart, Moved, RowCounts, RowSource, SEQUENCES, Table};

impl Movable for Sqlite {
    fn moved(&self) -> StoreResult<Option<Moved>> {
        self.reading("check whether it was moved", moved)
    }

    fn begin_move(&mut self, place: &str, run: &Run, now: DateTime<Utc>) -> StoreResult<MoveStart> {
        const DOING: &str = "begin to move";
        let here = self.place();
        // So that no message is sent meanwhile.
        let batch = match self.acquire_batch(DOING, run)? {
            Ok(batch) => batch,
            Err(other) => return Ok(MoveStart::Busy(other)),
        };
        let begun = self.begin(DOING, run, now, |_, transaction| {
            messages::settle(transaction, now)?;
            mark(transaction, here, place, run, now)
        })?;
        if begun.is_ok() {
            self.batch = Some(batch);
        }
        Ok(match begun {
            Ok((_, moved)) => MoveStart::Begun(moved),
            Err(other) => MoveStart::Busy(other),
        })
    }

    fn end_move(&mut self, now: DateTime<Utc>) -> StoreResult<()> {
        self.durably("record that it was moved", |transaction| {
            transaction.execute("UPDATE moved SET ended = ?1 WHERE ended IS NULL", [format_time(now)])?;
            Ok(())
        })
    }

    fn give_up_move(&mut self) -> StoreResult<()> {
        self.durably("cancel its move", |transaction| {
            transaction.execute("DELETE FROM moved", [])?;
            Ok(())
        })
    }

    /// Lasts until the store is dropped. Meanwhile the write-ahead log grows.
    fn begin_snapshot(&mut self) -> StoreResult<()> {
        self.reading("take a snapshot", |connection| {
            Ok(connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?)
        })
    }

    fn row_counts(&self) -> StoreResult<RowCounts> {
        self.reading("count its rows", row_counts)
    }

    fn for_each_row(&self, table: Table, each: &mut EachRow<'_>) -> anyhow::Result<()> {
        let all = for_each_row(&self.connection, table, each);
        all.map_err(|error| error::reading("read its rows", &self.path, error))
    }

    fn can_be_filled(&self) -> StoreResult<()> {
        self.reading("check whether it is empty", |connection| can_be_filled(connection, self.place()))
    }

    fn fill(&mut self, moved: &Moved, expected: &RowCounts, rows: &mut RowSource<'_>) -> StoreResult<()> {
        let copy = |transaction: &Transaction<'_>| {
            can_be_filled(transaction, self.place())?;
            transaction.execute_batch(
                "DELETE FROM rate; DELETE FROM quota; DELETE FROM property; DELETE FROM forgotten; DELETE FROM wording",
            )?;
            for table in Table::ALL {
                fault::step("copy into it", table.name());
                write(transaction, table, rows)?;
            }
            raise_sequences(transaction, expected)?;
            transaction.execute("INSERT INTO filled (move) VALUES (?1)", [&moved.id])?;
            ensure!(row_counts(transaction)? == *expected, "what was written is not what was read");
            Ok(())
        };
        self.with_large_cache(|| self.durably("copy into it", copy))
    }

    fn discard(self: Box<Self>) -> StoreResult<()> {
        if !self.made || self.can_be_filled().is_err() {
            return Ok(());
        }
        let path = self.path.clone();
        // SQLite deletes its files beside the database.
        drop(self);
        fs::remove_file(&path).map_err(|error| error::doing("be deleted again", &path, error.into()))
    }

    /// A write transaction, so that it waits for another process's `fill`.
    fn is_filled_by(&mut self, moved: &Moved) -> StoreResult<bool> {
        self.durably("check whether it was filled", |transaction| {
            Ok(transaction.prepare("SELECT 1 FROM filled WHERE move = ?1")?.exists([&moved.id])?)
        })
    }
}

impl Sqlite {
    /// Its name in messages.
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Runs `work`, which changes data that belongs to a move, in one transaction that survives a power cut.
    pub(super) fn changing<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> StoreResult<T> {
        self.durably(doing, |transaction| {
            self.refuse_if_moved(transaction)?;
            work(transaction)
        })
    }

    /// An error if the store was moved, is being moved, or is a backup.
    pub(super) fn refuse_if_moved(&self, transaction: &Transaction<'_>) -> Result<()> {
        if let Some(moved) = moved(transaction)? {
            return Err(moved.refusal(self.place()).into());
        }
        match properties::backup(transaction)? {
            Some(made) => Err(StoreError::Backup { place: self.place(), made }.into()),
            None => Ok(()),
        }
    }
}

fn moved(connection: &Connection) -> Result<Option<Moved>> {
    let mut select = connection.prepare_cached("SELECT id, place, begun, ended FROM moved")?;
    let row = select.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).optional()?;
    let Some((id, place, begun, ended)): Option<(String, String, String, Option<String>)> = row else {
        return Ok(None);
    };
    Ok(Some(Moved { id, place, begun: parse_time(&begun)?, ended: ended.map(|text| parse_time(&text)).transpose()? }))
}

fn mark(transaction: &Transaction<'_>, here: String, place: &str, run: &Run, now: DateTime<Utc>) -> Result<Moved> {
    match moved(transaction)? {
        Some(moved) if moved.place == place && moved.ended.is_none() => Ok(moved),
        Some(moved) => Err(moved.refusal(here).into()),
        None => {
            let moved = Moved::new(place, run, now);
            let insert = "INSERT INTO moved (id, place, begun) VALUES (?1, ?2, ?3)";
            transaction.execute(insert, params![moved.id, moved.place, format_time(moved.begun)])?;
            Ok(moved)
        }
    }
}

fn can_be_filled(connection: &Connection, place: String) -> Result<()> {
    let is_used = "SELECT EXISTS (SELECT 1 FROM subscriber) OR EXISTS (SELECT 1 FROM mailing)
                       OR EXISTS (SELECT 1 FROM forgotten) OR EXISTS (SELECT 1 FROM subscription_request)
                       OR EXISTS (SELECT 1 FROM blocked) OR EXISTS (SELECT 1 FROM message)
                       OR EXISTS (SELECT 1 FROM handled)";
    if connection.query_row(is_used, [], |row| row.get(0))? {
        return Err(StoreError::NotEmpty { place }.into());
    }
    match moved(connection)? {
        Some(moved) => Err(moved.refusal(place).into()),
        None => Ok(()),
    }
}

fn row_counts(connection: &Connection) -> Result<RowCounts> {
    let mut counts = RowCounts::default();
    for (table, rows) in Table::ALL.iter().zip(&mut counts.rows) {
        let count = format!("SELECT count(*) FROM {}", table.name());
        *rows = connection.query_row(&count, [], |row| row.get::<_, i64>(0))? as u64;
    }
    let states = "SELECT mailing, state, count(*) FROM delivery GROUP BY mailing, state ORDER BY mailing, state";
    let mut select = connection.prepare(states)?;
    let states = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)? as u64)))?;
    counts.states = states.collect::<rusqlite::Result<_>>()?;
    let last = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?1";
    for (table, number) in SEQUENCES.iter().zip(&mut counts.last_numbers) {
        *number = connection.query_row(last, [table.name()], |row| row.get(0))?;
    }
    Ok(counts)
}

fn for_each_row(connection: &Connection, table: Table, each: &mut EachRow<'_>) -> Result<()> {
    let (name, width) = (table.name(), table.columns().len());
    let column = |(name, kind): &(&str, Kind)| match kind {
        Kind::Number => format!("CAST({name} AS TEXT)"),
        Kind::Text | Kind::Time | Kind::FineTime => (*name).to_owned(),
    };
    let columns = table.columns().iter().map(column).collect::<Vec<_>>().join(", ");
    let mut select = connection.prepare(&format!("SELECT {columns} FROM {name} ORDER BY {}", table.key()))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let field = |at| Ok(row.get_ref(at)?.as_str_or_null()?);
        let fields = (0..width).map(field).collect::<Result<Vec<Option<&str>>>>();
        each(&fields.with_context(|| format!("a row of the table `{name}` cannot be read"))?)?;
    }
    Ok(())
}

fn write(transaction: &Transaction<'_>, table: Table, rows: &mut RowSource<'_>) -> Result<()> {
    let value = |(at, (_, kind)): (usize, &(&str, Kind))| match kind {
        Kind::Number => format!("CAST(?{at} AS INTEGER)"),
        Kind::Text | Kind::Time | Kind::FineTime => format!("?{at}"),
    };
    let values = (1..).zip(table.columns()).map(value).collect::<Vec<_>>().join(", ");
    let insert = format!("INSERT INTO {} ({}) VALUES ({values})", table.name(), table.names());
    let mut insert = transaction.prepare(&insert)?;
    rows(table, &mut |fields| {
        insert.execute(params_from_iter(fields))?;
        Ok(())
    })
}

/// The next row of each table gets a number above any that was ever given.
fn raise_sequences(transaction: &Transaction<'_>, expected: &RowCounts) -> Result<()> {
    let update = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
    let insert = "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)";
    for (table, last) in SEQUENCES.iter().zip(expected.last_numbers) {
        if transaction.execute(update, params![table.name(), last])? == 0 {
            transaction.execute(insert, params![table.name(), last])?;
        }
    }
    Ok(())
}
