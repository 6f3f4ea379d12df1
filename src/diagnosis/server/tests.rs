use std::time::Duration;

use crate::diagnosis::StepOutcome;
use crate::email::EmailAddress;
use crate::reply::Reply;
use crate::smtp::Server;
use crate::smtp::certificate::{Certificate, CertificateProblem};
use crate::smtp::relay::Login;
use crate::smtp::stream::Encryption;

use super::*;

fn relay(tls: TlsMode) -> Relay {
    let server = Server { host: "mail.example.org".to_owned(), port: 587, tls };
    let login = Login { user: "notes".to_owned(), password: "hunter2".to_owned().into() };
    Relay::new(server, "tides.example.org", Some(login), None).unwrap()
}

/// The report of a good server.
fn report() -> ProbeReport {
    let ehlo_lines =
        ["mail.example.org", "PIPELINING", "SIZE 10240000", "ETRN", "8BITMIME", "AUTH PLAIN LOGIN", "AUTH PLAIN"];
    ProbeReport {
        addresses: vec![("192.0.2.1:587".parse().unwrap(), Ok(Duration::from_millis(20)))],
        greeting: Some("220 mail.example.org ESMTP".to_owned()),
        tls: Some(TlsMode::StartTls),
        encryption: Some(Encryption { version: "TLS 1.3", cipher: "TLS_AES_256_GCM_SHA384".to_owned() }),
        certificate: Some(Certificate {
            names: vec!["mail.example.org".to_owned()],
            issuer: "CN=R11,O=An Authority".to_owned(),
            is_self_signed: false,
            not_after: Some("2027-01-03T00:00:00Z".parse().unwrap()),
            problem: None,
        }),
        ehlo_lines: ehlo_lines.map(str::to_owned).to_vec(),
        is_logged_in: true,
        envelopes: vec![Duration::from_millis(25)],
        round_trips: vec![Duration::from_millis(20); 7],
        failure: None,
    }
}

/// The steps for a sender with four connections.
fn told(relay: &Relay, report: &ProbeReport, rate: Option<&Rate>) -> Vec<Step> {
    let address: EmailAddress = "notes@tides.example.org".parse().unwrap();
    let terms = SendingTerms {
        envelope: Envelope { from: &address, to: &address },
        no_password: None,
        connections: 4,
        rate,
        subscribers: Some(6000),
        now: "2026-11-20T08:00:00Z".parse().unwrap(),
    };
    classify(relay, report, &terms)
}

fn step(name: &str, relay: &Relay, report: &ProbeReport) -> Step {
    told(relay, report, None).into_iter().find(|step| step.name == name).unwrap()
}

fn refused(phase: Phase, code: u16, text: &str) -> Option<SessionError> {
    Some(SessionError { phase, cause: Cause::Refused(Reply::new(code, text)) })
}

#[test]
fn a_good_server_is_reported_in_one_line_per_step() {
    let steps = told(&relay(TlsMode::StartTls), &report(), None);
    let lines: Vec<String> =
        steps.iter().map(|step| format!("{} {}: {}", step.outcome.name(), step.name, step.seen)).collect();
    assert_eq!(
        lines,
        [
            "ok name: `mail.example.org` is 192.0.2.1",
            "ok connection: 192.0.2.1 answers at port 587",
            "ok greeting: 220 mail.example.org ESMTP",
            "ok TLS: STARTTLS, then TLS 1.3 with TLS_AES_256_GCM_SHA384",
            "ok certificate: for mail.example.org; signed by CN=R11,O=An Authority, until 2027-01-03",
            "ok extensions: PIPELINING, SIZE 10240000, 8BITMIME",
            "ok login: as `notes`; the server offers PLAIN, LOGIN",
            "ok envelope: mail from notes@tides.example.org to notes@tides.example.org is accepted (none was sent)",
            "ok speed: up to 160 messages/s over 4 connections, 25 ms for each; 6000 subscribers take 38 s or more",
        ]
    );
    assert!(steps[5].details.iter().any(|line| line.starts_with("no SMTPUTF8")), "{:?}", steps[5].details);
}

#[test]
fn the_rate_bounds_the_speed() {
    let rate = Rate { name: "mail".to_owned(), messages: 600, per: Duration::from_secs(60) };
    let speed = told(&relay(TlsMode::StartTls), &report(), Some(&rate)).pop().unwrap();
    assert_eq!(
        speed.seen,
        "`mail.rate` allows 600/min; the network would carry 160/s over 4 connections; 6000 subscribers take 10 min or more"
    );
    assert_eq!(speed.numbers[2], ("most_messages_per_second", 10.0));
    let near = ProbeReport {
        envelopes: vec![Duration::from_micros(200)],
        round_trips: vec![Duration::from_micros(50)],
        ..report()
    };
    let speed = step("speed", &relay(TlsMode::StartTls), &near).seen;
    assert!(
        speed.starts_with(
            "the network would carry 20000 messages/s over 4 connections: the limit is how fast the server"
        ),
        "{speed}"
    );
    let slow = ProbeReport { ehlo_lines: vec!["mail.example.org".to_owned()], ..report() };
    assert!(step("speed", &relay(TlsMode::StartTls), &slow).seen.starts_with("up to 50 messages/s"));
}

