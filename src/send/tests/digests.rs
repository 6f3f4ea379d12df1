//! Mailing digests: two concurrent runs, and runs that die.

use super::*;
use crate::digest::{Digest, Period};
use crate::ledger::LedgerEntry;

/// A project with weekly digests, on Monday noon, with two issues of the previous week.
fn world() -> World {
    let monday = Utc.with_ymd_and_hms(2026, 5, 4, 12, 0, 0).unwrap();
    let days_before = |slug, days| issue(slug, monday - chrono::Duration::days(days));
    let issues = vec![days_before("summer", 2), days_before("spring", 4)];
    World { issues, edition: EditionKind::Digest, now: monday, ..World::new() }
}

fn period(world: &World) -> Period {
    world.schedule.closed(world.now).unwrap().0
}

/// Another process freezes the digest without `summer`, begins to send it to the first recipient, and dies.
fn another_dies(world: &World, store: &Memory) {
    let digest = Digest { period: period(world), issues: vec![&world.issues[1]] };
    let (id, mut other) = (digest.period.id(), store.open());
    other.begin_run(&Run { host: "host".to_owned(), boot_id: "boot".to_owned(), pid: 7 }, world.now).unwrap();
    other.freeze(&id, "hash", Some(&digest.contents()), world.now).unwrap();
    let claims = other.claim(&id, 2, world.now).unwrap();
    other.record(&id, &[(claims[0].subscriber.id, LedgerEntry::Sending)], world.now).unwrap();
}

#[test]
fn every_reader_gets_a_digest_once_and_its_issues_never_again() {
    let (mut world, store) = (world(), readers(9));
    let peer = Peer::start(vec![Script::new()]);
    let report = world.send(&store, &world.route(&peer));
    let mailed: Vec<_> = report.mailings.iter().map(|mailed| (mailed.slug.as_str(), mailed.title.as_str())).collect();
    assert_eq!(mailed, [("digest:2026-W18", "spring · summer")]);
    for edition in [EditionKind::Digest, EditionKind::Issue] {
        world.edition = edition;
        assert_eq!(world.send(&store, &world.route(&peer)).mailings, []);
    }
    assert_eq!((peer.taken().len(), peer.recipients().len()), (9, 9));
}

#[test]
fn a_run_continues_the_digest_that_a_dead_run_froze() {
    let (world, store) = (world(), readers(4));
    another_dies(&world, &store);
    let peer = Peer::start(vec![Script::new()]);
    let report = world.send(&store, &world.route(&peer));
    assert_eq!(report.mailings[0].title, "spring", "what came later is not in it");
    assert_eq!(report.recovered.unknown.len(), 1);
    assert!(report.needs_attention());
    assert_eq!(states(&store, 4), [State::Unknown, State::Sent, State::Sent, State::Sent]);
}

#[test]
fn a_digest_frozen_by_another_run_meanwhile_is_mailed_as_frozen() {
    let (mut world, store) = (world(), readers(4));
    let others = store.open();
    world.meanwhile = Mutex::new(Some(Box::new(move |world| another_dies(world, &others))));
    let peer = Peer::start(vec![Script::new()]);
    let report = world.send(&store, &world.route(&peer));
    assert_eq!(report.mailings[0].title, "spring", "it had less in it than was planned before");
    assert_eq!((report.recovered.unknown.len(), peer.taken().len()), (1, 3));
}
