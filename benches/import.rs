//! How fast a list of subscribers gets in, is frozen for an issue, and gets out again.
//!
//! `cargo bench --bench import -- [ROWS]`, 100,000 if not said. Everything is on the disk that holds the temporary folder.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Instant;

use chrono::{DateTime, Utc};

use slugline::issue::IssueId;
use slugline::ledger::{Entry, Outcome, Run};
use slugline::store::Store;
use slugline::store::sqlite::Sqlite;
use slugline::subscription;

const NOW: DateTime<Utc> = DateTime::<Utc>::UNIX_EPOCH;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an argument of its own.
    let rows = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let csv = list(rows)?;
    let folder = tempfile::tempdir()?;
    let mut store = Sqlite::open(&folder.path().join("bench.db"))?;
    let import = |store: &mut Sqlite| subscription::import(store, "list", &mut csv.as_bytes(), None, NOW, &mut || {});
    timed("import", rows, || Ok(import(&mut store)?.added.new))?;
    timed("import again", rows, || Ok(import(&mut store)?.added.known))?;
    let issue = IssueId::new("https://example.org/spring/").ok_or("an id")?;
    timed("freeze", rows, || Ok(store.freeze(&issue, "hash", None, NOW)?.expected))?;
    timed("claim and record", rows, || settle(&mut store, &issue))?;
    let mut out = Vec::new();
    timed("export", rows, || {
        subscription::export::csv(&store, None, &mut out)?;
        Ok(rows)
    })?;
    Ok(())
}

fn list(rows: u64) -> Result<String, Box<dyn Error>> {
    let mut csv = "email,name,city\n".to_owned();
    for number in 0..rows {
        writeln!(csv, "reader-{number}@example.org,\"Reader, {number}\",海口")?;
    }
    Ok(csv)
}

/// The ledger's work for every message, in batches as delivery takes them.
fn settle(store: &mut Sqlite, issue: &IssueId) -> Result<u64, Box<dyn Error>> {
    store.begin_run(&Run { host: "bench".to_owned(), boot_id: "bench".to_owned(), pid: 1 }, NOW)?;
    let mut settled = 0;
    loop {
        let claims = store.claim(issue, 64, NOW)?;
        if claims.is_empty() {
            return Ok(settled);
        }
        store.barrier()?()?;
        for claim in claims {
            let sent = Entry::Ended(Outcome::Sent("250 2.0.0 Ok".to_owned()));
            for entry in [Entry::Sending, sent] {
                store.record(issue, &[(claim.subscriber.id, entry)], NOW)?;
            }
            settled += 1;
        }
    }
}

fn timed(what: &str, rows: u64, work: impl FnOnce() -> Result<u64, Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let done = work()?;
    let seconds = begun.elapsed().as_secs_f64();
    if done != rows {
        return Err(format!("{what}: {done} of {rows}").into());
    }
    Ok(writeln!(io::stdout(), "{what:16} {rows} rows in {seconds:6.2} s: {:.0}/s", rows as f64 / seconds)?)
}
