//! The project file as meant: every key resolved, defaults filled in.
//!
//! `raw` reads what was written, `resolve` turns it into this `Config` or into findings that name key, line and
//! remedy. Reading the file is left to `disk`, secrets to the edge that needs them.

use std::path::PathBuf;

use crate::content::languages::Languages;
use crate::content::markdown::Dialect;
use crate::content::permalink::Pattern;
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
use crate::{check, edition, feed, page, subscription};

mod duration;
mod mailbox;
mod old_keys;
mod raw;
mod redact;
mod resolve;
mod serde_message;

/// The whole project file, as meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What is published.
    pub publication: Publication,
    /// Folders below the project folder whose Markdown files are issues.
    pub content: Vec<PathBuf>,
    /// Which of them are in which language.
    pub languages: Languages,
    /// Pattern of permalinks.
    pub permalink: Pattern,
    /// The web archive; `None` where the site has its own pages.
    pub archive: Option<page::Options>,
    /// What tells when an issue changed.
    pub updated_from: UpdatedFrom,
    /// Folder for what is built, below the project folder.
    pub output: PathBuf,
    /// What Markdown means.
    pub markdown: Dialect,
    /// The feeds.
    pub feeds: feed::Options,
    /// The e-mail edition; `None` when the project file has no `mail`.
    pub mail: Option<MailConfig>,
    /// File that holds the secrets that sign tokens, relative to the project folder; SLUGLINE_SECRET wins.
    pub secret_file: Option<PathBuf>,
    /// What `check` judges.
    pub check: check::Options,
    /// Where subscribers and ledger are kept.
    pub store: Location,
    /// Warnings about old names of keys and rules.
    pub renamed: Vec<Finding>,
}

/// Keys below `mail`.
#[derive(Debug, Clone, PartialEq)]
pub struct MailConfig {
    /// What a message looks like.
    pub edition: edition::Options,
    /// What is mailed, when, and how fast.
    pub policy: Policy,
    /// How mail leaves.
    pub via: Via,
    /// File that holds the password of servers without one of their own, relative to the project folder;
    /// SLUGLINE_SMTP_PASSWORD wins.
    pub password_file: Option<PathBuf>,
    /// Connections used side by side, to a server that says nothing else.
    pub connections: usize,
    /// Envelope sender (MAIL FROM); default: the address of `from`.
    pub bounce_address: Option<EmailAddress>,
    /// Keys that sign every message (DKIM, RFC 6376); none where the provider signs.
    pub dkim: Vec<KeyFile>,
    /// Whether the provider does: `dkim: provider`.
    pub dkim_by_provider: bool,
    /// Whether somebody else adds a way to leave to every message, as some providers do: `unsubscribe: none`.
    pub unsubscribe_by_provider: bool,
    /// The list that is imported before every sending; those who left stay away.
    pub subscribers: Option<SubscriberList>,
}

/// A list of subscribers that the project file names.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriberList {
    /// The CSV file, relative to the project folder.
    pub file: PathBuf,
    /// What its columns mean.
    pub options: subscription::Options,
}

/// How mail leaves.
#[derive(Debug, Clone, PartialEq)]
pub enum Via {
    /// As .eml files in this folder below the project folder.
    Outbox(PathBuf),
    /// To SMTP servers, one at least.
    Smtp(Vec<MailServer>),
}

/// An SMTP server that mail leaves through.
#[derive(Debug, Clone, PartialEq)]
pub struct MailServer {
    /// Where it is.
    pub server: Server,
    /// Its share of the mail beside others, at least 1.
    pub weight: u32,
    /// Login name; the password never stands in the project file.
    pub user: Option<String>,
    /// Environment variable that holds the password of this server.
    pub password_env: Option<String>,
    /// File that holds the password of this server, relative to the project folder.
    pub password_file: Option<PathBuf>,
    /// PEM file of further certificates to trust, relative to the project folder: for a relay of one's own.
    pub tls_ca_file: Option<PathBuf>,
    /// Connections used side by side.
    pub connections: usize,
    /// How far commands leave before the replies to those before them have come.
    pub pipelining: Pipelining,
    /// After so many messages a connection is closed and another opened, where that is said.
    pub messages_per_connection: Option<usize>,
    /// How fast mail may leave through it, beside `Policy::rate`.
    pub rate: Option<Rate>,
    /// How much mail may leave through it on each day while it is new, beside `Policy::warm_up`.
    pub warm_up: Option<WarmUp>,
}

impl MailConfig {
    /// Whether mail leaves over SMTP.
    pub fn is_over_smtp(&self) -> bool {
        matches!(self.via, Via::Smtp(_))
    }

    /// Whether the mail would go to a list through a server, with no way to leave in it.
    pub fn lacks_unsubscribe(&self) -> bool {
        let has_way = self.edition.unsubscribe_url.is_some() || self.edition.unsubscribe_mailto.is_some();
        self.is_over_smtp() && !has_way && !self.unsubscribe_by_provider
    }

    /// Where reports of failure go: MAIL FROM (RFC 5321 section 3.3).
    pub fn envelope_sender(&self) -> &EmailAddress {
        self.bounce_address.as_ref().unwrap_or(&self.edition.from.address)
    }
}

impl Config {
    /// Whether mail leaves over SMTP.
    pub fn mails_over_smtp(&self) -> bool {
        self.mail.as_ref().is_some_and(MailConfig::is_over_smtp)
    }

    /// The publication in each of its languages, its own first.
    pub fn publications(&self) -> Vec<&Publication> {
        std::iter::once(&self.publication).chain(self.languages.others()).collect()
    }

    /// Reads the text of the project file. `path` is its name in findings.
    ///
    /// # Errors
    /// Everything that is wrong with it: one finding when it cannot be read as YAML or holds an unknown key, else one
    /// per wrong value.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Finding>> {
        let mut text = text.to_owned();
        let read = raw::parse(path, &mut text).map_err(|finding| vec![*finding]);
        let config = read.and_then(|(raw, renamed)| {
            let mut config = resolve::resolve(raw, resolve::Source { path, text: &text })?;
            config.renamed.extend(renamed);
            Ok(config)
        });
        config.map_err(|findings| findings.into_iter().map(redact::redacted).collect())
    }
}
