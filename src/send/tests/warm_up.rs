//! A new server or domain: daily limits, counted over all runs.

use super::*;

/// Five on the first day, ten on the second, twenty on the third.
fn warm_up(name: &str) -> WarmUp {
    let since = noon().date_naive();
    WarmUp { name: name.to_owned(), since, first_day: 5, factor: 2.0, zone: chrono_tz::Asia::Tokyo }
}

fn world() -> World {
    World { warm_up: Some(warm_up("mail")), connections: 2, ..World::new() }
}

#[test]
fn each_day_the_quota_leaves_and_the_rest_waits() {
    let (mut world, store) = (world(), readers(30));
    let peer = Peer::start(vec![Script::new()]);
    let report = world.send(&store, &world.route(&peer));
    assert_eq!((peer.taken().len(), open(&store)), (5, 25));
    assert!(!report.needs_attention() && report.stopped.is_none());
    assert_eq!(report.paused.unwrap().to_rfc3339(), "2026-05-02T00:00:00+09:00");
    let calls = peer.heard().len();
    world.send(&store, &world.route(&peer));
    assert_eq!((peer.taken().len(), peer.heard().len()), (5, calls), "nothing more that day, and no connection");
    // The next day begins at 15:00 UTC; on the one after it the issue is no longer due.
    for (hours, all) in [(4, 15), (72, 30)] {
        world.now = noon() + chrono::Duration::hours(hours);
        let report = world.send(&store, &world.route(&peer));
        assert_eq!((peer.taken().len(), report.paused.is_some()), (all, all < 30), "after {hours} hours");
    }
    assert_eq!(states(&store, 30), [State::Sent; 30]);
}

#[test]
fn an_issue_without_quota_today_is_begun_so_that_it_stays_due() {
    let (mut world, store) = (world(), readers(6));
    world.issues.push(issue("older", noon() - chrono::Duration::hours(47)));
    let peer = Peer::start(vec![Script::new()]);
    let report = world.send(&store, &world.route(&peer));
    assert_eq!((peer.taken().len(), report.mailings.len()), (5, 2));
    world.now = noon() + chrono::Duration::hours(120);
    assert_eq!(world.send(&store, &world.route(&peer)).paused, None);
    assert_eq!(peer.taken().len(), 12);
}

#[test]
fn a_warm_up_of_two_months_reaches_every_reader() {
    let (mut world, store) = (world(), readers(120));
    world.warm_up = Some(WarmUp { first_day: 2, factor: 1.0, ..warm_up("mail") });
    let peer = Peer::start(vec![Script::new()]);
    for day in 0..60 {
        world.now = noon() + chrono::Duration::days(day);
        world.send(&store, &world.route(&peer));
    }
    assert_eq!(states(&store, 120), [State::Sent; 120]);
    assert_eq!(peer.recipients().len(), 120);
}

#[test]
fn unused_quota_is_left_for_the_next_run() {
    let (mut world, store) = (World { stop_after: Some(2), connections: 1, ..world() }, readers(30));
    let peer = Peer::start(vec![Script::new()]);
    world.send(&store, &world.route(&peer));
    assert_eq!(peer.taken().len(), 2);
    world = self::world();
    world.send(&store, &world.route(&peer));
    assert_eq!(peer.taken().len(), 5);
}

#[test]
fn a_new_server_gets_its_quota_and_the_other_the_rest() {
    let (world, store) = (World { connections: 2, ..World::new() }, readers(30));
    let new = Peer::start(vec![Script::new()]);
    let record = new.record();
    let is_used_up = move || record.tally().taken == 5;
    let old = Peer::start(vec![Script::new().holding("DOT", move |tally| tally.taken < 5 || is_used_up())]);
    let peers = [old, new];
    let mut relays = peers.each_ref().map(|peer| world.relay(peer.port()));
    relays[1].warm_up = Some(warm_up("second"));
    let report = world.send(&store, &Route::Relays(relays.into()));
    assert_eq!((peers[0].taken().len(), peers[1].taken().len(), report.paused), (25, 5, None));
    assert!(!report.needs_attention());
}

#[test]
fn when_all_servers_are_new_the_run_ends_with_the_last_quota() {
    let (mut world, store) = (World { connections: 2, ..World::new() }, readers(30));
    let peers = [Peer::start(vec![Script::new()]), Peer::start(vec![Script::new()])];
    let route = |world: &World| {
        let mut relays = peers.each_ref().map(|peer| world.relay(peer.port()));
        relays[0].warm_up = Some(warm_up("first"));
        relays[1].warm_up = Some(warm_up("second"));
        Route::Relays(relays.into())
    };
    let report = world.send(&store, &route(&world));
    assert_eq!((peers[0].taken().len(), peers[1].taken().len(), open(&store)), (5, 5, 20));
    assert!(report.paused.is_some() && !report.needs_attention());
    world.now += chrono::Duration::days(1);
    let report = world.send(&store, &route(&world));
    assert_eq!((open(&store), report.paused), (0, None));
}

#[test]
fn nothing_leaves_through_a_new_server_before_its_first_day() {
    let tomorrow = noon().date_naive() + chrono::Duration::days(2);
    let (world, store) =
        (World { warm_up: Some(WarmUp { since: tomorrow, ..warm_up("mail") }), ..World::new() }, readers(3));
    let peer = Peer::start(vec![Script::new()]);
    let report = world.send(&store, &world.route(&peer));
    assert_eq!((peer.heard().len(), open(&store)), (0, 3));
    assert_eq!(report.paused.unwrap().to_rfc3339(), "2026-05-03T00:00:00+09:00");
}
