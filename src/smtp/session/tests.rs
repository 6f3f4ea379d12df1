//! Dialogues with a scripted server: what it received, what became of the message, and whether the session is usable.

use std::time::Duration;

use super::*;
use crate::reply::ReplyClass;
use crate::smtp::Server;
use crate::smtp::peer::{Answer, Peer, Script, Taken, self_signed};
use crate::smtp::relay::Login;
use crate::smtp::timeouts::Timeouts;

fn relay(port: u16, tls: TlsMode) -> Relay {
    relay_trusting(port, tls, None)
}

fn relay_trusting(port: u16, tls: TlsMode, pem: Option<&str>) -> Relay {
    let server = Server { host: "127.0.0.1".to_owned(), port, tls };
    Relay::new(server, "example.org", None, pem.map(str::as_bytes)).unwrap()
}

fn with_login(mut relay: Relay) -> Relay {
    relay.login = Some(Login { user: "weekly".to_owned(), password: "open sesame".into() });
    relay
}

fn letter(to: &str) -> Letter {
    Letter {
        from: "bounces@example.org".parse().unwrap(),
        to: to.parse().unwrap(),
        envelope_id: Some("a1.b2".to_owned()),
        content: "Subject: Notes\r\n\r\n.dot\r\nend\r\n".into(),
    }
}

/// These sessions are never stopped.
static STOP: AtomicBool = AtomicBool::new(false);

fn connect(relay: &Relay) -> Result<Session<'static>, SessionError> {
    Session::connect(relay, &STOP)
}

fn send(session: &mut Session<'_>, to: &str) -> Result<Reply, SessionError> {
    session.offer(&letter(to))?;
    session.transmit(&letter(to), Behind::Nothing)
}

fn is_usable(session: &Session<'_>) -> bool {
    session.can_take(&letter("another@example.com"))
}

/// Connects to a peer with this script and sends one message.
fn send_to(script: Script) -> (Result<Reply, SessionError>, bool, Peer) {
    let peer = Peer::start(vec![script]);
    let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
    let result = send(&mut session, "reader@example.com");
    (result, is_usable(&session), peer)
}

#[test]
fn a_message_arrives_unchanged_by_the_standard_dialogue() {
    let peer = Peer::start(vec![Script::new()]);
    let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
    assert_eq!(send(&mut session, "reader@example.com").unwrap().to_string(), "250 2.0.0 Ok: queued");
    assert_eq!(send(&mut session, "second@example.com").unwrap().code, 250);
    session.quit();
    let content = "Subject: Notes\r\n\r\n.dot\r\nend\r\n".to_owned();
    let from = "bounces@example.org".to_owned();
    let to = ["reader@example.com", "second@example.com"];
    let taken = to.map(|to| Taken { from: from.clone(), to: to.to_owned(), content: content.clone(), reply: None });
    assert_eq!(peer.taken(), taken);
    let heard = [
        "EHLO example.org",
        "MAIL FROM:<bounces@example.org>",
        "RCPT TO:<reader@example.com>",
        "DATA",
        "MAIL FROM:<bounces@example.org>",
        "RCPT TO:<second@example.com>",
        "DATA",
        "QUIT",
    ];
    assert_eq!(peer.heard(), [heard]);
}

#[test]
fn a_server_that_reports_is_told_what_to_report() {
    for offered in [&["DSN"][..], &["DSN", "PIPELINING", "SIZE"]] {
        let script = offered.iter().fold(Script::new(), |script, keyword| script.offering(keyword));
        let peer = Peer::start(vec![script]);
        let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
        let (first, second) = (letter("a@example.com"), Letter { envelope_id: None, ..letter("b@example.com") });
        session.offer(&first).unwrap();
        session.transmit(&first, Behind::Envelope(&second)).unwrap();
        session.offer(&second).unwrap();
        session.transmit(&second, Behind::Nothing).unwrap();
        let size = if offered.contains(&"SIZE") { " SIZE=29" } else { "" };
        let heard = peer.heard().remove(0);
        let mail: Vec<&String> = heard.iter().filter(|line| line.starts_with("MAIL")).collect();
        let sender = format!("MAIL FROM:<bounces@example.org>{size}");
        assert_eq!(mail, [&format!("{sender} RET=HDRS ENVID=a1.b2"), &format!("{sender} RET=HDRS")]);
        assert_eq!(peer.recipients(), ["a@example.com", "b@example.com"]);
    }
}

