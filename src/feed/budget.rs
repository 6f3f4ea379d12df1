//! The size of a feed: older issues become summaries, then leave for the archives.
//!
//! Takes the issues of a feed with their texts, newest first, and a number of bytes; shortens. The newest issue keeps its
//! full text, whatever its size.

use crate::feed::EntryContent;
use crate::issue::Issue;

/// Shortens the texts to `max_bytes` of HTML. From the first issue on that is too much, all older ones are summaries: a
/// feed with holes would be read as damage. Summaries may take as much again; what comes after is left out as far as an
/// archive has it, which is so for all issues but the first `unarchived`. Gives the number of issues that became
/// summaries.
pub(super) fn shorten(shown: &mut Vec<(&Issue, EntryContent)>, unarchived: usize, max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fits = |(_, text): &&(&Issue, EntryContent)| {
        let is_newest = bytes == 0;
        bytes += text.html.len();
        is_newest || bytes <= max_bytes
    };
    let full = shown.iter().take_while(fits).count();
    let mut bytes = 0;
    let mut kept = full;
    for (issue, text) in &mut shown[full..] {
        text.html.clear();
        bytes += issue.description.as_ref().map_or(text.summary.len(), String::len);
        if kept >= unarchived && bytes > max_bytes {
            break;
        }
        kept += 1;
    }
    shown.truncate(kept);
    kept - full
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::plan::tests::issue;

    /// Bytes of HTML per issue before, and after: full ones by their bytes, summaries as 0; and how many are summaries.
    fn shortened(html: &[usize], unarchived: usize, most: usize) -> (Vec<usize>, usize) {
        let issues: Vec<Issue> = html.iter().map(|_| issue("a.md", "date: 2026-01-01")).collect();
        let text = |bytes: &usize| EntryContent { html: "x".repeat(*bytes), summary: "y".repeat(10), cover: None };
        let mut shown: Vec<(&Issue, EntryContent)> = issues.iter().zip(html.iter().map(text)).collect();
        let shortened = shorten(&mut shown, unarchived, most);
        (shown.iter().map(|(_, text)| text.html.len()).collect(), shortened)
    }

    #[test]
    fn older_issues_become_summaries_and_the_newest_stays_whole() {
        assert_eq!(shortened(&[50, 30, 20], 3, 100), (vec![50, 30, 20], 0));
        assert_eq!(shortened(&[50, 30, 21, 1], 4, 100), (vec![50, 30, 0, 0], 2));
        assert_eq!(shortened(&[500, 1], 2, 100), (vec![500, 0], 1));
        assert_eq!(shortened(&[], 0, 100), (vec![], 0));
    }

    #[test]
    fn summaries_leave_for_the_archives_only() {
        assert_eq!(shortened(&[90, 20, 20, 20, 20], 5, 20), (vec![90, 0, 0, 0, 0], 4));
        assert_eq!(shortened(&[90, 20, 20, 20, 20], 0, 20), (vec![90, 0, 0], 2));
        assert_eq!(shortened(&[90, 20, 20, 20, 20], 4, 20), (vec![90, 0, 0, 0], 3));
    }
}
