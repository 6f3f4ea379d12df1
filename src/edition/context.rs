//! The variables of templates: `publication`, `issue`, `words`, `body`, `subscriber`, `unsubscribe`, `postal_address`; for
//! digests also `digest` and `issues`, see `digest`.

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde_json::{Value as Json, json};

use crate::edition::Options;
use crate::edition::{Recipient, unsubscribe::Unsubscribe};
use crate::issue::{Cover, Issue};
use crate::publication::Publication;
use crate::templates::fields::{issue_fields, publication_fields};
use crate::templates::locale::Locale;

/// The variables for the templates of one edition.
#[derive(Debug, Clone)]
pub struct Fields {
    language: String,
    shared: Value,
    /// Variables of the HTML part.
    html: Value,
    /// Variables of the plain text.
    text: Value,
}

impl Fields {
    /// The variables of an issue, given its rendered body.
    pub fn new(publication: &Publication, issue: &Issue, cover: Option<&Cover>, html: String, text: String) -> Self {
        let language = issue.language.as_ref().unwrap_or(&publication.language).clone();
        let words = Locale::of_language(&language);
        let shared = Value::from(Serde(json!({
            "publication": publication_fields(publication),
            "issue": issue_fields(issue, cover, &language, &words),
            "words": word_fields(publication, &words),
        })));
        let (html, text) = (Value::from_safe_string(html), Value::from(text));
        Self { language, shared, html: context! { body => html }, text: context! { body => text } }
    }

    /// Adds the sender's postal address.
    pub fn with_sender(self, mail: Option<&Options>) -> Self {
        let postal_address = mail.map_or_else(Vec::new, |mail| mail.postal_address.clone());
        let subscribe_url = mail.and_then(|mail| mail.subscribe_url.clone());
        Self { shared: context! { postal_address, subscribe_url, ..self.shared }, ..self }
    }

    /// The variables of a digest.
    pub(super) fn of_digest(language: String, shared: Value, html: Value, text: Value) -> Self {
        Self { language, shared, html, text }
    }

