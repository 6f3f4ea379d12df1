//! Finds mailed issues that may have come back under another name: moved and edited at once, so that `identify` cannot
//! tell.
//!
//! Compares entries that were mailed and whose files are gone with issues that were never recorded. Too many matches are
//! better than too few, since an unanswered one is mailed to no one: a person says whether it is the same. Only old issues
//! that are the same in every respect are recognised without asking, as when a site is restructured. The limits were chosen
//! on the histories of 74 real publications with 13,117 issues: of 222 renamed ones they find 215, and 3 others.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use crate::identity::likeness::{TextSketch, TitleHash};
use crate::identity::lock::{Lock, LockEntry};
use crate::identity::{IssueFiles, address};
use crate::issue::Issue;

/// Titles recur: two with the same one are only compared if their dates are as close as this, or their texts alike.
const MAX_DAYS_OF_TITLE: TimeDelta = TimeDelta::days(62);
/// Of form letters, only neighbours are compared.
const MAX_DAYS_OF_TEXT: TimeDelta = TimeDelta::days(31);
/// From here on, two texts are nearly the same.
const MIN_SIMILARITY: f64 = 0.6;
/// Two issues of the same day, whose time is unknown, must have this much in common.
const MIN_SIMILARITY_OF_DAY: f64 = 0.2;

/// A match: the issue, and the entry it resembles.
pub(super) struct Match<'a> {
    /// Index of the issue.
    pub issue: usize,
    /// Path of the entry.
    pub path: &'a str,
    /// The entry.
    pub entry: &'a LockEntry,
    /// When it was mailed.
    pub mailed: DateTime<Utc>,
    /// Whether it is shown under the id of the entry: only one can be.
    pub has_id: bool,
    /// Whether it is the same issue without doubt, and too old to be mailed unasked.
    pub is_certain: bool,
}

/// A mailed entry whose file is gone.
#[derive(Clone, Copy)]
struct Gone<'a> {
    path: &'a str,
    entry: &'a LockEntry,
    mailed: DateTime<Utc>,
    /// Whether the newest mailing is so much later that no issue of its date is due.
    is_old: bool,
}

/// How much an issue resembles an entry.
#[derive(Clone, Copy)]
struct Resemblance {
    /// To find the best of several.
    score: f64,
    /// Whether title and date are the same, and the text nearly.
    is_certain: bool,
}

/// The matches, at most one per issue. `recorded` are the indexes of the issues with entries, `matched` their entries.
pub(super) fn matches<'a>(
    lock: &'a Lock,
    issues: &[Issue],
    recorded: &BTreeSet<usize>,
    matched: &BTreeSet<&str>,
    files: &IssueFiles<'_>,
) -> Vec<Match<'a>> {
    let mut gone = mailed_and_gone(lock, matched);
    if gone.is_empty() {
        return Vec::new();
    }
    let twins = twins(issues, recorded, &gone);
    gone.retain(|gone| !gone.entry.like.is_some_and(|like| twins.contains(&(like.title, gone.entry.published))));
    let index = Index::new(&gone);
    let mut found = Vec::new();
    for (at, issue) in issues.iter().enumerate() {
        let is_new = !recorded.contains(&at) && !issue.has_custom_id && !issue.draft && issue.is_dated();
        if is_new && !lock.entries.contains_key(&issue.path) {
            found.extend(index.resembling(issue, files).into_iter().map(|(gone, degree)| (degree, at, gone)));
        }
    }
    found.sort_by(|(one, ..), (other, ..)| other.score.total_cmp(&one.score));
    assign(&found)
}

/// The best entry for each issue; of several issues, the most similar has the id.
fn assign<'a>(found: &[(Resemblance, usize, Gone<'a>)]) -> Vec<Match<'a>> {
    let mut matches: BTreeMap<usize, Match<'a>> = BTreeMap::new();
    let mut given = BTreeSet::new();
    for (degree, at, gone) in found {
        if !matches.contains_key(at) && given.insert(gone.path) {
            matches.insert(*at, Match { is_certain: degree.is_certain && gone.is_old, ..gone.matched(*at, true) });
        }
    }
    for (_, at, gone) in found {
        matches.entry(*at).or_insert_with(|| gone.matched(*at, false));
    }
    matches.into_values().collect()
}

