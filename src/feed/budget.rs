//! The size of a feed: older issues become summaries, then leave for the archives.
//!
//! Takes the issues of a feed with their texts, newest first, and a number of bytes; shortens. The newest issue keeps its
//! full text, whatever its size.

use crate::feed::Text;
use crate::issue::Issue;

/// Shortens the texts to `max_bytes` of HTML. From the first issue on that is too much, all older ones are summaries: a
/// feed with holes would be read as damage. Summaries may take as much again; what comes after is left out as far as an
/// archive has it, which is so for all issues but the first `unarchived`. Gives the number of issues that became
/// summaries.
pub(super) fn shorten(shown: &mut Vec<(&Issue, Text)>, unarchived: usize, max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fits = |(_, text): &&(&Issue, Text)| {
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
