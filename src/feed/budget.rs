//! Limits the size of a feed: older issues become summaries, then are left out.
//!
//! Takes a feed with full content and a limit in bytes; returns its files, each within the limit. The newest issue always
//! keeps its full content, and what no archive document contains is never left out.

use std::mem;

use rayon::prelude::*;

use crate::feed::{Entry, Feed, Format};

/// What a feed may contain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of each of its files; `None`: no limit.
    pub max_bytes: Option<usize>,
    /// Entries, counted from the newest, that must stay.
    pub unarchived: usize,
}

/// The first `kept` entries, of which the first `full` keep their content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    full: usize,
    kept: usize,
}

/// The file of each format.
pub(super) type Files = Vec<(Format, Vec<u8>)>;

/// Shortens a feed until its files fit, and returns them. From one entry on all older ones are summaries: a feed with gaps
/// would look broken. If what must stay is too large, nothing is left out, since that would not help.
///
/// # Errors
/// See `Feed::render`.
pub(super) fn fit(feed: &mut Feed, max_bytes: usize) -> anyhow::Result<Files> {
    let fits = |files: &Files| files.iter().all(|(_, bytes)| bytes.len() <= max_bytes);
    let cuts = cuts(&feed.entries, feed.budget.unarchived, max_bytes);
    let mut from = 0;
    if cuts.first().is_some_and(|cut| cut.full == feed.entries.len()) {
        let files = files(feed)?;
        if fits(&files) {
            return Ok(files);
        }
        from = 1;
    }
    let all = mem::take(&mut feed.entries);
    let (mut best, mut to, mut step) = (None, cuts.len(), 0);
    // The later ones are smaller. One of the first is likely to fit, so the steps double until one does.
    while from < to {
        let at = if best.is_none() { (from + step).min(to - 1) } else { from + (to - from) / 2 };
        feed.set_entries(&all, cuts[at]);
        let files = files(feed)?;
        if fits(&files) {
            (best, to) = (Some((cuts[at], files)), at);
        } else {
            (from, step) = (at + 1, 2 * step + 1);
        }
    }
    if let Some((cut, files)) = best {
        feed.set_entries(&all, cut);
        return Ok(files);
    }
    feed.set_entries(&all, Cut { full: all.len().min(1), kept: all.len() });
    files(feed)
}

/// The cuts from the largest to the smallest, without those that exceed the limit by their texts alone.
fn cuts(entries: &[Entry], unarchived: usize, max_bytes: usize) -> Vec<Cut> {
    let sums = |bytes: &dyn Fn(&Entry) -> usize| -> Vec<usize> {
        let mut sum = 0;
        let add = |entry| {
            sum += bytes(entry);
            sum
        };
        [0].into_iter().chain(entries.iter().map(add)).collect()
    };
    let html = sums(&|entry| entry.content_html.as_ref().map_or(0, String::len));
    let texts = sums(&|entry| entry.title.len() + entry.summary.as_ref().map_or(0, String::len));
    let (all, newest) = (entries.len(), entries.len().min(1));
    let shortened = (newest..=all).rev().map(|full| Cut { full, kept: all });
    let fewest = unarchived.max(newest).min(all);
    let left_out = (fewest..all).rev().map(|kept| Cut { full: newest, kept });
    shortened.chain(left_out).filter(|cut| html[cut.full] + texts[cut.kept] <= max_bytes).collect()
}

fn files(feed: &Feed) -> anyhow::Result<Files> {
    let render = |format: Format| Ok((format, feed.render(format)?));
    let files: Vec<anyhow::Result<_>> = feed.locations.par_iter().map(|(format, _)| render(*format)).collect();
    files.into_iter().collect()
}

