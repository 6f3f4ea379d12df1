//! How long the feeds of a large blog take, and how much memory: by slugline, and by Hugo where it is installed.
//!
//! Writes a synthetic blog below `target` once, then builds it a few times with each program in turn:
//! `cargo bench --bench build -- [ISSUES] [RUNS]`. `HUGO` names the program where it is not called `hugo`. Memory is the
//! largest resident set of any run, as Linux tells it.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod blog;
mod hugo;

const SLUGLINE: &str = env!("CARGO_BIN_EXE_slugline");

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an argument of its own.
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let issues = numbers.next().unwrap_or(10_000);
    let runs = numbers.next().unwrap_or(5).max(1);
    let blog = blog::blog(issues)?;
    let hugo = hugo::program();
    let newest = (["--quiet", "build"].as_slice(), Some("20"));
    let all = (["--quiet", "--config", "all.yaml", "build"].as_slice(), None);
    for (what, (arguments, limit)) in [("the newest 20", newest), ("all, with archives", all)] {
        write_line(&format!("{what} of {issues} issues, 3 formats"));
        let mut ours = Figures::default();
        let mut theirs = Figures::default();
        for run in 0..runs {
            ours.add(measure(Command::new(SLUGLINE).args(arguments), &blog)?);
            // It takes so much longer that its runs differ little.
            if let Some(hugo) = hugo.as_ref().filter(|_| run < 2) {
                let mut command = Command::new(hugo);
                command.arg("--quiet").env_remove("HUGO_LIMIT").envs(limit.map(|limit| ("HUGO_LIMIT", limit)));
                theirs.add(measure(&mut command, &blog)?);
            }
        }
        write_line(&format!("  slugline  {}", ours.show()));
        if hugo.is_some() {
            write_line(&format!("  hugo      {}", theirs.show()));
            let ratio = |theirs: f64, ours: f64| theirs / ours;
            let (time, memory) = (ratio(theirs.median(), ours.median()), ratio(theirs.mebibytes(), ours.mebibytes()));
            write_line(&format!("  slugline is {time:.1} times as fast, in 1/{memory:.1} of the memory"));
        }
    }
    Ok(())
}

/// A benchmark may print, and only here.
#[expect(clippy::print_stdout, reason = "the result of a benchmark")]
fn write_line(line: &str) {
    println!("{line}");
}

struct Run {
    time: Duration,
    kibibytes: u64,
}

/// What the runs of one program took.
#[derive(Default)]
struct Figures {
    seconds: Vec<f64>,
    kibibytes: u64,
}

impl Figures {
    fn add(&mut self, run: Run) {
        self.seconds.push(run.time.as_secs_f64());
        self.seconds.sort_by(f64::total_cmp);
        self.kibibytes = self.kibibytes.max(run.kibibytes);
    }

    fn median(&self) -> f64 {
        self.seconds[self.seconds.len() / 2]
    }

    fn mebibytes(&self) -> f64 {
        self.kibibytes as f64 / 1024.0
    }

    fn show(&self) -> String {
        format!("median {:.3} s, fastest {:.3} s, {:.0} MiB", self.median(), self.seconds[0], self.mebibytes())
    }
}

/// Builds into an empty folder, so that every run writes.
fn measure(command: &mut Command, blog: &Path) -> Result<Run, Box<dyn Error>> {
    let output = blog.join("public");
    if output.exists() {
        fs::remove_dir_all(&output)?;
    }
    let begin = Instant::now();
    let mut child = command.current_dir(blog).stdout(Stdio::null()).spawn()?;
    let mut kibibytes = 0;
    let status = loop {
        kibibytes = peak_kibibytes(child.id()).unwrap_or(0).max(kibibytes);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(Run { time: begin.elapsed(), kibibytes })
}

/// The peak so far of a process that still lives; `proc(5)` calls it `VmHWM`.
fn peak_kibibytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
