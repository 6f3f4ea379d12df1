//! What a sending would do: for those who ask before they let it.
//!
//! Takes what a sending takes, and whoever would join before it. The store is read only, and nobody is kept in memory, for
//! there may be millions.

use chrono::TimeDelta;

use crate::check::Smtputf8Addresses;
use crate::delivery::Route;
use crate::delivery::canary;
use crate::digest::MailingContent;
use crate::email::EmailAddress;
use crate::finding::{Finding, Severity, extend_unique};
use crate::ledger::State;
use crate::send::admission::Admission;
use crate::send::forecast::{Forecast, Seeds, forecast};
use crate::send::preflight::NewSubscribers;
use crate::send::{PlannedMailing, Ready, SendRequest, mailing_record, planned, ready};
use crate::store::Store;
use crate::subscriber::Status;

/// What a sending would do.
#[derive(Debug)]
pub struct DryRun<'a> {
    /// Issues, the oldest first, then digests.
    pub mailings: Vec<ExpectedMailing<'a>>,
    /// What is wrong or odd with issues.
    pub findings: Vec<Finding>,
    /// Why nothing would be mailed at all.
    pub refused: Option<Finding>,
    /// How long it would take, where a warm-up limits all that leaves.
    pub forecast: Option<Forecast>,
}

/// The share of one issue or digest in a dry run.
#[derive(Debug)]
pub struct ExpectedMailing<'a> {
    /// What would be mailed.
    pub content: MailingContent<'a>,
    /// How many would get it.
    pub recipients: u64,
    /// How many of them would get it first, and how long the others would wait after that. `None`: all at once.
    pub first: Option<(usize, TimeDelta)>,
    /// Its audience is frozen already.
    is_frozen: bool,
}

/// Says what `send_due` would do if the new_subscribers had joined before, and writes nothing.
///
/// # Errors
/// When the store cannot be read, an issue's file, or the new_subscribers.
pub fn run<'a>(
    store: &dyn Store,
    sending: &SendRequest<'a>,
    admission: &Admission,
    new_subscribers: &NewSubscribers<'_>,
) -> anyhow::Result<DryRun<'a>> {
    let mut plan = planned(store, sending)?;
    // That the store is behind is so whoever asks; the others may be meant for this look alone, as in CI.
    let refusal = admission.refusal(store, &sending.record())?;
    let (refused, warned): (Vec<_>, Vec<_>) =
        refusal.into_iter().partition(|finding| finding.rule == mailing_record::RULE);
    plan.findings.extend(warned.into_iter().map(|finding| Finding { severity: Severity::Warning, ..finding }));
    let mut mailings = Vec::new();
    for planned in &plan.mailings {
        let Ready { letters, findings } = ready(store, sending, planned, new_subscribers, sending.hooks.now());
        plan.findings.extend(findings);
        if let Err(error) = letters {
            let finding = error.downcast().unwrap_or_else(|error| Finding::error("template", format!("{error:#}")));
            plan.findings.push(finding);
            continue;
        }
        let expected = expected(store, sending, planned, new_subscribers, &mut plan.findings)?;
        mailings.push(expected);
    }
    let recipients = mailings.iter().map(|expected| expected.recipients).sum();
    let forecast = forecast(store, sending.terms.policy, sending.route, sending.terms.now, recipients)?;
    Ok(DryRun { mailings, findings: plan.findings, refused: refused.into_iter().next(), forecast })
}

/// Who would get an issue or digest, and how; what is wrong with that is added to the findings.
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
    let mut seeds = canary.map(Seeds::new);
    expected.each_recipient(store, new_subscribers, &mut |address| {
        recipients += 1;
        smtputf8.add(address);
        seeds.iter_mut().for_each(|seeds| seeds.see(address));
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
    /// Calls `each` with everybody who would get it, in the order of their numbers, new_subscribers last.
    ///
    /// # Errors
    /// When the store cannot be read, or the new_subscribers, or `each` fails.
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
