//! What changes for subscribers when a feed takes the place of the one that is published.
//!
//! Takes the entries of both, read from the same format by the same reader; gives the differences, new feed first. A
//! reader program knows an entry by its id and remembers what it has shown; so the words are those of what it then does.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::feed::published::Shown;

/// One difference of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What is different.
    pub kind: Kind,
    /// The entry as it will be; of one that drops out, as it is.
    pub entry: Shown,
    /// The entry as it is published, where subscribers have it.
    pub before: Option<Shown>,
}

/// What subscribers see of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An entry newer than all that are published.
    New,
    /// The text changed and `updated` did not: most readers never show it.
    Edited,
    /// The text changed, and `updated` says so.
    Updated,
    /// An entry older than the newest that is published appears as a new one.
    Resurfaced,
    /// An entry is gone, though newer ones did not push it out.
    Dropped,
    /// An entry has another date.
    Redated,
    /// An entry has another link.
    Relinked,
    /// A link that subscribers have comes again under another id: they see the issue twice.
    Duplicate,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 8] = [
        Kind::New,
        Kind::Edited,
        Kind::Updated,
        Kind::Resurfaced,
        Kind::Dropped,
        Kind::Redated,
        Kind::Relinked,
        Kind::Duplicate,
    ];

    /// Its word on the command line and in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::New => "new",
            Kind::Edited => "edited",
            Kind::Updated => "updated",
            Kind::Resurfaced => "resurfaced",
            Kind::Dropped => "dropped",
            Kind::Redated => "redated",
            Kind::Relinked => "relinked",
            Kind::Duplicate => "duplicate",
        }
    }
}

/// The differences: those of entries that stay or come in the order of the new feed, then those of entries that go.
/// `limit` is how many entries the new feed may have; 0: any number.
pub fn differences(published: &[Shown], next: &[Shown], limit: usize) -> Vec<Difference> {
    let known: BTreeMap<&str, &Shown> = published.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let links: BTreeMap<&str, &Shown> =
        published.iter().filter(|entry| !entry.url.is_empty()).map(|entry| (link(entry), entry)).collect();
    let newest = published.iter().filter_map(|entry| entry.published).max();
    let mut differences = Vec::new();
    for entry in next {
        let found = match known.get(entry.id.as_str()) {
            Some(before) => changes(before, entry).into_iter().map(|kind| (kind, Some(*before))).collect(),
            None => vec![arrival(entry, links.get(link(entry)).copied(), newest)],
        };
        let difference =
            |(kind, before): (Kind, Option<&Shown>)| Difference { kind, entry: entry.clone(), before: before.cloned() };
        differences.extend(found.into_iter().map(difference));
    }
    let gone = dropped(published, next, limit);
    differences.extend(gone.map(|entry| Difference { kind: Kind::Dropped, entry: entry.clone(), before: None }));
    differences
}

/// What changed of an entry that stays.
fn changes(before: &Shown, after: &Shown) -> Vec<Kind> {
    let text = |entry: &Shown| [&entry.title, &entry.summary, &entry.content].map(|text| text.trim().to_owned());
    let mut kinds = Vec::new();
    if text(before) != text(after) {
        kinds.push(if after.updated > before.updated { Kind::Updated } else { Kind::Edited });
    }
    if before.published != after.published {
        kinds.push(Kind::Redated);
    }
    if link(before) != link(after) {
        kinds.push(Kind::Relinked);
    }
    kinds
}

/// What an entry is that subscribers do not have under its id.
fn arrival<'a>(
    entry: &Shown,
    same_link: Option<&'a Shown>,
    newest: Option<DateTime<Utc>>,
) -> (Kind, Option<&'a Shown>) {
    match same_link {
        Some(before) => (Kind::Duplicate, Some(before)),
        None if entry.published.is_some_and(|date| Some(date) < newest) => (Kind::Resurfaced, None),
        None => (Kind::New, None),
    }
}

