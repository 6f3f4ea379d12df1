//! Atom 1.0, RFC 4287.

use std::collections::{BTreeMap, BTreeSet};

use atom_syndication::extension::{Extension, ExtensionMap};
use atom_syndication::{Category, Content, Generator, Link, Text, WriteConfig};
use chrono::{DateTime, FixedOffset, TimeDelta};

use crate::feed::Format;
use crate::feed::{Entry, Feed, GENERATOR, HISTORY, Person, Picture, xml};

pub(super) fn render(feed: &Feed) -> anyhow::Result<Vec<u8>> {
    let entries: Vec<atom_syndication::Entry> =
        feed.entries.iter().zip(distinct(&feed.entries)).map(|(entry, updated)| self::entry(entry, updated)).collect();
    let newest = entries.iter().map(|entry| entry.updated).max();
    let atom = atom_syndication::Feed {
        title: text(&feed.title),
        subtitle: Some(text(&feed.description)),
        id: feed.id.clone(),
        updated: newest.unwrap_or_else(long_ago),
        authors: vec![person(&feed.author)],
        generator: Some(Generator { value: GENERATOR.to_owned(), ..Generator::default() }),
        icon: feed.icon.clone(),
        links: links(feed),
        rights: feed.copyright.as_deref().map(text),
        lang: Some(feed.language.clone()),
        entries,
        extensions: late_archive_mark(feed),
        namespaces: feed.is_archive().then(|| (HISTORY.0.to_owned(), HISTORY.1.to_owned())).into_iter().collect(),
        ..atom_syndication::Feed::default()
    };
    let config = WriteConfig { write_document_declaration: false, indent_size: Some(1) };
    let prolog = xml::prolog(feed.stylesheet.as_deref());
    let mut begun = Vec::with_capacity(feed.likely_bytes());
    begun.extend_from_slice(prolog.as_bytes());
    let mut xml = atom.write_with_config(begun, config)?;
    if feed.is_archive() && feed.prev_archive.is_some() {
        xml::insert_archive_mark(&mut xml, prolog.len());
    }
    Ok(xml::ended(xml))
}

/// Validators expect an archive to have an older or a newer one, and look when the first entry begins. The oldest has
/// neither: `next-archive` would change it when the next archive is cut. Its mark comes after the entries.
fn late_archive_mark(feed: &Feed) -> ExtensionMap {
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

/// A feed without entries has no date. Section 4.1.1 wants one all the same; it must not change by itself, and
/// validators believe none before 1990.
fn long_ago() -> DateTime<FixedOffset> {
    const YEAR_2000: i64 = 946_684_800;
    DateTime::from_timestamp(YEAR_2000, 0).unwrap_or_default().fixed_offset()
}

/// Section 3.1.1: `text` is what it says. Text that could be taken for HTML is declared to be HTML, and escaped for it, so
/// that nobody has to guess.
fn text(plain: &str) -> Text {
    let looks_like_html = |pair: &[u8]| {
        (pair[0] == b'<' && (pair[1].is_ascii_alphabetic() || b"/!?".contains(&pair[1])))
            || (pair[0] == b'&' && (pair[1].is_ascii_alphabetic() || pair[1] == b'#'))
    };
    if plain.as_bytes().windows(2).any(looks_like_html) {
        Text::html(html_escape::encode_text(plain).into_owned())
    } else {
        Text::plain(plain.to_owned())
    }
}

/// `updated` of each entry, ties broken by seconds: readers that sort by it, and validators, expect it to tell entries
/// apart. The first of a tie keeps its own, so that an entry that drops out at the end changes no other.
fn distinct(entries: &[Entry]) -> Vec<DateTime<FixedOffset>> {
    let mut taken = BTreeSet::new();
    let free = |entry: &Entry| {
        let mut updated = entry.updated;
        while !taken.insert(updated) {
            updated += TimeDelta::seconds(1);
        }
        updated
    };
    entries.iter().map(free).collect()
}

fn entry(entry: &Entry, updated: DateTime<FixedOffset>) -> atom_syndication::Entry {
    let language = entry.language.clone();
    let mut links = vec![link("alternate", &entry.url, Some("text/html"))];
    links.extend(entry.cover.as_ref().map(enclosure));
    // Section 4.1.2: an entry without content needs a summary.
    let summary = entry.summary.clone().or_else(|| entry.content_html.is_none().then(|| entry.title.clone()));
    atom_syndication::Entry {
        title: Text { lang: language.clone(), ..text(&entry.title) },
        id: entry.id.clone(),
        updated,
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

/// Section 4.2.7.6: the length is a hint, left out where it is unknown.
fn enclosure(cover: &Picture) -> Link {
    let length = cover.bytes.map(|bytes| bytes.to_string());
    Link { length, title: cover.alt.clone(), ..link("enclosure", &cover.url, cover.mime_type.as_deref()) }
}
