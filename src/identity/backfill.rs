//! Issues that this program loads and the version before did not: subscribers would take them for new.
//!
//! Takes a lock that the version before wrote, and all issues with final ids; marks those that it would have recorded, had
//! it loaded them. `publish` records them, no feed shows them, and `delivery` mails them on request only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::identity::lock::{Lock, Mailings};
use crate::issue::{Issue, IssueId};

/// A lock without issues is that of a project that only mails: what is older than this would not be mailed anyway.
const MAILABLE: TimeDelta = TimeDelta::days(60);

/// Marks them, and returns their paths. `limit` is how many of the newest issues of each language were in the outputs;
/// `None` if all were.
pub fn mark(lock: &Lock, issues: &mut [Issue], limit: Option<usize>) -> Vec<String> {
    let Some(last_build) = lock.is_from_before.then(|| last_build(lock)).flatten() else { return Vec::new() };
    let mailed = lock.mailings.values().flat_map(|mailings| mailings.keys()).map(|key| key.edition().0);
    let known: BTreeSet<&str> = lock.ids().map(IssueId::as_str).chain(mailed).collect();
    let mut recorded: BTreeMap<Option<Arc<str>>, usize> = BTreeMap::new();
    let mut marked = Vec::new();
    // Newest first: once as many are recorded as the outputs contain, none of the older ones was in them.
    for issue in issues {
        let recorded = recorded.entry(issue.site.clone()).or_default();
        if known.contains(issue.id.as_str()) || lock.entries.contains_key(&issue.path) {
            *recorded += 1;
        } else if limit.is_none_or(|limit| *recorded < limit) && was_published(lock, issue, last_build) {
            issue.is_backfilled = true;
            marked.push(issue.path.clone());
        }
    }
    marked
}

/// Whether an unknown issue would have been published by the last build.
fn was_published(lock: &Lock, issue: &Issue, last_build: DateTime<Utc>) -> bool {
    let age = last_build - issue.date.to_utc();
    let is_reached = !lock.entries.is_empty() || age <= MAILABLE;
    age >= TimeDelta::zero() && is_reached && issue.is_dated() && !issue.draft && issue.possible_rename.is_none()
}

/// The latest time at which the lock is known to have been written: of the newest issue or mailing in it.
fn last_build(lock: &Lock) -> Option<DateTime<Utc>> {
    let published = lock.entries.values().map(|locked| locked.published);
    published.chain(lock.mailings.values().flat_map(Mailings::values).map(|mailing| mailing.begun)).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::{issue, published};

    /// Names of the marked issues of a project whose lock has the issues of these dates, and which has those of `more` too.
    fn marked(locked: &[&str], more: &[&str], limit: Option<usize>) -> Vec<String> {
        let of = |dates: &[&str]| {
            dates.iter().map(|date| issue(&format!("{date}.md"), "t", &format!("date: {date}"))).collect()
        };
        let lock = Lock { is_from_before: true, ..published(of(locked)) };
        let mut issues: Vec<Issue> = of(&[locked, more].concat());
        issues.sort_by_key(|b| std::cmp::Reverse(b.date));
        let paths = mark(&lock, &mut issues, limit);
        let marked = issues.into_iter().filter(|issue| issue.is_backfilled).map(|issue| issue.path);
        assert_eq!(marked.collect::<Vec<_>>(), paths);
        paths
    }

    #[test]
    fn what_an_upgrade_loads_anew_is_marked_unless_it_is_newer_than_the_last_build() {
        let locked = ["2026-11-10", "2026-11-20"];
        let more = ["2026-11-01", "2026-11-15", "2026-11-21"];
        assert_eq!(marked(&locked, &more, Some(20)), ["2026-11-15.md", "2026-11-01.md"]);
        assert_eq!(marked(&locked, &more, None), ["2026-11-15.md", "2026-11-01.md"]);
        assert_eq!(marked(&locked, &more, Some(2)), ["2026-11-15.md"], "an older one was too old for the feed");
        assert_eq!(marked(&[], &more, None), [""; 0], "a new project");
    }

    #[test]
    fn drafts_are_not_marked_and_a_lock_of_this_version_marks_none() {
        let lock = published(vec![issue("b.md", "t", "date: 2026-11-20")]);
        let mut issues = [issue("b.md", "t", "date: 2026-11-20"), issue("a.md", "t", "date: 2026-11-01")];
        assert_eq!(mark(&lock, &mut issues, None), [""; 0]);
        let lock = Lock { is_from_before: true, ..lock };
        let mut draft = [issue("a.md", "t", "date: 2026-11-01\ndraft: true")];
        assert_eq!(mark(&lock, &mut draft, None), [""; 0]);
        assert_eq!(mark(&lock, &mut issues, None), ["a.md"]);
    }
}
