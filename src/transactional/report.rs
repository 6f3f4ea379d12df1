//! What became of transactional messages.

use crate::finding::Finding;
use crate::ledger::AttemptOutcome;
use crate::transactional_message::TransactionalMessage;

/// How many failures are named.
const MAX_NAMED: usize = 10;

/// What a call has done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Messages that a server accepted, or that were written to the outbox.
    pub sent: u64,
    /// Messages that are tried again later.
    pub deferred: u64,
    /// Messages that are not tried again.
    pub failed: u64,
    /// Messages of which it is unknown whether they arrived; also those of processes that died.
    pub unknown: u64,
    /// Messages that are still to be sent.
    pub waiting: u64,
    /// The first failures, each with its masked address and the reply.
    pub failures: Vec<String>,
    /// Why a message could not be written.
    pub unwritten: Option<String>,
    /// Why no server is usable.
    pub problem: Option<Finding>,
    /// Whether another process has the right to send.
    pub is_busy: bool,
}

impl Report {
    /// Counts the outcome of a message; `what` it said.
    pub(super) fn count(&mut self, message: &TransactionalMessage, what: &str, outcome: &AttemptOutcome) {
        match outcome {
            AttemptOutcome::Sent(_) => self.sent += 1,
            AttemptOutcome::Deferred { .. } => self.deferred += 1,
            AttemptOutcome::Unknown(_) => self.unknown += 1,
            AttemptOutcome::Failed { reply, .. } => {
                self.failed += 1;
                if self.failures.len() < MAX_NAMED {
                    let (address, masked) = (message.address.as_str(), message.address.masked());
                    self.failures.push(format!("{what}, to {masked}: {}", reply.replace(address, &masked)));
                }
            }
            AttemptOutcome::Requeued | AttemptOutcome::RequeuedAfterRefusal(_) => {}
        }
    }

    /// Whether a message was sent, or could not be.
    pub fn is_worth_telling(&self) -> bool {
        self.has_sent() || self.unwritten.is_some() || self.problem.is_some()
    }

    /// Whether a message was tried.
    pub fn has_sent(&self) -> bool {
        self.sent + self.deferred + self.failed + self.unknown > 0
    }

    /// Adds what a later call has done.
    pub fn add(&mut self, later: Self) {
        self.sent += later.sent;
        self.deferred += later.deferred;
        self.failed += later.failed;
        self.unknown += later.unknown;
        self.waiting = later.waiting;
        self.failures.extend(later.failures);
        self.failures.truncate(MAX_NAMED);
        self.unwritten = later.unwritten.or(self.unwritten.take());
        self.problem = later.problem;
        self.is_busy = later.is_busy;
    }

    /// In one sentence.
    pub fn summary(&self) -> String {
        let counts = [
            (self.sent, "sent"),
            (self.deferred, "to be tried again"),
            (self.failed, "failed"),
            (self.unknown, "unknown"),
        ];
        let counts: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        format!("Transactional messages: {}.", counts.join(", "))
    }

    /// What a person should see to.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(error) = &self.unwritten {
            let message = format!("transactional messages could not be written: {error}");
            findings.push(
                Finding::error("transactional-unwritten", message)
                    .help("fix `templates/transactional.html` and `.txt`; they are tried again later"),
            );
        }
        if let Some(problem) = &self.problem {
            let waiting = match self.waiting {
                1 => "1 transactional message waits".to_owned(),
                waiting => format!("{waiting} transactional messages wait"),
            };
            let message = format!("{waiting}: {}", problem.message);
            findings.push(Finding { help: problem.help.clone(), ..Finding::error(problem.rule, message) });
        }
        findings
    }
}
