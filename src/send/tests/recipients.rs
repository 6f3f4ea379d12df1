//! What the server replies about one recipient, and the resulting ledger.

use super::*;

#[test]
fn a_problem_with_one_recipient_does_not_stop_the_others() {
    let (world, store) = (World::new(), readers(5));
    let script = Script::new()
        .always("RCPT TO:<reader-1@", Answer::Say("550 5.1.1 No such user"))
        .always("RCPT TO:<reader-2@", Answer::Say("552 5.2.2 Mailbox full"))
        .always("RCPT TO:<reader-3@", Answer::Say("450 4.7.1 Greylisted"))
        .always("RCPT TO:<reader-4@", Answer::Say("550 5.7.1 I take no newsletters"));
    let peer = Peer::start(vec![script]);
    let report = world.send(&store, &world.route(&peer));
    assert_eq!(report.stopped, None);
    assert!(report.needs_attention());
    assert_eq!(states(&store, 5), [State::Failed, State::Failed, State::Deferred, State::Failed, State::Sent]);
    assert_eq!(store.state("reader-1@example.com"), [(State::Failed, 1, "550 5.1.1 No such user".to_owned())]);
    let suppressed: Vec<bool> = store.statuses().into_iter().map(|status| status == Status::Suppressed).collect();
    assert_eq!(suppressed, [true, false, false, false, false]);
    assert_eq!(peer.heard().len(), 1, "one connection served all");
}

#[test]
fn a_deferred_recipient_is_tried_again_after_its_delay() {
    let (mut world, store) = (World::new(), readers(1));
    let peer = Peer::start(vec![Script::new().on("RCPT", Answer::Say("450 4.2.2 Full"))]);
    world.send(&store, &world.route(&peer));
    assert_eq!(states(&store, 1), [State::Deferred]);
    world.send(&store, &world.route(&peer));
    assert_eq!((states(&store, 1), peer.heard().len()), (vec![State::Deferred], 1), "not yet, and no connection");
    world.now += chrono::Duration::minutes(6);
    world.send(&store, &world.route(&peer));
    assert_eq!((states(&store, 1), peer.recipients().len()), (vec![State::Sent], 1));
}

#[test]
fn a_connection_lost_before_the_dot_is_retried_and_after_it_unknown() {
    for (step, answer, state, taken) in [
        ("MAIL", Answer::Drop, State::Sent, 3),
        ("RCPT", Answer::Drop, State::Sent, 3),
        ("DATA", Answer::Drop, State::Sent, 3),
        ("DOT", Answer::Drop, State::Unknown, 2),
        ("DOT", Answer::TakeAndDrop, State::Unknown, 3),
    ] {
        let (world, store) = (World::new(), readers(3));
        let peer = Peer::start(vec![Script::new().on_nth(step, 2, answer)]);
        let report = world.send(&store, &world.route(&peer));
        assert_eq!(states(&store, 3), [State::Sent, state, State::Sent], "{step}");
        assert_eq!((peer.taken().len(), peer.heard().len()), (taken, 2), "{step}");
        assert_eq!(report.needs_attention(), state == State::Unknown);
    }
}

/// All of them may have it, not only those that were in doubt after a crash.
#[test]
fn recipients_of_a_lost_store_are_not_resent_by_policy() {
    let (mut world, store) = (World::new(), readers(3));
    world.on_unknown = OnUnknown::Resend;
    let mailing = store.open().freeze(&world.issues[0].id, "hash", None, noon()).unwrap();
    store.open().adopt(std::slice::from_ref(&mailing), 0, "the store was lost, and found", noon()).unwrap();
    let peer = Peer::start(vec![Script::new()]);
    world.send(&store, &world.route(&peer));
    assert_eq!((states(&store, 3), peer.taken().len()), (vec![State::Unknown; 3], 0));
    store.open().resolve(&mailing.issue, &["reader-2@example.com".parse().unwrap()], State::Queued, noon()).unwrap();
    world.send(&store, &world.route(&peer));
    assert_eq!(states(&store, 3), [State::Unknown, State::Sent, State::Unknown]);
}

#[test]
fn an_unknown_recipient_is_held_unless_the_policy_is_resend() {
    let (mut world, store) = (World::new(), readers(1));
    let peer = Peer::start(vec![Script::new().on("DOT", Answer::Drop)]);
    world.send(&store, &world.route(&peer));
    world.send(&store, &world.route(&peer));
    assert_eq!((states(&store, 1), peer.heard().len()), (vec![State::Unknown], 1));
    world.on_unknown = OnUnknown::Resend;
    world.send(&store, &world.route(&peer));
    assert_eq!((states(&store, 1), peer.recipients().len()), (vec![State::Sent], 1));
}

#[test]
fn a_message_that_always_breaks_the_connection_is_deferred_and_the_others_are_sent() {
    let (world, store) = (World::new(), readers(3));
    let peer = Peer::start(vec![Script::new().always("RCPT TO:<reader-2@", Answer::Drop)]);
    world.send(&store, &world.route(&peer));
    assert_eq!(states(&store, 3), [State::Sent, State::Deferred, State::Sent]);
    // The first time, the server may accept no second message on a connection.
    assert_eq!(*world.pauses.lock().unwrap(), [2, 2, 4]);
}

