//! When TLS begins: the settings against the port.

use crate::diagnosis::Step;
use crate::diagnosis::server::{reason, url};
use crate::reply::Phase;
use crate::smtp::TlsMode;
use crate::smtp::probe::ProbeReport;
use crate::smtp::relay::Relay;

const NAME: &str = "TLS";

pub(super) fn step(relay: &Relay, report: &ProbeReport) -> Option<Step> {
    let said = relay.server.tls;
    let failure = report.failure.as_ref().filter(|failure| failure.phase == Phase::Tls);
    let Some(wanted) = report.tls else {
        let remedy = "check whether the port is right: 465 is usual for `smtps://`, 587 for `smtp://`";
        return failure.map(|failure| Step::error(NAME, reason(failure), remedy));
    };
    if said != wanted && !(said == TlsMode::None && wanted == TlsMode::StartTls) {
        return Some(mismatch(relay, said, wanted));
    }
    if said == TlsMode::None {
        return Some(in_the_clear(relay, wanted));
    }
    let begins = begins(wanted);
    match (&report.encryption, failure) {
        (Some(encryption), _) => {
            Some(Step::ok(NAME, format!("{begins} {} with {}", encryption.version, encryption.cipher)))
        }
        // The certificate has its own step.
        (None, _) if report.certificate.as_ref().is_some_and(|certificate| certificate.problem.is_some()) => {
            Some(Step::ok(NAME, format!("{begins} TLS, as set in `mail.via`")))
        }
        (None, failure) => {
            let why = failure.map_or_else(String::new, |failure| format!(": {}", reason(failure)));
            let remedy = "make the server support TLS 1.2 or 1.3 with current ciphers";
            Some(Step::error(NAME, format!("the handshake failed{why}"), remedy))
        }
    }
}

fn mismatch(relay: &Relay, said: TlsMode, wanted: TlsMode) -> Step {
    let port = relay.server.port;
    let says = match said {
        TlsMode::Implicit => "TLS from the first byte",
        TlsMode::StartTls => "STARTTLS",
        TlsMode::None => "no TLS",
    };
    let plain = || {
        let advice = "use a port with TLS, usually 465 with `smtps://` or 587 with `smtp://`";
        match relay.is_loopback() {
            true => {
                format!("set {}: the server is on this machine, and no one can eavesdrop", url(relay, TlsMode::None))
            }
            false => {
                format!("{advice}; {} would send all mail unencrypted, and no password", url(relay, TlsMode::None))
            }
        }
    };
    let (does, remedy) = match wanted {
        TlsMode::Implicit => ("speaks TLS from the first byte", format!("set {}", url(relay, wanted))),
        TlsMode::StartTls => ("greets unencrypted and offers STARTTLS", format!("set {}", url(relay, wanted))),
        TlsMode::None if said == TlsMode::Implicit => ("greets unencrypted and does not offer STARTTLS", plain()),
        TlsMode::None => ("does not offer STARTTLS", plain()),
    };
    Step::error(NAME, format!("port {port} {does}, and `mail.via` is set to {says}"), remedy)
}

fn in_the_clear(relay: &Relay, wanted: TlsMode) -> Step {
    if relay.is_loopback() {
        return Step::ok(NAME, "none: the server is on this machine");
    }
    let remedy = match wanted {
        TlsMode::StartTls => format!("set {}: the server offers STARTTLS", url(relay, TlsMode::StartTls)),
        _ => "use a port with TLS, usually 465 with `smtps://` or 587 with `smtp://`".to_owned(),
    };
    Step::warning(NAME, "none, so that others can read the mail on the way", remedy)
}

fn begins(tls: TlsMode) -> &'static str {
    match tls {
        TlsMode::Implicit => "from the first byte",
        TlsMode::StartTls => "STARTTLS, then",
        TlsMode::None => "",
    }
}
