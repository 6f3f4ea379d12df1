//! Archives (RFC 5005, section 4): where the past is archive.
//!
//! Takes issues, newest first; gives the archives that are complete. A cut never moves when a newer issue comes: a year is
//! cut when it is over, a number of issues when there are so many, counted from the oldest.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;

use crate::feed::Archive;
use crate::issue::Issue;

/// The issues of one archive.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArchiveDocument<'a> {
    /// The year, or the number of the archive, the oldest being 1.
    pub name: String,
    /// Newest first, never none.
    pub issues: Vec<&'a Issue>,
}

/// The archives that are complete at `now`, the oldest first. `placed` are all issues that were ever published: one that
/// expired is not shown, but keeps its place, so that no later cut moves.
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

/// Readers refuse feeds of several megabytes: a year of more issues has several archives, the oldest first.
fn parts<'a>(year: i32, issues: &[&'a Issue]) -> Vec<ArchiveDocument<'a>> {
    const MAX_ISSUES: usize = 100;
    let parts = issues.rchunks(MAX_ISSUES).enumerate();
    let name = |at: usize| if at == 0 { format!("{year:04}") } else { format!("{year:04}-{}", at + 1) };
    parts.map(|(at, issues)| ArchiveDocument { name: name(at), issues: issues.to_vec() }).collect()
}
