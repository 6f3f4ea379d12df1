//! Feeds: the model that RSS, Atom and JSON Feed are all written from.
//!
//! Takes the publication and its issues with rendered content; returns bytes, the same for the same input on any
//! machine: no clock, no locale. The model meets the validators' requirements for all formats, each format's file its
//! own.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, Utc};
use url::Url;

use crate::content::html::urls;
use crate::content::url_path::absolute;
use crate::feed::distinct::last_change;
use crate::feed::plan::FeedPlan;
use crate::feed::text::{one_line, plain, without_html_lookalikes};
use crate::issue::{Cover, Extent, Issue, Term};
use crate::publication::{Publication, is_language};

mod archive;
mod atom;
mod budget;
pub mod diff;
pub mod directory;
mod distinct;
mod json;
mod options;
mod person;
pub mod plan;
pub mod published;
mod rss;
pub mod stylesheet;
mod term;
mod text;
mod xml;

pub use crate::feed::budget::Budget;
pub use crate::feed::distinct::AddedSeconds;
pub use crate::feed::options::{Archive, Format, Options, Taxonomy};

/// The generator named in every feed.
const GENERATOR: &str = "slugline";

/// A feed, independent of format. All text is plain and contains no characters that XML forbids; all URLs are absolute
/// ASCII.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// Permanent id: a URL.
    pub id: String,
    /// Title of the feed.
    pub title: String,
    /// Description of the publication; the title if it has none.
    pub description: String,
    /// URL of the page that the feed belongs to.
    pub home: String,
    /// URLs of the feed itself, by format.
    pub locations: Locations,
    /// For an archive document: the URLs of the feed it belongs to.
    pub current: Option<Locations>,
    /// URLs of the newest archive document with older issues.
    pub prev_archive: Option<Locations>,
    /// WebSub hubs; empty for an archive document, which never changes.
    pub hubs: Vec<String>,
    /// BCP 47 tag.
    pub language: String,
    /// The publication's author, or else the publication itself.
    pub author: Person,
    /// Rights statement.
    pub copyright: Option<String>,
    /// URL of a square picture.
    pub icon: Option<String>,
    /// Path of the style sheet for browsers, from the root of the site.
    pub stylesheet: Option<String>,
    /// Minutes before a reader should poll again.
    pub ttl: Option<u32>,
    /// Newest first.
    pub entries: Vec<Entry>,
    /// What it may contain.
    pub budget: Budget,
    /// Entries, counted from the oldest, that are summaries because of `max_bytes`.
    pub shortened: usize,
    /// Older issues left out because of `max_bytes`.
    pub left_out: usize,
}

/// What the dates of entries depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dates {
    /// When the feed is built: an update dated in the future has not happened yet.
    pub now: DateTime<Utc>,
    /// What makes dates distinct.
    pub added: AddedSeconds,
}

/// The files of a feed with a limit of bytes, by format; empty for one without.
pub type FittedFiles = BTreeMap<Format, Vec<u8>>;

/// URLs of a feed, by format.
pub type Locations = Vec<(Format, String)>;

/// One issue in a feed.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The same in every format.
    pub id: String,
    /// Permalink.
    pub url: String,
    /// Never empty.
    pub title: String,
    /// Date of publication.
    pub published: DateTime<FixedOffset>,
    /// Date of the last change, never before `published`.
    pub updated: DateTime<FixedOffset>,
    /// Seconds after which Atom dates it, so that no two entries have the same date.
    pub added_seconds: u32,
    /// The authors; may be empty.
    pub authors: Vec<Person>,
    /// Plain text; `None` if there is none.
    pub summary: Option<String>,
    /// HTML; `None` in a feed of summaries.
    pub content_html: Option<String>,
    /// Categories, then tags, without duplicates.
    pub terms: Vec<String>,
    /// Cover picture.
    pub cover: Option<Picture>,
    /// BCP 47 tag if it differs from the feed's.
    pub language: Option<String>,
}

/// An author as represented in feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Never empty.
    pub name: String,
    /// Email address.
    pub email: Option<String>,
    /// The person's page.
    pub url: Option<String>,
}

/// A cover as represented in feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its URL.
    pub url: String,
    /// MIME type, if known.
    pub mime_type: Option<String>,
    /// Size in bytes, if known.
    pub bytes: Option<u64>,
    /// Width and height in pixels, if known.
    pub size: Option<(u32, u32)>,
    /// Alternative text.
    pub alt: Option<String>,
}

/// The content of an entry, rendered from the body of its issue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EntryContent {
    /// The body as HTML for feed readers.
    pub html: String,
    /// The beginning of the body, for an issue without a description.
    pub summary: String,
    /// The cover with measured type and size.
    pub cover: Option<Cover>,
}

