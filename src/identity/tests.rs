use std::cell::RefCell;

use chrono_tz::Tz;

use super::*;
use crate::content::addresses::Addresses;
use crate::content::assemble::{Source, assemble};
use crate::content::front_matter::split;
use crate::content::names::Names;
use crate::publication::Publication;

const DAY: &str = "date: 2026-01-01";

/// An issue with this path and front matter; its body is its description, else its title.
fn issue_at(base_url: &str, path: &str, front_matter: &str) -> Issue {
    let publication = Publication {
        title: "T".into(),
        description: String::new(),
        base_url: Url::parse(base_url).unwrap(),
        home: Url::parse(base_url).unwrap(),
        language: "en".into(),
        time_zone: Tz::UTC,
        author: None,
        copyright: None,
        icon: None,
        site: None,
    };
    let text = format!("---\n{front_matter}\n---\n");
    let block = split(path, text.as_bytes()).unwrap();
    let assembled =
        assemble(Source::of_path(path, path), &block, &publication, &Addresses::default(), &mut Names::default());
    assert_eq!(assembled.findings, []);
    assembled.issue.unwrap()
}

pub(super) fn issue(path: &str, title: &str, more: &str) -> Issue {
    issue_at("https://example.org/", path, &format!("title: {title}\n{more}"))
}

pub(super) fn body(issue: &Issue) -> Option<String> {
    (issue.title != "blank").then(|| issue.description.clone().unwrap_or_else(|| issue.title.clone()))
}

const FILES: IssueFiles<'_> = IssueFiles { body: &body, exists: &|_| false };

/// The lock after all of these were published.
pub(super) fn published(mut issues: Vec<Issue>) -> Lock {
    identify(&Lock::default(), &mut issues, &FILES);
    updated_lock(&Lock::default(), &issues, &shown(&issues)).0
}

fn shown(issues: &[Issue]) -> Vec<(&Issue, BodyPrint)> {
    let print = |issue| BodyPrint::of(&Lock::default(), issue, &body(issue).unwrap_or_default());
    issues.iter().map(|issue| (issue, print(issue))).collect()
}

/// The ids of these issues, and the changes to the lock when all are published.
fn next(lock: &Lock, mut issues: Vec<Issue>) -> (Vec<String>, Vec<String>) {
    identify(lock, &mut issues, &FILES);
    let (next, changes) = updated_lock(lock, &issues, &shown(&issues));
    assert_eq!(Lock::parse(&next.to_text()).unwrap(), next);
    let mut again = issues.clone();
    identify(&next, &mut again, &FILES);
    assert_eq!(again, issues, "the record is stable");
    assert_eq!(updated_lock(&next, &again, &shown(&again)), (next.clone(), Vec::new()));
    let word = |change: &Change| match &change.kind {
        ChangeKind::New => format!("{} new", change.path),
        ChangeKind::Edited => format!("{} edited", change.path),
        ChangeKind::Moved(from) => format!("{} from {from}", change.path),
        ChangeKind::Renamed(before) => format!("{} was {before}", change.path),
    };
    (issues.iter().map(|issue| issue.id.to_string()).collect(), changes.iter().map(word).collect())
}

fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

#[test]
fn slug_and_domain_change_the_link_but_not_the_id() {
    let lock = published(vec![issue("a.md", "one", DAY)]);
    let renamed = issue_at("https://new.example.net/", "a.md", &format!("title: one\n{DAY}\nslug: other"));
    assert_eq!(renamed.permalink.as_str(), "https://new.example.net/other/");
    assert_eq!(next(&lock, vec![renamed]), (strings(["https://example.org/a/"]), vec![]));
}

#[test]
fn an_edit_changes_the_hash_only() {
    let lock = published(vec![issue("a.md", "one", DAY)]);
    let edited = next(&lock, vec![issue("a.md", "two", DAY)]);
    assert_eq!(edited, (strings(["https://example.org/a/"]), strings(["a.md edited"])));
}

#[test]
fn a_moved_file_is_recognized_by_its_body_and_its_date_or_name() {
    let lock = published(vec![issue("a.md", "one", DAY)]);
    let (id, from) = (strings(["https://example.org/a/"]), |path: &str| vec![format!("{path} from a.md")]);
    assert_eq!(next(&lock, vec![issue("b.md", "one", DAY)]), (id.clone(), from("b.md")));
    let day = "date: 2026-01-02";
    assert_eq!(next(&lock, vec![issue("2026/a/index.md", "one", day)]), (id, from("2026/a/index.md")));
    let lock_of_jekyll = published(vec![issue("2026-01-01-a.md", "one", DAY)]);
    let put_off = next(&lock_of_jekyll, vec![issue("2026-01-02-a.md", "one", day)]);
    let expected = (strings(["https://example.org/2026-01-01-a/"]), strings(["2026-01-02-a.md from 2026-01-01-a.md"]));
    assert_eq!(put_off, expected, "the date in the name does not count");
    let other = next(&lock, vec![issue("b.md", "one", day)]);
    assert_eq!(other, (strings(["https://example.org/b/"]), strings(["b.md new"])));
}

