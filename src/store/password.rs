//! The password of a database: from SLUGLINE_STORE_PASSWORD, else from the file `store_password_file`; never shown.

use std::path::Path;
use std::{env, fs};

use anyhow::Context as _;
use secrecy::SecretString;

use crate::store::{Database, Locate};

const VARIABLE: &str = "SLUGLINE_STORE_PASSWORD";

/// The password, or `None` if there is none: a server may not need one.
pub(super) fn password(database: &Database, locate: Locate<'_>) -> anyhow::Result<Option<SecretString>> {
    if let Ok(password) = env::var(VARIABLE)
        && !password.is_empty()
    {
        return Ok(Some(password.into()));
    }
    let Some(file) = &database.password_file else { return Ok(None) };
    in_file(&locate(file)).map(Some)
}

/// The password in a file.
pub(super) fn in_file(path: &Path) -> anyhow::Result<SecretString> {
    let text = fs::read_to_string(path).with_context(|| format!("failed to read `{}`", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}
