//! Writes Atom 1.0 (RFC 4287). `updated` is the last change, made distinct by seconds; `published` is its date.

use std::collections::BTreeMap;

use atom_syndication::extension::{Extension, ExtensionMap};
use atom_syndication::{Category, Content, Generator, Link, Text, WriteConfig};
use chrono::{DateTime, FixedOffset, TimeDelta};

use crate::feed::{Entry, Feed, Format, GENERATOR, HISTORY, Person, Picture, xml};

pub(super) fn render(feed: &Feed) -> anyhow::Result<Vec<u8>> {
    let entries: Vec<atom_syndication::Entry> = feed.entries.iter().map(entry).collect();
    let newest = entries.iter().map(|entry| entry.updated).max();
    let atom = atom_syndication::Feed {
        title: text(&feed.title),
        subtitle: Some(text(&feed.description)),
        id: feed.id.clone(),
        updated: newest.unwrap_or_else(fallback_date),
        authors: vec![person(&feed.author)],
        generator: Some(Generator { value: GENERATOR.to_owned(), ..Generator::default() }),
        icon: feed.icon.clone(),
        links: links(feed),
        rights: feed.copyright.as_deref().map(text),
        lang: Some(feed.language.clone()),
        entries,
        extensions: trailing_archive_mark(feed),
        namespaces: feed.is_archive().then(|| (HISTORY.0.to_owned(), HISTORY.1.to_owned())).into_iter().collect(),
        ..atom_syndication::Feed::default()
    };
    let config = WriteConfig { write_document_declaration: false, indent_size: Some(1) };
    let prolog = xml::prolog(feed.stylesheet.as_deref());
    let mut prolog_written = Vec::with_capacity(feed.estimated_bytes());
    prolog_written.extend_from_slice(prolog.as_bytes());
    let mut xml = atom.write_with_config(prolog_written, config)?;
    if feed.is_archive() && feed.prev_archive.is_some() {
        xml::insert_archive_mark(&mut xml, prolog.len());
    }
    Ok(xml::with_final_newline(xml))
}

/// Validators expect an archive document to link to an older or newer one, and check this at its first entry. The
/// oldest has neither: `next-archive` would change it when the next document is complete. Its mark comes after the
/// entries.
fn trailing_archive_mark(feed: &Feed) -> ExtensionMap {
    if !feed.is_archive() || feed.prev_archive.is_some() {
        return ExtensionMap::new();
    }
    let mark = Extension { name: format!("{}:archive", HISTORY.0), value: Some(String::new()), ..Extension::default() };
    BTreeMap::from([(HISTORY.0.to_owned(), BTreeMap::from([("archive".to_owned(), vec![mark])]))])
}

fn links(feed: &Feed) -> Vec<Link> {
    const ATOM: Option<&str> = Some("application/atom+xml");
    let mut links =
        vec![link("self", feed.location(Format::Atom), ATOM), link("alternate", &feed.home, Some("text/html"))];
    links.extend(feed.archive_links(Format::Atom).into_iter().map(|(rel, href)| link(rel, href, ATOM)));
    links.extend(feed.hubs.iter().map(|hub| link("hub", hub, None)));
    links
}

/// A feed without entries has no date, but section 4.1.1 requires one. It must not change by itself, and validators
/// distrust dates before 1990.
fn fallback_date() -> DateTime<FixedOffset> {
    const YEAR_2000: i64 = 946_684_800;
    DateTime::from_timestamp(YEAR_2000, 0).unwrap_or_default().fixed_offset()
}

/// Section 3.1.1: type `text` is literal. Text that could be mistaken for HTML is declared and escaped as HTML, so that
/// no reader has to guess.
fn text(plain: &str) -> Text {
    let looks_like_html = |pair: &[u8]| {
        (pair[0] == b'<' && (pair[1].is_ascii_alphabetic() || b"/!?".contains(&pair[1])))
            || (pair[0] == b'&' && !pair[1].is_ascii_whitespace())
    };
    if plain.as_bytes().windows(2).any(looks_like_html) {
        Text::html(html_escape::encode_text(plain).into_owned())
    } else {
        Text::plain(plain.to_owned())
    }
}

fn entry(entry: &Entry) -> atom_syndication::Entry {
    let language = entry.language.clone();
    let mut links = vec![link("alternate", &entry.url, Some("text/html"))];
    links.extend(entry.cover.as_ref().map(enclosure));
    // Section 4.1.2: an entry without content needs a summary.
    let summary = entry.summary.clone().or_else(|| entry.content_html.is_none().then(|| entry.title.clone()));
    atom_syndication::Entry {
        title: Text { lang: language.clone(), ..text(&entry.title) },
        id: entry.id.clone(),
        updated: entry.updated + TimeDelta::seconds(entry.added_seconds.into()),
        published: Some(entry.published),
        authors: entry.authors.iter().map(person).collect(),
        categories: entry.terms.iter().map(|term| Category { term: term.clone(), ..Category::default() }).collect(),
        links,
        summary: summary.map(|text| Text { lang: language.clone(), ..self::text(&text) }),
        content: entry.content_html.as_ref().map(|html| Content {
            value: Some(html.clone()),
            content_type: Some("html".to_owned()),
            lang: language,
            ..Content::default()
        }),
        ..atom_syndication::Entry::default()
    }
}

fn person(person: &Person) -> atom_syndication::Person {
    atom_syndication::Person {
        name: person.name.clone(),
        email: person.email.clone(),
        uri: person.url.clone(),
        ..atom_syndication::Person::default()
    }
}

fn link(rel: &str, href: &str, mime_type: Option<&str>) -> Link {
    Link { href: href.to_owned(), rel: rel.to_owned(), mime_type: mime_type.map(str::to_owned), ..Link::default() }
}

/// Section 4.2.7.6: the length is a hint and may be omitted.
fn enclosure(cover: &Picture) -> Link {
    let length = cover.bytes.map(|bytes| bytes.to_string());
    Link { length, title: cover.alt.clone(), ..link("enclosure", &cover.url, cover.mime_type.as_deref()) }
}
