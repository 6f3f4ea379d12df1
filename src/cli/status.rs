//! `slugline status`: the mailings of the ledger, and the state of their recipients.

use std::io::{BufWriter, Write as _};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::bounce::Class;
use crate::cli::report::Columns;
use crate::cli::{Context, Exit};
use crate::config::Config;
use crate::disk::Written;
use crate::finding::{Finding, Severity};
use crate::issue::{Issue, IssueId};
use crate::ledger::{Delivery, Mailing, State, StateCounts};
use crate::load;
use crate::send::lookup;
use crate::send::mailing_record::MailingRecord;
use crate::statistics::page::{LeftView, MailingView};
use crate::statistics::{self, Aggregator};
use crate::store::{Store, StoreError};
use crate::unsubscription::Channel;

pub(super) mod document;

/// Show the state of each mailing
///
/// One line per issue or digest that was sent, newest first: the number of recipients, and how many are in each state.
/// `unknown` recipients may or may not have the mail; see `slugline resolve`. Below, why recipients bounced, and how many
/// subscribers left in the last 30 days, and how.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline status\n  slugline status latest --recipients --state unknown\n  slugline status latest --html status.html\n  slugline status --json"
)]
pub(super) struct Args {
    /// Slug or path of an issue, `latest` (the newest one for email), or a digest such as `digest:2026-W47` [default: all mailings]
    issue: Option<String>,
    /// List the recipients
    #[arg(long)]
    recipients: bool,
    /// Only recipients in this state; implies `--recipients`
    #[arg(long, value_name = "STATE", value_parser = states())]
    state: Option<State>,
    /// Write an HTML page with charts too: over time, by domain, by outcome. It names no recipient; `-` writes only the page,
    /// to stdout
    #[arg(long, value_name = "FILE")]
    html: Option<String>,
}

/// The file that means stdout.
const STDOUT: &str = "-";

/// The states by name, for the help and the completions.
fn states() -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(State::ALL.map(State::as_str))
        .try_map(|word| State::from_word(&word).ok_or("there is no such state"))
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if args.html.as_deref() == Some(STDOUT) && (context.report.json || args.recipients || args.state.is_some()) {
        let error =
            Finding::error("usage", "`--html -` writes the page to stdout, so nothing else can be written there");
        return Err(error.help("name a file, such as `--html status.html`").into());
    }
    let config = context.config()?;
    let issues = load::issues(&context.project, &config, context.clock.now())?.issues;
    let store = context.store(&config)?;
    let mut mailings = store.mailings()?;
    if let Some(name) = &args.issue {
        let mailed = lookup::ledger_key(&*store, &context.find(&config, &issues, name, context.clock.now())?)?;
        mailings.retain(|mailing| mailing.issue.edition().0 == mailed.edition().0);
    }
    let mut rows = Vec::new();
    for mailing in &mailings {
        rows.push(row(&*store, mailing, &issues, config.publication.time_zone)?);
    }
    let left = Left::read(&*store, context.clock.now())?;
    if let Some(file) = &args.html {
        let page = page(&config, &*store, &rows, &issues, &left)?;
        write_page(context, file, &page)?;
    }
    let behind = behind(context, &*store)?;
    if args.html.as_deref() != Some(STDOUT) {
        let messages = if args.issue.is_none() { store.message_counts()? } else { StateCounts::default() };
        show(context, &*store, &rows, args, &Rest { left, messages, findings: &behind })?;
    }
    context.report.findings(&behind);
    let waiting =
        !behind.is_empty() || rows.iter().any(|row| row.counts.of(State::Failed) + row.counts.of(State::Unknown) > 0);
    Ok(if waiting { Exit::Attention } else { Exit::Done })
}

/// A warning where `send` would refuse to mail from this store.
fn behind(context: &Context, store: &dyn Store) -> anyhow::Result<Vec<Finding>> {
    let project_file = context.project_file();
    let refusal = MailingRecord::new(&context.project, &project_file).refusal(store)?;
    Ok(refusal.map(|finding| Finding { severity: Severity::Warning, ..finding }).into_iter().collect())
}

fn row(store: &dyn Store, mailing: &Mailing, issues: &[Issue], time_zone: Tz) -> anyhow::Result<Row> {
    let name = match (issue_of(&mailing.issue, issues), mailing.issue.edition().1) {
        (None, _) => mailing.issue.to_string(),
        (Some(issue), 1) => issue.slug.to_string(),
        (Some(issue), edition) => format!("{} (edition {edition})", issue.slug),
    };
    let begun = mailing.frozen_at.with_timezone(&time_zone).format("%Y-%m-%d %H:%M").to_string();
    let counts = store.counts(&mailing.issue)?;
    let bounces = if counts.of(State::Bounced) > 0 { store.bounces(&mailing.issue)? } else { Vec::new() };
    Ok(Row { name, begun, mailing: mailing.clone(), counts, bounces })
}