#[test]
fn a_moved_file_is_recognized_by_an_alias_whatever_else_changed() {
    let lock = published(vec![issue("a.md", "one", DAY)]);
    for alias in ["/a/", "a", "https://example.org/a"] {
        let moved = issue_at(
            "https://new.example.net/",
            "b.md",
            &format!("title: two\ndate: 2026-02-02\naliases: [/x/, '{alias}']"),
        );
        let expected = (strings(["https://example.org/a/"]), strings(["b.md from a.md"]));
        assert_eq!(next(&lock, vec![moved]), expected, "{alias}");
    }
    let both = vec![issue("a.md", "one", DAY), issue("b.md", "two", &format!("{DAY}\naliases: /a/"))];
    assert_eq!(next(&lock, both).0, ["https://example.org/a/", "https://example.org/b/"]);
}

#[test]
fn an_ambiguous_match_is_a_new_issue() {
    let lock = published(vec![issue("a.md", "one", DAY), issue("b.md", "one", DAY)]);
    let ids = next(&lock, vec![issue("c.md", "one", DAY)]).0;
    assert_eq!(ids, ["https://example.org/c/"]);
    let lock = published(vec![issue("a.md", "one", DAY)]);
    let ids = next(&lock, vec![issue("b.md", "one", DAY), issue("c.md", "one", DAY)]).0;
    assert_eq!(ids, ["https://example.org/b/", "https://example.org/c/"]);
    let lock = published(vec![issue("a.md", "blank", DAY)]);
    assert_eq!(next(&lock, vec![issue("b.md", "blank", DAY)]).0, ["https://example.org/b/"]);
}

#[test]
fn a_reused_url_never_yields_the_same_id() {
    let lock = published(vec![issue("a.md", "one", DAY)]);
    let reused = issue("b.md", "two", "date: 2026-03-01\nslug: a");
    let (ids, changes) = next(&lock, vec![reused.clone()]);
    assert_eq!((ids, changes), (strings(["https://example.org/a/#2"]), strings(["b.md new"])));
    let renamed = issue("a.md", "one", &format!("{DAY}\nslug: z"));
    assert_eq!(next(&lock, vec![reused, renamed]).0, ["https://example.org/a/#2", "https://example.org/a/"]);
}

#[test]
fn a_file_that_replaced_a_moved_one_is_a_new_issue() {
    let lock = published(vec![issue("latest.md", "one", DAY)]);
    let after = vec![issue("latest.md", "two", "date: 2026-02-02"), issue("old/first.md", "one", DAY)];
    let expected = (
        strings(["https://example.org/latest/#2", "https://example.org/latest/"]),
        strings(["latest.md new", "old/first.md from latest.md"]),
    );
    assert_eq!(next(&lock, after), expected);
    let dated_anew = next(&lock, vec![issue("latest.md", "two", "date: 2026-02-02")]);
    assert_eq!(dated_anew, (strings(["https://example.org/latest/"]), strings(["latest.md edited"])));
}

#[test]
fn the_front_matter_takes_precedence_and_former_ids_are_not_reused() {
    let lock = published(vec![issue("a.md", "one", DAY)]);
    let own = issue("a.md", "one", &format!("{DAY}\nid: tag:example.org,2026:own"));
    let changing: Vec<_> =
        changing_ids(&lock, std::slice::from_ref(&own)).into_iter().map(|it| it.2.as_str()).collect();
    assert_eq!(changing, ["tag:example.org,2026:own"]);
    assert_eq!(
        next(&lock, vec![own.clone()]),
        (strings(["tag:example.org,2026:own"]), strings(["a.md was https://example.org/a/"]))
    );
    let (lock, _) = updated_lock(&lock, std::slice::from_ref(&own), &shown(std::slice::from_ref(&own)));
    assert!(changing_ids(&lock, std::slice::from_ref(&own)).is_empty());
    let ids = next(&lock, vec![issue("a.md", "one", &format!("{DAY}\nslug: z")), issue("b.md", "two", "slug: a")]).0;
    assert_eq!(ids, ["tag:example.org,2026:own", "https://example.org/a/#2"]);
    let moved = next(&lock, vec![issue("c.md", "other", "id: tag:example.org,2026:own")]);
    assert_eq!(moved, (strings(["tag:example.org,2026:own"]), strings(["c.md from a.md"])));
    let taken_up = next(&lock, vec![issue("a.md", "one", DAY), issue("b.md", "two", "id: https://example.org/a/")]);
    assert_eq!(taken_up.0, ["tag:example.org,2026:own", "https://example.org/a/"]);
}

