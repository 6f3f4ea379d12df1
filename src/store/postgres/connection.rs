//! The connection: made, made again after it broke, and what it has prepared.
//!
//! A call whose connection broke is made again only where the caller says that this is safe (`retried`); the run's
//! calls are, for each has a number that is committed with what it did (`runs`). Tries are bounded.

use std::cell::RefCell;
use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use postgres::types::ToSql;
use postgres::{Client, Row, Statement};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::runs::{self, RunHandle};
use super::{Result, StoreResult, error, schema, tls};
use crate::fault;
use crate::store::StoreError;
use crate::store::location::without_parameters;

/// How often a call is made again, with pauses that double: half a minute in all, as a server takes to start again.
const MAX_RETRIES: u32 = 8;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// What every session begins with. Roles and databases may have settings of their own, which must not make commits less
/// durable, or take another view of what is committed.
const SETTINGS: &str = "
SET default_transaction_isolation = 'read committed';
SET lock_timeout = '60s';
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET client_min_messages = 'warning';
SET tcp_keepalives_idle = 60;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 6;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
";

/// A way to the database.
pub(super) struct Connection {
    address: Address,
    tls: MakeRustlsConnect,
    session: RefCell<Session>,
    /// A connection on which the store stands still, to be copied.
    pub snapshot: RefCell<Option<Client>>,
}

/// One connection.
pub(super) struct Session {
    pub client: Client,
    statements: HashMap<&'static str, Statement>,
    /// The server's process for it, and since when, by which another session can end it.
    pub process: (i32, String),
    /// The run that has begun on it.
    pub run_handle: Option<RunHandle>,
}

impl Connection {
    /// Connects.
    pub fn open(mut address: Address, password: Option<&SecretString>, roots: Option<&[u8]>) -> StoreResult<Self> {
        if let Some(password) = password {
            address.config.password(password.expose_secret());
        }
        let tls = tls::connector(address.verify, roots);
        let tls = tls.map_err(|error| error::connecting(&address.place, error))?;
        let session = Session::new(&address, &tls).map_err(|error| error::connecting(&address.place, error))?;
        Ok(Self { address, tls, session: RefCell::new(session), snapshot: RefCell::default() })
    }

    /// Makes the tables, or brings them up to date.
    pub fn prepare(&self) -> StoreResult<()> {
        schema::migrate(&mut self.session.borrow_mut().client, self.place())
    }

    /// Looks behind the calls, for tests.
    #[cfg(test)]
    pub fn session<T>(&self, look: impl FnOnce(&mut Session) -> T) -> T {
        look(&mut self.session.borrow_mut())
    }

    /// What messages call the database.
    pub fn place(&self) -> &str {
        &self.address.place
    }

    /// A connection of its own, to read from while the other is used.
    pub fn new_client(&self) -> Result<Client> {
        Ok(Session::new(&self.address, &self.tls)?.client)
    }

    /// Makes a call that may be made again after its connection broke; it is told when it is.
    pub fn retried<T>(
        &self,
        doing: &'static str,
        mut call: impl FnMut(&mut Session, bool) -> Result<T>,
    ) -> StoreResult<T> {
        let mut session = self.session.borrow_mut();
        let mut tries = 0;
        loop {
            fault::step(doing, "not asked");
            let done = self.ready(&mut session).and_then(|()| call(&mut session, tries > 0));
            fault::step(doing, "answered");
            match done {
                Err(why) if tries < MAX_RETRIES && (error::is_lost(&why) || error::is_retryable(&why)) => {
                    thread::sleep(FIRST_BACKOFF * 2_u32.pow(tries));
                    tries += 1;
                }
                done => return done.map_err(|why| error::doing(doing, self.place(), why)),
            }
        }
    }

    /// Makes a call that nobody may make again without knowing what became of it.
    pub fn once<T>(&self, doing: &'static str, call: impl FnOnce(&mut Session) -> Result<T>) -> StoreResult<T> {
        // What finds the connection closed has done nothing yet.
        self.retried(doing, |session, _| Ok(session.client.batch_execute("")?))?;
        let done = call(&mut self.session.borrow_mut());
        fault::step(doing, "answered");
        done.map_err(|why| error::doing(doing, self.place(), why))
    }

    /// Connects again if the connection is gone, and takes up the run.
    fn ready(&self, session: &mut Session) -> Result<()> {
        if !session.client.is_closed() {
            return Ok(());
        }
        let mut new = Session::new(&self.address, &self.tls)?;
        if let Some(run_handle) = &session.run_handle {
            new.run_handle = Some(runs::resume(&mut new.client, self.place(), run_handle, &session.process)?);
        }
        *session = new;
        Ok(())
    }
}

impl Session {
    fn new(address: &Address, tls: &MakeRustlsConnect) -> Result<Self> {
        let mut client = address.config.connect(tls.clone())?;
        client.batch_execute(SETTINGS)?;
        let sql = "SELECT pg_backend_pid(), backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let row = client.query_one(sql, &[])?;
        Ok(Self { client, statements: HashMap::new(), process: (row.try_get(0)?, row.try_get(1)?), run_handle: None })
    }

    /// Runs a statement that is prepared once for each connection.
    pub fn query(&mut self, sql: &'static str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.client.prepare(sql)?;
                self.statements.insert(sql, statement.clone());
                statement
            }
        };
        Ok(self.client.query(&statement, parameters)?)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.place()).finish()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let session = self.session.get_mut();
        if let Some(run_handle) = &session.run_handle {
            // Whoever finds it gone without this word notices by its lock.
            let _ = runs::end(&mut session.client, run_handle);
        }
    }
}

/// What is wrong with an address, as the error of a store.
pub(super) fn unreadable(url: &str, error: anyhow::Error) -> StoreError {
    let place = without_parameters(url).to_owned();
    StoreError::Connect { place, help: "write `postgres://USER@HOST/DATABASE?sslmode=verify-full`", source: error }
}
