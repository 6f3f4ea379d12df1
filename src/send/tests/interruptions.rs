//! Runs that are killed, stopped or fail, and the run after them.

use super::*;
use crate::ledger::{Delivery, LedgerEntry};

/// A run that claims this many, begins to send to the first, and is killed.
fn die_while_sending(store: &Memory, issue: &IssueId, claims: usize) {
    let mut killed = store.open();
    killed.begin_run(&Run { host: "host".to_owned(), boot_id: "boot".to_owned(), pid: 7 }, noon()).unwrap();
    killed.freeze(issue, "spring", None, noon()).unwrap();
    let claims = killed.claim(issue, claims, noon()).unwrap();
    killed.record(issue, &[(claims[0].subscriber.id, LedgerEntry::Sending)], noon()).unwrap();
}

#[test]
fn a_killed_run_is_finished_and_unknown_deliveries_are_named() {
    let (world, store) = (World::new(), readers(4));
    die_while_sending(&store, &world.issues[0].id, 2);
    let peer = Peer::start(vec![Script::new()]);
    let report = world.send(&store, &world.route(&peer));
    assert_eq!(report.recovered.requeued, 1);
    let unknown: Vec<&str> = report.recovered.unknown.iter().map(Delivery::address_or_forgotten).collect();
    assert_eq!(unknown, ["reader-1@example.com"]);
    assert_eq!(states(&store, 4), [State::Unknown, State::Sent, State::Sent, State::Sent]);
}

/// The ledger fails at each of its writes in turn, as if the process died or the disk were full; then a second run
/// continues. The server's own record must equal the ledger.
#[test]
fn whichever_write_fails_no_one_is_skipped_or_mailed_twice() {
    const READERS: usize = 8;
    for connections in [1, 3] {
        for writes in 0..30 {
            let (world, store) = (World { connections, ..World::new() }, readers(READERS));
            let peer = Peer::start(vec![Script::new()]);
            let route = world.route(&peer);
            store.writes_left(Some(writes));
            let first = world.with_sending(&route, |sending| send_due(&mut store.open(), sending));
            store.writes_left(None);
            let second = world.send(&store, &route);
            let unknown = second.recovered.unknown.len();
            assert!(first.is_err() || writes >= 5, "{writes} writes are too few for all");
            assert!(unknown <= connections, "{unknown} unknown over {connections} connections");
            let mut recipients = peer.recipients();
            recipients.dedup();
            assert_eq!(recipients.len(), peer.taken().len(), "a reader got it twice");
            for number in 1..=READERS {
                let address = format!("reader-{number}@example.com");
                let state = store.state(&address)[0].0;
                let got_it = recipients.contains(&address);
                let agrees = state == State::Unknown || (state == State::Sent) == got_it;
                assert!(agrees && (got_it || state == State::Unknown), "{address}: {state}, {got_it}");
            }
        }
    }
}

#[test]
fn a_stop_signal_ends_the_run_after_the_current_message() {
    let (world, store) = (World { stop_after: Some(2), ..World::new() }, readers(5));
    let peer = Peer::start(vec![Script::new()]);
    world.send(&store, &world.route(&peer));
    let (sent, queued) = (State::Sent, State::Queued);
    assert_eq!(states(&store, 5), [sent, sent, queued, queued, queued]);
    world.stop.store(false, Ordering::Relaxed);
    world.send(&store, &world.route(&peer));
    assert_eq!(peer.recipients().len(), 5);
}

#[test]
fn an_outbox_gets_one_file_each_and_repeats_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Route::Outbox { project: Project::new(folder.path()), root: "outbox".into(), writers: 1 };
    let (world, store) = (World::new(), readers(3));
    die_while_sending(&store, &world.issues[0].id, 1);
    world.send(&store, &outbox);
    assert_eq!(states(&store, 3), [State::Sent; 3]);
    let file = folder.path().join("outbox/spring/reader-2@example.com.eml");
    let letter = std::fs::read_to_string(file).unwrap();
    assert!(letter.contains("\r\nTo: reader-2@example.com\r\n") && letter.ends_with("--\r\n"), "{letter}");
    assert_eq!(store.state("reader-3@example.com")[0].2, "written to outbox/spring/reader-3@example.com.eml");
}

#[test]
fn an_outbox_that_cannot_be_written_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("outbox"), "a file").unwrap();
    let outbox = Route::Outbox { project: Project::new(folder.path()), root: "outbox".into(), writers: 1 };
    let (world, store) = (World::new(), readers(3));
    let stopped = world.send(&store, &outbox).stopped.unwrap();
    assert_eq!(stopped.rule, "outbox-write");
    assert_eq!(states(&store, 3), [State::Queued; 3]);
}

/// Faults of every kind in every phase, in an order derived from a seed, over several runs.
#[test]
fn whatever_the_server_does_its_record_equals_the_ledger() {
    const READERS: usize = 30;
    const FAULTS: [(&str, Answer); 12] = [
        ("GREETING", Answer::SayAndDrop("421 4.3.2 Busy")),
        ("GREETING", Answer::Drop),
        ("MAIL", Answer::Drop),
        ("MAIL", Answer::Say("451 4.3.0 Later")),
        ("RCPT", Answer::SayAndDrop("421 4.7.0 Too much")),
        ("RCPT", Answer::Say("450 4.2.2 Full")),
        ("RCPT", Answer::Say("nonsense")),
        ("DATA", Answer::Drop),
        ("DATA", Answer::Say("451 4.3.0 Later")),
        ("DOT", Answer::Drop),
        ("DOT", Answer::TakeAndDrop),
        ("DOT", Answer::Say("451 4.3.0 Later")),
    ];
    for seed in 0..40_usize {
        let mut script = Script::new();
        for (at, (step, answer)) in FAULTS.iter().enumerate() {
            script = script.on_nth(step, 2 + (seed * 7 + at * 11) % 25, answer.clone());
        }
        let (mut world, store) = (World { connections: 1 + seed % 4, ..World::new() }, readers(READERS));
        let peer = Peer::start(vec![script]);
        for _ in 0..4 {
            world.send(&store, &world.route(&peer));
            world.now += chrono::Duration::hours(7);
        }
        let mut recipients = peer.recipients();
        recipients.dedup();
        assert_eq!(recipients.len(), peer.taken().len(), "seed {seed}: a reader got it twice");
        for number in 1..=READERS {
            let address = format!("reader-{number}@example.com");
            let state = store.state(&address)[0].0;
            let got_it = recipients.contains(&address);
            assert!(state == State::Unknown || (state == State::Sent && got_it), "seed {seed}: {address} {state}");
        }
    }
}
