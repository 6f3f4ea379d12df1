//! The e-mail edition of one issue, or of a digest: HTML, plain text, and the message each recipient gets.
//!
//! Takes the publication, the `mail` part of the project file, an issue, its Markdown and the project's templates.
//! What no recipient changes is rendered, inlined and encoded once; a template that refers to its reader is filled in
//! for each of them. Sending is left to others.

use std::borrow::Cow;

use anyhow::Context;
use chrono::{DateTime, Utc};
use minijinja::Value;
use sha2::{Digest as _, Sha256};

use crate::config::MailConfig;
use crate::content::markdown::Document;
use crate::content::plain_text;
use crate::digest::Period;
use crate::edition::body::Body;
use crate::edition::context::Fields;
use crate::edition::inline::inline;
use crate::edition::message::{About, Header};
use crate::edition::recipient::{Leave, Unsubscribe};
use crate::edition::template::Templates;
use crate::finding::Finding;
use crate::issue::{Cover, Issue};
use crate::publication::Publication;

pub mod body;
pub mod context;
mod digest;
pub mod dkim;
mod dress;
pub mod header;
mod highlight;
pub mod inline;
pub mod message;
pub mod recipient;
pub mod template;
mod transfer;
pub mod words;

pub use crate::edition::digest::Section;
pub use crate::edition::recipient::Recipient;

/// The e-mail edition of one issue or digest.
#[derive(Debug)]
pub struct Edition {
    templates: Templates,
    fields: Fields,
    unsubscribe: Unsubscribe,
    subject: String,
    /// `None` for a project that does not mail.
    header: Option<Header>,
    /// `None` where a template refers to its reader in another way than by the link to leave.
    same_for_all: Option<Rendered>,
    content_hash: String,
}

/// Both parts, and their encoded form.
#[derive(Debug, Clone)]
struct Rendered {
    html: String,
    text: String,
    body: Body,
}

/// Stands for the recipient's own link to leave in parts that are the same for all but for it. It survives HTML, CSS and
/// text as it is, and nobody writes it by chance.
const MARK: &str = "https://slugline.invalid/leave-b3dcbc1cbb0e4d2f";

impl Edition {
    /// Makes the edition of `issue` with its cover and body. Without `mail` it can be looked at, but not sent.
    /// `templates` gives the text of the project's own template of a name, if there is one.
    ///
    /// # Errors
    /// What `templates` fails with; a finding where a template or the subject is wrong; an address or URL of the project
    /// file that cannot stand in a header.
    pub fn prepare(
        publication: &Publication,
        mail: Option<&MailConfig>,
        issue: &Issue,
        cover: Option<&Cover>,
        body: &Document<'_>,
        templates: &dyn Fn(&str) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<Self> {
        let templates = Templates::load(template::ISSUE, templates)?;
        let html = dress::body(body, &issue.permalink, "note-");
        let text = plain_text::render(body, &issue.permalink);
        let fields = Fields::new(publication, issue, cover, html, text);
        let subject = subject(&templates, &fields, mail, issue)?;
        let about = About { id: issue.id.as_str(), archived_at: Some(&issue.permalink), subject: &subject };
        Self::finish(templates, fields, mail, &about)
    }

    /// Makes the edition of the digest of a period that holds these sections. `templates` as in `prepare`.
    ///
    /// # Errors
    /// As in `prepare`.
    pub fn prepare_digest(
        publication: &Publication,
        mail: &MailConfig,
        period: &Period,
        sections: &[Section<'_>],
        templates: &dyn Fn(&str) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<Self> {
        let templates = Templates::load(template::DIGEST, templates)?;
        let fields = digest::fields(publication, mail.digest.content, period, sections);
        let subject = templates.render_value("mail.digest.subject", &mail.digest.subject, fields.shared());
        let subject = header::one_line(&subject.map_err(|finding| *finding)?);
        // Two publications may have the same sender and subscriber; their digests of a week are two messages.
        let id = format!("{}{}", publication.base_url, period.id());
        Self::finish(templates, fields, Some(mail), &About { id: &id, archived_at: None, subject: &subject })
    }

    fn finish(
        templates: Templates,
        fields: Fields,
        mail: Option<&MailConfig>,
        about: &About<'_>,
    ) -> anyhow::Result<Self> {
        let unsubscribe = mail.map_or_else(|| Ok(Unsubscribe::default()), Unsubscribe::new)?;
        let subject = about.subject.to_owned();
        let header = mail.map(|mail| Header::new(mail, about, fields.language())).transpose()?;
        let content_hash = content_hash(&templates, &fields, &subject);
        let mut edition = Self { templates, fields, unsubscribe, subject, header, same_for_all: None, content_hash };
        // The project's own address stands for a reader that no template refers to.
        let somebody = Recipient::of_address(mail.map_or_else(example, |mail| Ok(mail.from.address.clone()))?);
        edition.same_for_all = edition.rendered_for_all(&somebody)?;
        Ok(edition)
    }

    /// The HTML part as this recipient gets it.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn html(&self, recipient: &Recipient) -> anyhow::Result<String> {
        let leave = self.unsubscribe.of(&recipient.address)?;
        Ok(self.rendered(recipient, &leave)?.html_for(&leave))
    }

    /// The plain text as this recipient reads it, lines ended by a line feed.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn text(&self, recipient: &Recipient) -> anyhow::Result<String> {
        let leave = self.unsubscribe.of(&recipient.address)?;
        let text = self.rendered(recipient, &leave)?.text_for(&leave);
        Ok(text.lines().map(|line| format!("{}\n", line.trim_end())).collect())
    }

    /// The whole message for one recipient: ASCII, lines ended by CRLF. `date` is when it was first meant to leave: the
    /// same for every attempt, which then has the same bytes.
    ///
    /// # Errors
    /// When the project file has no `mail`, the address needs SMTPUTF8, or a template fails on this recipient.
    pub fn message(&self, recipient: &Recipient, date: DateTime<Utc>) -> anyhow::Result<Vec<u8>> {
        let Some(header) = &self.header else { return Err(no_mail().into()) };
        let leave = self.unsubscribe.of(&recipient.address)?;
        header.message(recipient, date, &self.rendered(recipient, &leave)?.body)
    }

    /// The subject, on one line.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What the edition is made from, as a hash: SHA-256 in hexadecimal digits. It is the same as long as the
    /// recipients get the same.
    pub fn content_hash(&self) -> &str {
        &self.content_hash
    }

    /// Both parts once for all recipients, if no template tells them apart but by their link to leave. A template can do
    /// more with that link than show it; so what comes of it is compared with what `somebody` gets.
    fn rendered_for_all(&self, somebody: &Recipient) -> anyhow::Result<Option<Rendered>> {
        if self.templates.uses("subscriber") {
            return Ok(None);
        }
        let leave = self.unsubscribe.of(&somebody.address)?;
        let own = self.render(somebody, &leave)?;
        if !self.unsubscribe.is_personal() || !self.templates.uses("unsubscribe") {
            return Ok(Some(own));
        }
        let marked = self.render(somebody, &Leave { url: Some(MARK.to_owned()), ..leave.clone() })?;
        let same = marked.html_for(&leave) == own.html && marked.text_for(&leave) == own.text;
        Ok(same.then_some(marked))
    }

    fn rendered(&self, recipient: &Recipient, leave: &Leave) -> anyhow::Result<Cow<'_, Rendered>> {
        let fits = leave.link().is_none_or(|link| link.replace('&', "&amp;").len() <= transfer::ROOM);
        match &self.same_for_all {
            Some(rendered) if fits => Ok(Cow::Borrowed(rendered)),
            _ => self.render(recipient, leave).map(Cow::Owned),
        }
    }

