//! The files of a build, as a table and as JSON.
//!
//! A main feed has a line per file. Archives and feeds of terms may be hundreds, and have one line per family.

use std::path::Path;

use serde::Serialize;

use crate::disk::Written;
use crate::feed::Format;
use crate::feed::plan::FeedKind;
use crate::identity::LockReport;
use crate::identity::lock;
use crate::identity::{Change, ChangeKind};
use crate::publish::{Build, BuiltFeed, SideFile, SideFileRole};

use crate::cli::Context;
use crate::cli::built::pages::PageRow;

mod pages;

/// Shows the table of a build; with `--quiet` only if a file was written.
pub(super) fn show(context: &Context, build: &Build) -> anyhow::Result<()> {
    let mut written = build.files.iter().map(|built| built.written);
    let is_unchanged = written.all(|written| written == Written::Unchanged)
        && build.companions.iter().all(|side_file| side_file.written == Written::Unchanged)
        && build.pages.iter().all(|page| page.written == Written::Unchanged)
        && build.lock.as_ref().is_none_or(|lock| lock.written == Written::Unchanged);
    if context.report.is_quiet() && is_unchanged {
        return Ok(());
    }
    context.report.table(&rows(build))
}

/// The summary table of a build.
fn rows(build: &Build) -> Vec<Vec<String>> {
    let families = build.files.chunk_by(|a, b| a.kind != FeedKind::Main && family(a) == family(b));
    let rows = families.map(|files| if files[0].kind == FeedKind::Main { row(&files[0]) } else { family_row(files) });
    let companions = build.companions.iter().map(companion_row);
    rows.chain(companions).chain(pages::rows(&build.pages)).chain(build.lock.as_ref().map(lock_row)).collect()
}

/// Messages about a build.
pub(super) fn notes(build: &Build) -> Vec<String> {
    let changes = build.lock.iter().flat_map(|lock| &lock.changes);
    changes.filter_map(change_note).chain(too_large(build)).collect()
}

/// The message about a feed that its limit shortened, or that is larger nevertheless.
fn too_large(build: &Build) -> Option<String> {
    let mut main = build.files.iter().filter(|built| built.kind == FeedKind::Main);
    if let Some(BuiltFeed { path, bytes, .. }) = main.clone().find(|built| built.is_too_large) {
        return Some(format!(
            "`{path}` has {bytes} bytes, more than `feeds.max_bytes`: the newest issue is always complete, and what no archive has \
             stays in the feed."
        ));
    }
    let built = main.find(|built| built.shortened + built.left_out > 0)?;
    let BuiltFeed { path, entries, shortened, left_out, .. } = built;
    let what = match (shortened, left_out) {
        (0, left_out) => format!("Of the issues for `{path}`, the oldest {left_out} are left out"),
        (shortened, 0) => format!("The oldest {shortened} of the {entries} issues in `{path}` are summaries"),
        (shortened, left_out) => format!(
            "The oldest {shortened} of the {entries} issues in `{path}` are summaries, and the {left_out} before them are left out"
        ),
    };
    Some(format!("{what}: the file would be larger than `feeds.max_bytes`."))
}

/// The document of `build`.
#[derive(Serialize)]
pub(super) struct BuildDocument<'a> {
    /// The feeds.
    files: Vec<Row<'a>>,
    /// Files beside the feeds.
    companions: Vec<CompanionRow<'a>>,
    /// The web archive.
    pages: Vec<PageRow<'a>>,
    /// `feeds.lock`; `null` if it was left alone.
    lock: Option<LockRow<'a>>,
}

impl<'a> BuildDocument<'a> {
    /// The document of a build.
    pub fn of(build: &'a Build) -> Self {
        Self {
            files: build.files.iter().map(Row::of).collect(),
            companions: build.companions.iter().map(CompanionRow::of).collect(),
            pages: build.pages.iter().map(PageRow::of).collect(),
            lock: build.lock.as_ref().map(LockRow::of),
        }
    }
}

/// A feed in a `--json` document.
#[derive(Serialize)]
struct Row<'a> {
    /// `main`, `archive`, or the family of a term such as `tags`.
    feed: &'static str,
    /// Title of the feed.
    title: &'a str,
    /// `rss`, `atom` or `json`.
    format: &'static str,
    /// File below the output folder.
    path: &'a str,
    /// Number of issues in it.
    entries: usize,
    /// How many of them are summaries because of `feeds.max_bytes`.
    summaries: usize,
    /// Size of the file.
    bytes: usize,
    /// `new`, `changed` or `unchanged`.
    written: &'static str,
}

