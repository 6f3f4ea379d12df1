//! Outlines: which feeds a build makes, where each lies, which issues it holds, and how they are linked.
//!
//! Takes the issues, the configuration and the time; gives the outlines in the order they are built. What an entry looks
//! like is left to `Feed`, reading and rendering the issues to `publish`.

use chrono::{DateTime, Utc};
use url::Url;

use crate::config::Config;
use crate::issue::Issue;

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
    /// The feed's name that never changes.
    pub id: Url,
    /// Newest first.
    pub issues: Vec<&'a Issue>,
}

/// What a feed is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The newest issues.
    Main,
}

/// The feeds that a build makes of these issues at `now`.
pub fn outlines<'a>(config: &Config, issues: &'a [Issue], now: DateTime<Utc>) -> Vec<Outline<'a>> {
    let shown: Vec<&Issue> = issues.iter().filter(|issue| issue.feed && issue.is_published(now)).collect();
    vec![main(config, &shown)]
}

fn main<'a>(config: &Config, shown: &[&'a Issue]) -> Outline<'a> {
    let publication = &config.publication;
    let limit = if config.feeds.limit == 0 { usize::MAX } else { config.feeds.limit };
    Outline {
        kind: Kind::Main,
        folder: String::new(),
        title: publication.title.clone(),
        language: publication.language.clone(),
        home: publication.base_url.clone(),
        id: publication.base_url.clone(),
        issues: shown.iter().take(limit).copied().collect(),
    }
}
