//! Whole files: the backup before a migration, finishing a file as a backup, a copy to read from, and replacing a
//! database. All are readable by their owner only, because they contain addresses.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, params_from_iter};

use super::path::{BESIDE, beside, folder_of, make_private};
use super::{Result, Sqlite, StoreResult, error, parse_time, properties, schema};
use crate::fault;
use crate::store::StoreError;
use crate::store::moving::BACKUP;
use crate::store::personal_data::FORGET_KEY;

/// Keeps a copy of a used database before its schema is changed, as `slugline.db.before-v7`.
///
/// # Errors
/// If the copy cannot be made: the database then stays unchanged.
pub(super) fn before_migration(connection: &Connection, path: &Path) -> StoreResult<()> {
    let known = schema::MIGRATIONS.len() as i64;
    let kept = || -> Result<()> {
        if !(1..known).contains(&version(connection)?) || properties::is_empty(connection)? {
            return Ok(());
        }
        let copy = tempfile::Builder::new().prefix(".slugline-").tempfile_in(folder_of(path))?.into_temp_path();
        connection.execute("VACUUM INTO ?1", [copy.to_str().context("its path is not UTF-8")?])?;
        // If another process has migrated it meanwhile, that one has kept a copy.
        if version(&Connection::open(&copy)?)? == known {
            return Ok(());
        }
        sync(&copy)?;
        persist(copy, |number| numbered(path, &format!(".before-v{known}"), number)).map(drop)
    };
    let doing = "keep a copy of itself before its schema changes, and stays unchanged";
    kept().map_err(|why| error::doing(doing, path, why))
}

fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Moves a file to the first free name; never overwrites.
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
    // Some systems do not sync files opened for reading.
    OpenOptions::new().write(true).open(path)?.sync_all()
}

/// Makes a file's new name durable, if the system can.
fn sync_folder_of(path: &Path) {
    let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
}

impl Sqlite {
    /// Marks it as a backup made now, from which nothing is sent.
    pub(in crate::store) fn mark_as_backup(&self, now: DateTime<Utc>) -> StoreResult<()> {
        let made = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        self.durably("be marked as a backup", |transaction| properties::set(transaction, BACKUP, &made))
    }

    /// When this backup was made, if it is one.
    pub(in crate::store) fn made_as_backup(&self) -> StoreResult<Option<DateTime<Utc>>> {
        self.reading("read when it was made", |connection| {
            properties::backup(connection)?.map(|made| parse_time(&made)).transpose()
        })
    }

    /// Merges everything into the one file.
    pub(in crate::store) fn close(self) -> StoreResult<()> {
        let path = self.path.clone();
        self.reading("be closed", |connection| Ok(connection.pragma_update(None, "journal_mode", "DELETE")?))?;
        drop(self);
        sync(&path).map_err(|error| error::doing("be closed", &path, error.into()))
    }

    /// An error if another connection has the file open: what it writes later would go into a file that was replaced, and SQLite
    /// would delete the log of the new one when it is closed. Whether anyone has it open shows when SQLite is to give up the
    /// write-ahead log, which it does for a sole user only.
    pub(in crate::store) fn refuse_if_open_elsewhere(&self) -> StoreResult<()> {
        let alone = self.connection.busy_timeout(Duration::ZERO);
        match alone.and_then(|()| self.connection.pragma_update(None, "journal_mode", "DELETE")) {
            Err(why) if why.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Err(StoreError::Locked),
            _ => Ok(()),
        }
    }

    /// Whether all of it can be read and its indexes are correct.
    pub(in crate::store) fn is_sound(&self) -> bool {
        let check = "PRAGMA quick_check(1)";
        self.connection.query_row(check, [], |row| row.get::<_, String>(0)).is_ok_and(|word| word == "ok")
    }