#[test]
fn every_refusal_has_its_phase_and_leaves_the_session_usable_or_ended() {
    for (step, reply, phase, class, usable) in [
        ("MAIL", "451 4.3.0 Try later", Phase::Mail, ReplyClass::BackOff, true),
        ("MAIL", "550 5.7.1 Sender refused", Phase::Mail, ReplyClass::OurFault, true),
        ("RCPT", "450 4.2.2 Full", Phase::Rcpt, ReplyClass::TryLater, true),
        ("RCPT", "550 5.1.1 No such user", Phase::Rcpt, ReplyClass::AddressBad, true),
        ("RCPT", "550 5.7.1 Relaying denied", Phase::Rcpt, ReplyClass::OurFault, true),
        ("DATA", "451 4.3.0 Try later", Phase::Data, ReplyClass::TryLater, true),
        ("DATA", "554 5.6.0 No", Phase::Data, ReplyClass::Message, true),
        ("RCPT", "421 4.7.0 Too much", Phase::Rcpt, ReplyClass::BackOff, false),
        ("DOT", "451 4.3.0 Try later", Phase::FinalDot, ReplyClass::TryLater, true),
        ("DOT", "552 5.3.4 Too big", Phase::FinalDot, ReplyClass::Message, true),
        ("DOT", "421 4.3.2 Going down", Phase::FinalDot, ReplyClass::BackOff, false),
    ] {
        let (result, still_usable, peer) = send_to(Script::new().always(step, Answer::Say(reply)));
        let error = result.unwrap_err();
        let Cause::Refused(refusal) = &error.cause else { panic!("{step} {reply}: {error}") };
        assert_eq!((refusal.to_string().as_str(), error.phase, refusal.class(phase)), (reply, phase, class));
        assert_eq!(still_usable, usable, "{step} {reply}");
        let reset = peer.heard()[0].last().is_some_and(|line| line == "RSET");
        assert_eq!(reset, usable && step != "DOT", "{step} {reply}: reset where the session goes on");
        assert_eq!(peer.taken(), []);
    }
}

#[test]
fn a_broken_connection_shows_whether_the_message_may_have_been_accepted() {
    for (step, answer, phase) in [
        ("MAIL", Answer::Drop, Phase::Mail),
        ("RCPT", Answer::Drop, Phase::Rcpt),
        ("DATA", Answer::Drop, Phase::Data),
        ("DATA", Answer::Say("250 2.0.0 Ok"), Phase::Data),
        ("MAIL", Answer::Say("no smtp at all"), Phase::Mail),
        ("DOT", Answer::Drop, Phase::FinalDot),
        ("DOT", Answer::Say("354 Go on"), Phase::FinalDot),
        ("DOT", Answer::Say("no smtp at all"), Phase::FinalDot),
    ] {
        let (result, usable, _peer) = send_to(Script::new().always(step, answer.clone()));
        let error = result.unwrap_err();
        assert!(matches!(error.cause, Cause::Lost(_)), "{step} {answer:?}: {error}");
        assert_eq!((error.phase, usable), (phase, false), "{step} {answer:?}");
    }
}

#[test]
fn a_drop_while_a_long_message_is_written_comes_before_the_dot_or_is_unknown() {
    let peer = Peer::start(vec![Script::new().on("CONTENT", Answer::Drop)]);
    let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
    let mut long = letter("reader@example.com");
    long.content = "0123456789abcdef\r\n".repeat(2_000_000).into();
    let error = session.offer(&long).map(|()| session.transmit(&long, Behind::Nothing)).unwrap().unwrap_err();
    assert!(matches!(error.phase, Phase::Content | Phase::FinalDot), "{error}");
    assert!(!is_usable(&session));
    assert_eq!(peer.taken(), []);
}

#[test]
fn a_silent_server_times_out_by_phase() {
    let mut relay = relay(0, TlsMode::None);
    let short = Duration::from_millis(100);
    // Only the silent step has a short timeout, so that no other has to be quick.
    for (step, phase) in [("MAIL", Phase::Mail), ("DATA", Phase::Data), ("DOT", Phase::FinalDot)] {
        let peer = Peer::start(vec![Script::new().on(step, Answer::Silence)]);
        relay.server.port = peer.port();
        match phase {
            Phase::Mail => relay.timeouts = Timeouts { envelope: short, ..Timeouts::default() },
            Phase::Data => relay.timeouts = Timeouts { data: short, ..Timeouts::default() },
            _ => relay.timeouts = Timeouts { final_dot: short, ..Timeouts::default() },
        }
        let mut session = connect(&relay).unwrap();
        let error = send(&mut session, "reader@example.com").unwrap_err();
        assert_eq!(error.to_string(), format!("the connection failed (no reply in time), while {phase}"));
        assert!(!is_usable(&session));
        drop(session);
    }
}

