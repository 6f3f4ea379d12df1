//! Envelopes in one group, and replies that do not match the commands one to one.

use super::*;

fn pipelining() -> Script {
    Script::new().offering("PIPELINING")
}

fn heard_after_hello(peer: &Peer) -> Vec<String> {
    peer.heard()[0][1..].to_vec()
}

#[test]
fn messages_follow_each_other_in_groups() {
    let peer = Peer::start(vec![pipelining()]);
    let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
    for to in ["a@example.com", "b@example.com"] {
        assert_eq!(send(&mut session, to).unwrap().code, 250);
        assert!(is_usable(&session));
    }
    assert_eq!(peer.recipients(), ["a@example.com", "b@example.com"]);
}

#[test]
fn a_refusal_in_a_group_affects_only_its_recipient() {
    for (step, reply, phase) in [
        ("MAIL", "451 4.3.0 Later", Phase::Mail),
        ("RCPT", "550 5.1.1 No such user", Phase::Rcpt),
        ("DATA", "451 4.3.0 Later", Phase::Data),
    ] {
        let peer = Peer::start(vec![pipelining().on(step, Answer::Say(reply))]);
        let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
        let error = send(&mut session, "a@example.com").unwrap_err();
        assert!(matches!(&error.cause, Cause::Refused(said) if said.to_string() == reply), "{error}");
        assert_eq!((error.phase, is_usable(&session)), (phase, true), "{step}");
        assert_eq!(heard_after_hello(&peer).last().unwrap(), "RSET");
        send(&mut session, "b@example.com").unwrap();
        assert_eq!(peer.recipients(), ["b@example.com"]);
    }
}

#[test]
fn data_granted_without_a_recipient_ends_the_session_without_a_message() {
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
fn a_missing_reply_in_a_group_times_out() {
    let peer = Peer::start(vec![pipelining().on("RCPT", Answer::Say(""))]);
    let mut relay = relay(peer.port(), TlsMode::None);
    // The refusal of DATA is read as the reply to RCPT, and none follows.
    relay.timeouts = Timeouts { data: Duration::from_millis(100), ..Timeouts::default() };
    let mut session = connect(&relay).unwrap();
    let error = send(&mut session, "a@example.com").unwrap_err();
    assert_eq!((error.phase, is_usable(&session)), (Phase::Rcpt, false), "{error}");
    assert_eq!(peer.taken(), []);
}

#[test]
fn the_size_is_declared_and_a_message_too_large_is_not_offered() {
    for (offer, ok) in [("SIZE 29", true), ("SIZE 28", false), ("SIZE 0", true)] {
        let peer = Peer::start(vec![pipelining().offering(offer)]);
        let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
        let result = send(&mut session, "a@example.com");
        assert!(is_usable(&session));
        match result {
            Ok(_) => assert_eq!(heard_after_hello(&peer)[0], "MAIL FROM:<bounces@example.org> SIZE=29"),
            Err(error) => assert!(matches!(error.cause, Cause::TooLarge { bytes: 29, max: 28 }), "{error}"),
        }
        assert_eq!(peer.recipients().len(), usize::from(ok), "{offer}");
    }
}

/// Sends to each address, each envelope behind the previous content.
fn send_chained(peer: &Peer, to: &[&str]) -> Vec<Result<Reply, SessionError>> {
    let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
    let letters: Vec<Letter> = to.iter().map(|to| letter(to)).collect();
    let mut results = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        if !session.can_take(letter) {
            session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
        }
        let offered = session.offer(letter);
        results
            .push(offered.and_then(|()| {
                session.transmit(letter, letters.get(at + 1).map_or(Behind::Nothing, Behind::Envelope))
            }));
    }
    session.quit();
    results
}

const THREE: [&str; 3] = ["a@example.com", "b@example.com", "c@example.com"];

#[test]
fn the_next_envelope_leaves_with_the_content_before_it() {
    let peer = Peer::start(vec![pipelining()]);
    assert!(send_chained(&peer, &THREE).iter().all(Result::is_ok));
    assert_eq!((peer.recipients(), peer.heard().len()), (THREE.map(str::to_owned).to_vec(), 1));
    assert_eq!(heard_after_hello(&peer).last().unwrap(), "QUIT");
}

#[test]
fn each_reply_belongs_to_its_own_message() {
    for (step, reply, failed, taken) in [
        ("DOT", "552 5.3.4 Too big", 0, vec!["b@example.com", "c@example.com"]),
        ("DOT", "451 4.3.0 Later", 0, vec!["b@example.com", "c@example.com"]),
        ("RCPT TO:<b@", "550 5.1.1 Nobody", 1, vec!["a@example.com", "c@example.com"]),
        ("RCPT TO:<b@", "450 4.2.2 Full", 1, vec!["a@example.com", "c@example.com"]),
    ] {
        let peer = Peer::start(vec![pipelining().on(step, Answer::Say(reply))]);
        let results = send_chained(&peer, &THREE);
        assert_eq!(results.iter().position(Result::is_err), Some(failed), "{step} {reply}");
        assert!(results[failed].as_ref().is_err_and(|error| error.to_string().contains(reply)));
        assert_eq!((peer.recipients(), peer.heard().len()), (taken.into_iter().map(str::to_owned).collect(), 1));
    }
}

