//! The project's configuration: every key of the project file parsed, with defaults filled in.
//!
//! `raw` deserializes the file; `resolve` turns it into a `Config`, or into findings with key, line and remedy. `disk` reads
//! the file; secrets are read where they are needed.

use std::path::{Path, PathBuf};

use crate::config::hugo::Hugo;
use crate::content::addresses::Addresses;
use crate::content::cascade::Cascade;
use crate::content::file_date::FileDate;
use crate::content::format::Generator;
use crate::content::format::generators::GeneratorFormat;
use crate::content::glob::Glob;
use crate::content::languages::Languages;
use crate::content::markdown::Dialect;
use crate::content::revision::UpdatedFrom;
use crate::delivery::Policy;
use crate::dkim::KeyFile;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::publication::Publication;
use crate::rate::{Rate, WarmUp};
use crate::smtp::Server;
use crate::smtp::relay::Pipelining;
use crate::store::Location;
use crate::token::bounce_address::BounceAddress;
use crate::{check, edition, feed, inbox, page, serve, subscription};

mod duration;
pub mod hugo;
mod mailbox;
mod old_keys;
mod raw;
mod redact;
mod resolve;
mod serde_message;

/// The complete configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What is published.
    pub publication: Publication,
    /// Folders below the project folder whose Markdown files are issues.
    pub content: Vec<PathBuf>,
    /// The languages of these folders.
    pub languages: Languages,
    /// Files of these folders that are not issues, below their content folder.
    pub exclude: Vec<Glob>,
    /// What makes a permalink.
    pub permalink: Addresses,
    /// Whether dates in file names count.
    pub file_date: FileDate,
    /// What the generator of the site determines.
    pub format: SiteFormat,
    /// Fields of the site's own: the name that slugline knows, and the one in the front matter, both in lower case.
    pub fields: Vec<(String, String)>,
    /// Folders whose files are published as they are, besides Hugo's.
    pub static_folders: Vec<PathBuf>,
    /// Fields that Hugo's configuration sets on pages.
    pub cascade: Vec<Cascade>,
    /// The content folders of the Hugo site, each empty or with a slash at its end; none if this is not a Hugo site.
    pub site_content: Vec<String>,
    /// Whether permalinks are made of the path below these, not below the folder of `content`.
    pub paths_from_site: bool,
    /// The web archive; `None` if the site has its own pages.
    pub archive: Option<page::Options>,
    /// Where the date of an issue's last change comes from.
    pub updated_from: UpdatedFrom,
    /// The output folder, below the project folder.
    pub output: PathBuf,
    /// The Markdown dialect.
    pub markdown: Dialect,
    /// The feeds.
    pub feeds: feed::Options,
    /// The keys below `mail`; `None` if the project does not mail.
    pub mail: Option<MailConfig>,
    /// How readers are served; `None` if they are not.
    pub serve: Option<serve::Options>,
    /// Where mail comes in, and what readers may ask for by mail; `None` if it is not read.
    pub inbox: Option<inbox::Options>,
    /// File with the secrets of tokens, relative to the project folder; SLUGLINE_SECRET takes precedence.
    pub secret_file: Option<PathBuf>,
    /// Options of `check`.
    pub check: check::Options,
    /// Where the store is.
    pub store: Location,
    /// Warnings about old names of keys and rules, and about the configuration of the generator.
    pub warnings: Vec<Finding>,
}

/// The format of a site, and where the site is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SiteFormat {
    /// The format.
    pub format: GeneratorFormat,
    /// The file or folder by which the generator was recognised; `None` if the project file names it, or none was.
    pub by: Option<String>,
    /// The folder of the site, which contains the configuration of the generator: empty, or with a slash at its end.
    pub folder: String,
}

/// The files around the project file, which decide what it leaves open.
pub struct SiteFiles<'a> {
    /// Hugo's configuration.
    pub hugo: &'a Hugo,
    /// Whether a file or folder exists, by its path below the project folder.
    pub exists: &'a dyn Fn(&str) -> bool,
    /// The text of a file, if it exists and can be read.
    pub text: &'a dyn Fn(&str) -> Option<String>,
}

/// Keys below `mail`.
#[derive(Debug, Clone, PartialEq)]
pub struct MailConfig {
    /// Content and header of messages.
    pub edition: edition::Options,
    /// What is mailed, when, and how fast.
    pub policy: Policy,
    /// How mail leaves.
    pub via: Via,
    /// File with the password of servers that do not set their own, relative to the project folder; SLUGLINE_SMTP_PASSWORD takes
    /// precedence.
    pub password_file: Option<PathBuf>,
    /// Concurrent connections to a server that does not set its own number.
    pub connections: usize,
    /// Envelope sender (MAIL FROM); default: the address of `from`.
    pub bounce_address: Option<BounceAddress>,
    /// The keys that sign every message (DKIM, RFC 6376); empty if the provider signs.
    pub dkim: Vec<KeyFile>,
    /// Whether the provider signs: `dkim: provider`.
    pub dkim_by_provider: bool,
    /// Whether the provider adds an unsubscribe link to every message: `unsubscribe: none`.
    pub unsubscribe_by_provider: bool,
    /// The list that is imported before every mailing; unsubscribed addresses stay unsubscribed.
    pub subscribers: Option<SubscriberList>,
}

/// A subscriber list named by the project file.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriberList {
    /// The CSV file, relative to the project folder.
    pub file: PathBuf,
    /// The meaning of its columns.
    pub options: subscription::Options,
}