#[test]
fn split_and_multi_line_replies_are_one_reply() {
    let script = Script::new()
        .always("RCPT", Answer::InPieces("250-2.1.5 fir", "st\r\n250 2.1.5 second"))
        .always("DOT", Answer::Say("250-2.0.0 queued\r\n250 2.0.0 as 7"));
    let (result, usable, peer) = send_to(script);
    assert_eq!(result.unwrap().to_string(), "250 2.0.0 queued 2.0.0 as 7");
    assert!(usable);
    assert_eq!(peer.recipients(), ["reader@example.com"]);
}

#[test]
fn a_server_that_refuses_at_once_is_quoted() {
    let begin = |script: Script| {
        let peer = Peer::start(vec![script]);
        connect(&relay(peer.port(), TlsMode::None)).err().unwrap().to_string()
    };
    let refused = "the server said `554 5.3.2 Not here`, while connecting";
    assert_eq!(begin(Script::new().on("GREETING", Answer::Say("554 5.3.2 Not here"))), refused);
    assert_eq!(begin(Script::new().on("EHLO", Answer::Say("554 5.3.2 Not here"))), refused);
    assert!(begin(Script::new().on("GREETING", Answer::Drop)).ends_with("while connecting"));
    let closed = connect(&relay(Peer::closed_port(), TlsMode::None)).err().unwrap();
    assert_eq!(closed.phase, Phase::Connect);
    assert!(closed.to_string().contains("refused"), "{closed}");
}

#[test]
fn starttls_then_login_plain() {
    let (config, pem) = self_signed();
    let peer = Peer::start(vec![Script::new().tls(config, false).offering("AUTH PLAIN LOGIN")]);
    let relay = with_login(relay_trusting(peer.port(), TlsMode::StartTls, Some(&pem)));
    let mut session = connect(&relay).unwrap();
    send(&mut session, "reader@example.com").unwrap();
    session.quit();
    let heard = peer.heard().remove(0);
    assert_eq!(heard[..3], ["EHLO example.org", "STARTTLS", "EHLO example.org"]);
    assert_eq!(heard[3], "AUTH PLAIN AHdlZWtseQBvcGVuIHNlc2FtZQ==");
    assert_eq!(peer.recipients(), ["reader@example.com"]);
}

#[test]
fn implicit_tls_then_login_login() {
    let (config, pem) = self_signed();
    let peer = Peer::start(vec![Script::new().tls(config, true).offering("AUTH LOGIN")]);
    let relay = with_login(relay_trusting(peer.port(), TlsMode::Implicit, Some(&pem)));
    let mut session = connect(&relay).unwrap();
    send(&mut session, "reader@example.com").unwrap();
    let heard = peer.heard().remove(0);
    assert_eq!(heard[0..4], ["EHLO example.org", "AUTH LOGIN", "LOGIN d2Vla2x5", "LOGIN b3BlbiBzZXNhbWU="]);
}

