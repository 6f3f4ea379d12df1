//! Who has which id: gives each issue the id under which subscribers know it, and records those of new ones.
//!
//! Takes the lock, the issues as their front matter has them, and a way to hash a body; gives the issues their final ids,
//! and the lock as it should be. `id` in the front matter wins; then the lock: by path, by `aliases`, then by the body.
//!
//! Hashing costs reading a file, and a project may have a hundred thousand. So entries are made only for issues that an
//! output shows, whose bodies are read anyway; and a body is hashed to find a moved issue only where the file of an entry
//! is gone and an issue without entry has its date or its file name. That is also safer: an issue with another date and
//! another name is a new one even if it says the same, and a new issue that is taken for an old one would never arrive.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use url::Url;

use crate::content::permalink::base_name;
use crate::identity::lock::{Lock, LockEntry};
use crate::issue::{Issue, IssueId};

pub mod lock;
mod record;

pub use record::{LockChanged, LockMode, LockReport, change_mailings, read_lock, read_mailings, record};

/// A difference between the lock and what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Path of the issue.
    pub path: String,
    /// Its id from now on.
    pub id: IssueId,
    /// What is different.
    pub kind: ChangeKind,
}

/// What is different of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is shown for the first time.
    New,
    /// Its file was there before.
    Moved(String),
    /// Its id was this one before: its front matter now gives another.
    Renamed(IssueId),
    /// Its text is another.
    Edited,
}

/// Gives the issues their ids. `hash` reads a body and gives its `content_hash`; `None` when it is blank or cannot be read.
pub fn identify(lock: &Lock, issues: &mut [Issue], hash: &dyn Fn(&Issue) -> Option<String>) {
    let owners = EntryMatcher::find(lock, issues, hash);
    let taken: BTreeSet<&str> = lock.ids().map(IssueId::as_str).collect();
    for (at, issue) in issues.iter_mut().enumerate().filter(|(_, issue)| !issue.custom_id) {
        if let Some(path) = owners.entry_of.get(&at) {
            issue.id = lock.entries[*path].id.clone();
        } else if taken.contains(issue.id.as_str()) {
            issue.id = distinct(&issue.id, &taken);
        }
    }
}

/// The ids that would change for subscribers: path of the issue, id they know, id it has now.
pub fn changing_ids<'a>(lock: &'a Lock, issues: &'a [Issue]) -> Vec<(&'a str, &'a IssueId, &'a IssueId)> {
    let known = issues.iter().filter_map(|issue| Some((issue, lock.entries.get(&issue.path)?)));
    let moved = moved(lock, issues);
    let is_other = |(issue, locked): &(&Issue, &LockEntry)| issue.custom_id && issue.id != locked.id;
    let changed = known.filter(is_other).filter(|(issue, _)| !moved.contains_key(issue.path.as_str()));
    changed.map(|(issue, locked)| (issue.path.as_str(), &locked.id, &issue.id)).collect()
}

/// The lock as it should be when outputs show these issues, each with the `content_hash` of its body; and what is
/// different, in the order of the paths. `issues` are all, with their final ids.
fn recorded(lock: &Lock, issues: &[Issue], shown: &[(&Issue, String)]) -> (Lock, Vec<Change>) {
    let mut next = lock.clone();
    let mut changes = BTreeMap::new();
    let moves = moved(lock, issues);
    let leaving: Vec<(&str, &str, Option<LockEntry>)> =
        moves.iter().map(|(to, from)| (*to, *from, next.entries.remove(*from))).collect();
    for (to, from, locked) in leaving {
        let Some(mut locked) = locked else { continue };
        changes.insert(to.to_owned(), change(to, &locked.id, ChangeKind::Moved(from.to_owned())));
        if let Some(displaced) = next.entries.remove(to) {
            locked.former.extend(displaced.former.into_iter().chain([displaced.id]));
        }
        next.entries.insert(to.to_owned(), locked);
    }
    for (issue, hash) in shown {
        if let Some(kind) = note(&mut next, issue, hash) {
            changes.entry(issue.path.clone()).or_insert_with(|| change(&issue.path, &issue.id, kind));
        }
    }
    (next, changes.into_values().collect())
}

fn change(path: &str, id: &IssueId, kind: ChangeKind) -> Change {
    Change { path: path.to_owned(), id: id.clone(), kind }
}

/// Records one issue that is shown.
fn note(lock: &mut Lock, issue: &Issue, hash: &str) -> Option<ChangeKind> {
    if issue.custom_id {
        // Somebody takes up an id that another issue gave up.
        for other in lock.entries.values_mut() {
            other.former.remove(&issue.id);
        }
    }
    let Some(locked) = lock.entries.get_mut(&issue.path) else {
        let (id, published, hash) = (issue.id.clone(), issue.date.to_utc(), hash.to_owned());
        lock.entries.insert(issue.path.clone(), LockEntry { id, published, hash, former: BTreeSet::new() });
        return Some(ChangeKind::New);
    };
    let edited = locked.hash != hash;
    locked.hash = hash.to_owned();
    if locked.id == issue.id {
        return edited.then_some(ChangeKind::Edited);
    }
    let before = std::mem::replace(&mut locked.id, issue.id.clone());
    locked.former.insert(before.clone());
    Some(ChangeKind::Renamed(before))
}

