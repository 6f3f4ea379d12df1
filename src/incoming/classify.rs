//! What a report on one recipient means.
//!
//! Takes the words of the server, or of the report about it, and the status that the reporting server gave; returns the
//! innermost reply, its status and its class. The meaning of replies is left to `reply`.

use std::borrow::Cow;

use crate::incoming::{Action, Class};
use crate::reply::{Enhanced, Phase, Phrases, Reply, ReplyClass};

/// What the words and the status of a report come to.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    /// The innermost status (RFC 3463).
    pub(super) status: Option<String>,
    /// The innermost reply as one line, or the words if there is no code in them.
    pub(super) diagnostic: Option<String>,
    /// What it means.
    pub(super) class: Class,
}

/// The longest text that is searched for a reply, in bytes: reports on one recipient are shorter.
const MOST_BYTES: usize = 4096;

/// Judges a report. `status` is the field Status, which the reporting server derives from the reply, or invents.
pub(super) fn verdict(action: Action, status: Option<&str>, words: &str) -> Verdict {
    let end = (0..=MOST_BYTES).rev().find(|end| words.is_char_boundary(*end)).unwrap_or_default();
    let words = &words[..end];
    let phase = phase(words);
    let words = &server_words(words);
    let status = status.and_then(status_in);
    let reply = Reply::quoted(words);
    let class = match action {
        Action::Failed => class(reply.as_ref(), status, words, phase),
        Action::Delayed => Class::Later,
        Action::Delivered | Action::Relayed | Action::Expanded => Class::Unknown,
    };
    let innermost = reply.as_ref().and_then(|reply| {
        let enhanced = reply.enhanced?;
        Some(format!("{}.{}.{}", reply.code / 100, enhanced.subject, enhanced.detail))
    });
    let text = || Some(words.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty());
    Verdict {
        status: innermost.or_else(|| status.map(str::to_owned)),
        diagnostic: reply.map(|reply| one_line(&reply.to_string())).or_else(|| text().map(|text| one_line(&text))),
        class,
    }
}

fn one_line(text: &str) -> String {
    const MOST: usize = 500;
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MOST).collect()
}

fn class(reply: Option<&Reply>, status: Option<&str>, words: &str, phase: Phase) -> Class {
    let Some(reply) = reply else {
        let phrases = Phrases::of(words);
        let by_words = phrases.class().map(|class| match (class, status) {
            // A status of "later" at the end of all attempts: it may yet work.
            (ReplyClass::AddressBad, Some(status)) if status.starts_with('4') => Class::Mailbox,
            _ => from_reply(class),
        });
        let late = || phrases.say_expired().then_some(Class::Later);
        return by_words.or_else(late).or_else(|| status.and_then(by_status)).unwrap_or(Class::Unknown);
    };
    if reply.code < 500 {
        return temporary(reply);
    }
    // What the other server said counts; what ours made of it only where that has no status, and never against the address:
    // Sendmail makes 5.1.1 of any 550 or 553.
    let is_guess = |status: &str| says_nothing(status) || status.starts_with("5.1.");
    match (reply.enhanced, status) {
        (None, Some(status)) if status.starts_with('5') && !is_guess(status) => {
            from_reply(Reply::new(reply.code, &format!("{status} {}", reply.text)).class(phase))
        }
        _ => from_reply(reply.class(phase)),
    }
}

/// The time ran out while the server still said "later".
fn temporary(reply: &Reply) -> Class {
    match Phrases::of(&reply.text).class() {
        // A server that did not know the user for days may yet know them: it said so.
        Some(ReplyClass::AddressBad | ReplyClass::MailboxUnavailable) => Class::Mailbox,
        Some(class) => from_reply(class),
        None => match reply.enhanced {
            Some(Enhanced { subject: 2, .. }) => Class::Mailbox,
            Some(Enhanced { subject: 7, .. }) => from_reply(reply.class(Phase::Rcpt)),
            _ => Class::Later,
        },
    }
}

fn by_status(status: &str) -> Option<Class> {
    let code = if status.starts_with('5') { 550 } else { 450 };
    (!says_nothing(status)).then(|| from_reply(Reply::new(code, status).class(Phase::Rcpt)))
}

/// 5.0.0 is what servers report that know no better.
fn says_nothing(status: &str) -> bool {
    status.ends_with(".0.0")
}

/// What the server said in a transcript as Sendmail makes it: the lines with `<<<`. The line it adds, `550 5.1.1 … User unknown`,
/// is its guess about any 550 or 553. Other text is left as it is.
fn server_words(words: &str) -> Cow<'_, str> {
    let said = words.lines().filter_map(|line| line.trim_start().strip_prefix("<<< "));
    // Of the commands that were sent behind the refused one, the server says that they come too early.
    let said: Vec<&str> = said.filter(|line| !line.starts_with("503")).collect();
    if said.is_empty() { Cow::Borrowed(words) } else { Cow::Owned(said.join("\n")) }
}

