//! The way out that the project file names, with the password and the certificates it needs.
//!
//! The password comes from SLUGLINE_SMTP_PASSWORD, else from `mail.password_file`; it is never shown.

use std::env;

use secrecy::SecretString;

use crate::config::{MailConfig, Via};
use crate::disk::Project;
use crate::finding::Finding;
use crate::smtp::Route;
use crate::smtp::relay::{Login, Relay};

const PASSWORD: &str = "SLUGLINE_SMTP_PASSWORD";

/// The way mail leaves.
pub(super) fn route(project: &Project, mail: &MailConfig) -> anyhow::Result<Route> {
    let server = match &mail.via {
        Via::Outbox(folder) => {
            let (project, root) = (project.clone(), folder.clone());
            return Ok(Route::Outbox { project, root, writers: mail.connections });
        }
        Via::Smtp(server) => server.clone(),
    };
    let login = match &mail.user {
        Some(user) => Some(Login { user: user.clone(), password: password(project, mail)? }),
        None => None,
    };
    let roots = mail.tls_ca_file.as_ref().map(|file| project.bytes(file)).transpose()?;
    let mut relay = Relay::new(server, mail.from.address.domain(), login, roots.as_deref())?;
    relay.connections = mail.connections;
    Ok(Route::Relays(vec![relay]))
}

fn password(project: &Project, mail: &MailConfig) -> anyhow::Result<SecretString> {
    if let Ok(password) = env::var(PASSWORD)
        && !password.is_empty()
    {
        return Ok(password.into());
    }
    if let Some(file) = &mail.password_file {
        let text = project.text(file)?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned().into());
    }
    Err(Finding::error("smtp-password", "`mail.user` is set and there is no password")
        .help(format!("put it into the environment variable {PASSWORD}, or into a file named by `mail.password_file`"))
        .into())
}
