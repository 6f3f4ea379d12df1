//! Pipelining the next envelope behind the content: which servers pass the trial, and what it costs.

use super::*;
use crate::smtp::greeting::stable_part;
use crate::smtp::relay::Pipelining;

const COUNT: usize = 40;

/// The reply never comes, so that a short wait changes nothing.
const SHORT: Duration = Duration::from_millis(300);

/// Sends to all readers, and returns what was learned about the server.
fn send(script: Script, world: &World, store: &Memory) -> (SendReport, Peer, Option<bool>) {
    let peer = Peer::start(vec![script.offering("PIPELINING")]);
    let report = world.send(store, &world.route(&peer));
    let kept =
        store.open().pipelining(&format!("127.0.0.1:{}", peer.port()), &stable_part("peer.example ESMTP")).unwrap();
    (report, peer, kept)
}

#[test]
fn a_server_that_fails_the_trial_loses_no_message_and_is_remembered() {
    for behind in [Behind::Lost, Behind::Crash] {
        for connections in [1, 4] {
            let (mut world, store) = (World { connections, ..World::new() }, readers(COUNT));
            if behind == Behind::Lost {
                world.behind = SHORT;
            }
            let (report, peer, kept) = send(Script::new().behind(behind), &world, &store);
            assert_eq!((report.stopped, states(&store, COUNT)), (None, vec![State::Sent; COUNT]), "{behind:?}");
            assert_eq!((kept, peer.taken().len()), (Some(false), COUNT), "{behind:?}, {connections} connections");
            assert!(peer.heard().len() <= connections + 1, "one connection was given up at most");
        }
    }
}

#[test]
fn a_server_that_reads_on_passes_the_trial() {
    for connections in [1, 4] {
        let store = readers(COUNT);
        let (_, peer, kept) = send(Script::new(), &World { connections, ..World::new() }, &store);
        assert_eq!((kept, states(&store, COUNT)), (Some(true), vec![State::Sent; COUNT]));
        assert_eq!((peer.taken().len(), peer.heard().len()), (COUNT, connections));
    }
}

#[test]
fn a_known_server_is_not_tried_again() {
    let place = |peer: &Peer| format!("127.0.0.1:{}", peer.port());
    // A trial of these servers would cost a connection.
    let (world, store) = (World::new(), readers(8));
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").behind(Behind::Lost)]);
    store.open().note_pipelining(&place(&peer), "peer.example ESMTP", false, noon()).unwrap();
    world.send(&store, &world.route(&peer));
    assert_eq!((states(&store, 8), peer.heard().len()), (vec![State::Sent; 8], 1));
}

#[test]
fn one_stall_disables_pipelining_for_good() {
    let place = |peer: &Peer| format!("127.0.0.1:{}", peer.port());
    let (world, store) = (World { behind: SHORT, ..World::new() }, readers(8));
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").behind(Behind::Lost)]);
    store.open().note_pipelining(&place(&peer), "peer.example ESMTP", true, noon()).unwrap();
    let report = world.send(&store, &world.route(&peer));
    assert_eq!((report.stopped, states(&store, 8)), (None, vec![State::Sent; 8]));
    assert_eq!(store.open().pipelining(&place(&peer), "peer.example ESMTP").unwrap(), Some(false));
    assert_eq!(peer.heard().len(), 2);
}

#[test]
fn a_crash_leaves_the_current_message_unknown_and_the_others_are_mailed() {
    let (world, store) = (World::new(), readers(8));
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").behind(Behind::Crash)]);
    let place = format!("127.0.0.1:{}", peer.port());
    store.open().note_pipelining(&place, "peer.example ESMTP", true, noon()).unwrap();
    world.send(&store, &world.route(&peer));
    let reached = states(&store, 8);
    assert_eq!((reached[0], &reached[1..]), (State::Unknown, &[State::Sent; 7][..]));
    assert_eq!(store.open().pipelining(&place, "peer.example ESMTP").unwrap(), Some(false));
}

#[test]
fn pipelining_can_be_disabled() {
    for pipelining in [Pipelining::Envelope, Pipelining::Off] {
        let (world, store) = (World::new(), readers(6));
        let peer = Peer::start(vec![Script::new().offering("PIPELINING").behind(Behind::Lost)]);
        let mut relay = world.relay(peer.port());
        relay.pipelining = pipelining;
        world.send(&store, &Route::Relays(vec![relay]));
        assert_eq!((states(&store, 6), peer.heard().len()), (vec![State::Sent; 6], 1), "{pipelining:?}");
    }
}
