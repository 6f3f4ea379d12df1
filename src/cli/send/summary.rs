//! What `send` and `publish` show of a run: a table, findings, messages, and the exit code.

use std::time::Duration;

use crate::cli::send::document::{RunDocument, SendDocument, Stopped, TestDocument, TestRow};
use crate::cli::send::transactional_messages::Sent;
use crate::cli::{Context, Exit};
use crate::delivery::not_due::NotDue;
use crate::delivery::test_send::TestResult;
use crate::digest::MailingContent;
use crate::finding::Finding;
use crate::issue::{IssueId, Slug};
use crate::ledger::{Recovered, State};
use crate::send::{MailingReport, SendReport};

/// Shows what became of test messages.
pub(super) fn test(context: &Context, content: &MailingContent<'_>, tried: &[TestResult]) -> anyhow::Result<Exit> {
    let row = |tried: &TestResult| match &tried.result {
        Ok(reply) => vec![tried.to.to_string(), "sent".to_owned(), reply.clone()],
        Err(error) => vec![tried.to.to_string(), "failed".to_owned(), error.clone()],
    };
    let rows: Vec<Vec<String>> = tried.iter().map(row).collect();
    if context.report.json {
        let tests = rows.iter().map(|row| TestRow { address: &row[0], state: &row[1], reply: &row[2] }).collect();
        context.report.document(&TestDocument { issue: content.slug().as_str(), tests })?;
    } else {
        context.report.table(&rows)?;
    }
    Ok(if tried.iter().all(|tried| tried.result.is_ok()) { Exit::Done } else { Exit::Attention })
}

/// Shows what a run did. The problems of transactional messages are left to the caller.
pub(super) fn sent(context: &Context, report: &SendReport, messages: &Sent) -> anyhow::Result<Exit> {
    if context.report.json {
        let document = RunDocument { send: SendDocument::of(report), transactional: messages.row() };
        context.report.document(&Stopped::new(document, stopped(report)))?;
    } else {
        show(context, report)?;
        messages.show(context)?;
    }
    Ok(problems(context, report))
}

/// What stopped a run before its end, if anything did.
pub(in crate::cli) fn stopped(report: &SendReport) -> Option<&Finding> {
    report.stopped.as_ref().or_else(|| report.halted.first())
}

/// Shows the problems of a run, and returns the exit code for them.
pub(in crate::cli) fn problems(context: &Context, report: &SendReport) -> Exit {
    context.report.findings(&report.findings);
    recovered(context, report);
    for mailed in &report.mailings {
        context.report.findings(&recipient_findings(mailed));
    }
    for failure in &report.failures {
        context.report.error(failure);
    }
    if let Some(not_due) = report.not_due.as_ref().filter(|_| report.held.is_empty() && !context.report.json) {
        nothing(context, "Nothing was due", not_due);
    }
    report.mailings.iter().filter_map(retried_later).for_each(|message| context.report.message(&message));
    context.report.findings(&report.warnings);
    paused(context, report);
    context.report.findings(&report.halted);
    context.report.findings(report.stopped.as_slice());
    if stopped(report).is_some() {
        return Exit::Failed;
    }
    if report.needs_attention() { Exit::Attention } else { Exit::Done }
}

/// Shows that nothing is due, and why.
pub(super) fn nothing(context: &Context, what: &str, not_due: &[NotDue]) {
    if not_due.is_empty() {
        return context.report.message(&format!("{what}."));
    }
    let reasons: String = not_due.iter().map(|reason| format!("\n  {reason}")).collect();
    context.report.message(&format!("{what}:{reasons}"));
}

/// The message that the other recipients wait for the canary.
pub(in crate::cli) fn waiting(slug: &Slug, mailed: u64, left: Duration) -> String {
    let minutes = left.as_secs().div_ceil(60);
    format!("`{slug}` was sent to the first {mailed} recipients; the others follow in {minutes} min if it arrives.")
}

