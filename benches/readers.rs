//! How many readers can leave in a second, and how long each waits: idle, while a mailing runs, and beside slow connections.
//!
//! `cargo bench --bench readers -- [SUBSCRIBERS] [REQUESTS] [KEY=VALUE…]` fills a store, writes an issue for as many readers as
//! there are requests, and leaves by the links in these mails, as mail programs do (RFC 8058). Keys: `store=URL` (an empty one;
//! else SQLite), `connections=16`, `program=FILE` (another build), `sink=HOST:PORT` (of an SMTP sink that runs already; else
//! Postfix's `smtp-sink` is started, if there is one).

#![expect(clippy::print_stdout, reason = "the result of a benchmark")]

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::sink::Sink;

#[path = "send/sink.rs"]
mod sink;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const HOST: &str = "news.tides.example.org";

/// Connections that never complete a request.
const SLOW: usize = 500;

/// What is run, where.
struct Bench {
    program: PathBuf,
    folder: PathBuf,
    store: String,
    connections: usize,
}

/// Ends a program however the benchmark ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let key = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='));
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<usize>().ok());
    let (subscribers, requests) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(10_000));
    let folder = std::env::temp_dir().join(format!("slugline-readers-{}", std::process::id()));
    fs::create_dir_all(folder.join("content"))?;
    let bench = Bench {
        program: key("program").or(option_env!("CARGO_BIN_EXE_slugline")).unwrap_or("target/release/slugline").into(),
        folder: folder.clone(),
        store: key("store").unwrap_or("sqlite:slugline.db").to_owned(),
        connections: key("connections").map_or(Ok(16), str::parse)?,
    };
    let measured = bench.measure(subscribers, requests.min(subscribers), key("sink"));
    fs::remove_dir_all(folder)?;
    measured
}

