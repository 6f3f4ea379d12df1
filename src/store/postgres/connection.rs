//! The connection: opened, reopened after it broke, with its prepared statements.
//!
//! A call whose connection broke is retried only if the caller declares that safe (`retried`). The run's calls are,
//! because each has a number that is committed with its result (`runs`). Retries are bounded.

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
use super::{Result, StoreResult, batch, error, schema, tls};
use crate::fault;
use crate::store::StoreError;
use crate::store::location::without_parameters;

/// How often a call is retried, with doubling pauses: half a minute in all, as long as a server takes to restart.
const MAX_RETRIES: u32 = 8;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// The first commands of every session. Roles and databases may have settings that make commits less durable or change
/// what is visible.
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

/// The connection of a store, which reconnects.
pub(super) struct Connection {
    address: Address,
    tls: MakeRustlsConnect,
    session: RefCell<Session>,
    /// A connection with a snapshot, to copy from.
    pub snapshot: RefCell<Option<Client>>,
}

/// One session with the server.
pub(super) struct Session {
    pub client: Client,
    statements: HashMap<&'static str, Statement>,
    /// The server process and its start time, by which another session can terminate it.
    pub process: (i32, String),
    /// The run that has begun on it.
    pub run_handle: Option<RunHandle>,
    /// Whether it has the right to send transactional messages.
    pub has_batch: bool,
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

    /// Creates or migrates the tables.
    pub fn prepare(&self) -> StoreResult<()> {
        schema::migrate(&mut self.session.borrow_mut().client, self.place())
    }

    /// Gives tests direct access.
    #[cfg(test)]
    pub fn session<T>(&self, look: impl FnOnce(&mut Session) -> T) -> T {
        look(&mut self.session.borrow_mut())
    }

    /// The database's name in messages.
    pub fn place(&self) -> &str {
        &self.address.place
    }

    /// Opens another connection, to read from while the first is in use.
    pub fn new_client(&self) -> Result<Client> {
        Ok(Session::new(&self.address, &self.tls)?.client)
    }

    /// Makes a call and retries it if the connection breaks; tells the call whether it is a retry.
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

    /// Makes a call that must not be retried, because its result would be unknown.
    pub fn once<T>(&self, doing: &'static str, call: impl FnOnce(&mut Session) -> Result<T>) -> StoreResult<T> {
        // Probes the connection first: finding it closed changes nothing.
        self.retried(doing, |session, _| Ok(session.client.batch_execute("")?))?;
        let done = call(&mut self.session.borrow_mut());
        fault::step(doing, "answered");
        done.map_err(|why| error::doing(doing, self.place(), why))
    }

    /// Reconnects if the connection is gone, and resumes the run.
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
        let process = (row.try_get(0)?, row.try_get(1)?);
        Ok(Self { client, statements: HashMap::new(), process, run_handle: None, has_batch: false })
    }

    /// Runs a statement, preparing it once per connection.
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
            // If this is lost, the released lock shows that the run is over.
            let _ = runs::end(&mut session.client, run_handle);
        }
        // Otherwise the server would release it a moment later.
        let _ = batch::release(session);
    }
}

/// The store error for an invalid address.
pub(super) fn unreadable(url: &str, error: anyhow::Error) -> StoreError {
    let place = without_parameters(url).to_owned();
    StoreError::Connect { place, help: "use `postgres://USER@HOST/DATABASE?sslmode=verify-full`", source: error }
}