/// Shows how many recipients wait because of the warm-up.
fn paused(context: &Context, report: &SendReport) {
    let Some(until) = report.paused else { return };
    let waiting: u64 = report.mailings.iter().map(|mailed| mailed.counts.open()).sum();
    let until = until.format("%Y-%m-%d %H:%M");
    context.report.message(&format!(
        "The warm-up allows no more today: {waiting} recipients wait. Run this again from {until} on."
    ));
}

/// The message that all who wait are deferred and not due yet.
fn retried_later(mailed: &MailingReport) -> Option<String> {
    let (slug, deferred) = (&mailed.slug, mailed.counts.of(State::Deferred));
    let is_idle = mailed.tally.total() == 0 && mailed.counts.open() == deferred;
    let due = mailed.next_retry.filter(|_| is_idle)?.format("%Y-%m-%d %H:%M UTC");
    let recipients = if deferred == 1 { "recipient" } else { "recipients" };
    Some(format!(
        "`{slug}` waits for {deferred} deferred {recipients}: the next attempt is due at {due}. `slugline retry {slug}` makes it \
         due now."
    ))
}

fn recovered(context: &Context, report: &SendReport) {
    let shown = |issue: &IssueId| report.mailings.iter().any(|mailed| mailed.issue == *issue);
    settled(context, &report.recovered, &shown);
}

/// Shows what interrupted runs left behind; unknown recipients only of issues that are not `shown` elsewhere.
pub(in crate::cli) fn settled(context: &Context, recovered: &Recovered, shown: &dyn Fn(&IssueId) -> bool) {
    if recovered.requeued > 0 {
        let count = recovered.requeued;
        context.report.message(&format!(
            "An earlier run was interrupted; {count} recipients that it had claimed are queued again."
        ));
    }
    let unknown = recovered.unknown.iter().filter(|delivery| !shown(&delivery.issue)).count();
    if unknown > 0 {
        let finding = Finding::warning(
            "unknown-recipients",
            format!("it is unknown whether {unknown} recipients got their mail, because a run died while sending it"),
        )
        .help("`slugline status --state unknown` lists them, `slugline resolve` decides");
        context.report.findings(&[finding]);
    }
}

/// The findings about an issue's recipients: those that failed in this run, and the unknown ones.
fn recipient_findings(mailed: &MailingReport) -> Vec<Finding> {
    let (slug, all) = (&mailed.slug, mailed.counts.total());
    let (failed, unknown) = (mailed.tally.of(State::Failed), mailed.counts.of(State::Unknown));
    let mut findings = Vec::new();
    if failed > 0 {
        let message = format!("`{slug}` could not be sent to {failed} of {all} recipients");
        let help = format!("`slugline status {slug} --state failed` shows them and the server's replies");
        findings.push(Finding::warning("failed-recipients", message).help(help));
    }
    if unknown > 0 {
        let message = format!("it is unknown whether {unknown} of {all} recipients got `{slug}`: no reply came");
        let help = format!(
            "`slugline status {slug} --state unknown` lists them, `slugline resolve {slug} --sent` or `--resend` decides"
        );
        findings.push(Finding::warning("unknown-recipients", message).help(help));
    }
    findings
}

/// Shows the summary table of a run; with `--quiet` only mailings in which something happened.
pub(in crate::cli) fn show(context: &Context, report: &SendReport) -> anyhow::Result<()> {
    let happened = |mailed: &&MailingReport| !context.report.is_quiet() || mailed.tally.total() > 0;
    context.report.table(&table(report.mailings.iter().filter(happened)))
}

/// The summary table of a run; empty if nothing was due.
fn table<'a>(mailings: impl Iterator<Item = &'a MailingReport>) -> Vec<Vec<String>> {
    let mut table = vec![["issue", "sent now", "sent", "waiting", "failed", "unknown"].map(str::to_owned).to_vec()];
    for mailed in mailings {
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
    if table.len() == 1 { Vec::new() } else { table }
}