impl Feed {
    fn set_entries(&mut self, all: &[Entry], cut: Cut) {
        let has_content = all.iter().any(|entry| entry.content_html.is_some());
        self.shortened = if has_content { cut.kept - cut.full } else { 0 };
        self.left_out = all.len() - cut.kept;
        self.entries = all[..cut.kept].to_vec();
        self.entries[cut.full..].iter_mut().for_each(|entry| entry.content_html = None);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feed::tests::{entry, feed};

    /// A feed of entries with this HTML, each with a summary of ten bytes, which may have as many bytes as its files with only
    /// the entries of `of`.
    fn limited(html: &[&str], unarchived: usize, of: Cut) -> (Feed, usize) {
        let entries = html.iter().map(|html| Entry {
            content_html: Some((*html).to_owned()),
            summary: Some("y".repeat(10)),
            ..entry("T", "https://example.org/a/")
        });
        let mut feed = feed(entries.collect());
        let all = feed.entries.clone();
        let mut smaller = feed.clone();
        smaller.set_entries(&all, of);
        let max_bytes = files(&smaller).unwrap().iter().map(|(_, bytes)| bytes.len()).max().unwrap();
        feed.budget = Budget { max_bytes: Some(max_bytes), unarchived };
        (feed, max_bytes)
    }

    /// Entries with content, entries, and those left out of a feed that may have as many bytes as with `of`, and `more`.
    fn shortened(unarchived: usize, of: Cut, more: isize) -> (usize, usize, usize) {
        let html =
            ["<p>潮 &amp; \"tide\"</p>".repeat(9), "<p><b>a</b></p>".repeat(20), "b".repeat(400), "c".repeat(900)];
        let html: Vec<&str> = html.iter().map(String::as_str).collect();
        let (mut feed, max_bytes) = limited(&html, unarchived, of);
        let max_bytes = max_bytes.saturating_add_signed(more);
        let files = fit(&mut feed, max_bytes).unwrap();
        for (format, bytes) in &files {
            assert_eq!(*bytes, feed.render(*format).unwrap());
        }
        assert_eq!(files.iter().all(|(_, bytes)| bytes.len() <= max_bytes), feed.entries.len() < 4 || more == 0);
        let full = feed.entries.iter().filter(|entry| entry.content_html.is_some()).count();
        assert_eq!(feed.shortened, feed.entries.len() - full);
        (full, feed.entries.len(), feed.left_out)
    }

    #[test]
    fn older_issues_become_summaries_then_are_left_out_and_the_newest_stays_complete() {
        let cut = |full, kept| Cut { full, kept };
        for (of, unarchived) in [(cut(4, 4), 0), (cut(3, 4), 4), (cut(2, 4), 0), (cut(1, 4), 4), (cut(1, 3), 0)] {
            assert_eq!(shortened(unarchived, of, 0), (of.full, of.kept, 4 - of.kept), "{of:?}");
        }
        assert_eq!(shortened(0, cut(1, 3), -1), (1, 2, 2));
        assert_eq!(shortened(3, cut(1, 3), 0), (1, 3, 1));
    }

    #[test]
    fn nothing_is_left_out_if_that_does_not_help() {
        let smallest = |kept| Cut { full: 1, kept };
        assert_eq!(shortened(0, smallest(1), -1), (1, 4, 0), "the newest alone is too large");
        assert_eq!(shortened(3, smallest(3), -1), (1, 4, 0), "those in no archive are too large");
    }

    #[test]
    fn summaries_are_left_out_too() {
        let (mut summaries, _) = limited(&["", "", ""], 0, Cut { full: 1, kept: 2 });
        summaries.entries.iter_mut().for_each(|entry| entry.content_html = None);
        let one = Feed { entries: summaries.entries[..1].to_vec(), ..summaries.clone() };
        let max_bytes = files(&one).unwrap().iter().map(|(_, bytes)| bytes.len()).max().unwrap();
        let files = fit(&mut summaries, max_bytes).unwrap();
        assert_eq!((summaries.entries.len(), summaries.shortened, summaries.left_out), (1, 0, 2));
        assert!(files.iter().all(|(_, bytes)| bytes.len() <= max_bytes));
    }

    proptest! {
        #[test]
        fn every_file_is_within_the_limit(
            texts in prop::collection::vec(("[<&\"'é潮x\\]> \n]{0,300}", "[<&é潮x ]{0,200}", any::<bool>()), 0..12),
            max_bytes in 0usize..12_000,
            unarchived in 0usize..4,
        ) {
            let entries = texts.iter().map(|(html, summary, is_full)| Entry {
                content_html: is_full.then(|| html_escape::encode_text(html).into_owned()),
                summary: Some(summary.clone()).filter(|summary| !summary.is_empty()),
                ..entry("T", "https://example.org/a/")
            });
            let whole = feed(entries.collect());
            let mut fitted = Feed { budget: Budget { max_bytes: Some(max_bytes), unarchived }, ..whole.clone() };
            let files = fit(&mut fitted, max_bytes).unwrap();
            let all = whole.entries.len();
            let kept = fitted.entries.len();
            prop_assert_eq!(kept + fitted.left_out, all);
            prop_assert!(kept >= unarchived.max(1).min(all));
            prop_assert_eq!(fitted.entries.first(), whole.entries.first());
            let mut smallest = whole.clone();
            smallest.set_entries(&whole.entries, Cut { full: all.min(1), kept: unarchived.max(1).min(all) });
            let largest = |files: &Files| files.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
            let can_fit = largest(&super::files(&smallest).unwrap()) <= max_bytes;
            prop_assert_eq!(largest(&files) <= max_bytes, can_fit);
            if largest(&super::files(&whole).unwrap()) <= max_bytes {
                prop_assert_eq!(fitted.entries, whole.entries);
            }
        }
    }
}
