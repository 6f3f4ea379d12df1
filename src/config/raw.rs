//! The project file as written: one struct per mapping; keys are optional, unknown keys are refused.
//!
//! Takes the text of `slugline.yaml`; returns a `RawConfig`, or a finding that names an unknown key and the nearest known one
//! at line and column. `resolve` interprets the values.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::raw::inbox::RawInbox;
pub(super) use crate::config::raw::markdown::RawMarkdown;
use crate::config::raw::serve::{RawConsent, RawServe};
use crate::config::raw::subscribers::RawSubscribers;
use crate::finding::Finding;
use crate::issue::Extent;

pub(super) mod inbox;
mod markdown;
mod parse_error;
pub(super) mod serve;
pub(super) mod subscribers;

/// `slugline.yaml` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawConfig {
    pub title: Option<String>,
    pub description: Option<String>,
    pub base_url: Option<String>,
    pub language: Option<String>,
    pub timezone: Option<String>,
    pub author: Option<RawAuthor>,
    pub copyright: Option<String>,
    pub icon: Option<String>,
    pub format: Option<String>,
    pub content: Option<RawContent>,
    pub exclude: Option<OneOrMany>,
    pub r#static: Option<OneOrMany>,
    pub permalink: Option<RawPermalink>,
    pub fields: BTreeMap<String, String>,
    pub updated_from: Option<RawUpdatedFrom>,
    pub output: Option<String>,
    pub archive: Option<RawPages>,
    pub feeds: RawFeeds,
    pub mail: Option<RawMail>,
    pub serve: Option<RawServe>,
    pub consent: Option<RawConsent>,
    pub inbox: Option<RawInbox>,
    pub check: RawCheck,
    pub markdown: RawMarkdown,
    pub secret_file: Option<String>,
    pub store: Option<String>,
    pub store_password_file: Option<String>,
}

/// `archive:` the pattern of its pages, or a word.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a pattern such as `/letters/:slug/`, or `off`")]
pub(super) enum RawPages {
    Truth(bool),
    Pattern(String),
}

/// `permalink:` a pattern, or one for each section.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a pattern such as `/:year/:slug/`, or a mapping of section to pattern")]
pub(super) enum RawPermalink {
    Pattern(String),
    Sections(BTreeMap<String, RawSectionPattern>),
}

/// The pattern of a section, or, below `page`, those of several, as in Hugo.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RawSectionPattern {
    Pattern(String),
    Page(BTreeMap<String, String>),
}

