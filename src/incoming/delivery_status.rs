//! Delivery reports (RFC 3464, RFC 6533).
//!
//! Takes the text of message/delivery-status; returns what it says of each recipient. What stands in the readable part of a
//! report is left to `plain_report`.

use crate::email::EmailAddress;
use crate::incoming::fields::Fields;
use crate::incoming::{Action, addresses};

/// What a report says.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Original-Envelope-Id (RFC 3464 2.2.1).
    pub(super) envelope_id: Option<String>,
    /// One for each group of fields that is about a recipient.
    pub(super) recipients: Vec<Recipient>,
}

/// A per-recipient group.
#[derive(Debug)]
pub(super) struct Recipient {
    /// Original-Recipient, or else Final-Recipient: the address that was mailed comes first.
    pub(super) addresses: Vec<EmailAddress>,
    /// Action, or what the status says of it.
    pub(super) action: Action,
    /// Status.
    pub(super) status: Option<String>,
    /// What the remote server said.
    pub(super) diagnostic: String,
    /// A local program spoke (`x-unix`), not a server: neither its output nor the status that was made of it are about the
    /// address.
    pub(super) is_local: bool,
}

/// Reads a report. Blank lines part its groups; servers that leave out the first one, or put one too many, exist.
pub(super) fn parse(text: &str) -> Status {
    let mut status = Status::default();
    for group in groups(text) {
        if status.envelope_id.is_none() {
            status.envelope_id = group.first("original-envelope-id").map(str::to_owned).filter(|id| !id.is_empty());
        }
        status.recipients.extend(recipient(&group));
    }
    status
}

fn groups(text: &str) -> impl Iterator<Item = Fields> {
    let mut groups = vec![String::new()];
    for line in text.lines() {
        match (line.trim().is_empty(), groups.last_mut()) {
            (false, Some(group)) => {
                group.push_str(line);
                group.push('\n');
            }
            _ => groups.push(String::new()),
        }
    }
    groups.into_iter().filter(|group| !group.is_empty()).map(|group| Fields::parse(&group))
}

fn recipient(group: &Fields) -> Option<Recipient> {
    let names = ["original-recipient", "final-recipient", "x-actual-recipient"];
    let status = group.first("status").map(str::to_owned);
    if !names.iter().any(|name| group.has(name)) {
        return None;
    }
    let action = match group.first("action") {
        Some(action) => self::action(action)?,
        None => by_status(status.as_deref()?)?,
    };
    let found = names.iter().filter_map(|name| typed(group.first(name)?)).collect();
    let (kind, diagnostic) = diagnostic(group.first("diagnostic-code").unwrap_or_default());
    let is_local = kind.eq_ignore_ascii_case("x-unix");
    Some(Recipient { addresses: found, action, status, diagnostic: diagnostic.to_owned(), is_local })
}

/// The address after its type: `rfc822; reader@example.org`, `utf-8; …`. Some servers leave out the type.
fn typed(value: &str) -> Option<EmailAddress> {
    let address = value.split_once(';').map_or(value, |(_, address)| address);
    addresses::of_field(address).into_iter().next()
}

fn action(value: &str) -> Option<Action> {
    let value = value.to_ascii_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| value.starts_with(word));
    match () {
        () if begins(&["fail", "error", "expired", "bounce", "undeliver"]) => Some(Action::Failed),
        () if begins(&["delay", "defer"]) => Some(Action::Delayed),
        () if begins(&["deliver"]) => Some(Action::Delivered),
        () if begins(&["relay"]) => Some(Action::Relayed),
        () if begins(&["expand"]) => Some(Action::Expanded),
        () => None,
    }
}

fn by_status(status: &str) -> Option<Action> {
    match status.trim_start().as_bytes().first()? {
        b'2' => Some(Action::Delivered),
        b'4' => Some(Action::Delayed),
        b'5' => Some(Action::Failed),
        _ => None,
    }
}

/// The type and the text of Diagnostic-Code; some servers leave out the type.
fn diagnostic(value: &str) -> (&str, &str) {
    match value.split_once(';') {
        Some((kind, text)) if !kind.trim().contains(' ') => (kind.trim(), text.trim()),
        _ => ("", value),
    }
}
