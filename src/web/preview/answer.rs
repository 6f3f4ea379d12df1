//! The JSON that the page requests.

use serde_json::{Value, json};

use crate::check::GMAIL_CLIP_BYTES;
use crate::finding::{Finding, Severity};
use crate::preview::IssueView;
use crate::preview::overview::{Overview, OverviewRow};
use crate::preview::render::{EXAMPLE_RECIPIENT, EditionView, EntryView, LastGood};

/// The list of issues, without the version, so that a change to a body leaves it unchanged.
pub(super) fn overview(overview: &Overview) -> Value {
    json!({
        "title": overview.title,
        "issues": overview.rows.iter().map(row).collect::<Vec<_>>(),
        "problems": findings(&overview.problems),
    })
}

fn row(row: &OverviewRow) -> Value {
    json!({"path": row.path, "title": row.title, "date": row.date, "mark": row.hidden.map(|hidden| hidden.word())})
}

/// One issue. The frames load the HTML of its parts.
pub(super) fn view(view: &IssueView) -> Value {
    json!({
        "path": view.path,
        "version": view.version,
        "entry": last_good(&view.entry, entry),
        "letter": last_good(&view.edition, edition),
        "problems": findings(&view.problems),
    })
}

fn last_good<T>(last: &LastGood<T>, to_json: fn(&T) -> Value) -> Value {
    json!({"good": last.good.as_deref().map(to_json), "is_old": last.is_old})
}

fn entry(entry: &EntryView) -> Value {
    json!({
        "title": entry.title,
        "date": entry.date,
        "authors": entry.authors,
        "permalink": entry.permalink,
    })
}

fn edition(edition: &EditionView) -> Value {
    json!({
        "recipient": EXAMPLE_RECIPIENT,
        "subject": edition.subject,
        "preheader": edition.preheader,
        "text": edition.text,
        "headers": edition.headers,
        "html_bytes": edition.html.len(),
        "most_html_bytes": GMAIL_CLIP_BYTES,
        "message_bytes": edition.bytes,
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
