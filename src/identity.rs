//! Identity: assigns each issue the id by which subscribers know it, and records new ones.
//!
//! Takes the lock, the issues with ids from their front matter, and access to their files; returns the issues
//! with final ids, and the updated lock. `id` in the front matter takes precedence; then the lock decides by path, by
//! `aliases`, then by body.
//!
//! Hashing requires reading a file, and a project may have a hundred thousand. Therefore only issues in an output get
//! entries, since their bodies are read anyway; and a body is hashed to find a moved issue only if the file of an entry
//! is gone and an issue without an entry has its date or file name. This is also safer: an issue with a different date
//! and name is new even with the same text, and a new issue mistaken for an old one would never reach subscribers. What
//! merely resembles a mailed issue that is gone is left to a person: see `rename`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use url::Url;

use crate::content::path::{base_name, composed};
use crate::identity::likeness::{Likeness, TextSketch, TitleHash};
use crate::identity::lock::{Lock, LockEntry, content_hash};
use crate::issue::{Issue, IssueId, PossibleRename};

pub mod backfill;
pub mod likeness;
pub mod lock;
mod record;
mod rename;

pub use record::{LockChanged, LockMode, LockReport, change_mailings, read_lock, read_mailings, record, record_new};

/// Access to the files of issues.
#[derive(Clone, Copy)]
pub struct IssueFiles<'a> {
    /// Reads a body; `None` if it is empty or unreadable.
    pub body: &'a dyn Fn(&Issue) -> Option<String>,
    /// Whether there is a file at this path.
    pub exists: &'a dyn Fn(&str) -> bool,
}

/// What the lock records of an issue in an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyPrint {
    /// Its `content_hash`.
    pub hash: String,
    /// Its sketch.
    pub text: TextSketch,
    /// The seconds that feeds add to its last change; `None` if it is in no feed.
    pub seconds: Option<u32>,
}

impl BodyPrint {
    /// The print of the body of an issue; the lock knows it if it is unchanged.
    pub fn of(lock: &Lock, issue: &Issue, body: &str) -> Self {
        let hash = content_hash(body);
        let known = lock.entries.get(&issue.path).filter(|locked| locked.hash == hash).and_then(|locked| locked.like);
        let text = known.map_or_else(|| TextSketch::of(body), |like| like.text);
        Self { hash, text, seconds: None }
    }
}

/// A difference between the lock and its update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Path of the issue.
    pub path: String,
    /// Its id from now on.
    pub id: IssueId,
    /// The kind of difference.
    pub kind: ChangeKind,
}

/// How the entry of an issue changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is in an output for the first time.
    New,
    /// Its file moved from this path.
    Moved(String),
    /// Its previous id: the front matter now sets a different one.
    Renamed(IssueId),
    /// Its text changed.
    Edited,
}

/// Assigns the issues their ids, and notes which may be a mailed one under a new name.
pub fn identify(lock: &Lock, issues: &mut [Issue], files: &IssueFiles<'_>) {
    let matcher = EntryMatcher::find(lock, issues, &|issue| (files.body)(issue).map(|body| content_hash(&body)));
    let recorded = matcher.entry_by_issue.keys().copied().collect();
    let renames = rename::matches(lock, issues, &recorded, &matcher.matched, files);
    let taken: BTreeSet<&str> = lock.ids().map(IssueId::as_str).collect();
    for (at, issue) in issues.iter_mut().enumerate().filter(|(_, issue)| !issue.has_custom_id) {
        if let Some(path) = matcher.entry_by_issue.get(&at) {
            issue.id = lock.entries[*path].id.clone();
        } else if taken.contains(issue.id.as_str()) {
            issue.id = distinct(&issue.id, &taken);
        }
    }
    for rename in renames {
        let issue = &mut issues[rename.issue];
        let (path, id, id_if_new) = (rename.path.to_owned(), rename.entry.id.clone(), issue.id.clone());
        if rename.has_id {
            issue.id = id.clone();
        }
        if rename.is_certain {
            continue;
        }
        issue.possible_rename = Some(Box::new(PossibleRename { path, id, mailed: rename.mailed, id_if_new }));
    }
    let backfilled: BTreeSet<&IssueId> =
        lock.entries.values().filter(|locked| locked.is_backfilled).map(|locked| &locked.id).collect();
    for issue in issues {
        issue.is_backfilled = backfilled.contains(&issue.id);
    }
}

/// Issues whose id would change for subscribers: path, known id, new id.
pub fn changing_ids<'a>(lock: &'a Lock, issues: &'a [Issue]) -> Vec<(&'a str, &'a IssueId, &'a IssueId)> {
    let known = issues.iter().filter_map(|issue| Some((issue, lock.entries.get(&issue.path)?)));
    let moved = moved(lock, issues);
    let is_other = |(issue, locked): &(&Issue, &LockEntry)| issue.has_custom_id && issue.id != locked.id;
    let changed = known.filter(is_other).filter(|(issue, _)| !moved.contains_key(issue.path.as_str()));
    changed.map(|(issue, locked)| (issue.path.as_str(), &locked.id, &issue.id)).collect()
}

