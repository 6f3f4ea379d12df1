//! Interprets the probe of a mail server, step by step in the order of the dialogue.

use chrono::{DateTime, Utc};

use crate::diagnosis::Step;
use crate::rate::Rate;
use crate::reply::Phase;
use crate::smtp::TlsMode;
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::probe::{Envelope, ProbeReport, probe};
use crate::smtp::relay::Relay;

mod certificate;
mod envelope;
mod speed;
mod tls;

/// How mail is to be sent through a server.
pub struct SendingTerms<'a> {
    /// Sender and recipient of the test envelope.
    pub envelope: Envelope<'a>,
    /// Why there is no password although `mail.user` is set.
    pub no_password: Option<String>,
    /// The number of concurrent connections.
    pub connections: usize,
    /// The rate limit.
    pub rate: Option<&'a Rate>,
    /// How many subscribers get an issue, if known.
    pub subscribers: Option<u64>,
    /// The current time.
    pub now: DateTime<Utc>,
}

/// Probes a server up to where DATA would come, and interprets the result.
pub fn examine(relay: &Relay, terms: &SendingTerms<'_>) -> Vec<Step> {
    classify(relay, &probe(relay, terms.envelope), terms)
}

/// A step for each part that the probe has reached.
fn classify(relay: &Relay, report: &ProbeReport, terms: &SendingTerms<'_>) -> Vec<Step> {
    let steps = [
        name(relay, report),
        connection(relay, report),
        greeting(report),
        tls::step(relay, report),
        certificate::step(relay, report, terms.now),
        extensions(report),
        login(relay, report, terms),
        envelope::step(relay, report, terms),
        speed::step(report, terms),
    ];
    steps.into_iter().flatten().collect()
}

fn name(relay: &Relay, report: &ProbeReport) -> Option<Step> {
    let host = &relay.server.host;
    if host.parse::<core::net::IpAddr>().is_ok() {
        return None;
    }
    if report.addresses.is_empty() {
        let why = report.failure.as_ref().map_or_else(String::new, |failure| format!(" ({})", reason(failure)));
        let remedy = "set `mail.via` to the server name that your mail provider gives you";
        return Some(Step::error("name", format!("`{host}` has no address{why}"), remedy));
    }
    let addresses: Vec<String> = report.addresses.iter().map(|(address, _)| address.ip().to_string()).collect();
    Some(Step::ok("name", format!("`{host}` is {}", addresses.join(", "))))
}

fn connection(relay: &Relay, report: &ProbeReport) -> Option<Step> {
    let (first, _) = report.addresses.first()?;
    let times = report.addresses.iter().map(|(address, connected)| match connected {
        Ok(taken) => format!("{} connects in {}", address.ip(), speed::shown(*taken)),
        Err(why) => format!("{} does not connect: {why}", address.ip()),
    });
    let refused: Vec<String> = report
        .addresses
        .iter()
        .filter_map(|(address, connected)| connected.as_ref().err().map(|why| format!("{} ({why})", address.ip())))
        .collect();
    let port = relay.server.port;
    let step = if refused.len() == report.addresses.len() {
        let remedy = "check whether host and port in `mail.via` are right (587, or 465 with `smtps://`), whether the server \
                      runs, and whether a firewall is in the way: many networks block port 25";
        Step::error("connection", format!("no reply at port {port}: {}", refused.join(", ")), remedy)
    } else if refused.is_empty() {
        let all = if report.addresses.len() == 1 { first.ip().to_string() } else { "each address".to_owned() };
        Step::ok("connection", format!("{all} answers at port {port}"))
    } else {
        let remedy =
            "make it answer, or remove it from the DNS or from `mail.via`: every connection may wait a minute for it";
        Step::warning("connection", format!("one address does not answer: {}", refused.join(", ")), remedy)
    };
    Some(step.details(times))
}

fn greeting(report: &ProbeReport) -> Option<Step> {
    if let Some(greeting) = &report.greeting {
        if greeting.starts_with("220") {
            return Some(Step::ok("greeting", greeting));
        }
        let remedy = "ask the server's operator why it refuses this machine";
        return Some(Step::error("greeting", greeting, remedy));
    }
    let failure = report.failure.as_ref().filter(|failure| failure.phase == Phase::Connect)?;
    let is_connected = report.addresses.iter().any(|(_, connected)| connected.is_ok());
    let remedy = "check whether this is the port of a mail server; if so, it may have refused this machine's address";
    is_connected.then(|| Step::error("greeting", reason(failure), remedy))
}

