//! Suppresses subscribers whose mailbox refuses issue after issue: full, disabled or gone.
//!
//! Runs after a mailing, and after a bounce, and compares with earlier mailings in the ledger. One refusal proves nothing, and a
//! mailing that was accepted and did not bounce clears them. A refusal that may be about us (policy, reputation, a mailing that
//! no one received) or about the message does not count.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};

use crate::bounce::Class;
use crate::finding::Finding;
use crate::issue::IssueId;
use crate::ledger::{Delivery, State};
use crate::reply::{Phase, Reply, ReplyClass};
use crate::store::Store;
use crate::subscriber::{Status, SubscriberId};

/// Mailings in a row that must fail, and the time they must span: a full mailbox during a holiday soon fails three daily
/// issues.
const MIN_MAILINGS: usize = 3;
const MIN_SPAN: TimeDelta = TimeDelta::days(7);

/// Number of the newest mailings checked.
const MAX_MAILINGS_CHECKED: usize = 30;

/// Failures in a row, newest first.
struct Streak {
    count: usize,
    newest: DateTime<Utc>,
    oldest: DateTime<Utc>,
}

/// Suppresses recipients whose mailbox refused this mailing and enough of those before it; returns their number.
///
/// # Errors
/// When the store cannot be read or written.
pub fn suppress(store: &mut dyn Store, issue: &IssueId, now: DateTime<Utc>) -> anyhow::Result<u64> {
    let mut refused = BTreeSet::new();
    for state in [State::Failed, State::Bounced] {
        store.each_delivery(issue, Some(state), &mut |delivery| {
            if is_unavailable(&delivery) {
                refused.insert(delivery.subscriber);
            }
            Ok(())
        })?;
    }
    suppress_those(store, refused, now)
}

/// Suppresses those of these subscribers whose mailbox refused enough of the last mailings: after bounces came in, when no run may
/// be going that would call `suppress`. Returns their number.
///
/// # Errors
/// When the store cannot be read or written.
pub fn suppress_those(
    store: &mut dyn Store,
    refused: BTreeSet<SubscriberId>,
    now: DateTime<Utc>,
) -> anyhow::Result<u64> {
    let mut suppressed = 0;
    for id in unavailable_mailboxes(store, refused).context("failed to find mailboxes that refuse every mailing")? {
        let subscriber = store.subscriber_by_id(id)?.filter(|subscriber| subscriber.status == Status::Active);
        if let Some(subscriber) = subscriber {
            store.set_status(&subscriber.address, Status::Suppressed, now)?;
            suppressed += 1;
        }
    }
    Ok(suppressed)
}

/// The warning about them.
pub fn finding(count: u64) -> Finding {
    let message = format!(
        "{count} subscribers are suppressed: their mailboxes refused at least the last {MIN_MAILINGS} mailings, over at least {} \
         days",
        MIN_SPAN.num_days()
    );
    Finding::warning("mailbox-lapsed", message).help(
        "`slugline subscribers list --status suppressed` names them; `slugline subscribers add ADDRESS --again` \
         reactivates one",
    )
}

/// Those of these subscribers whose mailboxes refused enough mailings in a row.
fn unavailable_mailboxes(store: &dyn Store, refused: BTreeSet<SubscriberId>) -> anyhow::Result<Vec<SubscriberId>> {
    let mut streaks: BTreeMap<SubscriberId, Option<Streak>> = refused.into_iter().map(|id| (id, None)).collect();
    let mut unavailable = Vec::new();
    for mailing in store.mailings()?.iter().take(MAX_MAILINGS_CHECKED) {
        let ids: Vec<SubscriberId> = streaks.keys().copied().collect();
        if ids.is_empty() {
            break;
        }
        let deliveries = store.deliveries_to(&mailing.issue, &ids)?;
        let is_counted = deliveries.iter().any(is_unavailable) && store.counts(&mailing.issue)?.of(State::Sent) > 0;
        for delivery in deliveries {
            let id = delivery.subscriber;
            match (delivery.state, delivery.changed) {
                (State::Failed | State::Bounced, Some(at)) if is_unavailable(&delivery) => {
                    if !is_counted {
                        continue;
                    }
                    let streak = streaks.get_mut(&id).and_then(Option::take);
                    let streak = streak.map_or(Streak { count: 1, newest: at, oldest: at }, |streak| streak.with(at));
                    if streak.is_enough() {
                        unavailable.push(id);
                        streaks.remove(&id);
                    } else {
                        streaks.insert(id, Some(streak));
                    }
                }
                (State::Sent | State::Failed, _) => drop(streaks.remove(&id)),
                // A bounce for another reason says nothing of the mailbox.
                _ => {}
            }
        }
    }
    Ok(unavailable)
}

impl Streak {
    fn with(self, at: DateTime<Utc>) -> Self {
        Self { count: self.count + 1, newest: self.newest.max(at), oldest: self.oldest.min(at) }
    }

    fn is_enough(&self) -> bool {
        self.count >= MIN_MAILINGS && self.newest - self.oldest >= MIN_SPAN
    }
}