fn dropped<'a>(published: &'a [Shown], next: &'a [Shown], limit: usize) -> impl Iterator<Item = &'a Shown> {
    let ids: BTreeSet<&str> = next.iter().map(|entry| entry.id.as_str()).collect();
    let links: BTreeSet<&str> = next.iter().map(link).collect();
    let is_full = limit > 0 && next.len() >= limit;
    let oldest = next.iter().filter_map(|entry| entry.published).min();
    let is_pushed_out = move |entry: &Shown| is_full && entry.published <= oldest;
    published
        .iter()
        .filter(move |entry| !ids.contains(entry.id.as_str()) && !links.contains(link(entry)))
        .filter(move |entry| !is_pushed_out(entry))
}

/// A slash at the end does not make another page of it.
fn link(entry: &Shown) -> &str {
    entry.url.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, day: u32) -> Shown {
        let date: DateTime<Utc> = format!("2026-11-{day:02}T08:00:00Z").parse().unwrap();
        Shown {
            id: format!("id-{name}"),
            url: format!("https://example.org/{name}/"),
            title: name.to_owned(),
            summary: String::new(),
            content: format!("<p>{name}</p>"),
            published: Some(date),
            updated: Some(date),
        }
    }

    fn found(published: &[Shown], next: &[Shown], limit: usize) -> Vec<String> {
        let found = differences(published, next, limit);
        found.iter().map(|one| format!("{} {}", one.kind.as_str(), one.entry.id)).collect()
    }

    #[test]
    fn the_same_feed_differs_in_nothing() {
        let feed = [entry("b", 2), entry("a", 1)];
        assert_eq!(differences(&feed, &feed, 2), []);
    }

    #[test]
    fn what_comes_is_new_or_resurfaces() {
        let published = [entry("c", 3), entry("a", 1)];
        let next = [entry("d", 4), entry("c", 3), entry("b", 2), entry("a", 1)];
        assert_eq!(found(&published, &next, 20), ["new id-d", "resurfaced id-b"]);
        assert_eq!(found(&[], &next[..1], 20), ["new id-d"]);
    }

    #[test]
    fn what_goes_drops_out_unless_newer_ones_push_it_out() {
        let published = [entry("c", 3), entry("b", 2), entry("a", 1)];
        assert_eq!(found(&published, &[entry("d", 4), entry("c", 3), entry("b", 2)], 3), ["new id-d"]);
        assert_eq!(found(&published, &[entry("c", 3), entry("b", 2)], 3), ["dropped id-a"]);
        assert_eq!(found(&published, &[entry("d", 4), entry("c", 3), entry("a", 1)], 3), ["new id-d", "dropped id-b"]);
        assert_eq!(found(&published, &[entry("c", 3), entry("b", 2)], 0), ["dropped id-a"]);
    }

    #[test]
    fn an_edit_is_honest_or_silent() {
        let before = entry("a", 1);
        let silent = Shown { content: "<p>other</p>".into(), ..before.clone() };
        let honest = Shown { updated: entry("a", 2).updated, title: "A".into(), ..before.clone() };
        let [before, silent, honest] = [[before], [silent], [honest]];
        assert_eq!(found(&before, &silent, 20), ["edited id-a"]);
        assert_eq!(found(&before, &honest, 20), ["updated id-a"]);
        assert_eq!(found(&honest, &before, 20), ["edited id-a"], "`updated` went back");
        let undated = |entry: &Shown| [Shown { updated: None, ..entry.clone() }];
        assert_eq!(found(&undated(&before[0]), &undated(&silent[0]), 20), ["edited id-a"], "RSS cannot say");
    }

    #[test]
    fn another_date_another_link_another_id() {
        let before = entry("a", 1);
        let redated =
            Shown { published: entry("a", 9).published, url: "https://example.org/z".into(), ..before.clone() };
        assert_eq!(found(std::slice::from_ref(&before), &[redated], 20), ["redated id-a", "relinked id-a"]);
        let other_id = Shown { id: "other".into(), url: "https://example.org/a".into(), ..before.clone() };
        let differences = differences(std::slice::from_ref(&before), std::slice::from_ref(&other_id), 20);
        assert_eq!(differences, [Difference { kind: Kind::Duplicate, entry: other_id, before: Some(before) }]);
    }
}
