//! What `send --dry-run` shows: what would be sent to how many recipients, and how long a warm-up makes it.

use chrono::TimeDelta;

use crate::cli::send::document::{self, DryRunDocument, ExpectedRow, HeldRow, Stopped, WarmUpRow};
use crate::cli::send::summary;
use crate::cli::{Context, Exit};
use crate::digest::MailingContent;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::send::dry_run::{DryRun, ExpectedMailing};
use crate::send::forecast::Forecast;

/// Calls what it is given with every expected recipient of an issue or digest.
type EachRecipient<'a> =
    dyn Fn(&ExpectedMailing<'_>, &mut dyn FnMut(&EmailAddress) -> anyhow::Result<()>) -> anyhow::Result<()> + 'a;

/// Shows what would be sent, with `--verbose` and `--json` to which recipients.
pub(super) fn show(
    context: &Context,
    dry_run: &DryRun<'_>,
    each_recipient: &EachRecipient<'_>,
) -> anyhow::Result<Exit> {
    let findings: Vec<Finding> = dry_run.refused.iter().chain(&dry_run.findings).cloned().collect();
    context.report.findings(&findings);
    let exit = match &dry_run.refused {
        Some(_) => Exit::Failed,
        None if findings.iter().any(Finding::is_error) => Exit::Attention,
        None => Exit::Done,
    };
    if context.report.json {
        return document(context, dry_run, each_recipient).map(|()| exit);
    }
    if dry_run.mailings.is_empty() && exit == Exit::Done {
        summary::nothing(context, "Nothing is due", &dry_run.not_due);
    }
    for expected in &dry_run.mailings {
        context.report.text(&line(expected))?;
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

fn document(context: &Context, dry_run: &DryRun<'_>, each_recipient: &EachRecipient<'_>) -> anyhow::Result<()> {
    let mut would_mail = Vec::new();
    for expected in &dry_run.mailings {
        let mut recipients = Vec::new();
        each_recipient(expected, &mut |address| {
            recipients.push(address.to_string());
            Ok(())
        })?;
        would_mail.push(ExpectedRow::of(expected, recipients));
    }
    let warm_up = dry_run.forecast.as_ref().map(WarmUpRow::of);
    let held = dry_run.held.iter().map(HeldRow::of).collect();
    let not_due = document::reasons(&dry_run.not_due);
    let document = DryRunDocument { would_mail, held, not_due, warm_up };
    context.report.document(&Stopped::new(document, dry_run.refused.as_ref()))
}

fn line(expected: &ExpectedMailing<'_>) -> String {
    let slugs = || expected.content.issues().iter().map(|issue| issue.slug.as_str()).collect::<Vec<_>>().join(", ");
    let issues = match expected.content {
        MailingContent::Digest(_) => format!(" ({})", slugs()),
        MailingContent::Issue(_) => String::new(),
    };
    let first = expected.first.map(|(first, wait)| canary(first, wait)).unwrap_or_default();
    let recipients = if expected.recipients == 1 { "recipient" } else { "recipients" };
    format!("{}{issues} would go to {} {recipients}{first}\n", expected.content.slug(), expected.recipients)
}

fn canary(first: usize, wait: TimeDelta) -> String {
    let minutes = wait.num_seconds().max(0).unsigned_abs().div_ceil(60);
    format!(": {first} first, the others {minutes} min later if it arrives")
}

/// How long a warm-up makes a mailing.
fn warm_up(forecast: &Forecast) -> String {
    let Forecast { today, left, last } = forecast;
    let end = match last {
        Some((_, 1)) => "enough for all of them".to_owned(),
        Some((day, days)) => format!("the last of them would get it on {day}, day {days} of this mailing"),
        None => "the last of them would get it in many years".to_owned(),
    };
    format!("The warm-up allows {today} messages today, and {left} of them are left: {end}.\n")
}
