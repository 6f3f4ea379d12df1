//! Mail that comes to the publication's addresses, and what it says.
//!
//! Takes the bytes of one message (RFC 5322) and returns an `Incoming`. Whose delivery it is about, whether it may be believed
//! and what follows from it is left to `inbox`.

use crate::email::EmailAddress;
use crate::incoming::classify::Verdict;
use crate::incoming::delivery_status::{Recipient, Status};
use crate::incoming::feedback::Feedback;
use crate::incoming::mime::{Mail, Part};
use crate::incoming::plain_report::{Found, PlainReport};
use crate::incoming::returned::{DELIVERED_TO, Returned};

mod addresses;
mod auto_reply;
mod classify;
mod delivery_status;
mod feedback;
mod fields;
mod html;
mod mime;
mod plain_report;
mod returned;

pub use crate::bounce::Class;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Incoming {
    /// What it is.
    pub kind: Kind,
    /// The recipients that it reports on, each once: RFC 3464, or what other reports name.
    pub recipients: Vec<Report>,
    /// The addresses it was delivered to, as far as its header tells: Delivered-To, X-Original-To, Envelope-To, To, Cc, in this
    /// order. For a report, those that it names after them: Original-Mail-From of a complaint, then the Return-Path of the
    /// returned message and the addresses that one was delivered to.
    pub delivered_to: Vec<EmailAddress>,
    /// From; proves nothing.
    pub from: Option<EmailAddress>,
    /// Message-ID of the returned message, without angle brackets.
    pub returned_id: Option<String>,
    /// The URIs of List-Unsubscribe of the returned message, without angle brackets: they contain its recipient's token.
    pub returned_links: Vec<String>,
    /// Original-Envelope-Id (RFC 3464 section 2.2.1).
    pub envelope_id: Option<String>,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// At least one recipient did not get a message.
    Bounce,
    /// It is still being tried.
    Delay,
    /// A reader called a message spam (RFC 5965).
    Complaint,
    /// A reader called a message in the spam folder no spam (RFC 6430).
    NotSpam,
    /// A reader wants to leave: by the address it was sent to, or by its words.
    Leave,
    /// A reader answers a request to confirm.
    Confirm,
    /// Someone wants to subscribe.
    Subscribe,
    /// A program answered for a person (RFC 3834).
    AutoReply,
    /// Anything else: left as it is.
    #[default]
    Other,
}

impl Kind {
    /// The word used in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Delay => "delay",
            Self::Complaint => "complaint",
            Self::NotSpam => "not-spam",
            Self::Leave => "leave",
            Self::Confirm => "confirm",
            Self::Subscribe => "subscribe",
            Self::AutoReply => "auto-reply",
            Self::Other => "other",
        }
    }
}

/// What is reported on one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The recipient: Original-Recipient, or else Final-Recipient.
    pub address: Option<EmailAddress>,
    /// What became of the message.
    pub action: Action,
    /// Status (RFC 3463), such as `5.1.1`: the innermost that is found.
    pub status: Option<String>,
    /// What the last server said, as one line: `550 5.1.1 …`.
    pub diagnostic: Option<String>,
    /// What it means.
    pub class: Class,
}

/// RFC 3464 section 2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It will not arrive.
    Failed,
    /// It is still being tried.
    Delayed,
    /// It has arrived.
    Delivered,
    /// It went on to a system that sends no reports.
    Relayed,
    /// It went on to several addresses.
    Expanded,
}