/// The updated lock for outputs with these issues, each with the print of its body; and the changes, by path.
/// `issues` are all issues, with final ids. What may be renamed is not recorded, so that the question stays open.
fn updated_lock(lock: &Lock, issues: &[Issue], shown: &[(&Issue, BodyPrint)]) -> (Lock, Vec<Change>) {
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
    for (issue, print) in shown.iter().filter(|(issue, _)| issue.possible_rename.is_none()) {
        if let Some(kind) = record_issue(&mut next, issue, print) {
            changes.entry(issue.path.clone()).or_insert_with(|| change(&issue.path, &issue.id, kind));
        }
    }
    if next.is_from_before {
        // It stays one of the version before until all is recorded that this version loads in addition.
        let recorded: BTreeSet<&IssueId> = next.entries.values().map(|locked| &locked.id).collect();
        next.is_from_before = issues.iter().any(|issue| issue.is_backfilled && !recorded.contains(&issue.id));
    }
    (next, changes.into_values().collect())
}

fn change(path: &str, id: &IssueId, kind: ChangeKind) -> Change {
    Change { path: path.to_owned(), id: id.clone(), kind }
}

/// Records one issue that is in an output.
fn record_issue(lock: &mut Lock, issue: &Issue, print: &BodyPrint) -> Option<ChangeKind> {
    let like = Some(Likeness { title: TitleHash::of(&issue.plain_title()), text: print.text });
    if issue.has_custom_id {
        // The front matter reclaims a former id of another issue.
        for other in lock.entries.values_mut() {
            other.former.remove(&issue.id);
        }
    }
    let Some(locked) = lock.entries.get_mut(&issue.path) else {
        let (id, published, hash) = (issue.id.clone(), issue.date.to_utc(), print.hash.clone());
        let (seconds, is_backfilled) = (print.seconds.unwrap_or_default(), issue.is_backfilled);
        let entry = LockEntry { id, published, hash, like, seconds, is_backfilled, former: BTreeSet::new() };
        lock.entries.insert(issue.path.clone(), entry);
        return Some(ChangeKind::New);
    };
    let edited = locked.hash != print.hash;
    locked.hash.clone_from(&print.hash);
    locked.like = like;
    locked.seconds = print.seconds.unwrap_or(locked.seconds);
    if locked.id == issue.id {
        return edited.then_some(ChangeKind::Edited);
    }
    let before = std::mem::replace(&mut locked.id, issue.id.clone());
    locked.former.insert(before.clone());
    Some(ChangeKind::Renamed(before))
}

/// Issues that have the id of an entry at another path: new path → old path.
fn moved<'a>(lock: &'a Lock, issues: &'a [Issue]) -> BTreeMap<&'a str, &'a str> {
    let paths: BTreeMap<&IssueId, &str> = lock.entries.iter().map(|(path, locked)| (&locked.id, &**path)).collect();
    let from = |issue: &'a Issue| Some((issue.path.as_str(), *paths.get(&issue.id)?));
    let known = issues.iter().filter(|issue| issue.possible_rename.is_none());
    known.filter_map(from).filter(|(to, from)| to != from).collect()
}

/// Matches entries with issues.
#[derive(Default)]
struct EntryMatcher<'a> {
    /// Index of the issue → path of the entry.
    entry_by_issue: BTreeMap<usize, &'a str>,
    /// Paths of the matched entries.
    matched: BTreeSet<&'a str>,
}

impl<'a> EntryMatcher<'a> {
    fn find(lock: &'a Lock, issues: &[Issue], hash: &dyn Fn(&Issue) -> Option<String>) -> Self {
        let mut matcher = Self::default();
        // A file with a different date may be another issue that replaced one that moved.
        let mut uncertain = Vec::new();
        let forms = other_forms(lock, issues);
        for (at, issue) in issues.iter().enumerate() {
            let other_form = || forms.get(&*composed(&issue.path)).and_then(|path| lock.entries.get_key_value(*path));
            let Some((path, locked)) = lock.entries.get_key_value(&issue.path).or_else(other_form) else { continue };
            matcher.matched.insert(path);
            if locked.published == issue.date.to_utc() {
                matcher.entry_by_issue.insert(at, path);
            } else {
                uncertain.push((at, path.as_str()));
            }
        }
        let uncertain_issues: BTreeSet<usize> = uncertain.iter().map(|(at, _)| *at).collect();
        let open =
            |matcher: &Self, at: usize| !matcher.entry_by_issue.contains_key(&at) && !uncertain_issues.contains(&at);
        matcher.by_id_and_alias(lock, issues, &open);
        matcher.by_body(lock, issues, &uncertain, &open, hash);
        let moved: BTreeSet<&str> = matcher.entry_by_issue.values().copied().collect();
        matcher.entry_by_issue.extend(uncertain.into_iter().filter(|(_, path)| !moved.contains(path)));
        matcher
    }

