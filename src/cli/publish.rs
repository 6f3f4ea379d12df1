//! `slugline publish`: build, then send what is due. The complete job, for cron.

use std::mem;

use serde::Serialize;

use crate::cli::build;
use crate::cli::built::{self, BuildDocument};
use crate::cli::report::FindingRow;
use crate::cli::send::document::{SendDocument, Stopped};
use crate::cli::send::transactional_messages::{Sent, TransactionalMessages, TransactionalRow};
use crate::cli::send::{self, Asked, summary};
use crate::cli::{Context, Exit};
use crate::config::Config;
use crate::finding::Finding;
use crate::identity::LockMode;
use crate::issue::Issue;
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
    /// The transactional messages of this run, if any were sent or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    transactional: Option<TransactionalRow<'a>>,
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

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let mut loaded = load::issues(&context.project, &config, context.build_clock.now())?;
    let (mut renames, others) = mem::take(&mut loaded.findings).into_iter().partition(is_possible_rename);
    loaded.findings = others;
    let now = context.build_clock.now();
    let build = publish::build(&context.project, &config, &loaded.issues, &config.output, now, LockMode::Write)?;
    let findings = build::findings(context, &loaded, &build);
    let mut exit = build::exit(findings);
    let (report, messages, mailed) = match config.mail {
        Some(_) => mail(context, &config, &loaded.issues, args)?,
        None => (None, Sent::default(), Exit::Done),
    };
    exit = exit.max(mailed);
    // Sending reports those that are due, as errors.
    let held = report.iter().flat_map(|report| &report.findings).filter(|finding| finding.is_error());
    renames.retain(|warning: &Finding| !held.clone().any(|error| error.place == warning.place));
    context.report.findings(&renames);
    if context.report.json {
        let stopped = report.as_ref().and_then(|report| summary::stopped(report)).cloned();
        let mail = report.as_ref().map(MailRow::of);
        let document = Document { build: BuildDocument::of(&build), mail, transactional: messages.row() };
        context.report.document(&Stopped::new(document, stopped.as_ref()))?;
    } else {
        built::show(context, &build)?;
        report.as_ref().map_or(Ok(()), |report| summary::show(context, report))?;
        messages.show(context)?;
    }
    exit = exit.max(messages.problems(context));
    Ok(report.map_or(exit, |report| exit.max(summary::problems(context, &report))))
}

/// Sends what is due, and transactional messages; returns the exit code of the import too.
fn mail(
    context: &Context,
    config: &Config,
    issues: &[Issue],
    Args { first, yes }: &Args,
) -> anyhow::Result<(Option<SendReport>, Sent, Exit)> {
    let mut store = context.store(config)?;
    let (sender, admission) = (TransactionalMessages::new(context, config), send::admission(config, *first));
    let mailed = send::admit_and_mail(&sender, &mut *store, issues, &admission, Asked::due(*yes));
    let messages = sender.send_rest(&mut *store);
    match mailed {
        Ok((SendOutcome::Done(report), imported)) => Ok((Some(*report), messages, imported)),
        Ok((SendOutcome::Declined, imported)) => Ok((None, messages, imported)),
        Ok((SendOutcome::Busy(other), imported)) => {
            context.report.message(&format!("Nothing was sent: {}.", send::busy(other.as_ref())));
            Ok((None, messages, imported))
        }
        Err(error) => Err(messages.show_before(context, error)?),
    }
}

fn is_possible_rename(finding: &Finding) -> bool {
    finding.rule == load::POSSIBLE_RENAME
}