/// How mail leaves.
#[derive(Debug, Clone, PartialEq)]
pub enum Via {
    /// As .eml files in this folder below the project folder.
    Outbox(PathBuf),
    /// To at least one SMTP server.
    Smtp(Vec<MailServer>),
}

/// A relay.
#[derive(Debug, Clone, PartialEq)]
pub struct MailServer {
    /// Host, port and TLS mode.
    pub server: Server,
    /// Its share of the mail relative to other servers, at least 1.
    pub weight: u32,
    /// Login name; the password is never in the project file.
    pub user: Option<String>,
    /// Environment variable with the password of this server.
    pub password_env: Option<String>,
    /// File with the password of this server, relative to the project folder.
    pub password_file: Option<PathBuf>,
    /// PEM file of additional trusted certificates, relative to the project folder.
    pub tls_ca_file: Option<PathBuf>,
    /// Concurrent connections.
    pub connections: usize,
    /// Which commands are pipelined.
    pub pipelining: Pipelining,
    /// Messages after which a connection is closed and a new one opened.
    pub messages_per_connection: Option<usize>,
    /// Rate limit of this server, in addition to `Policy::rate`.
    pub rate: Option<Rate>,
    /// Warm-up of this server, in addition to `Policy::warm_up`.
    pub warm_up: Option<WarmUp>,
}

impl SiteFormat {
    /// Whether the site is Hugo's, or that of no known generator.
    pub fn is_of_hugo(&self) -> bool {
        self.format.known().is_none_or(|generator| generator == Generator::Hugo)
    }

    /// Whether `permalink` of the project file is a pattern of the generator.
    pub fn takes_permalink(&self) -> bool {
        !self.is_of_hugo() && self.format.has_patterns() && self.format.has_addresses()
    }

    /// These folders of the site below the project folder.
    pub fn in_site(&self, folders: Vec<String>) -> Vec<PathBuf> {
        folders.iter().map(|folder| Path::new(&self.folder).join(folder)).collect()
    }

    /// The path of a file below the folder of the site.
    pub fn path_in_site<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(&self.folder).unwrap_or(path)
    }
}

impl MailConfig {
    /// Whether mail leaves over SMTP.
    pub fn is_over_smtp(&self) -> bool {
        matches!(self.via, Via::Smtp(_))
    }

    /// Whether mail would leave over SMTP without an unsubscribe link.
    pub fn lacks_unsubscribe(&self) -> bool {
        let has_link = self.edition.unsubscribe_url.is_some() || self.edition.unsubscribe_mailto.is_some();
        self.is_over_smtp() && !has_link && !self.unsubscribe_by_provider
    }

    /// The envelope sender, MAIL FROM (RFC 5321 section 3.3), which gets bounces; of an address with a token, one that belongs to no
    /// recipient.
    pub fn envelope_sender(&self) -> &EmailAddress {
        self.bounce_address.as_ref().map_or(&self.edition.from.address, BounceAddress::of_nobody)
    }
}

impl Config {
    /// Whether mail leaves over SMTP.
    pub fn mails_over_smtp(&self) -> bool {
        self.mail.as_ref().is_some_and(MailConfig::is_over_smtp)
    }

    /// Whether single readers are mailed: what they ask for on pages or by mail is answered.
    pub fn answers_readers(&self) -> bool {
        self.serve.is_some() || self.inbox.is_some()
    }

    /// The address at which readers confirm and undo by mail, with `{token}` in it, if there is one.
    pub fn confirm_address(&self) -> Option<&str> {
        self.inbox.as_ref()?.confirm.as_deref()
    }

    /// The address at which anyone can ask to be subscribed, if there is one.
    pub fn subscribe_address(&self) -> Option<&EmailAddress> {
        self.inbox.as_ref()?.subscribe.as_ref()
    }

    /// The content folder of the Hugo site that contains this file.
    pub fn site_root(&self, path: &str) -> Option<&str> {
        let around = self.site_content.iter().filter(|folder| path.starts_with(folder.as_str()));
        around.max_by_key(|folder| folder.len()).map(String::as_str)
    }

    /// The publication in each of its languages, the main one first.
    pub fn publications(&self) -> Vec<&Publication> {
        std::iter::once(&self.publication).chain(self.languages.others()).collect()
    }

    /// The format of a project without a project file.
    pub fn format_of_site(files: &SiteFiles<'_>) -> SiteFormat {
        resolve::format::of_site(files)
    }

    /// Reads the text of the project file of a project that no generator builds. `path` is its name in findings.
    ///
    /// # Errors
    /// One finding if it is not valid YAML or contains an unknown key, or else one per invalid value.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Finding>> {
        let files = SiteFiles { hugo: &Hugo::default(), exists: &|_| false, text: &|_| None };
        Self::parse_beside(path, text, &files)
    }

    /// Reads the text of the project file; what it leaves open, the configuration of the generator decides.
    ///
    /// # Errors
    /// As `parse`. No setting of a generator is an error.
    pub fn parse_beside(path: &str, text: &str, files: &SiteFiles<'_>) -> Result<Self, Vec<Finding>> {
        let mut text = text.to_owned();
        let read = raw::parse(path, &mut text).map_err(|finding| vec![*finding]);
        let config = read.and_then(|(raw, renamed)| {
            let mut config = resolve::resolve(raw, files, resolve::Source { path, text: &text })?;
            config.warnings.extend(renamed);
            Ok(config)
        });
        config.map_err(|findings| findings.into_iter().map(redact::redacted).collect())
    }
}