impl<'a> Row<'a> {
    fn of(built: &'a BuiltFeed) -> Self {
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

/// `feeds.lock` in a `--json` document.
#[derive(Serialize)]
struct LockRow<'a> {
    /// `feeds.lock`.
    path: &'static str,
    /// Number of issues in it.
    issues: usize,
    /// Size of the file.
    bytes: usize,
    /// `new`, `changed` or `unchanged`.
    written: &'static str,
    /// Changes of ids.
    changes: Vec<ChangeRow<'a>>,
}

/// One change of `feeds.lock`.
#[derive(Serialize)]
struct ChangeRow<'a> {
    /// `new`, `moved`, `renamed` or `edited`.
    change: &'static str,
    /// File of the issue.
    path: &'a str,
    /// Its id.
    id: &'a str,
    /// The former path of a moved issue, or the former id of a renamed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a str>,
}

impl<'a> LockRow<'a> {
    fn of(lock: &'a LockReport) -> Self {
        let (written, changes) = (word(lock.written), lock.changes.iter().map(ChangeRow::of).collect());
        Self { path: lock::FILE, issues: lock.entries, bytes: lock.bytes, written, changes }
    }
}

impl<'a> ChangeRow<'a> {
    fn of(change: &'a Change) -> Self {
        let (word, before) = match &change.kind {
            ChangeKind::New => ("new", None),
            ChangeKind::Moved(from) => ("moved", Some(from.as_str())),
            ChangeKind::Renamed(before) => ("renamed", Some(before.as_str())),
            ChangeKind::Edited => ("edited", None),
        };
        Self { change: word, path: &change.path, id: change.id.as_str(), before }
    }
}

fn lock_row(lock: &LockReport) -> Vec<String> {
    let (issues, written) = (count(lock.entries, "issue"), word(lock.written).to_owned());
    vec!["lock".to_owned(), lock::FILE.to_owned(), issues, size(lock.bytes as u64), written]
}

/// The message about a change that a person may want to undo.
fn change_note(change: &Change) -> Option<String> {
    let Change { path, id, kind } = change;
    match kind {
        ChangeKind::Moved(from) => Some(format!("`{path}` was `{from}` and keeps its id `{id}`.")),
        ChangeKind::Renamed(before) => {
            Some(format!("`{path}` had the id `{before}` and now has `{id}`: readers see it as a new issue."))
        }
        ChangeKind::New | ChangeKind::Edited => None,
    }
}

/// One file beside the feeds in a `--json` document.
#[derive(Serialize)]
struct CompanionRow<'a> {
    /// `stylesheet` or `opml`.
    role: &'static str,
    /// File below the output folder.
    path: &'a str,
    /// Size of the file.
    bytes: usize,
    /// `new`, `changed` or `unchanged`.
    written: &'static str,
}

impl<'a> CompanionRow<'a> {
    fn of(side_file: &'a SideFile) -> Self {
        let SideFile { role, path, bytes, written } = side_file;
        Self { role: self::role(*role).1, path, bytes: *bytes, written: word(*written) }
    }
}

fn row(built: &BuiltFeed) -> Vec<String> {
    let issues = count(built.entries, "issue");
    vec![
        name(built.format).to_owned(),
        built.path.clone(),
        issues,
        size(built.bytes as u64),
        word(built.written).to_owned(),
    ]
}

fn companion_row(side_file: &SideFile) -> Vec<String> {
    let (bytes, written) = (size(side_file.bytes as u64), word(side_file.written).to_owned());
    vec![role(side_file.role).0.to_owned(), side_file.path.clone(), String::new(), bytes, written]
}

/// The role of a file, in a table and in a `--json` document.
fn role(role: SideFileRole) -> (&'static str, &'static str) {
    match role {
        SideFileRole::Stylesheet => ("style", "stylesheet"),
        SideFileRole::Opml => ("opml", "opml"),
    }
}

/// All feeds of a family in one line.
fn family_row(files: &[BuiltFeed]) -> Vec<String> {
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

/// The common kind and folder of the feeds in one line.
fn family(built: &BuiltFeed) -> (FeedKind, &Path) {
    (built.kind, Path::new(&built.folder).parent().unwrap_or(Path::new("")))
}

/// The word for the kind of a feed.
pub(super) fn kind(kind: FeedKind) -> &'static str {
    match kind {
        FeedKind::Main => "main",
        FeedKind::Archive => "archive",
        FeedKind::Term(family) => family.name(),
    }
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Rss => "rss",
        Format::Atom => "atom",
        Format::Json => "json",
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
