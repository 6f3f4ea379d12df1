//! Limits the size of a feed: older issues become summaries, then are left to the archive documents.
//!
//! Takes the issues of a feed with their content, newest first, and a limit in bytes. The newest issue always keeps its
//! full content.

use crate::feed::EntryContent;
use crate::issue::Issue;

/// Shortens the content to `max_bytes` of HTML. From the first issue over the limit on, all older ones become
/// summaries: a feed with gaps would look broken. Summaries may take as many bytes again; beyond that, issues are
/// dropped if an archive document contains them, that is, all but the first `unarchived`. Returns the number of
/// summaries.
pub(super) fn shorten(entries: &mut Vec<(&Issue, EntryContent)>, unarchived: usize, max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fits = |(_, text): &&(&Issue, EntryContent)| {
        let is_newest = bytes == 0;
        bytes += text.html.len();
        is_newest || bytes <= max_bytes
    };
    let full = entries.iter().take_while(fits).count();
    let mut bytes = 0;
    let mut kept = full;
    for (issue, text) in &mut entries[full..] {
        text.html.clear();
        bytes += issue.description.as_ref().map_or(text.summary.len(), String::len);
        if kept >= unarchived && bytes > max_bytes {
            break;
        }
        kept += 1;
    }
    entries.truncate(kept);
    kept - full
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::plan::tests::issue;

    /// Bytes of HTML per issue after shortening, 0 for a summary, and the number of summaries.
    fn shortened(html: &[usize], unarchived: usize, max_bytes: usize) -> (Vec<usize>, usize) {
        let issues: Vec<Issue> = html.iter().map(|_| issue("a.md", "date: 2026-01-01")).collect();
        let text = |bytes: &usize| EntryContent { html: "x".repeat(*bytes), summary: "y".repeat(10), cover: None };
        let mut entries: Vec<(&Issue, EntryContent)> = issues.iter().zip(html.iter().map(text)).collect();
        let shortened = shorten(&mut entries, unarchived, max_bytes);
        (entries.iter().map(|(_, text)| text.html.len()).collect(), shortened)
    }

    #[test]
    fn older_issues_become_summaries_and_the_newest_stays_complete() {
        assert_eq!(shortened(&[50, 30, 20], 3, 100), (vec![50, 30, 20], 0));
        assert_eq!(shortened(&[50, 30, 21, 1], 4, 100), (vec![50, 30, 0, 0], 2));
        assert_eq!(shortened(&[500, 1], 2, 100), (vec![500, 0], 1));
        assert_eq!(shortened(&[], 0, 100), (vec![], 0));
    }

    #[test]
    fn only_archived_issues_are_dropped() {
        assert_eq!(shortened(&[90, 20, 20, 20, 20], 5, 20), (vec![90, 0, 0, 0, 0], 4));
        assert_eq!(shortened(&[90, 20, 20, 20, 20], 0, 20), (vec![90, 0, 0], 2));
        assert_eq!(shortened(&[90, 20, 20, 20, 20], 4, 20), (vec![90, 0, 0, 0], 3));
    }
}
