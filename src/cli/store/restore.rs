//! `slugline store restore`: brings the store back from a backup.

use std::path::Path;

use serde::Serialize;

use crate::cli::{Context, Exit, send};
use crate::config::Config;
use crate::disk::machine;
use crate::finding::Finding;
use crate::send::mailing_record::{MailingRecord, newest_run};
use crate::store::Location;
use crate::store::backup::{ReplacedStore, Restore, RestoreOutcome, RestoreReport};
use crate::store::moving::Table;

/// The document of `store restore`.
#[derive(Serialize)]
struct Document<'a> {
    /// When the backup was made (RFC 3339).
    backup_of: String,
    /// Number of subscribers.
    subscribers: u64,
    /// Number of mailings.
    mailings: u64,
    /// How many recipients have the state `unknown` because they waited when the backup was made.
    unknown: u64,
    /// Where the store that was replaced is kept; `null` if there was none.
    replaced: Option<&'a Path>,
    /// How many unsubscribed since the backup, according to the replaced store.
    left_since: u64,
    /// How many subscribed since the backup, according to the replaced store.
    joined_since: u64,
    /// How many were forgotten since the backup, according to the replaced store.
    forgotten_since: u64,
}

pub(super) fn run(context: &Context, config: &Config, file: &Path) -> anyhow::Result<Exit> {
    let now = context.clock.now();
    let project_file = context.project_file();
    let record = MailingRecord::new(&context.project, &project_file);
    let recorded = record.read()?;
    let path = context.project.path(file);
    let restore = Restore { file: &path, runs: newest_run(&recorded), run: machine::this_run(now), now };
    let bar = context.report.progress(0, "restoring");
    let mut each = |total| {
        bar.set_length(total);
        bar.inc(1);
    };
    let restored = match &config.store {
        Location::Sqlite(place) => restore.to_file(&context.project.path(place), &mut each),
        server @ Location::Postgres(_) => {
            let mut to = context.movable_store(server, None)?;
            restore.to_server(&mut *to, context.project.folder(), &mut each)
        }
    };
    bar.finish_and_clear();
    let outcome = match restored? {
        RestoreOutcome::Done(outcome) => outcome,
        RestoreOutcome::Busy(other) => return Err(send::busy(other.as_ref()).into()),
    };
    show(context, &outcome)?;
    let behind = record.refusal(&*context.store(config)?)?;
    let warned: Vec<Finding> = findings(&outcome).into_iter().chain(behind).collect();
    context.report.findings(&warned);
    Ok(if warned.is_empty() { Exit::Done } else { Exit::Attention })
}

fn show(context: &Context, outcome: &RestoreReport) -> anyhow::Result<()> {
    let RestoreReport { made, counts, unknown, replaced } = outcome;
    let [subscribers, mailings] = [Table::Subscriber, Table::Mailing].map(|table| counts.of(table));
    let carried = replaced.as_ref().map(|replaced| replaced.carried).unwrap_or_default();
    let document = Document {
        backup_of: made.to_rfc3339(),
        subscribers,
        mailings,
        unknown: *unknown,
        replaced: replaced.as_ref().map(|replaced| replaced.file.as_path()),
        left_since: carried.left,
        joined_since: carried.joined,
        forgotten_since: carried.forgotten,
    };
    let made = made.format("%Y-%m-%d %H:%M:%S");
    let line = format!("restored from a backup of {made} UTC: {subscribers} subscribers, {mailings} mailings");
    context.report.result(&line, &document)?;
    if let Some(ReplacedStore { file, carried }) = replaced {
        context.report.message(&format!(
            "The replaced store is kept as `{}`. Since the backup, according to it, {} unsubscribed, {} subscribed, and {} were \
             forgotten: this was carried over.",
            file.display(),
            carried.left,
            carried.joined,
            carried.forgotten,
        ));
    }
    Ok(())
}

/// What needs attention.
fn findings(outcome: &RestoreReport) -> Vec<Finding> {
    let mut findings = Vec::new();
    if outcome.unknown > 0 {
        let message = format!(
            "it is unknown whether {} recipients that waited when the backup was made got their mail since",
            outcome.unknown
        );
        let help = "`slugline status --state unknown` lists them, `slugline resolve` decides";
        findings.push(Finding::warning("unknown-recipients", message).help(help));
    }
    let replaced = outcome.replaced.as_ref();
    if !replaced.is_some_and(|replaced| replaced.carried.is_whole) {
        let since = outcome.made.format("%Y-%m-%d %H:%M:%S");
        let message =
            format!("those who unsubscribed after {since} UTC are active again, and those who subscribed are missing");
        let help = match replaced {
            Some(ReplacedStore { file, .. }) => format!(
                "not all of `{}` could be read: try `sqlite3 {} .recover`, and remove those who unsubscribed with `slugline \
                 subscribers remove`",
                file.display(),
                file.display()
            ),
            None => {
                "look for unsubscribe requests in your mailbox and the reports of your mail server, and apply them with `slugline \
                     subscribers remove`"
                    .to_owned()
            }
        };
        findings.push(Finding::warning("store-older", message).help(help));
    }
    findings
}
