//! From the fields of a front matter to an issue.
//!
//! Takes what one file says and the publication it belongs to; gives the issue, or the findings for which it is left
//! out. Where Hugo forgives (a string for a list, a missing author), so does this.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use serde_json::Value;
use url::Url;

use crate::content::cover::cover;
use crate::content::date;
use crate::content::front_matter::Block;
use crate::content::html::legal;
use crate::content::html::urls::is_web_address;
use crate::content::own_id;
use crate::content::permalink::{Page, Pattern, absolute};
use crate::content::reading::{Reading, plain_text};
use crate::finding::Finding;
use crate::issue::{Issue, IssueId, Slug, Term};
use crate::publication::{Author, Publication, is_language_tag};

/// Where a file lies.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Path below the project folder, for messages and as the issue's name.
    pub path: &'a str,
    /// Path below its content folder, for the permalink.
    pub below_content: &'a str,
    /// When it last changed, as far as is known besides its front matter.
    pub changed: Option<DateTime<FixedOffset>>,
}

/// An issue, and what is wrong or odd about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembled {
    /// `None` when a finding is an error: the issue is left out.
    pub issue: Option<Issue>,
    /// In the order they were found.
    pub findings: Vec<Finding>,
}

/// Patterns of the addresses of issues.
#[derive(Debug, Clone, Copy)]
pub struct Patterns<'a> {
    /// Of permalinks.
    pub permalink: &'a Pattern,
    /// Of pages in the web archive, where they are others.
    pub page: Option<&'a Pattern>,
}

impl<'a> From<&'a Pattern> for Patterns<'a> {
    fn from(permalink: &'a Pattern) -> Self {
        Self { permalink, page: None }
    }
}

/// Makes the issue whose front matter is `block`.
pub fn assemble<'a>(
    source: Source<'_>,
    block: &Block<'_>,
    publication: &Publication,
    patterns: impl Into<Patterns<'a>>,
) -> Assembled {
    let mut fields = match Reading::new(source.path, block) {
        Ok(fields) => fields,
        Err(finding) => return Assembled { issue: None, findings: vec![*finding] },
    };
    let issue = issue(source, block, &mut fields, publication, patterns.into());
    let findings = fields.into_findings();
    let left_out = findings.iter().any(Finding::leaves_out);
    Assembled { issue: issue.filter(|_| !left_out), findings }
}

fn issue(
    source: Source<'_>,
    block: &Block<'_>,
    fields: &mut Reading<'_>,
    publication: &Publication,
    patterns: Patterns<'_>,
) -> Option<Issue> {
    let title = fields.text("title").unwrap_or_default();
    if title.is_empty() {
        fields.wrong("title", "the issue has no title", "write `title: …` into the front matter");
    }
    let dates = dates(fields, publication, source.changed);
    let slug = fields.text("slug");
    let page = Page { path: source.below_content, title: &title, slug: slug.as_deref(), date: dates.date };
    let in_site = |path: String| match &publication.site {
        Some(site) => format!("{site}/{path}"),
        None => path,
    };
    let path = match (url(fields), &publication.site) {
        (Some(url), None) => url,
        // As Hugo: with a slash it is meant from the root, without from the folder of the language.
        (Some(url), Some(_)) if url.starts_with('/') => url,
        (url, _) => in_site(url.unwrap_or_else(|| patterns.permalink.path(&page))),
    };
    let of_archive = patterns.page.map(|pattern| absolute(&publication.base_url, &in_site(pattern.path(&page))));
    let permalink = absolute(&publication.base_url, &path);
    let own_id = own_id(fields);
    let (description, summary) = (fields.text("description"), fields.text("summary"));
    Some(Issue {
        path: source.path.to_owned(),
        id: IssueId::new(own_id.as_deref().unwrap_or(permalink.as_str()))?,
        own_id: own_id.is_some(),
        aliases: aliases(fields, publication),
        slug: last_segment(&permalink)?,
        date: dates.date,
        updated: dates.updated,
        expires: dates.expires,
        authors: authors(fields, publication).into(),
        description: description.or(summary).map(|text| plain_text(&text)),
        categories: terms(fields, "categories"),
        tags: terms(fields, "tags"),
        cover: cover(fields, &permalink),
        language: language(fields).or_else(|| publication.site.as_ref().map(|_| publication.language.clone())),
        site: publication.site.clone(),
        draft: fields.truth("draft", false),
        feed: fields.truth("feed", true),
        email: fields.truth("email", true),
        edition: edition(fields),
        subject: fields.text("subject"),
        preheader: fields.text("preheader"),
        params: fields.rest(),
        body: block.body,
        title,
        page: of_archive.filter(|page| *page != permalink).map(Box::new),
        permalink,
    })
}

/// `url`: a path. Of a whole address only the path counts, for everything published is below the base URL.
fn url(fields: &mut Reading<'_>) -> Option<String> {
    let written = fields.text("url")?;
    let Some(address) = Url::parse(&written).ok().filter(Url::has_host) else { return Some(written) };
    let path = address.path().to_owned();
    fields.odd(
        "url",
        &format!("`{written}` is a whole address, of which only the path counts"),
        "write the path alone",
    );
    Some(path)
}