/// The page of these mailings. Recipients are counted as they are read, never kept in memory.
fn page(config: &Config, store: &dyn Store, rows: &[Row], issues: &[Issue], left: &Left) -> anyhow::Result<String> {
    let rows: Vec<&Row> = rows.iter().filter(|row| !row.is_adopted()).collect();
    let mut all = Vec::with_capacity(rows.len());
    for Row { mailing, .. } in &rows {
        let mut gathering = Aggregator::of(mailing, config.publication.time_zone);
        store.each_delivery(&mailing.issue, None, &mut |delivery| {
            gathering.add(&delivery);
            Ok(())
        })?;
        all.push((title(mailing, issues), gathering.close()));
    }
    let shown: Vec<MailingView<'_>> = rows
        .iter()
        .zip(&all)
        .map(|(row, (title, statistics))| MailingView { name: &row.name, title, statistics })
        .collect();
    statistics::page::page(&config.publication, &shown, LeftView { days: Left::DAYS, by_channel: &left.by_channel })
}

/// The title of a mailing: of its issue, of the issues in a digest, or the id of an issue that is gone.
fn title(mailing: &Mailing, issues: &[Issue]) -> String {
    let held = mailing.digest.as_ref().map_or(std::slice::from_ref(&mailing.issue), |digest| &digest.issues);
    let title =
        |id: &IssueId| issue_of(id, issues).map_or_else(|| id.to_string(), |issue| issue.plain_title().into_owned());
    held.iter().map(title).collect::<Vec<_>>().join(" · ")
}

/// The issue with this mailing id, of any edition.
fn issue_of<'a>(mailed: &IssueId, issues: &'a [Issue]) -> Option<&'a Issue> {
    let (id, _) = mailed.edition();
    issues.iter().find(|issue| issue.id.as_str() == id)
}

fn write_page(context: &Context, file: &str, page: &str) -> anyhow::Result<()> {
    if file == STDOUT {
        return context.report.text(page);
    }
    match context.project.write(file, page.as_bytes())? {
        Written::Unchanged => context.report.message(&format!("`{file}` is up to date.")),
        Written::New | Written::Changed => context.report.message(&format!("Wrote `{file}`.")),
    }
    Ok(())
}

/// One mailing, as shown.
struct Row {
    name: String,
    /// When it began, in the time zone of the publication.
    begun: String,
    mailing: Mailing,
    counts: StateCounts,
    /// How many bounced, by what the bounces mean.
    bounces: Vec<(Class, u64)>,
}

impl Row {
    /// Whether another store sent it, so that only the number of recipients is known.
    fn is_adopted(&self) -> bool {
        self.counts.total() == 0 && self.mailing.expected > 0
    }
}

/// How many subscribers left recently.
struct Left {
    since: DateTime<Utc>,
    by_channel: Vec<(Channel, u64)>,
}

impl Left {
    const DAYS: i64 = 30;

    fn read(store: &dyn Store, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let since = now - TimeDelta::days(Self::DAYS);
        Ok(Self { since, by_channel: store.unsubscriptions_since(since)? })
    }

    fn by(&self, channel: Channel) -> u64 {
        self.by_channel.iter().find(|(one, _)| *one == channel).map_or(0, |(_, count)| *count)
    }

    fn table(&self) -> Vec<Vec<String>> {
        let row = |(channel, count): &(Channel, u64)| vec![channel.to_string(), count.to_string()];
        let head = vec!["left by".to_owned(), format!("in {} days", Self::DAYS)];
        std::iter::once(head).chain(self.by_channel.iter().map(row)).collect()
    }
}

/// What is shown beside the mailings.
struct Rest<'a> {
    left: Left,
    /// How many transactional messages are in each state.
    messages: StateCounts,
    findings: &'a [Finding],
}

fn show(context: &Context, store: &dyn Store, rows: &[Row], args: &Args, rest: &Rest<'_>) -> anyhow::Result<()> {
    let wanted = (args.recipients || args.state.is_some()).then_some(args.state);
    if context.report.json {
        return context.report.long_document(|out| document::write(store, rows, wanted, rest, out));
    }
    if let Some(line) = status_line(&rest.messages) {
        context.report.message(&line);
    }
    if rows.is_empty() {
        context.report.message("Nothing was sent yet.");
    } else {
        context.report.table(&table(rows))?;
    }
    if rows.iter().any(|row| !row.bounces.is_empty()) {
        context.report.text("\n")?;
        context.report.table(&bounces(rows))?;
    }
    if args.issue.is_none() && !rest.left.by_channel.is_empty() {
        context.report.text(if rows.is_empty() { "" } else { "\n" })?;
        context.report.table(&rest.left.table())?;
    }
    if rows.iter().any(Row::is_adopted) {
        context.report.message("`?`: sent from a store that is gone; its recipients are not known here.");
    }
    let Some(state) = wanted else { return Ok(()) };
    rows.iter().try_for_each(|row| recipients(context, store, row, state))
}

