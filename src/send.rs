//! The use case behind `send` and `publish`: plans what is due, takes the run lock, mails each issue or digest, and
//! reports.
//!
//! Joins `compose`, which writes the letters, and `delivery`, which gets them to their recipients; the caller provides
//! store, route and clock. A problem with one issue is reported and does not stop the others; a problem with the server
//! does.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::compose::{Composed, Composer, Letters};
use crate::delivery::Route;
use crate::delivery::canary;
use crate::delivery::dispatcher::run;
use crate::delivery::failure_limit::{self, FailureLimit};
use crate::delivery::job::{Job, RateLimits, RunHooks, RunSummary};
use crate::delivery::not_due::NotDue;
use crate::delivery::plan::{DueTerms, PlannedMailing, Scope};
use crate::delivery::policy::OnUnknown;
use crate::delivery::suppression;
use crate::digest::MailingContent;
use crate::finding::{Finding, extend_unique};
use crate::identity::{self, BodyPrint, LockMode, read_lock};
use crate::issue::{Issue, IssueId, Slug};
use crate::ledger::{Mailing, Recovered, Run, State, StateCounts};
use crate::send::hold::Judge;
use crate::send::mailing_record::{MailingRecord, RunRecord};
use crate::send::planning::{plan_again, plan_due, why_nothing_is_due};
use crate::send::preflight::preflight;
use crate::store::{RunStart, Store};
use crate::subscriber::Status;

pub mod admission;
mod consent;
pub mod dry_run;
pub mod forecast;
mod hold;
pub mod lookup;
pub mod mailing_record;
mod planning;
mod preflight;

pub use consent::{Confirm, FindNew, NewMailings};
pub use hold::HeldMailing;
pub use preflight::NewSubscribers;

/// What a run of `send` needs besides the store.
pub struct SendRequest<'a> {
    /// Composes the editions; knows all issues of the project.
    pub composer: &'a Composer<'a>,
    /// The project file, relative to the project folder: identifies its mailings in `feeds.lock`.
    pub project_file: &'a str,
    /// Which issues or digests to mail.
    pub scope: Scope,
    /// When they are due.
    pub terms: DueTerms<'a>,
    /// How letters leave.
    pub route: &'a Route,
    /// Maximum number of recipients in all.
    pub limit: Option<u64>,
    /// Skips the canary, and accepts the failures so far: a person has seen how it went.
    pub after_canary: bool,
    /// Mails also what has errors: a person has seen them.
    pub despite_errors: bool,
    /// Asks whether to begin, after planning and before anything is locked or frozen.
    pub confirm: &'a Confirm<'a>,
    /// The process that is sending.
    pub run: Run,
    /// What the run calls in the program around it.
    pub hooks: RunHooks<'a>,
}

/// The outcome of `send_due`.
#[derive(Debug)]
pub enum SendOutcome {
    /// It ran and did this, perhaps nothing.
    Done(Box<SendReport>),
    /// Another process is sending: which one, if known.
    Busy(Option<Run>),
    /// A person did not want the mailings to begin; nothing was changed.
    Declined,
}

/// What a run of `send` did.
#[derive(Debug, Default)]
pub struct SendReport {
    /// Its mailings: issues, oldest first, then digests.
    pub mailings: Vec<MailingReport>,
    /// Problems with issues.
    pub findings: Vec<Finding>,
    /// Mailings that are held because of errors, which are among the findings.
    pub held: Vec<HeldMailing>,
    /// Why the newest issues are not due; `None` if something was.
    pub not_due: Option<Vec<NotDue>>,
    /// Issues that could not be rendered.
    pub failures: Vec<anyhow::Error>,
    /// What earlier, killed runs left behind.
    pub recovered: Recovered,
    /// Mailings halted by the canary, or by too many failures.
    pub halted: Vec<Finding>,
    /// Why the run stopped early, if it did.
    pub stopped: Option<Finding>,
    /// Warnings, such as suspended mail servers and unknown seeds of the canary.
    pub warnings: Vec<Finding>,
    /// When mail may leave again, if today's quota is used up.
    pub paused: Option<DateTime<Tz>>,
}