/// Where the server refused, if the report says so: after DATA a refusal without a reason is about the message.
fn phase(words: &str) -> Phase {
    const AFTER_DATA: [&str; 5] = ["end of data", "after data", "data command", "(data)", ">>> data"];
    let words = words.to_lowercase();
    match AFTER_DATA.iter().any(|phrase| words.contains(phrase)) {
        true => Phase::FinalDot,
        false => Phase::Rcpt,
    }
}

fn from_reply(class: ReplyClass) -> Class {
    match class {
        ReplyClass::AddressBad => Class::BadAddress,
        ReplyClass::MailboxUnavailable => Class::Mailbox,
        ReplyClass::BackOff | ReplyClass::OurFault => Class::Ours,
        ReplyClass::Message | ReplyClass::Unsupported => Class::Message,
        ReplyClass::TryLater => Class::Later,
        ReplyClass::Accepted => Class::Unknown,
    }
}

/// The first three numbers in the field Status; some servers add a comment, or write it after one.
fn status_in(value: &str) -> Option<&str> {
    let is_status = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let is_number =
            |part: &&str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
        parts.len() == 3 && parts.iter().all(is_number) && matches!(parts[0], "2" | "4" | "5")
    };
    value.split(|c: char| !c.is_ascii_digit() && c != '.').find(is_status)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, words, class, innermost status.
    type Row = (&'static str, &'static str, Class, Option<&'static str>);

    const FAILED: &[Row] = &[
        // the address
        ("5.1.1", "550 5.1.1 <mei@reader.example>: User unknown", Class::BadAddress, Some("5.1.1")),
        ("5.0.0", "550 Mailbox not found", Class::BadAddress, Some("5.0.0")),
        ("5.0.0", "550 User not found: mei@reader.example", Class::BadAddress, Some("5.0.0")),
        ("5.1.1", "", Class::BadAddress, Some("5.1.1")),
        ("", "User Mei (mei@reader.example) not listed in Domino Directory", Class::BadAddress, None),
        ("5.4.4", "Host or domain name not found", Class::BadAddress, Some("5.4.4")),
        // the mailbox
        ("5.1.1", "550 Requested action not taken: mailbox unavailable", Class::Mailbox, Some("5.1.1")),
        ("4.1.1", "450 4.1.1 User unknown in virtual alias table", Class::Mailbox, Some("4.1.1")),
        ("4.0.0", "DNS lookup of reader.example responded with code NXDOMAIN", Class::Mailbox, Some("4.0.0")),
        ("4.2.2", "452 4.2.2 Over", Class::Mailbox, Some("4.2.2")),
        ("5.2.2", "", Class::Mailbox, Some("5.2.2")),
        ("", "the user's mailfolder is full", Class::Mailbox, None),
        // us
        ("5.1.1", "550 Rejected: poor reputation", Class::Ours, Some("5.1.1")),
        ("5.1.1", "550 5.1.0 - Unknown address error 550-'5.7.1 Denied'", Class::Ours, Some("5.7.1")),
        ("5.7.1", "550 No such user", Class::Ours, Some("5.7.1")),
        ("4.7.0", "421 4.7.0 HL:REP 163 smtp1", Class::Ours, Some("4.7.0")),
        // the message
        ("5.3.4", "552 5.3.4 Too long", Class::Message, Some("5.3.4")),
        ("5.0.0", "550 Rejected (in reply to end of DATA command)", Class::Message, Some("5.0.0")),
        // time
        ("4.4.7", "", Class::Later, Some("4.4.7")),
        ("4.4.1", "connect to mx.reader.example: Connection timed out", Class::Later, Some("4.4.1")),
        ("4.4.2", "421 4.4.2 Bad connection", Class::Later, Some("4.4.2")),
        ("", "Host not found, try again later", Class::Later, None),
        // nothing
        ("5.0.0", "", Class::Unknown, Some("5.0.0")),
        ("", "Your message was not delivered.", Class::Unknown, None),
        ("not known", "", Class::Unknown, None),
    ];

    #[test]
    fn failures_mean_what_the_table_says() {
        for &(status, words, class, innermost) in FAILED {
            let verdict = verdict(Action::Failed, Some(status), words);
            assert_eq!((verdict.class, verdict.status.as_deref()), (class, innermost), "{status}: {words}");
        }
    }

    #[test]
    fn a_status_may_have_a_comment() {
        for (value, status) in [
            ("5.1.1", Some("5.1.1")),
            ("5.0.0 (permanent failure)", Some("5.0.0")),
            ("(unknown) 4.4.7", Some("4.4.7")),
            ("192.0.2.7 5.4.1", Some("5.4.1")),
            ("3.1.1", None),
            ("5.1", None),
            ("", None),
        ] {
            assert_eq!(status_in(value), status, "{value}");
        }
    }
}
