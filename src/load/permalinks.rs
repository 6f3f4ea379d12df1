//! Issues in each other's way: with the same permalink or the same id.
//!
//! Takes the issues with their ids, the lock and the time; leaves out those that cannot be published beside another.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::finding::{Finding, Place};
use crate::identity::lock::Lock;
use crate::issue::Issue;
use crate::load::Issues;

/// Leaves out every issue that repeats the permalink or id of another, since both cannot be published, and reports it. It
/// is an error only if both are published now: a draft may take the place of the other one day. The one that the lock knows by
/// its permalink wins, then the one that is published, then the newer one. A published id belongs to the issue it was recorded for.
pub(super) fn remove_duplicates(loaded: &mut Issues, lock: &Lock, now: DateTime<Utc>) {
    if are_distinct(&loaded.issues) {
        return;
    }
    let mut ids: HashMap<&str, &Issue> = HashMap::with_capacity(loaded.issues.len());
    for issue in &loaded.issues {
        if lock.entries.get(&issue.path).is_some_and(|locked| locked.id == issue.id) {
            ids.insert(issue.id.as_str(), issue);
        }
    }
    let is_published = |issue: &Issue| issue.is_published(now) && (issue.feed || issue.email);
    let mut permalinks: HashMap<&str, &Issue> = HashMap::with_capacity(loaded.issues.len());
    let mut repeated = BTreeSet::new();
    let mut findings = Vec::new();
    for at in by_precedence(&loaded.issues, lock, &is_published) {
        let issue = &loaded.issues[at];
        let (permalink, id) = (issue.permalink.as_str(), issue.id.as_str());
        let (what, field, value, other) = match (permalinks.entry(permalink), ids.entry(id)) {
            (Entry::Occupied(taken), _) => ("permalink", "slug", permalink, *taken.get()),
            (_, Entry::Occupied(taken)) if taken.get().path != issue.path => ("id", "id", id, *taken.get()),
            (free, of_id) => {
                free.insert_entry(issue);
                of_id.insert_entry(issue);
                continue;
            }
        };
        let message = format!("its {what} `{value}` is already used by `{}`", other.path);
        let finding = match is_published(issue) && is_published(other) {
            true => Finding::error("duplicate-issue", message),
            false => Finding::warning("duplicate-issue", message),
        };
        findings.push((at, finding.help(format!("change the `{field}` of one of them")).at(Place::file(&issue.path))));
        repeated.insert(at);
    }
    findings.sort_by_key(|(at, _)| *at);
    loaded.findings.extend(findings.into_iter().map(|(_, finding)| finding));
    let mut at = 0..;
    loaded.issues.retain(|_| at.next().is_none_or(|at| !repeated.contains(&at)));
}

/// Whether no two issues have a permalink or an id in common, as nearly always.
fn are_distinct(issues: &[Issue]) -> bool {
    let random = RandomState::new();
    let names = |issue: &Issue| {
        let (permalink, id) = (issue.permalink.as_str(), issue.id.as_str());
        [Some(random.hash_one(permalink)), (id != permalink).then(|| random.hash_one(id))].into_iter().flatten()
    };
    let mut hashes: Vec<u64> = issues.par_iter().flat_map_iter(names).collect();
    hashes.par_sort_unstable();
    hashes.is_sorted_by(|one, next| one < next)
}

/// The indexes of the issues, each before those that must yield to it.
fn by_precedence(issues: &[Issue], lock: &Lock, is_published: &dyn Fn(&Issue) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..issues.len()).collect();
    order.sort_by_cached_key(|at| {
        let issue = &issues[*at];
        let locked = lock.entries.get(&issue.path).filter(|_| is_published(issue));
        let is_known_by_it = locked.is_some_and(|locked| locked.id.as_str() == issue.permalink.as_str());
        Reverse((is_published(issue), is_known_by_it, locked.is_some()))
    });
    order
}
