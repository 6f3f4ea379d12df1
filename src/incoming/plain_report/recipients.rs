//! The recipients that the words of a report name.
//!
//! Takes text; returns each address with the words about it. What the words mean is left to `classify`.

use super::{is_service, only_candidate};
use crate::email::EmailAddress;
use crate::incoming::addresses;

/// A recipient, and the words about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The recipient.
    pub address: EmailAddress,
    /// What the report says of it, with line feeds.
    pub words: String,
}

/// Recipients that a report in plain text can have: one with more is a list of something else.
const MOST_RECIPIENTS: usize = 100;

/// Words about one recipient that are kept, in bytes.
const MOST_BYTES: usize = 8192;

/// Finds the recipients. `failed` are those that the header names; `own` are the addresses the report was sent to, which are
/// recipients only where no other is.
pub fn find(text: &str, failed: &[EmailAddress], own: &[EmailAddress]) -> Vec<Found> {
    let found = led(text, own);
    let about = |address: EmailAddress| Found { address, words: text.to_owned() };
    if !failed.is_empty() {
        let known = |address: &EmailAddress| found.iter().find(|found| found.address.key() == address.key()).cloned();
        return failed.iter().map(|address| known(address).unwrap_or_else(|| about(address.clone()))).collect();
    }
    if !found.is_empty() {
        return found;
    }
    if let Some(address) = only_candidate(text, own) {
        return vec![about(address)];
    }
    match led(text, &[]) {
        found if found.is_empty() => only_candidate(text, &[]).map(about).into_iter().collect(),
        found => found,
    }
}

/// The recipients at the beginnings of lines, each with the words up to the next one.
pub fn led(text: &str, own: &[EmailAddress]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut current: Vec<usize> = Vec::new();
    let mut has_words = false;
    for line in text.lines() {
        let led: Vec<EmailAddress> = leading(line).into_iter().filter(|a| !own.contains(a) && !is_service(a)).collect();
        if !led.is_empty() {
            // Addresses one below the other share the reason that follows them.
            if has_words {
                current.clear();
            }
            has_words = has_words_after_address(line);
        } else if !line.trim().is_empty() {
            has_words = true;
        }
        for address in led {
            match found.iter().position(|known| known.address.key() == address.key()) {
                Some(at) if !current.contains(&at) => current.push(at),
                Some(_) => {}
                None if found.len() < MOST_RECIPIENTS => {
                    current.push(found.len());
                    found.push(Found { address, words: String::new() });
                }
                None => {}
            }
        }
        for at in &current {
            let words = &mut found[*at].words;
            if words.len() + line.len() <= MOST_BYTES {
                words.push_str(line);
                words.push('\n');
            }
        }
    }
    let all: Vec<EmailAddress> = found.iter().map(|found| found.address.clone()).collect();
    for found in &mut found {
        found.words = without_others(&found.words, &found.address, &all);
    }
    found
}

/// The words without the lines that are about other recipients: a transcript follows the last one, and is about all.
fn without_others(words: &str, address: &EmailAddress, all: &[EmailAddress]) -> String {
    let is_about_other = |line: &&str| {
        let named: Vec<EmailAddress> = addresses::in_text(line).map(|(_, address)| address).collect();
        named.iter().any(|named| all.contains(named)) && !named.contains(address)
    };
    words.split_inclusive('\n').filter(|line| !is_about_other(line)).collect()
}

fn has_words_after_address(line: &str) -> bool {
    let rest = line.rsplit_once('@').map_or("", |(_, rest)| rest);
    rest.split_whitespace().skip(1).any(|word| word.bytes().any(|byte| byte.is_ascii_alphanumeric()))
}

/// The addresses that a line begins with, after a label or a mark, with nothing but punctuation between them.
fn leading(line: &str) -> Vec<EmailAddress> {
    let mut found = Vec::new();
    let mut end = 0;
    for (place, address) in addresses::in_text(line) {
        let before = line.get(end..place).unwrap_or_default();
        let is_led = match found.is_empty() {
            true => is_label(before),
            false => before.bytes().all(|byte| b" \t<>,;\"'".contains(&byte)),
        };
        if !is_led {
            break;
        }
        end = place + address.as_str().len();
        found.push(address);
    }
    found
}

/// Whether what stands before an address is nothing but marks, or a label that announces a recipient.
fn is_label(before: &str) -> bool {
    const LABELS: [&str; 13] = [
        "recipient",
        "recipients",
        "address",
        "addressed to",
        "failed recipient",
        "error-for",
        "unknown user",
        "user",
        "invalid final delivery userid",
        "rcpt to",
        "expanded from",
        "could not be delivered to",
        "unable to deliver message to",
    ];
    let before = before.trim_matches(|c: char| c.is_whitespace() || "<>*-\"'•·|=#([&gt;".contains(c));
    let label = before.trim_end_matches([':', ' ']).to_ascii_lowercase();
    before.is_empty() || before.ends_with(':') && LABELS.contains(&label.as_str())
}
