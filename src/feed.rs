//! Feeds: which issues they hold, and the one model that all formats are written from.
//!
//! Takes the publication and issues with their rendered text; gives bytes. The same input gives the same bytes on any
//! machine: no clock, no locale. What validators want of all formats is settled in the model, what only one format
//! wants in its file.

use chrono::{DateTime, FixedOffset, Utc};
use url::Url;

use crate::content::html::urls;
use crate::content::permalink::absolute;
use crate::feed::plan::FeedPlan;
use crate::feed::text::{one_line, plain, unmistakable};
use crate::issue::{Cover, Extent, Issue, Term};
use crate::publication::{Publication, is_language};

mod archive;
mod atom;
mod budget;
pub mod diff;
pub mod directory;
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

pub use crate::feed::options::{Archive, Format, Options, Taxonomy};

/// Named in every feed as its generator.
const GENERATOR: &str = "slugline";

/// A feed before it has a format. Every text is plain text without characters that XML forbids; every URL is absolute
/// ASCII.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// The name that never changes: a URL.
    pub id: String,
    /// Title of the feed.
    pub title: String,
    /// Description of the publication; the title where there is none.
    pub description: String,
    /// Where the issues can be read.
    pub home: String,
    /// Where the feed itself is, per format that is written.
    pub locations: Locations,
    /// For an archive: where the feed is whose archive it is.
    pub current: Option<Locations>,
    /// Where the newest archive with older issues is.
    pub prev_archive: Option<Locations>,
    /// WebSub hubs that tell when it changed; an archive never changes, and has none.
    pub hubs: Vec<String>,
    /// BCP 47 tag.
    pub language: String,
    /// Who answers for all of it: the publication's author, else the publication itself.
    pub author: Person,
    /// Rights statement.
    pub copyright: Option<String>,
    /// Address of a square picture.
    pub icon: Option<String>,
    /// Path from the root of the site to the style that browsers show the feed with.
    pub stylesheet: Option<String>,
    /// Minutes a reader may wait before it asks again.
    pub ttl: Option<u32>,
    /// Newest first.
    pub entries: Vec<Entry>,
    /// How many of them, counted from the oldest, are summaries for the size of the feed.
    pub shortened: usize,
}

/// Where a feed is, per format that is written.
pub type Locations = Vec<(Format, String)>;

/// One issue in a feed.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The same string in every format.
    pub id: String,
    /// Permalink.
    pub url: String,
    /// Never blank.
    pub title: String,
    /// When it was published.
    pub published: DateTime<FixedOffset>,
    /// When it last changed, never before `published`.
    pub updated: DateTime<FixedOffset>,
    /// Those who wrote it; may be nobody.
    pub authors: Vec<Person>,
    /// Plain text; `None` when there is no word to say.
    pub summary: Option<String>,
    /// HTML; `None` in a feed of summaries.
    pub content_html: Option<String>,
    /// Categories, then tags, each once.
    pub terms: Vec<String>,
    /// The picture that stands for it.
    pub cover: Option<Picture>,
    /// BCP 47 tag where it differs from the feed's.
    pub language: Option<String>,
}

/// An author as feeds name one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Never blank.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// The person's page.
    pub url: Option<String>,
}

/// A cover as feeds name one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Where it is.
    pub url: String,
    /// MIME type, where it is known.
    pub mime_type: Option<String>,
    /// Size in bytes, where it is known.
    pub bytes: Option<u64>,
    /// Width and height in pixels, where they are known.
    pub size: Option<(u32, u32)>,
    /// EntryContent for those who do not see it.
    pub alt: Option<String>,
}

/// What an issue's file adds to its front matter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EntryContent {
    /// The body as HTML for feed readers.
    pub html: String,
    /// First words of the body, for an issue without description.
    pub summary: String,
    /// The cover, measured.
    pub cover: Option<Cover>,
}