#[test]
fn an_untrusted_certificate_is_refused_before_anything_is_sent() {
    for (tls, implicit) in [(TlsMode::Implicit, true), (TlsMode::StartTls, false)] {
        let (config, _) = self_signed();
        let peer = Peer::start(vec![Script::new().tls(config, implicit).offering("AUTH PLAIN")]);
        let error = connect(&with_login(relay(peer.port(), tls))).err().unwrap();
        assert_eq!(error.phase, Phase::Tls, "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
        assert!(!peer.heard().concat().iter().any(|line| line.starts_with("AUTH")));
    }
}

#[test]
fn nothing_is_sent_without_the_required_tls() {
    let peer = Peer::start(vec![Script::new().offering("AUTH PLAIN")]);
    let error = connect(&with_login(relay(peer.port(), TlsMode::StartTls))).err().unwrap();
    assert_eq!(error.to_string(), "the server does not offer STARTTLS, while starting TLS");
    let error = connect(&relay(peer.port(), TlsMode::Implicit)).err().unwrap();
    assert_eq!(error.phase, Phase::Tls, "{error}");
}

#[test]
fn a_refused_login_shows_the_reply_and_no_password() {
    let refusal = Answer::Say("535 5.7.8 Not accepted");
    let peer = Peer::start(vec![Script::new().offering("AUTH PLAIN").on("AUTH", refusal)]);
    let error = connect(&with_login(relay(peer.port(), TlsMode::None))).err().unwrap();
    assert_eq!(error.to_string(), "the server said `535 5.7.8 Not accepted`, while logging in");
    let peer = Peer::start(vec![Script::new()]);
    let error = connect(&with_login(relay(peer.port(), TlsMode::None))).err().unwrap();
    assert_eq!(error.to_string(), "the server does not offer AUTH PLAIN or AUTH LOGIN, while logging in");
}

#[test]
fn a_password_is_sent_unencrypted_on_this_machine_only() {
    let mut relay = with_login(relay(25, TlsMode::None));
    for (host, loopback) in [("127.0.0.1", true), ("::1", true), ("localhost", true), ("192.0.2.1", false)] {
        relay.server.host = host.to_owned();
        assert_eq!(relay.is_loopback(), loopback, "{host}");
    }
}

#[test]
fn international_addresses_require_smtputf8() {
    let (plain, utf8) = (Script::new(), Script::new().offering("SMTPUTF8").offering("8BITMIME"));
    let peer = Peer::start(vec![plain, utf8]);
    let relay = relay(peer.port(), TlsMode::None);
    let mut session = connect(&relay).unwrap();
    let error = send(&mut session, "用户@example.com").unwrap_err();
    assert_eq!(error.to_string(), "the server does not offer SMTPUTF8, while naming the sender (MAIL FROM)");
    assert!(is_usable(&session));
    let mut session = connect(&relay).unwrap();
    let mut letter = letter("用户@example.com");
    letter.content = "To: 用户@example.com\r\n\r\n".into();
    session.offer(&letter).unwrap();
    session.transmit(&letter, Behind::Nothing).unwrap();
    assert_eq!(peer.heard()[1][1], "MAIL FROM:<bounces@example.org> SMTPUTF8 BODY=8BITMIME");
    assert_eq!(peer.recipients(), ["用户@example.com"]);
}

#[test]
fn smtputf8_without_8bitmime_is_not_used() {
    // RFC 6531 3.1: SMTPUTF8 requires 8BITMIME.
    let peer = Peer::start(vec![Script::new().offering("SMTPUTF8")]);
    let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
    let mut letter = letter("用户@example.com");
    letter.content = "To: 用户@example.com\r\n\r\n".into();
    let error = session.offer(&letter).unwrap_err();
    assert_eq!(error.to_string(), "the server does not offer 8BITMIME, while naming the sender (MAIL FROM)");
    assert!(is_usable(&session));
}

#[test]
fn a_server_without_ehlo_is_greeted_by_helo() {
    for reply in ["500 5.5.1 What", "501 5.5.4 What", "502 5.5.2 Error: command not recognized", "504 5.5.1 What"] {
        let peer = Peer::start(vec![Script::new().on("EHLO", Answer::Say(reply)).offering("PIPELINING")]);
        let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
        assert!(!session.may_chain());
        send(&mut session, "reader@example.com").unwrap();
        assert_eq!(peer.heard()[0][..2], ["EHLO example.org", "HELO example.org"]);
        assert_eq!(peer.recipients(), ["reader@example.com"]);
    }
    let no_helo = Script::new().on("EHLO", Answer::Say("502 No")).on("HELO", Answer::Say("550 5.7.1 Not you"));
    let peer = Peer::start(vec![no_helo]);
    let error = connect(&relay(peer.port(), TlsMode::None)).err().unwrap();
    assert_eq!(error.to_string(), "the server said `550 5.7.1 Not you`, while connecting");
    let peer = Peer::start(vec![Script::new().on("EHLO", Answer::Say("502 No"))]);
    let error = connect(&relay(peer.port(), TlsMode::StartTls)).err().unwrap();
    assert_eq!(error.to_string(), "the server does not offer STARTTLS, while starting TLS");
}

#[test]
fn an_unused_offer_ends_the_session() {
    let peer = Peer::start(vec![Script::new()]);
    let mut session = connect(&relay(peer.port(), TlsMode::None)).unwrap();
    session.offer(&letter("reader@example.com")).unwrap();
    assert!(!is_usable(&session));
}

#[test]
fn a_session_ends_after_its_maximum_of_messages() {
    let peer = Peer::start(vec![Script::new()]);
    let mut relay = relay(peer.port(), TlsMode::None);
    relay.messages_per_connection = 2;
    let mut session = connect(&relay).unwrap();
    send(&mut session, "a@example.com").unwrap();
    assert!(is_usable(&session));
    send(&mut session, "b@example.com").unwrap();
    assert!(!is_usable(&session));
}

mod grouped;