/// Writes the recipients of a mailing, only those in `state` if given. They are read twice, because they may not fit in
/// memory.
fn recipients(context: &Context, store: &dyn Store, row: &Row, state: Option<State>) -> anyhow::Result<()> {
    let (mut columns, mut are_any) = (Columns::default(), false);
    store.each_delivery(&row.mailing.issue, state, &mut |delivery| {
        are_any = true;
        columns.measure(&recipient(&delivery));
        Ok(())
    })?;
    if !are_any {
        return Ok(());
    }
    let mut out = BufWriter::new(context.report.stdout());
    out.write_all(b"\n")?;
    store.each_delivery(&row.mailing.issue, state, &mut |delivery| {
        Ok(out.write_all(columns.line(&recipient(&delivery)).as_bytes())?)
    })?;
    Ok(out.flush()?)
}

/// The table of mailings, with a column for each state that occurs.
fn table(rows: &[Row]) -> Vec<Vec<String>> {
    let occurs = |state: &State| *state == State::Sent || rows.iter().any(|row| row.counts.of(*state) > 0);
    let states: Vec<State> = State::ALL.into_iter().filter(occurs).collect();
    let mut head = ["issue", "begun", "recipients"].map(str::to_owned).to_vec();
    head.extend(states.iter().map(ToString::to_string));
    let mut table = vec![head];
    for row in rows {
        let mut cells = vec![row.name.clone(), row.begun.clone(), row.mailing.expected.to_string()];
        let count = |state: &State| if row.is_adopted() { "?".to_owned() } else { row.counts.of(*state).to_string() };
        cells.extend(states.iter().map(count));
        table.push(cells);
    }
    table
}

/// The table of bounces: a row for each mailing that has some, a column for each class that occurs.
fn bounces(rows: &[Row]) -> Vec<Vec<String>> {
    let count =
        |row: &Row, class: Class| row.bounces.iter().find(|(one, _)| *one == class).map_or(0, |(_, count)| *count);
    let classes: Vec<Class> =
        Class::ALL.into_iter().filter(|class| rows.iter().any(|row| count(row, *class) > 0)).collect();
    let mut table = vec![vec!["bounced".to_owned()]];
    table[0].extend(classes.iter().map(ToString::to_string));
    for row in rows.iter().filter(|row| !row.bounces.is_empty()) {
        let mut cells = vec![row.name.clone()];
        cells.extend(classes.iter().map(|class| count(row, *class).to_string()));
        table.push(cells);
    }
    table
}

/// The transactional messages that wait, or of which it is unknown whether they arrived.
fn status_line(counts: &StateCounts) -> Option<String> {
    let counted = [(counts.open(), "waiting"), (counts.of(State::Unknown), "unknown")];
    let counted: Vec<String> =
        counted.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    (!counted.is_empty()).then(|| format!("Transactional messages: {}.", counted.join(", ")))
}

fn recipient(delivery: &Delivery) -> Vec<String> {
    let reply = delivery.reply.clone().unwrap_or_default();
    vec![delivery.address_or_forgotten().to_owned(), delivery.state_in_words(), reply]
}

/// The number of recipients in each state, by its name.
pub(super) fn counted(counts: &StateCounts) -> serde_json::Map<String, serde_json::Value> {
    State::ALL.into_iter().map(|state| (state.as_str().to_owned(), counts.of(state).into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::assemble::{Source, assemble};
    use crate::content::front_matter::split;
    use crate::content::names::Names;

    #[test]
    fn every_edition_of_an_issue_has_its_title() {
        let config = Config::parse("slugline.yaml", "title: T\nbase_url: https://example.org\n").unwrap();
        let source = Source::of_path("content/surge.md", "surge.md");
        let block = split(source.path, b"---\ntitle: Surge\ndate: 2026-01-01\n---\n").unwrap();
        let issue =
            assemble(source, &block, &config.publication, &config.permalink, &mut Names::default()).issue.unwrap();
        for edition in [1, 2] {
            let issue = Issue { edition, ..issue.clone() };
            let mailing = Mailing {
                issue: issue.ledger_key(),
                digest: None,
                content_hash: String::new(),
                frozen_at: issue.date.to_utc(),
                expected: 1,
            };
            assert_eq!(title(&mailing, &[issue]), "Surge", "edition {edition}");
        }
    }
}
