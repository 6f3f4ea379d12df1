//! What the contract promises about single persons: tokens find them, their data can be read, and they can be
//! forgotten.

use std::thread;

use super::*;
use crate::token::{Purpose, Secrets, TokenClaim};

/// The subscriber found by the token of an address; short secrets are repeated to the required length.
fn found(store: &mut dyn Store, secrets: &[&str], number: usize) -> Option<EmailAddress> {
    let secrets: Vec<String> = secrets.iter().map(|secret| secret.repeat(32)).collect();
    let made_by = Secrets::parse(secrets.last().unwrap()).unwrap();
    let token = made_by.token(Purpose::Unsubscribe, &address(number));
    let secrets = Secrets::parse(&secrets.join("\n")).unwrap();
    let Some(TokenClaim::Tagged(secret, tag)) = secrets.claim(&token, Purpose::Unsubscribe) else {
        panic!("it is not a tag")
    };
    store.subscriber_by_tag(secret, tag).unwrap().map(|subscriber| subscriber.address)
}

pub(super) fn a_tag_finds_its_subscriber(open: Open<'_>) {
    let mut store = open();
    assert_eq!(found(&mut *store, &["a"], 0), None, "there is no subscriber");
    add(&mut *store, 2);
    assert_eq!(found(&mut *store, &["a"], 1), Some(address(1)));
    add(&mut *store, 3);
    store.set_status(&address(2), Status::Unsubscribed, now()).unwrap();
    let mut store = open();
    assert_eq!(found(&mut *store, &["a"], 2), Some(address(2)), "also one who joined later or unsubscribed");
    assert_eq!(found(&mut *store, &["a"], 3), None);
    let secrets = Secrets::parse(&"a".repeat(32)).unwrap();
    secrets.all().for_each(|secret| store.index_tags(secret).unwrap());
    for number in 0..3 {
        assert_eq!(found(&mut *store, &["b", "a"], number), Some(address(number)), "after a change of secret");
        assert_eq!(found(&mut *store, &["a", "b"], number), Some(address(number)));
    }
}

/// Whoever is in the store is found, also while another process writes the index.
pub(super) fn a_tag_is_found_while_others_are_indexed(open: Open<'_>) {
    const SUBSCRIBERS: usize = 150;
    let (mut indexed, mut searched) = (open(), open());
    let secrets = Secrets::parse(&"a".repeat(32)).unwrap();
    thread::scope(|scope| {
        let index = scope.spawn(move || {
            for number in 0..SUBSCRIBERS {
                let new = NewSubscriber::new(address(number), "");
                indexed.add_subscribers(&mut std::iter::once(new), now()).unwrap();
                secrets.all().for_each(|secret| indexed.index_tags(secret).unwrap());
            }
        });
        for number in 0..SUBSCRIBERS {
            while searched.subscriber(&address(number)).unwrap().is_none() && !index.is_finished() {
                thread::yield_now();
            }
            assert_eq!(found(&mut *searched, &["a"], number), Some(address(number)));
        }
    });
}

fn forget(store: &mut dyn Store, number: usize) -> Erasure {
    let spelled = address(number).as_str().to_uppercase().parse().unwrap();
    match store.forget(&spelled, &run("boot"), now() + TimeDelta::hours(1)).unwrap() {
        ForgetOutcome::Done(erasure) => *erasure,
        ForgetOutcome::Busy(_) => panic!("a run has claimed them"),
    }
}

/// Everyone's deliveries, with the address as shown.
fn deliveries(store: &dyn Store) -> Vec<(String, State, Option<String>)> {
    let mut all = Vec::new();
    let mut each = |delivery: Delivery| {
        all.push((delivery.address_or_forgotten().to_owned(), delivery.state, delivery.reply));
        Ok(())
    };
    store.each_delivery(&issue(), None, &mut each).unwrap();
    all
}

pub(super) fn personal_data_is_complete(open: Open<'_>) {
    let mut store = begun(open, 2);
    let ids = claim(&mut *store, 1);
    record(
        &mut *store,
        &[(ids[0], LedgerEntry::Sending), (ids[0], LedgerEntry::Settled(AttemptOutcome::Sent("250 ok".into())))],
    );
    store.freeze(&id("https://example.org/8/"), "hash", None, now() + TimeDelta::days(1)).unwrap();
    assert_eq!(store.personal_data(&address(9)).unwrap(), None);
    let person = store.personal_data(&"reader0@EXAMPLE.org".parse().unwrap()).unwrap().unwrap();
    assert_eq!(person.subscriber, store.subscriber(&address(0)).unwrap());
    assert_eq!((person.changed, person.listed), (Some(now()), false));
    let states: Vec<_> = person.deliveries.iter().map(|delivery| (delivery.issue.as_str(), delivery.state)).collect();
    assert_eq!(states, [("https://example.org/7/", State::Sent), ("https://example.org/8/", State::Queued)]);
    assert_eq!(person.deliveries[0].reply.as_deref(), Some("250 ok"));
}

fn active(count: u64) -> StatusCounts {
    counted(&[(Status::Active, count)])
}

