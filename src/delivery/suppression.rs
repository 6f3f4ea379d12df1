//! Mailboxes that take nothing, issue after issue: full, disabled, gone without a word. Whoever has one is suppressed.
//!
//! Takes the store after a run; asks its record of earlier mailings about those who failed. One refusal proves nothing, and
//! what may be about us (policy, reputation, a mailing that nobody got) or about the message counts for nobody.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};

use crate::finding::Finding;
use crate::issue::IssueId;
use crate::ledger::{Delivery, State};
use crate::smtp::phase::Phase;
use crate::smtp::reply::{Reply, ReplyClass};
use crate::store::Store;
use crate::subscriber::{Status, SubscriberId};

/// So many mailings in a row have to fail, over so long a time: a holiday fills a mailbox, and a daily issue is soon three.
const FEWEST: usize = 3;
const LEAST_TIME: TimeDelta = TimeDelta::days(7);

/// Older mailings are not looked at.
const LOOK_BACK: usize = 30;

/// Failures in a row, the newest first.
struct Streak {
    count: usize,
    newest: DateTime<Utc>,
    oldest: DateTime<Utc>,
}

/// Suppresses those whose mailbox refused this mailing and enough of those before it; gives how many.
///
/// # Errors
/// When the store cannot be read or written.
pub fn suppress(store: &mut dyn Store, issue: &IssueId, now: DateTime<Utc>) -> anyhow::Result<u64> {
    let mut suppressed = 0;
    for id in lapsed(store, issue).context("failed to look for mailboxes that take nothing")? {
        let subscriber = store.subscriber_by_id(id)?.filter(|subscriber| subscriber.status == Status::Active);
        if let Some(subscriber) = subscriber {
            store.set_status(&subscriber.address, Status::Suppressed, now)?;
            suppressed += 1;
        }
    }
    Ok(suppressed)
}

/// What a person should know of it.
pub fn finding(count: u64) -> Finding {
    let message = format!(
        "{count} subscribers are suppressed: their mailboxes took none of the last {FEWEST} mailings or more, over {} days \
         at least",
        LEAST_TIME.num_days()
    );
    Finding::warning("mailbox-lapsed", message).help(
        "`slugline subscribers list --status suppressed` names them; `slugline subscribers add ADDRESS --again` takes \
         somebody back",
    )
}

fn lapsed(store: &dyn Store, issue: &IssueId) -> anyhow::Result<Vec<SubscriberId>> {
    let mut streaks: BTreeMap<SubscriberId, Option<Streak>> = BTreeMap::new();
    store.each_delivery(issue, Some(State::Failed), &mut |delivery| {
        if is_unavailable(&delivery) {
            streaks.insert(delivery.subscriber, None);
        }
        Ok(())
    })?;
    let mut lapsed = Vec::new();
    for mailing in store.mailings()?.iter().take(LOOK_BACK) {
        let ids: Vec<SubscriberId> = streaks.keys().copied().collect();
        if ids.is_empty() {
            break;
        }
        let deliveries = store.deliveries_to(&mailing.issue, &ids)?;
        let is_counted = deliveries.iter().any(is_unavailable) && store.counts(&mailing.issue)?.of(State::Sent) > 0;
        for delivery in deliveries {
            let (id, failed) = (delivery.subscriber, is_unavailable(&delivery));
            match (delivery.state, delivery.changed) {
                (State::Failed, _) if failed && !is_counted => {}
                (State::Failed, Some(at)) if failed => {
                    let streak = streaks.get_mut(&id).and_then(Option::take);
                    let streak = streak.map_or(Streak { count: 1, newest: at, oldest: at }, |streak| streak.and(at));
                    if streak.is_enough() {
                        lapsed.push(id);
                        streaks.remove(&id);
                    } else {
                        streaks.insert(id, Some(streak));
                    }
                }
                (State::Sent | State::Failed, _) => drop(streaks.remove(&id)),
                _ => {}
            }
        }
    }
    Ok(lapsed)
}

impl Streak {
    fn and(self, at: DateTime<Utc>) -> Self {
        Self { count: self.count + 1, newest: self.newest.max(at), oldest: self.oldest.min(at) }
    }

