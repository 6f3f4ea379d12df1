//! Several mail servers: shares, and servers that die, refuse or hang during a run.

use std::sync::Arc;

use super::*;
use crate::finding::Severity;

const COUNT: usize = 40;

/// Every reader has it once, over whatever server.
fn all_have_it(store: &Memory, peers: &[&Peer]) {
    assert_eq!(states(store, COUNT), [State::Sent; COUNT]);
    let mut recipients: Vec<String> = peers.iter().flat_map(|peer| peer.recipients()).collect();
    recipients.sort();
    let mut expected: Vec<String> = (1..=COUNT).map(|number| format!("reader-{number}@example.com")).collect();
    expected.sort();
    assert_eq!(recipients, expected);
}

/// A server that accepts some messages, and the others once `until` is true of its record: not all before another server
/// has done its part.
fn patient(until: impl Fn() -> bool + Send + Sync + 'static) -> Peer {
    Peer::start(vec![Script::new().holding("DOT", move |tally| tally.taken < COUNT / 4 || until())])
}

/// Sends over a healthy server and one with this script, which the healthy one lets get as far as `until`. Returns the
/// report, the ledger's states and the record of each.
fn beside_a_healthy_one(
    connections: usize,
    script: Script,
    until: impl Fn(&Tally) -> bool + Send + Sync + 'static,
) -> (World, Memory, SendReport, [Peer; 2]) {
    let (world, store) = (World { connections, ..World::new() }, readers(COUNT));
    let other = Peer::start(vec![script]);
    let record = other.record();
    let peers = [patient(move || until(&record.tally())), other];
    let report = world.send(&store, &world.route_over(&[&peers[0], &peers[1]]));
    (world, store, report, peers)
}

/// Checks the one warning about the second server, which was suspended.
fn names_the_second(report: &SendReport, peers: &[Peer; 2], text: &str) {
    assert_eq!(report.stopped, None);
    assert!(report.needs_attention());
    let [out] = report.warnings.as_slice() else { panic!("{:?}", report.warnings) };
    assert_eq!((out.rule, out.severity), ("smtp-server-out", Severity::Warning));
    assert!(out.message.contains(&format!("127.0.0.1:{}`", peers[1].port())) && out.message.contains(text), "{out}");
    assert!(out.help.is_some());
}

#[test]
fn messages_are_shared_by_weight() {
    for connections in [1, 3] {
        // A server throttled for long bypasses the other, which is not tested here: such a run does not count.
        let share = (0..100).find_map(|_| {
            let begun = Instant::now();
            let share = share_of_the_first(connections);
            (begun.elapsed() < Duration::from_secs(1)).then_some(share)
        });
        // Ten, give or take the messages in flight.
        let first = share.expect("no run took less than a second");
        assert!(first.abs_diff(10) <= connections + 1, "{first} of {COUNT} over {connections} connections");
    }
}

/// The number of messages of the first of two servers, whose second has three times its weight.
fn share_of_the_first(connections: usize) -> usize {
    let (world, store) = (World { connections, ..World::new() }, readers(COUNT));
    let peers = [Peer::start(vec![Script::new()]), Peer::start(vec![Script::new()])];
    let mut relays = peers.each_ref().map(|peer| world.relay(peer.port()));
    relays[1].weight = 3;
    let report = world.send(&store, &Route::Relays(relays.into()));
    assert!(!report.needs_attention() && report.warnings.is_empty());
    all_have_it(&store, &[&peers[0], &peers[1]]);
    peers[0].count()
}

#[test]
fn the_ledger_records_which_server_accepted_a_message() {
    let (_, store, _, peers) = beside_a_healthy_one(1, Script::new(), |other| other.taken > 0);
    let to = &peers[1].taken()[0].to;
    let expected = format!("250 2.0.0 Ok: queued [127.0.0.1:{}]", peers[1].port());
    assert_eq!(store.state(to), [(State::Sent, 1, expected)]);
}

#[test]
fn a_server_that_is_down_is_skipped_and_named() {
    let (world, store) = (World::new(), readers(COUNT));
    // The wait is about the server that was not reached.
    let is_out = Arc::new(AtomicBool::new(false));
    let notes = Arc::clone(&is_out);
    *world.during_pause.lock().unwrap() = Some(Box::new(move || notes.store(true, Ordering::SeqCst)));
    let peer = patient(move || is_out.load(Ordering::SeqCst));
    let route = Route::Relays(vec![world.relay(Peer::closed_port()), world.relay(peer.port())]);
    let report = world.send(&store, &route);
    assert_eq!((report.stopped.as_ref(), report.warnings.len()), (None, 1));
    assert!(report.warnings[0].message.contains("cannot be reached"), "{}", report.warnings[0]);
    all_have_it(&store, &[&peer]);
}

