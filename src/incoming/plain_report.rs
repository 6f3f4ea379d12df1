//! Bounces in no standard: qmail, Exim, Exchange, Notes, Yahoo, Sina, NetEase, QQ and many others.
//!
//! Takes a message; returns whether it is a bounce by its sender, subject and words, and what it says of each recipient. It
//! knows no single server: a report names its recipients at the beginning of lines, each followed by the reason.

use crate::email::EmailAddress;
use crate::incoming::fields::Fields;
use crate::incoming::mime::{Mail, Part};
use crate::incoming::{Action, addresses, auto_reply, returned};
use crate::reply::Reply;

mod recipients;
mod words;

pub(super) use recipients::{Found, led};

/// A bounce in no standard.
pub(super) struct PlainReport {
    /// What became of the message.
    pub(super) action: Action,
    /// The recipients with the words about each.
    pub(super) recipients: Vec<Found>,
    /// All words of the report, without the returned message.
    pub(super) text: String,
}

/// The words of a report, without the message that is quoted after them; and the header of that message.
pub(super) fn text(mail: &Mail) -> (String, Option<Fields>) {
    let mut text = String::new();
    for part in &mail.parts {
        match part {
            Part::Text(words) | Part::Html(words) => text.push_str(words),
            // After the message that is returned, nothing is about it.
            Part::Returned(_) if !text.trim().is_empty() => break,
            _ => continue,
        }
        text.push('\n');
    }
    let (start, header) = match returned::in_text(&text) {
        Some((start, header)) if start > 0 => (start, Some(header)),
        _ => (text.len(), None),
    };
    let end = returned::announced(&text).map_or(start, |announced| announced.min(start));
    text.truncate(end);
    (text, header)
}

/// Reads a bounce. `is_report`: that it is one is known by its type.
pub(super) fn read(mail: &Mail, text: &str, own: &[EmailAddress], is_report: bool) -> Option<PlainReport> {
    let failed = mail.header.addresses(&["x-failed-recipients"]);
    if !is_report && failed.is_empty() && !is_bounce(mail, text) {
        return None;
    }
    let found = recipients::find(text, &failed, own);
    let action = match words::say_delayed(&mail.subject, text) {
        true => Action::Delayed,
        false => Action::Failed,
    };
    Some(PlainReport { action, recipients: found, text: text.to_owned() })
}

/// A person may write about a bounce, and quote it: so the sender must be a mail system, or subject and words be a bounce's.
fn is_bounce(mail: &Mail, text: &str) -> bool {
    if words::are_an_answer(&mail.subject) || auto_reply::is_subject(&mail.subject) {
        return false;
    }
    let by_subject = words::begin_bounce(&mail.subject);
    let by_text = || words::say_failed(text);
    match (is_named_as_mail_system(&mail.header), has_no_return_path(&mail.header)) {
        (true, _) => by_subject || by_text(),
        // Programs that answer for a person have none either: "I have left, your mail was not delivered." They neither quote a
        // server nor return the message.
        (false, true) => by_subject || by_text() && (Reply::quoted(text).is_some() || returns_message(mail)),
        (false, false) => by_subject && by_text(),
    }
}

fn returns_message(mail: &Mail) -> bool {
    mail.parts.iter().any(|part| matches!(part, Part::Returned(_)))
}

/// Whether a mail system sent it: by its name, or with no address to return to.
pub(super) fn is_of_mail_system(header: &Fields) -> bool {
    is_named_as_mail_system(header) || has_no_return_path(header)
}

fn is_named_as_mail_system(header: &Fields) -> bool {
    const NAMES: [&str; 7] = [
        "mailer-daemon",
        "mailerdaemon",
        "mdaemon",
        "postmaster",
        "post_master",
        "mail.delivery.system",
        "maildelivery",
    ];
    let sender = |name| header.first(name).unwrap_or_default().to_ascii_lowercase();
    let from = sender("from");
    from.contains("<>")
        || NAMES.iter().any(|name| from.contains(name))
        || sender("return-path").trim_start_matches('<').starts_with("mailer-daemon")
}

fn has_no_return_path(header: &Fields) -> bool {
    header.first("return-path") == Some("<>")
}

/// Whether an address is of a service that no one subscribes with.
fn is_service(address: &EmailAddress) -> bool {
    const NAMES: [&str; 8] =
        ["mailer-daemon", "postmaster", "abuse", "hostmaster", "webmaster", "mdaemon", "support", "helpdesk"];
    NAMES.contains(&address.local_part().to_ascii_lowercase().as_str())
}

/// The only address in a text that may be a recipient. Of several, no one can tell which.
fn only_candidate(text: &str, own: &[EmailAddress]) -> Option<EmailAddress> {
    let mut candidates = addresses::in_text(text).map(|(_, address)| address);
    let mut candidates = candidates.by_ref().filter(|address| !own.contains(address) && !is_service(address));
    let first = candidates.next()?;
    candidates.all(|other| other.key() == first.key()).then_some(first)
}
