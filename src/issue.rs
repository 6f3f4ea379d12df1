//! One issue of the publication, as every output reads it.
//!
//! Made by `content` from a Markdown file; it knows nothing of XML, MIME or HTML. The body stays in its file until
//! an output shows it (`disk::Project::body`), so that ten thousand issues cost their front matter only.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Datelike, FixedOffset, Utc};
use url::Url;

use crate::publication::Author;

/// One issue: front matter as meant, body by reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Path of the Markdown file below the project folder, `/` between its parts.
    pub path: String,
    /// The name that never changes, in feeds and in the ledger.
    pub id: IssueId,
    /// Whether the front matter gives the id, so that nothing else does.
    pub custom_id: bool,
    /// Where the issue could be read before, absolute (front matter `aliases`).
    pub aliases: Vec<Url>,
    /// What the command line calls it: the last part of the permalink.
    pub slug: Slug,
    /// Where the issue can be read, absolute.
    pub permalink: Url,
    /// Its page in the web archive, where that is not the permalink.
    pub page: Option<Box<Url>>,
    /// As the front matter has it, trimmed, never blank. Outputs show `plain_title`.
    pub title: String,
    /// When it was published; `undated()` when no field of the front matter tells.
    pub date: DateTime<FixedOffset>,
    /// When it last changed in a way readers should know of; never before `date`.
    pub updated: DateTime<FixedOffset>,
    /// When it stops being published.
    pub expires: Option<DateTime<FixedOffset>>,
    /// Those named by the issue, else the publication's author, else nobody.
    pub authors: Arc<[Author]>,
    /// The front matter's `description`, else its `summary`: plain text, one paragraph.
    pub description: Option<String>,
    /// Front matter `categories`.
    pub categories: Arc<[Term]>,
    /// Front matter `tags`.
    pub tags: Arc<[Term]>,
    /// The picture that stands for the issue, as the front matter has it.
    pub cover: Option<CoverReference>,
    /// BCP 47 tag where it differs from the publication's.
    pub language: Option<String>,
    /// In a further language of the publication: the folder of that language, as in `Publication`. Its feeds are there.
    pub site: Option<Arc<str>>,
    /// Not to be published yet.
    pub draft: bool,
    /// May appear in feeds (front matter `feed`, default true).
    pub feed: bool,
    /// May be mailed (front matter `email`, default true).
    pub email: bool,
    /// Which mailing of the issue this is, from 1: each goes to everybody (front matter `edition`).
    pub edition: u32,
    /// Subject of the mail where it differs from the project's.
    pub subject: Option<String>,
    /// The line mail programs show beside the subject.
    pub preheader: Option<String>,
    /// Front matter that the program does not know, kept for templates; `None` when there is none.
    pub params: Option<Box<serde_json::Map<String, serde_json::Value>>>,
    /// Where the body begins in the file.
    pub body: BodyStart,
}

impl Issue {
    /// The date of an issue without one: the first second of year 1, as Hugo has it.
    pub fn undated() -> DateTime<FixedOffset> {
        const FIRST_OF_YEAR_ONE: i64 = -62_135_596_800;
        DateTime::from_timestamp(FIRST_OF_YEAR_ONE, 0).unwrap_or_default().fixed_offset()
    }

    /// Whether the issue has a date. One without is listed, but neither published nor mailed.
    pub fn is_dated(&self) -> bool {
        self.date.year() > 1
    }

    /// Its key in the ledger.
    pub fn mailed_as(&self) -> IssueId {
        self.id.of_edition(self.edition)
    }

    /// Where it can be read on the web.
    pub fn page(&self) -> &Url {
        self.page.as_deref().unwrap_or(&self.permalink)
    }

    /// The address of the cover.
    pub fn cover_url(&self) -> Option<Url> {
        self.permalink.join(&self.cover.as_ref()?.written).ok()
    }

    /// The title as plain text: what authors paste of HTML, pairs of tags such as `<b>…</b>` and entities, is resolved.
    pub fn plain_title(&self) -> Cow<'_, str> {
        match without_markup(&self.title) {
            Some(title) => html_escape::decode_html_entities(&title).into_owned().into(),
            None => html_escape::decode_html_entities(&self.title),
        }
    }

    /// Whether the issue may be seen at `now`: dated, no draft, not before its date, not after it expired.
    pub fn is_published(&self, now: DateTime<Utc>) -> bool {
        self.was_published(now) && self.expires.is_none_or(|expires| now < expires)
    }

    /// The same, whether it expired since or not.
    pub fn was_published(&self, now: DateTime<Utc>) -> bool {
        self.is_dated() && !self.draft && self.date <= now
    }
}

/// Elements that only change how words look.
const MARKUP: [&str; 16] =
    ["a", "b", "big", "code", "del", "em", "font", "i", "ins", "mark", "s", "small", "span", "strong", "sup", "u"];