    /// Takes over what another store knows of readers who came and went by themselves: consents and unsubscriptions of its
    /// subscribers, requests, and blocked addresses.
    pub(in crate::store) fn take_over_readers(&self, other: &Self) -> StoreResult<()> {
        self.durably("take over consents and unsubscriptions", |transaction| {
            for [select, insert] in READERS {
                copy_rows(&other.connection, select, transaction, insert)?;
            }
            match has_same_key(transaction, &other.connection)? {
                true => copy_rows(&other.connection, BLOCKED[0], transaction, BLOCKED[1]),
                false => Ok(()),
            }
        })
    }

    /// Takes over the forgotten addresses of a store with the same key.
    pub(in crate::store) fn forget_as(&self, other: &Self) -> StoreResult<()> {
        self.durably("take over forgotten addresses", |transaction| {
            if !has_same_key(transaction, &other.connection)? {
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

/// What selects rows of one store, and inserts them into another, in which subscribers may have other numbers. Who left is
/// only of interest if they have not come back.
const READERS: [[&str; 2]; 4] = [
    ["SELECT hash, text FROM wording", "INSERT OR IGNORE INTO wording VALUES (?1, ?2)"],
    [
        "SELECT key, requested, confirmed, language, page, wording, ip FROM consent
         JOIN subscriber ON subscriber.id = consent.subscriber",
        "INSERT OR IGNORE INTO consent SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM subscriber WHERE key = ?1",
    ],
    [
        "SELECT key, channel, at FROM unsubscription JOIN subscriber ON subscriber.id = unsubscription.subscriber",
        "INSERT OR REPLACE INTO unsubscription
         SELECT id, ?2, ?3 FROM subscriber WHERE key = ?1 AND status <> 'active'",
    ],
    [
        "SELECT key, address, name, language, page, return_to, wording, ip, requested, tag FROM subscription_request",
        "INSERT OR REPLACE INTO subscription_request VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    ],
];

const BLOCKED: [&str; 2] = ["SELECT hash, at FROM blocked", "INSERT OR IGNORE INTO blocked VALUES (?1, ?2)"];

fn copy_rows(from: &Connection, select: &str, to: &Connection, insert: &str) -> Result<()> {
    let (mut select, mut insert) = (from.prepare(select)?, to.prepare(insert)?);
    let width = select.column_count();
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..width).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Value>>>()?;
        insert.execute(params_from_iter(values))?;
    }
    Ok(())
}

/// Whether the hashes of addresses are comparable.
fn has_same_key(one: &Connection, other: &Connection) -> Result<bool> {
    Ok(properties::read(one, FORGET_KEY)? == properties::read(other, FORGET_KEY)?)
}

/// Copies a database, with its write-ahead log, to another file and opens that: the database itself is only read.
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

/// Replaces a database by another, closed one, and keeps the replaced one with all its files beside it. Returns where,
/// if there was one. The caller holds the run lock.
pub(in crate::store) fn put_in_place(new: &Path, place: &Path, now: DateTime<Utc>) -> StoreResult<Option<PathBuf>> {
    let failed = |error: io::Error| error::doing("be put in its place", place, error.into());
    let suffix = format!(".before-restore-{}", now.format("%Y%m%dT%H%M%SZ"));
    let names = (1..).map(|number| numbered(place, &suffix, number));
    let is_free = |name: &PathBuf| !name.exists() && BESIDE.iter().all(|suffix| !beside(name, suffix).exists());
    let aside = names.into_iter().find(is_free).unwrap_or_else(|| beside(place, &suffix));
    // The database moves last: its log must never be found beside another database.
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

/// Moves a closed database to a path where nothing exists.
pub(in crate::store) fn put_where_nothing_is(new: tempfile::TempPath, place: &Path) -> StoreResult<()> {
    let put = new.persist_noclobber(place);
    put.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => StoreError::Exists { place: place.display().to_string() },
        _ => error::doing("be put in its place", place, error.error.into()),
    })?;
    sync_folder_of(place);
    Ok(())
}
