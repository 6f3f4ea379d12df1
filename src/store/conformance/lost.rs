//! What tells that a store was lost or is an older copy, and what takes for mailed what it does not know.

use super::*;

/// The id stays, and every run that is counted is a new number.
pub(super) fn runs_are_counted_on(open: Open<'_>) {
    let mut store = open();
    assert!(store.is_empty().unwrap());
    assert_eq!((store.runs().unwrap(), store.count_run().unwrap(), store.count_run().unwrap()), (0, 1, 2));
    assert!(store.is_empty().unwrap(), "counting fills nothing");
    let id = store.id().unwrap();
    assert!(!id.is_empty());
    drop(store);
    let mut store = open();
    assert_eq!((store.id().unwrap(), store.runs().unwrap(), store.count_run().unwrap()), (id, 2, 3));
    add(&mut *store, 1);
    assert!(!store.is_empty().unwrap());
}

pub(super) fn who_is_open_is_known(open: Open<'_>) {
    let mut store = begun(open, 2);
    let other = IssueId::new("https://example.org/8/").unwrap();
    store.freeze(&other, "hash", None, now()).unwrap();
    assert_eq!(waited_for(&*store), [issue(), other.clone()]);
    let ids = claim(&mut *store, 2);
    assert_eq!(waited_for(&*store), [issue(), other.clone()], "they are taken, and not settled");
    let deferred = AttemptOutcome::Deferred { reply: "450".into(), retry_at: now() + TimeDelta::hours(1) };
    let failed = AttemptOutcome::Failed { reply: "550".into(), suppress: false };
    ended(&mut *store, &[(ids[0], deferred), (ids[1], failed)]);
    assert_eq!(waited_for(&*store), [issue(), other.clone()], "one of them is put off");
    let later = now() + TimeDelta::hours(2);
    let again = store.claim(&issue(), 9, later).unwrap();
    assert_eq!(again.len(), 1);
    ended(&mut *store, &[(ids[0], AttemptOutcome::Unknown("dropped".into()))]);
    assert_eq!(waited_for(&*store), [other]);
}

fn waited_for(store: &dyn Store) -> Vec<IssueId> {
    store.open_mailings().unwrap().into_iter().map(|(issue, _)| issue).collect()
}

fn ended(store: &mut dyn Store, outcomes: &[(SubscriberId, AttemptOutcome)]) {
    let entries: Vec<_> = outcomes.iter().map(|(id, outcome)| (*id, LedgerEntry::Settled(outcome.clone()))).collect();
    store.record(&issue(), &entries, now()).unwrap();
}

/// One that it knows is over; those that it does not know are written down, with what a digest held.
pub(super) fn what_was_mailed_elsewhere_is_adopted(open: Open<'_>) {
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
    assert_eq!((waited_for(&*store), store.runs().unwrap()), (Vec::new(), 17));
    assert!(store.freeze(&held[0], "hash", None, now()).is_err(), "what a digest held is mailed");
    let again = store.adopt(&[known, digest], 3, "adopted", now()).unwrap();
    assert_eq!((again, store.runs().unwrap()), (vec![Adoption::Settled(0), Adoption::Settled(0)], 17));
    // A reply that comes late is that of a run which has the recipient no more.
    ended(&mut *store, &[(ids[1], AttemptOutcome::Sent("250".into()))]);
    assert_eq!(store.counts(&issue()).unwrap().of(State::Unknown), 2);
}
