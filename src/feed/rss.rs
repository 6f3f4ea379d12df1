//! Writes RSS 2.0 after the RSS Best Practices Profile: summary in `description`, full content in `content:encoded`.
//! `pubDate` is the date of the issue (parsed in `content::date`, chosen among the front matter fields in
//! `content::assemble`); `lastBuildDate` is the newest change of any entry, never the clock. `rfc822` formats both.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, FixedOffset, Offset, TimeZone, Utc};
use rss::extension::dublincore::DublinCoreExtension;
use rss::extension::{Extension, ExtensionMap, atom};
use rss::{Category, Channel, Enclosure, Guid, Image, Item};

use crate::feed::{Entry, Feed, Format, GENERATOR, HISTORY, Picture, xml};

/// With this in `docs`, validators allow attributes of other namespaces on core elements.
const DOCS: &str = "http://www.rssboard.org/rss-specification";
const MEDIA: &str = "http://search.yahoo.com/mrss/";

pub(super) fn render(feed: &Feed) -> anyhow::Result<Vec<u8>> {
    let channel = Channel {
        title: feed.title.clone(),
        link: feed.home.clone(),
        description: feed.description.clone(),
        language: Some(feed.language.clone()),
        copyright: feed.copyright.clone(),
        managing_editor: feed.author.email.as_ref().map(|email| format!("{email} ({})", feed.author.name)),
        last_build_date: feed.updated().map(rfc822),
        generator: Some(GENERATOR.to_owned()),
        docs: Some(DOCS.to_owned()),
        ttl: feed.ttl.map(|minutes| minutes.to_string()),
        image: image(feed),
        atom_ext: Some(atom::AtomExtension { links: links(feed) }),
        extensions: archive_mark(feed),
        namespaces: namespaces(feed),
        items: feed.entries.iter().map(item).collect(),
        ..Channel::default()
    };
    let written = channel.pretty_write_to(Vec::with_capacity(feed.estimated_bytes()), b' ', 1)?;
    let written = String::from_utf8(written)?;
    let body = written.split_once("?>").filter(|_| written.starts_with("<?xml")).map_or(written.as_str(), |it| it.1);
    // RSS has an element for the language, which style sheets cannot select by; the crate cannot write the attribute.
    let language = html_escape::encode_double_quoted_attribute(&feed.language);
    let start = format!("{}<rss xml:lang=\"{language}\" ", xml::prolog(feed.stylesheet.as_deref()));
    let after_name = body.trim_start().strip_prefix("<rss ").context("failed to find the root element of RSS")?;
    Ok(xml::with_final_newline(xml::with_hex_references(&start, after_name).into_bytes()))
}

fn links(feed: &Feed) -> Vec<atom::Link> {
    let link = |(rel, href): (&str, &str), mime_type: Option<&str>| atom::Link {
        href: href.to_owned(),
        rel: rel.to_owned(),
        mime_type: mime_type.map(str::to_owned),
        ..atom::Link::default()
    };
    let itself = ("self", feed.location(Format::Rss));
    let feeds = [itself].into_iter().chain(feed.archive_links(Format::Rss));
    let hubs = feed.hubs.iter().map(|hub| link(("hub", hub), None));
    feeds.map(|feed| link(feed, Some("application/rss+xml"))).chain(hubs).collect()
}

/// RFC 5005, section 4: marks a document that no longer changes.
fn archive_mark(feed: &Feed) -> ExtensionMap {
    if !feed.is_archive() {
        return ExtensionMap::new();
    }
    let (name, value) = (format!("{}:archive", HISTORY.0), Some(String::new()));
    let mark = Extension { name, value, ..Extension::default() };
    BTreeMap::from([(HISTORY.0.to_owned(), BTreeMap::from([("archive".to_owned(), vec![mark])]))])
}

/// Only those used: validators warn about the others.
fn namespaces(feed: &Feed) -> BTreeMap<String, String> {
    let covers = feed.entries.iter().any(|entry| entry.cover.is_some());
    let used = [covers.then_some(("media", MEDIA)), feed.is_archive().then_some(HISTORY)];
    used.into_iter().flatten().map(|(prefix, name)| (prefix.to_owned(), name.to_owned())).collect()
}

