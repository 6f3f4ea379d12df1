//! Custom shortcodes: `templates/shortcodes/NAME.html`, in Jinja.
//!
//! Variables: `args` (a list, or a mapping if they are named), `inner` (the enclosed content), `issue` and
//! `publication`; the filter `markdown` renders text to HTML.

use std::collections::BTreeMap;

use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde_json::json;

use crate::content::markdown::{Dialect, Document};
use crate::finding::{Finding, Place};
use crate::issue::{Issue, Term};
use crate::publication::Publication;
use crate::shortcodes::syntax::Arguments;
use crate::templates::{engine, error_message};

/// Steps that one use of a shortcode may take.
const FUEL: u64 = 100_000;

/// Folder of custom shortcodes, below the project folder.
pub const FOLDER: &str = "templates/shortcodes";

/// The templates by name.
#[derive(Debug, Clone)]
pub struct Templates {
    environment: Environment<'static>,
    publication: Value,
}

impl Templates {
    /// Parses the templates, named without `.html`; broken ones are left out and reported.
    pub fn new(publication: &Publication, sources: BTreeMap<String, String>, dialect: Dialect) -> (Self, Vec<Finding>) {
        let mut environment = engine(FUEL);
        environment.add_filter("markdown", move |text: String| Value::from_safe_string(markdown(&text, dialect)));
        let mut findings = Vec::new();
        for (name, source) in sources {
            let Err(error) = environment.add_template_owned(format!("{name}.html"), source.clone()) else { continue };
            let place = Place::at_line(format!("{FOLDER}/{name}.html"), &source, error.line().unwrap_or(1), 0);
            let finding = Finding::error("shortcode-template", error_message(&error))
                .help("correct the template; its syntax is Jinja");
            findings.push(finding.at(place));
        }
        let publication = json!({
            "title": publication.title,
            "url": publication.base_url.as_str(),
            "language": publication.language,
        });
        (Self { environment, publication: Value::from(Serde(publication)) }, findings)
    }

    /// Whether there is a shortcode of this name.
    pub fn has(&self, name: &str) -> bool {
        self.environment.get_template(&file(name)).is_ok()
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.environment.templates().filter_map(|(name, _)| name.strip_suffix(".html"))
    }

    /// Renders a shortcode.
    ///
    /// # Errors
    /// The problem, with the line of the template.
    pub fn render(&self, issue: &Issue, name: &str, arguments: &Arguments<'_>, inner: &str) -> Result<String, String> {
        let context = context! {
            args => values(arguments),
            inner => Value::from_safe_string(inner.to_owned()),
            issue => fields(issue),
            publication => self.publication.clone(),
        };
        let rendered = self.environment.get_template(&file(name)).and_then(|template| template.render(context));
        rendered.map_err(|error| {
            let said = error_message(&error);
            let line = error.line().map_or(String::new(), |line| format!(":{line}"));
            format!("{said} (`{FOLDER}/{}{line}`)", file(name))
        })
    }
}

fn file(name: &str) -> String {
    format!("{name}.html")
}

fn markdown(text: &str, dialect: Dialect) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, Document::parse_as(text, dialect).events().iter().cloned());
    html
}

fn values(arguments: &Arguments<'_>) -> Value {
    let named: Option<serde_json::Map<String, serde_json::Value>> =
        arguments.all().map(|(name, value)| Some((name?.to_owned(), value.into()))).collect();
    match named.filter(|named| !named.is_empty()) {
        Some(named) => Value::from(Serde(serde_json::Value::Object(named))),
        None => Value::from_iter(arguments.all().map(|(_, value)| value)),
    }
}

fn fields(issue: &Issue) -> Value {
    Value::from(Serde(json!({
        "id": issue.id.as_str(),
        "slug": issue.slug.as_str(),
        "title": issue.plain_title(),
        "permalink": issue.permalink.as_str(),
        "date_iso": issue.date.to_rfc3339(),
        "description": issue.description,
        "categories": issue.categories.iter().map(Term::as_str).collect::<Vec<_>>(),
        "tags": issue.tags.iter().map(Term::as_str).collect::<Vec<_>>(),
        "params": issue.params.as_deref().cloned().unwrap_or_default(),
    })))
}
