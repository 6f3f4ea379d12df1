//! An issue of the publication, as all outputs use it.
//!
//! Built by `content` from a Markdown file; independent of XML, MIME and HTML. The body stays in its file until an
//! output needs it (`load::body`), so ten thousand issues take no more memory than their front matter.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Datelike, FixedOffset, Utc};
use url::Url;

use crate::publication::Author;

/// An issue: interpreted front matter, and a reference to the body.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Path of the Markdown file below the project folder, separated by `/`.
    pub path: String,
    /// Permanent id, in feeds and in the ledger.
    pub id: IssueId,
    /// Whether the front matter sets the id, overriding everything else.
    pub has_custom_id: bool,
    /// Previous URLs of the issue (front matter `aliases`).
    pub aliases: Vec<Url>,
    /// Its name on the command line: the last segment of the permalink.
    pub slug: Slug,
    /// Where the issue can be read: an absolute URL.
    pub permalink: Url,
    /// Its page in the web archive, if different from the permalink.
    pub page: Option<Box<Url>>,
    /// As in the front matter, trimmed, never empty. Outputs show `plain_title`.
    pub title: String,
    /// Date of publication; `undated()` if the front matter has none.
    pub date: DateTime<FixedOffset>,
    /// Date of the last change that readers should know of; never before `date`.
    pub updated: DateTime<FixedOffset>,
    /// When it stops being published.
    pub expires: Option<DateTime<FixedOffset>>,
    /// The issue's authors, else the publication's author; may be empty.
    pub authors: Arc<[Author]>,
    /// The front matter's `description`, else its `summary`: plain text, one paragraph.
    pub description: Option<String>,
    /// Front matter `categories`.
    pub categories: Arc<[Term]>,
    /// Front matter `tags`.
    pub tags: Arc<[Term]>,
    /// The cover picture, as named in the front matter.
    pub cover: Option<CoverReference>,
    /// BCP 47 tag if it differs from the publication's.
    pub language: Option<String>,
    /// The folder of an issue in an additional language, as in `Publication`: its feeds are there.
    pub site: Option<Arc<str>>,
    /// Not to be published yet.
    pub draft: bool,
    /// Whether feeds may contain it (front matter `feed`, default true).
    pub feed: bool,
    /// Whether it may be mailed (front matter `email`, default true).
    pub email: bool,
    /// The number of its edition, from 1; each edition is mailed to all subscribers (front matter `edition`).
    pub edition: u32,
    /// Subject of the email if it differs from the project's.
    pub subject: Option<String>,
    /// Preview text shown beside the subject.
    pub preheader: Option<String>,
    /// Unknown front matter fields, for templates; `None` if there are none.
    pub params: Option<Box<serde_json::Map<String, serde_json::Value>>>,
    /// The mailed issue whose new name this may be. Until someone answers, it has that issue's id, and is mailed to no one.
    pub possible_rename: Option<Box<PossibleRename>>,
    /// Whether it was there before this program could load it: recorded, but in no feed, and mailed only on request, because
    /// subscribers would take it for new.
    pub is_backfilled: bool,
    /// Where the body begins in the file.
    pub body: BodyStart,
}

/// A mailed issue that is gone, and that resembles one without a recorded id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PossibleRename {
    /// Its path.
    pub path: String,
    /// Its id.
    pub id: IssueId,
    /// When it was mailed.
    pub mailed: DateTime<Utc>,
    /// The id of the other issue, if it is not the same.
    pub id_if_new: IssueId,
}

impl PossibleRename {
    /// The mailed issue, for messages.
    pub fn named(&self) -> String {
        format!("`{}`, which was mailed on {} and is gone", self.path, self.mailed.format("%Y-%m-%d"))
    }

