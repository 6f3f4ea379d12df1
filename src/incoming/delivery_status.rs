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
    let (kind, address) = value.split_once(';').unwrap_or(("", value));
    let address = match kind.trim().eq_ignore_ascii_case("utf-8") {
        true => unescaped(address),
        false => address.to_owned(),
    };
    addresses::of_field(&address).into_iter().next()
}

/// An address of type utf-8 in an ASCII report has `\x{E9}` for `é`: RFC 6533 3.
fn unescaped(address: &str) -> String {
    let mut parts = address.split("\\x{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escaped = part.split_once('}');
        let decoded =
            escaped.and_then(|(code, rest)| Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, rest)));
        match decoded {
            Some((letter, rest)) => {
                text.push(letter);
                text.push_str(rest);
            }
            None => text.push_str(part),
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let shown = |recipient: Recipient| {
            let addresses: Vec<&str> = recipient.addresses.iter().map(EmailAddress::as_str).collect();
            let status = recipient.status.as_deref().unwrap_or("-");
            format!("{} {:?} {status} {}", addresses.join(","), recipient.action, recipient.diagnostic)
        };
        parse(text).recipients.into_iter().map(shown).collect()
    }

    #[test]
    fn groups_are_told_apart_whatever_the_blank_lines() {
        let group =
            |name: &str| format!("Final-Recipient: rfc822; {name}@reader.example\nAction: failed\nStatus: 5.1.1\n");
        for text in [
            format!("Reporting-MTA: dns; mx\n\n{}\n{}", group("mei"), group("jun")),
            format!("\n\nReporting-MTA: dns; mx\n{}\n\n \n{}\n\n", group("mei"), group("jun")),
        ] {
            assert_eq!(shown(&text), ["mei@reader.example Failed 5.1.1 ", "jun@reader.example Failed 5.1.1 "]);
        }
        assert_eq!(shown("Reporting-MTA: dns; mx\nAction: failed\n"), Vec::<String>::new());
        assert_eq!(shown(""), Vec::<String>::new());
    }

    #[test]
    fn sloppy_fields_are_read() {
        for (fields, recipient) in [
            ("Original-Recipient: <mei@reader.example>\nAction: failed\n", "mei@reader.example Failed - "),
            ("final-recipient : RFC822;mei@reader.example\nACTION: Failed (bad)\n", "mei@reader.example Failed - "),
            ("Final-Recipient: rfc822; mei@reader.example\nStatus: 5.0.0\n", "mei@reader.example Failed 5.0.0 "),
            ("Final-Recipient: rfc822; mei@reader.example\nStatus: 4.0.0\n", "mei@reader.example Delayed 4.0.0 "),
            (
                "Final-Recipient: x400; /cn=mei\nX-Actual-Recipient: rfc822; mei@reader.example\nAction: relayed\n",
                "mei@reader.example Relayed - ",
            ),
            ("Final-Recipient: rfc822; nobody\nAction: failed\nDiagnostic-Code: 550 no\n", " Failed - 550 no"),
            ("Final-Recipient: utf-8; m\\x{E9}i@reader.example\nAction: failed\n", "méi@reader.example Failed - "),
            ("Final-Recipient: utf-8; 梅@例え.jp\nAction: failed\n", "梅@xn--r8jz45g.jp Failed - "),
            ("Final-Recipient: utf-8; m\\x{zz}i@reader.example\nAction: failed\n", "mzz}i@reader.example Failed - "),
            (
                "Original-Recipient: rfc822; mei@reader.example\nFinal-Recipient: rfc822; x@host.example\nAction: expanded\n",
                "mei@reader.example,x@host.example Expanded - ",
            ),
        ] {
            assert_eq!(shown(fields), [recipient], "{fields}");
        }
    }

    #[test]
    fn a_local_program_is_told_from_a_server() {
        for (code, is_local, text) in [
            ("smtp; 550 No", false, "550 No"),
            ("X-Unix; 550 No", true, "550 No"),
            ("x-postfix; unknown user; mei", false, "unknown user; mei"),
            ("550 no such user; see below", false, "550 no such user; see below"),
        ] {
            let status =
                parse(&format!("Final-Recipient: rfc822; a@b.example\nAction: failed\nDiagnostic-Code: {code}\n"));
            assert_eq!((status.recipients[0].is_local, status.recipients[0].diagnostic.as_str()), (is_local, text));
        }
    }
}
