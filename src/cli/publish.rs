//! `slugline publish`: build, then send what is due. The whole job, for cron.

use crate::cli::build;
use crate::cli::built::{self, CompanionRow, LockRow, PageRow, Row};
use crate::cli::report::FindingRow;
use crate::cli::send::{self, words};
use crate::cli::subscribers::import;
use crate::cli::{Context, Exit};
use crate::delivery::plan::Scope;
use crate::identity::LockMode;
use crate::send::{SendOutcome, SendReport};
use crate::{load, publish};

/// Write the feeds, then mail what is due: the whole job, for cron
///
/// Safe to run every minute: a feed that is up to date is not touched, nobody gets an issue twice, and a run that finds
/// another one sending leaves it alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  * * * * *  slugline --dir /srv/weekly --quiet publish")]
pub(super) struct Args {
    /// Mail from a store that is new, because nobody was ever mailed: without it a new store mails nobody over SMTP
    #[arg(long)]
    first: bool,
}

pub(super) fn run(context: &Context, Args { first }: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let loaded = load::issues(&context.project, &config)?;
    let now = context.build_clock.now();
    let build = publish::build(&context.project, &config, &loaded.issues, &config.output, now, LockMode::Write)?;
    let findings = build::findings(context, &loaded, &build);
    let mut exit = build::exit(&findings);
    let mut report: Option<SendReport> = None;
    if config.mail.is_some() {
        let mut store = context.store(&config)?;
        send::admit(context, &*store, &send::admission(&config, *first))?;
        exit = exit.max(import::import_list(context, &config, &mut *store)?);
        match send::mail(context, &config, &loaded.issues, &mut *store, Scope::Due, None)? {
            SendOutcome::Done(done) => report = Some(*done),
            SendOutcome::Busy(other) => {
                context.report.message(&format!("Nothing was mailed: {}.", send::busy(other.as_ref())))
            }
        }
    }
    if context.report.json {
        context.report.document(&serde_json::json!({
            "files": build.files.iter().map(Row::of).collect::<Vec<_>>(),
            "companions": build.companions.iter().map(CompanionRow::of).collect::<Vec<_>>(),
            "pages": build.pages.iter().map(PageRow::of).collect::<Vec<_>>(),
            "lock": build.lock.as_ref().map(LockRow::of),
            "mail": report.as_ref().map(words::document),
            "findings": findings.iter().map(|finding| FindingRow::of(finding)).collect::<Vec<_>>(),
        }))?;
    } else {
        context.report.table(&built::rows(&build))?;
        context.report.table(&report.as_ref().map(words::table).unwrap_or_default())?;
    }
    Ok(report.map_or(exit, |report| exit.max(words::trouble(context, &report))))
}
