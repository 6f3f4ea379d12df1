//! What serde says of a project file that it cannot read, as a finding; a key that is not known may only be renamed.

use crate::config::raw::RawServerFields;
use crate::config::{old_keys, serde_message};
use crate::content::yaml_error;
use crate::finding::{Finding, Place, nearest};

/// The text with the new name of a key that is not known because it was renamed.
pub(super) fn renamed(path: &str, text: &str, error: &serde_yaml::Error) -> Option<(String, Finding)> {
    let unknown = error.to_string();
    let unknown = Unknown::of(&unknown)?;
    old_keys::rewritten(path, text, &unknown.path, error.location().map_or(1, |at| at.line()))
}

/// The finding about what cannot be read, at its place.
pub(super) fn finding(path: &str, text: &str, error: &serde_yaml::Error) -> Finding {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
    let in_server = server_message(text).filter(|_| message.contains("expected `outbox`"));
    let Some(unknown) = Unknown::of(in_server.as_deref().unwrap_or(message)) else {
        if let Some(found) = yaml_error::explain(text, &error.to_string(), line, column) {
            let place = Place::at_line(path, text, found.line, found.column);
            return Finding::error("config-value", found.message).help(found.help).at(place);
        }
        if let Some((parent, key)) = repeated(message) {
            let first = Place::of_key(path, text, line, key);
            let second = first.as_ref().and_then(|first| Place::of_key(path, text, first.line + 1, key));
            let place = second.or(first).unwrap_or_else(|| Place::at_line(path, text, line, column));
            let problem = Finding::error("config-value", format!("the key `{parent}{key}` appears twice"));
            return problem.help("keep only one of them").at(place);
        }
        let place = Place::at_line(path, text, line, column);
        let (message, help) = serde_message::of_value(message);
        let finding = Finding::error("config-value", message).at(place);
        return Finding { help, ..finding };
    };
    let place = Place::of_key(path, text, line, unknown.key);
    let help = match nearest(unknown.key, unknown.known.iter().copied()) {
        // `password_env` is near `password`, but names a variable.
        Some(key) if !unknown.is_password() || strsim::osa_distance(unknown.key, key) <= 2 => format!("write `{key}`"),
        _ if unknown.is_password() => unknown.password_help(),
        _ => format!("the keys known here are {}", unknown.known.join(", ")),
    };
    Finding::error("config-key", format!("unknown key `{}`", unknown.path))
        .help(help)
        .at(place.unwrap_or_else(|| Place::at_line(path, text, line, column)))
}

/// The keys above a repeated key, and the key: "mail: duplicate field `from`".
fn repeated(message: &str) -> Option<(String, &str)> {
    let (parent, key) = message.split_once("duplicate field `")?;
    let parent = parent.strip_suffix(": ").map_or_else(String::new, |parent| format!("{parent}."));
    Some((parent, key.trim_end_matches('`')))
}

/// What serde says of the first entry of `mail.via` with an unknown key. Of an enum it says only which entries are possible.
fn server_message(text: &str) -> Option<String> {
    let value: serde_yaml::Value = serde_yaml::from_str(text).ok()?;
    let entries = match value.get("mail")?.get("via")? {
        serde_yaml::Value::Sequence(entries) => entries.clone(),
        entry => vec![entry.clone()],
    };
    let messages = entries.into_iter().filter(serde_yaml::Value::is_mapping).filter_map(|entry| {
        let error = serde_yaml::from_value::<RawServerFields>(entry).err()?;
        Some(format!("mail.via: {error}"))
    });
    messages.into_iter().find(|message| Unknown::of(message).is_some())
}

/// What serde says of a key it does not know: "feeds: unknown field `limt`, expected one of `formats`, `limit`".
struct Unknown<'a> {
    path: String,
    key: &'a str,
    known: Vec<&'a str>,
}

impl<'a> Unknown<'a> {
    fn of(message: &'a str) -> Option<Self> {
        let (parent, rest) = message.split_once("unknown field `")?;
        let (key, expected) = rest.split_once('`')?;
        let parent = parent.trim_end_matches(": ");
        let path = if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") };
        Some(Self { path, key, known: expected.split('`').skip(1).step_by(2).collect() })
    }

    /// Whether a password or secret was written into the project file.
    fn is_password(&self) -> bool {
        ["pass", "secret", "pwd"].iter().any(|word| self.key.to_lowercase().contains(word))
    }

    fn password_help(&self) -> String {
        let is_known = |name: &str| self.known.contains(&name);
        let (what, variable, file) = if is_known("password_env") {
            ("password", "that `password_env` names", "password_file")
        } else if is_known("password_file") {
            ("password", "SLUGLINE_SMTP_PASSWORD", "password_file")
        } else if self.key.contains("pass") {
            ("password", "SLUGLINE_STORE_PASSWORD", "store_password_file")
        } else {
            ("secret", "SLUGLINE_SECRET", "secret_file")
        };
        format!(
            "it does not belong in this file: put the {what} into the environment variable {variable}, or into a file \
             named by `{file}`"
        )
    }
}
