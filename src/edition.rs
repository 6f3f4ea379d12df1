//! The email edition of an issue or a digest: HTML, plain text, and the message for each recipient.
//!
//! Takes the publication, the options below `mail`, an issue, its Markdown and the project's templates. What is the same for
//! all recipients is rendered, inlined and encoded once; templates that depend on the recipient are rendered for each.
//! `delivery` sends the messages.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use url::Url;

use crate::content::direction::Direction;
use crate::content::plain_text;
use crate::digest::Period;
use crate::edition::context::Fields;
use crate::edition::mail_html::PictureWidth;
use crate::edition::message::{ContentRef, Header};
use crate::edition::pictures::{PictureLookup, Pictures};
use crate::edition::render::Renderer;
use crate::edition::subject::Subject;
use crate::edition::template::TemplateNames;
use crate::edition::unsubscribe::{Unsubscribe, UnsubscribeLinks};
use crate::finding::Finding;
use crate::issue::Issue;
use crate::publication::Publication;
use crate::templates::Templates;
use crate::templates::locale::Locale;
use crate::token::Secrets;

pub mod body;
pub mod context;
mod digest;
mod direction;
pub mod header;
mod highlight;
pub mod inline;
pub mod mail_html;
mod message;
mod options;
pub mod pictures;
pub mod recipient;
mod render;
pub mod style_sheet;
mod subject;
pub mod template;
mod template_split;
pub mod transactional;
mod transfer_encoding;
pub mod unsubscribe;

pub use crate::edition::digest::Section;
pub use crate::edition::message::message_id;
pub use crate::edition::options::{Images, ListId, Mailbox, Options};
pub use crate::edition::recipient::Recipient;

/// The email edition of one issue or digest.
#[derive(Debug)]
pub struct Edition {
    renderer: Renderer,
    unsubscribe_links: UnsubscribeLinks,
    subject: Subject,
    /// `None` if the project does not mail.
    header: Option<Header>,
}

/// How an edition reads the files of the project.
pub struct Files<'a> {
    /// Returns the text of the project's template with a name, if there is one.
    pub template: &'a dyn Fn(&str) -> anyhow::Result<Option<String>>,
    /// Returns the width of a picture of the project.
    pub picture_width: PictureWidth<'a>,
}

/// No project: the default templates, and no picture is known.
pub const NO_FILES: Files<'static> = Files { template: &|_| Ok(None), picture_width: &|_| None };

impl Edition {
    /// Makes the edition of an issue. Without `mail` it can be shown, but not sent.
    ///
    /// # Errors
    /// When `files.template` fails, a template or the subject is invalid (a finding), or an address or URL of the project file cannot
    /// be written into a header.
    pub fn prepare(
        publication: &Publication,
        mail: Option<&Options>,
        section: &Section<'_>,
        files: &Files<'_>,
    ) -> anyhow::Result<Self> {
        let Section { issue, cover, body } = section;
        let parts = template::ISSUE;
        let templates = Templates::load(&parts.names(), files.template)?;
        let language = issue.language.as_ref().unwrap_or(&publication.language);
        let direction = Direction::of_language(language);
        let html = mail_html::body(body, &issue.permalink, "note-", direction, files.picture_width);
        let text = plain_text::render(body, &issue.permalink, &Locale::of_language(language).picture_label());
        let fields = Fields::new(publication, issue, cover.as_ref(), html, text).with_sender(mail);
        let subject = subject(&templates, &fields, mail, issue)?;
        let id = issue.ledger_key();
        let about = ContentRef { id: id.as_str(), archived_at: Some(issue.page()) };
        Self::finish(parts, templates, fields, mail, subject, &about)
    }

    /// Makes the edition of the digest of a period with these sections.
    ///
    /// # Errors
    /// As in `prepare`.
    pub fn prepare_digest(
        publication: &Publication,
        mail: &Options,
        period: &Period,
        sections: &[Section<'_>],
        files: &Files<'_>,
    ) -> anyhow::Result<Self> {
        let parts = template::DIGEST;
        let templates = Templates::load(&parts.names(), files.template)?;
        let fields = digest::fields(publication, mail.digest_content, period, sections, files.picture_width)
            .with_sender(Some(mail));
        let subject = Subject::of_template("mail.digest.subject", &mail.digest_subject, &templates, &fields)?;
        // Two publications may have the same sender and subscriber; their digests of a week are two messages.
        let id = format!("{}{}", publication.base_url, period.id());
        Self::finish(parts, templates, fields, Some(mail), subject, &ContentRef { id: &id, archived_at: None })
    }

    fn finish(
        parts: TemplateNames,
        templates: Templates,
        fields: Fields,
        mail: Option<&Options>,
        subject: Subject,
        about: &ContentRef<'_>,
    ) -> anyhow::Result<Self> {
        let links = mail.map(|mail| UnsubscribeLinks::new(mail, fields.language())).transpose()?;
        let unsubscribe_links = links.unwrap_or_default();
        let header = mail.map(|mail| Header::new(mail, about, fields.language())).transpose()?;
        // Where templates do not depend on the recipient, any address will do.
        let sample = Recipient::of_address(mail.map_or_else(example, |mail| Ok(mail.from.address.clone()))?);
        let unsubscribe = unsubscribe_links.of(&sample)?;
        let renderer = Renderer::new(parts, templates, fields, &sample, &unsubscribe)?;
        Ok(Self { renderer, unsubscribe_links, subject, header })
    }

    /// Adds the secrets that make the tokens in its links.
    pub fn with_secrets(self, secrets: Arc<Secrets>) -> Self {
        Self { unsubscribe_links: self.unsubscribe_links.with_secrets(secrets), ..self }
    }

    /// Embeds pictures if `mail.images` asks for it: those whose files `find` returns for their addresses. The number passed to
    /// `find` is the maximum size in bytes. Every picture that stays a link is a finding.
    ///
    /// # Errors
    /// A finding where a template fails.
    pub fn with_pictures(
        mut self,
        mail: &Options,
        find: &dyn Fn(&Url, u64) -> PictureLookup,
    ) -> anyhow::Result<(Self, Vec<Finding>)> {
        let Images::Embed { max_bytes } = mail.images else { return Ok((self, Vec::new())) };
        let sample = Recipient::of_address(mail.from.address.clone());
        let unsubscribe = self.unsubscribe_links.of(&sample)?;
        let mut findings = Vec::new();
        let choose = |html: &str| {
            let (pictures, wrong) = Pictures::choose(html, mail.from.address.domain(), max_bytes, find);
            findings = wrong;
            pictures
        };
        self.renderer.attach(&sample, &unsubscribe, choose)?;
        Ok((self, findings))
    }

    /// The HTML part for this recipient; its pictures are links.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn html(&self, recipient: &Recipient) -> anyhow::Result<String> {
        let unsubscribe = self.unsubscribe_links.of(recipient)?;
        self.renderer.html(recipient, &unsubscribe)
    }

