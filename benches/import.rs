//! How fast a list of subscribers gets in, once and again, is frozen for an issue, and gets out again; and with how much
//! memory. In a SQLite file, and in PostgreSQL where SLUGLINE_TEST_POSTGRES names a server (`tests/postgres start DIR`).
//!
//! `cargo bench --bench import -- [ROWS]`, 1,000,000 if not said. Everything is on the disk that holds the temporary
//! folder; the list is made while it is read. Processor time is that of this process, without PostgreSQL's server.

use std::error::Error;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Instant;
use std::{env, fs, process};

use chrono::{DateTime, Utc};

use slugline::parts::{
    AttemptOutcome, IssueId, LedgerEntry, Options, Postgres, Run, Sqlite, Store, dry_run, export, import,
};

#[path = "send/usage.rs"]
mod usage;

const NOW: DateTime<Utc> = DateTime::<Utc>::UNIX_EPOCH;

/// What a server has to do for each message is measured by `benches/send`; here it is about the ledger alone.
const SETTLED: u64 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an argument of its own.
    let rows = env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir()?;
    measure("sqlite", &mut Sqlite::open(&folder.path().join("bench.db"))?, rows)?;
    let Ok(server) = env::var("SLUGLINE_TEST_POSTGRES") else { return Ok(()) };
    let password = match env::var("SLUGLINE_TEST_POSTGRES_DIR") {
        Ok(folder) => Some(fs::read_to_string(format!("{folder}/password"))?.into()),
        Err(_) => None,
    };
    let open = |schema: &str| {
        let url = format!("{server}?options=-csearch_path%3D{schema}");
        Postgres::open(&url, password.as_ref(), |file| Ok(fs::read(file)?))
    };
    let schema = format!("bench_{}", process::id());
    psql(&server, &format!("CREATE SCHEMA {schema}"))?;
    let measured = open(&schema).map_err(Into::into).and_then(|mut store| measure("postgres", &mut store, rows));
    psql(&server, &format!("DROP SCHEMA {schema} CASCADE"))?;
    measured
}

/// Makes and removes the place for the tables.
fn psql(server: &str, statement: &str) -> Result<(), Box<dyn Error>> {
    let mut psql = process::Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "--dbname", server, "--command", statement]);
    psql.env("PGOPTIONS", "-c client_min_messages=warning");
    if let Ok(folder) = env::var("SLUGLINE_TEST_POSTGRES_DIR") {
        psql.env("PGPASSWORD", fs::read_to_string(format!("{folder}/password"))?);
    }
    if psql.status()?.success() { Ok(()) } else { Err(statement.into()) }
}

fn measure(name: &str, store: &mut dyn Store, rows: u64) -> Result<(), Box<dyn Error>> {
    let import =
        |store: &mut dyn Store| import(store, "list", &mut List::new(rows), &Options::default(), NOW, &mut |_| {});
    timed(name, "import", rows, || Ok(import(store)?.added.new))?;
    timed(name, "import again", rows, || Ok(import(store)?.added.known))?;
    timed(name, "newcomers", rows, || {
        let mut left = rows;
        dry_run::each_new_subscriber(store, "list", &mut List::new(rows), &Options::default(), &mut |_| {
            left -= 1;
            Ok(())
        })?;
        Ok(left)
    })?;
    let issue = IssueId::new("https://example.org/spring/").ok_or("an id")?;
    timed(name, "freeze", rows, || Ok(store.freeze(&issue, "hash", None, NOW)?.expected))?;
    let settled = rows.min(SETTLED);
    timed(name, "claim and record", settled, || settle(store, &issue, settled))?;
    timed(name, "export", rows, || {
        export::csv(store, None, &mut io::sink())?;
        Ok(rows)
    })
}

/// A list of readers in CSV, made as it is read: names as people in China have them, and two attributes.
struct List {
    rows: u64,
    next: u64,
    line: Vec<u8>,
    given: usize,
}

impl List {
    fn new(rows: u64) -> Self {
        Self { rows, next: 0, line: b"email,name,city,plan\n".to_vec(), given: 0 }
    }
}

impl Read for List {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.line.len() && self.next < self.rows {
            self.line.clear();
            self.given = 0;
            // Scattered, as addresses are: their keys do not come in order.
            let number = self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            writeln!(self.line, "{number:x}-{}@mail.example.org,\"欧阳, {}娜\",海口,premium", self.next, self.next)?;
            self.next += 1;
        }
        let rest = &self.line[self.given..];
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

/// It begins anew, and goes nowhere else.
impl Seek for List {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if to != SeekFrom::Start(0) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        *self = Self::new(self.rows);
        Ok(0)
    }
}

/// The ledger's work for `wanted` messages, in batches as delivery claims them.
fn settle(store: &mut dyn Store, issue: &IssueId, wanted: u64) -> Result<u64, Box<dyn Error>> {
    store.begin_run(&Run { host: "bench".to_owned(), boot_id: "bench".to_owned(), pid: 1 }, NOW)?;
    let mut settled = 0;
    while settled < wanted {
        let claims = store.claim(issue, usize::try_from(wanted - settled)?.min(64), NOW)?;
        store.barrier()?()?;
        let ids = || claims.iter().map(|claim| claim.subscriber.id);
        store.record(issue, &ids().map(|id| (id, LedgerEntry::Sending)).collect::<Vec<_>>(), NOW)?;
        let sent = || LedgerEntry::Settled(AttemptOutcome::Sent("250 2.0.0 Ok".to_owned()));
        store.record(issue, &ids().map(|id| (id, sent())).collect::<Vec<_>>(), NOW)?;
        settled += claims.len() as u64;
    }
    Ok(settled)
}

fn timed(
    store: &str,
    what: &str,
    rows: u64,
    work: impl FnOnce() -> Result<u64, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let (begun, cpu) = (Instant::now(), usage::cpu_seconds());
    let done = work()?;
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), usage::cpu_seconds() - cpu);
    if done != rows {
        return Err(format!("{what}: {done} of {rows}").into());
    }
    let (speed, peak) = (rows as f64 / seconds, usage::peak_memory() >> 20);
    let line = format!("{store:9} {what:16} {rows} rows in {seconds:6.2} s: {speed:.0}/s, {cpu:.2} s of processor");
    Ok(writeln!(io::stdout(), "{line}, at most {peak} MiB so far")?)
}
