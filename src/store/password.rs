//! The password of a database: from SLUGLINE_STORE_PASSWORD, else from the file `store_password_file`; it is never shown.

use std::env;
use std::path::Path;

use secrecy::SecretString;

use crate::config::Database;
use crate::disk::Project;

const VARIABLE: &str = "SLUGLINE_STORE_PASSWORD";

/// The password, if there is one: a server may know its users without.
pub(super) fn password(project: &Project, database: &Database) -> anyhow::Result<Option<SecretString>> {
    if let Ok(password) = env::var(VARIABLE)
        && !password.is_empty()
    {
        return Ok(Some(password.into()));
    }
    let Some(file) = &database.password_file else { return Ok(None) };
    in_file(project, file).map(Some)
}

/// The password in a file.
pub(super) fn in_file(project: &Project, file: &Path) -> anyhow::Result<SecretString> {
    let text = project.text(file)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}
