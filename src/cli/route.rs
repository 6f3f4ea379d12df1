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
        Via::Outbox(folder) => return Ok(Route::Outbox { project: project.clone(), root: folder.clone() }),
        Via::Smtp(server) => server.clone(),
    };
    let login = login(project, mail)?;
    let roots = mail.tls_ca_file.as_ref().map(|file| project.bytes(file)).transpose()?;
    let relay = Relay::new(server, mail.from.address.domain(), login, roots.as_deref())?;
    Ok(Route::Relay(Box::new(relay)))
}

/// Name and password, where the project file names a user.
///
/// # Errors
/// When there is no password.
pub(super) fn login(project: &Project, mail: &MailConfig) -> anyhow::Result<Option<Login>> {
    let Some(user) = &mail.user else { return Ok(None) };
    Ok(Some(Login { user: user.clone(), password: password(project, mail)? }))
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