/// RSS 2.0 allows JPEG, GIF and PNG; the image repeats title and link of the channel.
fn image(feed: &Feed) -> Option<Image> {
    let url = feed.icon.clone()?;
    let path = url.to_ascii_lowercase();
    let known = [".png", ".jpg", ".jpeg", ".gif"].iter().any(|ending| path.ends_with(ending));
    known.then(|| Image { url, title: feed.title.clone(), link: feed.home.clone(), ..Image::default() })
}

fn item(entry: &Entry) -> Item {
    let creators: Vec<String> = entry.authors.iter().map(|author| author.name.clone()).collect();
    Item {
        title: Some(entry.title.clone()),
        link: Some(entry.url.clone()),
        description: Some(description(entry)),
        categories: entry.terms.iter().map(|term| Category { name: term.clone(), domain: None }).collect(),
        enclosure: entry.cover.as_ref().and_then(enclosure),
        guid: Some(Guid { value: entry.id.clone(), permalink: entry.id == entry.url }),
        pub_date: Some(rfc822(entry.published)),
        content: entry.content_html.clone(),
        extensions: entry.cover.as_ref().map(media_content).unwrap_or_default(),
        dublin_core_ext: (!creators.is_empty())
            .then(|| DublinCoreExtension { creators, ..DublinCoreExtension::default() }),
        ..Item::default()
    }
}

/// HTML by definition, so plain text is escaped. Always present, because readers prefer it to the full content.
fn description(entry: &Entry) -> String {
    let text = entry.summary.as_ref().unwrap_or(&entry.title);
    html_escape::encode_text(text).into_owned()
}

/// All three attributes are required: no enclosure without a type; an unknown length is 0.
fn enclosure(cover: &Picture) -> Option<Enclosure> {
    let mime_type = cover.mime_type.clone()?;
    Some(Enclosure { url: cover.url.clone(), length: cover.bytes.unwrap_or(0).to_string(), mime_type })
}

/// Media RSS: an unknown size is omitted, not 0.
fn media_content(cover: &Picture) -> ExtensionMap {
    let mut attrs = BTreeMap::from([("url".to_owned(), cover.url.clone()), ("medium".to_owned(), "image".to_owned())]);
    if let Some(mime_type) = &cover.mime_type {
        attrs.insert("type".to_owned(), mime_type.clone());
    }
    if let Some(bytes) = cover.bytes {
        attrs.insert("fileSize".to_owned(), bytes.to_string());
    }
    if let Some((width, height)) = cover.size {
        attrs.insert("width".to_owned(), width.to_string());
        attrs.insert("height".to_owned(), height.to_string());
    }
    let description = |alt: &String| Extension {
        name: "media:description".to_owned(),
        value: Some(alt.clone()),
        attrs: BTreeMap::from([("type".to_owned(), "plain".to_owned())]),
        children: BTreeMap::new(),
    };
    let children = cover.alt.iter().map(|alt| ("description".to_owned(), vec![description(alt)])).collect();
    let content = Extension { name: "media:content".to_owned(), value: None, attrs, children };
    BTreeMap::from([("media".to_owned(), BTreeMap::from([("content".to_owned(), vec![content])]))])
}

/// Formats a date as `Thu, 02 Jul 2026 08:00:00 +0800`. Validators distrust offsets that are not multiples of half an
/// hour; those become UTC.
pub(super) fn rfc822(date: DateTime<FixedOffset>) -> String {
    const HALF_HOUR: i32 = 30 * 60;
    let usual = date.offset().local_minus_utc() % HALF_HOUR == 0;
    let date = if usual { date } else { Utc.fix().from_utc_datetime(&date.naive_utc()) };
    date.format("%a, %d %b %Y %H:%M:%S %z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_two_digits_and_plausible_offsets() {
        let date = |text| rfc822(DateTime::parse_from_rfc3339(text).unwrap());
        assert_eq!(date("2026-07-02T08:00:00+08:00"), "Thu, 02 Jul 2026 08:00:00 +0800");
        assert_eq!(date("2026-07-02T08:00:00+05:45"), "Thu, 02 Jul 2026 02:15:00 +0000");
        assert_eq!(date("2026-07-02T08:00:00-03:30"), "Thu, 02 Jul 2026 08:00:00 -0330");
    }
}
