//! Plans which feeds a build makes, where each is written, which issues it contains, and how they are linked.
//!
//! Takes the issues, the options of feeds and the time; returns the plans in build order. `Feed` builds the entries;
//! `publish` reads and renders the issues.

use chrono::{DateTime, Utc};
use url::Url;

use crate::content::url_path::absolute;
use crate::feed::archive::{ArchiveDocument, archives};
use crate::feed::options::{Archive, Options, Taxonomy};
use crate::feed::term::{TermIssues, terms_of};
use crate::issue::Issue;
use crate::publication::Publication;

/// Folder of the archive documents.
pub const ARCHIVES: &str = "archive";

/// A feed to build, in every format.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedPlan<'a> {
    /// What the feed covers.
    pub kind: FeedKind,
    /// Folder below `output` and the base URL: empty, or ending in `/`. Not percent-encoded.
    pub folder: String,
    /// Title of the feed.
    pub title: String,
    /// BCP 47 tag.
    pub language: String,
    /// The page that the feed belongs to.
    pub home: Url,
    /// Permanent id; an archive document has that of its feed.
    pub id: Url,
    /// Newest first.
    pub issues: Vec<&'a Issue>,
    /// Issues, counted from the newest, that the feed must contain: archive documents will contain them, but none does yet.
    pub unarchived: usize,
    /// Bytes of each file before older issues become summaries, then are left out; `None`: no limit.
    pub max_bytes: Option<usize>,
    /// For an archive document: the folder of its feed.
    pub current: Option<String>,
    /// Folder of the newest archive document with older issues.
    pub prev_archive: Option<String>,
}

/// What a feed covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedKind {
    /// The newest issues.
    Main,
    /// Older issues: an archive document, which no longer changes.
    Archive,
    /// The newest issues of one term.
    Term(Taxonomy),
}

/// The feeds to build from these issues at `now`: archive documents, oldest first, so that each is written before what
/// links to it; the main feed; then one feed per term. Repeated for each language of the publication.
pub fn feed_plans<'a>(
    publications: &[&Publication],
    feeds: &Options,
    issues: &'a [Issue],
    now: DateTime<Utc>,
) -> Vec<FeedPlan<'a>> {
    let sites = publications.iter().map(|publication| Site::new(feeds, publication));
    sites.flat_map(|site| site.feed_plans(issues, now)).collect()
}

/// What the feeds of one language have in common.
struct Site<'c> {
    feeds: &'c Options,
    publication: &'c Publication,
    folder: String,
}

impl<'c> Site<'c> {
    fn new(feeds: &'c Options, publication: &'c Publication) -> Self {
        let folder = publication.site.as_ref().map_or_else(String::new, |site| format!("{site}/"));
        Self { feeds, publication, folder }
    }

