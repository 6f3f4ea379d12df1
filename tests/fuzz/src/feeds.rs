//! Any bytes as front matter and Markdown yield valid feeds.
//!
//! A line `=====` separates files. Started by `tests/fuzz/run`.

#![no_main]

use std::fs;
use std::path::Path;

use libfuzzer_sys::{Corpus, fuzz_target};
use slugline::parts::{build, config as load_config, issues as load_issues, LockMode, Project};

use crate::formats::FORMATS;
use crate::judge::Published;

#[path = "../../it/formats.rs"]
mod formats;
#[path = "../../it/judge.rs"]
mod judge;

const PROJECT: &str = "title: Tides\nbase_url: https://example.org\nauthor: Crew\nfeeds: {limit: 0, max_bytes: 0}\n";

/// Later than any date worth trying.
const NOW: i64 = 4_000_000_000;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let folder = std::env::temp_dir().join(format!("slugline-fuzz-{}", std::process::id()));
    match problems(&folder, bytes) {
        None => Corpus::Reject,
        Some(problems) if problems.is_empty() => Corpus::Keep,
        Some(problems) => panic!("{}", problems.join("\n")),
    }
});

/// The problems with the feeds of these files; `None` if they yield no issue.
fn problems(folder: &Path, whole: &[u8]) -> Option<Vec<String>> {
    let (first, bytes) = whole.split_first()?;
    // Most inputs begin with front matter, without a byte that chooses. Plain files have no date but that of git.
    let chosen = first.checked_sub(b'0').and_then(|number| FORMATS.get(usize::from(number)));
    let chosen = chosen.filter(|(format, _)| *format != "plain");
    let (format, content) = *chosen.unwrap_or(&FORMATS[0]);
    let bytes = if chosen.is_some() { bytes } else { whole };
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).ok()?;
    fs::write(folder.join("slugline.yaml"), format!("{PROJECT}format: {format}\ncontent: {content}\n")).ok()?;
    let content = folder.join(content);
    fs::create_dir_all(&content).ok()?;
    for (number, file) in split(bytes).into_iter().enumerate() {
        fs::write(content.join(format!("2026-07-02-{number}.md")), file).ok()?;
    }
    let project = Project::new(folder);
    let config = load_config(&project, "slugline.yaml").ok()?;
    let now = chrono::DateTime::from_timestamp(NOW, 0)?;
    let loaded = load_issues(&project, &config, now).ok()?;
    if loaded.issues.is_empty() {
        return None;
    }
    build(&project, &config, &loaded.issues, &config.output, now, LockMode::LeaveAlone).ok()?;
    Some(Published::read(&folder.join(&config.output)).problems())
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    const END: &[u8] = b"\n=====\n";
    let mut files = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(END.len()).position(|window| window == END) {
        files.push(&rest[..at]);
        rest = &rest[at + END.len()..];
    }
    files.push(rest);
    files
}