/// The text without pairs of tags that only change how words look; `None` where there are none. A tag without its
/// counterpart, as in a title about HTML, is text.
fn without_markup(text: &str) -> Option<String> {
    let mut left = text.to_owned();
    for name in MARKUP {
        let (open, close) = (format!("<{name}"), format!("</{name}>"));
        let mut from = 0;
        while let Some(start) = left[from..].find(&open).map(|at| from + at) {
            from = start + 1;
            let Some(end) = left[start..].find('>').map(|at| start + at + 1) else { break };
            let is_tag = left[start + open.len()..end].starts_with([' ', '>']);
            let Some(closing) = left[end..].find(&close).filter(|_| is_tag).map(|at| end + at) else { continue };
            left.replace_range(closing..closing + close.len(), "");
            left.replace_range(start..end, "");
            from = start;
        }
    }
    (left.len() < text.len()).then_some(left)
}

/// Where the Markdown body begins in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyStart {
    /// Byte offset of the body's first byte.
    pub offset: usize,
    /// Line number of the body's first line, the file's first line being 1.
    pub line: usize,
}

/// How much of an issue a feed or a digest holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The whole body, and the summary.
    Full,
    /// The summary only.
    Summary,
}

/// The id of an issue: the same string as RSS guid, Atom id, JSON id and key of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssueId(Box<str>);

impl IssueId {
    /// Takes an id as written or stored; `None` when it is blank after trimming.
    pub fn new(id: &str) -> Option<Self> {
        let id = id.trim();
        (!id.is_empty()).then(|| Self(id.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key in the ledger of an edition of the issue. That of the first is the id, which everybody knew before there
    /// were editions.
    pub fn of_edition(&self, edition: u32) -> Self {
        match edition {
            0 | 1 => self.clone(),
            edition => Self(format!("{}{EDITION}{edition}", self.0).into()),
        }
    }

    /// Whose edition it is the key of, and of which.
    pub fn edition(&self) -> (&str, u32) {
        let split = self.0.rsplit_once(EDITION);
        let split = split.and_then(|(id, edition)| Some((id, edition.parse().ok().filter(|edition| *edition > 1)?)));
        split.unwrap_or((&self.0, 1))
    }
}

/// What parts the id of an issue and the number of its edition.
const EDITION: &str = "#edition-";

impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The short name of an issue or term in URLs and on the command line, never blank.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(Box<str>);

impl Slug {
    /// Takes a slug already fit for a URL path segment; `None` when blank or holding a `/`.
    pub fn new(slug: &str) -> Option<Self> {
        let slug = slug.trim();
        (!slug.is_empty() && !slug.contains('/')).then(|| Self(slug.into()))
    }

    /// The slug as text, decoded (CJK stays CJK).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The slug of an edition of the issue.
    pub fn of_edition(&self, edition: u32) -> Self {
        match edition {
            0 | 1 => self.clone(),
            edition => Self(format!("{}-edition-{edition}", self.0).into()),
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A category or tag: plain text as the author wrote it, trimmed, never blank.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(Arc<str>);

impl Term {
    /// Takes a term as written; `None` when blank.
    pub fn new(term: &str) -> Option<Self> {
        let term = term.trim();
        (!term.is_empty()).then(|| Self(term.into()))
    }

    /// The term as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A cover as the front matter names it: all that an issue keeps of its cover until an output shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverReference {
    /// Path or URL; against the permalink it is an absolute one.
    pub written: Box<str>,
    /// Text for those who do not see it.
    pub alt: Option<Box<str>>,
    /// Line to show under it.
    pub caption: Option<Box<str>>,
}

/// The cover picture as it is shown, one record for enclosure, `media:content`, JSON image and mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// Absolute URL.
    pub url: Url,
    /// MIME type: by its bytes where it was measured, else by its name; `None` when neither tells.
    pub mime_type: Option<String>,
    /// Exact size in bytes where it was measured.
    pub bytes: Option<u64>,
    /// Width and height in pixels where it was measured.
    pub size: Option<(u32, u32)>,
    /// Text for those who do not see it.
    pub alt: Option<String>,
    /// Line to show under it.
    pub caption: Option<String>,
}

impl CoverReference {
    /// Whether it was written as the address of another place, not as a file of the site.
    pub fn is_elsewhere(&self) -> bool {
        self.written.starts_with("//") || self.written.contains("://")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edition_has_a_key_that_tells_whose_it_is() {
        let id = IssueId::new("https://example.org/a/#edition-x").unwrap();
        assert_eq!(id.edition(), (id.as_str(), 1));
        assert_eq!((id.of_edition(0), id.of_edition(1)), (id.clone(), id.clone()));
        let second = id.of_edition(2);
        assert_eq!(
            (second.as_str(), second.edition()),
            ("https://example.org/a/#edition-x#edition-2", (id.as_str(), 2))
        );
    }

    #[test]
    fn only_pairs_of_tags_are_markup() {
        for (title, expected) in [
            ("a <b>bold <i>and</i></b> <a href='x'>more</a>", Some("a bold and more")),
            ("<b>one</b> <b>two</b>", Some("one two")),
            ("the <b> tag, <bdi>x</bdi>, Vec<u>", None),
            ("</b><b>", None),
        ] {
            assert_eq!(without_markup(title).as_deref(), expected, "{title}");
        }
    }
}
