//! What `send` and `publish` tell about a sending: a table, or the document of `--json`.

use std::time::Duration;

use chrono::TimeDelta;

use crate::cli::report::FindingRow;
use crate::cli::{Context, Exit, status};
use crate::delivery::test_send::TestResult;
use crate::digest::MailingContent;
use crate::email::EmailAddress;
use crate::finding::{Finding, Severity};
use crate::issue::{IssueId, Slug};
use crate::ledger::{Recovered, State};
use crate::send::dry_run::{DryRun, ExpectedMailing};
use crate::send::forecast::Forecast;
use crate::send::{MailingReport, SendReport};

/// Tells what became of test letters.
pub(in crate::cli) fn trial(
    context: &Context,
    content: &MailingContent<'_>,
    tried: &[TestResult],
) -> anyhow::Result<Exit> {
    let words = |tried: &TestResult| match &tried.result {
        Ok(reply) => vec![tried.to.to_string(), "sent".to_owned(), reply.clone()],
        Err(error) => vec![tried.to.to_string(), "failed".to_owned(), error.clone()],
    };
    let rows: Vec<Vec<String>> = tried.iter().map(words).collect();
    if context.report.json {
        let tests: Vec<_> =
            rows.iter().map(|row| serde_json::json!({ "address": row[0], "state": row[1], "reply": row[2] })).collect();
        context.report.document(&serde_json::json!({ "issue": content.slug().as_str(), "tests": tests }))?;
    } else {
        context.report.table(&rows)?;
    }
    Ok(if tried.iter().all(|tried| tried.result.is_ok()) { Exit::Done } else { Exit::Attention })
}

/// Calls what it is given with all who would get an issue or digest.
type EachRecipient<'a> =
    dyn Fn(&ExpectedMailing<'_>, &mut dyn FnMut(&EmailAddress) -> anyhow::Result<()>) -> anyhow::Result<()> + 'a;

/// Tells what would be mailed, and to whom where that is asked for.
pub(in crate::cli) fn dry_run(
    context: &Context,
    dry_run: &DryRun<'_>,
    each_recipient: &EachRecipient<'_>,
) -> anyhow::Result<Exit> {
    let findings: Vec<Finding> = dry_run.refused.iter().chain(&dry_run.findings).cloned().collect();
    context.report.findings(&findings);
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    let exit = match &dry_run.refused {
        Some(_) => Exit::Failed,
        None if findings.iter().any(is_error) => Exit::Attention,
        None => Exit::Done,
    };
    if context.report.json {
        let mailing = |expected: &ExpectedMailing<'_>| {
            let mut recipients = Vec::new();
            each_recipient(expected, &mut |address| {
                recipients.push(address.to_string());
                Ok(())
            })?;
            let mut mailing =
                serde_json::json!({ "issue": expected.content.slug().as_str(), "recipients": recipients });
            if let Some((first, wait)) = expected.first {
                mailing["canary"] = serde_json::json!({ "first": first, "wait_seconds": wait.num_seconds() });
            }
            if let MailingContent::Digest(digest) = &expected.content {
                mailing["holds"] = digest.issues.iter().map(|issue| issue.id.as_str()).collect();
            }
            anyhow::Ok(mailing)
        };
        let mailings = dry_run.mailings.iter().map(mailing).collect::<Result<Vec<_>, _>>()?;
        let findings: Vec<FindingRow<'_>> = findings.iter().map(FindingRow::of).collect();
        let warm_up = dry_run.forecast.as_ref().map(warm_up_document);
        context
            .report
            .document(&serde_json::json!({ "would_mail": mailings, "warm_up": warm_up, "findings": findings }))?;
        return Ok(exit);
    }
    if dry_run.mailings.is_empty() && exit == Exit::Done {
        context.report.message("Nothing is due.");
    }
    for expected in &dry_run.mailings {
        let count = expected.recipients;
        let slugs = || expected.content.issues().iter().map(|issue| issue.slug.as_str()).collect::<Vec<_>>().join(", ");
        let held = if matches!(expected.content, MailingContent::Digest(_)) {
            format!(" ({})", slugs())
        } else {
            String::new()
        };
        let first = expected.first.map(|(first, wait)| first_wave(first, wait)).unwrap_or_default();
        context.report.text(&format!("{}{held} would go to {count} recipients{first}\n", expected.content.slug()))?;
        if context.report.is_verbose() {
            each_recipient(expected, &mut |address| {
                context.report.detail(&format!("  {address}"));
                Ok(())
            })?;
        }
    }
    if let Some(forecast) = dry_run.forecast.as_ref().filter(|_| !dry_run.mailings.is_empty()) {
        context.report.text(&warm_up(forecast))?;
    }
    Ok(exit)
}

fn first_wave(first: usize, wait: TimeDelta) -> String {
    let minutes = wait.num_seconds().max(0).unsigned_abs().div_ceil(60);
    format!(": {first} first, the others {minutes} min later if it arrives")
}

fn warm_up_document(forecast: &Forecast) -> serde_json::Value {
    serde_json::json!({
        "today": forecast.today,
        "left_today": forecast.left,
        "last_day": forecast.last.map(|(day, _)| day.to_string()),
        "days": forecast.last.map(|(_, days)| days),
    })
}

/// How long a warm-up makes a sending.
fn warm_up(forecast: &Forecast) -> String {
    let Forecast { today, left, last } = forecast;
    let end = match last {
        Some((_, 1)) => "enough for all of them".to_owned(),
        Some((day, days)) => format!("the last of them would be mailed on {day}, day {days} of this sending"),
        None => "the last of them would be mailed in many years".to_owned(),
    };
    format!("The warm-up allows {today} messages today, and {left} of them are left: {end}.\n")
}

