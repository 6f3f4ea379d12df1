//! Divides past issues into archive documents (RFC 5005, section 4).
//!
//! Takes issues, newest first; returns the complete documents. Their boundaries never move when a newer issue appears:
//! a year is complete when it is over, a group of N issues when it has N, counted from the oldest.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;

use crate::feed::Archive;
use crate::issue::Issue;

/// The issues of one archive document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArchiveDocument<'a> {
    /// The year, or a number starting from 1 for the oldest.
    pub name: String,
    /// Newest first, never empty.
    pub issues: Vec<&'a Issue>,
}

/// The documents complete at `now`, oldest first. `placed` are all issues ever published: an expired one is not shown
/// but keeps its place, so that boundaries do not move.
pub(super) fn archives<'a>(
    archive: Archive,
    placed: &[&'a Issue],
    zone: Tz,
    now: DateTime<Utc>,
) -> Vec<ArchiveDocument<'a>> {
    let year = |issue: &Issue| issue.date.with_timezone(&zone).year();
    let mut archives: Vec<ArchiveDocument<'a>> = match archive {
        Archive::Off => Vec::new(),
        Archive::Yearly => {
            let this_year = now.with_timezone(&zone).year();
            let over = placed.iter().position(|issue| year(issue) < this_year).unwrap_or(placed.len());
            let years = placed[over..].chunk_by(|a, b| year(a) == year(b)).rev();
            years.flat_map(|issues| parts(year(issues[0]), issues)).collect()
        }
        Archive::Every(number) => {
            let full = placed.rchunks_exact(number.get()).enumerate();
            full.map(|(at, issues)| ArchiveDocument { name: (at + 1).to_string(), issues: issues.to_vec() }).collect()
        }
    };
    for document in &mut archives {
        document.issues.retain(|issue| issue.is_published(now));
    }
    archives.retain(|document| !document.issues.is_empty());
    archives
}

/// A year with many issues has several documents, oldest first: readers reject feeds of several megabytes.
fn parts<'a>(year: i32, issues: &[&'a Issue]) -> Vec<ArchiveDocument<'a>> {
    const MAX_ISSUES: usize = 100;
    let parts = issues.rchunks(MAX_ISSUES).enumerate();
    let name = |at: usize| if at == 0 { format!("{year:04}") } else { format!("{year:04}-{}", at + 1) };
    parts.map(|(at, issues)| ArchiveDocument { name: name(at), issues: issues.to_vec() }).collect()
}