    fn render(&self, recipient: &Recipient, leave: &Leave) -> anyhow::Result<Rendered> {
        let html = self
            .templates
            .render(self.templates.parts.html, &self.fields.for_html(recipient, leave))
            .map_err(|finding| *finding)?;
        let html = inline(&html)?;
        let text = self
            .templates
            .render(self.templates.parts.text, &self.fields.for_text(recipient, leave))
            .map_err(|finding| *finding)?;
        let body = Body::encode(&text, &html, MARK);
        Ok(Rendered { html, text, body })
    }
}

impl Rendered {
    fn html_for(&self, leave: &Leave) -> String {
        self.html.replace(MARK, &leave.link().unwrap_or_default().replace('&', "&amp;"))
    }

    fn text_for(&self, leave: &Leave) -> String {
        self.text.replace(MARK, leave.link().unwrap_or_default())
    }
}

/// The issue's own subject, else the project's template of one, else the title.
fn subject(templates: &Templates, fields: &Fields, mail: Option<&MailConfig>, issue: &Issue) -> anyhow::Result<String> {
    let subject = match (&issue.subject, mail) {
        (Some(subject), _) => subject.clone(),
        (None, Some(mail)) => {
            templates.render_value("mail.subject", &mail.subject, fields.shared()).map_err(|finding| *finding)?
        }
        (None, None) => issue.plain_title().into_owned(),
    };
    Ok(header::one_line(&subject))
}

fn content_hash(templates: &Templates, fields: &Fields, subject: &str) -> String {
    let mut hash = Sha256::new();
    let shared: &Value = fields.shared();
    let [shared, html, text] =
        [shared, &fields.html, &fields.text].map(|fields| serde_json::to_string(fields).unwrap_or_default());
    let sources = templates.sources();
    let templates = sources.iter().flat_map(|(name, source)| [name.as_str(), source.as_str()]);
    for part in [subject, &shared, &html, &text].into_iter().chain(templates) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

fn example() -> anyhow::Result<crate::email::EmailAddress> {
    "reader@example.org".parse().context("failed to make an example address")
}

fn no_mail() -> Finding {
    Finding::error("no-mail", "the project file has no `mail`, so nobody sends this message")
        .help("write `mail:` and below it `from: Name <address>` into the project file")
}

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
