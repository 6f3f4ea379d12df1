//! Problems with the server: the run stops or waits, and no recipient is blamed.

use super::*;

#[test]
fn a_rejection_of_the_sender_stops_the_run_and_blames_no_recipient() {
    for (script, rule, text) in [
        (Script::new().on("GREETING", Answer::Say("554 No")), "smtp-unwelcome", "554 No"),
        (Script::new().on("EHLO", Answer::Say("550 No")), "smtp-unwelcome", "550 No"),
        (Script::new().always("MAIL", Answer::Say("550 5.7.1 Not you")), "smtp-sender", "550 5.7.1 Not you"),
        (Script::new().always("MAIL", Answer::Say("530 Log in")), "smtp-sender", "530 Log in"),
        (Script::new().always("RCPT", Answer::Say("554 5.7.1 Relay denied")), "smtp-refused", "Relay denied"),
        (Script::new().always("DATA", Answer::Say("554 5.7.1 Bad name")), "smtp-refused", "Bad name"),
        (Script::new().always("DOT", Answer::Say("550 5.7.26 Unsigned")), "smtp-refused", "5.7.26 Unsigned"),
        (Script::new().always("DOT", Answer::Say("552 5.3.4 Too big")), "smtp-message", "552 5.3.4 Too big"),
    ] {
        let (world, store) = (World { connections: 2, ..World::new() }, readers(20));
        let peer = Peer::start(vec![script]);
        let report = world.send(&store, &world.route(&peer));
        let stopped = report.stopped.unwrap();
        assert_eq!(stopped.rule, rule, "{stopped}");
        assert!(stopped.message.contains(text) && stopped.message.contains(&peer.port().to_string()), "{stopped}");
        assert!(stopped.help.is_some());
        assert_eq!(states(&store, 20), [State::Queued; 20], "{text}");
        assert!(store.statuses().iter().all(|status| *status == Status::Active));
        assert!(peer.heard().len() <= 8, "{text}: not hammered");
    }
}

#[test]
fn an_unreachable_server_or_refused_login_is_tried_once() {
    let (world, store) = (World { connections: 8, ..World::new() }, readers(20));
    let nowhere = Route::Relays(vec![world.relay(Peer::closed_port())]);
    let stopped = world.send(&store, &nowhere).stopped.unwrap();
    assert_eq!(stopped.rule, "smtp-unreachable");
    let peer = Peer::start(vec![Script::new().offering("AUTH PLAIN").always("AUTH", Answer::Say("535 5.7.8 No"))]);
    let mut relay = world.relay(peer.port());
    relay.login = Some(Login { user: "weekly".to_owned(), password: "open sesame".into() });
    let stopped = world.send(&store, &Route::Relays(vec![relay])).stopped.unwrap();
    assert_eq!(stopped.rule, "smtp-login");
    assert_eq!(peer.heard().len(), 1);
    assert_eq!(states(&store, 20), [State::Queued; 20]);
    assert_eq!(*world.pauses.lock().unwrap(), [0; 0]);
}

#[test]
fn a_refusal_that_stops_the_run_masks_the_address() {
    let (world, store) = (World::new(), readers(1));
    let refusal = Answer::Say("554 5.7.1 <reader-1@example.com>: Relay access denied");
    let peer = Peer::start(vec![Script::new().always("RCPT", refusal)]);
    let message = world.send(&store, &world.route(&peer)).stopped.unwrap().message;
    assert!(message.contains("<r...@example.com>") && !message.contains("reader-1"), "{message}");
}

#[test]
fn a_server_that_never_replies_to_a_message_is_given_up_after_three() {
    let (world, store) = (World::new(), readers(20));
    let peer = Peer::start(vec![Script::new().always("DOT", Answer::Drop)]);
    let stopped = world.send(&store, &world.route(&peer)).stopped.unwrap();
    assert_eq!(stopped.rule, "smtp-no-verdict");
    assert_eq!(states(&store, 20)[..3], [State::Unknown; 3]);
    assert_eq!(states(&store, 20)[3..], [State::Queued; 17]);
}

#[test]
fn a_busy_server_is_suspended_and_then_gets_the_rest() {
    let (world, store) = (World::new(), readers(3));
    let busy = Answer::SayAndDrop("421 4.7.0 Too much mail from you");
    // It defers everyone, the three of them twice, on every connection.
    let script = (1..=6).fold(Script::new(), |script, nth| script.on_nth("RCPT", nth, busy.clone()));
    let peer = Peer::start(vec![script]);
    let report = world.send(&store, &world.route(&peer));
    assert_eq!(report.stopped, None);
    assert_eq!(states(&store, 3), [State::Sent; 3]);
    assert!(world.pauses.lock().unwrap().contains(&2), "{:?}", world.pauses.lock().unwrap());
}

#[test]
fn a_server_that_stays_busy_ends_the_run_and_all_stay_queued() {
    for connections in [1, 4] {
        let (world, store) = (World { connections, ..World::new() }, readers(3));
        let peer = Peer::start(vec![Script::new().always("RCPT", Answer::Say("421 4.7.0 Too much"))]);
        let stopped = world.send(&store, &world.route(&peer)).stopped.unwrap();
        assert_eq!(stopped.rule, "smtp-busy");
        let queued = (State::Queued, 0, "421 4.7.0 Too much".to_owned());
        let seen: Vec<_> = (1..=3).flat_map(|number| store.state(&format!("reader-{number}@example.com"))).collect();
        assert_eq!(seen, [queued.clone(), queued.clone(), queued]);
        assert!(peer.heard().len() < 30, "not hammered");
    }
}

#[test]
fn a_server_that_accepts_one_connection_is_given_one() {
    let (world, store) = (World { connections: 3, ..World::new() }, readers(30));
    let refusing = Script::new().on_nth("GREETING", 0, Answer::SayAndDrop("421 4.7.0 One is enough"));
    let peer = Peer::start(vec![Script::new(), refusing]);
    let report = world.send(&store, &world.route(&peer));
    assert_eq!((report.stopped, states(&store, 30), peer.taken().len()), (None, vec![State::Sent; 30], 30));
}
