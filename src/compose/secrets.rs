//! Reads the secrets of tokens: from SLUGLINE_SECRET, or else from `secret_file`. They are never shown.

use std::path::Path;

use crate::config::{Config, MailConfig};
use crate::disk::Project;
use crate::disk::machine::variable;
use crate::finding::{Finding, Place, Severity};
use crate::token::bounce_address::BounceAddress;
use crate::token::{MIN_SECRET_CHARS, Secrets};

const VARIABLE: &str = "SLUGLINE_SECRET";

/// The secrets of the project.
///
/// # Errors
/// When there is no secret, or it is too short.
pub fn secrets(project: &Project, config: &Config) -> anyhow::Result<Secrets> {
    let (text, place) = match (variable(VARIABLE), &config.secret_file) {
        (Some(text), _) => (text, format!("the environment variable {VARIABLE}")),
        (_, Some(file)) => match project.text_if_exists(file)? {
            Some(text) => (text, format!("the file `{}`", file.display())),
            None => return Err(no_file(file).into()),
        },
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

fn no_file(file: &Path) -> Finding {
    let file = file.display();
    Finding::error("secret-missing", format!("tokens need a secret, but there is no file `{file}`"))
        .help(format!("make one with `slugline key secret {file}`, or copy it from the machine that mails"))
}

/// The finding that links need tokens, and that there is no usable secret for them; `path` and `text` are those of the project
/// file. A missing secret is a warning: another machine may mail.
pub fn finding(project: &Project, config: &Config, path: &str, text: &str) -> Option<Finding> {
    let error = are_needed(config).then(|| secrets(project, config).err())??;
    let finding = match error.downcast::<Finding>() {
        Ok(finding) => finding,
        Err(error) => Finding::error("secret-missing", format!("tokens need a secret: {error:#}")),
    };
    let severity = if finding.rule == "secret-missing" { Severity::Warning } else { finding.severity };
    let keys = [
        &["secret_file"][..],
        &["mail", "unsubscribe_url"],
        &["mail", "unsubscribe_mailto"],
        &["mail", "bounce_address"],
        &["inbox", "confirm"],
        &["mail"],
    ];
    let is_cause = |place: &Place| place.source.as_ref().is_some_and(|line| line.contains("{token}"));
    let places = keys.map(|keys| Place::of_value(path, text, keys));
    let cause = places.iter().find(|place| config.secret_file.is_some() || is_cause(place));
    let place = cause.cloned().unwrap_or_else(|| match config.serve {
        Some(_) => Place::of_value(path, text, &["serve", "url"]),
        None => Place::of_value(path, text, &["mail"]),
    });
    Some(Finding { severity, ..finding }.at(place))
}

/// Whether the project needs tokens: in the links or the envelope sender of its mail, in `inbox.confirm`, or in what `serve` makes.
pub fn are_needed(config: &Config) -> bool {
    let mail = config.mail.as_ref();
    let templates = mail.into_iter().flat_map(|mail| [&mail.edition.unsubscribe_url, &mail.edition.unsubscribe_mailto]);
    let has_token = |mail: &MailConfig| mail.bounce_address.as_ref().is_some_and(BounceAddress::has_token);
    config.serve.is_some()
        || config.confirm_address().is_some()
        || mail.is_some_and(has_token)
        || templates.flatten().any(|text| text.contains("{token}"))
}