#[test]
fn a_server_that_dies_during_a_run_loses_no_recipient() {
    for connections in [1, 4] {
        let mut script = Script::new();
        for step in ["GREETING", "MAIL", "RCPT", "DATA"] {
            for nth in 6..400 {
                script = script.on_nth(step, nth, Answer::Drop);
            }
        }
        let is_dead = |other: &Tally| other.came("MAIL") > 5;
        let (_, store, report, peers) = beside_a_healthy_one(connections, script, is_dead);
        // With several connections one may stay unused, so that the problem is noticed late.
        if connections == 1 {
            names_the_second(&report, &peers, "cannot be reached");
        }
        all_have_it(&store, &[&peers[0], &peers[1]]);
        assert!((1..=6).contains(&peers[1].taken().len()));
    }
}

#[test]
fn a_refusal_by_one_server_is_tried_at_the_other() {
    for (script, text) in [
        (Script::new().always("RCPT", Answer::Say("550 5.7.1 Your reputation is poor")), "refuses our mail"),
        (Script::new().always("MAIL", Answer::Say("550 5.7.1 Not you")), "refuses the sender"),
        (Script::new().always("DOT", Answer::Say("552 5.3.4 Too big")), "refuses this message"),
        (Script::new().always("GREETING", Answer::Say("554 No")), "refuses connections from this machine"),
        (Script::new().always("RCPT", Answer::SayAndDrop("421 4.7.0 Too much")), "accepts no more mail for now"),
        (Script::new().always("EHLO", Answer::Drop), "cannot be reached"),
    ] {
        let is_out =
            |other: &Tally| ["GREETING", "EHLO", "MAIL", "RCPT", "DOT"].iter().any(|step| other.came(step) > 5);
        let (_, store, report, peers) = beside_a_healthy_one(2, script, is_out);
        names_the_second(&report, &peers, text);
        all_have_it(&store, &[&peers[0]]);
        assert!(store.statuses().iter().all(|status| *status == Status::Active));
    }
}

#[test]
fn a_recipient_refused_by_both_servers_is_to_blame() {
    let refusing = || Script::new().always("RCPT TO:<reader-7@", Answer::Say("550 5.7.1 I take no newsletters"));
    let (world, store) = (World::new(), readers(COUNT));
    let peers = [Peer::start(vec![refusing()]), Peer::start(vec![refusing()])];
    let report = world.send(&store, &world.route_over(&[&peers[0], &peers[1]]));
    assert_eq!((report.stopped, report.warnings), (None, Vec::new()));
    assert_eq!(store.state("reader-7@example.com"), [(State::Failed, 1, "550 5.7.1 I take no newsletters".to_owned())]);
    let asked = |peer: &Peer| peer.heard().concat().iter().filter(|line| line.contains("<reader-7@")).count();
    assert_eq!([asked(&peers[0]), asked(&peers[1])], [1, 1]);
    assert_eq!(report.mailings[0].tally.of(State::Sent), COUNT as u64 - 1);
}

#[test]
fn a_server_that_recovers_is_used_again() {
    let script =
        Script::new().on_nth("RCPT", 3, Answer::SayAndDrop("421 4.3.2 Restarting")).on_nth("GREETING", 2, Answer::Drop);
    let (world, store) = (World::new(), readers(COUNT));
    let first = Peer::start(vec![script]);
    let record = first.record();
    let peers = [first, patient(move || record.tally().taken > 2)];
    // The other one waits for its rate limit too, so that most is left for the first.
    let mut relays = peers.each_ref().map(|peer| world.relay(peer.port()));
    relays[1].rates = vec![Rate { name: "second".to_owned(), messages: 1, per: Duration::from_secs(3) }];
    let report = world.send(&store, &Route::Relays(relays.into()));
    assert_eq!((report.stopped.as_ref(), report.warnings.len()), (None, 1));
    all_have_it(&store, &[&peers[0], &peers[1]]);
    assert!(peers[0].taken().len() > 2, "it was not used again");
}

