use chrono::Utc;
use feed_rs::model::Feed as Read;
use proptest::prelude::*;

use super::*;
use crate::content::markdown::Document;
use crate::publication::Author;

const FORMATS: [Format; 3] = [Format::Rss, Format::Atom, Format::Json];

fn date(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

fn person(name: &str) -> Person {
    Person::new(&Author { name: name.to_owned(), email: None, url: None }).unwrap()
}

pub(super) fn entry(title: &str, url: &str) -> Entry {
    Entry {
        added_seconds: 0,
        id: url.to_owned(),
        url: url.to_owned(),
        title: plain(title),
        published: date("2026-07-02T08:00:00+08:00"),
        updated: date("2026-07-02T08:00:00+08:00"),
        authors: vec![person("海 & Co"), person("Ann <T>")],
        summary: Some(plain("Fish & <chips> &amp; ]]> more")),
        content_html: Some(
            "<p>x ]]&gt; &amp;amp; <a href=\"https://example.org/?a=1&amp;b=2\">潮</a> ]]></p>".to_owned(),
        ),
        terms: vec!["潮汐".to_owned(), plain("R&D <b>")],
        cover: Some(Picture {
            url: "https://example.org/a%20b.png?x=1&y=2".to_owned(),
            mime_type: Some("image/png".to_owned()),
            bytes: Some(1234),
            size: Some((640, 480)),
            alt: Some("<sea> & sky".to_owned()),
        }),
        language: Some("en".to_owned()),
    }
}

pub(super) fn feed(entries: Vec<Entry>) -> Feed {
    let at = |file: &str| format!("https://example.org/{file}");
    Feed {
        id: at(""),
        title: plain("潮 & <b>tide</b> ]]>"),
        description: plain("all of &nbsp; it"),
        home: at(""),
        locations: vec![(Format::Rss, at("feed.xml")), (Format::Atom, at("atom.xml")), (Format::Json, at("feed.json"))],
        current: None,
        prev_archive: None,
        hubs: Vec::new(),
        language: "zh-CN".to_owned(),
        author: Person { email: Some("crew@example.org".to_owned()), ..person("Crew") },
        copyright: Some(plain("© <us> & them")),
        icon: Some(at("icon.png")),
        stylesheet: None,
        ttl: Some(720),
        entries,
        budget: Budget::default(),
        shortened: 0,
        left_out: 0,
    }
}

fn text(feed: &Feed, format: Format) -> String {
    String::from_utf8(feed.render(format).unwrap()).unwrap()
}

fn read(feed: &Feed, format: Format) -> Read {
    let text = text(feed, format);
    if format != Format::Json {
        roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{format:?}: {error}\n{text}"));
    }
    feed_rs::parser::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{format:?}: {error}\n{text}"))
}

/// What every format must preserve of an entry: id, link, title, full content, date, terms, cover.
type Known = (String, String, String, String, i64, Vec<String>, Option<String>);

fn known(read: &Read) -> Vec<Known> {
    let known = |entry: &feed_rs::model::Entry| {
        // The parser gives JSON attachments no relation.
        let enclosed = |link: &&feed_rs::model::Link| link.media_type.as_deref() == Some("image/png");
        let linked = entry.links.iter().find(enclosed).map(|link| link.href.clone());
        let media = entry.media.iter().flat_map(|media| &media.content).find_map(|media| media.url.as_ref());
        (
            entry.id.clone(),
            entry.links.first().map(|link| link.href.clone()).unwrap_or_default(),
            entry.title.as_ref().map(unescaped).unwrap_or_default(),
            entry.content.as_ref().and_then(|content| content.body.clone()).unwrap_or_default(),
            entry.published.unwrap_or_default().timestamp(),
            entry.categories.iter().map(|category| category.term.clone()).collect(),
            linked.or(media.map(ToString::to_string)),
        )
    };
    read.entries.iter().map(known).collect()
}

/// Text declared as HTML, as a reader shows it.
fn unescaped(text: &feed_rs::model::Text) -> String {
    match text.content_type.as_ref() {
        "text/html" => html_escape::decode_html_entities(&text.content).into_owned(),
        _ => text.content.clone(),
    }
}

#[test]
fn every_format_round_trips() {
    let feed =
        feed(vec![entry("Rising & falling", "https://example.org/b/"), entry("一 <二>", "https://example.org/a/")]);
    let expected: Vec<Known> = feed
        .entries
        .iter()
        .map(|entry| {
            let cover = entry.cover.as_ref().map(|cover| cover.url.clone());
            let (url, title, html) = (entry.url.clone(), entry.title.clone(), entry.content_html.clone().unwrap());
            (entry.id.clone(), url, title, html, entry.published.timestamp(), entry.terms.clone(), cover)
        })
        .collect();
    for format in FORMATS {
        assert_eq!(known(&read(&feed, format)), expected, "{format:?}");
    }
}

#[test]
fn every_author_is_named_in_every_format() {
    let feed = feed(vec![entry("t", "https://example.org/a/")]);
    for format in FORMATS {
        let names: Vec<String> =
            read(&feed, format).entries[0].authors.iter().filter_map(|author| author.name.clone()).collect();
        assert_eq!(names, ["海 & Co", "Ann <T>"], "{format:?}");
    }
}

#[test]
fn rss_writes_plain_text_with_hexadecimal_references_and_repeats_the_cover() {
    let rss = text(&feed(vec![entry("a & b < c", "https://example.org/a/")]), Format::Rss);
    for line in [
        "<title>潮 &#x26; &#x3C;b&#x3E;tide&#x3C;\u{2060}/b&#x3E; ]]&#x3E;</title>",
        "<description>all of &#x26;nbsp; it</description>",
        "<managingEditor>crew@example.org (Crew)</managingEditor>",
        "<lastBuildDate>Thu, 02 Jul 2026 08:00:00 +0800</lastBuildDate>",
        "<atom:link href=\"https://example.org/feed.xml\" rel=\"self\" type=\"application/rss+xml\"/>",
        "<title>a &#x26; b &#x3C; c</title>",
        "<guid>https://example.org/a/</guid>",
        "<dc:creator>海 &#x26; Co</dc:creator>",
        "<enclosure url=\"https://example.org/a%20b.png?x=1&#x26;y=2\" length=\"1234\" type=\"image/png\"/>",
        "<media:content fileSize=\"1234\" height=\"480\" medium=\"image\" type=\"image/png\" \
         url=\"https://example.org/a%20b.png?x=1&#x26;y=2\" width=\"640\">",
    ] {
        assert!(rss.contains(line), "{line}\n{rss}");
    }
}

#[test]
fn unknown_properties_of_a_cover_are_omitted() {
    let mut entry = entry("t", "https://example.org/a/");
    let url = "https://example.org/cover".to_owned();
    entry.cover = Some(Picture { url, mime_type: None, bytes: None, size: None, alt: None });
    let mut feed = feed(vec![entry]);
    let rss = text(&feed, Format::Rss);
    assert!(!rss.contains("<enclosure"), "{rss}");
    assert!(rss.contains("<media:content medium=\"image\" url=\"https://example.org/cover\">"), "{rss}");
    let json = text(&feed, Format::Json);
    assert!(json.contains("\"image\": \"https://example.org/cover\"") && !json.contains("attachments"), "{json}");
    feed.entries[0].cover =
        feed.entries[0].cover.take().map(|cover| Picture { mime_type: Some("image/png".into()), ..cover });
    let rss = text(&feed, Format::Rss);
    assert!(rss.contains("length=\"0\" type=\"image/png\"") && !rss.contains("fileSize"), "{rss}");
}

#[test]
fn a_guid_is_a_permalink_only_if_it_is_the_link() {
    let mut moved = entry("t", "https://example.org/new/");
    moved.id = "https://example.org/old/".to_owned();
    let rss = text(&feed(vec![moved]), Format::Rss);
    assert!(rss.contains("<guid isPermaLink=\"false\">https://example.org/old/</guid>"), "{rss}");
}

#[test]
fn atom_adds_the_seconds_that_make_dates_distinct() {
    let entries = ["a", "b", "c"].map(|name| entry(name, &format!("https://example.org/{name}/")));
    let entries = [0, 1, 2].map(|at| Entry { added_seconds: at as u32, ..entries[at].clone() });
    let read = read(&feed(entries.to_vec()), Format::Atom);
    let seconds = |time: Option<DateTime<Utc>>| time.unwrap().timestamp() - 1_782_950_400;
    let updated: Vec<i64> = read.entries.iter().map(|entry| seconds(entry.updated)).collect();
    assert_eq!((updated, seconds(read.updated)), (vec![0, 1, 2], 2));
}

#[test]
fn every_format_names_the_hubs() {
    let mut feed = feed(Vec::new());
    feed.hubs = ["https://hub.example.org/?a=1&b=2", "https://hub.example.com/"].map(str::to_owned).to_vec();
    let rss = text(&feed, Format::Rss);
    assert!(rss.contains("<atom:link href=\"https://hub.example.org/?a=1&#x26;b=2\" rel=\"hub\"/>"), "{rss}");
    let atom = text(&feed, Format::Atom);
    assert!(atom.contains("<link href=\"https://hub.example.com/\" rel=\"hub\"/>"), "{atom}");
    let json: serde_json::Value = serde_json::from_str(&text(&feed, Format::Json)).unwrap();
    let hub = |url: &str| serde_json::json!({ "type": "WebSub", "url": url });
    assert_eq!(json["hubs"], serde_json::json!([hub(&feed.hubs[0]), hub(&feed.hubs[1])]));
}

#[test]
fn an_empty_feed_is_valid() {
    let atom = text(&feed(Vec::new()), Format::Atom);
    assert!(atom.contains("<updated>2000-01-01T00:00:00+00:00</updated>"), "{atom}");
    let rss = text(&feed(Vec::new()), Format::Rss);
    assert!(!rss.contains("lastBuildDate") && !rss.contains("xmlns:media"), "{rss}");
    for format in FORMATS {
        assert_eq!(known(&read(&feed(Vec::new()), format)), []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_round_trips_in_every_format(
        title in "(.|[<>&;/]|&amp;|</b>|<i>|\\]\\]>){0,12}",
        term in "(.|[<>&;]){1,6}",
        markdown in "(\\PC|[<>&\\[\\]()`*\n]|\\]\\]>|&#1;|<p>|<!--){0,40}",
    ) {
        let permalink = Url::parse("https://example.org/a/").unwrap();
        let html = crate::content::html::Reader::Feed;
        let html = crate::content::html::render(&Document::parse(&markdown), &permalink, "a-", html);
        let mut entry = entry(&format!("T {title}"), permalink.as_str());
        entry.terms = vec![plain(&format!("t{term}"))];
        entry.content_html = Some(format!("<p>{}</p>", html.trim()));
        let feed = feed(vec![entry]);
        let json = known(&read(&feed, Format::Json));
        prop_assert_eq!(&known(&read(&feed, Format::Rss)), &json);
        prop_assert_eq!(&known(&read(&feed, Format::Atom)), &json);
        for format in FORMATS {
            prop_assert_eq!(text(&feed, format), text(&feed, format));
        }
    }
}
