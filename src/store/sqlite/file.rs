//! The file: created for its owner only, opened, and written in transactions of two durabilities.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::path::make_private;
use super::{Result, Sqlite, StoreResult, backups, error, schema};
use crate::fault;
use crate::store::StoreError;

/// How long to wait for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Page cache sizes: SQLite's default, and one for the index of a million subscribers.
const SMALL_CACHE_KIB: i64 = 2000;
const LARGE_CACHE_KIB: i64 = 40_000;

/// A write-ahead log that a large transaction has grown is cut to this size.
const MAX_WAL_BYTES: i64 = 16 << 20;

impl Sqlite {
    /// Opens the store in the file at `path`, creating it if it does not exist.
    ///
    /// # Errors
    /// If it cannot be opened, is not a store, or was made by a newer version of this program.
    pub fn open(path: &Path) -> StoreResult<Self> {
        let made = make_private(path);
        let made = made.map_err(|source| StoreError::Open { place: path.display().to_string(), source })?;
        let connection = Connection::open(path).map_err(|error| error::opening(path, error))?;
        let (durable, tried) = (Cell::new(true), BTreeSet::new());
        let mut store = Self { connection, path: path.to_owned(), durable, made, active_run: None, batch: None, tried };
        store.connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| error::opening(path, error))?;
        // Before any setting: another program's database must not be changed.
        schema::recognise(&store.connection, path)?;
        store.prepare().map_err(|error| error::opening(path, error))?;
        backups::before_migration(&store.connection, path)?;
        schema::migrate(&mut store.connection).map_err(|error| error::opening(path, error))?;
        Ok(store)
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        self.connection.set_prepared_statement_cache_capacity(32);
        // Parameter values never improve a plan here, and each would cause a new one.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        log_ahead(&self.connection)?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        self.connection.pragma_update(None, "journal_size_limit", MAX_WAL_BYTES)?;
        // Without it, a commit would not survive a power cut where fsync does not wait for the disk (macOS).
        self.connection.pragma_update(None, "fullfsync", true)?;
        self.connection.pragma_update(None, "foreign_keys", true)
    }

    /// Runs `work`, which accesses an index in random order: if too little of it is in memory, every row reads one page
    /// and writes another.
    pub(super) fn with_large_cache<T>(&self, work: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        let failed = |error: rusqlite::Error| error::doing("set its cache", &self.path, error.into());
        let set = |kibibytes: i64| self.connection.pragma_update(None, "cache_size", -kibibytes).map_err(failed);
        set(LARGE_CACHE_KIB)?;
        let done = work();
        set(SMALL_CACHE_KIB)?;
        self.connection.release_memory().map_err(failed)?;
        done
    }

    /// Runs `work` in a transaction that survives a power cut.
    pub(super) fn durably<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> StoreResult<T> {
        self.transaction(true, doing, work)
    }

    /// Runs `work` in a transaction that survives the death of the process.
    pub(super) fn quickly<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> StoreResult<T> {
        self.transaction(false, doing, work)
    }

    fn transaction<T>(
        &self,
        durable: bool,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> StoreResult<T> {
        let failed = |error| error::doing(doing, &self.path, error);
        if self.durable.get() != durable {
            let level = if durable { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level).map_err(|error| failed(error.into()))?;
            self.durable.set(durable);
        }
        // Transactions never nest: no method begins one inside another.
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
        let transaction = transaction.map_err(|error| failed(error.into()))?;
        let done = work(&transaction).map_err(failed)?;
        fault::step(doing, "not committed");
        transaction.commit().map_err(|error| failed(error.into()))?;
        fault::step(doing, "committed");
        Ok(done)
    }

    /// Runs `work`, which only reads.
    pub(super) fn reading<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> StoreResult<T> {
        work(&self.connection).map_err(|error| error::doing(doing, &self.path, error))
    }
}

/// Switches to a write-ahead log. SQLite does not wait for locks here, because it reads before it writes and could
/// deadlock; without this loop, one of two processes that open a new file would be told it is locked.
fn log_ahead(connection: &Connection) -> rusqlite::Result<()> {
    const PAUSE: Duration = Duration::from_millis(50);
    for _ in 0..BUSY_TIMEOUT.as_millis() / PAUSE.as_millis() {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    connection.pragma_update(None, "journal_mode", "WAL")
}
