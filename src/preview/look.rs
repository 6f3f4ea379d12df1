//! One issue rendered as feed readers and mail programs get it, for an example recipient.

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

/// Whom the letter is for.
pub const EXAMPLE: &str = "reader@example.org";

/// Something as it could be made last.
#[derive(Debug)]
pub struct Shown<T> {
    /// `None` while it never could be made.
    pub good: Option<Arc<T>>,
    /// Whether the files say something else by now.
    pub is_old: bool,
}

/// The entry of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Plain text.
    pub title: String,
    /// As the reader's clock would have it: day and time in the issue's own offset; `None` without a date.
    pub date: Option<String>,
    /// Names.
    pub authors: Vec<String>,
    /// Categories and tags.
    pub terms: Vec<String>,
    /// BCP 47 tag.
    pub language: String,
    /// Where the issue can be read.
    pub permalink: String,
    /// The cover, absolute.
    pub cover: Option<String>,
    /// The content.
    pub html: String,
}

/// The letter to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// As mail programs list it.
    pub subject: String,
    /// The line beside the subject.
    pub preheader: Option<String>,
    /// The HTML part.
    pub html: String,
    /// The plain text.
    pub text: String,
    /// Names and values of the header's fields, unfolded; empty where the project has no `mail`.
    pub headers: Vec<(String, String)>,
    /// How many bytes the whole message has.
    pub bytes: usize,
}

/// What came of rendering an issue; what is wrong where it failed.
pub(super) struct Rendered {
    pub entry: Result<Entry, Vec<Finding>>,
    pub letter: Result<Letter, Vec<Finding>>,
}

impl<T> Default for Shown<T> {
    fn default() -> Self {
        Self { good: None, is_old: false }
    }
}

impl<T> Clone for Shown<T> {
    fn clone(&self) -> Self {
        Self { good: self.good.clone(), is_old: self.is_old }
    }
}

impl<T> Shown<T> {
    /// What was made now, or what was good before.
    pub(super) fn followed_by(self, made: Result<T, Vec<Finding>>, problems: &mut Vec<Finding>) -> Self {
        match made {
            Ok(made) => Self { good: Some(Arc::new(made)), is_old: false },
            Err(findings) => {
                let new: Vec<Finding> = findings.into_iter().filter(|finding| !problems.contains(finding)).collect();
                problems.extend(new);
                self.outlived()
            }
        }
    }

    /// The same, no longer being what the files say.
    pub(super) fn outlived(self) -> Self {
        Self { is_old: self.good.is_some(), ..self }
    }
}

/// Renders an issue. References in it lead to one of `issues`.
pub(super) fn render(
    project: &Project,
    config: &Config,
    issues: &[Issue],
    issue: &Issue,
    now: DateTime<Utc>,
) -> Rendered {
    let failed = |findings: Vec<Finding>| Rendered { entry: Err(findings.clone()), letter: Err(findings) };
    let composer = match Composer::open(project, config, issues) {
        Ok(composer) => composer,
        Err(error) => return failed(problems(&error)),
    };
    // A shortcode that cannot be shown would reach readers with a hole.
    let wrong: Vec<Finding> =
        composer.shortcode_findings().iter().filter(|finding| finding.is_error()).cloned().collect();
    if !wrong.is_empty() {
        return failed(wrong);
    }
    let entry = entry(config, &composer, issue).map_err(|finding| vec![*finding]);
    let composed = composer.compose(&MailingContent::Issue(issue));
    let letter = composed.edition.and_then(|edition| letter(&edition, issue, config.mail.is_some().then_some(now)));
    Rendered { entry, letter: letter.map_err(|error| problems(&error)) }
}

fn entry(config: &Config, composer: &Composer<'_>, issue: &Issue) -> Result<Entry, Box<Finding>> {
    let body = composer.body(issue)?;
    let document = composer.document(issue, &body);
    let terms = issue.categories.iter().chain(issue.tags.iter()).map(Term::as_str);
    Ok(Entry {
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

/// The letter to the example recipient; with header fields where it has a `date`.
fn letter(edition: &Edition, issue: &Issue, date: Option<DateTime<Utc>>) -> anyhow::Result<Letter> {
    let recipient = Recipient::of_address(EXAMPLE.parse()?);
    let message = date.map(|date| edition.message(&recipient, date)).transpose()?.unwrap_or_default();
    Ok(Letter {
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
