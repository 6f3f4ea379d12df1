//! What subscribers notice when a feed replaces the published one.
//!
//! Takes the entries of both feeds, read from the same format by the same reader; returns the differences, in the order
//! of the new feed. Feed readers identify entries by id and remember which they have shown, so the kinds of difference
//! describe their behaviour.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::feed::published::PublishedEntry;

/// A difference in one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The kind of difference.
    pub kind: DifferenceKind,
    /// The new entry; for a dropped one, the published entry.
    pub entry: PublishedEntry,
    /// The published entry, if subscribers have it.
    pub before: Option<PublishedEntry>,
}

/// What subscribers notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// An entry newer than all published ones.
    New,
    /// The text changed but not `updated`: most readers never show the change.
    Edited,
    /// The text and `updated` changed.
    Updated,
    /// An entry older than the newest published one appears as new.
    Resurfaced,
    /// An entry is gone although no newer one pushed it out.
    Dropped,
    /// The date of an entry changed.
    Redated,
    /// The link of an entry changed.
    Relinked,
    /// A known link appears under another id: subscribers see the issue twice.
    Duplicate,
}

impl DifferenceKind {
    /// Every kind.
    pub const ALL: [DifferenceKind; 8] = [
        DifferenceKind::New,
        DifferenceKind::Edited,
        DifferenceKind::Updated,
        DifferenceKind::Resurfaced,
        DifferenceKind::Dropped,
        DifferenceKind::Redated,
        DifferenceKind::Relinked,
        DifferenceKind::Duplicate,
    ];

    /// Its name on the command line and in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            DifferenceKind::New => "new",
            DifferenceKind::Edited => "edited",
            DifferenceKind::Updated => "updated",
            DifferenceKind::Resurfaced => "resurfaced",
            DifferenceKind::Dropped => "dropped",
            DifferenceKind::Redated => "redated",
            DifferenceKind::Relinked => "relinked",
            DifferenceKind::Duplicate => "duplicate",
        }
    }
}

/// The differences: first new and remaining entries in the order of the new feed, then dropped ones. `limit` is the
/// maximum number of entries in the new feed; 0 means no limit.
pub fn differences(published: &[PublishedEntry], next: &[PublishedEntry], limit: usize) -> Vec<Difference> {
    let known: BTreeMap<&str, &PublishedEntry> = published.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let links: BTreeMap<&str, &PublishedEntry> =
        published.iter().filter(|entry| !entry.url.is_empty()).map(|entry| (link(entry), entry)).collect();
    let newest = published.iter().filter_map(|entry| entry.published).max();
    let mut differences = Vec::new();
    for entry in next {
        let found = match known.get(entry.id.as_str()) {
            Some(before) => changes(before, entry).into_iter().map(|kind| (kind, Some(*before))).collect(),
            None => vec![arrival(entry, links.get(link(entry)).copied(), newest)],
        };
        let difference = |(kind, before): (DifferenceKind, Option<&PublishedEntry>)| Difference {
            kind,
            entry: entry.clone(),
            before: before.cloned(),
        };
        differences.extend(found.into_iter().map(difference));
    }
    let gone = dropped(published, next, limit);
    differences.extend(gone.map(|entry| Difference {
        kind: DifferenceKind::Dropped,
        entry: entry.clone(),
        before: None,
    }));
    differences
}

/// How a remaining entry changed.
fn changes(before: &PublishedEntry, after: &PublishedEntry) -> Vec<DifferenceKind> {
    let text =
        |entry: &PublishedEntry| [&entry.title, &entry.summary, &entry.content].map(|text| text.trim().to_owned());
    let mut kinds = Vec::new();
    if text(before) != text(after) {
        kinds.push(if after.updated > before.updated { DifferenceKind::Updated } else { DifferenceKind::Edited });
    }
    if before.published != after.published {
        kinds.push(DifferenceKind::Redated);
    }
    if link(before) != link(after) {
        kinds.push(DifferenceKind::Relinked);
    }
    kinds
}

/// How an entry with an unknown id appears to subscribers.
fn arrival<'a>(
    entry: &PublishedEntry,
    same_link: Option<&'a PublishedEntry>,
    newest: Option<DateTime<Utc>>,
) -> (DifferenceKind, Option<&'a PublishedEntry>) {
    match same_link {
        Some(before) => (DifferenceKind::Duplicate, Some(before)),
        None if entry.published.is_some_and(|date| Some(date) < newest) => (DifferenceKind::Resurfaced, None),
        None => (DifferenceKind::New, None),
    }
}

