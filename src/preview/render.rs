//! Renders one issue as feed readers and mail clients receive it, for an example recipient.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::compose::Composer;
use crate::config::Config;
use crate::content::html::{self, Reader};
use crate::digest::MailingContent;
use crate::disk::Project;
use crate::edition::{Edition, Recipient};
use crate::finding::Finding;
use crate::issue::{Issue, Term};
use crate::preview::problems;
use crate::publish;

/// The recipient of the previewed edition.
pub const EXAMPLE_RECIPIENT: &str = "reader@example.org";

/// The last version that rendered without errors.
#[derive(Debug)]
pub struct LastGood<T> {
    /// `None` until it rendered once.
    pub good: Option<Arc<T>>,
    /// Whether the files have changed since.
    pub is_old: bool,
}

/// A feed entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryView {
    /// Plain text.
    pub title: String,
    /// Day and time in the issue's own offset, or `None` if undated.
    pub date: Option<String>,
    /// Names.
    pub authors: Vec<String>,
    /// Categories and tags.
    pub terms: Vec<String>,
    /// BCP 47 tag.
    pub language: String,
    /// Where the issue is published.
    pub permalink: String,
    /// The absolute URL of the cover.
    pub cover: Option<String>,
    /// The content.
    pub html: String,
}

/// The edition for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditionView {
    /// The subject as mail clients list it.
    pub subject: String,
    /// The line beside the subject.
    pub preheader: Option<String>,
    /// The HTML part.
    pub html: String,
    /// The plain text part.
    pub text: String,
    /// Names and values of the header fields, unfolded; empty if the project has no `mail`.
    pub headers: Vec<(String, String)>,
    /// Size of the complete message, in bytes.
    pub bytes: usize,
}

/// The rendered issue, or the problems of each part that failed.
pub(super) struct Rendered {
    pub entry: Result<EntryView, Vec<Finding>>,
    pub edition: Result<EditionView, Vec<Finding>>,
}

impl<T> Default for LastGood<T> {
    fn default() -> Self {
        Self { good: None, is_old: false }
    }
}

impl<T> Clone for LastGood<T> {
    fn clone(&self) -> Self {
        Self { good: self.good.clone(), is_old: self.is_old }
    }
}

impl<T> LastGood<T> {
    /// The new version, or the last good one if the new one failed.
    pub(super) fn updated(self, new: Result<T, Vec<Finding>>, problems: &mut Vec<Finding>) -> Self {
        match new {
            Ok(new) => Self { good: Some(Arc::new(new)), is_old: false },
            Err(findings) => {
                let new: Vec<Finding> = findings.into_iter().filter(|finding| !problems.contains(finding)).collect();
                problems.extend(new);
                self.outdated()
            }
        }
    }

    /// The same version, marked as older than the files.
    pub(super) fn outdated(self) -> Self {
        Self { is_old: self.good.is_some(), ..self }
    }
}

/// Renders an issue. Its references resolve to one of `issues`.
pub(super) fn issue(
    project: &Project,
    config: &Config,
    issues: &[Issue],
    issue: &Issue,
    now: DateTime<Utc>,
) -> Rendered {
    let failed = |findings: Vec<Finding>| Rendered { entry: Err(findings.clone()), edition: Err(findings) };
    let composer = match Composer::open(project, config, issues) {
        Ok(composer) => composer,
        Err(error) => return failed(problems(&error)),
    };
    // Subscribers would receive the issue without the content of a broken shortcode.
    let errors: Vec<Finding> =
        composer.shortcode_findings().iter().filter(|finding| finding.is_error()).cloned().collect();
    if !errors.is_empty() {
        return failed(errors);
    }
    let entry = entry(config, &composer, issue).map_err(|finding| vec![*finding]);
    let composed = composer.compose(&MailingContent::Issue(issue));
    let edition =
        composed.edition.and_then(|edition| edition_view(&edition, issue, config.mail.is_some().then_some(now)));
    Rendered { entry, edition: edition.map_err(|error| problems(&error)) }
}

fn entry(config: &Config, composer: &Composer<'_>, issue: &Issue) -> Result<EntryView, Box<Finding>> {
    let body = composer.body(issue)?;
    let document = composer.document(issue, &body);
    let terms = issue.categories.iter().chain(issue.tags.iter()).map(Term::as_str);
    Ok(EntryView {
        title: issue.plain_title().into_owned(),
        date: issue.is_dated().then(|| issue.date.format("%Y-%m-%d %H:%M").to_string()),
        authors: issue.authors.iter().map(|author| author.name.clone()).collect(),
        terms: terms.map(str::to_owned).collect(),
        language: issue.language.clone().unwrap_or_else(|| config.publication.language.clone()),
        permalink: issue.permalink.to_string(),
        cover: composer.cover(issue).map(|cover| cover.url.to_string()),
        html: html::render(&document, &issue.permalink, &publish::prefix(issue), Reader::Feed),
    })
}

/// The edition for the example recipient, with header fields if a `date` is given.
fn edition_view(edition: &Edition, issue: &Issue, date: Option<DateTime<Utc>>) -> anyhow::Result<EditionView> {
    let recipient = Recipient::of_address(EXAMPLE_RECIPIENT.parse()?);
    let message = date.map(|date| edition.message(&recipient, date)).transpose()?.unwrap_or_default();
    Ok(EditionView {
        subject: edition.subject(&recipient)?.into_owned(),
        preheader: issue.preheader.clone().or_else(|| issue.description.clone()),
        html: edition.html(&recipient)?,
        text: edition.text(&recipient)?,
        headers: headers(&message),
        bytes: message.len(),
    })
}

/// The fields of a message's header, unfolded (RFC 5322 section 2.2.3).
fn headers(message: &[u8]) -> Vec<(String, String)> {
    let message = String::from_utf8_lossy(message);
    let header = message.split("\r\n\r\n").next().unwrap_or_default();
    let unfolded = header.replace("\r\n ", " ").replace("\r\n\t", "\t");
    let fields = unfolded.split("\r\n").filter_map(|field| field.split_once(": "));
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
