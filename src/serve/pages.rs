//! The HTML of the pages for readers.

use minijinja::Value;
use minijinja::value::Serde;
use serde_json::{Value as Json, json};
use url::Url;

use crate::content::direction::Direction;
use crate::finding::Finding;
use crate::publication::Publication;
use crate::serve::words::Words;
use crate::templates::Templates;
use crate::templates::fields::publication_fields;
use crate::templates::locale::Locale;

const SUBSCRIBE: &str = "subscribe.html";
const SUBSCRIBE_FORM: &str = "subscribe-form.html";
const ANSWER: &str = "answer.html";

/// The field by which the button of our page differs from that of a mail program.
pub(super) const FROM_PAGE: (&str, &str) = ("from", "page");

/// Renders pages.
#[derive(Debug)]
pub(super) struct Pages {
    /// Without its icon, because a page loads nothing.
    pub publication: Publication,
    templates: Templates,
}

/// What a form to subscribe contains.
#[derive(Debug, Clone, Default)]
pub(super) struct SubscribeForm<'a> {
    /// Where it is sent.
    pub action: &'a str,
    /// Where subscribers have their links sent to them.
    pub links: &'a str,
    /// What was typed.
    pub email: &'a str,
    /// What was typed.
    pub name: &'a str,
    /// The page to return to.
    pub return_to: Option<&'a Url>,
    /// When the page was made, sealed.
    pub made: Option<&'a str>,
    /// Whether the address is not valid.
    pub is_invalid: bool,
}

/// A page that is not a form to subscribe.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer<'a> {
    pub title: &'a str,
    pub text: &'a str,
    pub button: Option<Button<'a>>,
    /// Address and text of each.
    pub links: Vec<(&'a str, &'a str)>,
}

/// A button that changes something.
#[derive(Debug, Clone, Default)]
pub(super) struct Button<'a> {
    pub label: &'a str,
    pub action: &'a str,
    /// The address to be typed beside it, if one is, as far as it was typed.
    pub email: Option<&'a str>,
    /// Whether that address is not valid.
    pub is_invalid: bool,
    /// Names and values of what is sent along.
    pub fields: Vec<(&'a str, &'a str)>,
}

impl Pages {
    /// The pages of a publication. `own` returns the project's template of a name, if it has one.
    ///
    /// # Errors
    /// An error of `own`; a finding if a template is malformed.
    pub fn new(
        publication: &Publication,
        own: &dyn Fn(&str) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<Self> {
        let templates = Templates::load(&[SUBSCRIBE, SUBSCRIBE_FORM, ANSWER], own)?;
        Ok(Self { publication: Publication { icon: None, ..publication.clone() }, templates })
    }

    /// The title of the publication in a text.
    pub fn text(&self, text: &str) -> String {
        text.replace("{publication}", &self.publication.title)
    }

    /// The page with the form to subscribe.
    ///
    /// # Errors
    /// A finding where the template fails.
    pub fn subscribe(&self, language: &str, form: &SubscribeForm<'_>) -> Result<String, Box<Finding>> {
        let words = Words::of_language(language);
        let title = self.text(words.subscribe_title);
        let links = json!({ "url": form.links, "text": words.links_title });
        self.render(SUBSCRIBE, language, &title, json!({ "form": self.form(language, form), "links": links }))
    }

    /// The form alone, for other pages.
    ///
    /// # Errors
    /// A finding where the template fails.
    pub fn form_alone(&self, language: &str, form: &SubscribeForm<'_>) -> Result<String, Box<Finding>> {
        let fields = json!({ "form": self.form(language, form) });
        Ok(self.templates.render(SUBSCRIBE_FORM, &Value::from(Serde(fields)))?.replace("&#x2f;", "/"))
    }

    /// Any other page.
    ///
    /// # Errors
    /// A finding where the template fails.
    pub fn answer(&self, language: &str, answer: &Answer<'_>) -> Result<String, Box<Finding>> {
        let words = Words::of_language(language);
        let button = answer.button.as_ref().map(|button| {
            let field = |(name, value): &(&str, &str)| json!({ "name": name, "value": value });
            // lynx sends a form without fields by GET.
            let fields = if button.fields.is_empty() { &[FROM_PAGE] } else { button.fields.as_slice() };
            json!({
                "label": self.text(button.label),
                "action": button.action,
                "asks_address": button.email.is_some(),
                "email": button.email,
                "email_label": words.email,
                "error": button.is_invalid.then_some(words.invalid_email),
                "fields": fields.iter().map(field).collect::<Vec<_>>(),
            })
        });
        let link = |(url, text): &(&str, &str)| json!({ "url": url, "text": self.text(text) });
        let links: Vec<Json> = answer.links.iter().map(link).collect();
        let fields = json!({ "text": self.text(answer.text), "button": button, "links": links });
        self.render(ANSWER, language, &self.text(answer.title), fields)
    }

    fn form(&self, language: &str, form: &SubscribeForm<'_>) -> Json {
        let words = Words::of_language(language);
        json!({
            "action": form.action,
            "email": form.email,
            "name": form.name,
            "language": language,
            "return_to": form.return_to.map(Url::as_str),
            "made": form.made,
            "error": form.is_invalid.then_some(words.invalid_email),
            "consent": self.text(words.consent),
            "words": words,
        })
    }

    fn render(&self, name: &str, language: &str, title: &str, own: Json) -> Result<String, Box<Finding>> {
        let locale = Locale::of_language(language);
        let mut fields = json!({
            "publication": publication_fields(&self.publication),
            "language": language,
            "direction": Direction::of_language(language).as_str(),
            "title": title,
            "url": null, "summary": null, "older": null, "newer": null, "feeds": [],
            "words": { "subscribe": "", "colon": locale.colon, "comma": locale.comma },
        });
        if let (Json::Object(fields), Json::Object(own)) = (&mut fields, own) {
            fields.extend(own);
        }
        // The engine escapes slashes in case of scripts, which no page has.
        Ok(self.templates.render(name, &Value::from(Serde(fields)))?.replace("&#x2f;", "/"))
    }
}
