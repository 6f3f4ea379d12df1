//! The way mail leaves that the project file names, with the passwords and the certificates it needs.
//!
//! The password of a server comes from the environment variable or the file that its entry names, else from
//! SLUGLINE_SMTP_PASSWORD, else from `mail.password_file`; it is never shown.

use std::path::Path;

use secrecy::SecretString;

use crate::config::{MailConfig, MailServer, Via};
use crate::delivery::Route;
use crate::disk::Project;
use crate::disk::machine::variable;
use crate::finding::Finding;
use crate::smtp::relay::{Login, Relay};

const PASSWORD: &str = "SLUGLINE_SMTP_PASSWORD";

/// The way mail leaves.
///
/// # Errors
/// When a server's password is missing, or its certificates cannot be read.
pub fn route(project: &Project, mail: &MailConfig) -> anyhow::Result<Route> {
    route_with(project, mail, &|server| login(project, mail, server))
}

/// The same for who only asks what would happen: no password is needed, and nothing can be sent where a server wants one.
///
/// # Errors
/// When a server's certificates cannot be read.
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

/// A mail server, and all that a connection to it needs, with this login or none.
///
/// # Errors
/// When its certificates cannot be read.
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

/// Name and password, where the project file names a user.
///
/// # Errors
/// When there is no password.
pub fn login(project: &Project, mail: &MailConfig, server: &MailServer) -> anyhow::Result<Option<Login>> {
    let Some(user) = &server.user else { return Ok(None) };
    Ok(Some(Login { user: user.clone(), password: password(project, mail, server)? }))
}

fn password(project: &Project, mail: &MailConfig, server: &MailServer) -> anyhow::Result<SecretString> {
    if let Some(name) = &server.password_env {
        let finding = || {
            let message =
                format!("the environment variable {name} is not set, and `mail.via` takes a password from it");
            Finding::error("smtp-password", message).help("set it, or remove `password_env`")
        };
        return Ok(variable(name).map(SecretString::from).ok_or_else(finding)?);
    }
    if let Some(file) = &server.password_file {
        return of_file(project, file);
    }
    if let Some(password) = variable(PASSWORD) {
        return Ok(password.into());
    }
    if let Some(file) = &mail.password_file {
        return of_file(project, file);
    }
    Err(Finding::error("smtp-password", "`mail.user` is set and there is no password")
        .help(format!("put it into the environment variable {PASSWORD}, or into a file named by `mail.password_file`"))
        .into())
}

fn of_file(project: &Project, file: &Path) -> anyhow::Result<SecretString> {
    let text = project.text(file)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}
