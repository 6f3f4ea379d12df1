//! How a lost or older store is recognised, and how it adopts mailings that it does not know.

use super::*;

/// The id stays, and each run gets a new number.
pub(super) fn runs_are_counted(open: Open<'_>) {
    let mut store = open();
    assert!(store.is_empty().unwrap());
    assert_eq!((store.runs().unwrap(), store.count_run().unwrap(), store.count_run().unwrap()), (0, 1, 2));
    assert!(store.is_empty().unwrap(), "counting adds no content");
    let id = store.id().unwrap();
    assert!(!id.is_empty());
    drop(store);
    let mut store = open();
    assert_eq!((store.id().unwrap(), store.runs().unwrap(), store.count_run().unwrap()), (id, 2, 3));
    add(&mut *store, 1);
    assert!(!store.is_empty().unwrap());
}

pub(super) fn open_mailings_are_found(open: Open<'_>) {
    let mut store = begun(open, 2);
    let other = IssueId::new("https://example.org/8/").unwrap();
    store.freeze(&other, "hash", None, now()).unwrap();
    assert_eq!(open_issues(&*store), [issue(), other.clone()]);
    let ids = claim(&mut *store, 2);
    assert_eq!(open_issues(&*store), [issue(), other.clone()], "they are claimed and not settled");
    let deferred = AttemptOutcome::Deferred { reply: "450".into(), retry_at: now() + TimeDelta::hours(1) };
    let failed = AttemptOutcome::Failed { reply: "550".into(), suppress: false };
    ended(&mut *store, &[(ids[0], deferred), (ids[1], failed)]);
    assert_eq!(open_issues(&*store), [issue(), other.clone()], "one of them is deferred");
    let later = now() + TimeDelta::hours(2);
    let again = store.claim(&issue(), 9, later).unwrap();
    assert_eq!(again.len(), 1);
    ended(&mut *store, &[(ids[0], AttemptOutcome::Unknown("dropped".into()))]);
    assert_eq!(open_issues(&*store), [other]);
}

fn open_issues(store: &dyn Store) -> Vec<IssueId> {
    store.open_mailings().unwrap().into_iter().map(|(issue, _)| issue).collect()
}

fn ended(store: &mut dyn Store, outcomes: &[(SubscriberId, AttemptOutcome)]) {
    let entries: Vec<_> = outcomes.iter().map(|(id, outcome)| (*id, LedgerEntry::Settled(outcome.clone()))).collect();
    store.record(&issue(), &entries, now()).unwrap();
}

/// A known mailing is settled; unknown ones are entered, with a digest's contents.
pub(super) fn mailings_sent_elsewhere_are_adopted(open: Open<'_>) {
    let mut store = begun(open, 3);
    let ids = claim(&mut *store, 2);
    ended(&mut *store, &[(ids[0], AttemptOutcome::Sent("250".into()))]);
    let period = Period { name: PeriodName::new("2026-W46").unwrap(), start: now(), end: now() + TimeDelta::weeks(1) };
    let held = ["b", "c"].map(|id| IssueId::new(id).unwrap());
    let mailing = |issue: IssueId, digest| Mailing {
        issue,
        digest,
        content_hash: String::new(),
        frozen_at: now() - TimeDelta::days(1),
        expected: 1204,
    };
    let contents = |issues: &[IssueId]| Some(DigestContents { period: period.clone(), issues: issues.to_vec() });
    let digest = mailing(period.id(), contents(&[issue(), held[0].clone(), held[1].clone()]));
    let known = mailing(issue(), None);
    store.count_run().unwrap();
    let adopted = store.adopt(&[known.clone(), digest.clone()], 17, "adopted", now()).unwrap();
    assert_eq!(adopted, [Adoption::Settled(2), Adoption::Entered]);
    let counts = store.counts(&issue()).unwrap();
    assert_eq!((counts.of(State::Sent), counts.of(State::Unknown), counts.total()), (1, 2, 3));
    let unknown = store.deliveries_to(&issue(), &ids[1..2]).unwrap();
    assert_eq!(unknown[0].reply.as_deref(), Some("adopted"));
    assert_eq!(store.counts(&digest.issue).unwrap(), StateCounts::default());
    let entered = Mailing { digest: contents(&held), ..digest.clone() };
    let mailings = store.mailings().unwrap();
    assert_eq!(mailings.iter().find(|mailing| mailing.issue == digest.issue), Some(&entered));
    assert_eq!((open_issues(&*store), store.runs().unwrap()), (Vec::new(), 17));
    assert!(store.freeze(&held[0], "hash", None, now()).is_err(), "a digest's issues count as mailed");
    let again = store.adopt(&[known, digest], 3, "adopted", now()).unwrap();
    assert_eq!((again, store.runs().unwrap()), (vec![Adoption::Settled(0), Adoption::Settled(0)], 17));
    // A late reply comes from a run that no longer has the recipient.
    ended(&mut *store, &[(ids[1], AttemptOutcome::Sent("250".into()))]);
    assert_eq!(store.counts(&issue()).unwrap().of(State::Unknown), 2);
}