    /// What to do with the issue that has this slug.
    pub fn help(&self, slug: &Slug) -> String {
        let id = self.id.as_str();
        let is_address = |url: &Url| url.has_host() && url.fragment().is_none() && url.query().is_none();
        let alias = Url::parse(id).ok().filter(is_address);
        let same = alias.map_or_else(|| format!("id: {id}"), |url| format!("aliases: [\"{}\"]", readable(&url)));
        format!("if it is the same, add `{same}` to its front matter; if it is new, run `slugline send {slug} --new`")
    }
}

/// The URL without percent-encoding, if that is the same URL. (Complete, so that it holds below any base URL.)
fn readable(url: &Url) -> String {
    let decoded = percent_encoding::percent_decode_str(url.as_str()).decode_utf8();
    let is_same = |text: &str| !text.contains(['"', '\\']) && Url::parse(text).is_ok_and(|parsed| parsed == *url);
    decoded.ok().filter(|text| is_same(text)).map_or_else(|| url.to_string(), |text| text.into_owned())
}

impl Issue {
    /// The date of an issue without a date: the first second of year 1, as in Hugo.
    pub fn undated() -> DateTime<FixedOffset> {
        const FIRST_OF_YEAR_ONE: i64 = -62_135_596_800;
        DateTime::from_timestamp(FIRST_OF_YEAR_ONE, 0).unwrap_or_default().fixed_offset()
    }

    /// Whether the issue has a date. One without is listed, but neither published nor mailed.
    pub fn is_dated(&self) -> bool {
        self.date.year() > 1
    }

    /// Takes it for a new issue, not for one that was renamed.
    pub fn set_new(&mut self) {
        if let Some(rename) = self.possible_rename.take() {
            self.id = rename.id_if_new;
        }
    }

    /// Its key in the ledger.
    pub fn ledger_key(&self) -> IssueId {
        self.id.of_edition(self.edition)
    }

    /// The URL of its page on the web.
    pub fn page(&self) -> &Url {
        self.page.as_deref().unwrap_or(&self.permalink)
    }

    /// The URL of the cover.
    pub fn cover_url(&self) -> Option<Url> {
        self.permalink.join(&self.cover.as_ref()?.target).ok()
    }

    /// The title as plain text: decodes entities and removes pairs of tags such as `<b>…</b>`.
    pub fn plain_title(&self) -> Cow<'_, str> {
        match without_markup(&self.title) {
            Some(title) => html_escape::decode_html_entities(&title).into_owned().into(),
            None => html_escape::decode_html_entities(&self.title),
        }
    }

    /// Whether the issue is public at `now`: dated, not a draft, not before its date, not expired.
    pub fn is_published(&self, now: DateTime<Utc>) -> bool {
        self.was_published(now) && self.expires.is_none_or(|expires| now < expires)
    }

    /// The same, including expired issues.
    pub fn was_published(&self, now: DateTime<Utc>) -> bool {
        self.is_dated() && !self.draft && self.date <= now
    }
}

/// Elements that only change the appearance of text.
const MARKUP: [&str; 41] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "blink", "center", "cite", "code", "del", "dfn", "div", "em",
    "font", "h1", "h2", "h3", "h4", "h5", "h6", "i", "ins", "kbd", "mark", "nobr", "p", "q", "s", "samp", "small",
    "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "rt",
];

/// Elements without an end tag that only break lines.
const BREAKS: [&str; 3] = ["br", "hr", "wbr"];

