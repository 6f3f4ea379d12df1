//! Checks that the three formats, read by feed-rs, agree on every entry.

use chrono::{DateTime, Utc};
use feed_rs::model::{Entry, Text};
use serde_json::Value;

/// What every format must preserve of an entry.
#[derive(Debug, PartialEq)]
struct Known {
    id: String,
    link: String,
    title: String,
    published: i64,
    authors: Vec<String>,
    terms: Vec<String>,
    cover: Option<String>,
    /// Without surrounding white space, which the parser removes.
    html: String,
}

pub fn judge(document: &Value, rss: &str, atom: &str, json: &str, problems: &mut Vec<String>) {
    let items = document["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let expected: Vec<Known> = items.iter().map(written).collect();
    for (format, text) in [("RSS", rss), ("Atom", atom), ("JSON Feed", json)] {
        let feed = match feed_rs::parser::parse(text.as_bytes()) {
            Ok(feed) => feed,
            Err(error) => {
                problems.push(format!("{format} cannot be read: {error}"));
                continue;
            }
        };
        let feed_authors: Vec<String> = feed.authors.iter().filter_map(|author| author.name.clone()).collect();
        let mut known: Vec<Known> = feed.entries.iter().map(read).collect();
        // The parser reads JSON attachments, which have a type, but not `image`.
        for (known, item) in
            known.iter_mut().zip(items).filter(|(_, item)| format == "JSON Feed" && item["attachments"].is_null())
        {
            known.cover = written(item).cover;
        }
        if known.len() != expected.len() {
            problems.push(format!("{format} has {} entries, JSON has {}", known.len(), expected.len()));
        }
        // The parser assigns the authors of a JSON feed to entries without authors.
        for (known, _) in known.iter_mut().zip(&expected).filter(|(_, expected)| expected.authors.is_empty()) {
            if known.authors == feed_authors {
                known.authors.clear();
            }
        }
        for (known, expected) in known.iter().zip(&expected).filter(|(known, expected)| known != expected) {
            problems.push(format!("{format} says {known:#?} where JSON says {expected:#?}"));
        }
    }
}

/// An item of the JSON feed.
fn written(item: &Value) -> Known {
    let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let list = |key: &str| item[key].as_array().cloned().unwrap_or_default();
    let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Known {
        id: text("id"),
        link: text("url"),
        title: text("title"),
        published: DateTime::parse_from_rfc3339(&text("date_published")).map_or(0, |date| date.timestamp()),
        authors: list("authors").iter().map(|author| string(&author["name"])).collect(),
        terms: list("tags").iter().map(string).collect(),
        cover: item["image"].as_str().map(str::to_owned),
        html: text("content_html").trim().to_owned(),
    }
}

/// An entry as parsed.
fn read(entry: &Entry) -> Known {
    let media = entry.media.iter().flat_map(|media| &media.content).find_map(|media| media.url.as_ref());
    let enclosed = || entry.links.get(1).map(|link| link.href.clone());
    let cover = media.map(ToString::to_string).or_else(enclosed);
    let html = entry.content.as_ref().filter(|content| content.content_type.as_ref() != "text/plain");
    Known {
        id: entry.id.clone(),
        link: entry.links.first().map(|link| link.href.clone()).unwrap_or_default(),
        title: entry.title.as_ref().map(shown).unwrap_or_default(),
        published: entry.published.as_ref().map_or(0, DateTime::<Utc>::timestamp),
        authors: entry.authors.iter().filter_map(|author| author.name.clone()).collect(),
        terms: entry.categories.iter().map(|category| category.term.clone()).collect(),
        cover,
        html: html.and_then(|content| content.body.as_deref()).unwrap_or_default().trim().to_owned(),
    }
}

/// Text declared as HTML, as a reader shows it.
fn shown(text: &Text) -> String {
    match text.content_type.as_ref() {
        "text/html" => html_escape::decode_html_entities(&text.content).into_owned(),
        _ => text.content.clone(),
    }
}
