//! `slugline subscribers import`, and the list that the project file names, which every sending imports first.

use std::fs::File;
use std::io::{self, Read, Seek};

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::config::{Config, SubscriberList};
use crate::disk::Project;
use crate::finding::Finding;
use crate::store::{Added, Store};
use crate::subscriber::{NewSubscriber, Status};
use crate::subscription::listed::ListedAddresses;
use crate::subscription::options::{self, Columns, Meaning};
use crate::subscription::{self, ImportReport, Options, Rewindable, dry_run};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// CSV file, or `-` for stdin
    file: String,
    /// Show who would get mail, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Column with the address, the name or the status; repeatable
    #[arg(long, value_name = "email|name|status=COLUMN", value_parser = mapping)]
    map: Vec<(String, String)>,
    /// What the values of the status column mean, such as `active=1,left=2`: `left=*` is every other value, `active=` an empty
    /// one; repeatable
    #[arg(long, value_name = "STATUS=VALUE,...", value_parser = meanings)]
    states: Vec<Meanings>,
    /// Keep this column for templates; it does not decide who gets mail; repeatable
    #[arg(long, value_name = "COLUMN")]
    keep: Vec<String>,
    /// Status of everyone in the file: unconfirmed, unsubscribed, bounced, complained or suppressed
    #[arg(long = "as", value_name = "STATUS", value_parser = status_of_all, conflicts_with = "states")]
    whole_list: Option<Status>,
    /// Encoding of a file that is not UTF-8, such as gb18030 or windows-1252
    #[arg(long, value_name = "NAME", value_parser = options::encoding)]
    encoding: Option<&'static encoding_rs::Encoding>,
    /// Column with the address, the same as `--map email=COLUMN`
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,
}

/// The meanings in one `--states`.
#[derive(Debug, Clone)]
struct Meanings(Vec<Meaning>);

fn meanings(text: &str) -> Result<Meanings, String> {
    options::meanings(text).map(Meanings)
}

fn mapping(text: &str) -> Result<(String, String), String> {
    let (what, column) = text.split_once('=').ok_or("write such as `status=COLUMN`")?;
    Columns::default().set(what.trim(), column)?;
    Ok((what.trim().to_owned(), column.to_owned()))
}

/// A list alone is no reason to mail subscribers whose record says otherwise.
fn status_of_all(word: &str) -> Result<Status, String> {
    match options::status_of(word)? {
        Status::Active => {
            Err("subscribers without a status are active anyway; `--as` is for those who must not get mail".to_owned())
        }
        status => Ok(status),
    }
}

impl Args {
    fn options(&self) -> anyhow::Result<Options> {
        let mut columns = Columns { email: self.column.clone(), ..Columns::default() };
        for (what, column) in &self.map {
            columns.set(what, column).map_err(anyhow::Error::msg)?;
        }
        let states = self.states.iter().flat_map(|meanings| meanings.0.clone()).collect();
        let (keep, whole_list, encoding) = (self.keep.clone(), self.whole_list, self.encoding);
        Ok(Options { columns, states, keep, whole_list, encoding, ..Options::default() })
    }
}

pub(super) fn run(context: &Context, config: &Config, store: &mut dyn Store, args: &Args) -> anyhow::Result<Exit> {
    let options = args.options()?;
    let (shown, mut list) = match args.file.as_str() {
        "-" => ("stdin", spooled(&mut io::stdin().lock()).context("failed to read stdin")?),
        file => {
            let found = Project::new("").open_if_exists(file)?.ok_or_else(|| no_file(file))?;
            (file, rewindable(found).with_context(|| format!("failed to read `{file}`"))?)
        }
    };
    let imported = match args.dry_run {
        true => dry_run::import(store, shown, &mut list, &options)?,
        false => import(context, store, shown, &mut list, &options, &mut |_| {})?,
    };
    show(context, &imported.findings);
    if config.mails_over_smtp() {
        context.report.findings(imported.smtputf8.finding("subscriber").as_slice());
    }
    report(context, &imported, args.dry_run)?;
    Ok(if imported.findings.is_empty() { Exit::Done } else { Exit::Attention })
}

fn no_file(file: &str) -> Finding {
    let help =
        "check its name; unless it begins with `/`, the path is relative to the current folder, not to that of `--dir`";
    Finding::error("usage", format!("there is no file `{file}`")).help(help)
}

/// The document of `subscribers import`.
#[derive(Serialize)]
struct Document<'a> {
    /// Whether nothing was changed because of `--dry-run`.
    dry_run: bool,
    /// The service whose export the list is, if it was recognised.
    service: Option<&'a str>,
    /// How many subscribers of the list have each status, in the store or by the list.
    statuses: serde_json::Map<String, serde_json::Value>,
    /// How many were added.
    new: u64,
    /// How many were subscribers before.
    known: u64,
    /// How many rows repeat an address of the list.
    repeated: u64,
    /// How many are in the list but not active.
    away: u64,
    /// How many were forgotten and are never added.
    forgotten: u64,
    /// How many rows have no valid address.
    bad: usize,
}

