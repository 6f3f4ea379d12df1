//! The publication: what is true of every issue, feed and mail.
//!
//! Takes nothing and does nothing: `config` fills it from the project file, and every output reads it.
//! How a single issue differs (its own authors, its own language) is in `issue`.

use std::sync::Arc;

use chrono_tz::Tz;
use url::Url;

use crate::email::EmailAddress;

/// What is published, by whom and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// The name readers know, plain text.
    pub title: String,
    /// One or two sentences about it, plain text; empty when the project file has none.
    pub description: String,
    /// Everything published is below this absolute URL; its path ends with a slash.
    pub base_url: Url,
    /// BCP 47 language tag, such as `zh-CN`.
    pub language: String,
    /// In a further language of the publication: the folder below `base_url` that all of it is in.
    pub site: Option<Arc<str>>,
    /// For dates that were written without an offset.
    pub time_zone: Tz,
    /// The author of an issue that names none.
    pub author: Option<Author>,
    /// Rights statement, plain text.
    pub copyright: Option<String>,
    /// Absolute URL of a square image.
    pub icon: Option<Url>,
}

/// A person (or team) who wrote something: RFC 4287 section 3.2.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Author {
    /// Name for people to read, never blank.
    pub name: String,
    /// Where to write to, shown in feeds.
    pub email: Option<EmailAddress>,
    /// The author's own page.
    pub url: Option<Url>,
}

/// Whether this is a language tag as RFC 5646 section 2.1 writes one: two or three letters, then more parts.
pub fn is_language_tag(tag: &str) -> bool {
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let first = tag.split('-').next().unwrap_or("");
    let primary = (2..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    primary && tag.split('-').all(subtag)
}
