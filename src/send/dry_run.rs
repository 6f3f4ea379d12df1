//! `send --dry-run`: what a run would do.
//!
//! Takes what a run takes, and the subscribers to be imported first. Only reads the store, and keeps no recipient in
//! memory, since there may be millions.

use chrono::TimeDelta;

use crate::check::Smtputf8Addresses;
use crate::delivery::Route;
use crate::delivery::canary;
use crate::delivery::not_due::NotDue;
use crate::digest::MailingContent;
use crate::email::EmailAddress;
use crate::finding::{Finding, Severity, extend_unique};
use crate::ledger::State;
use crate::send::admission::Admission;
use crate::send::forecast::{Forecast, SeedCounter, forecast};
use crate::send::hold::{HeldMailing, Judge};
use crate::send::planning::{plan_due, why_nothing_is_due};
use crate::send::preflight::NewSubscribers;
use crate::send::{PlannedMailing, PreparedLetters, SendRequest, mailing_record, prepare_letters};
use crate::store::Store;
use crate::subscriber::Status;

/// What a run would do.
#[derive(Debug)]
pub struct DryRun<'a> {
    /// Issues, oldest first, then digests.
    pub mailings: Vec<ExpectedMailing<'a>>,
    /// Mailings that would be held because of errors, which are among the findings.
    pub held: Vec<HeldMailing>,
    /// Problems with issues.
    pub findings: Vec<Finding>,
    /// Why the newest issues are not due, if nothing is.
    pub not_due: Vec<NotDue>,
    /// Why nothing at all would be mailed.
    pub refused: Option<Finding>,
    /// How long it would take, if a warm-up limits all mail.
    pub forecast: Option<Forecast>,
}

/// One mailing of a dry run.
#[derive(Debug)]
pub struct ExpectedMailing<'a> {
    /// What would be mailed.
    pub content: MailingContent<'a>,
    /// Number of recipients.
    pub recipients: u64,
    /// Size of the canary wave, and how long the others would wait after it; `None` if all are mailed at once.
    pub first: Option<(usize, TimeDelta)>,
    /// Whether its audience is frozen already.
    is_frozen: bool,
}

/// Returns what `send_due` would do if the new subscribers were imported first; writes nothing.
///
/// # Errors
/// When the store, an issue's file or the new subscribers cannot be read.
pub fn run<'a>(
    store: &dyn Store,
    sending: &SendRequest<'a>,
    admission: &Admission,
    new_subscribers: &NewSubscribers<'_>,
) -> anyhow::Result<DryRun<'a>> {
    let mut plan = plan_due(store, sending)?;
    // A store that is behind refuses every run. The other refusals may not apply to the real run, for example in CI.
    let refusal = admission.refusal(store, &sending.record())?;
    let (refused, warnings): (Vec<_>, Vec<_>) =
        refusal.into_iter().partition(|finding| finding.rule == mailing_record::RULE);
    plan.findings.extend(warnings.into_iter().map(|finding| Finding { severity: Severity::Warning, ..finding }));
    let (mut mailings, mut judge) = (Vec::new(), Judge::new(sending));
    let mut held: Vec<HeldMailing> = plan.held.drain(..).map(HeldMailing::of_plan).collect();
    for planned in &plan.mailings {
        if let Some(mailing) = judge.held(store, planned)? {
            extend_unique(&mut plan.findings, mailing.findings());
            held.push(mailing);
            continue;
        }
        let PreparedLetters { letters, findings } =
            prepare_letters(store, sending, planned, new_subscribers, sending.hooks.now());
        plan.findings.extend(findings);
        if let Err(error) = letters {
            let finding = error.downcast().unwrap_or_else(|error| Finding::error("template", format!("{error:#}")));
            plan.findings.push(finding);
            continue;
        }
        let expected = expected(store, sending, planned, new_subscribers, &mut plan.findings)?;
        mailings.push(expected);
    }
    let not_due = if plan.mailings.is_empty() { why_nothing_is_due(store, sending)? } else { Vec::new() };
    let recipients = mailings.iter().map(|expected| expected.recipients).sum();
    let forecast = forecast(store, sending.terms.policy, sending.route, sending.terms.now, recipients)?;
    Ok(DryRun { mailings, held, findings: plan.findings, not_due, refused: refused.into_iter().next(), forecast })
}

/// The recipients of an issue or digest; adds problems to the findings.
fn expected<'a>(
    store: &dyn Store,
    sending: &SendRequest<'_>,
    planned: &PlannedMailing<'a>,
    new_subscribers: &NewSubscribers<'_>,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<ExpectedMailing<'a>> {
    let (content, is_frozen) = (planned.content.clone(), planned.begun.is_some());
    let mut expected = ExpectedMailing { content, recipients: 0, first: None, is_frozen };
    let (mut recipients, mut smtputf8) = (0, Smtputf8Addresses::default());
    let canary = sending.terms.policy.canary.as_ref().filter(|_| !sending.after_canary);
    let mut seeds = canary.map(SeedCounter::new);
    expected.each_recipient(store, new_subscribers, &mut |address| {
        recipients += 1;
        smtputf8.add(address);
        seeds.iter_mut().for_each(|seeds| seeds.count(address));
        Ok(())
    })?;
    expected.recipients = recipients;
    let forecast = match (canary, is_frozen) {
        (Some(canary), true) => Some(canary::forecast(store, &expected.content.id(), canary, expected.content.slug())?),
        _ => seeds.map(|seeds| seeds.forecast(recipients, expected.content.slug())),
    };
    if let Some(forecast) = forecast {
        expected.first = forecast.first.zip(canary.map(|canary| canary.wait));
        extend_unique(findings, forecast.findings);
    }
    if let (Route::Relays(_), Some(mut finding)) = (sending.route, smtputf8.finding("recipient")) {
        finding.message = format!("`{}`: {}", expected.content.slug(), finding.message);
        findings.push(finding);
    }
    Ok(expected)
}

impl ExpectedMailing<'_> {
    /// Calls `each` with every recipient in the order of their ids, new subscribers last.
    ///
    /// # Errors
    /// When the store or the new subscribers cannot be read, or `each` fails.
    pub fn each_recipient(
        &self,
        store: &dyn Store,
        new_subscribers: &NewSubscribers<'_>,
        each: &mut dyn FnMut(&EmailAddress) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if !self.is_frozen {
            store.each_subscriber(Some(Status::Active), &mut |subscriber| each(&subscriber.address))?;
            return new_subscribers(&mut |new| each(&new.address));
        }
        for state in [State::Queued, State::Deferred] {
            store.each_delivery(&self.content.id(), Some(state), &mut |delivery| {
                delivery.address.as_ref().map_or(Ok(()), &mut *each)
            })?;
        }
        Ok(())
    }
}
