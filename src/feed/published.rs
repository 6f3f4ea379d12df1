//! Parses published feeds, from this program or any other, as far as comparison needs.
//!
//! Takes bytes; detects the format and returns the entries in order. Lenient: missing elements are empty.

use atom_syndication::Text;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::feed::Format;

/// A published feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFeed {
    /// Its format.
    pub format: Format,
    /// In the order of the feed.
    pub entries: Vec<PublishedEntry>,
}

/// An entry as subscribers received it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishedEntry {
    /// Its id; its link if it has none.
    pub id: String,
    /// Its link.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its summary.
    pub summary: String,
    /// Its full content.
    pub content: String,
    /// Date of publication.
    pub published: Option<DateTime<Utc>>,
    /// Date of the last change; RSS has none.
    pub updated: Option<DateTime<Utc>>,
}

/// Why bytes are not a feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAFeed {
    /// Something else, such as a page.
    #[error("it is neither RSS, Atom nor JSON Feed")]
    Unknown,
    /// A malformed feed.
    #[error("it is not a well-formed feed: {0}")]
    Broken(String),
}

/// Parses a feed.
///
/// # Errors
/// If the bytes are not a feed, or malformed.
pub fn read(bytes: &[u8]) -> Result<PublishedFeed, NotAFeed> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes).trim_ascii_start();
    let (format, entries) = if bytes.starts_with(b"{") {
        (Format::Json, json(bytes)?)
    } else {
        match root(bytes) {
            "rss" | "rdf:RDF" => (Format::Rss, rss(bytes)?),
            "feed" => (Format::Atom, atom(bytes)?),
            _ => return Err(NotAFeed::Unknown),
        }
    };
    Ok(PublishedFeed { format, entries })
}

/// Name of the root element of an XML document; empty if there is none.
fn root(bytes: &[u8]) -> &str {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut rest = text.trim_start();
    while let Some((_, end)) =
        [("<!--", "-->"), ("<?", "?>"), ("<!", ">")].into_iter().find(|(begin, _)| rest.starts_with(begin))
    {
        rest = rest.split_once(end).map_or("", |(_, after)| after).trim_start();
    }
    let name = rest.strip_prefix('<').unwrap_or_default();
    name.split([' ', '\t', '\r', '\n', '/', '>']).next().unwrap_or_default()
}

