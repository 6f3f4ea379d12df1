//! How long `slugline build` takes on a large blog, and how much memory.
//!
//! Writes a synthetic blog below `target` once, then builds its feeds with the release program a few times:
//! `cargo bench --bench build -- [ISSUES] [RUNS]`. Memory is the largest resident set of any run, as Linux tells it.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an argument of its own.
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let issues = numbers.next().unwrap_or(10_000);
    let runs = numbers.next().unwrap_or(5).max(1);
    let blog = blog(issues)?;
    let mut times = Vec::new();
    let mut memory = 0;
    for _ in 0..runs {
        let run = build(&blog)?;
        times.push(run.time);
        memory = memory.max(run.kibibytes);
    }
    times.sort();
    let [fastest, median] = [times[0], times[times.len() / 2]].map(|time| time.as_secs_f64());
    let mebibytes = memory / 1024;
    write_line(&format!("{issues} issues, 3 formats: median {median:.3} s, fastest {fastest:.3} s, {mebibytes} MiB"))
}

/// A benchmark may print, and only here.
#[expect(clippy::print_stdout, reason = "the result of a benchmark")]
fn write_line(line: &str) -> Result<(), Box<dyn Error>> {
    println!("{line}");
    Ok(())
}

struct Run {
    time: Duration,
    kibibytes: u64,
}

/// Builds into an empty folder, so that every run writes.
fn build(blog: &Path) -> Result<Run, Box<dyn Error>> {
    let output = blog.join("public");
    if output.exists() {
        fs::remove_dir_all(&output)?;
    }
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_slugline"))
        .args(["--quiet", "build"])
        .current_dir(blog)
        .stdout(Stdio::null())
        .spawn()?;
    let mut kibibytes = 0;
    let status = loop {
        kibibytes = peak_kibibytes(child.id()).unwrap_or(0).max(kibibytes);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    if !status.success() {
        return Err(format!("the build ended with {status}").into());
    }
    Ok(Run { time: begin.elapsed(), kibibytes })
}

/// The peak so far of a process that still lives; `proc(5)` calls it `VmHWM`.
fn peak_kibibytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Writes the blog, unless it is there.
fn blog(issues: usize) -> Result<PathBuf, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("blog-{issues}"));
    let complete = folder.join("slugline.yaml");
    if complete.exists() {
        return Ok(folder);
    }
    let mut words = Words(1);
    for number in 0..issues {
        let bundle = folder.join(format!("content/blog/issue-{number:05}"));
        fs::create_dir_all(&bundle)?;
        fs::write(bundle.join("index.md"), issue(number, &mut words)?)?;
    }
    fs::write(complete, "title: Large\nbase_url: https://example.org\ntimezone: Asia/Shanghai\n")?;
    Ok(folder)
}

/// Between 4 and 12 KB of what weeklies are made of.
fn issue(number: usize, words: &mut Words) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let (year, month, day) = (2000 + number / 336 % 26, 1 + number / 28 % 12, 1 + number % 28);
    writeln!(text, "---\ntitle: \"Weekly {number}: {}\"\ndate: {year}-{month:02}-{day:02} 15:00:00", words.some(6))?;
    writeln!(text, "authors: [\"{}\", 林汐]\ncategories: 周刊\ntags: [潮汐, {}]", words.some(2), words.some(1))?;
    writeln!(text, "description: \"{}\"\ncover: https://example.org/{number}.png\n---\n", words.some(20))?;
    for section in 0..6 + words.below(12) {
        writeln!(text, "## {section}. {}\n\n{} 达到**{section}%**。", words.some(5), words.some(60))?;
        writeln!(text, "\n- **{}** {}\n- [{}](../issue-00001/)\n", words.some(2), words.some(12), words.some(3))?;
        match section % 3 {
            0 => writeln!(text, "```rust\nlet tide = \"{}\";\n```\n", words.some(8))?,
            1 => writeln!(text, "| wave | height |\n|---|--:|\n| M2 | {section} |\n| {} | 2 |\n", words.some(1))?,
            _ => writeln!(
                text,
                "![{}](picture.png) 一次完整的测量[^{section}]。\n\n[^{section}]: {}\n",
                words.some(2),
                words.some(9)
            )?,
        }
    }
    Ok(text)
}

/// Words in an order that is the same on every machine: a linear congruential generator picks them.
struct Words(u64);

impl Words {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn some(&mut self, count: usize) -> String {
        const WORDS: [&str; 16] = [
            "harbour", "tide", "gauge", "moon", "surge", "release", "current", "storm", "潮位", "港口", "发布", "读数",
            "社区", "版本", "贡献者", "本周",
        ];
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.below(WORDS.len())]).collect();
        words.join(" ")
    }
}
