//! The e-mail edition of one issue, or of a digest: HTML, plain text, and the message each recipient gets.
//!
//! Takes the publication, the `mail` part of the project file, an issue, its Markdown and the project's templates.
//! What no recipient changes is rendered, inlined and encoded once; a template that refers to its reader is filled in
//! for each of them. Sending is left to others.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use url::Url;

use crate::content::markdown::Document;
use crate::content::plain_text;
use crate::digest::Period;
use crate::edition::context::Fields;
use crate::edition::message::{About, Header};
use crate::edition::pictures::{PictureLookup, Pictures};
use crate::edition::render::Renderer;
use crate::edition::subject::Subject;
use crate::edition::template::Parts;
use crate::edition::unsubscribe::{Unsubscribe, UnsubscribeLinks};
use crate::finding::Finding;
use crate::issue::{Cover, Issue};
use crate::publication::Publication;
use crate::templates::Templates;
use crate::token::Secrets;

pub mod body;
pub mod context;
mod digest;
pub mod header;
mod highlight;
pub mod inline;
pub mod mail_html;
mod message;
mod options;
pub mod pictures;
pub mod recipient;
mod render;
mod subject;
pub mod template;
mod template_split;
mod transfer_encoding;
pub mod unsubscribe;

pub use crate::edition::digest::Section;
pub use crate::edition::options::{Images, ListId, Mailbox, Options};
pub use crate::edition::recipient::Recipient;

/// The e-mail edition of one issue or digest.
#[derive(Debug)]
pub struct Edition {
    renderer: Renderer,
    unsubscribe_links: UnsubscribeLinks,
    subject: Subject,
    /// `None` for a project that does not mail.
    header: Option<Header>,
}

impl Edition {
    /// Makes the edition of `issue` with its cover and body. Without `mail` it can be looked at, but not sent.
    /// `templates` gives the text of the project's own template of a name, if there is one.
    ///
    /// # Errors
    /// What `templates` fails with; a finding where a template or the subject is wrong; an address or URL of the project
    /// file that cannot stand in a header.
    pub fn prepare(
        publication: &Publication,
        mail: Option<&Options>,
        issue: &Issue,
        cover: Option<&Cover>,
        body: &Document<'_>,
        templates: &dyn Fn(&str) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<Self> {
        let parts = template::ISSUE;
        let templates = Templates::load(&parts.names(), templates)?;
        let html = mail_html::body(body, &issue.permalink, "note-");
        let text = plain_text::render(body, &issue.permalink);
        let fields = Fields::new(publication, issue, cover, html, text).with_sender(mail);
        let subject = subject(&templates, &fields, mail, issue)?;
        let id = issue.ledger_key();
        let about = About { id: id.as_str(), archived_at: Some(issue.page()) };
        Self::finish(parts, templates, fields, mail, subject, &about)
    }

    /// Makes the edition of the digest of a period that holds these sections. `templates` as in `prepare`.
    ///
    /// # Errors
    /// As in `prepare`.
    pub fn prepare_digest(
        publication: &Publication,
        mail: &Options,
        period: &Period,
        sections: &[Section<'_>],
        templates: &dyn Fn(&str) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<Self> {
        let parts = template::DIGEST;
        let templates = Templates::load(&parts.names(), templates)?;
        let fields = digest::fields(publication, mail.digest_content, period, sections).with_sender(Some(mail));
        let subject = Subject::of_template("mail.digest.subject", &mail.digest_subject, &templates, &fields)?;
        // Two publications may have the same sender and subscriber; their digests of a week are two messages.
        let id = format!("{}{}", publication.base_url, period.id());
        Self::finish(parts, templates, fields, Some(mail), subject, &About { id: &id, archived_at: None })
    }

    fn finish(
        parts: Parts,
        templates: Templates,
        fields: Fields,
        mail: Option<&Options>,
        subject: Subject,
        about: &About<'_>,
    ) -> anyhow::Result<Self> {
        let unsubscribe_links = mail.map_or_else(|| Ok(UnsubscribeLinks::default()), UnsubscribeLinks::new)?;
        let header = mail.map(|mail| Header::new(mail, about, fields.language())).transpose()?;
        // The project's own address stands for a reader that no template refers to.
        let sample = Recipient::of_address(mail.map_or_else(example, |mail| Ok(mail.from.address.clone()))?);
        let unsubscribe = unsubscribe_links.of(&sample)?;
        let renderer = Renderer::new(parts, templates, fields, &sample, &unsubscribe)?;
        Ok(Self { renderer, unsubscribe_links, subject, header })
    }

    /// The same edition, with what makes the tokens in its links.
    pub fn with_secrets(self, secrets: Arc<Secrets>) -> Self {
        Self { unsubscribe_links: self.unsubscribe_links.with_secrets(secrets), ..self }
    }

    /// The same edition, whose messages carry pictures along where the project wants that: those whose files `find` gives
    /// for their addresses, but none of more bytes than it is told. What is wrong with others is a finding each.
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

    /// The HTML part as this recipient reads it; its pictures are links.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn html(&self, recipient: &Recipient) -> anyhow::Result<String> {
        let unsubscribe = self.unsubscribe_links.of(recipient)?;
        self.renderer.html(recipient, &unsubscribe)
    }

    /// The plain text as this recipient reads it, lines ended by a line feed.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn text(&self, recipient: &Recipient) -> anyhow::Result<String> {
        let unsubscribe = self.unsubscribe_links.of(recipient)?;
        let text = self.renderer.text(recipient, &unsubscribe)?;
        Ok(text.lines().map(|line| format!("{}\n", line.trim_end())).collect())
    }

    /// The ways to leave for this recipient.
    ///
    /// # Errors
    /// When the page to leave at is no URL for them.
    pub fn unsubscribe(&self, recipient: &Recipient) -> anyhow::Result<Unsubscribe> {
        self.unsubscribe_links.of(recipient)
    }

    /// The whole message for one recipient: ASCII but for an address that is not, lines ended by CRLF. `date` is when it was
    /// first meant to leave: the same for every attempt, which then has the same bytes.
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

    /// A test of the message for one recipient: `[test]` stands before its subject, and its Message-ID is that of no other
    /// message, not even of a test of the same at another `time`.
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

    /// Whether anything but the link to leave depends on who gets it.
    pub fn is_personalized(&self) -> bool {
        matches!(self.subject, Subject::Own { .. }) || self.renderer.templates.uses("subscriber")
    }

    /// Finds out whether the edition can be made for this recipient, with as little work as that takes.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient. An address that makes the page to leave at too long is no reason
    /// for it: that recipient gets nothing, and the others do.
    pub fn check(&self, recipient: &Recipient) -> anyhow::Result<()> {
        let Ok(unsubscribe) = self.unsubscribe_links.of(recipient) else { return Ok(()) };
        self.subject.of(recipient, &self.renderer)?;
        self.renderer.check(recipient, &unsubscribe)
    }

    /// The subject as this recipient reads it, on one line.
    ///
    /// # Errors
    /// A finding where it fails on this recipient.
    pub fn subject(&self, recipient: &Recipient) -> anyhow::Result<Cow<'_, str>> {
        self.subject.of(recipient, &self.renderer)
    }
}

/// The issue's own subject, else the project's template of one, else the title.
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
    Finding::error("no-mail", "the project file has no `mail`, so nobody sends this message")
        .help("write `mail:` and below it `from: Name <address>` into the project file")
}

#[cfg(test)]
mod tests;
