//! What stores promise in which several runs send at once: which runs are dead, and that a wrong decision mails no one
//! twice.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use super::*;

/// Makes every live run look dead to the others by expiring its lease.
pub(in crate::store) type Expire<'a> = &'a dyn Fn();

/// Runs a test in a new store.
pub(in crate::store) type World<'a> = &'a dyn Fn(&dyn Fn(&(dyn Fn() -> Box<dyn Store> + Sync), Expire<'_>));

pub(in crate::store) fn conforms(world: World<'_>) {
    world(&|open, _| two_runs_claim_different_recipients(open));
    world(&|open, _| a_dead_runs_claims_go_to_another(open));
    world(&|open, _| a_reboot_of_a_workers_machine_changes_nothing(open));
    world(&|open, expire| a_late_reply_is_recorded_until_resolved(open, expire));
    world(&|open, expire| a_run_declared_dead_loses_its_claims_and_continues(open, expire));
    world(&|open, expire| a_renewed_run_keeps_its_claims(open, expire));
    world(&|open, _| two_freeze_at_once(open));
    world(&|open, _| many_take_each_once(open));
    world(&|open, _| a_rate_is_shared_by_the_servers_clock(open));
    world(&|open, _| runs_together_take_no_more_than_a_quota(open));
}

/// Stores may skip work between two calls of `renew_run`.
fn minutes_later(minutes: i64) -> DateTime<Utc> {
    now() + TimeDelta::minutes(minutes)
}

/// Another run in the same store.
fn joined(open: Open<'_>) -> (Box<dyn Store>, Recovered) {
    let mut store = open();
    let RunStart::Started(recovered) = store.begin_run(&run("another boot"), now()).unwrap() else { panic!("busy") };
    (store, recovered)
}

fn unknown(recovered: &Recovered) -> Vec<SubscriberId> {
    recovered.unknown.iter().map(|delivery| delivery.subscriber).collect()
}

fn sent() -> LedgerEntry {
    LedgerEntry::Settled(AttemptOutcome::Sent("250 ok".into()))
}

fn two_runs_claim_different_recipients(open: Open<'_>) {
    let mut one = begun(open, 5);
    let (mut other, recovered) = joined(open);
    assert_eq!(recovered, Recovered::default());
    let (mine, theirs) = (claim(&mut *one, 2), claim(&mut *other, 9));
    assert_eq!((mine.len(), theirs.len()), (2, 3));
    assert_eq!(claim(&mut *one, 9), []);
    record(&mut *one, &[(mine[0], LedgerEntry::Sending), (mine[1], LedgerEntry::Sending)]);
    let stolen = [(mine[0], sent()), (theirs[0], LedgerEntry::Sending)];
    assert_eq!(other.record(&issue(), &stolen, now()).unwrap(), [mine[0]], "it is not its own");
    assert_eq!(one.renew_run(minutes_later(1)).unwrap(), Recovered::default());
    assert_eq!(other.renew_run(minutes_later(1)).unwrap(), Recovered::default());
    record(&mut *one, &[(mine[0], sent()), (mine[1], sent())]);
    let counts = open().counts(&issue()).unwrap();
    assert_eq!((counts.of(State::Sent), counts.of(State::Sending), counts.of(State::Claimed)), (2, 1, 2));
}

fn a_dead_runs_claims_go_to_another(open: Open<'_>) {
    let mut dying = begun(open, 4);
    let (mut other, _) = joined(open);
    let ids = claim(&mut *dying, 4);
    record(&mut *dying, &[(ids[0], LedgerEntry::Sending), (ids[1], LedgerEntry::Sending), (ids[1], sent())]);
    drop(dying);
    assert_eq!(claim(&mut *other, 9), [], "no one has checked yet");
    let recovered = other.renew_run(minutes_later(1)).unwrap();
    assert_eq!((recovered.requeued, unknown(&recovered)), (2, vec![ids[0]]));
    assert_eq!(claim(&mut *other, 9), ids[2..], "what may have been sent is not claimed");
    assert_eq!(states(&*other)[0], (State::Unknown, 1));
    assert_eq!(other.renew_run(minutes_later(2)).unwrap(), Recovered::default(), "it is settled once");
}

/// A run's writes are on the server, whatever happens to its machine.
fn a_reboot_of_a_workers_machine_changes_nothing(open: Open<'_>) {
    let mut dying = begun(open, 2);
    let ids = claim(&mut *dying, 2);
    record(&mut *dying, &[(ids[0], LedgerEntry::Sending)]);
    drop(dying);
    let (_, recovered) = joined(open);
    assert_eq!((recovered.requeued, unknown(&recovered)), (1, vec![ids[0]]));
}

fn a_late_reply_is_recorded_until_resolved(open: Open<'_>, expire: Expire<'_>) {
    let mut slow = begun(open, 3);
    let ids = claim(&mut *slow, 3);
    let sending: Vec<_> = ids.iter().map(|id| (*id, LedgerEntry::Sending)).collect();
    record(&mut *slow, &sending);
    expire();
    let (mut other, recovered) = joined(open);
    assert_eq!((recovered.requeued, unknown(&recovered)), (0, ids.clone()));
    assert_eq!(claim(&mut *other, 9), []);
    record(&mut *slow, &[(ids[0], sent()), (ids[2], LedgerEntry::Settled(AttemptOutcome::Requeued))]);
    let one = [address(1)];
    assert_eq!(other.resolve(&issue(), &one, State::Queued, now()).unwrap(), 1);
    assert_eq!(slow.record(&issue(), &[(ids[1], sent())], now()).unwrap(), [ids[1]], "the user has resolved it");
    let expected = [(State::Sent, 1), (State::Queued, 1), (State::Queued, 0)];
    assert_eq!(states(&*other), expected);
}

fn a_run_declared_dead_loses_its_claims_and_continues(open: Open<'_>, expire: Expire<'_>) {
    let mut slow = begun(open, 4);
    let ids = claim(&mut *slow, 2);
    expire();
    let (mut other, recovered) = joined(open);
    assert_eq!((recovered.requeued, unknown(&recovered)), (2, vec![]));
    let entries = [(ids[0], LedgerEntry::Sending), (ids[1], LedgerEntry::Settled(AttemptOutcome::Requeued))];
    assert_eq!(slow.record(&issue(), &entries, now()).unwrap(), ids, "nothing may be sent");
    assert_eq!(claim(&mut *other, 1), ids[..1]);
    assert_eq!(slow.record(&issue(), &[(ids[0], LedgerEntry::Sending)], now()).unwrap(), ids[..1]);
    assert_eq!(states(&*other)[..2], [(State::Claimed, 0), (State::Queued, 0)]);
    assert_eq!(claim(&mut *slow, 1), ids[1..], "it is alive, and claims what it lost");
    record(&mut *slow, &[(ids[1], LedgerEntry::Sending)]);
    record(&mut *slow, &[(ids[1], sent())]);
}

fn a_renewed_run_keeps_its_claims(open: Open<'_>, expire: Expire<'_>) {
    let mut slow = begun(open, 2);
    let ids = claim(&mut *slow, 1);
    expire();
    assert_eq!(slow.renew_run(minutes_later(1)).unwrap(), Recovered::default());
    assert_eq!(joined(open).1, Recovered::default());
    expire();
    record(&mut *slow, &[(ids[0], LedgerEntry::Sending)]);
    assert_eq!(joined(open).1, Recovered::default(), "writing shows it too");
}

fn two_freeze_at_once(open: &(dyn Fn() -> Box<dyn Store> + Sync)) {
    add(&mut *open(), 50);
    let freeze = || open().freeze(&issue(), "hash", None, now()).unwrap();
    let [one, other] =
        thread::scope(|scope| [scope.spawn(freeze), scope.spawn(freeze)].map(|each| each.join().unwrap()));
    assert_eq!((one.expected, &one), (50, &other));
    assert_eq!(open().counts(&issue()).unwrap().of(State::Queued), 50);
    assert_eq!(open().mailings().unwrap(), [one]);
}

fn many_take_each_once(open: &(dyn Fn() -> Box<dyn Store> + Sync)) {
    add(&mut *open(), 200);
    open().freeze(&issue(), "hash", None, now()).unwrap();
    let take = || {
        let (mut store, _) = joined(open);
        let mut taken = Vec::new();
        loop {
            let ids = claim(&mut *store, 7);
            if ids.is_empty() {
                return taken;
            }
            record(&mut *store, &ids.iter().map(|id| (*id, LedgerEntry::Sending)).collect::<Vec<_>>());
            record(&mut *store, &ids.iter().map(|id| (*id, sent())).collect::<Vec<_>>());
            taken.extend(ids);
        }
    };
    let taken = thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        runs.into_iter().flat_map(|each| each.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (200, 200));
    assert_eq!(open().counts(&issue()).unwrap().of(State::Sent), 200);
}

/// With hours between two messages, the test's own duration does not matter.
fn a_rate_is_shared_by_the_servers_clock(open: &(dyn Fn() -> Box<dyn Store> + Sync)) {
    let rate = |name: &str| Rate { name: name.to_owned(), messages: 2, per: Duration::from_secs(86_400) };
    let take = |name, hours| open().take_permits(&rate(name), 9, now() + TimeDelta::hours(hours)).unwrap();
    assert_eq!(take("one", 0).granted, 1);
    let full = take("one", 99);
    assert_eq!(full.granted, 0, "the clock of this machine does not count");
    assert!((39_600..=43_200).contains(&full.wait.as_secs()), "{full:?}");
    assert_eq!(take("two", 0).granted, 1);
    let several = thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| take("three", 0).granted)).collect();
        runs.into_iter().map(|each| each.join().unwrap()).sum::<u64>()
    });
    assert_eq!(several, 1);
}

fn runs_together_take_no_more_than_a_quota(open: &(dyn Fn() -> Box<dyn Store> + Sync)) {
    let quota = Quota { name: "mail".to_owned(), day: now().date_naive(), messages: 100 };
    let take_all = || {
        let mut store = open();
        (0..40).map(|_| store.take_quota(&quota, 3).unwrap()).sum::<u64>()
    };
    let taken = thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(take_all)).collect();
        runs.into_iter().map(|each| each.join().unwrap()).sum::<u64>()
    });
    assert_eq!(taken, 100);
}
