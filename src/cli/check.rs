//! `slugline check`: the problems that an editor wants to know before subscribers do.

use std::num::NonZeroUsize;

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde::Serialize;

use crate::check::Smtputf8Addresses;
use crate::check::rules::{self, Rule};
use crate::cli::report::severity;
use crate::cli::{Context, Exit};
use crate::config::Config;
use crate::finding::{Finding, nearest};
use crate::load::{self, InvalidConfig, Issues};
use crate::review::{self, Review};
use crate::store::Location;
use crate::subscriber::Status;

mod github;
mod json;
mod sarif;
mod summary;

/// Check content, feeds and configuration
///
/// Writes nothing. Every finding names its rule, its place in your file, and what to do; of more than ten of a rule, the
/// first five are shown. The exit code is 1 if there is an error, with --strict if there is any finding. Switch a rule off by its name in the project file:
/// `check: {off: [image-alt-missing]}`.
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline check\n  slugline check latest --strict\n  slugline check --newest 10\n  slugline check --format github"
)]
pub(super) struct Args {
    /// Issues to check: slug, path or `latest` (the newest one published) [default: all, and the project file]
    #[arg(value_name = "ISSUE")]
    issues: Vec<String>,
    /// Check the newest N issues only
    #[arg(long, value_name = "N", conflicts_with = "issues")]
    newest: Option<NonZeroUsize>,
    /// Show the findings of this rule only, all of them; repeatable
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
    /// Output format [default: text]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Exit with 1 on warnings too
    #[arg(long)]
    strict: bool,
    /// List all rules and check nothing
    #[arg(long, conflicts_with_all = ["issues", "newest", "rule", "format", "strict"])]
    rules: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One document, as `--json`
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0, for tools that collect findings
    Sarif,
}

impl Args {
    /// Whether `--format` asks for the document of `--json`.
    pub fn asks_for_json(&self) -> bool {
        self.format == Some(Format::Json)
    }
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if context.report.json && args.format.is_some_and(|format| format != Format::Json) {
        let error = Finding::error("usage", "`--json` and `--format` ask for different formats");
        return Err(error.help("give one of the two").into());
    }
    if args.rules {
        return list_rules(context).map(|()| Exit::Done);
    }
    let format = args.format.unwrap_or(if context.report.json { Format::Json } else { Format::Text });
    let config = match load::config(&context.project, &context.config_file) {
        Ok(config) => config,
        Err(error) => {
            if let Some(invalid) = error.downcast_ref::<InvalidConfig>() {
                write_invalid(context, format, &invalid.findings)?;
            }
            return Err(error);
        }
    };
    let loaded = load::issues(&context.project, &config, context.build_clock.now())?;
    let now = context.build_clock.now();
    args.rule.iter().try_for_each(|rule| known(rule))?;
    let named = paths(args, &loaded, now)?;
    let mut review = review::review(&context.project, &context.config_file, &config, &loaded, &named, now)?;
    if named.is_empty() {
        review.findings.extend(smtputf8(context, &config)?);
    }
    review.findings.retain(|finding| args.rule.is_empty() || args.rule.iter().any(|rule| rule == finding.rule));
    match format {
        Format::Text => summary::show(context, &review, !args.rule.is_empty())?,
        _ => write(context, format, &review, &folder(context))?,
    }
    context.report.message(&summary::line(&review));
    let counts = |finding: &Finding| args.strict || finding.is_error();
    Ok(if review.findings.iter().any(counts) { Exit::Attention } else { Exit::Done })
}

/// The paths of the issues to check; empty for all of them, and the project file.
fn paths(args: &Args, loaded: &Issues, now: DateTime<Utc>) -> anyhow::Result<Vec<String>> {
    match args.newest {
        Some(newest) => Ok(loaded.issues.iter().take(newest.get()).map(|issue| issue.path.clone()).collect()),
        None => args.issues.iter().map(|name| review::path_of(loaded, name, now)).collect(),
    }
}

/// Fails if there is no rule with this name.
fn known(name: &str) -> anyhow::Result<()> {
    if rules::named(name).is_some() {
        return Ok(());
    }
    let help = match nearest(name, rules::all().map(|rule| rule.name)) {
        Some(rule) => format!("did you mean `{rule}`?"),
        None => "`slugline check --rules` lists all rules".to_owned(),
    };
    Err(Finding::error("usage", format!("there is no rule `{name}`")).help(help).into())
}

/// The finding about subscribers whose addresses need SMTPUTF8. A store that does not exist is not created, and one on a
/// server is not opened: `check` runs where there is no password.
fn smtputf8(context: &Context, config: &Config) -> anyhow::Result<Option<Finding>> {
    let Location::Sqlite(file) = &config.store else { return Ok(None) };
    if !config.mails_over_smtp()
        || config.check.off.iter().any(|rule| rule == "address-smtputf8")
        || !context.project.path(file).is_file()
    {
        return Ok(None);
    }
    let (store, mut found) = (context.store(config)?, Smtputf8Addresses::default());
    store.each_subscriber(Some(Status::Active), &mut |subscriber| {
        found.add(&subscriber.address);
        Ok(())
    })?;
    Ok(found.finding("subscriber"))
}

/// The prefix of paths for tools that start from the working directory.
fn folder(context: &Context) -> String {
    let folder = context.project.folder();
    let shown = folder.to_string_lossy();
    let shown = shown.trim_start_matches("./").trim_end_matches('/');
    if folder.is_absolute() || shown.is_empty() || shown == "." { String::new() } else { format!("{shown}/") }
}

/// Writes what is wrong with the project file. As JSON it is part of the document of the error.
fn write_invalid(context: &Context, format: Format, findings: &[Finding]) -> anyhow::Result<()> {
    match format {
        Format::Json => context.report.findings(findings),
        _ => write(context, format, &Review { issues: 0, findings: findings.to_vec() }, "")?,
    }
    Ok(())
}

fn write(context: &Context, format: Format, review: &Review, folder: &str) -> anyhow::Result<()> {
    match format {
        Format::Text => context.report.found(&review.findings),
        Format::Json => context.report.document(&json::document(review)),
        Format::Github => context.report.text(&github::annotations(&review.findings, folder)),
        Format::Sarif => {
            let log = serde_json::to_string_pretty(&sarif::document(&review.findings, folder))?;
            context.report.text(&format!("{log}\n"))
        }
    }
}

/// A rule.
#[derive(Serialize)]
struct RuleRow<'a> {
    /// Name of the rule.
    rule: &'a str,
    /// `warning` or `error`.
    severity: &'static str,
    /// What it finds.
    about: &'a str,
    /// Why it matters, and what to do.
    help: &'a str,
}

fn list_rules(context: &Context) -> anyhow::Result<()> {
    if context.report.json {
        let row = |rule: &Rule| RuleRow {
            rule: rule.name,
            severity: severity(rule.severity),
            about: rule.about,
            help: rule.help,
        };
        return context.report.document(&rules::all().map(row).collect::<Vec<_>>());
    }
    let text =
        |rule: &Rule| format!("{} ({})\n  {}:\n  {}\n", rule.name, severity(rule.severity), rule.about, rule.help);
    context.report.text(&rules::all().map(text).collect::<Vec<_>>().join("\n"))
}
