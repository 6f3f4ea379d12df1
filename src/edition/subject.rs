//! The subject of an edition: the same for all recipients, or rendered for each.

use std::borrow::Cow;

use crate::edition::context::Fields;
use crate::edition::header::{self, one_line};
use crate::edition::recipient::Recipient;
use crate::edition::render::Renderer;
use crate::templates::Templates;

const FIELD: &str = "Subject";

/// The subject of one edition.
#[derive(Debug)]
pub(super) enum Subject {
    /// The same for all.
    Same {
        /// The subject on one line.
        text: String,
        /// The header field.
        field: String,
    },
    /// A template of the project file that names the recipient.
    PerRecipient {
        /// Its key.
        key: &'static str,
        /// The template.
        source: String,
    },
}

impl Subject {
    /// The subject of a template; `key` is its key in the project file.
    ///
    /// # Errors
    /// A finding that names the key when the template fails for every recipient.
    pub fn of_template(
        key: &'static str,
        source: &str,
        templates: &Templates,
        fields: &Fields,
    ) -> anyhow::Result<Self> {
        if source.contains("subscriber") {
            return Ok(Self::PerRecipient { key, source: source.to_owned() });
        }
        let subject = templates.render_value(key, source, &fields.for_subject(None)).map_err(|finding| *finding)?;
        Ok(Self::same(&subject))
    }

    /// The same for all.
    pub fn same(subject: &str) -> Self {
        let text = one_line(subject);
        Self::Same { field: header::text(FIELD, &text), text }
    }

    /// The subject for this recipient, on one line.
    ///
    /// # Errors
    /// A finding that names the key when the template fails on this recipient.
    pub fn of(&self, recipient: &Recipient, renderer: &Renderer) -> anyhow::Result<Cow<'_, str>> {
        match self {
            Self::Same { text, .. } => Ok(Cow::Borrowed(text)),
            Self::PerRecipient { key, source } => {
                let fields = renderer.fields.for_subject(Some(recipient));
                let subject = renderer.templates.render_value(key, source, &fields).map_err(|finding| *finding)?;
                Ok(Cow::Owned(one_line(&subject)))
            }
        }
    }

    /// The header field for this recipient, with its CRLF.
    ///
    /// # Errors
    /// As `of`.
    pub fn field(&self, recipient: &Recipient, renderer: &Renderer) -> anyhow::Result<Cow<'_, str>> {
        match self {
            Self::Same { field, .. } => Ok(Cow::Borrowed(field)),
            Self::PerRecipient { .. } => Ok(Cow::Owned(header::text(FIELD, &self.of(recipient, renderer)?))),
        }
    }
}
