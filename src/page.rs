//! The web archive: an HTML page for each issue, and an index.
//!
//! Takes issues with rendered bodies; returns pages that load nothing from other hosts and run no scripts. `publish`
//! decides which pages exist and writes them.

use minijinja::Value;
use minijinja::value::Serde;
use serde_json::{Value as Json, json};
use url::Url;

use crate::content::direction::Direction;
use crate::content::permalink::Pattern;
use crate::feed::directory::AlternateLink;
use crate::finding::Finding;
use crate::issue::{Cover, Issue};
use crate::page::labels::Labels;
use crate::publication::Publication;
use crate::templates::Templates;
use crate::templates::fields::{issue_fields, publication_fields};
use crate::templates::locale::Locale;

mod labels;
pub mod output_path;

/// Template of an issue's page.
const PAGE: &str = "page.html";

/// Template of the index.
const INDEX: &str = "index.html";

/// Where the pages of the web archive are.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Pattern of their addresses.
    pub pattern: Pattern,
    /// Whether these are the permalinks; false if the project file has a separate `permalink`.
    pub is_permalink: bool,
}

impl Options {
    /// The folder of the index and everything else in the web archive, below `output` and the base URL: empty, or
    /// ending in `/`. Not percent-encoded.
    pub fn folder(&self, publication: &Publication) -> String {
        let site = publication.site.as_ref().map_or_else(String::new, |site| format!("{site}/"));
        format!("{site}{}", self.pattern.fixed_folder())
    }
}

/// Renders the pages of a publication in one language.
#[derive(Debug)]
pub struct PageRenderer<'a> {
    publication: &'a Publication,
    templates: &'a Templates,
    words: Locale,
    feeds: Json,
    /// The form to subscribe, if the project serves readers: HTML.
    form: Option<String>,
}

/// The content of an issue's page.
#[derive(Debug)]
pub struct IssuePage<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// Its cover, measured.
    pub cover: Option<&'a Cover>,
    /// Its body as sanitized HTML.
    pub body: String,
    /// Its description, or else the beginning of its body; plain text.
    pub summary: &'a str,
    /// The next issue.
    pub newer: Option<&'a Issue>,
    /// The previous issue.
    pub older: Option<&'a Issue>,
}

/// The content of one page of the index.
#[derive(Debug)]
pub struct IndexPage<'a> {
    /// Its URL.
    pub url: &'a Url,
    /// Issues with their summaries, newest first.
    pub issues: &'a [(&'a Issue, &'a str)],
    /// The index page with newer issues.
    pub newer: Option<&'a Url>,
    /// The index page with older issues.
    pub older: Option<&'a Url>,
}

/// Loads the page templates. `own` returns the project's template of a name, if it has one.
///
/// # Errors
/// An error of `own`; a finding if a template is malformed.
pub fn templates(own: &dyn Fn(&str) -> anyhow::Result<Option<String>>) -> anyhow::Result<Templates> {
    Templates::load(&[PAGE, INDEX], own)
}

impl<'a> PageRenderer<'a> {
    /// The language of pages whose issue has none of its own.
    pub fn language(&self) -> &'a String {
        &self.publication.language
    }

    /// A renderer for a publication whose feeds have these links. `form` is the HTML of the form to subscribe, if there is one.
    pub fn new(
        publication: &'a Publication,
        templates: &'a Templates,
        links: &[AlternateLink<'_>],
        form: Option<String>,
    ) -> Self {
        let words = Locale::of_language(&publication.language);
        let feeds = links.iter().map(feed).collect();
        Self { publication, templates, words, feeds, form }
    }

    /// Renders the page of an issue.
    ///
    /// # Errors
    /// A finding if the template fails on this issue.
    pub fn issue_page(&self, page: &IssuePage<'_>) -> Result<String, Box<Finding>> {
        let issue = page.issue;
        let language = issue.language.as_ref().unwrap_or(&self.publication.language);
        let words = Locale::of_language(language);
        let neighbour = |issue: &Issue| json!({ "url": issue.page().as_str(), "title": issue.plain_title() });
        let fields = json!({
            "publication": publication_fields(self.publication),
            "issue": issue_fields(issue, page.cover, language, &words),
            "language": language,
            "direction": Direction::of_language(language).as_str(),
            "url": issue.permalink.as_str(),
            "title": issue.plain_title(),
            "summary": page.summary,
            "newer": page.newer.map(neighbour),
            "older": page.older.map(neighbour),
            "feeds": self.feeds,
            "words": Labels::of_issue(language),
        });
        let body = Value::from_safe_string(page.body.clone());
        self.render(PAGE, &minijinja::context! { body, ..self.with_form(fields) })
    }

    /// Renders one page of the index.
    ///
    /// # Errors
    /// A finding if the template fails.
    pub fn index_page(&self, index: &IndexPage<'_>) -> Result<String, Box<Finding>> {
        let language = &self.publication.language;
        let year = |issue: &Issue| issue.date.format("%Y").to_string();
        let years = index.issues.chunk_by(|a, b| year(a.0) == year(b.0));
        let years: Vec<Json> = years
            .map(|issues| {
                let rows: Vec<Json> = issues.iter().map(|(issue, summary)| self.row(issue, summary)).collect();
                json!({ "name": year(issues[0].0), "issues": rows })
            })
            .collect();
        let part = |url: &Url| json!({ "url": url.as_str() });
        let fields = json!({
            "publication": publication_fields(self.publication),
            "language": language,
            "direction": Direction::of_language(language).as_str(),
            "url": index.url.as_str(),
            "title": self.publication.title,
            "summary": self.publication.description,
            "years": years,
            "newer": index.newer.map(part),
            "older": index.older.map(part),
            "feeds": self.feeds,
            "words": Labels::of_index(language),
        });
        self.render(INDEX, &self.with_form(fields))
    }

    fn with_form(&self, fields: Json) -> Value {
        let subscribe_form = self.form.clone().map(Value::from_safe_string);
        minijinja::context! { subscribe_form, ..Value::from(Serde(fields)) }
    }

    /// The engine escapes slashes in case of scripts, which no page has.
    fn render(&self, name: &str, fields: &Value) -> Result<String, Box<Finding>> {
        Ok(self.templates.render(name, fields)?.replace("&#x2f;", "/"))
    }

    fn row(&self, issue: &Issue, summary: &str) -> Json {
        let language = issue.language.as_ref().unwrap_or(&self.publication.language);
        json!({
            "url": issue.page().as_str(),
            "title": issue.plain_title(),
            "date": self.words.date(issue.date),
            "date_iso": issue.date.to_rfc3339(),
            "language": language,
            "direction": Direction::of_language(language).as_str(),
            "summary": summary,
        })
    }
}

fn feed(link: &AlternateLink<'_>) -> Json {
    json!({
        "title": link.title,
        "format": link.format,
        "type": link.media_type,
        "language": link.language,
        "url": link.href,
    })
}