impl Action {
    /// The word of the standard.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

/// Reads a message: its bytes, with any line ends. What is not a message at all is of the kind `Other`.
pub fn parse(message: &[u8]) -> Incoming {
    let outer = mime::read(message);
    let incoming = Incoming {
        delivered_to: outer.header.addresses(&DELIVERED_TO),
        from: outer.header.addresses(&["from"]).into_iter().next(),
        ..Incoming::default()
    };
    let mail = wrapped(&outer).unwrap_or(&outer);
    let (text, quoted) = plain_report::text(mail);
    let header = mail.parts.iter().find_map(|part| match part {
        Part::Returned(returned) => Some(&returned.header),
        _ => None,
    });
    let returned = header.or(quoted.as_ref()).map(Returned::from).unwrap_or_default();
    if let Some(feedback) = feedback::read(mail) {
        return complaint(incoming, feedback, returned);
    }
    let status = status(mail);
    let is_report = status.is_some();
    let status = status.unwrap_or_default();
    let mut recipients = standard(status.recipients, &text, &incoming.delivered_to, &returned);
    if recipients.is_empty()
        && let Some(report) = plain_report::read(mail, &text, &incoming.delivered_to, is_report)
    {
        recipients = plain(report, &returned);
    }
    if !recipients.is_empty() {
        return bounce(Incoming { recipients, envelope_id: status.envelope_id, ..incoming }, returned);
    }
    let kind = if auto_reply::is_auto_reply(mail) { Kind::AutoReply } else { Kind::Other };
    Incoming { kind, ..incoming }
}

/// The report in a message of a gateway that wrapped it into one of its own. A person who forwards one is not a mail system.
fn wrapped(outer: &Mail) -> Option<&Mail> {
    if has_status(outer) || !plain_report::is_of_mail_system(&outer.header) {
        return None;
    }
    outer.parts.iter().find_map(|part| match part {
        Part::Returned(inner) if has_status(inner) => Some(inner),
        _ => None,
    })
}

fn has_status(mail: &Mail) -> bool {
    mail.parts.iter().any(|part| matches!(part, Part::DeliveryStatus(_)))
}

/// What the machine-readable parts say, if there are any.
fn status(mail: &Mail) -> Option<Status> {
    let parts = mail.parts.iter().filter_map(|part| match part {
        Part::DeliveryStatus(text) => Some(delivery_status::parse(text)),
        _ => None,
    });
    parts.reduce(|mut all, more| {
        all.envelope_id = all.envelope_id.or(more.envelope_id);
        all.recipients.extend(more.recipients);
        all
    })
}

fn complaint(incoming: Incoming, feedback: Feedback, returned: Returned) -> Incoming {
    let named = if feedback.recipients.is_empty() { returned.recipients.clone() } else { feedback.recipients };
    let report = |address| Report {
        address: Some(address),
        action: Action::Delivered,
        status: None,
        diagnostic: None,
        class: Class::Unknown,
    };
    let mut incoming =
        Incoming { kind: feedback.kind, recipients: named.into_iter().map(report).collect(), ..incoming };
    incoming.delivered_to.extend(feedback.sender);
    with_returned(incoming, returned)
}

/// The reports of the machine-readable part, each recipient once.
fn standard(recipients: Vec<Recipient>, text: &str, own: &[EmailAddress], returned: &Returned) -> Vec<Report> {
    if recipients.is_empty() {
        return Vec::new();
    }
    let mut found = plain_report::led(text, own);
    let is_only_one = recipients.len() == 1;
    if is_only_one && found.is_empty() && recipients[0].addresses.is_empty() {
        let words = text.to_owned();
        found.extend(returned.only_recipient().map(|address| Found { address, words }));
    }
    let mut reports: Vec<Report> = Vec::new();
    for recipient in recipients {
        let names = |found: &&Found| recipient.addresses.iter().any(|address| address.key() == found.address.key());
        let known = found.iter().find(names).or(found.first().filter(|_| is_only_one && found.len() == 1));
        let address = recipient.addresses.first().cloned().or_else(|| Some(known?.address.clone()));
        if address.is_none() || reports.iter().all(|report| report.address != address) {
            let words = known.map_or(if is_only_one { text } else { "" }, |found| &found.words);
            reports.push(report(address, &recipient, words));
        }
    }
    reports
}

/// One report. The readable part often has the reply that the machine-readable one lacks: `words` is what it says.
fn report(address: Option<EmailAddress>, recipient: &Recipient, words: &str) -> Report {
    let action = recipient.action;
    let status = recipient.status.as_deref().filter(|_| !recipient.is_local);
    let mut verdict = classify::verdict(action, status, &recipient.diagnostic);
    if verdict.class == Class::Unknown && action == Action::Failed {
        let read = classify::verdict(action, status, words);
        if read.class != Class::Unknown {
            verdict = read;
        }
    }
    if recipient.is_local && verdict.class != Class::Mailbox {
        verdict.class = Class::Unknown;
    }
    Report { address, action, status: verdict.status, diagnostic: verdict.diagnostic, class: verdict.class }
}

/// The recipients of a bounce in no standard. If it names none, the message went to the one that the returned header names.
fn plain(report: PlainReport, returned: &Returned) -> Vec<Report> {
    let judged = |address: Option<EmailAddress>, words: &str| {
        let mut verdict = classify::verdict(report.action, None, words);
        if verdict.class == Class::Unknown {
            verdict = classify::verdict(report.action, None, &report.text);
        }
        let Verdict { status, diagnostic, class } = verdict;
        Report { address, action: report.action, status, diagnostic, class }
    };
    match report.recipients.as_slice() {
        [] => vec![judged(returned.only_recipient(), &report.text)],
        found => found.iter().map(|found| judged(Some(found.address.clone()), &found.words)).collect(),
    }
}

fn bounce(incoming: Incoming, returned: Returned) -> Incoming {
    let has = |action| incoming.recipients.iter().any(|report| report.action == action);
    let kind = match (has(Action::Failed), has(Action::Delayed)) {
        (true, _) => Kind::Bounce,
        (false, true) => Kind::Delay,
        // It arrived: a report that was asked for.
        (false, false) => Kind::AutoReply,
    };
    with_returned(Incoming { kind, ..incoming }, returned)
}

fn with_returned(mut incoming: Incoming, returned: Returned) -> Incoming {
    for address in returned.delivered_to {
        if !incoming.delivered_to.contains(&address) {
            incoming.delivered_to.push(address);
        }
    }
    Incoming { returned_id: returned.id, returned_links: returned.links, ..incoming }
}

#[cfg(test)]
mod tests;
