//! Makes the dates of the last change distinct: readers that sort by it, and validators, expect that no two entries have the
//! same. Seconds are added to issues that were changed at the same time.
//!
//! Takes the issues in outputs, and how many seconds were added to those published before: a new issue changes no other.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};

use crate::issue::Issue;

/// The seconds added to each issue in feeds, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddedSeconds(BTreeMap<String, u32>);

impl AddedSeconds {
    /// Distributes seconds. `published` returns how many an issue had when it was published; `None` if it is new.
    pub fn new<'a>(
        issues: impl Iterator<Item = &'a Issue>,
        published: &dyn Fn(&Issue) -> Option<u32>,
        now: DateTime<Utc>,
    ) -> Self {
        let once: BTreeMap<&str, &Issue> = issues.map(|issue| (issue.path.as_str(), issue)).collect();
        let mut in_order: Vec<(&Issue, Option<u32>)> =
            once.into_values().map(|issue| (issue, published(issue))).collect();
        // Those published before keep theirs; among others the order of feeds decides. (A stable sort: equals are in the order of
        // their paths.)
        in_order.sort_by_key(|(issue, seconds)| (seconds.is_none(), Reverse(issue.date)));
        let (mut taken, mut added) = (HashSet::with_capacity(in_order.len()), BTreeMap::new());
        for (issue, seconds) in in_order {
            let (updated, mut seconds) = (last_change(issue, now), seconds.unwrap_or_default());
            while !taken.insert((&issue.site, updated + TimeDelta::seconds(seconds.into()))) {
                seconds += 1;
            }
            added.insert(issue.path.clone(), seconds);
        }
        Self(added)
    }

    /// The seconds added to an issue; `None` if it is in no feed.
    pub fn of(&self, issue: &Issue) -> Option<u32> {
        self.0.get(&issue.path).copied()
    }
}

/// The date of the last change that has happened, never before publication.
pub(super) fn last_change(issue: &Issue, now: DateTime<Utc>) -> DateTime<FixedOffset> {
    if issue.updated > now { issue.date } else { issue.updated.max(issue.date) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::plan::tests::issue;

    fn added(paths: &[&str], published: &[(&str, u32)]) -> Vec<u32> {
        let issues: Vec<Issue> = paths.iter().map(|path| issue(path, "date: 2026-01-01")).collect();
        let before: BTreeMap<&str, u32> = published.iter().copied().collect();
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let added = AddedSeconds::new(issues.iter(), &|issue| before.get(issue.path.as_str()).copied(), now);
        issues.iter().filter_map(|issue| added.of(issue)).collect()
    }

    #[test]
    fn a_new_issue_changes_no_other() {
        assert_eq!(added(&["a.md", "b.md"], &[]), [0, 1]);
        assert_eq!(added(&["0.md", "a.md", "b.md"], &[("a.md", 0), ("b.md", 1)]), [2, 0, 1]);
        assert_eq!(added(&["0.md", "a.md", "b.md"], &[("a.md", 0), ("b.md", 1), ("0.md", 2)]), [2, 0, 1]);
        assert_eq!(added(&["a.md", "b.md"], &[("a.md", 0), ("b.md", 0)]), [0, 1], "recorded by an earlier version");
        assert_eq!(added(&["b.md"], &[("b.md", 1)]), [1], "the other is gone");
    }
}