impl Bench {
    fn measure(&self, subscribers: usize, requests: usize, sink: Option<&str>) -> Result<()> {
        self.write("secret.txt", "0123456789abcdef0123456789abcdef")?;
        self.write_project("outbox")?;
        let rows: String = (0..subscribers).map(|number| format!("reader{number}@example.org\n")).collect();
        self.write("readers.csv", &format!("email\n{rows}"))?;
        let begun = Instant::now();
        self.run(&["subscribers", "import", "readers.csv"])?;
        println!("{subscribers} subscribers imported in {:.1} s", begun.elapsed().as_secs_f64());
        self.issue("neap")?;
        self.run(&["send", "neap", "--first", "--limit", &(3 * requests).to_string()])?;
        let links = links(&self.folder.join("outbox/neap"))?;
        let mut parts = links.chunks(requests.min(links.len() / 3).max(1));
        let mut next = || parts.next().unwrap_or_default();

        let (serving, address) = self.serve()?;
        println!("memory of the server: {} MiB", memory(&serving.0)?);
        self.leave(&address, next(), "idle")?;
        println!("memory of the server: {} MiB", memory(&serving.0)?);
        self.leave_beside_slow_connections(&address, next())?;
        let Some(sink) = Sink::of(sink).map_err(|error| error.to_string())? else {
            println!("no mailing: there is neither `sink=HOST:PORT` nor `smtp-sink`");
            return Ok(());
        };
        self.write_project(&format!("smtp://127.0.0.1:{}", sink.port))?;
        self.issue("spring")?;
        let mut sending = Running(self.command(&["--quiet", "send", "spring"]).stdout(Stdio::null()).spawn()?);
        // Until the audience is frozen and the first messages leave.
        thread::sleep(Duration::from_secs(10));
        let is_running = sending.0.try_wait()?.is_none();
        self.leave(&address, next(), "while a mailing runs")?;
        println!("the mailing ran at the beginning: {is_running}, at the end: {}", sending.0.try_wait()?.is_none());
        println!("memory of the server: {} MiB", memory(&serving.0)?);
        Ok(())
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.folder.join(file), text)?)
    }

    fn write_project(&self, via: &str) -> Result<()> {
        let store = &self.store;
        self.write(
            "slugline.yaml",
            &format!(
                "title: Tide Notes\nbase_url: https://tides.example.org\nstore: {store}\nsecret_file: secret.txt\n\
                 mail: {{from: notes@tides.example.org, via: \"{via}\"}}\nserve: {{url: https://{HOST}/}}\n"
            ),
        )
    }

    fn issue(&self, name: &str) -> Result<()> {
        let text = format!("---\ntitle: {name}\ndate: 2026-11-20\n---\n\nThe sea rests.\n");
        self.write(&format!("content/{name}.md"), &text)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        let output = self.command(arguments).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }

    /// The running server, and where it listens.
    fn serve(&self) -> Result<(Running, String)> {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut serving = Running(command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?);
        let mut address = String::new();
        let stdout = serving.0.stdout.as_mut().ok_or("no stdout")?;
        BufReader::new(stdout).read_line(&mut address)?;
        Ok((serving, address.trim_end().to_owned()))
    }

    /// Leaves by all links, over several connections at once.
    fn leave(&self, address: &str, links: &[String], when: &str) -> Result<()> {
        let begun = Instant::now();
        let mut times = thread::scope(|scope| {
            let share = links.len().div_ceil(self.connections).max(1);
            let threads: Vec<_> = links.chunks(share).map(|links| scope.spawn(|| leave_by(address, links))).collect();
            let mut all = Vec::new();
            for thread in threads {
                all.extend(thread.join().map_err(|_| "a thread panicked")??);
            }
            Ok::<_, Box<dyn Error + Send + Sync>>(all)
        })?;
        let seconds = begun.elapsed().as_secs_f64();
        times.sort();
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
        println!(
            "{when}: {} left in {seconds:.1} s, {:.0} a second; each waited {:.1?} (median), {:.1?} (99 %), {:.1?} (longest)",
            times.len(),
            times.len() as f64 / seconds,
            at(0.5),
            at(0.99),
            times.last().copied().unwrap_or_default()
        );
        Ok(())
    }

    fn leave_beside_slow_connections(&self, address: &str, links: &[String]) -> Result<()> {
        let mut slow = Vec::new();
        for number in 0..SLOW {
            let mut stream = TcpStream::connect(address)?;
            let whole = request(links.first().ok_or("no link")?);
            stream.write_all(&whole.as_bytes()[..if number % 2 == 0 { 20 } else { whole.len() - 5 }])?;
            slow.push(stream);
        }
        let times = leave_by(address, &links[..links.len().min(100)])?;
        let longest = times.iter().max().copied().unwrap_or_default();
        println!("beside {SLOW} slow connections: {} left, each in {longest:.1?} at most", times.len());
        Ok(())
    }
}

/// The links to unsubscribe in the messages of a folder, as paths.
fn links(folder: &Path) -> Result<Vec<String>> {
    let mut links = Vec::new();
    for entry in fs::read_dir(folder)? {
        let text = fs::read_to_string(entry?.path())?;
        let rest = text.split(&format!("<https://{HOST}")).nth(1).ok_or("a message without a link")?;
        links.push(rest.split('>').next().unwrap_or_default().to_owned());
    }
    Ok(links)
}

fn request(path: &str) -> String {
    let body = "List-Unsubscribe=One-Click";
    format!(
        "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: \
         {}\r\n\r\n{body}",
        body.len()
    )
}

/// Leaves by each link over one connection; how long each took.
fn leave_by(address: &str, links: &[String]) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    for link in links {
        let begun = Instant::now();
        stream.write_all(request(link).as_bytes())?;
        let (mut answer, mut block) = (Vec::new(), [0; 4096]);
        while !answer.ends_with(b"unsubscribed\n") {
            let length = stream.read(&mut block)?;
            if length == 0 || answer.len() > 16 * 1024 {
                return Err(format!("not left: {}", String::from_utf8_lossy(&answer)).into());
            }
            answer.extend_from_slice(&block[..length]);
        }
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// The memory of a process in MiB, on Linux.
fn memory(process: &Child) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}
