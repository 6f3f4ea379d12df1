//! What serde says of a project file that it cannot read, as a finding; a key that is not known may only be renamed.

use crate::config::{old_keys, serde_message};
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
    let Some(unknown) = Unknown::of(message) else {
        let place = Place::at_line(path, text, line, column);
        let (message, help) = serde_message::of_value(message);
        let finding = Finding::error("config-value", message).at(place);
        return Finding { help, ..finding };
    };
    let place = Place::of_key(path, text, line, unknown.key);
    let help = match nearest(unknown.key, unknown.known.iter().copied()) {
        Some(key) => format!("write `{key}`"),
        None => format!("the keys known here are {}", unknown.known.join(", ")),
    };
    Finding::error("config-key", format!("unknown key `{}`", unknown.path))
        .help(help)
        .at(place.unwrap_or_else(|| Place::at_line(path, text, line, column)))
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
}