#[test]
fn an_address_that_does_not_answer_slows_every_connection() {
    let dead = ("[2001:db8::1]:587".parse().unwrap(), Err("timed out".to_owned()));
    let half = ProbeReport { addresses: [vec![dead.clone()], report().addresses].concat(), ..report() };
    let connection = step("connection", &relay(TlsMode::StartTls), &half);
    assert_eq!(connection.outcome, StepOutcome::Warning);
    assert_eq!(connection.seen, "one address does not answer: 2001:db8::1 (timed out)");
    let none = ProbeReport { addresses: vec![dead], ..ProbeReport::default() };
    assert_eq!(step("connection", &relay(TlsMode::StartTls), &none).outcome, StepOutcome::Error);
}

#[test]
fn a_certificate_problem_has_a_remedy() {
    let of = |change: &dyn Fn(&mut Certificate)| {
        let mut report = report();
        report.certificate.iter_mut().for_each(change);
        let step = step("certificate", &relay(TlsMode::StartTls), &report);
        (step.outcome, step.seen, step.remedy.unwrap_or_default())
    };
    let (outcome, _, remedy) = of(&|it| it.not_after = Some("2026-11-30T00:00:00Z".parse().unwrap()));
    assert_eq!((outcome, remedy.starts_with("renew it")), (StepOutcome::Warning, true));
    let (outcome, seen, remedy) = of(&|it| {
        it.names = vec!["smtp.example.org".to_owned()];
        it.problem = Some(CertificateProblem::Name);
    });
    assert_eq!(outcome, StepOutcome::Error);
    assert!(seen.starts_with("it is not for `mail.example.org`"), "{seen}");
    assert!(remedy.ends_with("`via: smtp://smtp.example.org:587`"), "{remedy}");
    for (problem, remedy) in [
        (CertificateProblem::Issuer, "`mail.tls_ca_file`"),
        (CertificateProblem::Time, "renew"),
        (CertificateProblem::Authority, "CA:FALSE"),
        (CertificateProblem::Other("odd".to_owned()), "another"),
    ] {
        let told = of(&|it| it.problem = Some(problem.clone()));
        assert!(told.0 == StepOutcome::Error && told.2.contains(remedy), "{told:?}");
    }
}

#[test]
fn a_tls_mismatch_names_the_right_url() {
    for (said, wanted, url) in [
        (TlsMode::StartTls, TlsMode::Implicit, "set `via: smtps://mail.example.org:587`"),
        (TlsMode::None, TlsMode::Implicit, "set `via: smtps://mail.example.org:587`"),
        (TlsMode::Implicit, TlsMode::StartTls, "set `via: smtp://mail.example.org:587`"),
        (TlsMode::None, TlsMode::StartTls, "set `via: smtp://mail.example.org:587`: the server offers STARTTLS"),
    ] {
        let tls = step("TLS", &relay(said), &ProbeReport { tls: Some(wanted), ..report() });
        assert_eq!(tls.remedy.as_deref(), Some(url));
    }
    for said in [TlsMode::StartTls, TlsMode::Implicit] {
        let tls = step("TLS", &relay(said), &ProbeReport { tls: Some(TlsMode::None), encryption: None, ..report() });
        assert_eq!(tls.outcome, StepOutcome::Error);
        assert!(tls.remedy.unwrap().contains("no password"));
    }
}

#[test]
fn a_refusal_has_a_remedy() {
    let of = |relay: &Relay, name: &str, failure: Option<SessionError>, is_logged_in: bool| {
        let report = ProbeReport { failure, is_logged_in, envelopes: Vec::new(), round_trips: Vec::new(), ..report() };
        let step = step(name, relay, &report);
        (step.outcome, step.seen, step.remedy.unwrap())
    };
    let with_login = relay(TlsMode::StartTls);
    let local = relay(TlsMode::None);
    let no_auth = || SessionError { phase: Phase::Auth, cause: Cause::MissingExtension("AUTH PLAIN or AUTH LOGIN") };
    for (tls, expected) in [(TlsMode::StartTls, "`smtp+starttls://`"), (TlsMode::None, "587 or 465")] {
        let ehlo_lines = vec!["mail.example.org".to_owned()];
        let report =
            ProbeReport { tls: Some(tls), ehlo_lines, failure: Some(no_auth()), is_logged_in: false, ..report() };
        let remedy = step("login", &local, &report).remedy.unwrap();
        assert!(remedy.contains(expected), "{remedy}");
    }
    let mut without = relay(TlsMode::StartTls);
    without.login = None;
    let (outcome, seen, remedy) = of(&with_login, "login", refused(Phase::Auth, 535, "5.7.8 No"), false);
    assert_eq!((outcome, remedy.contains("SLUGLINE_SMTP_PASSWORD")), (StepOutcome::Error, true));
    assert!(!seen.contains("hunter2"));
    let (_, seen, remedy) = of(&with_login, "envelope", refused(Phase::Mail, 553, "5.7.1 Not yours"), true);
    assert_eq!(seen, "mail from notes@tides.example.org is refused: the server said `553 5.7.1 Not yours`");
    assert!(remedy.contains("`mail.from`"), "{remedy}");
    let (_, _, remedy) = of(&without, "envelope", refused(Phase::Rcpt, 554, "5.7.1 Relay access denied"), false);
    assert!(remedy.contains("`mail.user`"), "{remedy}");
    let (outcome, _, _) = of(&with_login, "envelope", refused(Phase::Rcpt, 450, "4.2.0 Greylisted"), true);
    assert_eq!(outcome, StepOutcome::Warning);
}