/// More than are claimed at a time, and no other domain to compare with: each run gets further.
#[test]
fn a_long_run_of_deferred_recipients_is_passed_eventually() {
    for connections in [1, 4] {
        let (mut world, store) = (World { connections, ..World::new() }, readers(400));
        let head = (1..=300).map(|number| &*format!("RCPT TO:<reader-{number}@").leak());
        let script = head.fold(Script::new(), |script, step| script.always(step, Answer::Say("421 4.7.0 Complaints")));
        let peer = Peer::start(vec![script]);
        let runs = (1..20).find(|_| {
            world.send(&store, &world.route(&peer));
            world.now += chrono::Duration::hours(1);
            peer.taken().len() == 100
        });
        assert!(runs.is_some(), "{} were mailed", peer.taken().len());
        let open = states(&store, 300).into_iter().filter(|state| [State::Queued, State::Deferred].contains(state));
        assert_eq!(open.count(), 300);
    }
}

/// A list sorted by domain, with more of the first domain than are claimed at a time.
#[test]
fn recipients_behind_a_deferred_domain_are_mailed_in_one_run() {
    for connections in [1, 4] {
        let (world, mut store) = (World { connections, ..World::new() }, readers(300));
        let address = |number| format!("other-{number}@example.net").parse().unwrap();
        store.add_subscribers(&mut (1..=50).map(|n| NewSubscriber::new(address(n), "")), noon()).unwrap();
        let later = Answer::Say("421 4.7.0 [TSS04] Complaints");
        let peer = Peer::start(vec![Script::new().always("RCPT TO:<reader-", later)]);
        world.send(&store, &world.route(&peer));
        assert_eq!(peer.taken().len(), 50);
        let open = states(&store, 300).into_iter().filter(|state| [State::Queued, State::Deferred].contains(state));
        assert_eq!(open.count(), 300);
    }
}

/// Otherwise the next mailing would wait for them forever.
#[test]
fn remaining_recipients_refused_repeatedly_stop_no_later_run() {
    for said in ["421 4.7.0 Complaints", "450 4.7.0 Complaints", "550 5.7.1 Not here"] {
        let (mut world, mut store) = (World { connections: 4, ..World::new() }, readers(30));
        let address = |number| format!("other-{number}@{number}.example").parse().unwrap();
        store.add_subscribers(&mut (1..=60).map(|n| NewSubscriber::new(address(n), "")), noon()).unwrap();
        let peer = Peer::start(vec![Script::new().always("RCPT TO:<other-", Answer::Say(said))]);
        let tried = |store: &Memory| {
            (1..=60).map(|n| store.state(&format!("other-{n}@{n}.example"))[0].clone()).collect::<Vec<_>>()
        };
        let runs = (1..20).find(|_| {
            let report = world.send(&store, &world.route(&peer));
            world.now += chrono::Duration::hours(1);
            report.stopped.is_none() && tried(&store).iter().all(|(_, tries, _)| *tries > 0)
        });
        assert!(runs.is_some_and(|runs| runs < 10), "{said}: {runs:?}");
        for _ in 0..3 {
            world.now += chrono::Duration::hours(24);
            let report = world.send(&store, &world.route(&peer));
            assert_eq!((report.stopped, peer.taken().len()), (None, 30), "{said}");
        }
        for (state, tries, reply) in tried(&store) {
            assert_eq!((state, tries > 2, reply.as_str()), (State::Deferred, true, said));
        }
    }
}

#[test]
fn the_rate_limit_holds_over_all_runs() {
    let rate = Rate { name: "mail".to_owned(), messages: 2, per: Duration::from_secs(60) };
    let (mut world, store) = (World { rate: Some(rate), limit: Some(2), ..World::new() }, readers(4));
    let peer = Peer::start(vec![Script::new()]);
    world.send(&store, &world.route(&peer));
    assert_eq!((peer.taken().len(), world.pauses.lock().unwrap().clone()), (2, vec![30]));
    world.limit = None;
    world.send(&store, &world.route(&peer));
    assert_eq!((peer.taken().len(), open(&store)), (4, 0));
    assert_eq!(world.pauses.lock().unwrap()[..3], [30, 30, 30], "what the first run used up is gone");
}

#[test]
fn an_address_the_server_does_not_support_fails_alone() {
    let address = "用户@example.com";
    for (offers, state, is_taken) in [(false, State::Failed, false), (true, State::Sent, true)] {
        for connections in [1, 4] {
            let (world, mut store) = (World { connections, ..World::new() }, readers(20));
            store.add_subscribers(&mut [NewSubscriber::new(address.parse().unwrap(), "")].into_iter(), noon()).unwrap();
            let script = Script::new().offering("PIPELINING");
            let script = if offers { script.offering("SMTPUTF8").offering("8BITMIME") } else { script };
            let peer = Peer::start(vec![script]);
            let report = world.send(&store, &world.route(&peer));
            assert_eq!((report.stopped, states(&store, 20)), (None, vec![State::Sent; 20]));
            let (reached, _, reply) = store.state(address)[0].clone();
            assert_eq!((reached, peer.recipients().contains(&address.to_owned())), (state, is_taken), "{reply}");
            assert!(offers || reply.starts_with("the server does not offer SMTPUTF8"), "{reply}");
            assert_eq!(store.statuses().last(), Some(&Status::Active), "no one is suppressed for it");
        }
    }
}
