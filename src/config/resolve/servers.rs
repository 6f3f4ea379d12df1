//! `mail.via`: a folder, a mail server, or several with what each has of its own.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono_tz::Tz;

use crate::config::raw::{RawMail, RawServer, RawServerFields, RawVia};
use crate::config::resolve::{Wrong, pace};
use crate::config::{MailServer, Server, Via, via};

const KEYS: [&str; 2] = ["mail", "via"];

/// The way out. What a server has not of its own it has from the keys below `mail`.
pub(super) fn way_out(raw: &RawMail, zone: Tz, wrong: &mut Wrong<'_>) -> Via {
    let servers = match &raw.via {
        None => return Via::Outbox(PathBuf::from("outbox")),
        Some(RawVia::One(RawServer::Url(url))) => {
            return match parsed(url, "", wrong) {
                Some(Via::Smtp(servers)) => Via::Smtp(servers.into_iter().map(|it| completed(it, raw)).collect()),
                Some(outbox) => outbox,
                None => Via::Outbox(PathBuf::new()),
            };
        }
        Some(RawVia::One(server)) => std::slice::from_ref(server),
        Some(RawVia::Many(servers)) => servers.as_slice(),
    };
    if servers.is_empty() {
        wrong.value(&KEYS, "the list of servers is empty", "name a server, such as `smtp://mail.example.org`");
    }
    let several = servers.len() > 1;
    let mut all: Vec<MailServer> = Vec::new();
    for (at, raw_server) in servers.iter().enumerate() {
        let which = if several { format!("server {}: ", at + 1) } else { String::new() };
        all.extend(server(raw_server, &which, zone, wrong).map(|server| completed(server, raw)));
    }
    refuse_twins(&all, wrong);
    Via::Smtp(all)
}

fn server(raw: &RawServer, which: &str, zone: Tz, wrong: &mut Wrong<'_>) -> Option<MailServer> {
    let (url, fields) = match raw {
        RawServer::Url(url) => (url, None),
        RawServer::Full(fields) => (&fields.url, Some(fields)),
    };
    let mut server = match parsed(url, which, wrong)? {
        Via::Smtp(mut servers) => servers.pop()?,
        Via::Outbox(_) => {
            let why = format!("{which}an outbox is no mail server");
            wrong.value(&KEYS, why, "write `via: outbox` alone, or remove it from the list");
            return None;
        }
    };
    if let Some(fields) = fields {
        own(&mut server, fields, which, zone, wrong);
    }
    Some(server)
}

/// What the mapping of a server says.
fn own(server: &mut MailServer, raw: &RawServerFields, which: &str, zone: Tz, wrong: &mut Wrong<'_>) {
    for (key, number) in [("weight", raw.weight.map(u64::from)), ("connections", raw.connections.map(|it| it as u64))] {
        if number == Some(0) {
            wrong.value(&KEYS, format!("{which}nothing can be sent with `{key}: 0`"), "write 1 or more");
        }
    }
    server.weight = raw.weight.unwrap_or(1);
    server.user = raw.user.clone();
    server.password_env = raw.password_env.clone();
    server.password_file = raw.password_file.as_deref().map(PathBuf::from);
    server.tls_ca_file = raw.tls_ca_file.as_deref().map(PathBuf::from);
    if let Some(connections) = raw.connections {
        server.connections = connections;
    }
    let name = format!("mail {}", name_of(&server.server, server.user.as_deref()));
    server.rate = raw.rate.as_deref().and_then(|text| {
        pace::rate(text, &name, &mut |why, help| wrong.value(&KEYS, format!("{which}`rate`: {why}"), help))
    });
    server.warm_up = raw.warm_up.as_ref().and_then(|raw| {
        pace::warm_up(raw, &name, zone, &mut |key, why, help| {
            wrong.value(&KEYS, format!("{which}`warm_up.{key}`: {why}"), help);
        })
    });
}

fn completed(server: MailServer, raw: &RawMail) -> MailServer {
    let path = |path: &Option<String>| path.as_deref().map(PathBuf::from);
    MailServer {
        user: server.user.or_else(|| raw.user.clone()),
        tls_ca_file: server.tls_ca_file.or_else(|| path(&raw.tls_ca_file)),
        connections: if server.connections == 0 { raw.connections.unwrap_or(4) } else { server.connections },
        ..server
    }
}

fn parsed(url: &str, which: &str, wrong: &mut Wrong<'_>) -> Option<Via> {
    const HELP: &str = "write `outbox`, `smtp://host:587` or `smtps://host:465`; put the login into `user` and the \
                        password into SLUGLINE_SMTP_PASSWORD";
    wrong.check(via::via(url), &KEYS, &format!("{which}mail cannot leave this way"), HELP)
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
