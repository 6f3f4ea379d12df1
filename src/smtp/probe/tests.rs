use std::sync::Arc;

use crate::smtp::Server;
use crate::smtp::certificate::Distrust;
use crate::smtp::peer::{Answer, Peer, Script, self_signed};

use super::*;

/// A relay at the peer; `pem` is trusted.
fn relay(peer: &Peer, tls: TlsMode, pem: Option<&str>) -> Relay {
    let server = Server { host: "127.0.0.1".to_owned(), port: peer.port(), tls };
    Relay::new(server, "tides.example.org", None, pem.map(str::as_bytes)).unwrap()
}

fn look(relay: &Relay) -> Seen {
    let address: EmailAddress = "notes@tides.example.org".parse().unwrap();
    probe(relay, Envelope { from: &address, to: &address })
}

fn verbs(peer: &Peer, connection: usize) -> Vec<String> {
    peer.settle();
    peer.heard()[connection].iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_step_is_seen_and_nothing_is_sent() {
    let (tls, pem) = self_signed();
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").tls(tls, false)]);
    let seen = look(&relay(&peer, TlsMode::StartTls, Some(&pem)));
    assert!(seen.failure.is_none(), "{seen:?}");
    assert_eq!(seen.greeting.as_deref(), Some("220 peer.example ESMTP"));
    assert_eq!((seen.tls, seen.encryption.as_ref().map(|it| it.version)), (Some(TlsMode::StartTls), Some("TLS 1.3")));
    let certificate = seen.certificate.as_ref().unwrap();
    assert_eq!((certificate.names.join(" "), &certificate.distrust), ("localhost 127.0.0.1".to_owned(), &None));
    assert!(seen.has("pipelining") && !seen.has("STARTTLS"), "what was said in the clear counts no more");
    assert_eq!((seen.envelopes.len(), seen.round_trips.len()), (ENVELOPES, ROUNDS));
    let envelopes = [["MAIL", "RCPT", "RSET"]; ENVELOPES].concat();
    let expected = [&["EHLO", "STARTTLS", "EHLO"][..], &envelopes, &["NOOP"; ROUNDS], &["QUIT"]].concat();
    assert_eq!(verbs(&peer, 0), expected);
}

#[test]
fn a_stranger_s_certificate_is_seen_and_ends_the_look() {
    let (tls, _) = self_signed();
    for implicit in [false, true] {
        let peer = Peer::start(vec![Script::new().tls(Arc::clone(&tls), implicit)]);
        let mode = if implicit { TlsMode::Implicit } else { TlsMode::StartTls };
        let seen = look(&relay(&peer, mode, None));
        assert_eq!(seen.tls, Some(mode));
        assert_eq!(seen.certificate.unwrap().distrust, Some(Distrust::Issuer));
        assert_eq!((seen.encryption, seen.failure.unwrap().phase), (None, Phase::Tls));
    }
}

#[test]
fn the_port_says_when_tls_begins() {
    let (tls, pem) = self_signed();
    for (said, implicit, wanted) in [
        (TlsMode::StartTls, true, TlsMode::Implicit),
        (TlsMode::None, true, TlsMode::Implicit),
        (TlsMode::Implicit, false, TlsMode::StartTls),
    ] {
        let peer = Peer::start(vec![Script::new().tls(Arc::clone(&tls), implicit)]);
        let seen = look(&relay(&peer, said, Some(&pem)));
        assert!(seen.failure.is_none(), "{seen:?}");
        assert_eq!((seen.tls, seen.encryption.is_some(), seen.round_trips.len()), (Some(wanted), true, ROUNDS));
    }
    let peer = Peer::start(vec![Script::new()]);
    for said in [TlsMode::StartTls, TlsMode::Implicit] {
        let seen = look(&relay(&peer, said, Some(&pem)));
        assert_eq!((seen.tls, seen.envelopes.len()), (Some(TlsMode::None), 0));
        assert!(matches!(seen.failure.unwrap().cause, Cause::Lacks("STARTTLS")));
    }
}

#[test]
fn a_refusal_of_the_envelope_does_not_end_the_look() {
    for step in ["MAIL", "RCPT"] {
        let script = Script::new().offering("PIPELINING").always(step, Answer::Say("550 5.7.1 No"));
        let peer = Peer::start(vec![script]);
        let seen = look(&relay(&peer, TlsMode::None, None));
        assert_eq!((seen.envelopes.len(), seen.round_trips.len()), (0, ROUNDS), "{step}");
        assert!(matches!(seen.failure.unwrap().cause, Cause::Refused(_)), "{step}");
        assert_eq!(verbs(&peer, 0).last().map(String::as_str), Some("QUIT"), "{step}");
    }
}

#[test]
fn a_server_that_hangs_up_is_seen_up_to_there() {
    for step in ["GREETING", "EHLO", "MAIL", "RSET", "NOOP"] {
        let peer = Peer::start(vec![Script::new().always(step, Answer::Drop)]);
        let seen = look(&relay(&peer, TlsMode::None, None));
        assert!(matches!(seen.failure, Some(SessionError { cause: Cause::Lost(_), .. })), "{step}: {seen:?}");
        assert!(seen.round_trips.is_empty(), "{step}");
    }
    let port = Peer::closed_port();
    let server = Server { host: "127.0.0.1".to_owned(), port, tls: TlsMode::None };
    let seen = look(&Relay::new(server, "tides.example.org", None, None).unwrap());
    assert!(seen.addresses[0].1.is_err() && seen.failure.is_some());
}
