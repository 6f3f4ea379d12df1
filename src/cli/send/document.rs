//! The documents of `send`: of a run, of a dry run, of a test.

use serde::Serialize;

use crate::cli::report::{ErrorRow, FindingRow, rows};
use crate::cli::send::transactional_messages::TransactionalRow;
use crate::cli::status;
use crate::delivery::not_due::NotDue;
use crate::digest::MailingContent;
use crate::finding::Finding;
use crate::send::dry_run::ExpectedMailing;
use crate::send::forecast::Forecast;
use crate::send::{HeldMailing, MailingReport, SendReport};

/// How many recipients are in each state, by its name.
type CountsByState = serde_json::Map<String, serde_json::Value>;

/// The document of `send`.
#[derive(Serialize)]
pub(super) struct RunDocument<'a> {
    #[serde(flatten)]
    pub send: SendDocument<'a>,
    /// The transactional messages of this run, if any were sent or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transactional: Option<TransactionalRow<'a>>,
}

/// The mailings of a run: in the document of `send`, and `mail` in that of `publish`.
#[derive(Serialize)]
pub(in crate::cli) struct SendDocument<'a> {
    /// The mailings of this run.
    mailings: Vec<MailingRow<'a>>,
    /// Why the newest issues were not due, if nothing was.
    not_due: Vec<NotDueRow<'a>>,
    /// When the warm-up allows more messages (RFC 3339); `null` if it held nothing back.
    paused_until: Option<String>,
    /// Issues that the other recipients do not get, because too many of the first ones failed.
    halted: Vec<FindingRow<'a>>,
    /// Mailings that are held because of errors.
    held: Vec<HeldRow<'a>>,
    /// Why the run stopped early.
    stopped: Option<FindingRow<'a>>,
    /// Issues that could not be rendered: what failed and why.
    failures: Vec<String>,
}

/// One mailing in this run.
#[derive(Serialize)]
struct MailingRow<'a> {
    /// Slug of the issue, or name of the digest.
    issue: &'a str,
    /// Id of the mailing.
    id: &'a str,
    /// Title of the issue, or of those in a digest.
    title: &'a str,
    /// How many recipients this run brought into each state.
    this_run: CountsByState,
    /// How many recipients are in each state.
    counts: CountsByState,
    /// When the first deferred recipient is tried again (RFC 3339); `null` if none is deferred.
    next_retry: Option<String>,
}

/// An issue that is not due.
#[derive(Serialize)]
pub(super) struct NotDueRow<'a> {
    /// Slug of the issue.
    issue: &'a str,
    /// Why it is not due.
    reason: &'a str,
    /// How to mail it nevertheless; `null` if there is no way.
    help: Option<&'a str>,
}

/// The rows of issues that are not due.
pub(super) fn reasons(not_due: &[NotDue]) -> Vec<NotDueRow<'_>> {
    not_due.iter().map(NotDueRow::of).collect()
}

impl<'a> NotDueRow<'a> {
    fn of(NotDue { issue, reason, help }: &'a NotDue) -> Self {
        Self { issue: issue.as_str(), reason, help: help.as_deref() }
    }
}

impl<'a> SendDocument<'a> {
    /// The document of a run.
    pub fn of(report: &'a SendReport) -> Self {
        let mailing = |mailed: &'a MailingReport| MailingRow {
            issue: mailed.slug.as_str(),
            id: mailed.issue.as_str(),
            title: &mailed.title,
            this_run: status::counted(&mailed.tally),
            counts: status::counted(&mailed.counts),
            next_retry: mailed.next_retry.map(|time| time.to_rfc3339()),
        };
        Self {
            mailings: report.mailings.iter().map(mailing).collect(),
            not_due: reasons(report.not_due.as_deref().unwrap_or_default()),
            paused_until: report.paused.map(|until| until.to_rfc3339()),
            halted: rows(&report.halted),
            held: report.held.iter().map(HeldRow::of).collect(),
            stopped: report.stopped.as_ref().map(FindingRow::of),
            failures: report.failures.iter().map(|error| format!("{error:#}")).collect(),
        }
    }
}

