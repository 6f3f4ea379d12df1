//! Rules for what an inbox shows of an issue: subject and preheader.

use unicode_width::UnicodeWidthStr;

use crate::check::issue_source::IssueSource;
use crate::check::rule::Rule;
use crate::finding::Finding;

const SUBJECT_LONG: Rule = Rule::warning(
    "subject-long",
    "The subject is wider than 70 columns",
    "mail programs cut it off, and phones after half of that; add a short `subject` to the front matter",
);
const SUBJECT_SHOUTS: Rule = Rule::warning(
    "subject-shouts",
    "The subject is in capitals or full of exclamation marks",
    "spam filters and readers take it for spam; write it as a sentence",
);
const SUBJECT_FAKE_REPLY: Rule = Rule::warning(
    "subject-fake-reply",
    "The subject looks like a reply or a forwarded message",
    "readers feel deceived by `Re:` and `Fwd:`; remove the prefix",
);
const PREHEADER_LONG: Rule = Rule::warning(
    "preheader-long",
    "The preheader is wider than 140 columns",
    "mail programs show its first 40 to 140 columns next to the subject; shorten it",
);

pub(in crate::check) const RULES: [&Rule; 4] = [&SUBJECT_LONG, &SUBJECT_SHOUTS, &SUBJECT_FAKE_REPLY, &PREHEADER_LONG];

/// Columns of a subject that mail programs show on a desktop.
const MAX_SUBJECT_COLUMNS: usize = 70;

/// Columns of a preheader that mail programs show at most.
const MAX_PREHEADER_COLUMNS: usize = 140;

/// The prefixes of replies and forwarded messages, in the languages of common mail programs.
const REPLY_PREFIXES: [&str; 9] = ["re:", "fw:", "fwd:", "aw:", "wg:", "回复:", "回复：", "转发:", "转发："];

pub(super) fn check(source: &IssueSource<'_>) -> Vec<Finding> {
    let issue = source.issue;
    let title = issue.plain_title();
    let subject = issue.subject.as_deref().unwrap_or(&title);
    let mut found = Vec::new();
    if subject.width() > MAX_SUBJECT_COLUMNS {
        found.push(SUBJECT_LONG.found(format!("the subject is {} columns wide", subject.width())));
    }
    if shouts(subject) {
        found.push(SUBJECT_SHOUTS.found("the subject is in capitals or full of exclamation marks"));
    }
    let lower = subject.trim_start().to_lowercase();
    if let Some(prefix) = REPLY_PREFIXES.iter().find(|prefix| lower.starts_with(**prefix)) {
        found.push(SUBJECT_FAKE_REPLY.found(format!("the subject begins with `{prefix}`")));
    }
    let mut findings: Vec<Finding> =
        found.into_iter().map(|finding| source.at_field(finding, &["subject", "title"])).collect();
    if let Some(width) =
        issue.preheader.as_deref().map(UnicodeWidthStr::width).filter(|width| *width > MAX_PREHEADER_COLUMNS)
    {
        let finding = PREHEADER_LONG.found(format!("the preheader is {width} columns wide"));
        findings.push(source.at_field(finding, &["preheader"]));
    }
    findings
}

/// Whether it contains ten capitals and no other letters, or three exclamation marks. Abbreviations are fine.
fn shouts(subject: &str) -> bool {
    let mut letters = subject.chars().filter(|c| c.is_alphabetic());
    let is_capitals = letters.clone().count() >= 10 && letters.all(char::is_uppercase);
    is_capitals || subject.chars().filter(|c| matches!(c, '!' | '！')).count() >= 3
}
