//! The project file as meant: every key resolved, defaults filled in.
//!
//! `raw` reads what was written, `resolve` turns it into this `Config` or into findings that name key, line and
//! remedy. Reading the file is left to `disk`, secrets to the edge that needs them.

use std::path::PathBuf;

use chrono::Duration;

use crate::content::markdown::Dialect;
use crate::content::permalink::Pattern;
use crate::email::EmailAddress;
use crate::feed;
use crate::finding::Finding;
use crate::issue::Extent;
use crate::publication::Publication;
use crate::rate::{Rate, WarmUp};
use crate::store::Location;

pub use languages::Languages;
pub use pace::{Canary, MailServer, Wave};
pub use schedule::Schedule;

mod languages;
mod mailbox;
mod pace;
mod raw;
mod resolve;
mod schedule;
mod secret;
mod via;
mod wording;

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
    pub archive: Option<WebArchive>,
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
    pub check: CheckConfig,
    /// Where subscribers and ledger are kept.
    pub store: Location,
}

/// The web archive: a page for each issue, and an index of them.
#[derive(Debug, Clone, PartialEq)]
pub struct WebArchive {
    /// Pattern of the addresses of its pages.
    pub pattern: Pattern,
    /// Whether these are the permalinks; they are not where the project file has a `permalink` of its own.
    pub is_permalink: bool,
}

impl WebArchive {
    /// The folder of the index and of everything else in the archive of a publication, below `output` and the base URL:
    /// empty, or it ends in `/`. Not percent-encoded.
    pub fn folder(&self, publication: &Publication) -> String {
        let site = publication.site.as_ref().map_or_else(String::new, |site| format!("{site}/"));
        format!("{site}{}", self.pattern.fixed_folder())
    }
}

/// Keys below `check`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CheckConfig {
    /// Names of the rules that are switched off, each a known one.
    pub off: Vec<String>,
}

/// What tells when an issue changed, where its front matter does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdatedFrom {
    /// Nothing: it never did.
    FrontMatter,
    /// The history that git keeps of its file.
    Git,
}

/// Keys below `mail`.
#[derive(Debug, Clone, PartialEq)]
pub struct MailConfig {
    /// Header From.
    pub from: Mailbox,
    /// Header Reply-To.
    pub reply_to: Option<Mailbox>,
    /// Header List-Id (RFC 2919): display name and dotted identifier.
    pub list_id: Option<ListId>,
    /// Whether each issue is mailed by itself.
    pub edition: EditionOf,
    /// The digests; here too where `edition` is `Issue`, for those begun before.
    pub digest: DigestConfig,
    /// Template of the subject of an issue's mail.
    pub subject: String,
    /// What becomes of pictures.
    pub images: Images,
    /// How mail leaves.
    pub via: Via,
    /// File that holds the password of servers without one of their own, relative to the project folder;
    /// SLUGLINE_SMTP_PASSWORD wins.
    pub password_file: Option<PathBuf>,
    /// Connections used side by side, to a server that says nothing else.
    pub connections: usize,
    /// How fast mail may leave, counted for all who send from the store.
    pub rate: Option<Rate>,
    /// How much mail may leave on each day while the sender is new, counted likewise.
    pub warm_up: Option<WarmUp>,
    /// Who gets an issue before the others, to see whether it arrives.
    pub canary: Option<Canary>,
    /// An issue older than this is never mailed by itself.
    pub due_for: Duration,
    /// What becomes of recipients whose delivery is unknown.
    pub on_unknown: OnUnknown,
    /// Envelope sender (MAIL FROM); default: the address of `from`.
    pub bounce_address: Option<EmailAddress>,
    /// Keys that sign every message (DKIM, RFC 6376); none where the provider signs.
    pub dkim: Vec<DkimKey>,
    /// Whether the provider does: `dkim: provider`.
    pub dkim_by_provider: bool,
    /// Address that takes requests to leave: List-Unsubscribe, and the link at the foot of the mail. `{token}` in it
    /// becomes the recipient's token.
    pub unsubscribe_mailto: Option<String>,
    /// URL of a page to leave at; `{token}` in it becomes the recipient's token, `{address}` the address,
    /// percent-encoded.
    pub unsubscribe_url: Option<String>,
    /// CSV file of subscribers that is imported before every sending; those who left stay away.
    pub subscribers: Option<PathBuf>,
}

/// Where a key that signs messages is, and its public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimKey {
    /// The name of the key below the domain: the record is at `SELECTOR._domainkey.DOMAIN`.
    pub selector: String,
    /// The domain that answers for the message, as A-labels.
    pub domain: String,
    /// PEM file of the private key, relative to the project folder.
    pub key_file: PathBuf,
}

/// What becomes of the pictures in a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// Mail programs load them from the web.
    Link,
    /// The project's own travel with the mail.
    Embed {
        /// Bytes that the files of one mail may have together.
        most_bytes: u64,
    },
}

/// What one mail holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditionOf {
    /// One issue.
    Issue,
    /// The issues of a period.
    Digest,
}

/// Keys below `mail.digest`.
#[derive(Debug, Clone, PartialEq)]
pub struct DigestConfig {
    /// The periods, and when their digests are mailed.
    pub schedule: Schedule,
    /// Full text or summary.
    pub content: Extent,
    /// Template of the subject.
    pub subject: String,
}

/// A display name and an address: RFC 5322 `mailbox`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mailbox {
    /// Display name, if any.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

/// RFC 2919: `Name <label.example.org>`.
#[derive(Debug, Clone, PartialEq)]
pub struct ListId {
    /// Display name, if any.
    pub name: Option<String>,
    /// Dotted ASCII identifier.
    pub id: String,
}

/// How mail leaves.
#[derive(Debug, Clone, PartialEq)]
pub enum Via {
    /// As .eml files in this folder below the project folder.
    Outbox(PathBuf),
    /// To SMTP servers, one at least.
    Smtp(Vec<MailServer>),
}

/// What becomes of recipients whose delivery is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// They wait for `resolve`.
    Hold,
    /// They are sent again at the next run: twice at the worst, never not at all.
    Resend,
}

impl MailConfig {
    /// Where reports of failure go: MAIL FROM (RFC 5321 section 3.3).
    pub fn envelope_sender(&self) -> &EmailAddress {
        self.bounce_address.as_ref().unwrap_or(&self.from.address)
    }
}

impl Config {
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
        let read = raw::parse(path, text).map_err(|finding| vec![*finding]);
        let config = read.and_then(|raw| resolve::resolve(raw, resolve::Source { path, text }));
        config.map_err(|findings| findings.into_iter().map(secret::kept).collect())
    }
}
