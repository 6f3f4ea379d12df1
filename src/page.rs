//! The web archive: an HTML page for each issue, and an index of them.
//!
//! Takes issues with their bodies rendered, and what stands beside them; gives pages that load nothing from elsewhere and
//! run nothing. Which pages there are, and writing them, is left to `publish`.

use minijinja::Value;
use minijinja::value::Serde;
use serde_json::{Value as Json, json};
use url::Url;

use crate::content::permalink::Pattern;
use crate::feed::directory::AlternateLink;
use crate::finding::Finding;
use crate::issue::{Cover, Issue};
use crate::page::labels::Labels;
use crate::publication::Publication;
use crate::templates::Templates;
use crate::templates::fields::{issue_fields, publication_fields};
use crate::templates::locale::{Locale, direction};

mod labels;
pub mod output_path;

/// The template of the page of an issue.
const PAGE: &str = "page.html";

/// The template of the index.
const INDEX: &str = "index.html";

/// Where the pages of an archive are.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Pattern of their addresses.
    pub pattern: Pattern,
    /// Whether these are the permalinks; they are not where the project file has a `permalink` of its own.
    pub is_permalink: bool,
}

impl Options {
    /// The folder of the index and of everything else in the archive of a publication, below `output` and the base URL:
    /// empty, or it ends in `/`. Not percent-encoded.
    pub fn folder(&self, publication: &Publication) -> String {
        let site = publication.site.as_ref().map_or_else(String::new, |site| format!("{site}/"));
        format!("{site}{}", self.pattern.fixed_folder())
    }
}

/// The pages of a publication in one of its languages.
#[derive(Debug)]
pub struct PageRenderer<'a> {
    publication: &'a Publication,
    templates: &'a Templates,
    words: Locale,
    feeds: Json,
}

/// An issue as its page shows it.
#[derive(Debug)]
pub struct IssuePage<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// Its cover, measured.
    pub cover: Option<&'a Cover>,
    /// Its body as clean HTML.
    pub body: String,
    /// Its description, or the first words of its body; plain text.
    pub summary: &'a str,
    /// The issue after it.
    pub newer: Option<&'a Issue>,
    /// The issue before it.
    pub older: Option<&'a Issue>,
}

/// A part of the index.
#[derive(Debug)]
pub struct IndexPage<'a> {
    /// Its address.
    pub url: &'a Url,
    /// Issues with their summaries, newest first.
    pub issues: &'a [(&'a Issue, &'a str)],
    /// The part with newer issues.
    pub newer: Option<&'a Url>,
    /// The part with older issues.
    pub older: Option<&'a Url>,
}

/// The templates of pages. `own` gives the text of the project's own template of a name, if there is one.
///
/// # Errors
/// What `own` fails with; a finding where a template cannot be understood.
pub fn templates(own: &dyn Fn(&str) -> anyhow::Result<Option<String>>) -> anyhow::Result<Templates> {
    Templates::load(&[PAGE, INDEX], own)
}

impl<'a> PageRenderer<'a> {
    /// The pages of a publication, from which these links lead to its feeds.
    pub fn new(publication: &'a Publication, templates: &'a Templates, links: &[AlternateLink<'_>]) -> Self {
        let words = Locale::of_language(&publication.language);
        let feeds = links.iter().map(feed).collect();
        Self { publication, templates, words, feeds }
    }

    /// The page of an issue.
    ///
    /// # Errors
    /// A finding where the template fails on this issue.
    pub fn page(&self, shown: &IssuePage<'_>) -> Result<String, Box<Finding>> {
        let issue = shown.issue;
        let language = issue.language.as_ref().unwrap_or(&self.publication.language);
        let words = Locale::of_language(language);
        let neighbour = |issue: &Issue| json!({ "url": issue.page().as_str(), "title": issue.plain_title() });
        let fields = json!({
            "publication": publication_fields(self.publication),
            "issue": issue_fields(issue, shown.cover, language, &words),
            "language": language,
            "direction": direction(language),
            "url": issue.permalink.as_str(),
            "title": issue.plain_title(),
            "summary": shown.summary,
            "newer": shown.newer.map(neighbour),
            "older": shown.older.map(neighbour),
            "feeds": self.feeds,
            "words": Labels::of_language(language),
        });
        let body = Value::from_safe_string(shown.body.clone());
        self.rendered(PAGE, &minijinja::context! { body, ..Value::from(Serde(fields)) })
    }

    /// A part of the index.
    ///
    /// # Errors
    /// A finding where the template fails on it.
    pub fn index(&self, listing: &IndexPage<'_>) -> Result<String, Box<Finding>> {
        let language = &self.publication.language;
        let year = |issue: &Issue| issue.date.format("%Y").to_string();
        let years = listing.issues.chunk_by(|a, b| year(a.0) == year(b.0));
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
            "direction": direction(language),
            "url": listing.url.as_str(),
            "title": self.publication.title,
            "summary": self.publication.description,
            "years": years,
            "newer": listing.newer.map(part),
            "older": listing.older.map(part),
            "feeds": self.feeds,
            "words": Labels::of_language(language),
        });
        self.rendered(INDEX, &Value::from(Serde(fields)))
    }

    /// Slashes are escaped for the sake of scripts, which no page has.
    fn rendered(&self, name: &str, fields: &Value) -> Result<String, Box<Finding>> {
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
            "direction": direction(language),
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
