//! Sends transactional messages: the link that confirms a subscription, the one that undoes leaving, a reader's links.
//!
//! Takes what is queued in the store. The right to send them is apart from the run lock and held for a batch, so that neither
//! a mailing nor they wait for the other. What is said follows from the state of the address when the message is sent
//! (`decision`); `compose` writes it, `delivery::single_messages` sends it. The order of writes is that of mailings: claimed,
//! then `sending` before the content leaves, settled when the reply has come.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::compose::mail_config;
use crate::compose::transactional::{Notice, TransactionalLetters};
use crate::config::Config;
use crate::delivery::job::{Occasion, RunHooks, StoreAction};
use crate::delivery::single_messages::{Attempt, SingleMessages, defer_message};
use crate::disk::Project;
use crate::issue::Slug;
use crate::ledger::{AttemptOutcome, LedgerEntry, Run};
use crate::letter::Letter;
use crate::rate::Rate;
use crate::store::{Store, StoreError};
use crate::transactional::decision::{Decision, decide};
use crate::transactional_message::TransactionalMessage;
use crate::transport;

mod decision;
mod report;

pub use report::Report;

/// Messages claimed at a time, so that another process soon gets the right to send.
const BATCH: usize = 50;

/// The folder of an outbox that gets them.
const FOLDER: &str = "transactional";

/// How long a message waits for the rate limits before it is left to the next call, and how long at a time.
const MAX_RATE_WAIT: Duration = Duration::from_secs(60);
const RATE_WAIT_STEP: Duration = Duration::from_secs(1);

/// Who sends, and with what.
pub struct Request<'a> {
    /// The project.
    pub project: &'a Project,
    /// Its configuration.
    pub config: &'a Config,
    /// The process that sends.
    pub run: Run,
    /// What is called in the program around it; `progress` and `meanwhile` are not.
    pub hooks: RunHooks<'a>,
}

/// Sends what is queued or due for a retry, until nothing is left, no server is usable, another process has the right to
/// send, or `hooks.stop` is true. Reads passwords, secrets, keys and templates only if something waits.
///
/// # Errors
/// When the store cannot be read or written, or a password, secret, key or template cannot be used. What was sent is recorded,
/// or recovered by the next call.
pub fn deliver(store: &mut dyn Store, request: &Request<'_>) -> anyhow::Result<Report> {
    let store = Mutex::new(store);
    let lend = |act: &mut StoreAction<'_>| act(&mut **store.lock().unwrap_or_else(PoisonError::into_inner));
    deliver_meanwhile(&Occasion { lend: &lend, is_over: &|| false }, request)
}

/// The same while a mailing uses the store, until the occasion is over.
///
/// # Errors
/// As `deliver`.
pub fn deliver_meanwhile(occasion: &Occasion<'_>, request: &Request<'_>) -> anyhow::Result<Report> {
    if !request.config.answers_readers() {
        return Ok(Report::default());
    }
    let waiting_before = waiting(occasion)?;
    if request.hooks.is_stopped() || waiting_before == 0 {
        return Ok(Report { waiting: waiting_before, ..Report::default() });
    }
    let mut report = sent(occasion, request)?;
    report.waiting = waiting(occasion)?;
    Ok(report)
}

fn waiting(occasion: &Occasion<'_>) -> anyhow::Result<u64> {
    let counts = occasion.with_store(|store| store.message_counts());
    Ok(counts.context("failed to count the transactional messages")?.open())
}

/// Sends batch after batch.
fn sent(occasion: &Occasion<'_>, request: &Request<'_>) -> anyhow::Result<Report> {
    let (project, mail) = (request.project, mail_config(request.config)?);
    let letters = TransactionalLetters::open(project, request.config)?;
    let route = transport::route(project, mail)?;
    let folder = Slug::new(FOLDER).context("the folder of transactional messages has no name")?;
    let sender = SingleMessages::new(&route, &folder, request.hooks.stop);
    let (rates, report) = (mail.policy.rate.as_slice(), Report::default());
    let mut delivery = Delivery { request, occasion, letters: &letters, rates, sender, report };
    let result = delivery.run();
    let Delivery { sender, mut report, .. } = delivery;
    report.problem = sender.problem();
    sender.close();
    result.context("failed to record transactional messages").map(|()| report)
}

/// Sends the messages of one call.
struct Delivery<'c, 'a> {
    request: &'c Request<'a>,
    occasion: &'c Occasion<'c>,
    letters: &'c TransactionalLetters<'c>,
    /// Of all mail of the store.
    rates: &'c [Rate],
    sender: SingleMessages<'c>,
    report: Report,
}

/// What became of a claimed message.
enum Taken {
    /// It is recorded.
    Recorded,
    /// No message can be sent now: it goes back to the queue.
    Untried,
}

/// Why a message could not be recorded.
enum Failure {
    /// It is not ours any more, perhaps because its reader was forgotten. Nothing was sent.
    Lost(StoreError),
    /// What was done is not recorded.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Delivery<'_, '_> {
    fn run(&mut self) -> Result<(), StoreError> {
        while self.batch()? {}
        Ok(())
    }