    /// The BCP 47 tag of the edition's language.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The variables of the HTML part.
    pub fn for_html(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> Value {
        self.with(&self.html, recipient, unsubscribe)
    }

    /// The variables of the plain text.
    pub fn for_text(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> Value {
        self.with(&self.text, recipient, unsubscribe)
    }

    fn with(&self, part: &Value, recipient: &Recipient, unsubscribe: &Unsubscribe) -> Value {
        context! { ..recipient_fields(recipient, unsubscribe), ..context! { ..part.clone(), ..self.shared.clone() } }
    }

    /// The variables of a subject: without a recipient if it is the same for all.
    pub fn for_subject(&self, recipient: Option<&Recipient>) -> Value {
        match recipient {
            Some(recipient) => context! { subscriber => subscriber(recipient), ..self.shared.clone() },
            None => self.shared.clone(),
        }
    }
}

/// The variables that depend on the recipient.
pub(super) fn recipient_fields(recipient: &Recipient, unsubscribe: &Unsubscribe) -> Value {
    let unsubscribe =
        unsubscribe.link().map(|link| json!({ "link": link, "url": unsubscribe.url, "mailto": unsubscribe.mailto }));
    context! { subscriber => subscriber(recipient), unsubscribe => Value::from(Serde(unsubscribe)) }
}

fn subscriber(recipient: &Recipient) -> Value {
    Value::from(Serde(json!({
        "address": recipient.address.as_str(),
        "name": recipient.name,
        "attributes": recipient.attributes,
    })))
}

pub(super) fn word_fields(publication: &Publication, words: &Locale) -> Json {
    json!({
        "read_in_browser": words.read_in_browser,
        "read_on": words.read_on,
        "contents": words.contents,
        "why": words.why(&publication.title),
        "unsubscribe": words.unsubscribe,
        "forwarded": words.forwarded,
        "subscribe": words.subscribe(&publication.title),
        "comma": words.comma,
        "colon": words.colon,
    })
}

#[cfg(test)]
mod tests {
    //! `templates/README.md` documents every variable, and no other.

    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Config;
    use crate::content::assemble::{Source, assemble};
    use crate::content::front_matter::split;
    use crate::content::markdown::Document;
    use crate::content::names::Names;
    use crate::digest::{Period, PeriodName};
    use crate::edition::{Edition, Files, NO_FILES, Section, digest, template, transactional};
    use crate::issue::Extent;
    use crate::templates::Templates;

    const PAGE: &str = include_str!("../../templates/README.md");

    const PROJECT: &str = "\
    title: Tide Notes
description: What the sea does.
base_url: https://tides.example.org
icon: /icon.png
copyright: CC BY 4.0
mail:
  from: Tide Notes <notes@example.org>
  unsubscribe_mailto: leave@example.org
  unsubscribe_url: https://news.example.org/leave?who={address}
  postal_address: |
    Tide Notes
    1 Pier Road
";

    const BODY: &str = "High <strong>water</strong>.";

    /// The code blocks of the page in a language.
    fn blocks(language: &str) -> Vec<&'static str> {
        let open = format!("```{language}\n");
        PAGE.split(open.as_str()).skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block)).collect()
    }

    /// The documented example of each variable.
    fn written() -> BTreeMap<String, Json> {
        let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
        let row = |row: &str| {
            let (name, rest) = row.split_once("` | ").unwrap();
            let (_, example) = rest.trim_end_matches("` |").rsplit_once("| `").unwrap();
            (
                name.to_owned(),
                serde_json::from_str(example).unwrap_or_else(|error| panic!("{name}: {error}: {example}")),
            )
        };
        rows.map(row).collect()
    }

    fn config() -> Config {
        Config::parse("slugline.yaml", PROJECT).unwrap()
    }

    fn issue(config: &Config) -> (Issue, Cover) {
        let text = format!("---\n{}---\n", blocks("yaml")[0]);
        let source = Source::of_path("spring.md", "spring.md");
        let block = split("spring.md", text.as_bytes()).unwrap();
        let issue =
            assemble(source, &block, &config.publication, &config.permalink, &mut Names::default()).issue.unwrap();
        let cover = Cover { size: Some((600, 400)), ..crate::content::cover::from_url(&issue).unwrap() };
        (issue, cover)
    }

    fn lin() -> Recipient {
        let attributes = [("city".to_owned(), "Hangzhou".into())].into_iter().collect();
        Recipient { name: "Lin".to_owned(), attributes, ..Recipient::of_address("lin@example.org".parse().unwrap()) }
    }

    /// Every variable by its documented name.
    fn named(prefix: &str, value: &Json, all: &mut BTreeMap<String, Json>) {
        let is_free = ["issue.params", "issues[].params", "subscriber.attributes"].contains(&prefix);
        match value {
            Json::Object(fields) if !is_free => {
                let dot = if prefix.is_empty() { "" } else { "." };
                fields.iter().for_each(|(name, field)| named(&format!("{prefix}{dot}{name}"), field, all));
            }
            Json::Array(items) if items.first().is_some_and(Json::is_object) => {
                named(&format!("{prefix}[]"), &items[0], all);
            }
            _ => drop(all.insert(prefix.to_owned(), value.clone())),
        }
    }

    /// Whether a variable is below one that is `none` or an empty list.
    fn is_below_empty(fields: &Json, name: &str) -> bool {
        let mut value = fields;
        for part in name.split('.') {
            value = &value[part.trim_end_matches("[]")];
            if value.is_null() || *value == json!([]) {
                return true;
            }
        }
        false
    }

    #[test]
    fn every_variable_is_documented_with_its_value() {
        let config = config();
        let (issue, cover) = issue(&config);
        let unsubscribe =
            crate::edition::unsubscribe::UnsubscribeLinks::new(&config.mail.as_ref().unwrap().edition, "en").unwrap();
        let unsubscribe = unsubscribe.of(&lin()).unwrap();
        let fields = Fields::new(&config.publication, &issue, Some(&cover), BODY.to_owned(), BODY.to_owned());
        let fields = fields.with_sender(config.mail.as_ref().map(|mail| &mail.edition));
        let mut offered = BTreeMap::new();
        named("", &serde_json::to_value(fields.for_html(&lin(), &unsubscribe)).unwrap(), &mut offered);

        let time = |text: &str| text.parse().unwrap();
        let (start, end) = (time("2026-11-16T00:00:00Z"), time("2026-11-23T00:00:00Z"));
        let period = Period { name: PeriodName::new("2026-W47").unwrap(), start, end };
        let sections = [Section { issue: &issue, cover: Some(cover), body: Document::parse("") }];
        let digest = digest::fields(&config.publication, Extent::Full, &period, &sections, NO_FILES.picture_width);
        let mut of_digest = BTreeMap::new();
        named("", &serde_json::to_value(digest.for_html(&lin(), &unsubscribe)).unwrap(), &mut of_digest);
        of_digest.retain(|name, _| name.starts_with("digest.") || name.starts_with("issues[]."));
        of_digest.retain(|name, _| !offered.contains_key(&name.replace("issues[].", "issue.")));
        of_digest.insert("issues[].body".to_owned(), BODY.into());
        offered.extend(of_digest);

        let mail = config.mail.as_ref().map(|mail| &mail.edition).unwrap();
        let templates = Templates::load(&transactional::NAMES.names(), &|_| Ok(None)).unwrap();
        let writer = transactional::Writer::new(&config.publication, mail, &templates);
        let address = lin().address;
        let envelope =
            transactional::Envelope { address: &address, language: "en", id: "", date: start, reply_to: None };
        let link = |path: &str| format!("https://news.example.org/{path}");
        let mut of_message = BTreeMap::new();
        for content in [
            transactional::Content::Links { leave: link("leave/6b2f…") },
            transactional::Content::Confirm {
                confirm: link("confirm/02c1…"),
                never: link("confirm/9e4a…"),
                by_reply: false,
            },
        ] {
            let fields = writer.fields(&content, &envelope);
            let mut named_fields = BTreeMap::new();
            named("", &fields, &mut named_fields);
            let missing: Vec<&String> = offered
                .keys()
                .filter(|name| !name.starts_with("digest.") && !name.starts_with("issues[]") && *name != "body")
                .filter(|name| !named_fields.contains_key(*name) && !is_below_empty(&fields, name))
                .collect();
            assert_eq!(missing, Vec::<&String>::new(), "a layout of the project may use them");
            named_fields
                .retain(|name, value| name.starts_with("message.") && !(value.is_null() || *value == json!([])));
            of_message.extend(named_fields);
        }
        offered.extend(of_message);
        assert_eq!(written(), offered);
    }

    #[test]
    fn the_documented_templates_work() {
        let config = config();
        let (issue, _) = issue(&config);
        let [html, text, _] = blocks("jinja")[..] else { panic!("the page has three templates") };
        let own = |name: &str| {
            let of_project = [(template::ISSUE.html, html), (template::ISSUE.text, text)];
            Ok(of_project.into_iter().find(|(other, _)| *other == name).map(|(_, text)| text.to_owned()))
        };
        let section = Section { issue: &issue, cover: None, body: Document::parse("High **water**.") };
        let mail = config.mail.as_ref().map(|mail| &mail.edition);
        let files = Files { template: &own, ..NO_FILES };
        let edition = Edition::prepare(&config.publication, mail, &section, &files).unwrap();
        let page = edition.html(&lin()).unwrap();
        assert!(page.contains("Dear Lin,") && page.contains("color:#0b3d5c"), "{page}");
        let expected = "Dear Lin,\n\nSpring tides\n============\n\nHigh water.\n\nhttps://tides.example.org/spring-tides/\n\
                        Unsubscribe: https://news.example.org/leave?who=lin%40example.org\n";
        assert_eq!(edition.text(&lin()).unwrap(), expected);
    }
}
