//! The envelope in one group, and replies that do not come one for each command.

use super::*;

fn pipelining() -> Script {
    Script::new().offering("PIPELINING")
}

fn heard_after_hello(peer: &Peer) -> Vec<String> {
    peer.heard()[0][2..].to_vec()
}

#[test]
fn messages_follow_each_other_in_groups() {
    let peer = Peer::start(vec![pipelining()]);
    let mut session = Session::connect(&relay(peer.port(), TlsMode::None)).unwrap();
    for to in ["a@example.com", "b@example.com"] {
        assert_eq!(send(&mut session, to).unwrap().code, 250);
        assert!(session.is_usable());
    }
    assert_eq!(peer.recipients(), ["a@example.com", "b@example.com"]);
}

#[test]
fn a_refusal_in_a_group_is_this_recipients_alone() {
    for (step, reply, phase) in [
        ("MAIL", "451 4.3.0 Later", Phase::Mail),
        ("RCPT", "550 5.1.1 No such user", Phase::Rcpt),
        ("DATA", "451 4.3.0 Later", Phase::Data),
    ] {
        let peer = Peer::start(vec![pipelining().on(step, Answer::Say(reply))]);
        let mut session = Session::connect(&relay(peer.port(), TlsMode::None)).unwrap();
        let error = send(&mut session, "a@example.com").unwrap_err();
        assert!(matches!(&error.cause, Cause::Refused(said) if said.to_string() == reply), "{error}");
        assert_eq!((error.phase, session.is_usable()), (phase, true), "{step}");
        assert_eq!(heard_after_hello(&peer).last().unwrap(), "RSET");
        send(&mut session, "b@example.com").unwrap();
        assert_eq!(peer.recipients(), ["b@example.com"]);
    }
}

#[test]
fn data_granted_for_nobody_ends_the_session_without_a_message() {
    let script = pipelining().on("RCPT", Answer::Say("550 5.1.1 No such user")).on("DATA", Answer::Say("354 Go on"));
    let (result, usable, peer) = send_to(script);
    assert_eq!(result.unwrap_err().phase, Phase::Rcpt);
    assert!(!usable);
    assert_eq!(peer.taken(), []);
}

#[test]
fn replies_out_of_step_end_the_session_before_the_message() {
    for (step, answer) in [
        ("MAIL", Answer::Say("250 2.1.0 Ok\r\n250 2.1.0 Ok again")),
        ("RCPT", Answer::Say("250 2.1.5 Ok\r\n250 2.1.5 Ok again")),
        ("RCPT", Answer::Say("354 Too early")),
        ("MAIL", Answer::Say("150 Wait")),
        ("RCPT", Answer::Say("150 Wait")),
        ("DATA", Answer::Say("250 2.0.0 Ok")),
        ("RCPT", Answer::Say("421 4.7.0 Too much")),
        ("DATA", Answer::Drop),
    ] {
        let (result, usable, peer) = send_to(pipelining().on(step, answer.clone()));
        let error = result.unwrap_err();
        assert!(error.phase < Phase::Content, "{step} {answer:?}: {error}");
        assert!(!usable, "{step} {answer:?}");
        assert_eq!(peer.taken(), [], "{step} {answer:?}");
    }
}

#[test]
fn a_reply_that_is_missing_in_a_group_is_not_made_up_for() {
    let peer = Peer::start(vec![pipelining().on("RCPT", Answer::Say(""))]);
    let mut relay = relay(peer.port(), TlsMode::None);
    let short = Duration::from_millis(100);
    relay.timeouts = Timeouts { envelope: short, data: short, ..Timeouts::default() };
    let mut session = Session::connect(&relay).unwrap();
    let error = send(&mut session, "a@example.com").unwrap_err();
    assert_eq!((error.phase, session.is_usable()), (Phase::Rcpt, false), "{error}");
    assert_eq!(peer.taken(), []);
}

#[test]
fn the_size_is_told_and_a_message_too_large_is_not_offered() {
    for (offer, ok) in [("SIZE 29", true), ("SIZE 28", false), ("SIZE 0", true)] {
        let peer = Peer::start(vec![pipelining().offering(offer)]);
        let mut session = Session::connect(&relay(peer.port(), TlsMode::None)).unwrap();
        let result = send(&mut session, "a@example.com");
        assert!(session.is_usable());
        match result {
            Ok(_) => assert_eq!(heard_after_hello(&peer)[0], "MAIL FROM:<bounces@example.org> SIZE=29"),
            Err(error) => assert!(matches!(error.cause, Cause::TooLarge { bytes: 29, most: 28 }), "{error}"),
        }
        assert_eq!(peer.recipients().len(), usize::from(ok), "{offer}");
    }
}