    /// Sends one batch; returns whether there may be another.
    fn batch(&mut self) -> Result<bool, StoreError> {
        let (run, now) = (&self.request.run, self.now());
        let Some(unknown) = self.occasion.with_store(|store| store.begin_batch(run, now))? else {
            self.report.is_busy = true;
            return Ok(false);
        };
        self.report.unknown += unknown;
        let sent = self.send_claimed();
        // A process that lives on must not keep the right to send.
        let ended = self.occasion.with_store(|store| store.end_batch());
        sent.and_then(|goes_on| ended.map(|()| goes_on))
    }

    fn send_claimed(&mut self) -> Result<bool, StoreError> {
        let now = self.now();
        let messages = self.occasion.with_store(|store| store.claim_messages(BATCH, now))?;
        let (mut goes_on, mut was_lost) = (!messages.is_empty(), false);
        for message in &messages {
            let taken = if goes_on { self.send(message) } else { Ok(Taken::Untried) };
            match taken {
                Ok(Taken::Recorded) => was_lost = false,
                Ok(Taken::Untried) => {
                    goes_on = false;
                    self.record(message, LedgerEntry::Settled(AttemptOutcome::Requeued))?;
                }
                // If it happens twice in a row, the store is to blame.
                Err(Failure::Lost(_)) if !was_lost => was_lost = true,
                Err(Failure::Lost(error) | Failure::Store(error)) => return Err(error),
            }
        }
        Ok(goes_on)
    }

    /// Decides what a message says, writes it and sends it.
    fn send(&mut self, message: &TransactionalMessage) -> Result<Taken, Failure> {
        if self.is_over() {
            return Ok(Taken::Untried);
        }
        let now = self.now();
        let notice = match self.occasion.with_store(|store| decide(store, message, now))? {
            Decision::Say(notice) => notice,
            Decision::Nothing(why) => {
                self.occasion.with_store(|store| store.drop_message(message.id, why, now))?;
                return Ok(Taken::Recorded);
            }
        };
        let outcome = match self.letters.write(message, notice) {
            Ok(letter) => self.try_letter(message, &letter)?,
            Err(error) => {
                self.report.unwritten.get_or_insert_with(|| format!("{error:#}"));
                Some(defer_message(message, format!("the message could not be written: {error:#}"), now))
            }
        };
        let Some(outcome) = outcome else { return Ok(Taken::Untried) };
        self.report.count(message, notice_name(notice), &outcome);
        self.record(message, LedgerEntry::Settled(outcome))?;
        Ok(Taken::Recorded)
    }

    /// Sends a letter as the rate limits allow; `None` if it was not tried.
    fn try_letter(
        &mut self,
        message: &TransactionalMessage,
        letter: &Letter,
    ) -> Result<Option<AttemptOutcome>, Failure> {
        let mut left = MAX_RATE_WAIT;
        while let Some(pause) = take_one(self.occasion, self.rates, self.now())? {
            if !self.wait(pause, &mut left) {
                return Ok(None);
            }
        }
        let (request, occasion) = (self.request, self.occasion);
        let now = || request.hooks.now();
        loop {
            let mut pause = None;
            let record = |entry: LedgerEntry| {
                let is_before = entry == LedgerEntry::Sending;
                let recorded = occasion.with_store(|store| store.record_message(message.id, &entry, now()));
                recorded.map_err(|error| if is_before { Failure::Lost(error) } else { Failure::Store(error) })
            };
            let outcome = self.sender.send(&mut Attempt {
                letter,
                number: message.id.0,
                record: &record,
                permit: &mut |rates| {
                    pause = take_one(occasion, rates, now())?;
                    Ok::<_, Failure>(pause.is_none())
                },
                defer: &|reply| defer_message(message, reply, now()),
            })?;
            match pause {
                Some(pause) if outcome.is_none() && self.wait(pause, &mut left) => {}
                _ => return Ok(outcome),
            }
        }
    }

    /// Waits for a rate limit, if that is not too long; returns whether to try again.
    fn wait(&self, pause: Duration, left: &mut Duration) -> bool {
        let step = pause.min(RATE_WAIT_STEP);
        if step > *left || self.is_over() {
            return false;
        }
        *left -= step;
        (self.request.hooks.sleep)(step);
        true
    }

    fn record(&self, message: &TransactionalMessage, entry: LedgerEntry) -> Result<(), StoreError> {
        let now = self.now();
        self.occasion.with_store(|store| store.record_message(message.id, &entry, now))
    }

    fn is_over(&self) -> bool {
        self.request.hooks.is_stopped() || (self.occasion.is_over)() || self.sender.problem().is_some()
    }

    fn now(&self) -> DateTime<Utc> {
        self.request.hooks.now()
    }
}

/// Takes one message from each rate, or returns how long to wait before asking again.
fn take_one(occasion: &Occasion<'_>, rates: &[Rate], now: DateTime<Utc>) -> Result<Option<Duration>, StoreError> {
    for rate in rates {
        let permits = occasion.with_store(|store| store.take_permits(rate, 1, now))?;
        if permits.granted == 0 {
            return Ok(Some(permits.wait));
        }
    }
    Ok(None)
}

/// The name of a notice in the report.
fn notice_name(notice: Notice) -> &'static str {
    match notice {
        Notice::Confirm(_) => "the link to confirm",
        Notice::Subscribed => "the message that it is subscribed",
        Notice::Goodbye => "the message that it has left",
        Notice::Links => "the links",
    }
}

#[cfg(test)]
mod tests;
