//! What templates can refer to: `publication`, `issue`, `words`, `body`, `subscriber`, `unsubscribe`; those of a digest
//! also `digest` and `issues`, see `digest`.

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde_json::{Value as Json, json};

use crate::edition::recipient::{Leave, Recipient};
use crate::issue::{Cover, Issue};
use crate::publication::Publication;
use crate::templates::fields::{issue_fields, publication_fields};
use crate::templates::words::Words;

/// The fields of one edition's templates.
#[derive(Debug, Clone)]
pub struct Fields {
    language: String,
    shared: Value,
    /// What only the HTML part shows.
    html: Value,
    /// What only the plain text shows.
    text: Value,
}

impl Fields {
    /// The fields of an issue whose body was rendered already.
    pub fn new(publication: &Publication, issue: &Issue, cover: Option<&Cover>, html: String, text: String) -> Self {
        let language = issue.language.as_ref().unwrap_or(&publication.language).clone();
        let words = Words::of_language(&language);
        let shared = Value::from(Serde(json!({
            "publication": publication_fields(publication),
            "issue": issue_fields(issue, cover, &language, &words),
            "words": word_fields(publication, &words),
        })));
        let (html, text) = (Value::from_safe_string(html), Value::from(text));
        Self { language, shared, html: context! { body => html }, text: context! { body => text } }
    }

    /// The fields of a digest, whose parts have their own each.
    pub(super) fn of_digest(language: String, shared: Value, html: Value, text: Value) -> Self {
        Self { language, shared, html, text }
    }

    /// BCP 47 tag of the edition.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The fields of the HTML part.
    pub fn for_html(&self, recipient: &Recipient, leave: &Leave) -> Value {
        self.with(&self.html, recipient, leave)
    }

    /// The fields of the plain text.
    pub fn for_text(&self, recipient: &Recipient, leave: &Leave) -> Value {
        self.with(&self.text, recipient, leave)
    }

    fn with(&self, part: &Value, recipient: &Recipient, leave: &Leave) -> Value {
        context! { ..own(recipient, leave), ..context! { ..part.clone(), ..self.shared.clone() } }
    }

    /// The fields of a subject, which is one for all unless it names its reader.
    pub fn for_subject(&self, recipient: Option<&Recipient>) -> Value {
        match recipient {
            Some(recipient) => context! { subscriber => subscriber(recipient), ..self.shared.clone() },
            None => self.shared.clone(),
        }
    }
}

/// The fields that are the recipient's own.
pub(super) fn own(recipient: &Recipient, leave: &Leave) -> Value {
    let unsubscribe = leave.link().map(|link| json!({ "link": link, "url": leave.url, "mailto": leave.mailto }));
    context! { subscriber => subscriber(recipient), unsubscribe => Value::from(Serde(unsubscribe)) }
}

fn subscriber(recipient: &Recipient) -> Value {
    Value::from(Serde(json!({
        "address": recipient.address.as_str(),
        "name": recipient.name,
        "attributes": recipient.attributes,
    })))
}

pub(super) fn word_fields(publication: &Publication, words: &Words) -> Json {
    json!({
        "read_in_browser": words.read_in_browser,
        "read_on": words.read_on,
        "contents": words.contents,
        "why": words.why(&publication.title),
        "unsubscribe": words.unsubscribe,
        "comma": words.comma,
    })
}

#[cfg(test)]
mod tests;
