//! Whether a program answered for a person (RFC 3834), also one that is older than the standard.
//!
//! Takes the header of a message that is not a report: half of all bounces say `Auto-Submitted: auto-replied` too.

use crate::incoming::mime::Mail;

/// Whether a message is an automatic answer.
pub(super) fn is_auto_reply(mail: &Mail) -> bool {
    let header = &mail.header;
    let says = |name: &str, words: &[&str]| {
        header.first(name).is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            words.iter().any(|word| value.starts_with(word))
        })
    };
    let is_submitted = header.first("auto-submitted").is_some_and(|value| {
        let word = value.split([';', ' ', '(']).next().unwrap_or_default();
        !word.eq_ignore_ascii_case("no")
    });
    is_submitted
        // Only programs send mail that cannot be answered (RFC 5321 4.5.5).
        || header.first("return-path") == Some("<>")
        || says("precedence", &["auto_reply", "auto-reply"])
        || says("x-precedence", &["auto_reply", "auto-reply"])
        || OF_PROGRAMS.iter().any(|name| header.has(name))
        || is_subject(&mail.subject)
}

/// Fields of programs that answer.
const OF_PROGRAMS: [&str; 7] = [
    "x-autoreply",
    "x-auto-reply",
    "x-autoreply-from",
    "x-autorespond",
    "x-autoresponder",
    "x-mail-autoreply",
    "x-vacation",
];

/// Whether a subject is one of automatic answers.
pub(super) fn is_subject(subject: &str) -> bool {
    const SUBJECTS: [&str; 23] = [
        "auto:",
        "auto reply",
        "auto-reply",
        "autoreply",
        "auto response",
        "auto-response",
        "autoresponse",
        "automatic reply",
        "automatische antwort",
        "réponse automatique",
        "respuesta automática",
        "risposta automatica",
        "automatyczna odpowied",
        "out of office",
        "out of the office",
        "away from",
        "vacation",
        "abwesenheit",
        "自动回复",
        "自動回覆",
        "自動応答",
        "자동 회신",
        "자동응답",
    ];
    let subject = subject.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    SUBJECTS.iter().any(|words| subject.starts_with(words))
}