/// One mailing of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct MailingReport {
    /// Id of the issue or digest.
    pub issue: IssueId,
    /// Its short name.
    pub slug: Slug,
    /// Its title, or those of the digest's issues.
    pub title: String,
    /// Number of recipients this run brought into each state.
    pub tally: StateCounts,
    /// Number of recipients in each state now.
    pub counts: StateCounts,
    /// When the first deferred recipient is tried again; `None` if none is deferred.
    pub next_retry: Option<DateTime<Utc>>,
}

impl SendReport {
    /// Whether a person should check: something stopped, halted, failed, or is unknown.
    pub fn needs_attention(&self) -> bool {
        let bad = |mailed: &MailingReport| mailed.tally.of(State::Failed) + mailed.counts.of(State::Unknown) > 0;
        let errors = self.findings.iter().any(Finding::is_error);
        errors
            || self.stopped.is_some()
            || !self.halted.is_empty()
            || !self.warnings.is_empty()
            || !self.failures.is_empty()
            || self.mailings.iter().any(bad)
    }
}

impl SendRequest<'_> {
    /// The record of this project file's mailings.
    fn record(&self) -> MailingRecord<'_> {
        MailingRecord::new(self.composer.project(), self.project_file)
    }

    /// Fails if the store is behind the record: recipients mailed from another store would be mailed again.
    fn refuse_if_behind(&self, store: &dyn Store) -> anyhow::Result<()> {
        self.record().refusal(store)?.map_or(Ok(()), |behind| Err(behind.into()))
    }
}

/// Mails everything that is due, or the issues and digests named.
///
/// # Errors
/// A finding when the store is behind `feeds.lock`; nothing is mailed then. When the store or `feeds.lock` cannot be read
/// or written. What was sent is recorded, or recovered by the next run.
pub fn send_due(store: &mut dyn Store, sending: &SendRequest<'_>) -> anyhow::Result<SendOutcome> {
    sending.refuse_if_behind(store)?;
    let plan = plan_due(store, sending)?;
    if plan.mailings.is_empty() {
        sending.record().catch_up(store, &RunRecord::default(), sending.hooks.now())?;
        let not_due = why_nothing_is_due(store, sending)?;
        return Ok(SendOutcome::Done(Box::new(SendReport {
            findings: plan.findings,
            held: plan.held.into_iter().map(HeldMailing::of_plan).collect(),
            not_due: Some(not_due),
            ..SendReport::default()
        })));
    }
    if !(sending.confirm)(&|| consent::new_mailings(store, sending, &plan.mailings))? {
        return Ok(SendOutcome::Declined);
    }
    let mut report = SendReport::default();
    match store.begin_run(&sending.run, sending.hooks.now()).context("failed to start the run")? {
        RunStart::Started(recovered) => report.recovered = recovered,
        RunStart::Busy(other) => return Ok(SendOutcome::Busy(other)),
    }
    // No other run mails from here on.
    sending.refuse_if_behind(store)?;
    if matches!(sending.route, Route::Outbox { .. }) {
        requeue_files(store, sending, &report.recovered)?;
    }
    // Meanwhile another run may have mailed some of it, or frozen a digest with fewer issues. From here on none can.
    let plan = plan_again(store, sending, plan)?;
    report.not_due = plan.mailings.is_empty().then(Vec::new);
    report.findings = plan.findings;
    let (held, mailings) = Judge::new(sending).separate(store, plan.mailings)?;
    held.iter().for_each(|held| extend_unique(&mut report.findings, held.findings()));
    report.held = plan.held.into_iter().map(HeldMailing::of_plan).chain(held).collect();
    let issues: Vec<&Issue> = mailings.iter().flat_map(|planned| planned.content.issues()).copied().collect();
    record_ids(sending.composer, &issues).context("failed to record the ids of the issues")?;
    mail_all(store, sending, &mailings, &mut report)?;
    Ok(SendOutcome::Done(Box::new(report)))
}