/// Removes pairs of tags that only change the appearance of text, and line breaks; `None` if there are none. An unpaired
/// tag, as in a title about HTML, is text.
fn without_markup(text: &str) -> Option<String> {
    if !text.contains('<') {
        return None;
    }
    let mut left = text.to_owned();
    for name in MARKUP {
        let (open, close) = (format!("<{name}"), format!("</{name}>"));
        let mut from = 0;
        while let Some((start, end)) = next_tag(&left, from, &open) {
            from = start + 1;
            let Some(closing) = left[end..].to_ascii_lowercase().find(&close).map(|at| end + at) else { continue };
            left.replace_range(closing..closing + close.len(), "");
            left.replace_range(start..end, "");
            from = start;
        }
    }
    for name in BREAKS {
        let open = format!("<{name}");
        while let Some((start, end)) = next_tag(&left, 0, &open) {
            left.replace_range(start..end, if name == "wbr" { "" } else { " " });
        }
    }
    (left != text).then(|| left.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Where the next tag that begins with `open` starts and ends.
fn next_tag(text: &str, from: usize, open: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let mut from = from;
    loop {
        let start = from + lower.get(from..)?.find(open)?;
        let end = start + text[start..].find('>')? + 1;
        if lower[start + open.len()..end].starts_with([' ', '>', '/']) {
            return Some((start, end));
        }
        from = start + 1;
    }
}

/// Where the Markdown body begins in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyStart {
    /// Byte offset of the first byte.
    pub offset: usize,
    /// Line number of the first line, counted from 1.
    pub line: usize,
}

/// How much of an issue a feed or a digest contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The full body, and the summary.
    Full,
    /// The summary only.
    Summary,
}

/// The id of an issue: used as RSS guid, Atom id, JSON Feed id and ledger key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssueId(Box<str>);

impl IssueId {
    /// An id as written or stored; `None` if it is empty after trimming.
    pub fn new(id: &str) -> Option<Self> {
        let id = id.trim();
        (!id.is_empty()).then(|| Self(id.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ledger key of an edition. That of the first edition is the id itself, as in ledgers from before there were
    /// editions.
    pub fn of_edition(&self, edition: u32) -> Self {
        match edition {
            0 | 1 => self.clone(),
            edition => Self(format!("{}{EDITION}{edition}", self.0).into()),
        }
    }

    /// Splits a ledger key into the id of the issue and the number of the edition.
    pub fn edition(&self) -> (&str, u32) {
        let split = self.0.rsplit_once(EDITION);
        let split = split.and_then(|(id, edition)| Some((id, edition.parse().ok().filter(|edition| *edition > 1)?)));
        split.unwrap_or((&self.0, 1))
    }
}

/// Separates the id of an issue from the number of its edition.
const EDITION: &str = "#edition-";

impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The short name of an issue or term in URLs and on the command line, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(Box<str>);

impl Slug {
    /// A slug suitable as a URL path segment; `None` if it is empty or contains `/`.
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

/// A category or tag: plain text as the author wrote it, trimmed, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(Arc<str>);

impl Term {
    /// A term as written; `None` if empty.
    pub fn new(term: &str) -> Option<Self> {
        let term = term.trim();
        (!term.is_empty()).then(|| Self(term.into()))
    }

    /// The term as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A cover as named in the front matter: all that an issue knows of it until an output shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverReference {
    /// Path or URL, relative to the permalink.
    pub target: Box<str>,
    /// Alternative text.
    pub alt: Option<Box<str>>,
    /// Caption.
    pub caption: Option<Box<str>>,
}

/// A cover as shown, for enclosure, `media:content`, JSON Feed image and email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// Absolute URL.
    pub url: Url,
    /// MIME type: from the bytes if measured, else from the file extension; `None` if unknown.
    pub mime_type: Option<String>,
    /// Size in bytes, if measured.
    pub bytes: Option<u64>,
    /// Width and height in pixels, if measured.
    pub size: Option<(u32, u32)>,
    /// Alternative text.
    pub alt: Option<String>,
    /// Caption.
    pub caption: Option<String>,
}

impl CoverReference {
    /// Whether it is a URL rather than a path on the site.
    pub fn is_elsewhere(&self) -> bool {
        self.target.starts_with("//") || self.target.contains("://")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_edition_contains_the_id_of_its_issue() {
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
            ("the <b> tag, <view>x</view>, Vec<u>", None),
            ("</b><b>", None),
            ("Seats <strike>open</STRIKE> GONE", Some("Seats open GONE")),
            ("High<br>and<br/>low<wbr>er", Some("High and lower")),
            ("The <InputView> of <br-x>", None),
        ] {
            assert_eq!(without_markup(title).as_deref(), expected, "{title}");
        }
    }
}
