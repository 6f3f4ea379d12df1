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
    /// Its front page: `base_url`, or the index of its web archive.
    pub home: Url,
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

/// ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy \
    da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii \
    ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr \
    ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk \
    sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za \
    zh zu";

/// Whether a tag begins with a language: those of two letters are known, those of three are believed.
pub fn is_language(tag: &str) -> bool {
    let first = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    first.len() != 2 || LANGUAGES.split(' ').any(|language| language == first)
}