#[test]
fn without_a_usable_server_the_run_stops_with_the_reason_of_each() {
    let (world, store) = (World { connections: 2, ..World::new() }, readers(COUNT));
    let script = Script::new().always("MAIL", Answer::Say("550 5.7.1 Not you"));
    let peer = Peer::start(vec![script]);
    let route = Route::Relays(vec![world.relay(Peer::closed_port()), world.relay(peer.port())]);
    let report = world.send(&store, &route);
    let stopped = report.stopped.unwrap();
    assert_eq!(stopped.rule, "smtp-no-server");
    assert!(
        stopped.message.contains("cannot be reached") && stopped.message.contains("refuses the sender"),
        "{stopped}"
    );
    assert_eq!((report.warnings, states(&store, COUNT)), (Vec::new(), vec![State::Queued; COUNT]));
    // It is suspended for five minutes after each rejection.
    let rests = world.waited.lock().unwrap().as_secs() / 300;
    assert!(peer.heard().len() as u64 <= 2 + rests, "hammered: {} times in {rests} rests", peer.heard().len());
}

#[test]
fn a_server_that_hangs_holds_up_only_its_own_messages() {
    let (world, store) = (World { stop_after: Some(COUNT as u64 - 2), ..World::new() }, readers(COUNT));
    let peers = [Peer::start(vec![Script::new()]), Peer::start(vec![Script::new().always("RCPT", Answer::Silence)])];
    world.send(&store, &world.route_over(&[&peers[0], &peers[1]]));
    // The run was stopped only when all others had been mailed.
    assert!(peers[0].taken().len() >= COUNT - 2);
    assert_eq!(open(&store), (COUNT - peers[0].taken().len()) as u64);
}

#[test]
fn each_server_keeps_to_its_own_rate() {
    let (mut world, store) = (World::new(), readers(COUNT));
    let peers = [Peer::start(vec![Script::new()]), Peer::start(vec![Script::new()])];
    let records = peers.each_ref().map(Peer::record);
    // An hour is longer than the first needs for all.
    world.pauses_last_until =
        Some(Box::new(move || records.iter().map(|record| record.tally().taken).sum::<usize>() == COUNT));
    let mut relays = peers.each_ref().map(|peer| world.relay(peer.port()));
    relays[1].rates = vec![Rate { name: "second".to_owned(), messages: 1, per: Duration::from_secs(3600) }];
    let report = world.send(&store, &Route::Relays(relays.into()));
    assert!(!report.needs_attention());
    all_have_it(&store, &[&peers[0], &peers[1]]);
    assert!(peers[0].taken().len() >= COUNT - 1, "no server waits for one that is limited");
}

/// Faults of every kind at three servers, in an order derived from a seed, over several runs.
#[test]
fn whatever_several_servers_do_their_records_equal_the_ledger() {
    const FAULTS: [(&str, Answer); 9] = [
        ("GREETING", Answer::SayAndDrop("421 4.3.2 Busy")),
        ("GREETING", Answer::Drop),
        ("MAIL", Answer::Say("550 5.7.1 Not today")),
        ("RCPT", Answer::SayAndDrop("421 4.7.0 Too much")),
        ("RCPT", Answer::Say("554 5.7.1 Poor reputation")),
        ("DATA", Answer::Drop),
        ("DOT", Answer::Drop),
        ("DOT", Answer::TakeAndDrop),
        ("DOT", Answer::Say("451 4.3.0 Later")),
    ];
    for seed in 0..30_usize {
        let script = |server: usize| {
            FAULTS.iter().enumerate().fold(Script::new(), |script, (at, (step, answer))| {
                script.on_nth(step, 1 + (seed * 7 + at * 11 + server * 5) % 17, answer.clone())
            })
        };
        let (mut world, store) = (World { connections: 1 + seed % 3, ..World::new() }, readers(COUNT));
        let peers = [0, 1, 2].map(|server| Peer::start(vec![script(server)]));
        for _ in 0..5 {
            world.send(&store, &world.route_over(&peers.each_ref()));
            world.now += chrono::Duration::hours(7);
        }
        let mut recipients: Vec<String> = peers.iter().flat_map(Peer::recipients).collect();
        let taken = recipients.len();
        recipients.sort();
        recipients.dedup();
        assert_eq!(recipients.len(), taken, "seed {seed}: a reader got it twice");
        for number in 1..=COUNT {
            let address = format!("reader-{number}@example.com");
            let state = store.state(&address)[0].0;
            let got_it = recipients.contains(&address);
            let refused = state == State::Failed && !got_it;
            assert!(
                state == State::Unknown || refused || (state == State::Sent && got_it),
                "seed {seed}: {address} {state}"
            );
        }
    }
}