#[derive(Deserialize)]
struct JsonFeed {
    version: String,
    #[serde(default)]
    items: Vec<JsonItem>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct JsonItem {
    id: serde_json::Value,
    url: Option<String>,
    title: Option<String>,
    summary: Option<String>,
    content_html: Option<String>,
    content_text: Option<String>,
    date_published: Option<String>,
    date_modified: Option<String>,
}

fn json(bytes: &[u8]) -> Result<Vec<PublishedEntry>, NotAFeed> {
    let feed: JsonFeed = serde_json::from_slice(bytes).map_err(|error| NotAFeed::Broken(error.to_string()))?;
    if !feed.version.contains("jsonfeed.org") {
        return Err(NotAFeed::Unknown);
    }
    let date = |text: Option<String>| Some(DateTime::parse_from_rfc3339(&text?).ok()?.to_utc());
    let item = |item: JsonItem| {
        // Version 1 allows numeric ids.
        let id = item.id.as_str().map_or_else(|| item.id.to_string(), str::to_owned);
        PublishedEntry {
            id,
            url: item.url.unwrap_or_default(),
            title: item.title.unwrap_or_default(),
            summary: item.summary.unwrap_or_default(),
            content: item.content_html.or(item.content_text).unwrap_or_default(),
            published: date(item.date_published),
            updated: date(item.date_modified),
        }
    };
    Ok(feed.items.into_iter().map(item).collect())
}

fn rss(bytes: &[u8]) -> Result<Vec<PublishedEntry>, NotAFeed> {
    let channel = rss::Channel::read_from(bytes).map_err(|error| NotAFeed::Broken(error.to_string()))?;
    let item = |item: rss::Item| {
        let url = item.link.unwrap_or_default();
        PublishedEntry {
            id: item.guid.map_or_else(|| url.clone(), |guid| guid.value),
            url,
            title: item.title.unwrap_or_default(),
            summary: item.description.unwrap_or_default(),
            content: item.content.unwrap_or_default(),
            published: item.pub_date.and_then(|date| Some(DateTime::parse_from_rfc2822(&date).ok()?.to_utc())),
            updated: None,
        }
    };
    Ok(channel.items.into_iter().map(item).collect())
}

fn atom(bytes: &[u8]) -> Result<Vec<PublishedEntry>, NotAFeed> {
    let feed = atom_syndication::Feed::read_from(bytes).map_err(|error| NotAFeed::Broken(error.to_string()))?;
    let entry = |entry: atom_syndication::Entry| PublishedEntry {
        url: entry.links.iter().find(|link| link.rel == "alternate").map(|link| link.href.clone()).unwrap_or_default(),
        id: entry.id,
        title: entry.title.value,
        summary: entry.summary.map(|Text { value, .. }| value).unwrap_or_default(),
        content: entry.content.and_then(|content| content.value).unwrap_or_default(),
        published: Some(entry.published.unwrap_or(entry.updated).to_utc()),
        updated: Some(entry.updated.to_utc()),
    };
    Ok(feed.entries.into_iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> (Format, PublishedEntry) {
        let PublishedFeed { format, mut entries } = read(text.as_bytes()).unwrap();
        assert_eq!(entries.len(), 1);
        (format, entries.remove(0))
    }

    fn shown(updated: Option<&str>) -> PublishedEntry {
        let date = |text: &str| text.parse().unwrap();
        PublishedEntry {
            id: "1".into(),
            url: "https://example.org/a/".into(),
            title: "A & B".into(),
            summary: "s".into(),
            content: "<p>c</p>".into(),
            published: Some(date("2026-07-02T00:00:00Z")),
            updated: updated.map(date),
        }
    }

    #[test]
    fn every_format_is_parsed() {
        let json = r#"{"version": "https://jsonfeed.org/version/1", "items": [{"id": 1, "title": "A & B", "summary": "s",
            "url": "https://example.org/a/", "content_html": "<p>c</p>", "date_published": "2026-07-02T08:00:00+08:00",
            "date_modified": "2026-07-03T00:00:00Z"}]}"#;
        assert_eq!(only(json), (Format::Json, shown(Some("2026-07-03T00:00:00Z"))));
        let rss = "\u{feff}\n<?xml version='1.0'?><!-- <a> --><rss version='2.0' \
            xmlns:content='http://purl.org/rss/1.0/modules/content/'><channel><title>t</title><link>l</link>\
            <description>d</description><item><title>A &#x26; B</title><guid>1</guid><link>https://example.org/a/</link>\
            <description>s</description><pubDate>Thu, 02 Jul 2026 08:00:00 +0800</pubDate>\
            <content:encoded><![CDATA[<p>c</p>]]></content:encoded></item></channel></rss>";
        assert_eq!(only(rss), (Format::Rss, shown(None)));
        let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><id>f</id><title>t</title>\
            <updated>2026-07-03T00:00:00Z</updated><entry><id>1</id><title>A &amp; B</title><summary>s</summary>\
            <link rel='enclosure' href='x'/><link href='https://example.org/a/'/>\
            <content type='html'>&lt;p>c&lt;/p></content><published>2026-07-02T00:00:00Z</published>\
            <updated>2026-07-03T00:00:00Z</updated></entry></feed>";
        assert_eq!(only(atom), (Format::Atom, shown(Some("2026-07-03T00:00:00Z"))));
    }

    #[test]
    fn broken_feeds_are_distinguished_from_other_content() {
        for text in ["", "<!doctype html><html></html>", "{\"version\": \"2\"}", "plain"] {
            assert_eq!(read(text.as_bytes()), Err(NotAFeed::Unknown), "{text}");
        }
        for text in ["{", "<rss><channel>", "<feed"] {
            assert!(matches!(read(text.as_bytes()), Err(NotAFeed::Broken(_))), "{text}");
        }
    }
}