#[test]
fn a_message_with_a_reply_is_not_lost_with_the_connection() {
    for (step, answer) in
        [("RCPT TO:<b@", Answer::Drop), ("RCPT TO:<b@", Answer::Say("250 2.1.5 Ok\r\n250 2.1.5 Ok again"))]
    {
        let peer = Peer::start(vec![pipelining().on(step, answer), pipelining()]);
        let results = send_chained(&peer, &THREE);
        assert!(results[0].is_ok() && results[2].is_ok());
        assert!(results[1].as_ref().is_err_and(|error| error.phase < Phase::Content), "{:?}", results[1]);
        assert_eq!(peer.recipients(), ["a@example.com", "c@example.com"]);
    }
}

#[test]
fn a_reply_before_the_message_is_not_trusted() {
    let peer = Peer::start(vec![pipelining().on("DATA", Answer::Say("354 Go on\r\n250 2.0.0 Ok: queued"))]);
    let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
    let error = send(&mut session, "a@example.com").unwrap_err();
    assert_eq!((error.phase, is_usable(&session)), (Phase::Content, false), "{error}");
    assert_eq!(peer.taken(), []);
}

#[test]
fn only_the_message_whose_envelope_was_sent_can_follow() {
    let peer = Peer::start(vec![pipelining()]);
    let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
    let [a, b, c] = THREE.map(letter);
    session.offer(&a).unwrap();
    session.transmit(&a, Behind::Envelope(&b)).unwrap();
    assert!(session.can_take(&b) && !session.can_take(&c));
    assert!(session.offer(&c).is_err() && !session.can_take(&b));
    assert_eq!(peer.recipients(), ["a@example.com"]);
}

/// What to send of the next message behind the current one.
type MakeBehind = fn(&Letter) -> Behind<'_>;

fn sender(next: &Letter) -> Behind<'_> {
    Behind::Sender(next)
}

fn whole(next: &Letter) -> Behind<'_> {
    Behind::Envelope(next)
}

/// Sends two messages, with `behind` deciding what of the second follows the first; returns whether both arrived, and
/// what was learned of the server.
fn send_two(script: Script, behind: MakeBehind) -> (bool, Option<bool>, Peer) {
    // A server that loses everything sends no reply, so a short timeout misses none.
    let timeout = if script.loses_what_is_behind() { Duration::from_millis(300) } else { Duration::from_secs(300) };
    let peer = Peer::start(vec![script.offering("PIPELINING")]);
    let mut relay = relay(peer.port(), TlsMode::None);
    relay.timeouts = Timeouts { behind: timeout, ..Timeouts::default() };
    let mut session = connect(&relay).unwrap();
    let [a, b] = ["a@example.com", "b@example.com"].map(letter);
    session.offer(&a).unwrap();
    let sent = session.transmit(&a, behind(&b)).is_ok();
    let sent = sent && session.offer(&b).is_ok() && session.transmit(&b, Behind::Nothing).is_ok();
    (sent, session.reads_on(), peer)
}

#[test]
fn commands_behind_a_message_show_whether_the_server_reads_on() {
    use crate::smtp::peer::Behind as Peers;
    let steps = [
        (Peers::Read, sender as MakeBehind, (true, Some(true))),
        (Peers::Read, whole, (true, Some(true))),
        (Peers::Lost, sender, (false, Some(false))),
        (Peers::Lost, whole, (false, Some(false))),
        (Peers::Crash, sender, (true, Some(false))),
        (Peers::Crash, whole, (false, Some(false))),
    ];
    for (peers, behind, expected) in steps {
        let (sent, reads_on, peer) = send_two(Script::new().behind(peers), behind);
        assert_eq!((sent, reads_on), expected, "{peers:?}");
        assert_eq!(peer.recipients()[0], "a@example.com", "{peers:?}");
    }
}

#[test]
fn a_sender_refused_behind_a_message_is_tried_again_by_itself() {
    for behind in [sender as MakeBehind, whole] {
        let refusing = |last| {
            let refused = |script: Script, nth| script.on_nth("MAIL", nth, Answer::Say("550 5.7.1 Not you"));
            (2..=last).fold(Script::new(), refused)
        };
        let (sent, reads_on, _) = send_two(refusing(2), behind);
        assert_eq!((sent, reads_on), (true, Some(false)), "it was refused for its position");
        let (sent, reads_on, _) = send_two(refusing(3), behind);
        assert_eq!((sent, reads_on), (false, None), "it is refused anyway");
    }
}

#[test]
fn without_groups_one_command_leaves_at_a_time() {
    let peer = Peer::start(vec![pipelining()]);
    let mut relay = relay(peer.port(), TlsMode::None);
    relay.pipelining = Pipelining::Off;
    let mut session = connect(&relay).unwrap();
    assert!(!session.may_chain());
    let [a, b] = ["a@example.com", "b@example.com"].map(letter);
    session.offer(&a).unwrap();
    session.transmit(&a, Behind::Envelope(&b)).unwrap();
    assert_eq!(session.state, State::AtRest);
    assert_eq!(heard_after_hello(&peer), ["MAIL FROM:<bounces@example.org>", "RCPT TO:<a@example.com>", "DATA"]);
}
