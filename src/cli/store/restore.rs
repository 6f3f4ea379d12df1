//! `slugline store restore`: the store comes back from a backup.

use std::path::Path;

use crate::cli::{Context, Exit, send};
use crate::config::Config;
use crate::disk::machine;
use crate::finding::Finding;
use crate::send::mailing_record::{MailingRecord, newest_run};
use crate::store::Location;
use crate::store::backup::{ReplacedStore, Restore, RestoreOutcome, RestoreReport};
use crate::store::moving::Table;

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
    let document = serde_json::json!({
        "backup_of": made.to_rfc3339(),
        "subscribers": subscribers,
        "mailings": mailings,
        "unknown": unknown,
        "replaced": replaced.as_ref().map(|replaced| &replaced.file),
        "left_since": carried.left,
        "joined_since": carried.joined,
        "forgotten_since": carried.forgotten,
    });
    let made = made.format("%Y-%m-%d %H:%M:%S");
    let line = format!("restored from a backup of {made} UTC: {subscribers} subscribers, {mailings} mailings");
    context.report.result(&line, &document)?;
    if let Some(ReplacedStore { file, carried }) = replaced {
        context.report.message(&format!(
            "The store that stood here is kept as `{}`. Taken over from it: {} who left since the backup, {} who joined, and {} \
             who were forgotten.",
            file.display(),
            carried.left,
            carried.joined,
            carried.forgotten,
        ));
    }
    Ok(())
}

/// What a person has to know, or do.
fn findings(outcome: &RestoreReport) -> Vec<Finding> {
    let mut findings = Vec::new();
    if outcome.unknown > 0 {
        let message = format!(
            "nobody can know whether {} recipients who waited when the backup was made were mailed since",
            outcome.unknown
        );
        let help = "`slugline status --state unknown` names them, `slugline resolve` decides";
        findings.push(Finding::warning("unknown-recipients", message).help(help));
    }
    let replaced = outcome.replaced.as_ref();
    if !replaced.is_some_and(|replaced| replaced.carried.is_whole) {
        let since = outcome.made.format("%Y-%m-%d %H:%M:%S");
        let message = format!("whoever left after {since} UTC is active again, and whoever joined is not there");
        let help = match replaced {
            Some(ReplacedStore { file, .. }) => format!(
                "not all of `{}` could be read: try `sqlite3 {} .recover`, and remove those who left with `slugline subscribers \
                 remove`",
                file.display(),
                file.display()
            ),
            None => {
                "look for them in your mailbox and in the reports of your mail server, and remove them with `slugline \
                     subscribers remove`"
                    .to_owned()
            }
        };
        findings.push(Finding::warning("store-older", message).help(help));
    }
    findings
}
