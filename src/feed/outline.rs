//! Outlines: which feeds a build makes, where each lies, which issues it holds, and how they are linked.
//!
//! Takes the issues, the options of feeds and the time; gives the outlines in the order they are built. What an entry looks
//! like is left to `Feed`, reading and rendering the issues to `publish`.

use chrono::{DateTime, Utc};
use url::Url;

use crate::content::permalink::absolute;
use crate::feed::archive::{Cut, cuts};
use crate::feed::options::{Archive, Family, Options};
use crate::feed::term::{Listed, listed};
use crate::issue::{Extent, Issue};
use crate::publication::Publication;

/// The folder of the archives.
pub const ARCHIVES: &str = "archive";

/// One feed to be made, in every format.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline<'a> {
    /// What the feed is of.
    pub kind: Kind,
    /// Folder below `output` and below the base URL: empty, or it ends in `/`. Not percent-encoded.
    pub folder: String,
    /// Title of the feed.
    pub title: String,
    /// BCP 47 tag.
    pub language: String,
    /// The page that the feed is the feed of.
    pub home: Url,
    /// The feed's name that never changes. An archive has that of its feed.
    pub id: Url,
    /// Newest first.
    pub issues: Vec<&'a Issue>,
    /// How many of the issues, counted from the newest, are in no archive: the feed has to show these.
    pub unarchived: usize,
    /// Bytes of full text before older issues become summaries; `None`: no limit.
    pub max_bytes: Option<usize>,
    /// For an archive: the folder of the feed whose archive it is.
    pub current: Option<String>,
    /// The folder of the newest archive with older issues.
    pub prev_archive: Option<String>,
}

/// What a feed is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The newest issues.
    Main,
    /// Older issues; it does not change any more.
    Archive,
    /// The newest issues of one term.
    Term(Family),
}

/// The feeds that a build makes of these issues at `now`: archives, the oldest first, so that what links to an archive is
/// written after it; the main feed; then one feed per term. All that for the publication in each of its languages.
pub fn outlines<'a>(
    publications: &[&Publication],
    feeds: &Options,
    issues: &'a [Issue],
    now: DateTime<Utc>,
) -> Vec<Outline<'a>> {
    let sites = publications.iter().map(|publication| Site::new(feeds, publication));
    sites.flat_map(|site| site.outlines(issues, now)).collect()
}

/// What all feeds of one language have in common.
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

    fn outlines<'a>(&self, issues: &'a [Issue], now: DateTime<Utc>) -> Vec<Outline<'a>> {
        let is_placed = |issue: &&Issue| issue.feed && issue.site == self.publication.site && issue.was_published(now);
        let placed: Vec<&Issue> = issues.iter().filter(is_placed).collect();
        let shown: Vec<&Issue> = placed.iter().filter(|issue| issue.is_published(now)).copied().collect();
        let cuts = cuts(self.feeds.archive, &placed, self.publication.time_zone, now);
        let mut outlines = Vec::new();
        for (at, cut) in cuts.iter().enumerate() {
            outlines.push(self.archive(cut, at.checked_sub(1).map(|older| &cuts[older])));
        }
        outlines.push(self.main(&shown, &cuts));
        for family in &self.feeds.by {
            outlines.extend(listed(*family, &shown).into_iter().map(|listed| self.term(*family, listed)));
        }
        outlines
    }

    /// Where older issues are archived, the feed holds every issue that no archive has yet, however many these are.
    fn main<'a>(&self, shown: &[&'a Issue], cuts: &[Cut<'a>]) -> Outline<'a> {
        let newest = shown.len().min(self.limit());
        let outline = |number: usize| self.outline(Kind::Main, self.folder.clone(), shown[..number].to_vec());
        if self.feeds.archive == Archive::Off {
            return outline(newest);
        }
        let unarchived = shown.len() - cuts.iter().map(|cut| cut.issues.len()).sum::<usize>();
        let prev_archive = cuts.last().map(|cut| self.folder_of(cut));
        Outline { unarchived, prev_archive, ..outline(newest.max(unarchived)) }
    }

    /// No `next-archive`: it would have to be added to an archive that is not to change any more.
    fn archive<'a>(&self, cut: &Cut<'a>, older: Option<&Cut<'_>>) -> Outline<'a> {
        Outline {
            max_bytes: None,
            current: Some(self.folder.clone()),
            prev_archive: older.map(|older| self.folder_of(older)),
            folder: self.folder_of(cut),
            ..self.outline(Kind::Archive, self.folder.clone(), cut.issues.clone())
        }
    }

    fn term<'a>(&self, family: Family, listed: Listed<'a>) -> Outline<'a> {
        let folder = format!("{}{}/{}/", self.folder, family.name(), listed.name);
        let issues = listed.issues.into_iter().take(self.limit()).collect();
        let outline = self.outline(Kind::Term(family), folder, issues);
        let home = match family {
            // Hugo makes pages for categories and tags, not for authors.
            Family::Categories | Family::Tags => outline.home,
            Family::Authors => listed.page.unwrap_or_else(|| self.url(&self.folder)),
        };
        Outline { title: format!("{}: {}", self.publication.title, listed.term), home, ..outline }
    }

    fn outline<'a>(&self, kind: Kind, folder: String, issues: Vec<&'a Issue>) -> Outline<'a> {
        let feeds = self.feeds;
        let url = self.url(&folder);
        let home = if self.feeds.have_archive_pages { self.publication.home.clone() } else { url.clone() };
        Outline {
            kind,
            title: self.publication.title.clone(),
            language: self.publication.language.clone(),
            home,
            id: url,
            unarchived: issues.len(),
            issues,
            max_bytes: feeds.max_bytes.filter(|_| feeds.content == Extent::Full),
            current: None,
            prev_archive: None,
            folder,
        }
    }

    fn limit(&self) -> usize {
        if self.feeds.limit == 0 { usize::MAX } else { self.feeds.limit }
    }

    fn folder_of(&self, cut: &Cut<'_>) -> String {
        format!("{}{ARCHIVES}/{}/", self.folder, cut.name)
    }

    fn url(&self, folder: &str) -> Url {
        absolute(&self.publication.base_url, folder)
    }
}

#[cfg(test)]
pub(super) mod tests;
