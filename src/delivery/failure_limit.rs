//! Stops a mailing under way of which too much fails: every further message would harm the sender.
//!
//! Takes the counts of the ledger, which include what other machines sent and what bounced meanwhile; returns the finding. Failures
//! that a person accepted, by taking the mailing up again, are recorded in the ledger and do not count again.

use std::collections::BTreeMap;

use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::issue::{IssueId, Slug};
use crate::ledger::{Delivery, State, StateCounts};
use crate::store::{Store, StoreError};

/// Number of recipients that must be settled: fewer prove nothing.
const MIN_SETTLED: u64 = 50;

/// How much of a mailing may fail.
#[derive(Debug, Clone, Copy)]
pub struct FailureLimit<'a> {
    /// The share of the settled recipients (0 to 1) that may fail or bounce.
    pub share: f64,
    /// The name of the mailing on the command line.
    pub name: &'a Slug,
}

impl FailureLimit<'_> {
    /// The finding that stops the mailing with these counts, if too many of its recipients failed or bounced.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn finding(
        &self,
        store: &dyn Store,
        issue: &IssueId,
        counts: &StateCounts,
    ) -> Result<Option<Finding>, StoreError> {
        if !self.is_exceeded(counts, 0) {
            return Ok(None);
        }
        let accepted = store.accepted_failures(issue)?;
        if !self.is_exceeded(counts, accepted) {
            return Ok(None);
        }
        let mut replies = Replies::default();
        for state in [State::Failed, State::Bounced] {
            let read = store.each_delivery(issue, Some(state), &mut |delivery| {
                replies.add(&delivery);
                Ok(())
            });
            read.map_err(|source| StoreError::Failed { doing: "read why recipients failed", source })?;
        }
        Ok(Some(self.exceeded(counts, accepted, &replies)))
    }

    fn is_exceeded(&self, counts: &StateCounts, accepted: u64) -> bool {
        let (settled, failures) = (counts.settled(), counts.failures().saturating_sub(accepted));
        settled >= MIN_SETTLED && failures as f64 > self.share * settled as f64
    }

    fn exceeded(&self, counts: &StateCounts, accepted: u64, replies: &Replies) -> Finding {
        let Self { share, name } = self;
        let mut failures = format!("{} failed and {} bounced", counts.of(State::Failed), counts.of(State::Bounced));
        if accepted > 0 {
            failures.push_str(&format!(", {} of them since it was taken up again", counts.failures() - accepted));
        }
        let message = format!(
            "no one else is mailed `{name}`: of {} recipients {failures}, which is more than {} %.{}",
            counts.settled(),
            share * 100.0,
            replies.quoted()
        );
        Finding::error("failures-halted", message).help(format!(
            "fix the cause that the replies name (`slugline status {name} --recipients` shows all of them); then \
             `slugline send {name} --after-canary` mails the others, and `mail.most_failures` sets the limit"
        ))
    }
}

/// Records that a person has seen the failures of a mailing so far, and goes on.
///
/// # Errors
/// When the store cannot be read or written.
pub fn accept(store: &mut dyn Store, issue: &IssueId) -> Result<(), StoreError> {
    let failures = store.counts(issue)?.failures();
    if failures > store.accepted_failures(issue)? { store.accept_failures(issue, failures) } else { Ok(()) }
}

/// Replies to those that did not get a mailing, without their addresses, and how often each occurred.
#[derive(Debug, Default)]
pub(super) struct Replies(BTreeMap<String, u64>);

impl Replies {
    /// Counts the reply of a delivery.
    pub fn add(&mut self, delivery: &Delivery) {
        if let Some(reply) = &delivery.reply {
            let address = delivery.address.as_ref().map_or("…", EmailAddress::as_str);
            *self.0.entry(reply.replace(address, "…")).or_default() += 1;
        }
    }

    /// The most frequent ones as a sentence, with a space before it; nothing if there are none.
    pub fn quoted(&self) -> String {
        let mut replies: Vec<(&String, &u64)> = self.0.iter().collect();
        replies.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        let quoted: Vec<String> =
            replies.iter().take(3).map(|(reply, times)| format!("`{reply}` ({times} times)")).collect();
        if quoted.is_empty() { String::new() } else { format!(" The servers replied {}.", quoted.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sent: u64, failed: u64, bounced: u64) -> StateCounts {
        let mut counts = StateCounts::default();
        for (state, count) in [(State::Sent, sent), (State::Failed, failed), (State::Bounced, bounced)] {
            counts.set(state, count);
        }
        counts.set(State::Queued, 1000);
        counts.set(State::Deferred, 1000);
        counts
    }

    #[test]
    fn it_counts_those_settled_and_not_what_was_accepted() {
        let name = Slug::new("spring").unwrap();
        let limit = FailureLimit { share: 0.1, name: &name };
        let is_exceeded = |sent, failed, bounced, accepted| limit.is_exceeded(&counts(sent, failed, bounced), accepted);
        assert!(!is_exceeded(0, 20, 29, 0), "too few to tell");
        assert!(!is_exceeded(45, 2, 3, 0), "10 % is allowed");
        assert!(is_exceeded(44, 3, 3, 0));
        assert!(!is_exceeded(44, 3, 3, 6) && !is_exceeded(44, 3, 3, 99));
        assert!(!is_exceeded(800, 100, 100, 110), "the same failures do not stop it again");
        assert!(is_exceeded(800, 150, 62, 110), "others do");
    }

    #[test]
    fn the_finding_names_the_commonest_replies() {
        let (name, mut replies) = (Slug::new("spring").unwrap(), Replies::default());
        for (address, reply, times) in
            [("a@example.org", "550 <a@example.org> unknown", 2), ("b@example.org", "552 full", 1)]
        {
            let delivery = Delivery {
                issue: IssueId::new("spring").unwrap(),
                subscriber: crate::subscriber::SubscriberId(1),
                address: Some(address.parse().unwrap()),
                state: State::Bounced,
                attempts: 1,
                reply: Some(reply.to_owned()),
                class: None,
                changed: None,
            };
            (0..times).for_each(|_| replies.add(&delivery));
        }
        let limit = FailureLimit { share: 0.1, name: &name };
        let finding = limit.exceeded(&counts(44, 3, 3), 2, &replies);
        assert_eq!(
            finding.message,
            "no one else is mailed `spring`: of 50 recipients 3 failed and 3 bounced, 4 of them since it was taken up again, which \
             is more than 10 %. The servers replied `550 <…> unknown` (2 times), `552 full` (1 times)."
        );
    }
}