pub(super) fn a_forgotten_person_is_erased_and_no_list_brings_them_back(open: Open<'_>) {
    let mut store = begun(open, 5);
    let ids = claim(&mut *store, 4);
    let reply = || "550 <Reader2@example.org>: no READER2 here".to_owned();
    let outcomes = [
        AttemptOutcome::Sent("250 ok".into()),
        AttemptOutcome::Deferred { reply: reply(), retry_at: now() },
        AttemptOutcome::Failed { reply: reply(), suppress: false },
        AttemptOutcome::Unknown("closed".into()),
    ];
    let entries: Vec<_> = ids.iter().copied().zip(outcomes.map(LedgerEntry::Settled)).collect();
    record(&mut *store, &entries);
    assert_eq!(found(&mut *store, &["a"], 4), Some(address(4)));
    for (number, suppressed) in [(0, 0), (1, 1), (2, 0), (3, 0), (4, 1)] {
        let expected = Erasure { was_known: true, deliveries: 1, suppressed, is_erased: true, ..Erasure::default() };
        assert_eq!(forget(&mut *store, number), expected, "{number}");
        assert_eq!((store.subscriber(&address(number)).unwrap(), found(&mut *store, &["a"], number)), (None, None));
        assert_eq!(store.are_forgotten(&[&address(9), &address(number)]).unwrap(), [false, true]);
    }
    let masked = |reply: &str| Some(reply.replace("Reader2@example.org", "…").replace("READER2", "…"));
    let row = |state, reply| ("(forgotten)".to_owned(), state, reply);
    // A reply about the other recipient is masked under another name.
    let deferred = store.deliveries_to(&issue(), &[ids[1]]).unwrap()[0].reply.clone();
    assert!(deferred.as_ref().is_some_and(|reply| !reply.contains('@')), "{deferred:?}");
    let expected = [
        row(State::Sent, Some("250 ok".to_owned())),
        row(State::Suppressed, deferred),
        row(State::Failed, masked(&reply())),
        row(State::Unknown, Some("closed".to_owned())),
        row(State::Suppressed, None),
    ];
    assert_eq!(deliveries(&*store), expected);
    assert_eq!(store.resolve(&issue(), &[], State::Queued, now()).unwrap(), 1);
    assert_eq!(store.counts(&issue()).unwrap().open(), 0, "no recipient stays pending");
    // An address that was never there may be forgotten as well.
    assert_eq!(forget(&mut *store, 6), Erasure { is_erased: true, ..Erasure::default() });
    assert!(forget(&mut *store, 6).was_forgotten);
    let mut store = open();
    assert_eq!(add(&mut *store, 7), Added { new: 1, forgotten: 6, by_status: active(1), ..Added::default() });
    assert_eq!(store.subscriber(&address(5)).unwrap().unwrap().id, SubscriberId(6), "their number is not reused");
    assert_eq!(store.are_forgotten(&[&address(6), &address(5), &address(0)]).unwrap(), [true, false, true]);
    assert!(store.allow(&address(6)).unwrap() && !store.allow(&address(6)).unwrap());
    assert_eq!(add(&mut *store, 7), Added { new: 1, known: 1, forgotten: 5, by_status: active(2), ..Added::default() });
}

pub(super) fn a_claimed_recipient_is_not_forgotten_yet(open: Open<'_>) {
    let mut store = begun(open, 2);
    let ids = claim(&mut *store, 2);
    record(&mut *store, &[(ids[1], LedgerEntry::Sending)]);
    let mut other = open();
    for number in [0, 1] {
        let refused = other.forget(&address(number), &run("boot"), now()).unwrap();
        assert!(matches!(refused, ForgetOutcome::Busy(_)), "{refused:?}");
        assert!(other.subscriber(&address(number)).unwrap().is_some());
        assert_eq!(other.are_forgotten(&[&address(number)]).unwrap(), [false]);
    }
    let sent = || LedgerEntry::Settled(AttemptOutcome::Sent("250 ok".into()));
    record(&mut *store, &[(ids[1], sent()), (ids[0], LedgerEntry::Sending), (ids[0], sent())]);
    store.renew_run(now()).unwrap();
    for number in [0, 1] {
        assert!(forget(&mut *other, number).was_known, "the run no longer has them");
    }
    let row = || ("(forgotten)".to_owned(), State::Sent, Some("250 ok".to_owned()));
    assert_eq!(deliveries(&*other), [row(), row()]);
    store.record(&issue(), &[(ids[0], sent())], now()).unwrap();
    assert_eq!(deliveries(&*store), [row(), row()]);
}

pub(super) fn dead_runs_are_settled_before_forgetting(open: Open<'_>) {
    let mut store = begun(open, 3);
    let ids = claim(&mut *store, 2);
    record(&mut *store, &[(ids[1], LedgerEntry::Sending)]);
    drop(store);
    let mut store = open();
    let erasure = forget(&mut *store, 1);
    assert!(erasure.was_known && erasure.is_erased);
    assert_eq!((erasure.recovered.requeued, erasure.recovered.unknown.len()), (1, 1));
    let states: Vec<State> = deliveries(&*store).into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, [State::Queued, State::Unknown, State::Queued]);
    assert!(matches!(store.begin_run(&run("boot"), now()).unwrap(), RunStart::Started(_)), "other runs may send again");
}

pub(super) fn subscribers_removed_from_the_list_are_reported_once(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 4);
    let note = |named: &[usize]| {
        let keys: Vec<String> = named.iter().map(|number| address(*number).key()).collect();
        open().note_listed(&|key| keys.iter().any(|named| named == key)).unwrap()
    };
    assert_eq!(note(&[0, 1, 2, 9]), [], "subscribers it never named are not reported");
    let listed = |number| store.personal_data(&address(number)).unwrap().unwrap().listed;
    assert_eq!([listed(0), listed(2), listed(3)], [true, true, false]);
    assert_eq!(note(&[0]), [address(1), address(2)]);
    assert!(listed(0) && !listed(1));
    assert_eq!((note(&[0]), store.unlisted().unwrap()), (vec![], vec![address(1), address(2)]));
    store.set_status(&address(2), Status::Unsubscribed, now()).unwrap();
    assert_eq!(store.unlisted().unwrap(), [address(1)]);
    assert_eq!(note(&[0, 1, 2]), []);
    assert_eq!(note(&[]), [address(0), address(1)], "active ones, including those who had returned");
}