fn dropped<'a>(
    published: &'a [PublishedEntry],
    next: &'a [PublishedEntry],
    limit: usize,
) -> impl Iterator<Item = &'a PublishedEntry> {
    let ids: BTreeSet<&str> = next.iter().map(|entry| entry.id.as_str()).collect();
    let links: BTreeSet<&str> = next.iter().map(link).collect();
    let is_full = limit > 0 && next.len() >= limit;
    let oldest = next.iter().filter_map(|entry| entry.published).min();
    let is_pushed_out = move |entry: &PublishedEntry| is_full && entry.published <= oldest;
    published
        .iter()
        .filter(move |entry| !ids.contains(entry.id.as_str()) && !links.contains(link(entry)))
        .filter(move |entry| !is_pushed_out(entry))
}

/// Ignores a trailing slash.
fn link(entry: &PublishedEntry) -> &str {
    entry.url.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, day: u32) -> PublishedEntry {
        let date: DateTime<Utc> = format!("2026-11-{day:02}T08:00:00Z").parse().unwrap();
        PublishedEntry {
            id: format!("id-{name}"),
            url: format!("https://example.org/{name}/"),
            title: name.to_owned(),
            summary: String::new(),
            content: format!("<p>{name}</p>"),
            published: Some(date),
            updated: Some(date),
        }
    }

    fn found(published: &[PublishedEntry], next: &[PublishedEntry], limit: usize) -> Vec<String> {
        let found = differences(published, next, limit);
        found.iter().map(|one| format!("{} {}", one.kind.as_str(), one.entry.id)).collect()
    }

    #[test]
    fn equal_feeds_have_no_differences() {
        let feed = [entry("b", 2), entry("a", 1)];
        assert_eq!(differences(&feed, &feed, 2), []);
    }

    #[test]
    fn added_entries_are_new_or_resurface() {
        let published = [entry("c", 3), entry("a", 1)];
        let next = [entry("d", 4), entry("c", 3), entry("b", 2), entry("a", 1)];
        assert_eq!(found(&published, &next, 20), ["new id-d", "resurfaced id-b"]);
        assert_eq!(found(&[], &next[..1], 20), ["new id-d"]);
    }

    #[test]
    fn removed_entries_are_dropped_unless_newer_ones_push_them_out() {
        let published = [entry("c", 3), entry("b", 2), entry("a", 1)];
        assert_eq!(found(&published, &[entry("d", 4), entry("c", 3), entry("b", 2)], 3), ["new id-d"]);
        assert_eq!(found(&published, &[entry("c", 3), entry("b", 2)], 3), ["dropped id-a"]);
        assert_eq!(found(&published, &[entry("d", 4), entry("c", 3), entry("a", 1)], 3), ["new id-d", "dropped id-b"]);
        assert_eq!(found(&published, &[entry("c", 3), entry("b", 2)], 0), ["dropped id-a"]);
    }

    #[test]
    fn edits_are_updated_or_silent() {
        let before = entry("a", 1);
        let silent = PublishedEntry { content: "<p>other</p>".into(), ..before.clone() };
        let honest = PublishedEntry { updated: entry("a", 2).updated, title: "A".into(), ..before.clone() };
        let [before, silent, honest] = [[before], [silent], [honest]];
        assert_eq!(found(&before, &silent, 20), ["edited id-a"]);
        assert_eq!(found(&before, &honest, 20), ["updated id-a"]);
        assert_eq!(found(&honest, &before, 20), ["edited id-a"], "`updated` went back");
        let undated = |entry: &PublishedEntry| [PublishedEntry { updated: None, ..entry.clone() }];
        assert_eq!(found(&undated(&before[0]), &undated(&silent[0]), 20), ["edited id-a"], "RSS cannot say");
    }

    #[test]
    fn changes_of_date_link_and_id_are_found() {
        let before = entry("a", 1);
        let redated = PublishedEntry {
            published: entry("a", 9).published,
            url: "https://example.org/z".into(),
            ..before.clone()
        };
        assert_eq!(found(std::slice::from_ref(&before), &[redated], 20), ["redated id-a", "relinked id-a"]);
        let other_id = PublishedEntry { id: "other".into(), url: "https://example.org/a".into(), ..before.clone() };
        let differences = differences(std::slice::from_ref(&before), std::slice::from_ref(&other_id), 20);
        assert_eq!(
            differences,
            [Difference { kind: DifferenceKind::Duplicate, entry: other_id, before: Some(before) }]
        );
    }
}