    fn is_enough(&self) -> bool {
        self.count >= FEWEST && self.newest - self.oldest >= LEAST_TIME
    }
}

/// Whether the recipient's own mailbox refused it, for good or until it was given up.
fn is_unavailable(delivery: &Delivery) -> bool {
    let reply = delivery.reply.as_deref().and_then(Reply::recorded);
    let class = reply.map(|reply| reply.class(Phase::Rcpt));
    delivery.state == State::Failed && matches!(class, Some(ReplyClass::MailboxUnavailable | ReplyClass::TryLater))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{AttemptOutcome, LedgerEntry, Run};
    use crate::store::memory::Memory;
    use crate::subscriber::NewSubscriber;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn after(mailings: &[(i64, AttemptOutcome)]) -> u64 {
        after_with(mailings, &AttemptOutcome::Sent("250 Ok".to_owned()))
    }

    /// Mails an issue on each of these days to one reader, with that outcome, and to another, always with the same; returns
    /// how many are suppressed after the last.
    fn after_with(mailings: &[(i64, AttemptOutcome)], other: &AttemptOutcome) -> u64 {
        let mut store = Memory::default();
        let new = ["reader@example.com", "other@example.org"].map(|it| NewSubscriber::new(it.parse().unwrap(), ""));
        store.add_subscribers(&mut new.into_iter(), day(0)).unwrap();
        store.begin_run(&Run { host: "host".into(), boot_id: "boot".into(), pid: 7 }, day(0)).unwrap();
        let mut suppressed = 0;
        for (number, (on, outcome)) in mailings.iter().enumerate() {
            let issue = IssueId::new(&format!("https://example.org/{number}/")).unwrap();
            store.freeze(&issue, "hash", None, day(*on)).unwrap();
            let claims = store.claim(&issue, 2, day(*on)).unwrap();
            let outcomes = [outcome, other].map(|outcome| LedgerEntry::Settled(outcome.clone()));
            let entries: Vec<_> = claims.iter().map(|claim| claim.subscriber.id).zip(outcomes).collect();
            store.record(&issue, &entries, day(*on)).unwrap();
            suppressed = suppress(&mut store, &issue, day(*on)).unwrap();
        }
        suppressed
    }

    fn failed(reply: &str) -> AttemptOutcome {
        AttemptOutcome::Failed { reply: reply.to_owned(), suppress: false }
    }

    #[test]
    fn a_mailbox_that_fails_three_times_over_a_week_is_suppressed() {
        let (full, off) = (|| failed("552 5.2.2 Mailbox full"), || failed("550 5.2.1 Disabled [b.example.org:25]"));
        let late = || failed("450 4.2.2 Over quota (given up after 12 tries)");
        let sent = || AttemptOutcome::Sent("250 Ok".to_owned());
        let unknown = || AttemptOutcome::Unknown("lost".to_owned());
        assert_eq!(after(&[(0, full()), (7, off()), (14, late())]), 1);
        assert_eq!(after(&[(0, full()), (7, off())]), 0, "twice is not enough");
        assert_eq!(after(&[(0, full()), (1, full()), (2, full()), (3, full())]), 0, "a holiday");
        assert_eq!(after(&[(0, full()), (3, full()), (5, full()), (8, full())]), 1);
        assert_eq!(after(&[(0, full()), (7, sent()), (14, full()), (21, full())]), 0, "it came to life");
        assert_eq!(after(&[(0, full()), (7, unknown()), (14, full()), (21, full())]), 1, "nobody knows of one");
    }

    #[test]
    fn a_mailing_that_nobody_got_counts_for_nobody() {
        let full = || failed("552 5.2.2 Mailbox full");
        let late = failed("450 4.2.2 Later (given up after 12 tries)");
        assert_eq!(after_with(&[(0, full()), (7, full()), (14, full())], &late), 0);
    }

    #[test]
    fn what_may_be_about_us_suppresses_nobody() {
        for reply in ["550 5.7.1 Spam", "554 5.6.0 Virus", "530 Log in", "the server does not offer SMTPUTF8"] {
            assert_eq!(after(&[(0, failed(reply)), (7, failed(reply)), (14, failed(reply))]), 0, "{reply}");
        }
    }
}
