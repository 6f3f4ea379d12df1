//! The subject of an edition: one for all, or each recipient's own.

use std::borrow::Cow;

use crate::edition::context::Fields;
use crate::edition::header::one_line;
use crate::edition::recipient::Recipient;
use crate::edition::render::Renderer;
use crate::edition::template::Templates;

/// The subject of one edition.
#[derive(Debug)]
pub(super) enum Subject {
    /// The same for all, on one line.
    Same(String),
    /// A template of the project file that names the recipient.
    Own {
        /// Its key.
        key: &'static str,
        /// Its text.
        source: String,
    },
}

impl Subject {
    /// The subject that a template gives, `key` being its name in the project file.
    ///
    /// # Errors
    /// A finding that names the key, when the template fails whoever the recipient is.
    pub fn of_template(
        key: &'static str,
        source: &str,
        templates: &Templates,
        fields: &Fields,
    ) -> anyhow::Result<Self> {
        if source.contains("subscriber") {
            return Ok(Self::Own { key, source: source.to_owned() });
        }
        let subject = templates.render_value(key, source, &fields.for_subject(None)).map_err(|finding| *finding)?;
        Ok(Self::Same(one_line(&subject)))
    }

    /// The subject as this recipient reads it, on one line.
    ///
    /// # Errors
    /// A finding that names the key, when the template fails on this recipient.
    pub fn of(&self, recipient: &Recipient, renderer: &Renderer) -> anyhow::Result<Cow<'_, str>> {
        match self {
            Self::Same(subject) => Ok(Cow::Borrowed(subject)),
            Self::Own { key, source } => {
                let fields = renderer.fields.for_subject(Some(recipient));
                let subject = renderer.templates.render_value(key, source, &fields).map_err(|finding| *finding)?;
                Ok(Cow::Owned(one_line(&subject)))
            }
        }
    }

    /// What it is made from.
    pub fn written(&self) -> &str {
        match self {
            Self::Same(subject) => subject,
            Self::Own { source, .. } => source,
        }
    }
}
