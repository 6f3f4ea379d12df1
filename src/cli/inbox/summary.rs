//! The summary of `inbox`: how many messages of each kind were recorded, and which stay unread.

use serde::Serialize;

use crate::cli::Context;
use crate::cli::inbox::dry_run::unreadable_finding;
use crate::cli::send::transactional_messages::{Sent, TransactionalRow};
use crate::finding::Finding;
use crate::inbox::Outcome;
use crate::incoming::Kind;

/// How many messages of others are named, as text and in JSON.
const MAX_SHOWN: usize = 10;
const MAX_NAMED: usize = 100;

/// What a run has done.
#[derive(Debug, Default)]
pub(super) struct Summary {
    read: u64,
    /// Recorded messages of each kind, in the order of `KINDS`.
    recorded: [u64; KINDS.len()],
    unchanged: u64,
    not_ours: u64,
    other: u64,
    named: Vec<NotOurs>,
    unreadable: Vec<Finding>,
}

/// A report about mail that is not ours.
#[derive(Debug, Clone, Serialize)]
struct NotOurs {
    /// Where it is.
    file: String,
    /// What it is, as `--dry-run` names it.
    kind: &'static str,
    /// Why it does not count.
    why: &'static str,
}

/// The document of `inbox`.
#[derive(Serialize)]
struct Document<'a> {
    /// Number of messages that were read.
    read: u64,
    /// Messages that were recorded.
    recorded: Recorded,
    /// Messages that are understood and change nothing, also those that were handled before.
    unchanged: u64,
    /// Messages that stay unread: for a person.
    other: u64,
    /// Reports that stay unread: not about our mail, or not proven.
    not_ours: u64,
    /// The first 100 of them.
    reports: &'a [NotOurs],
    /// Messages that cannot be read, each with a finding.
    unreadable: u64,
    /// What became of the messages that readers wait for.
    #[serde(skip_serializing_if = "Option::is_none")]
    transactional: Option<TransactionalRow<'a>>,
}

/// Numbers of messages that changed something.
#[derive(Serialize)]
struct Recorded {
    /// Deliveries that bounced.
    bounces: u64,
    /// Readers who called a message spam.
    complaints: u64,
    /// Readers who left, or were sent their links to leave.
    leaves: u64,
    /// Requests to subscribe.
    subscriptions: u64,
    /// Readers who confirmed, came back, or are not to be asked again.
    confirmations: u64,
}

/// The kinds that can change something, with the words for one message and for several.
const KINDS: [(Kind, &str, &str); 5] = [
    (Kind::Bounce, "bounce", "bounces"),
    (Kind::Complaint, "complaint", "complaints"),
    (Kind::Leave, "request to leave", "requests to leave"),
    (Kind::Subscribe, "request to subscribe", "requests to subscribe"),
    (Kind::Confirm, "confirmation", "confirmations"),
];

impl Summary {
    /// Counts a message.
    pub fn count(&mut self, name: &str, kind: Kind, outcome: Outcome) {
        self.read += 1;
        match outcome {
            Outcome::Recorded => {
                let kinds = KINDS.iter().zip(&mut self.recorded);
                kinds.filter(|((other, ..), _)| *other == kind).for_each(|(_, count)| *count += 1);
            }
            Outcome::Unchanged(_) => self.unchanged += 1,
            Outcome::Other => self.other += 1,
            Outcome::NotOurs(why) => {
                self.not_ours += 1;
                if self.named.len() < MAX_NAMED {
                    self.named.push(NotOurs { file: name.to_owned(), kind: kind.as_str(), why });
                }
            }
        }
    }

    /// Counts a message that cannot be read.
    pub fn unreadable(&mut self, name: &str, error: &dyn std::fmt::Display) {
        self.unreadable.push(unreadable_finding(name, error));
    }

    /// Shows it, with what became of the messages that readers wait for.
    pub fn show(&self, context: &Context, sent: Option<&Sent>) -> anyhow::Result<()> {
        if context.report.json {
            return context.report.document(&self.document(sent));
        }
        // A job would report again and again what stays unread.
        if self.recorded.iter().any(|count| *count > 0) || !context.report.is_quiet() {
            context.report.text(&format!("{}\n", self.line()))?;
        }
        for NotOurs { file, kind, why } in self.named.iter().take(MAX_SHOWN) {
            context.report.message(&format!("Left unread: `{file}`, a {kind}: {why}"));
        }
        if self.not_ours > MAX_SHOWN as u64 {
            context.report.message(&format!("... and {} more; `--json` names 100", self.not_ours - MAX_SHOWN as u64));
        }
        sent.map_or(Ok(()), |sent| sent.show(context).map(drop))
    }

    /// What needs attention.
    pub fn findings(&self) -> Vec<Finding> {
        self.unreadable.clone()
    }

    /// `Read 5 messages: 2 bounces, 1 confirmation; 1 changes nothing, 1 left unread.`
    fn line(&self) -> String {
        let number = |count: u64, one: &str, several: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {several}"),
        };
        let kinds = KINDS.iter().zip(self.recorded).filter(|(_, count)| *count > 0);
        let recorded: Vec<String> = kinds.map(|((_, one, several), count)| number(count, one, several)).collect();
        let mut rest = Vec::new();
        if self.unchanged > 0 {
            rest.push(number(self.unchanged, "changes nothing", "change nothing"));
        }
        if self.other + self.not_ours > 0 {
            rest.push(format!("{} left unread", self.other + self.not_ours));
        }
        let parts = [recorded.join(", "), rest.join(", ")];
        let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let colon = if parts.is_empty() { "" } else { ": " };
        format!("Read {}{colon}{}.", number(self.read, "message", "messages"), parts.join("; "))
    }

    fn document<'a>(&'a self, sent: Option<&'a Sent>) -> Document<'a> {
        let [bounces, complaints, leaves, subscriptions, confirmations] = self.recorded;
        Document {
            read: self.read,
            recorded: Recorded { bounces, complaints, leaves, subscriptions, confirmations },
            unchanged: self.unchanged,
            other: self.other,
            not_ours: self.not_ours,
            reports: &self.named,
            unreadable: self.unreadable.len() as u64,
            transactional: sent.and_then(Sent::row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_was_read() {
        let mut summary = Summary::default();
        assert_eq!(summary.line(), "Read 0 messages.");
        summary.count("a", Kind::Bounce, Outcome::Recorded);
        assert_eq!(summary.line(), "Read 1 message: 1 bounce.");
        summary.count("b", Kind::Bounce, Outcome::Recorded);
        summary.count("c", Kind::Leave, Outcome::Recorded);
        summary.count("d", Kind::Delay, Outcome::Unchanged("why"));
        summary.count("e", Kind::Complaint, Outcome::NotOurs("why"));
        summary.count("f", Kind::Other, Outcome::Other);
        assert_eq!(summary.line(), "Read 6 messages: 2 bounces, 1 request to leave; 1 changes nothing, 2 left unread.");
    }
}
