//! Writes JSON Feed 1.1. `date_published` is the date, `date_modified` its last change.

use serde::Serialize;

use crate::feed::{Entry, Feed, Format, Person, Picture, location};

const VERSION: &str = "https://jsonfeed.org/version/1.1";

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: &'a str,
    feed_url: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<&'a str>,
    authors: Vec<Author<'a>>,
    language: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Hub<'a>>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Hub<'a> {
    r#type: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    url: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_html: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    date_published: String,
    date_modified: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment<'a>>,
}

#[derive(Serialize)]
struct Attachment<'a> {
    url: &'a str,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_in_bytes: Option<u64>,
}

pub(super) fn render(feed: &Feed) -> anyhow::Result<Vec<u8>> {
    let document = Document {
        version: VERSION,
        title: &feed.title,
        home_page_url: &feed.home,
        feed_url: feed.location(Format::Json),
        description: &feed.description,
        next_url: feed.prev_archive.as_ref().and_then(|locations| location(locations, Format::Json)),
        icon: feed.icon.as_deref(),
        authors: vec![author(&feed.author)],
        language: &feed.language,
        hubs: feed.hubs.iter().map(|url| Hub { r#type: "WebSub", url }).collect(),
        items: feed.entries.iter().map(item).collect(),
    };
    let mut bytes = Vec::with_capacity(feed.estimated_bytes());
    serde_json::to_writer_pretty(&mut bytes, &document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn author(person: &Person) -> Author<'_> {
    Author { name: &person.name, url: person.url.as_deref() }
}

/// One of `content_html` and `content_text` is required: without full content, the summary is the text.
fn item(entry: &Entry) -> Item<'_> {
    let summary = entry.summary.as_deref();
    Item {
        id: &entry.id,
        url: &entry.url,
        title: &entry.title,
        content_html: entry.content_html.as_deref(),
        content_text: entry.content_html.is_none().then(|| summary.unwrap_or(&entry.title)),
        summary,
        image: entry.cover.as_ref().map(|cover| cover.url.as_str()),
        date_published: entry.published.to_rfc3339(),
        date_modified: entry.updated.to_rfc3339(),
        authors: entry.authors.iter().map(author).collect(),
        tags: entry.terms.iter().map(String::as_str).collect(),
        language: entry.language.as_deref(),
        attachments: entry.cover.iter().filter_map(attachment).collect(),
    }
}

/// The type is required; the size may be omitted.
fn attachment(cover: &Picture) -> Option<Attachment<'_>> {
    let mime_type = cover.mime_type.as_deref()?;
    Some(Attachment { url: &cover.url, mime_type, title: cover.alt.as_deref(), size_in_bytes: cover.bytes })
}