/// `author:` a name, or a mapping.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a name, or a mapping of name, email and url")]
pub(super) enum RawAuthor {
    Name(String),
    Full(RawAuthorFields),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAuthorFields {
    pub name: String,
    pub email: Option<String>,
    pub url: Option<String>,
}

/// `content:` one folder or several, or these for each language.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a folder, a list of folders, or a mapping of language to folders")]
pub(super) enum RawContent {
    Folders(OneOrMany),
    Languages(BTreeMap<String, OneOrMany>),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawUpdatedFrom {
    FrontMatter,
    Git,
}

/// One string, or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    /// All strings.
    pub fn items(&self) -> Vec<&str> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many.iter().map(String::as_str).collect(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFeeds {
    pub formats: Option<RawFormats>,
    pub limit: Option<usize>,
    pub content: Option<RawFeedContent>,
    pub ttl: Option<u32>,
    pub by: Option<OneOrMany>,
    pub archive: Option<RawArchive>,
    pub max_bytes: Option<usize>,
    pub hub: Option<OneOrMany>,
    pub stylesheet: Option<bool>,
    pub opml: Option<String>,
}

/// `archive:` a word, or a number of issues.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected `year`, a number of issues, or `off`")]
pub(super) enum RawArchive {
    Number(usize),
    Truth(bool),
    Word(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFormats {
    pub rss: Option<String>,
    pub atom: Option<String>,
    pub json: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawFeedContent {
    Full,
    Summary,
}

impl RawFeedContent {
    /// The extent; full text by default.
    pub fn extent(written: Option<Self>) -> Extent {
        match written {
            None | Some(Self::Full) => Extent::Full,
            Some(Self::Summary) => Extent::Summary,
        }
    }
}

/// `dkim:` one key, several, or a word.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected `{selector: …, key_file: …}`, a list of such, or `provider`")]
pub(super) enum RawDkim {
    One(RawDkimKey),
    Many(Vec<RawDkimKey>),
    Word(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDkimKey {
    pub selector: String,
    pub domain: Option<String>,
    pub key_file: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMail {
    pub from: Option<String>,
    pub reply_to: Option<String>,
    pub list_id: Option<String>,
    pub edition: Option<RawEditionKind>,
    pub digest: RawDigest,
    pub subject: Option<String>,
    pub images: Option<RawImages>,
    pub images_max_bytes: Option<u64>,
    pub via: Option<RawVia>,
    pub user: Option<String>,
    pub password_file: Option<String>,
    pub tls_ca_file: Option<String>,
    pub connections: Option<usize>,
    pub pipelining: Option<RawPipelining>,
    pub messages_per_connection: Option<usize>,
    pub rate: Option<String>,
    pub warm_up: Option<RawWarmUp>,
    pub canary: Option<RawCanary>,
    pub most_failures: Option<String>,
    pub due_for: Option<String>,
    pub on_unknown: Option<RawOnUnknown>,
    pub bounce_address: Option<String>,
    pub dkim: Option<RawDkim>,
    pub unsubscribe_mailto: Option<String>,
    pub unsubscribe_url: Option<String>,
    pub unsubscribe: Option<RawUnsubscribe>,
    pub postal_address: Option<String>,
    pub subscribers: Option<RawSubscribers>,
}

/// `via:` one transport, or several mail servers.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected `outbox`, the URL of a mail server, or a list of URLs and of mappings of url, \
                               weight, user, password_env, password_file, tls_ca_file, connections, messages_per_connection, \
                               pipelining and rate"
)]
pub(super) enum RawVia {
    One(RawServer),
    Many(Vec<RawServer>),
}

/// A mail server: its URL, or a mapping.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RawServer {
    Url(String),
    Full(Box<RawServerFields>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawServerFields {
    pub url: String,
    pub weight: Option<u32>,
    pub user: Option<String>,
    pub password_env: Option<String>,
    pub password_file: Option<String>,
    pub tls_ca_file: Option<String>,
    pub connections: Option<usize>,
    pub pipelining: Option<RawPipelining>,
    pub messages_per_connection: Option<usize>,
    pub rate: Option<String>,
    pub warm_up: Option<RawWarmUp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawWarmUp {
    pub since: Option<String>,
    pub first_day: Option<u32>,
    pub factor: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCanary {
    pub share: Option<String>,
    pub to: Option<OneOrMany>,
    pub wait: Option<String>,
    pub max_failures: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawImages {
    Link,
    Embed,
}

/// `unsubscribe:` a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawUnsubscribe {
    None,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawEditionKind {
    Issue,
    Digest,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDigest {
    pub every: Option<String>,
    pub at: Option<String>,
    pub content: Option<RawFeedContent>,
    pub subject: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCheck {
    pub off: Option<OneOrMany>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawOnUnknown {
    Hold,
    Resend,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawPipelining {
    Auto,
    Envelope,
    Off,
}

/// Reads the text of the project file at `path`. Old keys are replaced in the text, each with a warning.
pub(super) fn parse(path: &str, text: &mut String) -> Result<(RawConfig, Vec<Finding>), Box<Finding>> {
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    let nothing_written: Result<Option<BTreeMap<String, serde_yaml::Value>>, _> = serde_yaml::from_str(text);
    if matches!(nothing_written, Ok(None)) {
        return Ok((RawConfig::default(), Vec::new()));
    }
    let mut warnings = Vec::new();
    loop {
        let error = match serde_yaml::from_str(text) {
            Ok(raw) => return Ok((raw, warnings)),
            Err(error) => error,
        };
        let Some((rewritten, warning)) = parse_error::renamed(path, text, &error) else {
            return Err(Box::new(parse_error::finding(path, text, &error)));
        };
        *text = rewritten;
        warnings.push(warning);
    }
}