fn mailed_and_gone<'a>(lock: &'a Lock, matched: &BTreeSet<&str>) -> Vec<Gone<'a>> {
    let mut mailed: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    for (id, mailing) in lock.mailings.values().flatten() {
        let issues = mailing.digest.iter().flat_map(|digest| &digest.issues);
        for id in issues.chain([id]) {
            let first = mailed.entry(id.edition().0).or_insert(mailing.begun);
            *first = mailing.begun.min(*first);
        }
    }
    let newest = lock.mailings.values().flatten().map(|(_, mailing)| mailing.begun).max();
    let is_old = |date: DateTime<Utc>| newest.is_some_and(|newest| newest - date > MAX_DAYS_OF_TITLE);
    let gone = lock.entries.iter().filter(|(path, _)| !mailed.is_empty() && !matched.contains(path.as_str()));
    let when = |entry: &LockEntry| entry.ids().find_map(|id| mailed.get(id.as_str()).copied());
    let gone = gone
        .filter_map(|(path, entry)| Some(Gone { path, entry, mailed: when(entry)?, is_old: is_old(entry.published) }));
    gone.collect()
}

/// Title and date of the recorded issues that have those of an entry whose file is gone: that was renamed before, and a
/// person said so.
fn twins(issues: &[Issue], recorded: &BTreeSet<usize>, gone: &[Gone<'_>]) -> BTreeSet<(TitleHash, DateTime<Utc>)> {
    let mut by_day: BTreeMap<_, Vec<DateTime<Utc>>> = BTreeMap::new();
    for gone in gone {
        by_day.entry(gone.entry.published.date_naive()).or_default().push(gone.entry.published);
    }
    let mut twins = BTreeSet::new();
    for issue in recorded.iter().filter_map(|at| issues.get(*at)) {
        let Some(dates) = by_day.get(&issue.date.to_utc().date_naive()) else { continue };
        let title = TitleHash::of(&issue.plain_title());
        twins.extend(dates.iter().map(|date| (title, *date)));
    }
    twins
}

/// The entries by date and by title.
struct Index<'a> {
    by_date: BTreeMap<DateTime<Utc>, Vec<Gone<'a>>>,
    by_title: BTreeMap<TitleHash, Vec<Gone<'a>>>,
}

impl<'a> Index<'a> {
    fn new(gone: &[Gone<'a>]) -> Self {
        let mut index = Self { by_date: BTreeMap::new(), by_title: BTreeMap::new() };
        for gone in gone {
            index.by_date.entry(gone.entry.published).or_default().push(*gone);
            if let Some(like) = gone.entry.like {
                index.by_title.entry(like.title).or_default().push(*gone);
            }
        }
        index
    }

    /// The entries that an issue resembles, with the degree. Its body is read only if one is near.
    fn resembling(&self, issue: &Issue, files: &IssueFiles<'_>) -> Vec<(Gone<'a>, Resemblance)> {
        let (date, title) = (issue.date.to_utc(), TitleHash::of(&issue.plain_title()));
        let from = date.checked_sub_signed(MAX_DAYS_OF_TITLE).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let until = date.checked_add_signed(MAX_DAYS_OF_TITLE).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let near = self.by_date.range(from..=until).flat_map(|(_, gone)| gone);
        let near: BTreeMap<&str, &Gone<'a>> =
            near.chain(self.by_title.get(&title).into_iter().flatten()).map(|gone| (gone.path, gone)).collect();
        if near.is_empty() {
            return Vec::new();
        }
        let text = (files.body)(issue).map(|body| TextSketch::of(&body));
        let degree = |gone: &Gone<'a>| gone.resemblance(issue, title, text.as_ref()).map(|degree| (*gone, degree));
        // A file that is there, but not in this project or broken, was not renamed.
        near.into_values().filter_map(degree).filter(|(gone, _)| !(files.exists)(gone.path)).collect()
    }
}

impl<'a> Gone<'a> {
    fn matched(self, issue: usize, has_id: bool) -> Match<'a> {
        Match { issue, path: self.path, entry: self.entry, mailed: self.mailed, has_id, is_certain: false }
    }