/// Tells what a sending did.
pub(in crate::cli) fn sent(context: &Context, report: &SendReport) -> anyhow::Result<Exit> {
    if context.report.json {
        context.report.document(&document(report))?;
    } else {
        context.report.table(&table(report))?;
    }
    Ok(trouble(context, report))
}

/// Tells what went wrong with a sending, and gives the exit code for it.
pub(in crate::cli) fn trouble(context: &Context, report: &SendReport) -> Exit {
    context.report.findings(&report.findings);
    recovered(context, report);
    for mailed in &report.mailings {
        context.report.findings(&needing_a_person(mailed));
    }
    for failure in &report.failures {
        context.report.error(failure);
    }
    if report.mailings.is_empty() && report.failures.is_empty() && !context.report.json {
        context.report.message("Nothing was due.");
    }
    context.report.findings(&report.warnings);
    paused(context, report);
    context.report.findings(&report.halted);
    context.report.findings(report.stopped.as_slice());
    if report.stopped.is_some() || !report.halted.is_empty() {
        return Exit::Failed;
    }
    if report.needs_attention() { Exit::Attention } else { Exit::Done }
}

/// Tells that the first recipients of an issue are waited for.
pub(in crate::cli) fn waiting(slug: &Slug, mailed: u64, left: Duration) -> String {
    let minutes = left.as_secs().div_ceil(60);
    format!("`{slug}` was mailed to the first {mailed}; the others follow in {minutes} min if it arrives.")
}

/// Those for whom today's messages of a warm-up did not suffice.
fn paused(context: &Context, report: &SendReport) {
    let Some(until) = report.paused else { return };
    let waiting: u64 = report.mailings.iter().map(|mailed| mailed.counts.open()).sum();
    let until = until.format("%Y-%m-%d %H:%M");
    context.report.message(&format!(
        "The warm-up allows no more today: {waiting} recipients wait. Run this again from {until} on."
    ));
}

fn recovered(context: &Context, report: &SendReport) {
    let told = |issue: &IssueId| report.mailings.iter().any(|mailed| mailed.issue == *issue);
    settled(context, &report.recovered, &told);
}

/// Tells what was found of dead runs; of the issues that are `told` elsewhere, no unknown recipients.
pub(in crate::cli) fn settled(context: &Context, recovered: &Recovered, told: &dyn Fn(&IssueId) -> bool) {
    if recovered.requeued > 0 {
        let count = recovered.requeued;
        context
            .report
            .message(&format!("An earlier run was interrupted; {count} recipients it had taken were queued again."));
    }
    let unknown = recovered.unknown.iter().filter(|delivery| !told(&delivery.issue)).count();
    if unknown > 0 {
        let finding = Finding::warning(
            "unknown-recipients",
            format!(
                "nobody can know whether {unknown} recipients got their mail, because a run died while it was sent"
            ),
        )
        .help("`slugline status --state unknown` names them, `slugline resolve` decides");
        context.report.findings(&[finding]);
    }
}

/// What a person has to know of an issue's recipients: who refused it now, and of whom nobody can know.
fn needing_a_person(mailed: &MailingReport) -> Vec<Finding> {
    let (slug, all) = (&mailed.slug, mailed.counts.total());
    let (failed, unknown) = (mailed.tally.of(State::Failed), mailed.counts.of(State::Unknown));
    let mut findings = Vec::new();
    if failed > 0 {
        let message = format!("`{slug}` could not be mailed to {failed} of {all} recipients");
        let help = format!("`slugline status {slug} --state failed` names them and the server's words");
        findings.push(Finding::warning("failed-recipients", message).help(help));
    }
    if unknown > 0 {
        let message = format!("nobody can know whether {unknown} of {all} recipients got `{slug}`: no reply came");
        let help = format!(
            "`slugline status {slug} --state unknown` names them, `slugline resolve {slug} --sent` or `--resend` decides"
        );
        findings.push(Finding::warning("unknown-recipients", message).help(help));
    }
    findings
}

/// The summary table of a sending; empty when nothing was due.
pub(in crate::cli) fn table(report: &SendReport) -> Vec<Vec<String>> {
    if report.mailings.is_empty() {
        return Vec::new();
    }
    let mut table = vec![["issue", "sent now", "sent", "waiting", "failed", "unknown"].map(str::to_owned).to_vec()];
    for mailed in &report.mailings {
        let counts = &mailed.counts;
        let numbers = [
            mailed.tally.of(State::Sent),
            counts.of(State::Sent),
            counts.open(),
            counts.of(State::Failed),
            counts.of(State::Unknown),
        ];
        let mut row = vec![mailed.slug.to_string()];
        row.extend(numbers.iter().map(ToString::to_string));
        table.push(row);
    }
    table
}

/// The document of a sending.
pub(in crate::cli) fn document(report: &SendReport) -> serde_json::Value {
    let mailing = |mailed: &MailingReport| {
        serde_json::json!({
            "issue": mailed.slug.as_str(),
            "id": mailed.issue.as_str(),
            "title": mailed.title,
            "this_run": status::counted(&mailed.tally),
            "counts": status::counted(&mailed.counts),
        })
    };
    serde_json::json!({
        "mailings": report.mailings.iter().map(mailing).collect::<Vec<_>>(),
        "paused_until": report.paused.map(|until| until.to_rfc3339()),
        "halted": report.halted.iter().map(FindingRow::of).collect::<Vec<_>>(),
        "stopped": report.stopped.as_ref().map(FindingRow::of),
        "findings": report.findings.iter().chain(&report.warnings).map(FindingRow::of).collect::<Vec<_>>(),
        "failures": report.failures.iter().map(|error| format!("{error:#}")).collect::<Vec<_>>(),
    })
}