/// New path → old path of the issues that have the id of an entry of another path.
fn moved<'a>(lock: &'a Lock, issues: &'a [Issue]) -> BTreeMap<&'a str, &'a str> {
    let paths: BTreeMap<&IssueId, &str> = lock.entries.iter().map(|(path, locked)| (&locked.id, &**path)).collect();
    let from = |issue: &'a Issue| Some((issue.path.as_str(), *paths.get(&issue.id)?));
    issues.iter().filter_map(from).filter(|(to, from)| to != from).collect()
}

/// Which issue an entry is about.
#[derive(Default)]
struct EntryMatcher<'a> {
    /// Place of the issue → path of the entry.
    entry_of: BTreeMap<usize, &'a str>,
    /// Paths of the entries that have an issue.
    found: BTreeSet<&'a str>,
}

impl<'a> EntryMatcher<'a> {
    fn find(lock: &'a Lock, issues: &[Issue], hash: &dyn Fn(&Issue) -> Option<String>) -> Self {
        let mut owners = Self::default();
        // A file with another date than before may be another issue, whose file took the place of the one that moved.
        let mut in_doubt = Vec::new();
        for (at, issue) in issues.iter().enumerate() {
            let Some((path, locked)) = lock.entries.get_key_value(&issue.path) else { continue };
            owners.found.insert(path);
            if locked.published == issue.date.to_utc() {
                owners.entry_of.insert(at, path);
            } else {
                in_doubt.push((at, path.as_str()));
            }
        }
        let doubted: BTreeSet<usize> = in_doubt.iter().map(|(at, _)| *at).collect();
        let open = |owners: &Self, at: usize| !owners.entry_of.contains_key(&at) && !doubted.contains(&at);
        owners.by_id_and_alias(lock, issues, &open);
        owners.by_body(lock, issues, &in_doubt, &open, hash);
        let moved: BTreeSet<&str> = owners.entry_of.values().copied().collect();
        owners.entry_of.extend(in_doubt.into_iter().filter(|(_, path)| !moved.contains(path)));
        owners
    }

    fn by_id_and_alias(&mut self, lock: &'a Lock, issues: &[Issue], open: &dyn Fn(&Self, usize) -> bool) {
        let mut gone: BTreeMap<String, &'a str> = BTreeMap::new();
        let lost = lock.entries.iter().filter(|(path, _)| !self.found.contains(path.as_str()));
        for (path, locked) in lost {
            gone.insert(locked.id.to_string(), path);
            gone.extend(address(locked.id.as_str()).map(|address| (address, path.as_str())));
        }
        if gone.is_empty() {
            return;
        }
        for (at, issue) in issues.iter().enumerate() {
            let own = issue.custom_id.then(|| issue.id.to_string());
            let aliases = issue.aliases.iter().filter_map(|alias| address(alias.as_str()));
            let Some(path) = own.into_iter().chain(aliases).find_map(|name| gone.get(&name).copied()) else { continue };
            if open(self, at) && self.found.insert(path) {
                self.entry_of.insert(at, path);
            }
        }
    }

    fn by_body(
        &mut self,
        lock: &'a Lock,
        issues: &[Issue],
        in_doubt: &[(usize, &'a str)],
        open: &dyn Fn(&Self, usize) -> bool,
        hash: &dyn Fn(&Issue) -> Option<String>,
    ) {
        let mut dates: BTreeMap<DateTime<Utc>, Vec<&'a str>> = BTreeMap::new();
        let mut names: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
        for (path, locked) in lock.entries.iter().filter(|(path, _)| !self.found.contains(path.as_str())) {
            dates.entry(locked.published).or_default().push(path);
            names.entry(base_name(path)).or_default().push(path);
        }
        for (_, path) in in_doubt {
            dates.entry(lock.entries[*path].published).or_default().push(path);
        }
        if dates.is_empty() {
            return;
        }
        // Path of an entry → the issues that may be it. More than one, or an issue for two entries: nobody knows.
        let mut found: BTreeMap<&'a str, BTreeSet<usize>> = BTreeMap::new();
        for (at, issue) in issues.iter().enumerate() {
            let by_date = dates.get(&issue.date.to_utc()).into_iter().flatten();
            let mut paths: Vec<&str> =
                by_date.chain(names.get(base_name(&issue.path)).into_iter().flatten()).copied().collect();
            if paths.is_empty() || !open(self, at) {
                continue;
            }
            let Some(hash) = hash(issue) else { continue };
            paths.retain(|path| lock.entries[*path].hash == hash);
            let paths: BTreeSet<&str> = paths.into_iter().collect();
            if let Some(path) = paths.first().filter(|_| paths.len() == 1) {
                found.entry(path).or_default().insert(at);
            }
        }
        for (path, issues) in found {
            if let Some(at) = issues.first().filter(|_| issues.len() == 1) {
                self.entry_of.insert(*at, path);
                self.found.insert(path);
            }
        }
    }
}

/// Path and query of an address without the slash at its end: what stays the same on another domain.
fn address(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    Some(format!("{}{query}", url.path().trim_end_matches('/')))
}

/// The id of an issue at an address that was another's: the address with the first number that nobody has.
fn distinct(id: &IssueId, taken: &BTreeSet<&str>) -> IssueId {
    let numbered = (2..).filter_map(|number: u64| IssueId::new(&format!("{id}#{number}")));
    numbered.into_iter().find(|id| !taken.contains(id.as_str())).unwrap_or_else(|| id.clone())
}

#[cfg(test)]
mod tests;
