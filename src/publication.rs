//! The publication: what is true of every issue, feed and mail.
//!
//! Takes nothing and does nothing: `config` fills it from the project file, and every output reads it.
//! How a single issue differs (its own authors, its own language) is in `issue`.

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
#[derive(Debug, Clone, PartialEq)]
pub struct Author {
    /// Name for people to read, never blank.
    pub name: String,
    /// Where to write to, shown in feeds.
    pub email: Option<EmailAddress>,
    /// The author's own page.
    pub url: Option<Url>,
}