impl Feed {
    /// The feed of an plan as of `now`: these issues, in this order. The first `unarchived` are in no archive, and stay.
    pub fn new(
        publication: &Publication,
        feeds: &Options,
        plan: &FeedPlan<'_>,
        mut issues: Vec<(&Issue, EntryContent)>,
        unarchived: usize,
        now: DateTime<Utc>,
    ) -> Self {
        let shortened = plan.max_bytes.map_or(0, |most| budget::shorten(&mut issues, unarchived, most));
        let locations = |folder: &str| locations(&publication.base_url, folder, feeds);
        let title = plain(&plan.title);
        let description = Some(plain(&publication.description)).filter(|text| !text.is_empty());
        let author = publication.author.as_ref().and_then(Person::new);
        let entry = |(issue, text): (&Issue, EntryContent)| {
            let entry = Entry::new(issue, text, feeds.content, now);
            let language = entry.language.filter(|language| *language != plan.language);
            Entry { language, ..entry }
        };
        Self {
            id: urls::encoded(&plan.id),
            description: description.unwrap_or_else(|| title.clone()),
            home: urls::encoded(&plan.home),
            locations: locations(&plan.folder),
            current: plan.current.as_deref().map(locations),
            prev_archive: plan.prev_archive.as_deref().map(locations),
            hubs: if plan.current.is_some() { Vec::new() } else { feeds.hubs.iter().map(urls::encoded).collect() },
            language: plan.language.clone(),
            author: author.unwrap_or_else(|| Person { name: plain(&publication.title), email: None, url: None }),
            copyright: publication.copyright.as_deref().map(plain).filter(|text| !text.is_empty()),
            icon: publication.icon.as_ref().map(urls::encoded),
            stylesheet: feeds.stylesheet.then(|| stylesheet::href(&publication.base_url)),
            ttl: feeds.ttl,
            entries: issues.into_iter().map(entry).collect(),
            shortened,
            title,
        }
    }

    /// The date of the feed is that of its newest change; never the time it was built at.
    pub fn updated(&self) -> Option<DateTime<FixedOffset>> {
        self.entries.iter().map(|entry| entry.updated).max()
    }

    /// Where the feed of a format is; the publication's own address when that format is not written.
    fn location(&self, format: Format) -> &str {
        location(&self.locations, format).unwrap_or(&self.home)
    }

    /// How many bytes a format may take, so that room for them is made once.
    fn likely_bytes(&self) -> usize {
        let html = self.entries.iter().map(|entry| entry.content_html.as_ref().map_or(0, String::len)).sum::<usize>();
        4096 + html + html / 4 + 2048 * self.entries.len()
    }

    /// Links to other documents of the same feed: relation and address (RFC 5005, section 4).
    fn archive_links(&self, format: Format) -> Vec<(&'static str, &str)> {
        let links = [("current", &self.current), ("prev-archive", &self.prev_archive)];
        let links = links.into_iter().filter_map(|(rel, locations)| Some((rel, locations.as_ref()?)));
        links.filter_map(|(rel, locations)| Some((rel, location(locations, format)?))).collect()
    }

    fn is_archive(&self) -> bool {
        self.current.is_some()
    }

    /// The bytes of the feed in a format.
    ///
    /// # Errors
    /// When a crate that serialises refuses: that is a fault of this program, not of the input.
    pub fn render(&self, format: Format) -> anyhow::Result<Vec<u8>> {
        match format {
            Format::Rss => rss::render(self),
            Format::Atom => atom::render(self),
            Format::Json => json::render(self),
        }
    }
}

/// RFC 5005.
const HISTORY: (&str, &str) = ("fh", "http://purl.org/syndication/history/1.0");

fn location(locations: &Locations, format: Format) -> Option<&str> {
    locations.iter().find(|(other, _)| *other == format).map(|(_, location)| location.as_str())
}

fn locations(base: &Url, folder: &str, feeds: &Options) -> Locations {
    let location = |file: &str| urls::encoded(&absolute(base, &format!("{folder}{file}")));
    feeds.formats.iter().map(|(format, file)| (*format, location(file))).collect()
}

impl Entry {
    fn new(issue: &Issue, text: EntryContent, content: Extent, now: DateTime<Utc>) -> Self {
        let summary = issue.description.as_deref().map(plain).filter(|text| !text.is_empty());
        let summary = summary.or_else(|| Some(unmistakable(&text.summary)).filter(|text| !text.is_empty()));
        let title = plain(&issue.plain_title());
        Self {
            id: one_line(issue.id.as_str()),
            url: urls::encoded(&issue.permalink),
            title: if title.is_empty() { issue.slug.to_string() } else { title },
            published: issue.date,
            // A change that is announced for later has not been made yet.
            updated: if issue.updated > now { issue.date } else { issue.updated.max(issue.date) },
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
        // A password is not for every reader; and validators refuse the address. Only `cannot-be-a-base` URLs fail here.
        let _ = (url.set_username(""), url.set_password(None));
        Self {
            url: urls::encoded(&url),
            mime_type: cover.mime_type.clone(),
            bytes: cover.bytes.filter(|bytes| *bytes > 0),
            size: cover.size.filter(|(width, height)| *width > 0 && *height > 0),
            alt: cover.alt.as_deref().map(plain).filter(|text| !text.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests;
