//! `mail.via`: an outbox, a mail server, or several with their own options.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono_tz::Tz;

use crate::config::raw::{RawMail, RawPipelining, RawServer, RawServerFields, RawVia};
use crate::config::resolve::{Problems, throttle};
use crate::config::{MailServer, Via};
use crate::finding::nearest;
use crate::smtp::Server;
use crate::smtp::relay::Pipelining;

const KEYS: [&str; 2] = ["mail", "via"];

/// The transport. Keys below `mail` are the defaults of each server.
pub(super) fn via(raw: &RawMail, zone: Tz, problems: &mut Problems<'_>) -> Via {
    let servers = match &raw.via {
        None => return Via::Outbox(PathBuf::from("outbox")),
        Some(RawVia::One(RawServer::Url(url))) => {
            if let Some(folder) = outbox(url.trim()) {
                return Via::Outbox(folder);
            }
            let server = parsed(url, "", problems);
            let own = RawServerFields::default();
            return Via::Smtp(
                server.map(|server| mail_server(server, &own, raw, "", zone, problems)).into_iter().collect(),
            );
        }
        Some(RawVia::One(server)) => std::slice::from_ref(server),
        Some(RawVia::Many(servers)) => servers.as_slice(),
    };
    if servers.is_empty() {
        problems.value(&KEYS, "the list of servers is empty", "name a server, such as `smtp://mail.example.org`");
    }
    let several = servers.len() > 1;
    let mut all: Vec<MailServer> = Vec::new();
    for (at, entry) in servers.iter().enumerate() {
        let which = if several { format!("server {}: ", at + 1) } else { String::new() };
        all.extend(of_entry(entry, raw, &which, zone, problems));
    }
    refuse_duplicates(&all, problems);
    Via::Smtp(all)
}

fn of_entry(
    entry: &RawServer,
    raw: &RawMail,
    which: &str,
    zone: Tz,
    problems: &mut Problems<'_>,
) -> Option<MailServer> {
    let none = RawServerFields::default();
    let (url, own) = match entry {
        RawServer::Url(url) => (url, &none),
        RawServer::Full(own) => (&own.url, &**own),
    };
    if outbox(url.trim()).is_some() {
        let why = format!("{which}an outbox is not a mail server");
        problems.value(&KEYS, why, "write `via: outbox` alone, or remove it from the list");
        return None;
    }
    parsed(url, which, problems).map(|server| mail_server(server, own, raw, which, zone, problems))
}

/// A server with its own options, or else those below `mail`.
fn mail_server(
    server: Server,
    own: &RawServerFields,
    raw: &RawMail,
    which: &str,
    zone: Tz,
    problems: &mut Problems<'_>,
) -> MailServer {
    refuse_zeros(own, which, problems);
    let name = format!("mail {}", name_of(&server, own.user.as_deref()));
    let rate = own.rate.as_deref().and_then(|text| {
        throttle::rate(text, &name, &mut |why, help| problems.value(&KEYS, format!("{which}`rate`: {why}"), help))
    });
    let warm_up = own.warm_up.as_ref().and_then(|raw| {
        throttle::warm_up(raw, &name, zone, &mut |key, why, help| {
            problems.value(&KEYS, format!("{which}`warm_up.{key}`: {why}"), help);
        })
    });
    let path = |path: &Option<String>| path.as_deref().map(PathBuf::from);
    MailServer {
        server,
        weight: own.weight.unwrap_or(1),
        user: own.user.clone().or_else(|| raw.user.clone()),
        password_env: own.password_env.clone(),
        password_file: path(&own.password_file),
        tls_ca_file: path(&own.tls_ca_file).or_else(|| path(&raw.tls_ca_file)),
        connections: own.connections.unwrap_or_else(|| connections(raw)),
        pipelining: own.pipelining.or(raw.pipelining).map_or_else(Pipelining::default, pipelining),
        messages_per_connection: own.messages_per_connection.or(raw.messages_per_connection),
        rate,
        warm_up,
    }
}

fn pipelining(raw: RawPipelining) -> Pipelining {
    match raw {
        RawPipelining::Auto => Pipelining::Auto,
        RawPipelining::Envelope => Pipelining::Envelope,
        RawPipelining::Off => Pipelining::Off,
    }
}