/// `aliases`: paths below the base URL, with or without a slash before them, or whole addresses.
fn aliases(fields: &mut Reading<'_>, publication: &Publication) -> Vec<Url> {
    let alias = |written: &String| match Url::parse(written.trim()) {
        Ok(url) if url.has_host() => url,
        _ => absolute(&publication.base_url, written.trim()),
    };
    fields.list("aliases").iter().filter(|written| !written.trim().is_empty()).map(alias).collect()
}

fn own_id(fields: &mut Reading<'_>) -> Option<String> {
    let written = fields.text("id")?;
    let id = own_id::own_id(&written);
    if id.is_none() {
        let help = "write one such as `tag:example.org,2026:spring-tide`, or give the field another name";
        fields.odd(
            "id",
            &format!("`{written}` is no URI that feeds could hold, so the issue keeps its permalink"),
            help,
        );
    }
    id
}

/// `edition`: a number from 1. A word there is a field of the project's own, and stays for templates.
fn edition(fields: &mut Reading<'_>) -> u32 {
    let written =
        fields.look("edition").and_then(|value| u32::try_from(value.as_u64()?).ok()).filter(|edition| *edition > 0);
    written.inspect(|_| drop(fields.take("edition"))).unwrap_or(1)
}

fn language(fields: &mut Reading<'_>) -> Option<String> {
    let written = fields.text("language")?;
    let tag = written.replace('_', "-");
    if is_language_tag(&tag) {
        return Some(tag);
    }
    fields.odd("language", &format!("`{written}` is no language tag"), "write one such as `en` or `zh-CN`");
    None
}

struct Dates {
    date: DateTime<FixedOffset>,
    updated: DateTime<FixedOffset>,
    expires: Option<DateTime<FixedOffset>>,
}

/// As Hugo: `date`, else `publishDate`, else `lastmod`; publication waits for `publishDate` where that is later. What the
/// front matter says of changes wins over what is known besides.
fn dates(fields: &mut Reading<'_>, publication: &Publication, changed: Option<DateTime<FixedOffset>>) -> Dates {
    let mut read = |name: &str| fields.date(name, |text| date::parse(text, publication.time_zone));
    let written = read("date");
    let publish = read("publishdate").or(read("pubdate")).or(read("published"));
    let modified = read("lastmod").or(read("updated")).or(read("modified"));
    let expires = read("expirydate").or(read("unpublishdate"));
    let date = written.or(publish).or(modified).unwrap_or_else(Issue::undated);
    let date = publish.map_or(date, |publish| date.max(publish));
    Dates { date, updated: modified.or(changed).map_or(date, |modified| modified.max(date)), expires }
}

/// `authors` or `author`: a name, a list of names, or maps of name, email and url; `authorlink` is the page of the only
/// author. Names joined by `、` are several people.
fn authors(fields: &mut Reading<'_>, publication: &Publication) -> Vec<Author> {
    let written = fields.take("authors").or_else(|| fields.take("author"));
    let link = fields.text("authorlink").and_then(|link| page(&link, publication));
    let mut authors = match written {
        Some(Value::Array(items)) => items.iter().filter_map(|item| author(item, publication)).collect(),
        Some(Value::String(names)) => names.split('、').filter_map(named).collect(),
        Some(value) => author(&value, publication).into_iter().collect(),
        None => Vec::new(),
    };
    if let [only] = authors.as_mut_slice()
        && only.url.is_none()
    {
        only.url = link;
    }
    if authors.is_empty() { publication.author.iter().cloned().collect() } else { authors }
}

fn author(value: &Value, publication: &Publication) -> Option<Author> {
    let Value::Object(map) = value else { return named(value.as_str()?) };
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let mut author = named(text("name")?)?;
    author.email = text("email").and_then(|email| email.parse().ok());
    author.url = text("url").or(text("link")).and_then(|link| page(link, publication));
    Some(author)
}

fn page(link: &str, publication: &Publication) -> Option<Url> {
    publication.base_url.join(link).ok().filter(is_web_address)
}

fn named(name: &str) -> Option<Author> {
    let name = plain_text(&legal(name));
    (!name.is_empty()).then_some(Author { name, email: None, url: None })
}

/// Terms in the order written, each once.
fn terms(fields: &mut Reading<'_>, name: &str) -> Arc<[Term]> {
    let mut terms: Vec<Term> = Vec::new();
    for term in fields.list(name).iter().filter_map(|term| Term::new(&plain_text(term))) {
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    terms.into()
}

/// The last part of the permalink as people read it; the host, should an issue be the page at the root.
fn last_segment(permalink: &Url) -> Option<Slug> {
    let segment = permalink.path_segments()?.rfind(|segment| !segment.is_empty());
    let decoded = percent_encoding::percent_decode_str(segment.or(permalink.host_str())?).decode_utf8_lossy();
    Slug::new(&decoded.replace('/', "-"))
}

#[cfg(test)]
mod tests;