/// A mailing that is held because of errors.
#[derive(Serialize)]
pub(super) struct HeldRow<'a> {
    /// Slug of the issue, or name of the digest.
    issue: &'a str,
    /// The errors.
    findings: Vec<FindingRow<'a>>,
}

impl<'a> HeldRow<'a> {
    pub fn of(held: &'a HeldMailing) -> Self {
        Self { issue: held.slug.as_str(), findings: rows(&held.errors) }
    }
}

/// A document, with `error` if the command stopped early, so that the exit code is 2.
#[derive(Serialize)]
pub(in crate::cli) struct Stopped<D> {
    #[serde(flatten)]
    pub document: D,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRow>,
}

impl<D> Stopped<D> {
    /// The document, and why the command stopped if it did.
    pub fn new(document: D, stopped: Option<&Finding>) -> Self {
        Self { document, error: stopped.map(ErrorRow::of_finding) }
    }
}

/// The document of `send --test`.
#[derive(Serialize)]
pub(super) struct TestDocument<'a> {
    /// Slug of the issue, or name of the digest.
    pub issue: &'a str,
    /// The test messages.
    pub tests: Vec<TestRow<'a>>,
}

/// A test message.
#[derive(Serialize)]
pub(super) struct TestRow<'a> {
    /// Recipient of the test.
    pub address: &'a str,
    /// `sent` or `failed`.
    pub state: &'a str,
    /// The server's reply, or why there is none.
    pub reply: &'a str,
}

/// The document of `send --dry-run`.
#[derive(Serialize)]
pub(super) struct DryRunDocument<'a> {
    /// The mailings as they would be.
    pub would_mail: Vec<ExpectedRow<'a>>,
    /// Mailings that would be held because of errors.
    pub held: Vec<HeldRow<'a>>,
    /// Why the newest issues are not due, if nothing is.
    pub not_due: Vec<NotDueRow<'a>>,
    /// What the warm-up allows; `null` without one.
    pub warm_up: Option<WarmUpRow>,
}

/// A mailing as it would be.
#[derive(Serialize)]
pub(super) struct ExpectedRow<'a> {
    /// Slug of the issue, or name of the digest.
    issue: &'a str,
    /// Addresses.
    recipients: Vec<String>,
    /// The recipients that get it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<CanaryRow>,
    /// The ids of the issues in a digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<Vec<&'a str>>,
}

/// The recipients that get it before the others.
#[derive(Serialize)]
struct CanaryRow {
    /// How many they are.
    first: usize,
    /// How long the others wait.
    wait_seconds: i64,
}

/// How a warm-up limits the mailing.
#[derive(Serialize)]
pub(super) struct WarmUpRow {
    /// Messages that it allows today.
    today: u64,
    /// How many of them are left.
    left_today: u64,
    /// The day of the last message; `null` if it is years away.
    last_day: Option<String>,
    /// How many days the mailing takes.
    days: Option<u32>,
}

impl<'a> ExpectedRow<'a> {
    pub fn of(expected: &'a ExpectedMailing<'_>, recipients: Vec<String>) -> Self {
        let canary = expected.first.map(|(first, wait)| CanaryRow { first, wait_seconds: wait.num_seconds() });
        let holds = match &expected.content {
            MailingContent::Digest(digest) => Some(digest.issues.iter().map(|issue| issue.id.as_str()).collect()),
            MailingContent::Issue(_) => None,
        };
        Self { issue: expected.content.slug().as_str(), recipients, canary, holds }
    }
}

impl WarmUpRow {
    pub fn of(forecast: &Forecast) -> Self {
        Self {
            today: forecast.today,
            left_today: forecast.left,
            last_day: forecast.last.map(|(day, _)| day.to_string()),
            days: forecast.last.map(|(_, days)| days),
        }
    }
}