/// The extensions that this program uses.
const USED: [&str; 6] = ["PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "STARTTLS", "AUTH"];

/// Below this limit, an issue with pictures may be too large.
const SMALL_SIZE_LIMIT_BYTES: u64 = 2_000_000;

fn extensions(report: &ProbeReport) -> Option<Step> {
    if report.ehlo_lines.is_empty() {
        let failure = report.failure.as_ref().filter(|failure| failure.phase == Phase::Connect)?;
        let remedy = "use a server that speaks ESMTP (RFC 5321)";
        return report.greeting.as_ref().map(|_| Step::error("extensions", reason(failure), remedy));
    }
    let word = |line: &str| line.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    let (used, others): (Vec<&str>, Vec<&str>) =
        report.extensions().partition(|line| USED.contains(&word(line).as_str()));
    let shown: Vec<&str> =
        used.into_iter().filter(|line| !matches!(word(line).as_str(), "STARTTLS" | "AUTH")).collect();
    let shown = if shown.is_empty() { "none that this program uses".to_owned() } else { shown.join(", ") };
    let most =
        report.extensions().find_map(|line| line.to_ascii_uppercase().strip_prefix("SIZE ")?.trim().parse().ok());
    let step = if !report.offers("PIPELINING") {
        let remedy = "use a port or a server that offers PIPELINING if the speed below is too low: some firewalls and virus \
                      scanners hide it";
        Step::warning("extensions", format!("{shown}; no PIPELINING, so each message takes four round trips"), remedy)
    } else if let Some(most) = most.filter(|most: &u64| (1..SMALL_SIZE_LIMIT_BYTES).contains(most)) {
        let remedy = "ask for a higher limit, or keep pictures out of the mail (`mail.images: link`)";
        Step::warning("extensions", format!("{shown}; a message may have at most {most} bytes"), remedy)
    } else {
        Step::ok("extensions", shown)
    };
    let mut details =
        vec![format!("not used: {}", if others.is_empty() { "none".to_owned() } else { others.join(", ") })];
    if !report.offers("SMTPUTF8") {
        details.push("no SMTPUTF8: subscribers whose address is not ASCII before the `@` cannot be mailed".to_owned());
    }
    Some(step.details(details))
}

fn login(relay: &Relay, report: &ProbeReport, terms: &SendingTerms<'_>) -> Option<Step> {
    if let Some(why) = &terms.no_password {
        let remedy = "put it in the environment variable SLUGLINE_SMTP_PASSWORD, or in a file named by \
                      `mail.password_file`";
        return Some(Step::error("login", why, remedy));
    }
    let offered = mechanisms(report);
    let offers = if offered.is_empty() { "no login".to_owned() } else { offered.join(", ") };
    let Some(login) = &relay.login else {
        let reached =
            !report.ehlo_lines.is_empty() && report.failure.as_ref().is_none_or(|failure| failure.phase > Phase::Auth);
        return reached
            .then(|| Step::ok("login", format!("none, because `mail.user` is not set; the server offers {offers}")));
    };
    if report.is_logged_in {
        return Some(Step::ok("login", format!("as `{}`; the server offers {offers}", login.user)));
    }
    let failure = report.failure.as_ref().filter(|failure| failure.phase == Phase::Auth)?;
    let remedy = login_remedy(relay, report, &failure.cause, offered.is_empty());
    Some(Step::error("login", format!("as `{}`: {}; the server offers {offers}", login.user, reason(failure)), remedy))
}

/// What to do about a login that failed.
fn login_remedy(relay: &Relay, report: &ProbeReport, cause: &Cause, offers_none: bool) -> &'static str {
    let is_starttls_unused = relay.server.tls == TlsMode::None && report.tls == Some(TlsMode::StartTls);
    match cause {
        Cause::Refused(_) => {
            "fix `mail.user`, or the password in SLUGLINE_SMTP_PASSWORD or `mail.password_file`; many providers require a \
             password made for programs, not that of the account"
        }
        Cause::MissingExtension(_) if offers_none && is_starttls_unused => {
            "the server may offer a login after STARTTLS, which is not used to an address of this machine by default: write \
             `smtp+starttls://` in `mail.via`; or remove `mail.user` if the server needs no login"
        }
        Cause::MissingExtension(_) if offers_none => {
            "remove `mail.user` if the server needs no login; otherwise use its submission port, 587 or 465"
        }
        Cause::MissingExtension(_) => "make the server offer PLAIN or LOGIN over TLS, which this program supports",
        Cause::Unencrypted => {
            "use `smtp://` or `smtps://` in `mail.via`, so that no one can read the password on the way"
        }
        _ => "run it again; if the problem persists, ask the server's operator",
    }
}

/// The AUTH mechanisms that the server offers.
fn mechanisms(report: &ProbeReport) -> Vec<String> {
    let mut mechanisms = Vec::new();
    for line in report.extensions() {
        let mut words = line.split_ascii_whitespace();
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("AUTH")) {
            mechanisms.extend(
                words.map(str::to_ascii_uppercase).filter(|word| !mechanisms.contains(word)).collect::<Vec<_>>(),
            );
        }
    }
    mechanisms
}

/// The value of `mail.via` for this server with this TLS mode.
fn url(relay: &Relay, tls: TlsMode) -> String {
    let scheme = match (tls, relay.is_loopback()) {
        (TlsMode::Implicit, _) => "smtps",
        (TlsMode::StartTls, false) | (TlsMode::None, true) => "smtp",
        (TlsMode::StartTls, true) => "smtp+starttls",
        (TlsMode::None, false) => "smtp+plain",
    };
    format!("`via: {scheme}://{relay}`")
}

/// The cause of a failure, without its phase.
fn reason(failure: &SessionError) -> String {
    failure.cause.to_string()
}

#[cfg(test)]
mod tests;
