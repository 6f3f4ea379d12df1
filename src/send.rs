//! The use case behind `send` and `publish`: finds what is due, takes the right to send, mails each issue, reports.
//!
//! Joins `compose`, which writes the letters, and `delivery`, which gets them to their recipients; store, route and clock
//! come from the caller. What went wrong with one issue stands in the report and does not stop the others; trouble with the
//! server does.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::compose::{Composed, Composer, Letters};
use crate::delivery::Route;
use crate::delivery::canary;
use crate::delivery::dispatcher::run;
use crate::delivery::job::{Job, RateLimits, RunHooks, RunSummary};
use crate::delivery::plan::{DueTerms, Plan, PlannedMailing, Scope, content_hash, plan};
use crate::delivery::policy::OnUnknown;
use crate::delivery::suppression;
use crate::digest::MailingContent;
use crate::finding::{Finding, Severity, extend_unique};
use crate::identity::{self, LockMode, lock};
use crate::issue::{Issue, IssueId, Slug};
use crate::ledger::{Mailing, Recovered, Run, State, StateCounts};
use crate::send::mailing_record::{MailingRecord, RunRecord};
use crate::send::preflight::preflight;
use crate::store::{RunStart, Store};
use crate::subscriber::Status;

pub mod admission;
pub mod dry_run;
pub mod forecast;
pub mod lookup;
pub mod mailing_record;
mod preflight;

pub use preflight::NewSubscribers;

/// What a sending needs beside the store.
pub struct SendRequest<'a> {
    /// Composes the editions, of all issues of the project.
    pub composer: &'a Composer<'a>,
    /// The project file, below the project folder: `feeds.lock` tells its mailings from those of others.
    pub project_file: &'a str,
    /// Which of the issues, or of their digests.
    pub scope: Scope,
    /// When one is due.
    pub terms: DueTerms<'a>,
    /// Which way the letters leave.
    pub route: &'a Route,
    /// Recipients in all, at most.
    pub limit: Option<u64>,
    /// Mails everybody at once, whatever the policy says of a canary: a person has seen how it went.
    pub after_canary: bool,
    /// Who is sending.
    pub run: Run,
    /// What a run needs of the program around it.
    pub hooks: RunHooks<'a>,
}

/// What became of a sending.
#[derive(Debug)]
pub enum SendOutcome {
    /// It ran; this is what it did, which may be nothing.
    Done(Box<SendReport>),
    /// Another process is sending: who, as far as known.
    Busy(Option<Run>),
}

/// What a sending did.
#[derive(Debug, Default)]
pub struct SendReport {
    /// What it was about: issues, the oldest first, then digests.
    pub mailings: Vec<MailingReport>,
    /// What is wrong or odd with issues; the affected ones were left out if it is an error.
    pub findings: Vec<Finding>,
    /// Issues that could not be rendered.
    pub failures: Vec<anyhow::Error>,
    /// What earlier, killed runs left behind.
    pub recovered: Recovered,
    /// Why nobody else is mailed an issue whose first recipients did not get it, or are nobody.
    pub halted: Vec<Finding>,
    /// Why the sending stopped early.
    pub stopped: Option<Finding>,
    /// What a person should know: mail servers among others that could not be used for a while, and who is no canary.
    pub warnings: Vec<Finding>,
    /// Until when those who wait have to wait, because what may leave on one day is used up.
    pub paused: Option<DateTime<Tz>>,
}

/// The share of one issue or digest in a sending.
#[derive(Debug, Clone, PartialEq)]
pub struct MailingReport {
    /// Its id.
    pub issue: IssueId,
    /// Its short name.
    pub slug: Slug,
    /// Its title, or those of the issues in it.
    pub title: String,
    /// How many recipients this sending brought into each state.
    pub tally: StateCounts,
    /// How many recipients are in each state now.
    pub counts: StateCounts,
}

impl SendReport {
    /// Whether a person should look: something stopped, halted, failed, or is unknown.
    pub fn needs_a_person(&self) -> bool {
        let bad = |mailed: &MailingReport| mailed.tally.of(State::Failed) + mailed.counts.of(State::Unknown) > 0;
        let errors = self.findings.iter().any(|finding| finding.severity == Severity::Error);
        errors
            || self.stopped.is_some()
            || !self.halted.is_empty()
            || !self.warnings.is_empty()
            || !self.failures.is_empty()
            || self.mailings.iter().any(bad)
    }
}