/// Mails the plan until something stops it, and records it.
fn mail_all(
    store: &mut dyn Store,
    sending: &SendRequest<'_>,
    plan: &[PlannedMailing<'_>],
    report: &mut SendReport,
) -> anyhow::Result<()> {
    let (mut left, mut recorded) = (sending.limit, RunRecord::default());
    // Records what a run that died had frozen but not recorded.
    sending.record().catch_up(store, &recorded, sending.hooks.now())?;
    for planned in plan {
        if report.stopped.is_some() || sending.hooks.is_stopped() || left == Some(0) {
            break;
        }
        mail_content(store, sending, planned, &mut left, (&mut *report, &mut recorded))?;
    }
    sending.record().catch_up(store, &recorded, sending.hooks.now())
}

/// Records the ids of issues that are mailed, even if no feed shows them, so that none is mailed again under another id.
fn record_ids(composer: &Composer<'_>, mailed: &[&Issue]) -> anyhow::Result<()> {
    let lock = read_lock(composer.project())?;
    let print = |issue: &Issue| composer.body(issue).ok().map(|body| BodyPrint::of(&lock, issue, &body));
    let prints: Vec<_> = mailed.iter().filter_map(|issue| Some((*issue, print(issue)?))).collect();
    identity::record(composer.project(), &lock, composer.issues(), &prints, LockMode::Write).map(drop)
}

/// Requeues what a power cut left unknown in an outbox: writing a file again is harmless.
fn requeue_files(store: &mut dyn Store, sending: &SendRequest<'_>, recovered: &Recovered) -> anyhow::Result<()> {
    for delivery in &recovered.unknown {
        // The deliveries of a forgotten subscriber stay as they are.
        if let Some(address) = &delivery.address {
            let address = std::slice::from_ref(address);
            store.resolve(&delivery.issue, address, State::Queued, sending.hooks.now())?;
        }
    }
    Ok(())
}

/// Mails the open part of one issue or digest, and reports it.
fn mail_content(
    store: &mut dyn Store,
    sending: &SendRequest<'_>,
    planned: &PlannedMailing<'_>,
    left: &mut Option<u64>,
    (report, recorded): (&mut SendReport, &mut RunRecord),
) -> anyhow::Result<()> {
    let content = &planned.content;
    let Some((letters, mailing)) = begin(store, sending, planned, report)? else { return Ok(()) };
    sending.record().begin(store, &mailing, recorded)?;
    let summary = deliver(store, sending, content, &letters, &mailing, *left);
    let summary = summary.with_context(|| format!("failed to write the ledger while mailing `{}`", content.slug()))?;
    if let Some(left) = left {
        *left = left.saturating_sub(summary.tally.total());
    }
    report.stopped = summary.stopped;
    report.halted.extend(summary.halted);
    extend_unique(&mut report.warnings, summary.warnings);
    if summary.tally.of(State::Failed) > 0 {
        let suppressed = suppression::suppress(store, &mailing.issue, sending.hooks.now())?;
        report.warnings.extend((suppressed > 0).then(|| suppression::finding(suppressed)));
    }
    let counts = store.counts(&mailing.issue)?;
    if counts.open() > 0 {
        report.paused = report.paused.or(summary.paused);
    }
    report.mailings.push(MailingReport {
        slug: content.slug().clone(),
        title: content.title().into_owned(),
        tally: summary.tally,
        counts,
        next_retry: if counts.of(State::Deferred) > 0 { store.next_retry(&mailing.issue)? } else { None },
        issue: mailing.issue,
    });
    Ok(())
}

/// Composes an issue or digest and freezes its audience, unless that was done before. Returns `None` if it is not mailed,
/// and reports why.
fn begin(
    store: &mut dyn Store,
    sending: &SendRequest<'_>,
    planned: &PlannedMailing<'_>,
    report: &mut SendReport,
) -> anyhow::Result<Option<(Letters, Mailing)>> {
    let content = &planned.content;
    if planned.begun.is_none() && store.count_subscribers(Some(Status::Active))? == 0 {
        report.findings.push(no_subscribers(content));
        return Ok(None);
    }
    // Composed before the audience is frozen: a template that fails for one subscriber leaves no trace.
    let frozen_at = planned.begun.as_ref().map_or_else(|| sending.hooks.now(), |mailing| mailing.frozen_at);
    let PreparedLetters { letters, findings } = prepare_letters(store, sending, planned, &|_| Ok(()), frozen_at);
    extend_unique(&mut report.findings, findings);
    let letters = match letters {
        Ok(letters) => letters,
        Err(error) => {
            report.failures.push(error.context(format!("failed to write the edition of `{}`", content.slug())));
            return Ok(None);
        }
    };
    let contents = match content {
        MailingContent::Issue(_) => None,
        MailingContent::Digest(digest) => Some(digest.contents()),
    };
    let mailing = match &planned.begun {
        Some(mailing) => mailing.clone(),
        None => store
            .freeze(&content.id(), &planned.content_hash, contents.as_ref(), frozen_at)
            .context("failed to freeze the audience")?,
    };
    Ok(Some((letters, mailing)))
}

/// Mails one mailing, to at most `left` recipients.
fn deliver(
    store: &mut dyn Store,
    sending: &SendRequest<'_>,
    content: &MailingContent<'_>,
    letters: &Letters,
    mailing: &Mailing,
    left: Option<u64>,
) -> anyhow::Result<RunSummary> {
    let policy = sending.terms.policy;
    if policy.on_unknown == OnUnknown::Resend {
        resend_unknown(store, mailing, sending.hooks.now())?;
    }
    let job = Job {
        issue: &mailing.issue,
        slug: &content.folder(),
        route: sending.route,
        write: &|subscriber| letters.write(subscriber),
        limit: left,
        only: None,
        failure_limit: Some(FailureLimit { share: policy.max_failure_share, name: content.slug() }),
        limits: RateLimits { rates: policy.rate.as_slice(), warm_up: policy.warm_up.as_ref() },
        hooks: sending.hooks,
    };
    if sending.after_canary {
        failure_limit::accept(store, &mailing.issue)?;
    }
    match policy.canary.as_ref().filter(|_| !sending.after_canary) {
        Some(canary) => canary::mail(store, &job, canary, content.slug()),
        None => Ok(run(store, &job)?),
    }
}

/// Requeues unknown deliveries, except those of a lost store, whose recipients may all have the mail.
fn resend_unknown(store: &mut dyn Store, mailing: &Mailing, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut addresses = Vec::new();
    store.each_delivery(&mailing.issue, Some(State::Unknown), &mut |delivery| {
        addresses.extend(delivery.address.clone().filter(|_| !delivery.is_from_lost_store()));
        Ok(())
    })?;
    if !addresses.is_empty() {
        store.resolve(&mailing.issue, &addresses, State::Queued, now)?;
    }
    Ok(())
}

/// The letters of one mailing, and the findings about it.
struct PreparedLetters {
    /// The letters, or why they cannot be written.
    letters: anyhow::Result<Letters>,
    findings: Vec<Finding>,
}

/// The letters of an issue or digest. They can be written for every recipient; if the audience is already frozen, for at
/// least one.
fn prepare_letters(
    store: &dyn Store,
    sending: &SendRequest<'_>,
    planned: &PlannedMailing<'_>,
    new_subscribers: &NewSubscribers<'_>,
    date: DateTime<Utc>,
) -> PreparedLetters {
    let Composed { edition, findings, .. } = sending.composer.compose(&planned.content);
    let compose = |edition| Ok(sending.composer.letters(edition, date)?.of_mailing(planned.content.id()));
    let letters = edition.and_then(compose).and_then(|letters| match planned.begun {
        Some(_) => Ok((preflight::for_any_subscriber(store, &letters)?, letters)),
        None if !letters.may_fail() => Ok((preflight::for_any_subscriber(store, &letters)?, letters)),
        None => Ok((preflight(store, new_subscribers, &letters, date)?, letters)),
    });
    let letters = letters.and_then(|(wrong, letters)| wrong.map_or(Ok(letters), |finding| Err(finding.into())));
    PreparedLetters { letters, findings }
}

fn no_subscribers(content: &MailingContent<'_>) -> Finding {
    let message = format!("`{}` is due, and there are no active subscribers", content.slug());
    Finding::warning("no-subscribers", message).help("add some with `slugline subscribers import FILE.csv`")
}

#[cfg(test)]
pub(crate) mod tests;
