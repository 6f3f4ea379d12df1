//! Probes a mail server step by step, as a run would use it, and sends nothing.
//!
//! The first step that fails ends the probe, with one exception: if the settings are wrong about when TLS begins, the
//! probe continues in the server's way. The password is only sent by `login`'s rules. What the steps mean is left to
//! `diagnosis`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::email::EmailAddress;
use crate::reply::Phase;
use crate::smtp::TlsMode;
use crate::smtp::certificate::{Certificate, CertificateRecorder};
use crate::smtp::dialogue::{Dialogue, lost};
use crate::smtp::extensions::Extensions;
use crate::smtp::failure::unexpected_reply;
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::login::log_in;
use crate::smtp::relay::Relay;
use crate::smtp::session::hello;
use crate::smtp::stream::{Encryption, Stream};
use crate::smtp::timeouts::Timeouts;
use crate::smtp::tls::Tls;

/// How long to wait for the greeting before trying TLS.
const GREETING_TIMEOUT: Duration = Duration::from_secs(3);

/// The same for port 25, where some servers delay the greeting by six seconds and distrust clients that speak first.
const GREETING_TIMEOUT_PORT_25: Duration = Duration::from_secs(8);

/// How often the round trip is measured.
const NOOP_ROUNDS: usize = 7;

/// How often the envelope is measured: the first one is slower, because it wakes parts of the server.
const ENVELOPE_ROUNDS: usize = 5;

/// What a probe has found. Fields that are `None` or empty were not reached.
#[derive(Debug, Default)]
pub struct ProbeReport {
    /// The server's addresses, each with the time it took to connect, or the error.
    pub addresses: Vec<(SocketAddr, Result<Duration, String>)>,
    /// The server's greeting.
    pub greeting: Option<String>,
    /// When TLS begins at this port, whatever the settings say.
    pub tls: Option<TlsMode>,
    /// What the TLS handshake has negotiated.
    pub encryption: Option<Encryption>,
    /// The certificate shown in the handshake.
    pub certificate: Option<Certificate>,
    /// The lines of the EHLO reply, after TLS if it is used.
    pub ehlo_lines: Vec<String>,
    /// Whether the login succeeded.
    pub is_logged_in: bool,
    /// How long each accepted envelope (MAIL and RCPT) took, in one group with PIPELINING.
    pub envelopes: Vec<Duration>,
    /// How long the replies to NOOP took.
    pub round_trips: Vec<Duration>,
    /// The failure that ended the probe, or the refusal of the envelope.
    pub failure: Option<SessionError>,
}

/// The sender and recipient of the envelope.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The address in MAIL FROM.
    pub from: &'a EmailAddress,
    /// The address in RCPT TO.
    pub to: &'a EmailAddress,
}

impl ProbeReport {
    /// The lines of the extensions offered.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.ehlo_lines.iter().skip(1).map(String::as_str)
    }

    /// Whether the server offers this extension.
    pub fn offers(&self, keyword: &str) -> bool {
        self.extensions()
            .any(|line| line.split_ascii_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(keyword)))
    }
}

/// Probes the server of `relay`: connects to each of its addresses, and continues with the first that answers up to
/// where DATA would come.
pub fn probe(relay: &Relay, envelope: Envelope<'_>) -> ProbeReport {
    let never = AtomicBool::new(false);
    let mut probe = Probe { relay, never: &never, report: ProbeReport::default() };
    if let Err(failure) = probe.run(envelope) {
        probe.report.failure.get_or_insert(failure);
    }
    probe.report
}

struct Probe<'a> {
    relay: &'a Relay,
    never: &'a AtomicBool,
    report: ProbeReport,
}

impl<'a> Probe<'a> {
    fn run(&mut self, envelope: Envelope<'_>) -> Result<(), SessionError> {
        let (address, stream) = self.connect()?;
        let mut dialogue = self.begin(address, stream)?;
        let extensions = Extensions::read(self.report.ehlo_lines.iter().map(String::as_str));
        if self.relay.server.tls != TlsMode::None && self.report.encryption.is_none() {
            return Err(SessionError { phase: Phase::Tls, cause: Cause::MissingExtension("STARTTLS") });
        }
        if let Some(login) = &self.relay.login {
            log_in(&mut dialogue, login, &extensions, self.relay.is_loopback())?;
            self.report.is_logged_in = true;
        }
        self.measure_envelopes(&mut dialogue, &extensions, envelope)?;
        for _ in 0..NOOP_ROUNDS {
            let start = Instant::now();
            dialogue.command(Phase::Reset, "NOOP\r\n")?;
            self.report.round_trips.push(start.elapsed());
        }
        let _ = dialogue.command(Phase::Quit, "QUIT\r\n");
        Ok(())
    }

