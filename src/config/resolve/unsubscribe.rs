//! What the law wants of a newsletter: ways to leave, and the sender's postal address.

use url::Url;

use super::{Wrong, mail_address};
use crate::config::raw::{RawMail, RawUnsubscribe};
use crate::token;

/// An address, `{token}` in it aside.
pub(super) fn unsubscribe_mailto(text: Option<&str>, wrong: &mut Wrong<'_>) -> Option<String> {
    let text = text?;
    // With one in it, the part before the `@` may be too long (RFC 5321 section 4.5.3.1.1).
    let sample = text.replace("{token}", &"0".repeat(token::TOKEN_DIGITS));
    mail_address(Some(&sample), "unsubscribe_mailto", wrong).map(|_| text.to_owned())
}

pub(super) fn unsubscribe_url(text: &str, wrong: &mut Wrong<'_>) -> Option<String> {
    let sample = text.replace("{address}", "a").replace("{token}", "t");
    let https = Url::parse(&sample).ok().filter(|url| url.scheme() == "https");
    if https.is_none() {
        let help = "write an https address; `{token}` in it becomes the recipient's token";
        wrong.value(&["mail", "unsubscribe_url"], format!("`{text}` is no https URL"), help);
    }
    https.map(|_| text.to_owned())
}

/// Whether `unsubscribe: none` stands there, which contradicts a way to leave.
pub(super) fn unsubscribe_by_provider(raw: &RawMail, wrong: &mut Wrong<'_>) -> bool {
    let says_none = raw.unsubscribe == Some(RawUnsubscribe::None);
    if says_none && (raw.unsubscribe_url.is_some() || raw.unsubscribe_mailto.is_some()) {
        let why = "`none` says that somebody else adds a way to leave, and there is one";
        wrong.value(&["mail", "unsubscribe"], why, "remove it, or `unsubscribe_url` and `unsubscribe_mailto`");
    }
    says_none
}

/// The lines of an address.
pub(super) fn postal_address(text: &str, wrong: &mut Wrong<'_>) -> Vec<String> {
    let words = |line: &str| line.replace(char::is_control, " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = text.lines().map(words).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        let help = "write name, street and town, or remove `postal_address`";
        wrong.value(&["mail", "postal_address"], "the address is blank", help);
    }
    lines
}
