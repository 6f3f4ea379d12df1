//! How many messages a second leave, durable SQLite ledger included.
//!
//! Sends to Postfix's `smtp-sink`, which it starts itself: `cargo bench --bench send -- [MESSAGES] [CONNECTIONS] [BYTES]`.
//! Without `smtp-sink` (Debian package `postfix`) it says so and measures nothing.

use std::error::Error;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use slugline::config::{Server, TlsMode};
use slugline::delivery::Letter;
use slugline::delivery::run::{Ended, Job, run};
use slugline::issue::{IssueId, Slug};
use slugline::ledger::{Run, State};
use slugline::smtp::Route;
use slugline::smtp::relay::Relay;
use slugline::store::Store;
use slugline::subscriber::{NewSubscriber, Subscriber};

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an argument of its own.
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let messages = numbers.next().unwrap_or(20_000);
    let connections = numbers.next().unwrap_or(10);
    let bytes = numbers.next().unwrap_or(30_000);
    let Some(sink) = Sink::start()? else {
        writeln!(std::io::stdout(), "smtp-sink is not installed (Debian: apt-get install postfix)")?;
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let mut store = open(&folder.path().join("ledger.db"))?;
    let begun = Instant::now();
    let ended = send(&mut *store, sink.port, messages, connections, bytes)?;
    let seconds = begun.elapsed().as_secs_f64();
    let sent = ended.tally.of(State::Sent);
    writeln!(
        std::io::stdout(),
        "{sent} of {messages} messages of {bytes} bytes over {connections} connections in {seconds:.2} s: {:.0}/s",
        sent as f64 / seconds
    )?;
    match ended.stopped {
        Some(finding) => Err(finding.into()),
        None => Ok(()),
    }
}

fn open(path: &Path) -> Result<Box<dyn Store>, Box<dyn Error>> {
    Ok(Box::new(slugline::store::sqlite::Sqlite::open(path)?))
}

fn send(
    store: &mut dyn Store,
    port: u16,
    messages: usize,
    connections: usize,
    bytes: usize,
) -> Result<Ended, Box<dyn Error>> {
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let mut readers = (0..messages).filter_map(|number| {
        let address = format!("reader-{number}@example.com").parse().ok()?;
        Some(NewSubscriber::new(address, ""))
    });
    store.add_subscribers(&mut readers, now)?;
    let issue = IssueId::new("https://example.org/spring/").ok_or("an id")?;
    let slug = Slug::new("spring").ok_or("a slug")?;
    store.begin_run(&Run { host: "bench".to_owned(), boot_id: "bench".to_owned(), pid: 1 }, now)?;
    store.freeze(&issue, "hash", None, now)?;
    let server = Server { host: "127.0.0.1".to_owned(), port, tls: TlsMode::None };
    let route = Route::Relay(Box::new(Relay::new(server, "example.org", None, None)?));
    let body = format!("{}\r\n", "x".repeat(76)).repeat(bytes / 78);
    let write = |subscriber: &Subscriber| {
        let content = format!("To: {}\r\nSubject: Spring\r\n\r\n{body}", subscriber.address).into_bytes();
        Ok(Letter { from: "weekly@example.org".parse()?, to: subscriber.address.clone(), content })
    };
    let job = Job {
        issue: &issue,
        slug: &slug,
        route: &route,
        write: &write,
        connections,
        limit: None,
        rates: &[],
        clock: &|| now,
        pause: &|pause| thread::sleep(pause),
        stop: &AtomicBool::new(false),
        progress: &|_| {},
    };
    Ok(run(store, &job)?)
}

/// A running `smtp-sink`, ended when dropped.
struct Sink {
    process: Child,
    port: u16,
}

impl Sink {
    /// Starts one on a free port; `None` when it is not installed.
    fn start() -> Result<Option<Self>, Box<dyn Error>> {
        let program = Path::new("/usr/sbin/smtp-sink");
        if !program.is_file() {
            return Ok(None);
        }
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = Command::new(program);
        // As root it wants to become somebody else.
        command.args(["-u", "nobody", &format!("127.0.0.1:{port}"), "1000"]).stderr(Stdio::null());
        let sink = Self { process: command.spawn()?, port };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Some(sink));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err("smtp-sink does not answer".into())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
