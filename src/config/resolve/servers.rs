//! `mail.via`: a folder, a mail server, or several with what each has of its own.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono_tz::Tz;

use crate::config::raw::{RawMail, RawPipelining, RawServer, RawServerFields, RawVia};
use crate::config::resolve::{Wrong, throttle};
use crate::config::{MailServer, Via};
use crate::smtp::Server;
use crate::smtp::relay::Pipelining;

const KEYS: [&str; 2] = ["mail", "via"];

/// The way out. What a server has not of its own it has from the keys below `mail`.
pub(super) fn way_out(raw: &RawMail, zone: Tz, wrong: &mut Wrong<'_>) -> Via {
    let servers = match &raw.via {
        None => return Via::Outbox(PathBuf::from("outbox")),
        Some(RawVia::One(RawServer::Url(url))) => {
            if let Some(folder) = outbox(url.trim()) {
                return Via::Outbox(folder);
            }
            let server = parsed(url, "", wrong);
            let own = RawServerFields::default();
            return Via::Smtp(
                server.map(|server| mail_server(server, &own, raw, "", zone, wrong)).into_iter().collect(),
            );
        }
        Some(RawVia::One(server)) => std::slice::from_ref(server),
        Some(RawVia::Many(servers)) => servers.as_slice(),
    };
    if servers.is_empty() {
        wrong.value(&KEYS, "the list of servers is empty", "name a server, such as `smtp://mail.example.org`");
    }
    let several = servers.len() > 1;
    let mut all: Vec<MailServer> = Vec::new();
    for (at, entry) in servers.iter().enumerate() {
        let which = if several { format!("server {}: ", at + 1) } else { String::new() };
        all.extend(of_entry(entry, raw, &which, zone, wrong));
    }
    refuse_twins(&all, wrong);
    Via::Smtp(all)
}

fn of_entry(entry: &RawServer, raw: &RawMail, which: &str, zone: Tz, wrong: &mut Wrong<'_>) -> Option<MailServer> {
    let none = RawServerFields::default();
    let (url, own) = match entry {
        RawServer::Url(url) => (url, &none),
        RawServer::Full(own) => (&own.url, &**own),
    };
    if outbox(url.trim()).is_some() {
        let why = format!("{which}an outbox is no mail server");
        wrong.value(&KEYS, why, "write `via: outbox` alone, or remove it from the list");
        return None;
    }
    parsed(url, which, wrong).map(|server| mail_server(server, own, raw, which, zone, wrong))
}

/// A server with what its mapping says, and what the keys below `mail` say else.
fn mail_server(
    server: Server,
    own: &RawServerFields,
    raw: &RawMail,
    which: &str,
    zone: Tz,
    wrong: &mut Wrong<'_>,
) -> MailServer {
    refuse_zeros(own, which, wrong);
    let name = format!("mail {}", name_of(&server, own.user.as_deref()));
    let rate = own.rate.as_deref().and_then(|text| {
        throttle::rate(text, &name, &mut |why, help| wrong.value(&KEYS, format!("{which}`rate`: {why}"), help))
    });
    let warm_up = own.warm_up.as_ref().and_then(|raw| {
        throttle::warm_up(raw, &name, zone, &mut |key, why, help| {
            wrong.value(&KEYS, format!("{which}`warm_up.{key}`: {why}"), help);
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
fn refuse_zeros(own: &RawServerFields, which: &str, wrong: &mut Wrong<'_>) {
    for (key, number) in [
        ("weight", own.weight.map(u64::from)),
        ("connections", own.connections.map(|it| it as u64)),
        ("messages_per_connection", own.messages_per_connection.map(|it| it as u64)),
    ] {
        if number == Some(0) {
            wrong.value(&KEYS, format!("{which}nothing can be sent with `{key}: 0`"), "write 1 or more");
        }
    }
}

/// The same of the numbers for servers that say nothing else.
pub(super) fn refuse_zeros_for_all(raw: &RawMail, wrong: &mut Wrong<'_>) {
    if raw.connections == Some(0) {
        wrong.value(&["mail", "connections"], "nothing can be sent over 0 connections", "write 1 or more");
    }
    if raw.messages_per_connection == Some(0) {
        wrong.value(&["mail", "messages_per_connection"], "a connection is for 1 message at least", "write 1 or more");
    }
}

/// Connections to a server that says nothing else.
pub(super) fn connections(raw: &RawMail) -> usize {
    raw.connections.unwrap_or(4)
}

fn parsed(url: &str, which: &str, wrong: &mut Wrong<'_>) -> Option<Server> {
    const HELP: &str = "write `outbox`, `smtp://host:587` or `smtps://host:465`; put the login into `user` and the \
                        password into SLUGLINE_SMTP_PASSWORD";
    wrong.check(Server::parse(url.trim()), &KEYS, &format!("{which}mail cannot leave this way"), HELP)
}

/// Two entries for one server and login would be taken for two servers.
fn refuse_twins(servers: &[MailServer], wrong: &mut Wrong<'_>) {
    let mut seen = BTreeSet::new();
    for server in servers {
        let name = name_of(&server.server, server.user.as_deref());
        if !seen.insert(name.clone()) {
            wrong.value(
                &KEYS,
                format!("`{name}` stands there twice"),
                "name it once, with more `weight` or `connections`",
            );
        }
    }
}

/// What a server and its login are called in the store.
fn name_of(server: &Server, user: Option<&str>) -> String {
    let user = user.map_or_else(String::new, |user| format!("{user}@"));
    format!("{user}{}:{}", server.host, server.port)
}

/// The folder that `outbox` or `outbox:DIR` names; `None` where the text names something else.
fn outbox(text: &str) -> Option<PathBuf> {
    let folder = text.strip_prefix("outbox")?;
    let folder = folder.strip_prefix(':').unwrap_or(folder);
    Some(PathBuf::from(if folder.is_empty() { "outbox" } else { folder }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_outboxes() {
        assert_eq!(outbox("outbox"), Some(PathBuf::from("outbox")));
        assert_eq!(outbox("outbox:target/mail"), Some(PathBuf::from("target/mail")));
        assert_eq!(outbox("smtp://mail.example.org"), None);
    }
}
