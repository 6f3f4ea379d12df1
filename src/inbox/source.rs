//! Opens the mailbox that the project file names, with the password it needs.

use secrecy::SecretString;

use crate::disk::Project;
use crate::disk::machine::variable;
use crate::finding::Finding;
use crate::inbox::options::{Account, Source};
use crate::mailbox::Mailbox;
use crate::mailbox::imap::{self, Session};

const PASSWORD_VARIABLE: &str = "SLUGLINE_IMAP_PASSWORD";

/// Opens a mailbox; an IMAP server is logged in to.
///
/// # Errors
/// If it cannot be read or reached, or there is no password.
pub fn open(project: &Project, source: &Source) -> anyhow::Result<Mailbox> {
    match source {
        Source::Path(path) => Mailbox::open(&project.path(path)),
        Source::Imap(account) => {
            let session = Session::open(&imap::Account {
                host: account.host.clone(),
                port: account.port,
                user: account.user.clone(),
                password: password(project, account)?,
                folder: account.folder.clone(),
                extra_roots: account.tls_ca_file.as_ref().map(|file| project.bytes(file)).transpose()?,
            })?;
            Ok(Mailbox::Imap(Box::new(session)))
        }
    }
}

fn password(project: &Project, account: &Account) -> anyhow::Result<SecretString> {
    if let Some(password) = variable(PASSWORD_VARIABLE) {
        return Ok(password.into());
    }
    match &account.password_file {
        Some(file) => Ok(project.text(file)?.trim_end_matches(['\r', '\n']).to_owned().into()),
        None => {
            let help = format!(
                "set the environment variable {PASSWORD_VARIABLE}, or `inbox.password_file` to a file that contains it"
            );
            Err(Finding::error("imap-password", "`inbox.imap` is set, but there is no password").help(help).into())
        }
    }
}