    /// The style sheets of the HTML part, as they were before they were inlined.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn style_sheets(&self, recipient: &Recipient) -> anyhow::Result<String> {
        self.renderer.style_sheets(recipient, &self.unsubscribe_links.of(recipient)?)
    }

    /// The plain text for this recipient; lines end in a line feed.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn text(&self, recipient: &Recipient) -> anyhow::Result<String> {
        let unsubscribe = self.unsubscribe_links.of(recipient)?;
        let text = self.renderer.text(recipient, &unsubscribe)?;
        Ok(text.lines().map(|line| format!("{}\n", line.trim_end())).collect())
    }

    /// The unsubscribe links for this recipient.
    ///
    /// # Errors
    /// When `mail.unsubscribe_url` does not become a valid URL for them.
    pub fn unsubscribe(&self, recipient: &Recipient) -> anyhow::Result<Unsubscribe> {
        self.unsubscribe_links.of(recipient)
    }

    /// The complete message for one recipient: ASCII except for an address that is not; lines end in CRLF. `date` is the time of
    /// the first attempt, so that every attempt has the same bytes.
    ///
    /// # Errors
    /// When the project file has no `mail`, or a template fails on this recipient.
    pub fn message(&self, recipient: &Recipient, date: DateTime<Utc>) -> anyhow::Result<Vec<u8>> {
        let Some(header) = &self.header else { return Err(no_mail().into()) };
        let unsubscribe = self.unsubscribe_links.of(recipient)?;
        let subject = self.subject.field(recipient, &self.renderer)?;
        let encoded = self.renderer.encoded(recipient, &unsubscribe)?;
        let id = header.message_id(&recipient.address);
        Ok(header.message(recipient, &unsubscribe, date, &subject, &id, &encoded))
    }

    /// A test message for one recipient: its subject begins with `[test]`, and its Message-ID is unique, even among tests of the
    /// same edition at another `time`.
    ///
    /// # Errors
    /// As `message`.
    pub fn test_message(&self, recipient: &Recipient, time: DateTime<Utc>) -> anyhow::Result<Vec<u8>> {
        let Some(header) = &self.header else { return Err(no_mail().into()) };
        let unsubscribe = self.unsubscribe_links.of(recipient)?;
        let subject = Subject::same(&format!("[test] {}", self.subject.of(recipient, &self.renderer)?));
        let subject = subject.field(recipient, &self.renderer)?;
        let encoded = self.renderer.encoded(recipient, &unsubscribe)?;
        let with_id = |id: &str| header.message(recipient, &unsubscribe, time, &subject, id, &encoded);
        Ok(with_id(&header.test_id(&with_id(""), time)))
    }

    /// Whether anything but the unsubscribe link depends on the recipient.
    pub fn is_personalized(&self) -> bool {
        matches!(self.subject, Subject::PerRecipient { .. }) || self.renderer.templates.uses("subscriber")
    }

    /// Checks, with as little work as possible, that the edition can be made for this recipient.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient. An address that makes the unsubscribe URL too long is not an error:
    /// only that recipient is left out.
    pub fn check(&self, recipient: &Recipient) -> anyhow::Result<()> {
        let Ok(unsubscribe) = self.unsubscribe_links.of(recipient) else { return Ok(()) };
        self.subject.of(recipient, &self.renderer)?;
        self.renderer.check(recipient, &unsubscribe)
    }

    /// The subject for this recipient, on one line.
    ///
    /// # Errors
    /// A finding where it fails on this recipient.
    pub fn subject(&self, recipient: &Recipient) -> anyhow::Result<Cow<'_, str>> {
        self.subject.of(recipient, &self.renderer)
    }
}

/// The issue's `subject`, or else the project's subject template, or else the title.
fn subject(templates: &Templates, fields: &Fields, mail: Option<&Options>, issue: &Issue) -> anyhow::Result<Subject> {
    match (&issue.subject, mail) {
        (Some(subject), _) => Ok(Subject::same(subject)),
        (None, Some(mail)) => Subject::of_template("mail.subject", &mail.subject, templates, fields),
        (None, None) => Ok(Subject::same(&issue.plain_title())),
    }
}

fn example() -> anyhow::Result<crate::email::EmailAddress> {
    "reader@example.org".parse().context("failed to make an example address")
}

fn no_mail() -> Finding {
    Finding::error("no-mail", "the project file has no `mail`, so this message has no sender")
        .help("add `mail:` to the project file, and below it `from: Name <address>`")
}

#[cfg(test)]
mod tests;
