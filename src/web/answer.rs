//! What the page is told, as JSON.

use serde_json::{Value, json};

use crate::check::GMAIL_CLIP_BYTES;
use crate::finding::{Finding, Severity};
use crate::preview::Look;
use crate::preview::look::{EXAMPLE, Entry, Letter, Shown};
use crate::preview::overview::{Overview, Row};

/// The list of issues. The version is left out: the list stays the same when only a text changed.
pub(super) fn overview(overview: &Overview) -> Value {
    json!({
        "title": overview.title,
        "issues": overview.rows.iter().map(row).collect::<Vec<_>>(),
        "problems": findings(&overview.problems),
    })
}

fn row(row: &Row) -> Value {
    json!({"path": row.path, "title": row.title, "date": row.date, "mark": row.mark.map(|mark| mark.word())})
}

/// One issue; the HTML of its parts is for the frames.
pub(super) fn look(look: &Look) -> Value {
    json!({
        "path": look.path,
        "version": look.version,
        "entry": shown(&look.entry, entry),
        "letter": shown(&look.letter, letter),
        "problems": findings(&look.problems),
    })
}

fn shown<T>(shown: &Shown<T>, show: fn(&T) -> Value) -> Value {
    json!({"good": shown.good.as_deref().map(show), "is_old": shown.is_old})
}

fn entry(entry: &Entry) -> Value {
    json!({
        "title": entry.title,
        "date": entry.date,
        "authors": entry.authors,
        "permalink": entry.permalink,
    })
}

fn letter(letter: &Letter) -> Value {
    json!({
        "recipient": EXAMPLE,
        "subject": letter.subject,
        "preheader": letter.preheader,
        "text": letter.text,
        "headers": letter.headers,
        "html_bytes": letter.html.len(),
        "most_html_bytes": GMAIL_CLIP_BYTES,
        "message_bytes": letter.bytes,
    })
}

/// Findings with their places.
pub(super) fn findings(findings: &[Finding]) -> Value {
    findings.iter().map(finding).collect()
}

fn finding(finding: &Finding) -> Value {
    let place = finding.place.as_ref();
    json!({
        "rule": finding.rule,
        "severity": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": finding.message,
        "help": finding.help,
        "path": place.map(|place| &place.path),
        "line": place.map_or(0, |place| place.line),
        "column": place.map_or(0, |place| place.column),
        "length": finding.length,
        "source": place.and_then(|place| place.source.as_ref()),
    })
}
