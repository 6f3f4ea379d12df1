//! How many messages a second leave, ledger included, beside what others reach in the same run.
//!
//! `cargo bench --bench send -- [MESSAGES] [CONNECTIONS] [KEY=VALUE…]` sends a personalised Chinese edition to Postfix's
//! `smtp-sink`, which it starts itself, as do `smtp-source -d` and stock lettre. Keys: `sink=HOST:PORT` (a sink that runs
//! already), `dkim=rsa|ed25519`, `who=slugline,smtp-source,lettre`, `bytes=66000`, `ledger=DIR`, `servers=2`
//! (slugline treats the sink as that many servers, and shares the connections out among them). `slow_sync.c` is a slow disk.

mod letters;
mod others;
mod sink;
mod usage;

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use chrono::{DateTime, Utc};

use slugline::parts::{
    IssueId, Job, RateLimits, Relay, Route, Run, RunHooks, Server, Slug, Sqlite, State, Store, TlsMode, deliver,
};

use crate::letters::Letters;
use crate::sink::Sink;
use crate::usage::{cpu_seconds, peak_memory};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is measured.
pub struct Load {
    /// How many messages.
    pub messages: usize,
    /// Over how many connections.
    pub connections: usize,
    /// The sink's port on 127.0.0.1.
    pub port: u16,
    /// As how many servers slugline takes the sink.
    pub servers: usize,
}

/// What a sender reached.
struct Reached {
    messages: usize,
    seconds: f64,
    /// Of this process; `None` for a program of its own.
    cpu_seconds: Option<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an argument of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let key = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='));
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<usize>().ok());
    let (messages, connections) = (numbers.next().unwrap_or(20_000), numbers.next().unwrap_or(10));
    let letters = Letters::new(key("bytes").map_or(Ok(66_000), str::parse)?, key("dkim"))?;
    let Some(sink) = Sink::of(key("sink"))? else {
        writeln!(std::io::stdout(), "smtp-sink is not installed (Debian: apt-get install postfix)")?;
        return Ok(());
    };
    let servers = key("servers").map_or(Ok(1), str::parse)?;
    let load = Load { messages, connections, port: sink.port, servers };
    let mut out = std::io::stdout();
    writeln!(out, "{messages} messages of {} bytes over {connections} connections", letters.bytes()?)?;
    let mut yardstick = None;
    for who in key("who").unwrap_or("smtp-source,lettre,slugline").split(',') {
        let reached = match who {
            "smtp-source" => others::smtp_source(&load, letters.bytes()?)?,
            "lettre" => others::lettre(&load, &letters)?,
            "slugline" => slugline(&load, &letters, key("ledger").map(Path::new))?,
            other => return Err(format!("who is `{other}`?").into()),
        };
        let Some(reached) = reached else { continue };
        let rate = reached.messages as f64 / reached.seconds;
        let times = rate / *yardstick.get_or_insert(rate);
        write!(out, "{who:>12}  {rate:>8.0}/s  {times:>5.2} times")?;
        match reached.cpu_seconds {
            Some(cpu) => writeln!(out, "  {:>6.0} µs of CPU each", 1e6 * cpu / reached.messages as f64)?,
            None => writeln!(out)?,
        }
    }
    Ok(writeln!(out, "most memory of this process: {} MiB", peak_memory() >> 20)?)
}

/// Runs `send`, which returns how many messages left.
fn timed(send: impl FnOnce() -> Result<usize, Box<dyn Error>>) -> Result<Option<Reached>, Box<dyn Error>> {
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let messages = send()?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Some(Reached { messages, seconds, cpu_seconds: Some(cpu_seconds() - cpu) }))
}

/// This program's delivery, with a durable ledger in a file.
fn slugline(load: &Load, letters: &Letters, ledger: Option<&Path>) -> Result<Option<Reached>, Box<dyn Error>> {
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let folder = match ledger {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let path: PathBuf = folder.path().join("ledger.db");
    let mut store = Sqlite::open(&path)?;
    // One by one, so that the list takes none of the memory that is measured.
    let mut readers = (0..load.messages).map_while(|number| letters::reader(number).ok());
    store.add_subscribers(&mut readers, now)?;
    let issue = IssueId::new("https://example.org/tides/").ok_or("an id")?;
    let slug = Slug::new("tides").ok_or("a slug")?;
    store.begin_run(&Run { host: "bench".to_owned(), boot_id: "bench".to_owned(), pid: 1 }, now)?;
    store.freeze(&issue, "hash", None, now)?;
    let server = Server { host: "127.0.0.1".to_owned(), port: load.port, tls: TlsMode::None };
    let relay = || -> Result<Relay, Box<dyn Error>> {
        let mut relay = Relay::new(server.clone(), "example.org", None, None)?;
        relay.connections = load.connections / load.servers;
        Ok(relay)
    };
    let route = Route::Relays((0..load.servers).map(|_| relay()).collect::<Result<_, _>>()?);
    let job = Job {
        issue: &issue,
        slug: &slug,
        route: &route,
        write: &|subscriber| letters.write(subscriber),
        limit: None,
        only: None,
        failure_limit: None,
        limits: RateLimits::default(),
        hooks: RunHooks {
            clock: &|| now,
            sleep: &|pause| thread::sleep(pause),
            stop: &AtomicBool::new(false),
            progress: &|_| {},
            meanwhile: None,
        },
    };
    timed(|| {
        let ended = deliver(&mut store, &job)?;
        match ended.stopped {
            Some(finding) => Err(finding.into()),
            None => Ok(ended.tally.of(State::Sent) as usize),
        }
    })
}
