//! Renders both parts of an edition for each recipient.
//!
//! Takes templates and their variables. What is the same for all is rendered, inlined and encoded once, and the values of each
//! recipient are inserted into the encoded bytes. Templates that do more than show such values are rendered for each.

use std::borrow::Cow;

use crate::edition::body::Body;
use crate::edition::context::Fields;
use crate::edition::inline::{inline, style_sheets};
use crate::edition::pictures::Pictures;
use crate::edition::template::{self, SplitTemplates};
use crate::edition::transfer_encoding::fill;
use crate::edition::{Recipient, unsubscribe::Unsubscribe};
use crate::templates::Templates;

/// Renders the parts of one edition.
#[derive(Debug)]
pub(super) struct Renderer {
    /// The names of the templates of both parts.
    names: template::TemplateNames,
    pub templates: Templates,
    pub fields: Fields,
    shared: Option<Shared>,
    pictures: Pictures,
}

/// What is the same for all, with placeholders for what is not.
#[derive(Debug)]
struct Shared {
    split: SplitTemplates,
    parts: RenderedParts,
    body: Body,
}

/// Both parts, not yet encoded.
#[derive(Debug)]
struct RenderedParts {
    html: String,
    text: String,
}

/// The encoded parts of one recipient: the body, and the values to insert.
pub(super) struct EncodedParts<'a> {
    pub body: Cow<'a, Body>,
    pub values: Vec<String>,
}

impl Renderer {
    /// Renders what is the same for all, with `sample` in place of the others.
    ///
    /// # Errors
    /// A finding where a template fails for every recipient.
    pub fn new(
        names: template::TemplateNames,
        templates: Templates,
        fields: Fields,
        sample: &Recipient,
        unsubscribe: &Unsubscribe,
    ) -> anyhow::Result<Self> {
        let mut renderer = Self { names, templates, fields, shared: None, pictures: Pictures::default() };
        if let Some(split) = SplitTemplates::new(&renderer.templates) {
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

    fn body(&self, parts: &RenderedParts) -> Body {
        let html = match self.pictures.is_empty() {
            true => Cow::Borrowed(&parts.html),
            false => Cow::Owned(self.pictures.embedded(&parts.html)),
        };
        Body::encode(&parts.text, &html, &self.pictures)
    }

    /// Embeds the pictures that `choose` selects from the HTML of `sample`.
    ///
    /// # Errors
    /// A finding where a template fails on `sample`.
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

    /// Whether the parts are rendered once for all recipients.
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
            Some((shared, values)) => Ok(fill(&shared.parts.html, &values)),
            None => Ok(self.rendered(&self.templates, recipient, unsubscribe)?.html),
        }
    }

    /// The style sheets of the HTML part, not inlined.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn style_sheets(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> anyhow::Result<String> {
        Ok(style_sheets(&self.html_with_style_sheets(&self.templates, recipient, unsubscribe)?))
    }

    /// The plain text.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn text(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> anyhow::Result<String> {
        match self.values(recipient, unsubscribe) {
            Some((shared, values)) => Ok(fill(&shared.parts.text, &values)),
            None => Ok(self.rendered(&self.templates, recipient, unsubscribe)?.text),
        }
    }

    /// Both parts, encoded.
    ///
    /// # Errors
    /// A finding where a template fails on this recipient.
    pub fn encoded(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> anyhow::Result<EncodedParts<'_>> {
        if let Some((shared, values)) = self.values(recipient, unsubscribe)
            && shared.body.accepts(&values)
        {
            return Ok(EncodedParts { body: Cow::Borrowed(&shared.body), values });
        }
        let parts = self.rendered(&self.templates, recipient, unsubscribe)?;
        Ok(EncodedParts { body: Cow::Owned(self.body(&parts)), values: Vec::new() })
    }

    /// Checks, with as little work as possible, that the templates can be rendered for this recipient.
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

    /// Renders both parts with these templates.
    fn rendered(
        &self,
        templates: &Templates,
        recipient: &Recipient,
        unsubscribe: &Unsubscribe,
    ) -> anyhow::Result<RenderedParts> {
        let html = self.html_with_style_sheets(templates, recipient, unsubscribe)?;
        let text = self.fields.for_text(recipient, unsubscribe);
        let text = templates.render(self.names.text, &text).map_err(|finding| *finding)?;
        Ok(RenderedParts { html: inline(&html)?, text })
    }

    fn html_with_style_sheets(
        &self,
        templates: &Templates,
        recipient: &Recipient,
        unsubscribe: &Unsubscribe,
    ) -> anyhow::Result<String> {
        let fields = self.fields.for_html(recipient, unsubscribe);
        Ok(templates.render(self.names.html, &fields).map_err(|finding| *finding)?)
    }
}