impl Feed {
    /// Builds the planned feed from these issues, in this order. The first `unarchived` issues are never left out.
    pub fn new(
        publication: &Publication,
        feeds: &Options,
        plan: &FeedPlan<'_>,
        issues: Vec<(&Issue, EntryContent)>,
        unarchived: usize,
        dates: &Dates,
    ) -> Self {
        let locations = |folder: &str| locations(&publication.base_url, folder, feeds);
        let title = plain(&plan.title);
        let description = Some(plain(&publication.description)).filter(|text| !text.is_empty());
        let author = publication.author.as_ref().and_then(Person::new);
        let entry = |(issue, text): (&Issue, EntryContent)| {
            let entry = Entry::new(issue, text, feeds.content, dates);
            let language = entry.language.filter(|language| *language != plan.language);
            Entry { language, ..entry }
        };
        Self {
            id: urls::encode(&plan.id),
            description: description.unwrap_or_else(|| title.clone()),
            home: urls::encode(&plan.home),
            locations: locations(&plan.folder),
            current: plan.current.as_deref().map(locations),
            prev_archive: plan.prev_archive.as_deref().map(locations),
            hubs: if plan.current.is_some() { Vec::new() } else { feeds.hubs.iter().map(urls::encode).collect() },
            language: plan.language.clone(),
            author: author.unwrap_or_else(|| Person { name: plain(&publication.title), email: None, url: None }),
            copyright: publication.copyright.as_deref().map(plain).filter(|text| !text.is_empty()),
            icon: publication.icon.as_ref().map(urls::encode),
            stylesheet: feeds.stylesheet.then(|| stylesheet::href(&plan.folder)),
            ttl: feeds.ttl,
            entries: issues.into_iter().map(entry).collect(),
            budget: Budget { max_bytes: plan.max_bytes, unarchived },
            shortened: 0,
            left_out: 0,
            title,
        }
    }

    /// Date of the newest change in the feed, not of the build.
    pub fn updated(&self) -> Option<DateTime<FixedOffset>> {
        self.entries.iter().map(|entry| entry.updated).max()
    }

    /// URL of the feed in a format; the publication's home page if that format is not written.
    fn location(&self, format: Format) -> &str {
        location(&self.locations, format).unwrap_or(&self.home)
    }

    /// An estimate of the bytes of one format, to allocate once.
    fn estimated_bytes(&self) -> usize {
        let html = self.entries.iter().map(|entry| entry.content_html.as_ref().map_or(0, String::len)).sum::<usize>();
        4096 + html + html / 4 + 2048 * self.entries.len()
    }

    /// Links to other documents of the same feed: relation and URL (RFC 5005, section 4).
    fn archive_links(&self, format: Format) -> Vec<(&'static str, &str)> {
        let links = [("current", &self.current), ("prev-archive", &self.prev_archive)];
        let links = links.into_iter().filter_map(|(rel, locations)| Some((rel, locations.as_ref()?)));
        links.filter_map(|(rel, locations)| Some((rel, location(locations, format)?))).collect()
    }

    fn is_archive(&self) -> bool {
        self.current.is_some()
    }

    /// Shortens the feed to its limit of bytes, and returns its files if it has one.
    ///
    /// # Errors
    /// See `render`.
    pub fn fit(&mut self) -> anyhow::Result<FittedFiles> {
        let files = self.budget.max_bytes.map_or(Ok(Vec::new()), |max| budget::fit(self, max))?;
        Ok(files.into_iter().collect())
    }

    /// Serializes the feed in a format.
    ///
    /// # Errors
    /// If a serializer fails, which is a bug in this program.
    pub fn render(&self, format: Format) -> anyhow::Result<Vec<u8>> {
        match format {
            Format::Rss => rss::render(self),
            Format::Atom => atom::render(self),
            Format::Json => json::render(self),
        }
    }
}

/// Namespace of RFC 5005.
const HISTORY: (&str, &str) = ("fh", "http://purl.org/syndication/history/1.0");

fn location(locations: &Locations, format: Format) -> Option<&str> {
    locations.iter().find(|(other, _)| *other == format).map(|(_, location)| location.as_str())
}

fn locations(base: &Url, folder: &str, feeds: &Options) -> Locations {
    let location = |file: &str| urls::encode(&absolute(base, &format!("{folder}{file}")));
    feeds.formats.iter().map(|(format, file)| (*format, location(file))).collect()
}

impl Entry {
    fn new(issue: &Issue, text: EntryContent, content: Extent, dates: &Dates) -> Self {
        let summary = issue.description.as_deref().map(plain).filter(|text| !text.is_empty());
        let summary = summary.or_else(|| Some(without_html_lookalikes(&text.summary)).filter(|text| !text.is_empty()));
        let title = plain(&issue.plain_title());
        Self {
            id: one_line(issue.id.as_str()),
            url: urls::encode(&issue.permalink),
            title: if title.is_empty() { issue.slug.to_string() } else { title },
            published: issue.date,
            updated: last_change(issue, dates.now),
            added_seconds: dates.added.of(issue).unwrap_or_default(),
            authors: issue.authors.iter().filter_map(Person::new).collect(),
            summary,
            content_html: (content == Extent::Full && !text.html.trim().is_empty()).then_some(text.html),
            terms: terms(issue),
            cover: text.cover.as_ref().map(Picture::new),
            language: issue.language.clone().filter(|language| is_language(language)),
        }
    }
}

fn terms(issue: &Issue) -> Vec<String> {
    let mut terms: Vec<String> = Vec::new();
    for term in issue.categories.iter().chain(issue.tags.iter()).map(Term::as_str).map(plain) {
        if !term.is_empty() && !terms.contains(&term) {
            terms.push(term);
        }
    }
    terms
}

impl Picture {
    fn new(cover: &Cover) -> Self {
        let mut url = cover.url.clone();
        // Removes credentials, which validators reject. Fails only for `cannot-be-a-base` URLs.
        let _ = (url.set_username(""), url.set_password(None));
        Self {
            url: urls::encode(&url),
            mime_type: cover.mime_type.clone(),
            bytes: cover.bytes.filter(|bytes| *bytes > 0),
            size: cover.size.filter(|(width, height)| *width > 0 && *height > 0),
            alt: cover.alt.as_deref().map(plain).filter(|text| !text.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests;
