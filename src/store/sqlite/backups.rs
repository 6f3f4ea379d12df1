//! Whole files: a backup before a migration, a file that is finished as a backup, a copy to read from, and one database put
//! in the place of another. All of them are for their owner alone, for they hold addresses.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::Connection;

use super::path::{BESIDE, beside, folder_of, make_private};
use super::{Result, Sqlite, StoreResult, error, parse_time, properties, schema};
use crate::fault;
use crate::store::StoreError;
use crate::store::moving::BACKUP;

/// Keeps a copy of a database that holds anything before its schema is changed, as `slugline.db.before-v7`.
///
/// # Errors
/// When the copy cannot be made: the database then stays as it is.
pub(super) fn before_migration(connection: &Connection, path: &Path) -> StoreResult<()> {
    let known = schema::MIGRATIONS.len() as i64;
    let kept = || -> Result<()> {
        if !(1..known).contains(&version(connection)?) || properties::is_empty(connection)? {
            return Ok(());
        }
        let copy = tempfile::Builder::new().prefix(".slugline-").tempfile_in(folder_of(path))?.into_temp_path();
        connection.execute("VACUUM INTO ?1", [copy.to_str().context("its path is not UTF-8")?])?;
        // Another process may have migrated it meanwhile; then it has kept its copy.
        if version(&Connection::open(&copy)?)? == known {
            return Ok(());
        }
        sync(&copy)?;
        persist(copy, |number| numbered(path, &format!(".before-v{known}"), number)).map(drop)
    };
    let doing = "keep a copy of itself before its schema changes, and stays as it is";
    kept().map_err(|why| error::doing(doing, path, why))
}

fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Puts a file at the first of the names that is free, and never over another one.
fn persist(mut file: tempfile::TempPath, name: impl Fn(u32) -> PathBuf) -> Result<PathBuf> {
    for number in 1.. {
        let path = name(number);
        match file.persist_noclobber(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.path,
            Err(error) => return Err(error.error.into()),
        }
    }
    unreachable!("numbers do not end")
}

/// `slugline.db.before-v7`, then `slugline.db.before-v7-2`.
fn numbered(path: &Path, suffix: &str, number: u32) -> PathBuf {
    let number = if number > 1 { format!("-{number}") } else { String::new() };
    beside(path, &format!("{suffix}{number}"))
}

fn sync(path: &Path) -> io::Result<()> {
    // Some systems sync no file that was opened to be read.
    OpenOptions::new().write(true).open(path)?.sync_all()
}

/// The new name of a file is on the disk, where the system can promise that.
fn sync_folder_of(path: &Path) {
    let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
}

impl Sqlite {
    /// Says that it is a backup made now: nobody is mailed from it.
    pub(in crate::store) fn mark_as_backup(&self, now: DateTime<Utc>) -> StoreResult<()> {
        let made = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        self.durably("be marked as a backup", |transaction| properties::set(transaction, BACKUP, &made))
    }

    /// When the backup was made that this is, if it is one.
    pub(in crate::store) fn made_as_backup(&self) -> StoreResult<Option<DateTime<Utc>>> {
        self.reading("read when it was made", |connection| {
            properties::backup(connection)?.map(|made| parse_time(&made)).transpose()
        })
    }

    /// Brings all that it holds into the one file.
    pub(in crate::store) fn close(self) -> StoreResult<()> {
        let path = self.path.clone();
        self.reading("be closed", |connection| Ok(connection.pragma_update(None, "journal_mode", "DELETE")?))?;
        drop(self);
        sync(&path).map_err(|error| error::doing("be closed", &path, error.into()))
    }

    /// Whether all of it can be read, and its indexes are right.
    pub(in crate::store) fn is_sound(&self) -> bool {
        let check = "PRAGMA quick_check(1)";
        self.connection.query_row(check, [], |row| row.get::<_, String>(0)).is_ok_and(|word| word == "ok")
    }

    /// Takes over whom nobody may bring back, from a store with the same key.
    pub(in crate::store) fn forget_as(&self, other: &Self) -> StoreResult<()> {
        self.durably("take over whom nobody may bring back", |transaction| {
            let key = |connection: &Connection| properties::read(connection, "forget_key");
            if key(transaction)? != key(&other.connection)? {
                return Ok(());
            }
            let mut select = other.connection.prepare("SELECT hash FROM forgotten")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let insert = "INSERT INTO forgotten (hash) VALUES (?1) ON CONFLICT DO NOTHING";
                transaction.execute(insert, [row.get::<_, String>(0)?])?;
            }
            Ok(())
        })
    }
}

/// Copies a database, with what waits in its write-ahead log, to a file of its own and opens that: the database itself is
/// only read.
pub(in crate::store) fn copy_of(database: &Path, to: &Path) -> StoreResult<Sqlite> {
    let copied = || -> Result<()> {
        for suffix in ["", "-wal"] {
            let (from, to) = (beside(database, suffix), beside(to, suffix));
            if suffix.is_empty() || from.exists() {
                make_private(&to)?;
                let mut from = File::open(&from).with_context(|| format!("failed to read `{}`", from.display()))?;
                io::copy(&mut from, &mut OpenOptions::new().write(true).open(&to)?)?;
            }
        }
        Ok(())
    };
    copied().map_err(|source| StoreError::Open { place: database.display().to_string(), source })?;
    Sqlite::open(to)
}

/// Puts a database, which is closed, in the place of another, which is kept beside it with all that belongs to it. Returns
/// where, if there was one. The caller has the lock of that place.
pub(in crate::store) fn put_in_place(new: &Path, place: &Path, now: DateTime<Utc>) -> StoreResult<Option<PathBuf>> {
    let failed = |error: io::Error| error::doing("be put in its place", place, error.into());
    let suffix = format!(".before-restore-{}", now.format("%Y%m%dT%H%M%SZ"));
    let names = (1..).map(|number| numbered(place, &suffix, number));
    let is_free = |name: &PathBuf| !name.exists() && BESIDE.iter().all(|suffix| !beside(name, suffix).exists());
    let aside = names.into_iter().find(is_free).unwrap_or_else(|| beside(place, &suffix));
    // Whoever finds the database finds what belongs to it: a log of the one must never be taken for one of the other.
    for suffix in BESIDE.into_iter().chain([""]) {
        let from = beside(place, suffix);
        if from.exists() {
            fs::rename(&from, beside(&aside, suffix)).map_err(failed)?;
            fault::step("put the store aside", suffix);
        }
    }
    fs::rename(new, place).map_err(failed)?;
    sync_folder_of(place);
    Ok(aside.exists().then_some(aside))
}

/// Puts a database, which is closed, where nothing is.
pub(in crate::store) fn put_where_nothing_is(new: tempfile::TempPath, place: &Path) -> StoreResult<()> {
    let put = new.persist_noclobber(place);
    put.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => StoreError::Exists { place: place.display().to_string() },
        _ => error::doing("be put in its place", place, error.error.into()),
    })?;
    sync_folder_of(place);
    Ok(())
}