/// Shows what the import did, or would do.
fn report(context: &Context, imported: &ImportReport, is_dry_run: bool) -> anyhow::Result<()> {
    let ImportReport { service, added: Added { new, known, repeated, away, forgotten, by_status }, findings, .. } =
        imported;
    let bad = findings.len();
    if context.report.json {
        let statuses = Status::ALL.map(|status| (status.as_str().to_owned(), by_status.of(status).into()));
        return context.report.document(&Document {
            dry_run: is_dry_run,
            service: *service,
            statuses: statuses.into_iter().collect(),
            new: *new,
            known: *known,
            repeated: *repeated,
            away: *away,
            forgotten: *forgotten,
            bad,
        });
    }
    if let Some(service) = service {
        context
            .report
            .message(&format!("This is an export of {service}: only the columns that `--keep` names are kept."));
    }
    if is_dry_run {
        context.report.message("Nothing was changed. An import would do this:");
    }
    let row = |word: &str, count: u64, meaning: &str| vec![word.to_owned(), with_commas(count), meaning.to_owned()];
    let statuses = Status::ALL.into_iter().filter(|status| *status == Status::Active || by_status.of(*status) > 0);
    let mut table: Vec<Vec<String>> =
        statuses.map(|status| row(status.as_str(), by_status.of(status), meaning(status))).collect();
    table.extend([
        row("new", *new, "added"),
        row("known", *known, "subscribers before, unchanged"),
        row("repeated", *repeated, "more than once in the file, added once"),
        row("away", *away, "not active, will get no mail"),
    ]);
    table.extend((*forgotten > 0).then(|| row("forgotten", *forgotten, "asked to be forgotten, never added")));
    table.push(row("bad", bad as u64, "rows without a valid address"));
    context.report.table(&table)
}

fn meaning(status: Status) -> &'static str {
    match status {
        Status::Active => "will get mail",
        Status::Unconfirmed => "never confirmed, will get no mail",
        Status::Unsubscribed | Status::Bounced | Status::Complained | Status::Suppressed => "will get no mail",
    }
}

/// A number with thousands separators: `1,204`.
fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// Shows the first bad rows: a wrong column makes every row a bad one.
pub(in crate::cli) fn show(context: &Context, findings: &[Finding]) {
    const MAX_SHOWN: usize = 100;
    context.report.first_findings(findings, MAX_SHOWN);
    if findings.len() > MAX_SHOWN {
        context.report.message(&format!("And {} more bad rows; `--json` lists them all.", findings.len() - MAX_SHOWN));
    }
}

/// Imports the list that `mail.subscribers` names, if it is set.
pub(in crate::cli) fn import_list(context: &Context, config: &Config, store: &mut dyn Store) -> anyhow::Result<Exit> {
    let Some(list) = config.mail.as_ref().and_then(|mail| mail.subscribers.as_ref()) else { return Ok(Exit::Done) };
    let mut file = open(context, list)?;
    let (shown, mut named) = (list.file.to_string_lossy(), ListedAddresses::default());
    let mut each = |new: &NewSubscriber| named.add(&new.address);
    let imported = import(context, store, &shown, &mut file, &list.options, &mut each)?;
    show(context, &imported.findings);
    if !imported.findings.is_empty() {
        // Subscribers that seem to be missing may be in a bad row.
        return Ok(Exit::Attention);
    }
    let missing = named.note(store, &shown)?;
    context.report.findings(missing.as_slice());
    Ok(if missing.is_none() { Exit::Done } else { Exit::Attention })
}

/// Calls `each` with the subscribers that `import_list` would add, and returns the problems of the list.
pub(in crate::cli) fn each_new_subscriber(
    context: &Context,
    config: &Config,
    store: &dyn Store,
    each: &mut dyn FnMut(NewSubscriber) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Finding>> {
    let Some(list) = config.mail.as_ref().and_then(|mail| mail.subscribers.as_ref()) else { return Ok(Vec::new()) };
    dry_run::each_new_subscriber(store, &list.file.to_string_lossy(), &mut open(context, list)?, &list.options, each)
}

/// Opens the list that `mail.subscribers` names.
fn open(context: &Context, list: &SubscriberList) -> anyhow::Result<File> {
    const HELP: &str =
        "put a CSV file with a column `email` there, or fix or remove `mail.subscribers` in the project file";
    let file = context.project.open_if_exists(&list.file)?;
    let path = context.project.path(&list.file);
    let missing = || {
        Finding::error("subscribers-missing", format!("the list of subscribers `{}` does not exist", path.display()))
    };
    let file = file.ok_or_else(|| missing().help(HELP))?;
    rewindable(file).with_context(|| format!("failed to read `{}`", path.display()))
}

/// A file that can be read more than once; a pipe is copied to a temporary file.
fn rewindable(mut file: File) -> io::Result<File> {
    if file.stream_position().is_ok() { Ok(file) } else { spooled(&mut file) }
}

/// A temporary file, without a name, with all that can be read.
fn spooled(once: &mut dyn Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(once, &mut file)?;
    Ok(file)
}

fn import(
    context: &Context,
    store: &mut dyn Store,
    shown: &str,
    list: &mut dyn Rewindable,
    options: &Options,
    each: &mut dyn FnMut(&NewSubscriber),
) -> anyhow::Result<ImportReport> {
    let bar = context.report.progress(0, "importing");
    let mut each = |row: Option<&NewSubscriber>| {
        bar.inc(1);
        row.into_iter().for_each(&mut *each);
    };
    let imported = subscription::import(store, shown, list, options, context.clock.now(), &mut each);
    bar.finish_and_clear();
    imported
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1000, 1204, 1_000_000].map(with_commas);
        assert_eq!(shown, ["0", "999", "1,000", "1,204", "1,000,000"]);
    }
}
