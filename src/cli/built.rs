//! The files of a build, as a table and as JSON.
//!
//! A main feed has a line per file; archives and the feeds of terms, which may be hundreds, have one per family.

use std::path::Path;

use serde::Serialize;

use crate::config::FeedFormat;
use crate::disk::Written;
use crate::feed::outline::Kind;
use crate::publish::{Build, Built};

/// The summary table of a build.
pub(super) fn rows(build: &Build) -> Vec<Vec<String>> {
    let families = build.files.chunk_by(|a, b| a.kind != Kind::Main && family(a) == family(b));
    families.map(|files| if files[0].kind == Kind::Main { row(&files[0]) } else { family_row(files) }).collect()
}

/// What to say of feeds that grew too large.
pub(super) fn note(build: &Build) -> Option<String> {
    let built = build.files.iter().find(|built| built.kind == Kind::Main && built.shortened > 0)?;
    let (shortened, entries) = (built.shortened, built.entries);
    Some(format!(
        "The oldest {shortened} of the {entries} issues in `{}` are summaries: the full text of all would be more than \
         `feeds.max_bytes`.",
        built.path
    ))
}

/// One file in a `--json` document.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    feed: &'static str,
    title: &'a str,
    format: &'static str,
    path: &'a str,
    entries: usize,
    summaries: usize,
    bytes: usize,
    written: &'static str,
}

impl<'a> Row<'a> {
    pub fn of(built: &'a Built) -> Self {
        Self {
            feed: kind(built.kind),
            title: &built.title,
            format: name(built.format),
            path: &built.path,
            entries: built.entries,
            summaries: built.shortened,
            bytes: built.bytes,
            written: word(built.written),
        }
    }
}

fn row(built: &Built) -> Vec<String> {
    let issues = count(built.entries, "issue");
    vec![
        name(built.format).to_owned(),
        built.path.clone(),
        issues,
        size(built.bytes as u64),
        word(built.written).to_owned(),
    ]
}

/// All feeds of a family in one line.
fn family_row(files: &[Built]) -> Vec<String> {
    let feeds = files.chunk_by(|a, b| a.folder == b.folder).count();
    let bytes = files.iter().map(|built| built.bytes as u64).sum();
    let written = [Written::New, Written::Changed, Written::Unchanged].into_iter().filter_map(|written| {
        let number = files.iter().filter(|built| built.written == written).count();
        (number > 0).then(|| format!("{number} {}", word(written)))
    });
    let folders = format!("{}/*/", family(&files[0]).1.display());
    let written = written.collect::<Vec<_>>().join(", ");
    vec![kind(files[0].kind).to_owned(), folders, count(feeds, "feed"), size(bytes), written]
}

/// What the feeds of one line have in common.
fn family(built: &Built) -> (Kind, &Path) {
    (built.kind, Path::new(&built.folder).parent().unwrap_or(Path::new("")))
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Main => "main",
        Kind::Archive => "archive",
        Kind::Term(family) => family.name(),
    }
}

fn name(format: FeedFormat) -> &'static str {
    match format {
        FeedFormat::Rss => "rss",
        FeedFormat::Atom => "atom",
        FeedFormat::Json => "json",
    }
}

pub(super) fn word(written: Written) -> &'static str {
    match written {
        Written::New => "new",
        Written::Changed => "changed",
        Written::Unchanged => "unchanged",
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

pub(super) fn size(bytes: u64) -> String {
    if bytes < 1000 { format!("{bytes} B") } else { format!("{} kB", bytes.div_ceil(1000)) }
}