impl SendRequest<'_> {
    /// What is recorded of the mailings of this project file.
    fn record(&self) -> MailingRecord<'_> {
        MailingRecord::new(self.composer.project(), self.project_file)
    }

    /// An error if the store is behind what is recorded: whoever was mailed from another one would be mailed again.
    fn refuse_if_behind(&self, store: &dyn Store) -> anyhow::Result<()> {
        self.record().refusal(store)?.map_or(Ok(()), |behind| Err(behind.into()))
    }
}

/// Mails everything that is due, or the issues named.
///
/// # Errors
/// A finding when the store is behind `feeds.lock`; nothing is mailed then. When the store cannot be read or written, or
/// `feeds.lock`. What was sent is written down, or found out by the next run.
pub fn send_due(store: &mut dyn Store, sending: &SendRequest<'_>) -> anyhow::Result<SendOutcome> {
    sending.refuse_if_behind(store)?;
    let plan = planned(store, sending)?;
    if plan.mailings.is_empty() {
        sending.record().catch_up(store, &RunRecord::default(), sending.hooks.now())?;
        return Ok(SendOutcome::Done(Box::new(SendReport { findings: plan.findings, ..SendReport::default() })));
    }
    let mut report = SendReport::default();
    match store.begin_run(&sending.run, sending.hooks.now()).context("failed to begin sending")? {
        RunStart::Started(recovered) => report.recovered = recovered,
        RunStart::Busy(other) => return Ok(SendOutcome::Busy(other)),
    }
    // Nobody else mails from here on.
    sending.refuse_if_behind(store)?;
    if matches!(sending.route, Route::Outbox { .. }) {
        requeue_files(store, sending, &report.recovered)?;
    }
    // Another run may have mailed some of it meanwhile, or frozen a digest that holds less. From here on nobody else does.
    let plan = planned_anew(store, sending, plan)?;
    report.findings = plan.findings;
    let issues: Vec<&Issue> = plan.mailings.iter().flat_map(|planned| planned.content.issues()).copied().collect();
    record_ids(sending.composer, &issues).context("failed to record the ids of the issues")?;
    mail_all(store, sending, &plan.mailings, &mut report)?;
    Ok(SendOutcome::Done(Box::new(report)))
}

/// Mails what is planned, as long as nothing stops it, and records it.
fn mail_all(
    store: &mut dyn Store,
    sending: &SendRequest<'_>,
    plan: &[PlannedMailing<'_>],
    report: &mut SendReport,
) -> anyhow::Result<()> {
    let (mut left, mut recorded) = (sending.limit, RunRecord::default());
    // What a run that died had frozen, and not recorded.
    sending.record().catch_up(store, &recorded, sending.hooks.now())?;
    for planned in plan {
        if report.stopped.is_some() || sending.hooks.is_stopped() || left == Some(0) {
            break;
        }
        mail_one(store, sending, planned, &mut left, (&mut *report, &mut recorded))?;
    }
    sending.record().catch_up(store, &recorded, sending.hooks.now())
}

fn planned<'a>(store: &dyn Store, sending: &SendRequest<'a>) -> anyhow::Result<Plan<'a>> {
    let composer = sending.composer;
    let hash = |issue: &Issue| Ok(content_hash(issue, &composer.body(issue).map_err(|finding| *finding)?));
    plan(composer.issues(), &sending.scope, &sending.terms, store, &hash).context("failed to find out what is due")
}

/// The plan as it is now. What was begun stays in it, although recovery may have settled all that was open, so that the
/// report tells of it.
fn planned_anew<'a>(store: &dyn Store, sending: &SendRequest<'a>, before: Plan<'a>) -> anyhow::Result<Plan<'a>> {
    let mut plan = planned(store, sending)?;
    for planned in before.mailings.into_iter().filter(|planned| planned.begun.is_some()) {
        if plan.mailings.iter().all(|other| other.content.id() != planned.content.id()) {
            plan.mailings.push(planned);
        }
    }
    Ok(plan)
}

/// Records the ids of issues that are mailed, whether or not a feed shows them, so that none of them is mailed again under
/// another.
fn record_ids(composer: &Composer<'_>, mailed: &[&Issue]) -> anyhow::Result<()> {
    let hash = |issue: &Issue| composer.body(issue).ok().map(|body| lock::content_hash(&body));
    let hashed: Vec<_> = mailed.iter().filter_map(|issue| Some((*issue, hash(issue)?))).collect();
    identity::record(composer.project(), composer.issues(), &hashed, LockMode::Write).map(drop)
}

/// Writing a file again is harmless, so what a power cut left unknown in an outbox is queued again.
fn requeue_files(store: &mut dyn Store, sending: &SendRequest<'_>, recovered: &Recovered) -> anyhow::Result<()> {
    for delivery in &recovered.unknown {
        // Of somebody who was forgotten nothing is unknown to a run that comes after.
        if let Some(address) = &delivery.address {
            let address = std::slice::from_ref(address);
            store.resolve(&delivery.issue, address, State::Queued, sending.hooks.now())?;
        }
    }
    Ok(())
}

