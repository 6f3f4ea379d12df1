//! The transport that the project file names, with the passwords and certificates it needs.
//!
//! A server's password comes from the environment variable or file named in its entry, then from SLUGLINE_SMTP_PASSWORD,
//! then from `mail.password_file`; it is never shown.

use std::path::Path;

use secrecy::SecretString;

use crate::config::{MailConfig, MailServer, Via};
use crate::delivery::Route;
use crate::disk::Project;
use crate::disk::machine::variable;
use crate::finding::Finding;
use crate::smtp::relay::{Login, Relay};

const PASSWORD_VARIABLE: &str = "SLUGLINE_SMTP_PASSWORD";

/// The transport of the project.
///
/// # Errors
/// If a server's password is missing, or its certificates cannot be read.
pub fn route(project: &Project, mail: &MailConfig) -> anyhow::Result<Route> {
    route_with(project, mail, &|server| login(project, mail, server))
}

/// The same for a dry run: needs no passwords, and cannot send through a server that requires one.
///
/// # Errors
/// If a server's certificates cannot be read.
pub fn route_without_logins(project: &Project, mail: &MailConfig) -> anyhow::Result<Route> {
    route_with(project, mail, &|_| Ok(None))
}

fn route_with(
    project: &Project,
    mail: &MailConfig,
    login: &dyn Fn(&MailServer) -> anyhow::Result<Option<Login>>,
) -> anyhow::Result<Route> {
    match &mail.via {
        Via::Outbox(folder) => {
            let (project, root) = (project.clone(), folder.clone());
            Ok(Route::Outbox { project, root, writers: mail.connections })
        }
        Via::Smtp(servers) => {
            let relays = servers.iter().map(|server| relay_with(project, mail, server, login(server)?));
            Ok(Route::Relays(relays.collect::<anyhow::Result<_>>()?))
        }
    }
}

/// A mail server with everything that a connection to it needs, with or without a login.
///
/// # Errors
/// If its certificates cannot be read.
pub fn relay_with(
    project: &Project,
    mail: &MailConfig,
    server: &MailServer,
    login: Option<Login>,
) -> anyhow::Result<Relay> {
    let roots = server.tls_ca_file.as_ref().map(|file| project.bytes(file)).transpose()?;
    let mut relay = Relay::new(server.server.clone(), mail.edition.from.address.domain(), login, roots.as_deref())?;
    relay.connections = server.connections;
    relay.pipelining = server.pipelining;
    relay.messages_per_connection = server.messages_per_connection.unwrap_or(relay.messages_per_connection);
    relay.weight = server.weight;
    relay.rates.extend(server.rate.clone());
    relay.warm_up = server.warm_up.clone();
    Ok(relay)
}

/// User name and password, or `None` if the project file names no user.
///
/// # Errors
/// If there is no password.
pub fn login(project: &Project, mail: &MailConfig, server: &MailServer) -> anyhow::Result<Option<Login>> {
    let Some(user) = &server.user else { return Ok(None) };
    Ok(Some(Login { user: user.clone(), password: password(project, mail, server)? }))
}

fn password(project: &Project, mail: &MailConfig, server: &MailServer) -> anyhow::Result<SecretString> {
    if let Some(name) = &server.password_env {
        let finding = || {
            let message =
                format!("the environment variable {name}, the password of a server in `mail.via`, is not set");
            Finding::error("smtp-password", message).help("set it, or remove `password_env`")
        };
        return Ok(variable(name).map(SecretString::from).ok_or_else(finding)?);
    }
    if let Some(file) = &server.password_file {
        return password_from_file(project, file);
    }
    if let Some(password) = variable(PASSWORD_VARIABLE) {
        return Ok(password.into());
    }
    if let Some(file) = &mail.password_file {
        return password_from_file(project, file);
    }
    Err(Finding::error("smtp-password", "`mail.user` is set, but there is no password")
        .help(format!(
            "set the environment variable {PASSWORD_VARIABLE}, or `mail.password_file` to a file that contains it"
        ))
        .into())
}

fn password_from_file(project: &Project, file: &Path) -> anyhow::Result<SecretString> {
    let text = project.text(file)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}
