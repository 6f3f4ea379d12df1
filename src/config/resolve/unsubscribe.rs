//! What the law requires of a newsletter: unsubscribe links, and the sender's postal address.

use url::Url;

use super::{Problems, mail_address};
use crate::config::raw::{RawMail, RawUnsubscribe};
use crate::finding::nearest;
use crate::token;

/// An address that may contain `{token}`.
pub(super) fn unsubscribe_mailto(text: Option<&str>, problems: &mut Problems<'_>) -> Option<String> {
    const KEY: &str = "unsubscribe_mailto";
    let text = text.filter(|text| has_only_fields(text, KEY, &["token"], problems))?;
    // A token may make the part before the `@` too long (RFC 5321 section 4.5.3.1.1).
    let sample = text.replace("{token}", &"0".repeat(token::TOKEN_DIGITS));
    mail_address(Some(&sample), KEY, problems).map(|_| text.to_owned())
}

pub(super) fn unsubscribe_url(text: &str, problems: &mut Problems<'_>) -> Option<String> {
    if !has_only_fields(text, "unsubscribe_url", &["token", "address", "language"], problems) {
        return None;
    }
    let sample = text.replace("{address}", "a").replace("{token}", "t").replace("{language}", "en");
    let https = Url::parse(&sample).ok().filter(|url| url.scheme() == "https");
    if https.is_none() {
        let help = "write an https address; `{token}` in it becomes the recipient's token";
        problems.value(&["mail", "unsubscribe_url"], format!("`{text}` is not an https URL"), help);
    }
    https.map(|_| text.to_owned())
}

/// Whether the text of a key below `mail` contains no `{…}` but these.
pub(super) fn has_only_fields(text: &str, key: &str, known: &[&str], problems: &mut Problems<'_>) -> bool {
    has_only_fields_at(text, &["mail", key], known, problems)
}

/// Whether the text of a key contains no `{…}` but these. Another would reach the reader as written.
pub(super) fn has_only_fields_at(text: &str, keys: &[&str], known: &[&str], problems: &mut Problems<'_>) -> bool {
    let fields = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default());
    let unknown: Vec<&str> = fields.filter(|field| !known.contains(field)).collect();
    let Some(field) = unknown.iter().find(|field| !field.is_empty()).or(unknown.first()) else { return true };
    let meant = nearest(field, known.iter().copied())
        .or_else(|| known.iter().copied().find(|name| field.to_lowercase().contains(name)));
    let help = match meant {
        Some(name) => format!("write `{{{name}}}`"),
        None => format!("what is known here is `{{{}}}`", known.join("}`, `{")),
    };
    problems.value(keys, format!("there is no `{{{field}}}`"), &help);
    false
}

/// Whether `unsubscribe` is set to `none`, which contradicts an unsubscribe link.
pub(super) fn unsubscribe_by_provider(raw: &RawMail, problems: &mut Problems<'_>) -> bool {
    let says_none = raw.unsubscribe == Some(RawUnsubscribe::None);
    if says_none && (raw.unsubscribe_url.is_some() || raw.unsubscribe_mailto.is_some()) {
        let why = "`none` means that the provider adds the unsubscribe link, but one is configured";
        problems.value(&["mail", "unsubscribe"], why, "remove it, or `unsubscribe_url` and `unsubscribe_mailto`");
    }
    says_none
}

/// The lines of the address.
pub(super) fn postal_address(text: &str, problems: &mut Problems<'_>) -> Vec<String> {
    let words = |line: &str| line.replace(char::is_control, " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = text.lines().map(words).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        let help = "write name, street and town, or remove `postal_address`";
        problems.value(&["mail", "postal_address"], "the address is empty", help);
    }
    lines
}
