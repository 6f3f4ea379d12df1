//! Recipients by server reply: grouped by outcome, reply code and enhanced status code, or by text if there is no code,
//! with one example each.
//!
//! Takes replies from the ledger; returns groups without addresses.

use std::collections::BTreeMap;

use crate::email::EmailAddress;
use crate::statistics::Outcome;
use crate::statistics::masking::masked;

/// Maximum length of an example.
const MAX_EXAMPLE_CHARS: usize = 200;

/// Maximum number of groups; further texts without a code form one group.
const MAX_GROUPS: usize = 200;

/// Similar replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyGroup {
    /// Outcome of these deliveries.
    pub outcome: Outcome,
    /// Reply code and enhanced status code, such as `550 5.1.1`; empty if there is none.
    pub code: String,
    /// One of the replies, without codes and with addresses masked.
    pub example: String,
    /// Number of recipients.
    pub count: u64,
}

#[derive(Debug, Default)]
pub(super) struct ReplyGroups {
    groups: BTreeMap<(Outcome, String), (String, u64)>,
}

impl ReplyGroups {
    pub fn add(&mut self, outcome: Outcome, reply: &str, recipient: Option<&EmailAddress>) {
        let (code, words) = split(reply);
        // Found without building an example: a million recipients have a handful of codes.
        if !code.is_empty() {
            let key = (outcome, code.to_owned());
            self.groups.entry(key).or_insert_with(|| (example(words, recipient), 0)).1 += 1;
            return;
        }
        let words = example(words, recipient);
        let mut key = (outcome, without_numbers(&words));
        if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&key) {
            key.1 = "…".to_owned();
        }
        self.groups.entry(key).or_insert_with(|| (words, 0)).1 += 1;
    }

    pub fn close(self) -> Vec<ReplyGroup> {
        let group = |((outcome, code), (example, count)): ((Outcome, String), (String, u64))| {
            let has_code = code.as_bytes().first().is_some_and(u8::is_ascii_digit);
            ReplyGroup { outcome, code: if has_code { code } else { String::new() }, example, count }
        };
        let mut groups: Vec<ReplyGroup> = self.groups.into_iter().map(group).collect();
        groups.sort_by(|a, b| a.outcome.cmp(&b.outcome).then(b.count.cmp(&a.count)));
        groups
    }
}

/// Splits a reply into its codes, if any, and its text.
fn split(reply: &str) -> (&str, &str) {
    let end = reply.find(' ').unwrap_or(reply.len());
    let is_code = end == 3 && reply.bytes().take(3).all(|byte| byte.is_ascii_digit());
    if !is_code {
        return ("", reply);
    }
    let words = reply[end..].trim_start();
    let enhanced = words.split(' ').next().unwrap_or_default();
    let mut parts = enhanced.split('.');
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    // RFC 2034 section 4: the class of the enhanced status code agrees with the reply code.
    let agrees = enhanced.bytes().next() == reply.bytes().next();
    if agrees && (0..3).all(|_| is_number(parts.next())) && parts.next().is_none() {
        let length = reply.len() - words.len() + enhanced.len();
        return (&reply[..length], words[enhanced.len()..].trim_start());
    }
    (&reply[..end], words)
}

fn example(words: &str, recipient: Option<&EmailAddress>) -> String {
    let masked = masked(words, recipient);
    match masked.char_indices().nth(MAX_EXAMPLE_CHARS) {
        Some((at, _)) => format!("{}…", &masked[..at]),
        None => masked,
    }
}

/// The text without its numbers, to group texts that differ only in those.
fn without_numbers(words: &str) -> String {
    words.chars().filter(|letter| !letter.is_numeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_split_into_codes_and_words() {
        for (reply, expected) in [
            ("550 5.1.1 No such user", ("550 5.1.1", "No such user")),
            ("550 No such user", ("550", "No such user")),
            ("550", ("550", "")),
            ("550 5.1.1", ("550 5.1.1", "")),
            ("550 4.1.1 Odd", ("550", "4.1.1 Odd")),
            ("250 2.0.0.1 Odd", ("250", "2.0.0.1 Odd")),
            ("the run died", ("", "the run died")),
            ("", ("", "")),
            ("数字 no code", ("", "数字 no code")),
        ] {
            assert_eq!(split(reply), expected, "{reply}");
        }
    }

    #[test]
    fn replies_are_grouped_with_one_example() {
        let mut reasons = ReplyGroups::default();
        let recipient = "maren@example.org".parse().unwrap();
        for (outcome, reply) in [
            (Outcome::Failed, "550 5.1.1 <maren@example.org> unknown"),
            (Outcome::Sent, "250 2.0.0 Ok: queued as 1"),
            (Outcome::Sent, "250 2.0.0 Ok: queued as 2"),
            (Outcome::Deferred, "lost after 12 s"),
            (Outcome::Deferred, "lost after 9 s"),
            (Outcome::Sent, "written to outbox/neap/maren@example.org.eml"),
            (Outcome::Sent, ""),
        ] {
            reasons.add(outcome, reply, Some(&recipient));
        }
        let shown = |reason: ReplyGroup| {
            format!("{} {}|{}|{}", reason.count, reason.outcome.word(), reason.code, reason.example)
        };
        assert_eq!(
            reasons.close().into_iter().map(shown).collect::<Vec<_>>(),
            [
                "2 sent|250 2.0.0|Ok: queued as 1",
                "1 sent||",
                "1 sent||written to …",
                "2 deferred||lost after 12 s",
                "1 failed|550 5.1.1|<…> unknown"
            ]
        );
    }

    #[test]
    fn texts_that_never_repeat_become_one_group() {
        let mut reasons = ReplyGroups::default();
        let recipient = "maren@example.org".parse().unwrap();
        for number in 0..MAX_GROUPS as u32 + 50 {
            let letters: String = char::from_u32(0x4e00 + number).into_iter().collect();
            reasons.add(Outcome::Failed, &letters, Some(&recipient));
        }
        let reasons = reasons.close();
        assert_eq!((reasons.len(), reasons[0].count), (MAX_GROUPS + 1, 50));
    }
}