    /// How much an issue with this title and text resembles the entry; `None` if it does not.
    fn resemblance(self, issue: &Issue, title: TitleHash, text: Option<&TextSketch>) -> Option<Resemblance> {
        let date = issue.date.to_utc();
        let distance = (date - self.entry.published).abs();
        let is_same_instant = distance.is_zero();
        let has_time = issue.date.time() != NaiveTime::MIN;
        let like = self.entry.like;
        let similarity = like.zip(text).map_or(0.0, |(like, text)| like.text.similarity(text));
        let are_long = like.zip(text).is_some_and(|(like, text)| like.text.is_long() && text.is_long());
        let is_same_title = like.is_some_and(|like| like.title.is_same(title));
        let is_same_address = address(self.entry.id.as_str()) == address(issue.permalink.as_str());
        let by_title = is_same_title && (distance <= MAX_DAYS_OF_TITLE || similarity >= MIN_SIMILARITY);
        let by_date = is_same_instant && (has_time || similarity >= MIN_SIMILARITY_OF_DAY);
        let by_text = are_long && similarity >= MIN_SIMILARITY && distance <= MAX_DAYS_OF_TEXT;
        // Such as `neap.md` that became `neap/index.md`.
        let by_address = is_same_address && distance <= MAX_DAYS_OF_TEXT;
        let is_alike = by_title || by_date || by_text || by_address;
        let score = similarity + f64::from(u8::from(is_same_title)) + f64::from(u8::from(is_same_instant));
        let is_certain = is_same_title && is_same_instant && similarity >= MIN_SIMILARITY;
        is_alike.then_some(Resemblance { score, is_certain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::lock::LockedMailing;
    use crate::identity::tests::{body, issue, published};
    use crate::identity::{BodyPrint, IssueFiles, identify, updated_lock};

    const DAY: &str = "date: 2026-01-01T10:00:00Z";
    const NEXT_DAY: &str = "date: 2026-01-02T10:00:00Z";

    /// The lock after these were published and mailed.
    fn mailed(issues: Vec<Issue>) -> Lock {
        let mut lock = published(issues);
        let mailing = LockedMailing {
            begun: "2026-01-01T12:00:00Z".parse().unwrap(),
            ended: None,
            recipients: 3,
            run: 1,
            store: "5f".to_owned(),
            digest: None,
        };
        let mailings = lock.entries.values().map(|entry| (entry.id.clone(), mailing.clone())).collect();
        lock.mailings.insert("slugline.yaml".to_owned(), mailings);
        lock
    }

    fn identified(lock: &Lock, mut issues: Vec<Issue>) -> Vec<Issue> {
        identify(lock, &mut issues, &IssueFiles { body: &body, exists: &|path| path == "broken.md" });
        issues
    }

    /// The issues that may be others: path, path of the other, id.
    fn renames(lock: &Lock, issues: Vec<Issue>) -> Vec<String> {
        let rename = |issue: &Issue| {
            let rename = issue.possible_rename.as_deref()?;
            let id = if issue.id == rename.id { "has its id" } else { "keeps its own id" };
            Some(format!("{} may be {} and {id}", issue.path, rename.path))
        };
        identified(lock, issues).iter().filter_map(rename).collect()
    }

    /// A front matter with this date and a body of these words.
    fn words(date: &str, words: std::ops::Range<u32>) -> String {
        let words: Vec<String> = words.map(|word| format!("{}", word.wrapping_mul(2_654_435_761))).collect();
        format!("{date}\ndescription: t {}", words.join(" "))
    }

    #[test]
    fn the_same_title_date_or_nearly_the_same_text_is_asked_about() {
        let lock = mailed(vec![issue("a.md", "One day", &words(DAY, 0..60))]);
        let asked = ["b.md may be a.md and has its id"];
        let title = issue("b.md", "one  DAY!", &words("date: 2026-02-20", 100..160));
        let date = issue("b.md", "Other", &words(DAY, 100..160));
        let text = issue("b.md", "Other", &words(NEXT_DAY, 1..60));
        for same in [title, date, text] {
            assert_eq!(renames(&lock, vec![same.clone()]), asked, "{same:?}");
        }
        let late_title = issue("b.md", "One day", &words("date: 2026-03-20", 100..160));
        let late_text = issue("b.md", "Other", &words("date: 2026-02-20", 1..60));
        let other = issue("b.md", "Other", &words(NEXT_DAY, 100..160));
        for other in [late_title, late_text, other] {
            assert_eq!(renames(&lock, vec![other.clone()]), [""; 0], "{other:?}");
        }
        let late_but_alike = issue("b.md", "One day", &words("date: 2027-03-20", 1..60));
        assert_eq!(renames(&lock, vec![late_but_alike]), asked);
    }

    #[test]
    fn a_day_without_time_needs_some_of_the_text() {
        let day = "date: 2026-01-01";
        let lock = mailed(vec![issue("a.md", "One", &words(day, 0..60))]);
        assert_eq!(renames(&lock, vec![issue("b.md", "Two", &words(day, 100..160))]), [""; 0]);
        let asked = ["b.md may be a.md and has its id"];
        assert_eq!(renames(&lock, vec![issue("b.md", "Two", &words(day, 20..80))]), asked);
    }

    #[test]
    fn a_short_text_is_not_compared_by_itself() {
        let lock = mailed(vec![issue("a.md", "One", &words(DAY, 0..2))]);
        assert_eq!(renames(&lock, vec![issue("b.md", "Two", &words(NEXT_DAY, 0..2))]), [""; 0]);
    }

    #[test]
    fn only_mailed_issues_that_are_gone_are_compared() {
        let a = || issue("a.md", "One", &words(DAY, 0..60));
        let b = || issue("b.md", "One", &words(NEXT_DAY, 1..60));
        assert_eq!(renames(&published(vec![a()]), vec![b()]), [""; 0], "never mailed");
        assert_eq!(renames(&mailed(vec![a()]), vec![a(), b()]), [""; 0], "still there");
        let broken = mailed(vec![issue("broken.md", "One", &words(DAY, 0..60))]);
        assert_eq!(renames(&broken, vec![b()]), [""; 0], "the file is there, but could not be read");
        let draft = issue("b.md", "One", &format!("{DAY}\ndraft: true"));
        assert_eq!(renames(&mailed(vec![a()]), vec![draft]), [""; 0]);
        let custom = issue("b.md", "One", &format!("{DAY}\nid: tag:example.org,2026:b"));
        assert_eq!(renames(&mailed(vec![a()]), vec![custom]), [""; 0]);
        let alias = issue("b.md", "One", &format!("{DAY}\naliases: /a/"));
        assert_eq!(renames(&mailed(vec![a()]), vec![alias]), [""; 0]);
    }

    #[test]
    fn an_entry_from_before_titles_were_recorded_is_compared_by_date() {
        let mut lock = mailed(vec![issue("a.md", "One", DAY)]);
        lock.entries.values_mut().for_each(|entry| entry.like = None);
        assert_eq!(renames(&lock, vec![issue("b.md", "Two", DAY)]), ["b.md may be a.md and has its id"]);
        assert_eq!(renames(&lock, vec![issue("b.md", "One", NEXT_DAY)]), [""; 0]);
    }

    #[test]
    fn two_renamed_at_once_are_told_apart_and_two_alike_are_both_held() {
        let of = |path, title, from| issue(path, title, &words(DAY, from..from + 60));
        let lock = mailed(vec![of("a.md", "One", 0), of("b.md", "Two", 100)]);
        let both = renames(&lock, vec![of("c.md", "Two", 101), of("d.md", "One", 1)]);
        assert_eq!(both, ["c.md may be b.md and has its id", "d.md may be a.md and has its id"]);
        let lock = mailed(vec![of("a.md", "One", 0)]);
        let both = renames(&lock, vec![of("c.md", "One", 20), of("d.md", "One", 1)]);
        assert_eq!(both, ["c.md may be a.md and keeps its own id", "d.md may be a.md and has its id"]);
    }

    #[test]
    fn the_question_stays_open_until_it_is_answered() {
        let lock = mailed(vec![issue("a.md", "One", &words(DAY, 0..60))]);
        let mut issues = identified(&lock, vec![issue("b.md", "One", &words(NEXT_DAY, 1..60))]);
        let record = |issues: &[Issue]| {
            let print = |issue| BodyPrint::of(&lock, issue, &body(issue).unwrap());
            updated_lock(&lock, issues, &issues.iter().map(|issue| (issue, print(issue))).collect::<Vec<_>>())
        };
        assert_eq!(record(&issues), (lock.clone(), Vec::new()), "nothing is recorded");
        issues[0].set_new();
        assert_eq!(issues[0].id.as_str(), "https://example.org/b/");
        let (answered, changes) = record(&issues);
        assert_eq!((answered.entries.len(), changes.len()), (2, 1));
        assert_eq!(renames(&answered, vec![issue("b.md", "One", &words(NEXT_DAY, 1..60))]), [""; 0]);
        // The old entry remains, but no issue of its title and day is asked about again.
        let after = vec![issue("b.md", "One", &words(DAY, 1..60)), issue("c.md", "One", &words(NEXT_DAY, 2..60))];
        assert_eq!(renames(&answered, after), [""; 0]);
    }

    #[test]
    fn old_issues_of_a_restructured_site_are_recognized_without_asking() {
        let of = |path, date, from| issue(path, "One", &words(date, from..60));
        let (old, young) = ("date: 2025-06-01", "date: 2025-12-01");
        let lock = mailed(vec![of("a.md", old, 0), of("b.md", young, 0)]);
        let issues = identified(&lock, vec![of("x/a.md", old, 1), of("x/b.md", young, 1)]);
        let ids: Vec<_> = issues.iter().map(|issue| (issue.id.as_str(), issue.possible_rename.is_some())).collect();
        assert_eq!(ids, [("https://example.org/a/", false), ("https://example.org/b/", true)]);
        let (lock, changes) = updated_lock(&lock, &issues, &[]);
        assert_eq!((changes.len(), lock.entries.contains_key("x/a.md")), (1, true));
    }

    #[test]
    fn the_answer_that_is_printed_is_understood() {
        for path in ["潮汐.md", "a b.md", "über-uns.md", "a.md"] {
            let lock = mailed(vec![issue(path, "One", &words(DAY, 0..60))]);
            let renamed = identified(&lock, vec![issue("b.md", "One", &words(DAY, 1..60))]).remove(0);
            let help = renamed.possible_rename.unwrap().help(&renamed.slug);
            let answer = help.split('`').nth(1).unwrap();
            assert!(!answer.contains('%'), "{answer}");
            let answered = issue("b.md", "One", &words(&format!("{DAY}\n{answer}"), 1..60));
            assert_eq!(renames(&lock, vec![answered]), [""; 0], "{answer}");
        }
    }

    #[test]
    fn a_file_that_became_a_folder_has_the_same_address() {
        let lock = mailed(vec![issue("a.md", "One", &words(DAY, 0..60))]);
        let folder = issue("a/index.md", "Two", &words(NEXT_DAY, 100..160));
        assert_eq!(renames(&lock, vec![folder]), ["a/index.md may be a.md and has its id"]);
        let later = issue("a/index.md", "Two", &words("date: 2026-02-20", 100..160));
        assert_eq!(renames(&lock, vec![later]), [""; 0]);
    }
}
