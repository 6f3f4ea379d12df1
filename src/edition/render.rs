//! Both parts of an edition, for each recipient.
//!
//! Takes templates and their fields. What no recipient changes is rendered, inlined and encoded once; each recipient's
//! own values are put into the encoded bytes. Templates that do more with the recipient than show such values are
//! rendered for each.

use std::borrow::Cow;

use crate::edition::body::Body;
use crate::edition::context::Fields;
use crate::edition::inline::inline;
use crate::edition::pictures::Pictures;
use crate::edition::template::{self, Split};
use crate::edition::transfer_encoding::filled_in;
use crate::edition::{Recipient, unsubscribe::Unsubscribe};
use crate::templates::Templates;

/// Renders the parts of one edition.
#[derive(Debug)]
pub(super) struct Renderer {
    /// The names of the templates of both parts.
    names: template::Parts,
    pub templates: Templates,
    pub fields: Fields,
    shared: Option<Shared>,
    pictures: Pictures,
}

/// What is the same for all, with marks in place of what is not.
#[derive(Debug)]
struct Shared {
    split: Split,
    parts: Parts,
    body: Body,
}

/// Both parts as text.
#[derive(Debug)]
struct Parts {
    html: String,
    text: String,
}

/// The parts of one recipient, encoded: the body, and the values to put into it.
pub(super) struct Encoded<'a> {
    pub body: Cow<'a, Body>,
    pub values: Vec<String>,
}

impl Renderer {
    /// Renders what is the same for all. `somebody` with their ways to leave stands for all the others.
    ///
    /// # Errors
    /// A finding where a template fails whoever the recipient is.
    pub fn new(
        names: template::Parts,
        templates: Templates,
        fields: Fields,
        sample: &Recipient,
        unsubscribe: &Unsubscribe,
    ) -> anyhow::Result<Self> {
        let mut renderer = Self { names, templates, fields, shared: None, pictures: Pictures::default() };
        if let Some(split) = Split::new(&renderer.templates) {
            let parts = renderer.rendered(&split.shared, sample, unsubscribe)?;
            let body = renderer.body(&parts);
            renderer.shared = Some(Shared { split, parts, body });
        }
        if !renderer.templates.uses("subscriber") {
            renderer.html(sample, unsubscribe)?;
            renderer.text(sample, unsubscribe)?;
        }
        Ok(renderer)
    }

    fn body(&self, parts: &Parts) -> Body {
        let html = match self.pictures.is_empty() {
            true => Cow::Borrowed(&parts.html),
            false => Cow::Owned(self.pictures.embedded(&parts.html)),
        };
        Body::encode(&parts.text, &html, &self.pictures)
    }

    /// Sends pictures along with the HTML: those that `choose` takes of the HTML of `somebody`.
    ///
    /// # Errors
    /// A finding where a template fails on them.
    pub fn attach(
        &mut self,
        sample: &Recipient,
        unsubscribe: &Unsubscribe,
        choose: impl FnOnce(&str) -> Pictures,
    ) -> anyhow::Result<()> {
        let html = match &self.shared {
            Some(shared) => Cow::Borrowed(&shared.parts.html),
            None => Cow::Owned(self.html(sample, unsubscribe)?),
        };
        self.pictures = choose(&html);
        if let Some(mut shared) = self.shared.take() {
            shared.body = self.body(&shared.parts);
            self.shared = Some(shared);
        }
        Ok(())
    }

    /// Whether each recipient gets what was rendered once, their own values put into it.
    #[cfg(test)]
    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// The same parts, rendered for each recipient.
    #[cfg(test)]
    pub fn unshared(mut self) -> Self {
        self.shared = None;
        self
    }

    /// The HTML part.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn html(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> anyhow::Result<String> {
        match self.values(recipient, unsubscribe) {
            Some((shared, values)) => Ok(filled_in(&shared.parts.html, &values)),
            None => Ok(self.rendered(&self.templates, recipient, unsubscribe)?.html),
        }
    }

    /// The plain text.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn text(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> anyhow::Result<String> {
        match self.values(recipient, unsubscribe) {
            Some((shared, values)) => Ok(filled_in(&shared.parts.text, &values)),
            None => Ok(self.rendered(&self.templates, recipient, unsubscribe)?.text),
        }
    }

    /// Both parts, encoded.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn encoded(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> anyhow::Result<Encoded<'_>> {
        if let Some((shared, values)) = self.values(recipient, unsubscribe)
            && shared.body.takes(&values)
        {
            return Ok(Encoded { body: Cow::Borrowed(&shared.body), values });
        }
        let parts = self.rendered(&self.templates, recipient, unsubscribe)?;
        Ok(Encoded { body: Cow::Owned(self.body(&parts)), values: Vec::new() })
    }

    /// Finds out whether the templates can be rendered for this recipient, with as little work as that takes.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn check(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> anyhow::Result<()> {
        match self.values(recipient, unsubscribe) {
            Some(_) => Ok(()),
            None => self.rendered(&self.templates, recipient, unsubscribe).map(|_| ()),
        }
    }

    fn values(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> Option<(&Shared, Vec<String>)> {
        let shared = self.shared.as_ref()?;
        Some((shared, shared.split.values(recipient, unsubscribe)?))
    }

    /// Both parts by these templates.
    fn rendered(
        &self,
        templates: &Templates,
        recipient: &Recipient,
        unsubscribe: &Unsubscribe,
    ) -> anyhow::Result<Parts> {
        let (html, text) = (self.fields.for_html(recipient, unsubscribe), self.fields.for_text(recipient, unsubscribe));
        let html = templates.render(self.names.html, &html).map_err(|finding| *finding)?;
        let text = templates.render(self.names.text, &text).map_err(|finding| *finding)?;
        Ok(Parts { html: inline(&html)?, text })
    }
}
