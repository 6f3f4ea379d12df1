//! What the project file says of feeds: the keys below `feeds`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use url::Url;

use crate::issue::Extent;

/// How feeds are made.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// File name per format, below `output` and `base_url`. A format left out is not written.
    pub formats: BTreeMap<Format, String>,
    /// Newest N issues; 0: all.
    pub limit: usize,
    /// Full text or summary.
    pub content: Extent,
    /// Minutes a reader may wait before it asks again (RSS `ttl`).
    pub ttl: Option<u32>,
    /// One more set of feeds per term of these.
    pub by: Vec<Taxonomy>,
    /// What becomes of issues older than those of the main feed.
    pub archive: Archive,
    /// Bytes of full text in a feed before older issues become summaries; `None`: no limit.
    pub max_bytes: Option<usize>,
    /// WebSub hubs that tell readers at once when a feed changed.
    pub hubs: Vec<Url>,
    /// Whether feeds have a style for browsers.
    pub stylesheet: bool,
    /// Whether the publication has a web archive, whose index is the page that they are the feeds of.
    pub have_archive_pages: bool,
    /// File name of the list of all feeds, below `output`.
    pub opml: Option<String>,
}

/// What issues have in common that are in one feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Taxonomy {
    /// A category.
    Categories,
    /// A tag.
    Tags,
    /// An author.
    Authors,
}

impl Taxonomy {
    /// Every taxonomy, in the order of their names.
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
    /// Not at all.
    Off,
    /// One archive per year, once the year is over; several where it had many issues.
    Yearly,
    /// One archive per so many issues, counted from the oldest.
    Every(NonZeroUsize),
}

/// The three formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// RSS 2.0.
    Rss,
    /// Atom 1.0, RFC 4287.
    Atom,
    /// JSON Feed 1.1.
    Json,
}