#[test]
fn only_issues_in_outputs_are_recorded_and_only_candidates_are_read() {
    let mut issues = vec![issue("a.md", "one", DAY), issue("b.md", "two", DAY)];
    let read = RefCell::new(Vec::new());
    let noting = |issue: &Issue| {
        read.borrow_mut().push(issue.path.clone());
        body(issue)
    };
    let lock = updated_lock(&Lock::default(), &issues, &shown(&issues[..1])).0;
    assert_eq!(lock.entries.keys().collect::<Vec<_>>(), ["a.md"]);
    identify(&lock, &mut issues, &IssueFiles { body: &noting, ..FILES });
    assert_eq!(*read.borrow(), Vec::<String>::new());
    let mut after = vec![issue("c.md", "other", DAY), issue("d.md", "other", "date: 2026-01-02")];
    identify(&lock, &mut after, &IssueFiles { body: &noting, ..FILES });
    assert_eq!(*read.borrow(), ["c.md"]);
}

#[test]
fn a_moved_issue_outside_outputs_keeps_its_entry() {
    let lock = published(vec![issue("a.md", "one", DAY)]);
    let mut issues = vec![issue("a.md", "two", "date: 2026-02-02"), issue("b.md", "one", DAY)];
    identify(&lock, &mut issues, &FILES);
    let (next, changes) = updated_lock(&lock, &issues, &shown(&issues[..1]));
    let ids: Vec<(&str, &str)> =
        next.entries.iter().map(|(path, locked)| (path.as_str(), locked.id.as_str())).collect();
    assert_eq!(ids, [("a.md", "https://example.org/a/#2"), ("b.md", "https://example.org/a/")]);
    assert_eq!(changes.len(), 2);
}

/// A project at one time: slug, text, date and alias by file name, with few values, so that they collide.
type State = std::collections::BTreeMap<u8, (u8, u8, u8, Option<u8>)>;

fn project(state: &State) -> Vec<Issue> {
    let mut slugs = BTreeSet::new();
    let files = state.iter().filter(|(_, (slug, ..))| slugs.insert(*slug));
    let file = |(name, (slug, text, day, alias)): (&u8, &(u8, u8, u8, Option<u8>))| {
        let alias = alias.map_or_else(String::new, |alias| format!("\naliases: /s{alias}/"));
        issue(&format!("{name}.md"), &format!("t{text}"), &format!("date: 2026-01-0{}\nslug: s{slug}{alias}", day + 1))
    };
    files.map(file).collect()
}

proptest::proptest! {
    #[test]
    fn ids_are_unique_and_never_forgotten(
        states in proptest::collection::vec(
            proptest::collection::btree_map(
                0_u8..5, (0_u8..5, 0_u8..3, 0_u8..2, proptest::option::of(0_u8..5)), 0..5,
            ),
            1..5,
        ),
    ) {
        let mut lock = Lock::default();
        for state in &states {
            let mut issues = project(state);
            identify(&lock, &mut issues, &FILES);
            let ids: BTreeSet<&IssueId> = issues.iter().map(|issue| &issue.id).collect();
            proptest::prop_assert_eq!(ids.len(), issues.len());
            let (next, _) = updated_lock(&lock, &issues, &shown(&issues));
            proptest::prop_assert!(lock.ids().all(|id| next.ids().any(|kept| kept == id)));
            proptest::prop_assert_eq!(&Lock::parse(&next.to_text()).unwrap(), &next);
            for issue in &issues {
                proptest::prop_assert_eq!(&next.entries[&issue.path].id, &issue.id);
            }
            let mut again = issues.clone();
            identify(&next, &mut again, &FILES);
            proptest::prop_assert_eq!(&again, &issues);
            lock = next;
        }
    }
}

#[test]
fn a_path_with_composed_letters_is_the_same() {
    let (composed, decomposed) = ("caf\u{e9}.md", "cafe\u{301}.md");
    let id = |path: &str| issue(path, "one", DAY).id.to_string();
    for (before, after) in [(composed, decomposed), (decomposed, composed)] {
        let lock = published(vec![issue(before, "one", DAY)]);
        let edited = issue(after, "two", DAY);
        assert_eq!(next(&lock, vec![edited]), (vec![id(before)], vec![format!("{after} from {before}")]));
    }
    let lock = published(vec![issue(composed, "one", DAY)]);
    let both = vec![issue(composed, "one", DAY), issue(decomposed, "two", DAY)];
    assert_eq!(next(&lock, both).1, [format!("{decomposed} new")], "two files are two issues");
}
