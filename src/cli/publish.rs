//! `slugline publish`: build, then send what is due. The complete job, for cron.

use std::mem;

use serde::Serialize;

use crate::cli::build;
use crate::cli::built::{self, BuildDocument};
use crate::cli::report::FindingRow;
use crate::cli::send::document::{SendDocument, Stopped};
use crate::cli::send::{self, summary};
use crate::cli::subscribers::import;
use crate::cli::{Context, Exit};
use crate::delivery::plan::Scope;
use crate::finding::Finding;
use crate::identity::LockMode;
use crate::send::{SendOutcome, SendReport};
use crate::{load, publish};

/// Write the feeds, then send what is due: the complete job, for cron
///
/// Safe to run every minute: a feed that is up to date is not written, no subscriber gets an issue twice, and only one run sends at
/// a time.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  * * * * *  slugline --dir /srv/weekly --quiet publish")]
pub(super) struct Args {
    /// Confirm that nothing was ever sent: without it nothing is sent over SMTP from a new store
    #[arg(long)]
    first: bool,
    /// Do not ask before a mailing begins; without a terminal nothing is asked
    #[arg(long)]
    yes: bool,
}

/// The document of `publish`.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    build: BuildDocument<'a>,
    /// What `send` writes; `null` if nothing was sent because the project has no `mail` or another run is sending.
    mail: Option<MailRow<'a>>,
}

/// The sending of `publish`.
#[derive(Serialize)]
struct MailRow<'a> {
    #[serde(flatten)]
    send: SendDocument<'a>,
    /// Those about mail, which are among the `findings` of the document too.
    findings: Vec<FindingRow<'a>>,
}

impl<'a> MailRow<'a> {
    fn of(report: &'a SendReport) -> Self {
        let findings = report.findings.iter().chain(&report.warnings).map(FindingRow::of).collect();
        Self { send: SendDocument::of(report), findings }
    }
}

pub(super) fn run(context: &Context, Args { first, yes }: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let mut loaded = load::issues(&context.project, &config)?;
    let (mut renames, others) = mem::take(&mut loaded.findings).into_iter().partition(is_possible_rename);
    loaded.findings = others;
    let now = context.build_clock.now();
    let build = publish::build(&context.project, &config, &loaded.issues, &config.output, now, LockMode::Write)?;
    let findings = build::findings(context, &loaded, &build);
    let mut exit = build::exit(findings);
    let mut report: Option<SendReport> = None;
    if config.mail.is_some() {
        let mut store = context.store(&config)?;
        send::admit(context, &*store, &send::admission(&config, *first))?;
        exit = exit.max(import::import_list(context, &config, &mut *store)?);
        match send::mail(context, &config, &loaded.issues, &mut *store, Scope::Due, *yes)? {
            SendOutcome::Done(done) => report = Some(*done),
            SendOutcome::Declined => {}
            SendOutcome::Busy(other) => {
                context.report.message(&format!("Nothing was sent: {}.", send::busy(other.as_ref())))
            }
        }
    }
    // Sending reports those that are due, as errors.
    let held = report.iter().flat_map(|report| &report.findings).filter(|finding| finding.is_error());
    renames.retain(|warning: &Finding| !held.clone().any(|error| error.place == warning.place));
    context.report.findings(&renames);
    if context.report.json {
        let stopped = report.as_ref().and_then(|report| summary::stopped(report)).cloned();
        let mail = report.as_ref().map(MailRow::of);
        let document = Document { build: BuildDocument::of(&build), mail };
        context.report.document(&Stopped::new(document, stopped.as_ref()))?;
    } else {
        built::show(context, &build)?;
        report.as_ref().map_or(Ok(()), |report| summary::show(context, report))?;
    }
    Ok(report.map_or(exit, |report| exit.max(summary::problems(context, &report))))
}

fn is_possible_rename(finding: &Finding) -> bool {
    finding.rule == load::POSSIBLE_RENAME
}
