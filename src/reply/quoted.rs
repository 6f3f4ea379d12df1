//! Replies in the words of others: a gateway quotes the server behind it, a report the server that refused.
//!
//! Takes text and returns the innermost reply in it: the last with a code. What it means is left to `Reply::class`.

use crate::reply::{Enhanced, Reply};

impl Reply {
    /// The innermost reply in the text of a report, or `None` if there is no reply code and no enhanced status code in it.
    ///
    /// A code with an enhanced code is certain: the last one counts. Else the last of those that begin a line or follow a
    /// punctuation mark (`said: 550 …`); else an enhanced code alone, as qmail's `(#5.1.1)`.
    pub fn quoted(text: &str) -> Option<Self> {
        let places = || (0..text.len()).rev().filter(|at| text.is_char_boundary(*at));
        let certain = || places().find_map(|at| certain(text, at));
        // The code first: looking back from every place of a long blank would take hours.
        let coded = || places().find_map(|at| plain(text, at).filter(|_| is_introduced(text, at)));
        let enhanced = || places().find_map(|at| enhanced_alone(text, at));
        certain().or_else(coded).or_else(enhanced)
    }

    /// The reply that this one quotes: `5.1.0 - Unknown address error 550-'5.7.1 Rejected'`.
    pub(super) fn inner(&self) -> Option<Self> {
        let text = self.text.as_str();
        (1..text.len()).rev().filter(|at| text.is_char_boundary(*at)).find_map(|at| certain(text, at))
    }
}

/// A reply code with an enhanced code of the same class, or with a quotation.
fn certain(text: &str, at: usize) -> Option<Reply> {
    let (code, rest) = code_at(text, at)?;
    let words = rest.trim_start_matches(['\'', '"', '#', '(', '<', '[', ' ']);
    let reply = with_enhanced(code, words);
    let is_quotation = text.as_bytes().get(at + 3) == Some(&b'-') && rest.starts_with(['\'', '"']);
    (reply.enhanced.is_some() || is_quotation).then_some(reply)
}

fn plain(text: &str, at: usize) -> Option<Reply> {
    let (code, rest) = code_at(text, at)?;
    Some(Reply::new(code, rest))
}

/// Reply code (4xx or 5xx), then a space, a hyphen or nothing; and what follows. Not 503: a server says it of commands that
/// follow a refusal, whose reply stands before it.
fn code_at(text: &str, at: usize) -> Option<(u16, &str)> {
    let digits = text.get(at..at + 3)?;
    let is_code = matches!(digits.as_bytes(), [b'4' | b'5', b'0'..=b'5', third] if third.is_ascii_digit());
    let is_alone = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let rest = &text[at + 3..];
    let ends = rest.is_empty() || rest.starts_with([' ', '-', '\n']);
    (is_code && is_alone && ends && digits != "503")
        .then(|| (digits.parse().unwrap_or_default(), paragraph(rest.get(1..).unwrap_or_default())))
}

/// What follows up to an empty line: after it, the report speaks of something else.
fn paragraph(text: &str) -> &str {
    let text = beginning(text);
    text.split_once("\n\n").map_or(text, |(paragraph, _)| paragraph)
}

/// As much of a text as a reply keeps, 500 characters: a megabyte may consist of nothing but codes, and each is looked at.
fn beginning(text: &str) -> &str {
    const MAX_BYTES: usize = 2048;
    let end = (0..=MAX_BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or_default()]
}

/// The enhanced code at the beginning of the words may be followed by a punctuation mark.
fn with_enhanced(code: u16, words: &str) -> Reply {
    let end = words.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(words.len());
    let status = words[..end].trim_end_matches('.');
    let rest = words[end..].trim_start_matches([':', ')', ',', ';', ']']);
    match status.is_empty() {
        true => Reply::new(code, words),
        false => Reply::new(code, &format!("{status} {}", rest.trim_start())),
    }
}

/// Whether what stands at `at` begins a line or follows a punctuation mark.
fn is_introduced(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches([' ', '\t']);
    before.is_empty()
        || before.ends_with(['\n', ':', '(', '[', '<', '>', '\'', '"', ',', ';', '#', '=', '。', '：', '，', '（'])
}

/// An enhanced code that no reply code precedes; it stands for the reply code of its class.
fn enhanced_alone(text: &str, at: usize) -> Option<Reply> {
    let rest = &text[at..];
    let class = match rest.as_bytes() {
        [b'4', b'.', ..] => 450,
        [b'5', b'.', ..] => 550,
        _ => return None,
    };
    // Not the version of a program.
    if !is_introduced(text, at) {
        return None;
    }
    let reply = with_enhanced(class, beginning(rest));
    reply.enhanced.filter(|Enhanced { subject, .. }| *subject <= 7)?;
    // The words before it belong to it too: `Sorry, no mailbox here by that name. (#5.1.1)`.
    let status = reply.text.split(' ').next().unwrap_or_default();
    let words = text.replace(&format!("(#{status})"), " ").replace(status, " ");
    Some(Reply::new(class, &format!("{status} {}", words.trim_start())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_reply_is_found() {
        for (text, reply) in [
            ("550 5.1.1 No such user", "550 5.1.1 No such user"),
            ("host mx.example.net[192.0.2.7] said: 550 5.1.1 No such user", "550 5.1.1 No such user"),
            ("550-5.7.1 first line\n550 5.7.1 second line", "550 5.7.1 second line"),
            ("5.1.0 - Unknown address error 550-'5.7.1 Rejected'", "550 5.7.1 Rejected'"),
            ("550 5.1.0 error 554-'Denied' (delivery attempts: 0)", "554 Denied' (delivery attempts: 0)"),
            ("554 5.0.0 gateway said: 452 #4.2.2 full", "452 4.2.2 full"),
            ("192.0.2.7 said: 550 User unknown", "550 User unknown"),
            ("<<< 550 5.1.1 Unknown\n<<< 503 5.5.1 Need RCPT", "550 5.1.1 Unknown <<< 503 5.5.1 Need RCPT"),
            ("Sorry, no mailbox here by that name. (#5.1.1)", "550 5.1.1 Sorry, no mailbox here by that name."),
            ("退信原因：550 User not found", "550 User not found"),
            ("(5.2.2): full", "550 5.2.2 ( ): full"),
            ("550 Over\n\nSee 554 5.1.1", "554 5.1.1"),
        ] {
            assert_eq!(Reply::quoted(text).map(|reply| reply.to_string()).as_deref(), Some(reply), "{text}");
        }
    }

    #[test]
    fn long_texts_of_nothing_but_codes_are_read() {
        let (codes, statuses) = ("450 ".repeat(1 << 17), "\n4.".repeat(1 << 17));
        for (text, reply) in [(" ".repeat(1 << 20), None), (codes, Some(450)), (statuses, None)] {
            assert_eq!(Reply::quoted(&text).map(|reply| reply.code), reply, "{:?}", &text[..8]);
        }
    }

    #[test]
    fn other_numbers_are_no_replies() {
        for text in [
            "",
            "no code",
            "port 587",
            "limit 500 MB",
            "192.0.2.550",
            "Service 5.5.1960",
            "Scanner 5.1.1",
            "[5.1.1.1]",
            "id 1-550-x",
            "250 2.0.0 Ok",
            "560 x",
            "用户 不存在",
        ] {
            assert_eq!(Reply::quoted(text), None, "{text}");
        }
    }
}