    fn by_id_and_alias(&mut self, lock: &'a Lock, issues: &[Issue], open: &dyn Fn(&Self, usize) -> bool) {
        let mut gone: BTreeMap<String, &'a str> = BTreeMap::new();
        let lost = lock.entries.iter().filter(|(path, _)| !self.matched.contains(path.as_str()));
        for (path, locked) in lost {
            gone.insert(locked.id.to_string(), path);
            gone.extend(address(locked.id.as_str()).map(|address| (address, path.as_str())));
        }
        if gone.is_empty() {
            return;
        }
        for (at, issue) in issues.iter().enumerate() {
            let own = issue.has_custom_id.then(|| issue.id.to_string());
            let aliases = issue.aliases.iter().filter_map(|alias| address(alias.as_str()));
            let Some(path) = own.into_iter().chain(aliases).find_map(|name| gone.get(&name).copied()) else { continue };
            if open(self, at) && self.matched.insert(path) {
                self.entry_by_issue.insert(at, path);
            }
        }
    }

    fn by_body(
        &mut self,
        lock: &'a Lock,
        issues: &[Issue],
        uncertain: &[(usize, &'a str)],
        open: &dyn Fn(&Self, usize) -> bool,
        hash: &dyn Fn(&Issue) -> Option<String>,
    ) {
        let mut dates: BTreeMap<DateTime<Utc>, Vec<&'a str>> = BTreeMap::new();
        let mut names: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
        for (path, locked) in lock.entries.iter().filter(|(path, _)| !self.matched.contains(path.as_str())) {
            dates.entry(locked.published).or_default().push(path);
            names.entry(undated_name(path)).or_default().push(path);
        }
        for (_, path) in uncertain {
            dates.entry(lock.entries[*path].published).or_default().push(path);
        }
        if dates.is_empty() {
            return;
        }
        // Path of an entry → matching issues. Ambiguous matches are discarded.
        let mut found: BTreeMap<&'a str, BTreeSet<usize>> = BTreeMap::new();
        for (at, issue) in issues.iter().enumerate() {
            let by_date = dates.get(&issue.date.to_utc()).into_iter().flatten();
            let mut paths: Vec<&str> =
                by_date.chain(names.get(undated_name(&issue.path)).into_iter().flatten()).copied().collect();
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
                self.entry_by_issue.insert(*at, path);
                self.matched.insert(path);
            }
        }
    }
}

/// The paths of entries whose file is there under the same name with its letters composed or not, by the composed path.
fn other_forms<'a>(lock: &'a Lock, issues: &[Issue]) -> BTreeMap<String, &'a str> {
    let unknown = issues.iter().filter(|issue| !issue.path.is_ascii() && !lock.entries.contains_key(&issue.path));
    let unknown: BTreeSet<_> = unknown.map(|issue| composed(&issue.path)).collect();
    if unknown.is_empty() {
        return BTreeMap::new();
    }
    let is_there: BTreeSet<&str> = issues.iter().map(|issue| issue.path.as_str()).collect();
    let gone = lock.entries.keys().filter(|path| !path.is_ascii() && !is_there.contains(path.as_str()));
    gone.map(|path| (composed(path).into_owned(), path.as_str()))
        .filter(|(form, _)| unknown.contains(form.as_str()))
        .collect()
}

/// The file name without extension and without the date that Jekyll puts before it, which changes when a post is put off.
fn undated_name(path: &str) -> &str {
    let name = base_name(path);
    let is_date = |date: &str| {
        date.bytes().zip(*b"0000-00-00-").all(|(byte, of)| match of {
            b'0' => byte.is_ascii_digit(),
            dash => byte == dash,
        })
    };
    match name.split_at_checked(11) {
        Some((date, rest)) if is_date(date) && !rest.is_empty() => rest,
        _ => name,
    }
}

/// Path and query of a URL without trailing slash: unchanged on another domain.
fn address(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    Some(format!("{}{query}", url.path().trim_end_matches('/')))
}

/// A new id for an issue at a URL that belonged to another: the URL with the first unused number.
fn distinct(id: &IssueId, taken: &BTreeSet<&str>) -> IssueId {
    let numbered = (2..).filter_map(|number: u64| IssueId::new(&format!("{id}#{number}")));
    numbered.into_iter().find(|id| !taken.contains(id.as_str())).unwrap_or_else(|| id.clone())
}

#[cfg(test)]
mod tests;