/// Whether the recipient's own mailbox refused it, permanently or until the last attempt, at once or by a bounce.
fn is_unavailable(delivery: &Delivery) -> bool {
    if delivery.state == State::Bounced {
        return delivery.class == Some(Class::Mailbox);
    }
    let reply = delivery.reply.as_deref().and_then(Reply::recorded);
    let class = reply.map(|reply| reply.class(Phase::Rcpt));
    delivery.state == State::Failed && matches!(class, Some(ReplyClass::MailboxUnavailable | ReplyClass::TryLater))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{AttemptOutcome, LedgerEntry, Run};
    use crate::store::EventStore as _;
    use crate::store::events::MailEvent;
    use crate::store::memory::Memory;
    use crate::subscriber::NewSubscriber;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn after(mailings: &[(i64, AttemptOutcome)]) -> u64 {
        after_with(mailings, &AttemptOutcome::Sent("250 Ok".to_owned()))
    }

    /// Mails an issue on each of these days to one reader with the given outcome, and to another always with `other`;
    /// returns the number suppressed after the last.
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
        assert_eq!(after(&[(0, full()), (7, sent()), (14, full()), (21, full())]), 0, "it recovered");
        assert_eq!(after(&[(0, full()), (7, unknown()), (14, full()), (21, full())]), 1, "one is unknown");
    }

    /// What becomes of an issue mailed on this day: refused, accepted, or accepted and bounced a day later.
    enum Fate {
        Full,
        Accepted,
        Bounced(Class),
    }

    /// Mails an issue on each of these days to one reader and another one who gets all; returns whether the reader is suppressed
    /// after the last bounce.
    fn after_bounces(mailings: &[(i64, Fate)]) -> bool {
        let mut store = Memory::default();
        let new = ["reader@example.com", "other@example.org"].map(|it| NewSubscriber::new(it.parse().unwrap(), ""));
        store.add_subscribers(&mut new.into_iter(), day(0)).unwrap();
        store.begin_run(&Run { host: "host".into(), boot_id: "boot".into(), pid: 7 }, day(0)).unwrap();
        let (reader, mut is_suppressed) = (SubscriberId(1), false);
        for (number, (on, fate)) in mailings.iter().enumerate() {
            let issue = IssueId::new(&format!("https://example.org/{number}/")).unwrap();
            store.freeze(&issue, "hash", None, day(*on)).unwrap();
            let claims = store.claim(&issue, 2, day(*on)).unwrap();
            let sent = || AttemptOutcome::Sent("250 Ok".to_owned());
            let outcome = if matches!(fate, Fate::Full) { failed("552 5.2.2 Full") } else { sent() };
            let outcomes = [outcome, sent()].map(LedgerEntry::Settled);
            let entries: Vec<_> = claims.iter().map(|claim| claim.subscriber.id).zip(outcomes).collect();
            store.record(&issue, &entries, day(*on)).unwrap();
            is_suppressed |= suppress(&mut store, &issue, day(*on)).unwrap() > 0;
            let Fate::Bounced(class) = fate else { continue };
            let (class, reply) = (*class, "554 5.2.2 Full".to_owned());
            let bounced = MailEvent::Bounced { issue, subscriber: reader, class, reply, suppress: false };
            store.handle(&format!("{number}"), &[bounced], day(on + 1)).unwrap();
            is_suppressed |= suppress_those(&mut store, BTreeSet::from([reader]), day(on + 1)).unwrap() > 0;
        }
        assert_eq!(store.statuses(), [if is_suppressed { Status::Suppressed } else { Status::Active }, Status::Active]);
        is_suppressed
    }

    #[test]
    fn bounces_of_a_mailbox_count_like_refusals_and_a_mailing_without_bounce_clears_them() {
        use Fate::{Accepted, Bounced, Full};
        let full = || Bounced(Class::Mailbox);
        assert!(after_bounces(&[(0, full()), (7, full()), (14, full())]));
        assert!(after_bounces(&[(0, full()), (7, Full), (14, full())]), "it joins what was refused");
        assert!(after_bounces(&[(0, full()), (7, full()), (14, Full)]));
        assert!(!after_bounces(&[(0, full()), (7, full())]), "twice is not enough");
        assert!(!after_bounces(&[(0, full()), (1, full()), (2, full())]), "a holiday");
        assert!(!after_bounces(&[(0, full()), (7, full()), (14, Accepted), (21, full())]), "it recovered");
    }

    #[test]
    fn bounces_that_say_nothing_of_the_mailbox_neither_count_nor_clear() {
        for class in [Class::Message, Class::Ours, Class::Later, Class::Unknown] {
            let (other, full) = (|| Fate::Bounced(class), || Fate::Bounced(Class::Mailbox));
            assert!(!after_bounces(&[(0, other()), (7, other()), (14, other()), (21, other())]), "{class}");
            assert!(after_bounces(&[(0, full()), (7, other()), (14, full()), (21, full())]), "{class}");
        }
    }

    #[test]
    fn a_mailing_no_one_received_does_not_count() {
        let full = || failed("552 5.2.2 Mailbox full");
        let late = failed("450 4.2.2 Later (given up after 12 tries)");
        assert_eq!(after_with(&[(0, full()), (7, full()), (14, full())], &late), 0);
    }

    #[test]
    fn refusals_that_may_be_about_us_suppress_no_one() {
        for reply in ["550 5.7.1 Spam", "554 5.6.0 Virus", "530 Log in", "the server does not offer SMTPUTF8"] {
            assert_eq!(after(&[(0, failed(reply)), (7, failed(reply)), (14, failed(reply))]), 0, "{reply}");
        }
    }
}