    fn feed_plans<'a>(&self, issues: &'a [Issue], now: DateTime<Utc>) -> Vec<FeedPlan<'a>> {
        let is_placed = |issue: &&Issue| {
            let is_of_site = issue.feed && !issue.is_backfilled && issue.site == self.publication.site;
            is_of_site && issue.was_published(now)
        };
        let placed: Vec<&Issue> = issues.iter().filter(is_placed).collect();
        let shown: Vec<&Issue> = placed.iter().filter(|issue| issue.is_published(now)).copied().collect();
        let archives = archives(self.feeds.archive, &placed, self.publication.time_zone, now);
        let mut plans = Vec::new();
        for (at, archive) in archives.iter().enumerate() {
            plans.push(self.archive(archive, at.checked_sub(1).map(|older| &archives[older])));
        }
        plans.push(self.main(&shown, &archives));
        for taxonomy in &self.feeds.by {
            plans.extend(terms_of(*taxonomy, &shown).into_iter().map(|listed| self.term(*taxonomy, listed)));
        }
        plans
    }

    /// With archive documents, the feed contains every issue that none of them has yet, however many.
    fn main<'a>(&self, shown: &[&'a Issue], archives: &[ArchiveDocument<'a>]) -> FeedPlan<'a> {
        let newest = shown.len().min(self.limit());
        let plan = |number: usize| self.plan(FeedKind::Main, self.folder.clone(), shown[..number].to_vec());
        if self.feeds.archive == Archive::Off {
            return plan(newest);
        }
        let unarchived = shown.len() - archives.iter().map(|archive| archive.issues.len()).sum::<usize>();
        let prev_archive = archives.last().map(|archive| self.folder_of(archive));
        FeedPlan { unarchived, prev_archive, ..plan(newest.max(unarchived)) }
    }

    /// No `next-archive`: it would have to be added to a document that must not change.
    fn archive<'a>(&self, archive: &ArchiveDocument<'a>, older: Option<&ArchiveDocument<'_>>) -> FeedPlan<'a> {
        FeedPlan {
            max_bytes: None,
            current: Some(self.folder.clone()),
            prev_archive: older.map(|older| self.folder_of(older)),
            folder: self.folder_of(archive),
            ..self.plan(FeedKind::Archive, self.folder.clone(), archive.issues.clone())
        }
    }

    fn term<'a>(&self, taxonomy: Taxonomy, listed: TermIssues<'a>) -> FeedPlan<'a> {
        let folder = format!("{}{}/{}/", self.folder, taxonomy.name(), listed.name);
        let issues = listed.issues.into_iter().take(self.limit()).collect();
        let plan = self.plan(FeedKind::Term(taxonomy), folder, issues);
        let home = match taxonomy {
            // Hugo makes pages for categories and tags, not for authors.
            Taxonomy::Categories | Taxonomy::Tags => plan.home,
            Taxonomy::Authors => listed.page.unwrap_or_else(|| self.url(&self.folder)),
        };
        FeedPlan { title: format!("{}: {}", self.publication.title, listed.term), home, ..plan }
    }

    fn plan<'a>(&self, kind: FeedKind, folder: String, issues: Vec<&'a Issue>) -> FeedPlan<'a> {
        let feeds = self.feeds;
        let url = self.url(&folder);
        let home = if self.feeds.have_archive_pages { self.publication.home.clone() } else { url.clone() };
        FeedPlan {
            kind,
            title: self.publication.title.clone(),
            language: self.publication.language.clone(),
            home,
            id: url,
            unarchived: 0,
            issues,
            max_bytes: feeds.max_bytes,
            current: None,
            prev_archive: None,
            folder,
        }
    }

    fn limit(&self) -> usize {
        if self.feeds.limit == 0 { usize::MAX } else { self.feeds.limit }
    }

    fn folder_of(&self, archive: &ArchiveDocument<'_>) -> String {
        format!("{}{ARCHIVES}/{}/", self.folder, archive.name)
    }

    fn url(&self, folder: &str) -> Url {
        absolute(&self.publication.base_url, folder)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::content::assemble::{Source, assemble};
    use crate::content::front_matter::split;
    use crate::content::names::Names;

    fn of_project<'a>(config: &Config, issues: &'a [Issue], now: DateTime<Utc>) -> Vec<FeedPlan<'a>> {
        feed_plans(&config.publications(), &config.feeds, issues, now)
    }

    pub(in crate::feed) fn config(feeds: &str) -> Config {
        let text = format!("title: T\nbase_url: https://example.org/n\ntimezone: Asia/Shanghai\nfeeds: {{{feeds}}}\n");
        Config::parse("slugline.yaml", &text).unwrap()
    }

    pub(in crate::feed) fn issue(path: &str, fields: &str) -> Issue {
        let text = format!("---\ntitle: t\n{fields}\n---\n");
        let source = Source::of_path(path, path);
        let config = config("");
        let block = split(path, text.as_bytes()).unwrap();
        assemble(source, &block, &config.publication, &config.permalink, &mut Names::default()).issue.unwrap()
    }

    /// Issues `0.md` and so on of these dates, in the order of `load`.
    fn issues(dates: &[&str]) -> Vec<Issue> {
        let numbered = dates.iter().enumerate();
        ordered(numbered.map(|(at, date)| issue(&format!("{at}.md"), &format!("date: {date}"))).collect())
    }

    fn ordered(mut issues: Vec<Issue>) -> Vec<Issue> {
        issues.sort_by(|a, b| b.date.cmp(&a.date).then_with(|| a.path.cmp(&b.path)));
        issues
    }

    fn now() -> DateTime<Utc> {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    /// Folder, number of unarchived issues, paths of the issues, folder of the previous archive document.
    fn shown(plans: &[FeedPlan<'_>]) -> Vec<(String, usize, String, Option<String>)> {
        let paths = |plan: &FeedPlan<'_>| {
            let names: Vec<&str> = plan.issues.iter().map(|issue| issue.path.trim_end_matches(".md")).collect();
            names.join(" ")
        };
        let line =
            |one: &FeedPlan<'_>| (one.folder.clone(), one.unarchived, paths(one), one.prev_archive.as_ref().cloned());
        plans.iter().map(line).collect()
    }

    fn line(
        folder: &str,
        unarchived: usize,
        paths: &str,
        older: Option<&str>,
    ) -> (String, usize, String, Option<String>) {
        (folder.to_owned(), unarchived, paths.to_owned(), older.map(str::to_owned))
    }

    #[test]
    fn without_archives_only_the_newest_are_shown() {
        let issues = issues(&["2024-05-01", "2025-05-01", "2026-05-01", "2026-07-01"]);
        assert_eq!(shown(&of_project(&config("limit: 2"), &issues, now())), [line("", 0, "2 1", None)]);
        assert_eq!(shown(&of_project(&config("limit: 0"), &issues, now())), [line("", 0, "2 1 0", None)]);
    }

    #[test]
    fn a_year_is_archived_once_it_is_over_in_the_time_zone_of_the_publication() {
        // 2025-12-31T17:00Z is in 2026 in Shanghai; 2023 has no issue.
        let dates = ["2022-05-01", "2024-05-01", "2025-05-01", "2025-12-31T17:00:00Z", "2026-02-01", "2026-03-01"];
        assert_eq!(
            shown(&of_project(&config("limit: 1, archive: year"), &issues(&dates), now())),
            [
                line("archive/2022/", 0, "0", None),
                line("archive/2024/", 0, "1", Some("archive/2022/")),
                line("archive/2025/", 0, "2", Some("archive/2024/")),
                line("", 3, "5 4 3", Some("archive/2025/")),
            ]
        );
        let new_year = "2026-12-31T16:00:00Z".parse().unwrap();
        let issues = issues(&dates);
        let plans = of_project(&config("limit: 1, archive: year"), &issues, new_year);
        assert_eq!(shown(&plans).last(), Some(&line("", 0, "5", Some("archive/2026/"))));
    }

    #[test]
    fn a_year_with_many_issues_has_several_archives() {
        let dates: Vec<String> =
            (0..201).map(|hour| format!("2025-01-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24)).collect();
        let issues = issues(&dates.iter().map(String::as_str).collect::<Vec<_>>());
        let plans = of_project(&config("archive: year"), &issues, now());
        let line = |one: &FeedPlan<'_>| (one.folder.clone(), one.issues.len(), one.issues[0].path.clone());
        let expected =
            [("archive/2025/", 100, "99.md"), ("archive/2025-2/", 100, "199.md"), ("archive/2025-3/", 1, "200.md")];
        let expected = expected.map(|(folder, issues, newest)| (folder.to_owned(), issues, newest.to_owned()));
        assert_eq!(plans.iter().take(3).map(line).collect::<Vec<_>>(), expected);
        assert_eq!(plans[3].prev_archive.as_deref(), Some("archive/2025-3/"));
    }

    #[test]
    fn archives_of_n_issues_are_counted_from_the_oldest() {
        let dates = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"];
        let lines = |issues: &[Issue]| shown(&of_project(&config("limit: 2, archive: 2"), issues, now()));
        let mut issues = issues(&dates);
        let older = line("archive/1/", 0, "1 0", None);
        let newer = line("archive/2/", 0, "3 2", Some("archive/1/"));
        assert_eq!(lines(&issues), [older, newer.clone(), line("", 1, "4 3", Some("archive/2/"))]);
        // An expired issue is gone, and no boundary moved.
        issues[4].expires = Some(issues[4].date + chrono::Duration::days(1));
        assert_eq!(lines(&issues)[..2], [line("archive/1/", 0, "1", None), newer]);
    }

    #[test]
    fn an_archive_links_to_its_feed_and_shares_its_id() {
        let issues = issues(&["2025-05-01", "2026-05-01"]);
        let config = config("archive: year, max_bytes: 9");
        let plans = of_project(&config, &issues, now());
        let [archive, main] = plans.as_slice() else { panic!("{plans:?}") };
        assert_eq!((archive.kind, archive.current.as_deref(), archive.max_bytes), (FeedKind::Archive, Some(""), None));
        assert_eq!((main.kind, main.current.as_deref(), main.max_bytes), (FeedKind::Main, None, Some(9)));
        assert_eq!((archive.id.as_str(), &archive.id), ("https://example.org/n/", &main.id));
    }

    #[test]
    fn terms_have_feeds_with_their_own_titles_and_pages() {
        let issues = ordered(vec![
            issue(
                "a.md",
                "date: 2026-01-01\ncategories: 潮汐\ntags: [Service Mesh, C#]\nauthors: [{name: 海, url: /sea/}]",
            ),
            issue("b.md", "date: 2026-01-02\ncategories: [潮汐, 潮汐]\nauthor: Ann"),
            issue("c.md", "date: 2026-01-03\ncategories: 潮汐\nfeed: false"),
        ]);
        let plans = of_project(&config("by: [tags, categories, authors], limit: 1"), &issues, now());
        let line = |one: &FeedPlan<'_>| format!("{} {} {} {}", one.folder, one.title, one.home, one.issues[0].path);
        assert_eq!(
            plans.iter().skip(1).map(line).collect::<Vec<_>>(),
            [
                "categories/潮汐/ T: 潮汐 https://example.org/n/categories/%E6%BD%AE%E6%B1%90/ b.md",
                "tags/c#/ T: C# https://example.org/n/tags/c%23/ a.md",
                "tags/service-mesh/ T: Service Mesh https://example.org/n/tags/service-mesh/ a.md",
                "authors/ann/ T: Ann https://example.org/n/ b.md",
                "authors/海/ T: 海 https://example.org/n/sea/ a.md",
            ]
        );
    }

    /// The paths of all issues reachable from the main feed through its archive documents.
    fn reachable(plans: &[FeedPlan<'_>]) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut here = plans.iter().find(|one| one.kind == FeedKind::Main);
        for _ in 0..plans.len() {
            let Some(plan) = here else { return seen };
            seen.extend(plan.issues.iter().map(|issue| issue.path.clone()));
            here = plans.iter().find(|one| Some(&one.folder) == plan.prev_archive.as_ref());
        }
        assert_eq!(here, None, "the archives form a cycle");
        seen
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_issue_is_lost_and_no_archive_changes(
            days in proptest::collection::vec(0..1500_u16, 1..40),
            limit in 1..8_usize,
            archive in prop_oneof![Just("year".to_owned()), (1..9_usize).prop_map(|number| number.to_string())],
        ) {
            let first: DateTime<Utc> = "2021-01-01T00:00:00Z".parse().unwrap();
            let date = |day: u16| (first + chrono::Duration::days(day.into())).to_rfc3339();
            let dated = |(at, day): (usize, &u16)| issue(&format!("{at}.md"), &format!("date: {}", date(*day)));
            let all = ordered(days.iter().enumerate().map(dated).collect());
            let config = config(&format!("limit: {limit}, archive: {archive}"));
            let mut before: Vec<FeedPlan<'_>> = Vec::new();
            for number in 1..=all.len() {
                // Published one after the other, as in practice.
                let there = &all[all.len() - number..];
                let now = there[0].date.to_utc();
                let plans = of_project(&config, there, now);
                prop_assert_eq!(reachable(&plans).len(), number);
                let archives: Vec<FeedPlan<'_>> =
                    plans.into_iter().filter(|one| one.kind == FeedKind::Archive).collect();
                prop_assert_eq!(&archives[..before.len()], &before[..]);
                before = archives;
            }
        }
    }
}
