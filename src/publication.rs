//! The publication: properties common to all issues, feeds and emails.
//!
//! `config` fills it from the project file, and every output reads it. `issue` contains what differs for a single
//! issue, such as its authors and language.

use std::sync::Arc;

use chrono_tz::Tz;
use url::Url;

use crate::email::EmailAddress;

/// What is published, by whom and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// The name readers know, plain text.
    pub title: String,
    /// One or two sentences, plain text; empty if the project file has none.
    pub description: String,
    /// The absolute URL above everything published; its path ends in a slash.
    pub base_url: Url,
    /// Its home page: `base_url`, or the index of its web archive.
    pub home: Url,
    /// BCP 47 language tag, such as `zh-CN`.
    pub language: String,
    /// For an additional language: the folder below `base_url` that contains everything in it.
    pub site: Option<Arc<str>>,
    /// For dates written without an offset.
    pub time_zone: Tz,
    /// The author of issues that name none.
    pub author: Option<Author>,
    /// Rights statement, plain text.
    pub copyright: Option<String>,
    /// Absolute URL of a square picture.
    pub icon: Option<Url>,
}

/// A person or team (RFC 4287, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Author {
    /// Name, never empty.
    pub name: String,
    /// Contact address, shown in feeds.
    pub email: Option<EmailAddress>,
    /// The author's page.
    pub url: Option<Url>,
}

/// Whether this is a language tag by RFC 5646, section 2.1: two or three letters, then more subtags.
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

/// Whether a tag starts with a language: two letters must be a known code, three are accepted.
pub fn is_language(tag: &str) -> bool {
    let first = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    first.len() != 2 || LANGUAGES.split(' ').any(|language| language == first)
}
