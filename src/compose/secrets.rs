//! Reads the secrets of tokens: from SLUGLINE_SECRET, or else from `secret_file`. They are never shown.

use crate::config::Config;
use crate::disk::Project;
use crate::disk::machine::variable;
use crate::finding::Finding;
use crate::token::{MIN_SECRET_CHARS, Secrets};

const VARIABLE: &str = "SLUGLINE_SECRET";

/// The secrets of the project.
///
/// # Errors
/// When there is no secret, or it is too short.
pub fn secrets(project: &Project, config: &Config) -> anyhow::Result<Secrets> {
    let (text, place) = match (variable(VARIABLE), &config.secret_file) {
        (Some(text), _) => (text, format!("the environment variable {VARIABLE}")),
        (_, Some(file)) => (project.text(file)?, format!("the file `{}`", file.display())),
        (_, None) => {
            let missing = Finding::error("secret-missing", "tokens need a secret, but none is configured");
            let help = "make one with `slugline key secret secret.txt`, and set `secret_file: secret.txt`";
            return Err(missing.help(help).into());
        }
    };
    Secrets::parse(&text).ok_or_else(|| {
        let short = format!("{place} contains a secret of fewer than {MIN_SECRET_CHARS} characters, or none");
        Finding::error("secret-short", short).help("make one with `slugline key secret FILE`").into()
    })
}

/// Whether the project's links need tokens.
pub fn are_needed(config: &Config) -> bool {
    let mail = config.mail.as_ref();
    let templates = mail.into_iter().flat_map(|mail| [&mail.edition.unsubscribe_url, &mail.edition.unsubscribe_mailto]);
    templates.flatten().any(|text| text.contains("{token}"))
}