/// Mails what is open of one issue or digest, and reports it.
fn mail_one(
    store: &mut dyn Store,
    sending: &SendRequest<'_>,
    planned: &PlannedMailing<'_>,
    left: &mut Option<u64>,
    (report, recorded): (&mut SendReport, &mut RunRecord),
) -> anyhow::Result<()> {
    let content = &planned.content;
    let Some((letters, mailing)) = begin(store, sending, planned, report)? else { return Ok(()) };
    sending.record().begin(store, &mailing, recorded)?;
    let ended = deliver(store, sending, content, &letters, &mailing, *left);
    let ended = ended.with_context(|| format!("failed to keep the ledger while mailing `{}`", content.slug()))?;
    if let Some(left) = left {
        *left = left.saturating_sub(ended.tally.total());
    }
    report.stopped = ended.stopped;
    report.halted.extend(ended.halted);
    extend_unique(&mut report.warnings, ended.warnings);
    if ended.tally.of(State::Failed) > 0 {
        let suppressed = suppression::suppress(store, &mailing.issue, sending.hooks.now())?;
        report.warnings.extend((suppressed > 0).then(|| suppression::finding(suppressed)));
    }
    let counts = store.counts(&mailing.issue)?;
    if counts.open() > 0 {
        report.paused = report.paused.or(ended.paused);
    }
    let (slug, title) = (content.slug().clone(), content.title().into_owned());
    report.mailings.push(MailingReport { issue: mailing.issue, slug, title, tally: ended.tally, counts });
    Ok(())
}

/// Composes an issue or digest and freezes its audience, unless that was done before. `None`: nobody is mailed it, as the
/// report says.
fn begin(
    store: &mut dyn Store,
    sending: &SendRequest<'_>,
    planned: &PlannedMailing<'_>,
    report: &mut SendReport,
) -> anyhow::Result<Option<(Letters, Mailing)>> {
    let content = &planned.content;
    if planned.begun.is_none() && store.count_subscribers(Some(Status::Active))? == 0 {
        report.findings.push(nobody(content));
        return Ok(None);
    }
    // Composed before the audience is frozen: a template that fails on anybody leaves no trace.
    let frozen_at = planned.begun.as_ref().map_or_else(|| sending.hooks.now(), |mailing| mailing.frozen_at);
    let Ready { letters, findings } = ready(store, sending, planned, &|_| Ok(()), frozen_at);
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

/// Mails a mailing to those who wait for it, `left` of them at most.
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
        limits: RateLimits { rates: policy.rate.as_slice(), warm_up: policy.warm_up.as_ref() },
        hooks: sending.hooks,
    };
    match policy.canary.as_ref().filter(|_| !sending.after_canary) {
        Some(canary) => canary::mail(store, &job, canary, content.slug()),
        None => Ok(run(store, &job)?),
    }
}

/// Queues those of whom nobody can know, but for those of a lost store: they may all have it.
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

/// What can be mailed, and what is wrong or odd with it.
struct Ready {
    /// The letters, or why there are none.
    letters: anyhow::Result<Letters>,
    findings: Vec<Finding>,
}

/// The letters of an issue or digest, which can be written for everybody; for somebody at least if its audience is frozen
/// already.
fn ready(
    store: &dyn Store,
    sending: &SendRequest<'_>,
    planned: &PlannedMailing<'_>,
    new_subscribers: &NewSubscribers<'_>,
    date: DateTime<Utc>,
) -> Ready {
    let Composed { edition, findings, .. } = sending.composer.compose(&planned.content);
    let letters =
        edition.and_then(|edition| sending.composer.letters(edition, date)).and_then(|letters| match planned.begun {
            Some(_) => Ok((preflight::for_any_subscriber(store, &letters)?, letters)),
            None if !letters.may_fail() => Ok((preflight::for_any_subscriber(store, &letters)?, letters)),
            None => Ok((preflight(store, new_subscribers, &letters, date)?, letters)),
        });
    let letters = letters.and_then(|(wrong, letters)| wrong.map_or(Ok(letters), |finding| Err(finding.into())));
    Ready { letters, findings }
}

fn nobody(content: &MailingContent<'_>) -> Finding {
    let message = format!("`{}` is due and there is nobody to mail it to", content.slug());
    Finding::warning("no-subscribers", message).help("add subscribers: `slugline subscribers import FILE.csv`")
}

#[cfg(test)]
pub(crate) mod tests;