/// Nothing could be sent with a number that is 0.
fn refuse_zeros(own: &RawServerFields, which: &str, problems: &mut Problems<'_>) {
    for (key, number) in [
        ("weight", own.weight.map(u64::from)),
        ("connections", own.connections.map(|it| it as u64)),
        ("messages_per_connection", own.messages_per_connection.map(|it| it as u64)),
    ] {
        if number == Some(0) {
            problems.value(&KEYS, format!("{which}nothing can be sent with `{key}: 0`"), "write 1 or more");
        }
    }
}

/// The same for the defaults below `mail`.
pub(super) fn refuse_zeros_for_all(raw: &RawMail, problems: &mut Problems<'_>) {
    if raw.connections == Some(0) {
        problems.value(&["mail", "connections"], "nothing can be sent over 0 connections", "write 1 or more");
    }
    if raw.messages_per_connection == Some(0) {
        problems.value(
            &["mail", "messages_per_connection"],
            "a connection takes at least 1 message",
            "write 1 or more",
        );
    }
}

/// The default number of connections.
pub(super) fn connections(raw: &RawMail) -> usize {
    raw.connections.unwrap_or(4)
}

fn parsed(url: &str, which: &str, problems: &mut Problems<'_>) -> Option<Server> {
    const HELP: &str = "write `outbox`, `smtp://host:587` or `smtps://host:465`; put the login into `user` and the \
                        password into SLUGLINE_SMTP_PASSWORD";
    if let Some(meant) = with_scheme(url.trim()) {
        let why = format!("{which}`{}` does not say how to connect: the scheme is missing", url.trim());
        problems.value(&KEYS, why, &format!("write `{meant}`"));
        return None;
    }
    problems.check(Server::parse(url.trim()), &KEYS, &format!("{which}mail cannot leave this way"), HELP)
}

/// The URL meant by a host without a scheme, such as `mail.example.org:587`; `None` for anything else.
fn with_scheme(text: &str) -> Option<String> {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_host = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        && nearest(host, ["outbox"]).is_none();
    let port = port.map(str::parse::<u16>).transpose().ok()?;
    let scheme = if port == Some(465) { "smtps" } else { "smtp" };
    let server = Server::parse(&format!("{scheme}://{text}")).ok().filter(|_| is_host)?;
    Some(format!("{scheme}://{server}"))
}

/// Refuses two entries for the same server and login.
fn refuse_duplicates(servers: &[MailServer], problems: &mut Problems<'_>) {
    let mut seen = BTreeSet::new();
    for server in servers {
        let name = name_of(&server.server, server.user.as_deref());
        if !seen.insert(name.clone()) {
            problems.value(
                &KEYS,
                format!("`{name}` is listed twice"),
                "list it once, with a larger `weight` or more `connections`",
            );
        }
    }
}

/// The name of a server and login in the store.
fn name_of(server: &Server, user: Option<&str>) -> String {
    let user = user.map_or_else(String::new, |user| format!("{user}@"));
    format!("{user}{}:{}", server.host, server.port)
}

/// The folder of `outbox` or `outbox:DIR`; `None` for anything else.
fn outbox(text: &str) -> Option<PathBuf> {
    let folder = match text.strip_prefix("outbox")? {
        "" | ":" => "outbox",
        rest => rest.strip_prefix(':')?,
    };
    Some(PathBuf::from(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_scheme_suggests_the_url() {
        for (text, expected) in [
            ("mail.example.org:587", Some("smtp://mail.example.org:587")),
            ("mail.example.org", Some("smtp://mail.example.org:587")),
            ("mail.example.org:465", Some("smtps://mail.example.org:465")),
            ("localhost", Some("smtp://localhost:25")),
            ("127.0.0.1:2525", Some("smtp://127.0.0.1:2525")),
            ("outbx", None),
            ("Outbox:mail", None),
            ("smtp://mail.example.org", None),
            ("ftp://mail.example.org", None),
            ("me@mail.example.org", None),
            ("mail.example.org:smtp", None),
        ] {
            assert_eq!(with_scheme(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn reads_outboxes() {
        assert_eq!(outbox("outbox"), Some(PathBuf::from("outbox")));
        assert_eq!(outbox("outbox:target/mail"), Some(PathBuf::from("target/mail")));
        assert_eq!([outbox("outbox/"), outbox("outbox/mail"), outbox("outboxes")], [None, None, None]);
        assert_eq!(outbox("smtp://mail.example.org"), None);
    }
}
