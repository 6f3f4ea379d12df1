//! Options of feeds: the keys below `feeds` in the project file.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use url::Url;

use crate::issue::Extent;

/// Options of all feeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// File name by format, below `output` and `base_url`. Formats not listed are not written.
    pub formats: BTreeMap<Format, String>,
    /// Maximum number of issues; 0: all.
    pub limit: usize,
    /// Full content or summary.
    pub content: Extent,
    /// Minutes before a reader should poll again (RSS `ttl`).
    pub ttl: Option<u32>,
    /// Taxonomies whose terms have feeds.
    pub by: Vec<Taxonomy>,
    /// How issues older than those of the main feed are archived.
    pub archive: Archive,
    /// Bytes of each file of a feed before older issues become summaries, then are left out; `None`: no limit.
    pub max_bytes: Option<usize>,
    /// WebSub hubs, which notify readers of changes at once.
    pub hubs: Vec<Url>,
    /// Whether feeds have a style sheet for browsers.
    pub stylesheet: bool,
    /// Whether the publication has a web archive, whose index the feeds then link to.
    pub have_archive_pages: bool,
    /// File name of the OPML list of feeds, below `output`.
    pub opml: Option<String>,
}

impl Options {
    /// How many of the newest issues of a language the feeds contain; `None` if all, or some of every age.
    pub fn shown_at_once(&self) -> Option<usize> {
        let is_limited = self.limit > 0 && self.archive == Archive::Off && self.by.is_empty();
        is_limited.then_some(self.limit)
    }
}

/// A taxonomy, as in Hugo, whose terms have feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Taxonomy {
    /// `categories`
    Categories,
    /// `tags`
    Tags,
    /// `authors`
    Authors,
}

impl Taxonomy {
    /// Every taxonomy, by name.
    pub const ALL: [Self; 3] = [Self::Authors, Self::Categories, Self::Tags];

    /// The name in the project file, in URLs and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Categories => "categories",
            Self::Tags => "tags",
            Self::Authors => "authors",
        }
    }
}

/// How older issues are archived (RFC 5005, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    /// They are not.
    Off,
    /// One document per year once it is over; several for a year with many issues.
    Yearly,
    /// One document per this many issues, counted from the oldest.
    Every(NonZeroUsize),
}

/// The feed formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// RSS 2.0.
    Rss,
    /// Atom 1.0, RFC 4287.
    Atom,
    /// JSON Feed 1.1.
    Json,
}