    /// Connects to every address; returns the first connection that succeeds.
    fn connect(&mut self) -> Result<(SocketAddr, Stream), SessionError> {
        let server = &self.relay.server;
        let addresses = Stream::addresses(&server.host, server.port).map_err(|error| lost(Phase::Connect, &error))?;
        let mut first = None;
        for address in addresses {
            let start = Instant::now();
            let connected = Stream::to(address, self.relay.timeouts.connect);
            let taken = start.elapsed();
            self.report.addresses.push((address, connected.as_ref().map(|_| taken).map_err(ToString::to_string)));
            first = first.or(connected.ok().map(|stream| (address, stream)));
        }
        let unreachable = || Cause::Lost("none of its addresses answers".to_owned());
        first.ok_or_else(|| SessionError { phase: Phase::Connect, cause: unreachable() })
    }

    /// Greeting, EHLO and TLS, as the port requires.
    fn begin(&mut self, address: SocketAddr, stream: Stream) -> Result<Dialogue<'a>, SessionError> {
        let dialogue = self.over(stream)?;
        let mut dialogue = match self.relay.server.tls {
            TlsMode::Implicit => self.encrypted_or_clear(address, dialogue)?,
            TlsMode::StartTls | TlsMode::None => self.clear_or_encrypted(address, dialogue)?,
        };
        self.report.ehlo_lines = hello(&mut dialogue, self.relay)?;
        if self.report.tls == Some(TlsMode::Implicit) {
            return Ok(dialogue);
        }
        let offers = self.report.offers("STARTTLS");
        self.report.tls = Some(if offers { TlsMode::StartTls } else { TlsMode::None });
        if offers && self.relay.server.tls != TlsMode::None {
            dialogue.command(Phase::Tls, "STARTTLS\r\n")?;
            self.shake_hands(&mut dialogue)?;
            self.report.ehlo_lines = hello(&mut dialogue, self.relay)?;
        }
        Ok(dialogue)
    }

    /// TLS from the first byte, or without it if the server greets in the clear.
    fn encrypted_or_clear(
        &mut self,
        address: SocketAddr,
        mut dialogue: Dialogue<'a>,
    ) -> Result<Dialogue<'a>, SessionError> {
        let Err(failure) = self.shake_hands(&mut dialogue) else {
            self.report.tls = Some(TlsMode::Implicit);
            self.greeting(&mut dialogue)?;
            return Ok(dialogue);
        };
        if self.report.certificate.is_some() {
            self.report.tls = Some(TlsMode::Implicit);
            return Err(failure);
        }
        drop(dialogue);
        let mut clear = self.again(address)?;
        self.greeting(&mut clear).map_err(|_| failure)?;
        Ok(clear)
    }

    /// Without TLS, or TLS from the first byte if the server does not greet.
    fn clear_or_encrypted(
        &mut self,
        address: SocketAddr,
        mut dialogue: Dialogue<'a>,
    ) -> Result<Dialogue<'a>, SessionError> {
        let timeouts = self.relay.timeouts;
        let quiet = if address.port() == 25 { GREETING_TIMEOUT_PORT_25 } else { GREETING_TIMEOUT };
        dialogue.set_timeouts(Timeouts { connect: timeouts.connect.min(quiet), ..timeouts });
        let Err(silence) = self.greeting(&mut dialogue) else {
            dialogue.set_timeouts(timeouts);
            return Ok(dialogue);
        };
        if matches!(silence.cause, Cause::Refused(_)) {
            return Err(silence);
        }
        let mut encrypted = self.again(address)?;
        let shaken = self.shake_hands(&mut encrypted);
        if shaken.is_ok() || self.report.certificate.is_some() {
            self.report.tls = Some(TlsMode::Implicit);
            shaken?;
            self.greeting(&mut encrypted)?;
            return Ok(encrypted);
        }
        // Some servers delay the greeting to catch clients that do not wait.
        dialogue.set_timeouts(timeouts);
        self.greeting(&mut dialogue).map_err(|_| silence)?;
        Ok(dialogue)
    }

    fn greeting(&mut self, dialogue: &mut Dialogue<'a>) -> Result<(), SessionError> {
        let greeting = dialogue.read_reply(Phase::Connect)?;
        self.report.greeting = Some(greeting.to_string());
        if greeting.code == 220 { Ok(()) } else { Err(unexpected_reply(Phase::Connect, &greeting)) }
    }

    fn shake_hands(&mut self, dialogue: &mut Dialogue<'a>) -> Result<(), SessionError> {
        let (tls, recorder) = self.recording()?;
        let shaken = dialogue.start_tls(&tls);
        self.report.certificate = recorder.certificate();
        self.report.encryption = dialogue.encryption();
        shaken
    }

    fn recording(&self) -> Result<(Tls, Arc<CertificateRecorder>), SessionError> {
        let wrong = |why: String| SessionError { phase: Phase::Tls, cause: Cause::Lost(why) };
        let tls = self.relay.tls.as_ref();
        let tls = tls.ok_or_else(|| wrong("no certificate can be valid for such a name".to_owned()))?;
        tls.recording().map_err(|error| wrong(format!("{error:#}")))
    }

    fn again(&self, address: SocketAddr) -> Result<Dialogue<'a>, SessionError> {
        let stream = Stream::to(address, self.relay.timeouts.connect);
        self.over(stream.map_err(|error| lost(Phase::Connect, &error))?)
    }

    fn over(&self, stream: Stream) -> Result<Dialogue<'a>, SessionError> {
        let dialogue = Dialogue::over(stream, self.relay.timeouts, self.never);
        dialogue.map_err(|error| lost(Phase::Connect, &error))
    }

    /// Offers the envelope several times, and resets each time. Only a refusal of the first counts: a later one means
    /// that the server has had enough.
    fn measure_envelopes(
        &mut self,
        dialogue: &mut Dialogue<'a>,
        extensions: &Extensions,
        envelope: Envelope<'_>,
    ) -> Result<(), SessionError> {
        for round in 0..ENVELOPE_ROUNDS {
            let offered = self.offer(dialogue, extensions, envelope);
            if !matches!(&offered, Ok(_) | Err(SessionError { cause: Cause::Refused(_), .. })) {
                return offered.map(drop);
            }
            dialogue.command(Phase::Reset, "RSET\r\n")?;
            match offered {
                Ok(taken) => self.report.envelopes.push(taken),
                Err(refusal) => {
                    self.report.failure = (round == 0).then_some(refusal);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sends MAIL and RCPT; returns how long they took.
    fn offer(
        &self,
        dialogue: &mut Dialogue<'a>,
        extensions: &Extensions,
        envelope: Envelope<'_>,
    ) -> Result<Duration, SessionError> {
        let international = envelope.from.needs_smtputf8() || envelope.to.needs_smtputf8();
        let parameters = if international && extensions.smtputf8 { " SMTPUTF8" } else { "" };
        let mail = format!("MAIL FROM:<{}>{parameters}\r\n", envelope.from.as_str());
        let rcpt = format!("RCPT TO:<{}>\r\n", envelope.to.as_str());
        let start = Instant::now();
        if extensions.pipelining {
            dialogue.send(Phase::Mail, &format!("{mail}{rcpt}"))?;
            let replies = [dialogue.read_reply(Phase::Mail), dialogue.read_reply(Phase::Rcpt)];
            replies.into_iter().collect::<Result<Vec<_>, _>>()?;
        } else {
            dialogue.command(Phase::Mail, &mail)?;
            dialogue.command(Phase::Rcpt, &rcpt)?;
        }
        Ok(start.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::smtp::Server;
    use crate::smtp::certificate::CertificateProblem;
    use crate::smtp::peer::{Answer, Peer, Script, self_signed};

    use super::*;

    /// A relay for the peer, with `pem` as a trusted certificate.
    fn relay(peer: &Peer, tls: TlsMode, pem: Option<&str>) -> Relay {
        let server = Server { host: "127.0.0.1".to_owned(), port: peer.port(), tls };
        Relay::new(server, "tides.example.org", None, pem.map(str::as_bytes)).unwrap()
    }

    fn run(relay: &Relay) -> ProbeReport {
        let address: EmailAddress = "notes@tides.example.org".parse().unwrap();
        probe(relay, Envelope { from: &address, to: &address })
    }

    fn verbs(peer: &Peer, connection: usize) -> Vec<String> {
        peer.settle();
        peer.heard()[connection].iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn every_step_is_reported_and_nothing_is_sent() {
        let (tls, pem) = self_signed();
        let peer = Peer::start(vec![Script::new().offering("PIPELINING").tls(tls, false)]);
        let report = run(&relay(&peer, TlsMode::StartTls, Some(&pem)));
        assert!(report.failure.is_none(), "{report:?}");
        assert_eq!(report.greeting.as_deref(), Some("220 peer.example ESMTP"));
        assert_eq!(
            (report.tls, report.encryption.as_ref().map(|it| it.version)),
            (Some(TlsMode::StartTls), Some("TLS 1.3"))
        );
        let certificate = report.certificate.as_ref().unwrap();
        assert_eq!((certificate.names.join(" "), &certificate.problem), ("localhost 127.0.0.1".to_owned(), &None));
        assert!(
            report.offers("pipelining") && !report.offers("STARTTLS"),
            "what was offered before TLS no longer counts"
        );
        assert_eq!((report.envelopes.len(), report.round_trips.len()), (ENVELOPE_ROUNDS, NOOP_ROUNDS));
        let envelopes = [["MAIL", "RCPT", "RSET"]; ENVELOPE_ROUNDS].concat();
        let expected = [&["EHLO", "STARTTLS", "EHLO"][..], &envelopes, &["NOOP"; NOOP_ROUNDS], &["QUIT"]].concat();
        assert_eq!(verbs(&peer, 0), expected);
    }

    #[test]
    fn an_untrusted_certificate_is_reported_and_ends_the_probe() {
        let (tls, _) = self_signed();
        for implicit in [false, true] {
            let peer = Peer::start(vec![Script::new().tls(Arc::clone(&tls), implicit)]);
            let mode = if implicit { TlsMode::Implicit } else { TlsMode::StartTls };
            let report = run(&relay(&peer, mode, None));
            assert_eq!(report.tls, Some(mode));
            assert_eq!(report.certificate.unwrap().problem, Some(CertificateProblem::Issuer));
            assert_eq!((report.encryption, report.failure.unwrap().phase), (None, Phase::Tls));
        }
    }

    #[test]
    fn the_probe_finds_out_when_tls_begins() {
        let (tls, pem) = self_signed();
        for (said, implicit, wanted) in [
            (TlsMode::StartTls, true, TlsMode::Implicit),
            (TlsMode::None, true, TlsMode::Implicit),
            (TlsMode::Implicit, false, TlsMode::StartTls),
        ] {
            let peer = Peer::start(vec![Script::new().tls(Arc::clone(&tls), implicit)]);
            let report = run(&relay(&peer, said, Some(&pem)));
            assert!(report.failure.is_none(), "{report:?}");
            assert_eq!(
                (report.tls, report.encryption.is_some(), report.round_trips.len()),
                (Some(wanted), true, NOOP_ROUNDS)
            );
        }
        let peer = Peer::start(vec![Script::new()]);
        for said in [TlsMode::StartTls, TlsMode::Implicit] {
            let report = run(&relay(&peer, said, Some(&pem)));
            assert_eq!((report.tls, report.envelopes.len()), (Some(TlsMode::None), 0));
            assert!(matches!(report.failure.unwrap().cause, Cause::MissingExtension("STARTTLS")));
        }
    }

    #[test]
    fn a_refusal_of_the_envelope_does_not_end_the_probe() {
        for step in ["MAIL", "RCPT"] {
            let script = Script::new().offering("PIPELINING").always(step, Answer::Say("550 5.7.1 No"));
            let peer = Peer::start(vec![script]);
            let report = run(&relay(&peer, TlsMode::None, None));
            assert_eq!((report.envelopes.len(), report.round_trips.len()), (0, NOOP_ROUNDS), "{step}");
            assert!(matches!(report.failure.unwrap().cause, Cause::Refused(_)), "{step}");
            assert_eq!(verbs(&peer, 0).last().map(String::as_str), Some("QUIT"), "{step}");
        }
    }

    #[test]
    fn the_probe_reports_steps_until_the_server_hangs_up() {
        for step in ["GREETING", "EHLO", "MAIL", "RSET", "NOOP"] {
            let peer = Peer::start(vec![Script::new().always(step, Answer::Drop)]);
            let report = run(&relay(&peer, TlsMode::None, None));
            assert!(matches!(report.failure, Some(SessionError { cause: Cause::Lost(_), .. })), "{step}: {report:?}");
            assert!(report.round_trips.is_empty(), "{step}");
        }
        let port = Peer::closed_port();
        let server = Server { host: "127.0.0.1".to_owned(), port, tls: TlsMode::None };
        let report = run(&Relay::new(server, "tides.example.org", None, None).unwrap());
        assert!(report.addresses[0].1.is_err() && report.failure.is_some());
    }
}
