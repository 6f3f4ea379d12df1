use std::collections::BTreeMap;

use feed_rs::model::Feed as Parsed;
use proptest::prelude::*;

use super::*;
use crate::issue::{BodyStart, IssueId, Slug};

fn publication() -> Publication {
    Publication {
        title: "Tides & <Kites>".into(),
        description: "A \u{8}weekly ]]> of 潮汐".into(),
        base_url: Url::parse("https://example.org/").unwrap(),
        language: "zh-CN".into(),
        time_zone: chrono_tz::Tz::UTC,
        author: Some(Author { name: "The team".into(), email: "team@example.org".parse().ok(), url: None }),
        copyright: Some("CC BY".into()),
        icon: Url::parse("https://example.org/icon.png").ok(),
    }
}

fn feeds(content: FeedContent) -> FeedsConfig {
    let formats = BTreeMap::from([
        (FeedFormat::Rss, "feed.xml".to_owned()),
        (FeedFormat::Atom, "atom.xml".to_owned()),
        (FeedFormat::Json, "feed.json".to_owned()),
    ]);
    FeedsConfig { formats, limit: 20, content, ttl: Some(720) }
}

fn issue(slug: &str, title: &str) -> Issue {
    let permalink = Url::parse("https://example.org/").unwrap().join(slug).unwrap();
    let date = DateTime::parse_from_rfc3339("2026-02-03T08:00:00+08:00").unwrap();
    Issue {
        path: format!("content/{slug}.md"),
        id: IssueId::new(permalink.as_str()).unwrap(),
        slug: Slug::new(slug).unwrap(),
        title: title.to_owned(),
        date,
        updated: date,
        expires: None,
        authors: vec![Author {
            name: "甲 & <b>".into(), email: None, url: Url::parse("https://example.org/甲").ok()
        }],
        description: None,
        categories: vec![Term::new("潮汐").unwrap()],
        tags: vec![Term::new("C++ & <co>").unwrap(), Term::new("潮汐").unwrap()],
        cover: None,
        language: None,
        draft: false,
        feed: true,
        email: true,
        subject: None,
        preheader: None,
        params: serde_json::Map::new(),
        body: BodyStart { offset: 0, line: 1 },
        permalink,
    }
}

fn cover() -> Cover {
    Cover {
        url: Url::parse("https://example.org/a b|c.png").unwrap(),
        written: String::new(),
        mime_type: Some("image/png".into()),
        bytes: Some(10),
        size: Some((3, 2)),
        alt: Some("a <kite>".into()),
        caption: None,
    }
}

fn text(html: &str) -> Text {
    Text { html: html.to_owned(), summary: "1 < 2 & 3".into(), cover: Some(cover()) }
}

fn feed(issues: Vec<(&Issue, Text)>) -> Feed {
    Feed::new(&publication(), &feeds(FeedContent::Full), issues)
}

/// A feed as a program that is not ours reads it.
fn parsed(feed: &Feed, format: FeedFormat) -> Parsed {
    let bytes = feed.render(format).unwrap();
    if format != FeedFormat::Json {
        let text = std::str::from_utf8(&bytes).unwrap();
        roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    }
    feed_rs::parser::parse(bytes.as_slice()).unwrap()
}

/// What every format must give back of an entry.
#[derive(Debug, PartialEq)]
struct Entry {
    id: String,
    title: String,
    html: String,
    published: String,
    authors: Vec<String>,
    terms: Vec<String>,
}

fn entries(parsed: Parsed) -> Vec<Entry> {
    let entry = |entry: feed_rs::model::Entry| Entry {
        id: entry.id,
        title: entry.title.map(|title| title.content).unwrap_or_default(),
        html: entry.content.and_then(|content| content.body).unwrap_or_default(),
        published: entry.published.map(|date| date.to_rfc3339()).unwrap_or_default(),
        authors: entry.authors.into_iter().filter_map(|author| author.name).collect(),
        terms: entry.categories.into_iter().map(|category| category.term).collect(),
    };
    parsed.entries.into_iter().map(entry).collect()
}

#[test]
fn three_formats_give_the_same_entries_back() {
    let (one, two) = (issue("one", "A & B <script> ]]>"), issue("二", "潮汐 &amp; more"));
    let feed = feed(vec![(&one, text("<p>x ]]&gt; y ]]> &amp; <b>潮</b></p>")), (&two, text("<p>two</p>"))]);
    let rss = entries(parsed(&feed, FeedFormat::Rss));
    assert_eq!(rss.len(), 2);
    assert_eq!((rss[0].title.as_str(), rss[1].title.as_str()), ("A & B <script> ]]>", "潮汐 & more"));
    assert_eq!(rss[0].html, "<p>x ]]&gt; y ]]> &amp; <b>潮</b></p>");
    assert_eq!(rss[0].authors, ["甲 & <b>"]);
    assert_eq!(rss[0].terms, ["潮汐", "C++ & <co>"]);
    assert_eq!(entries(parsed(&feed, FeedFormat::Atom)), rss);
    assert_eq!(entries(parsed(&feed, FeedFormat::Json)), rss);
}

#[test]
fn the_cover_is_one_record_in_every_format() {
    let one = issue("one", "One");
    let feed = feed(vec![(&one, text("<p>x</p>"))]);
    let rendered = |format| String::from_utf8(feed.render(format).unwrap()).unwrap();
    let url = "https://example.org/a%20b%7Cc.png";
    let rss = rendered(FeedFormat::Rss);
    assert!(rss.contains(&format!("<enclosure url=\"{url}\" length=\"10\" type=\"image/png\"/>")), "{rss}");
    let media = format!(
        "<media:content fileSize=\"10\" height=\"2\" medium=\"image\" type=\"image/png\" url=\"{url}\" width=\"3\">"
    );
    assert!(rss.contains(&media), "{rss}");
    let atom = rendered(FeedFormat::Atom);
    assert!(atom.contains(&format!("<link href=\"{url}\" rel=\"enclosure\" type=\"image/png\"")), "{atom}");
    let json: serde_json::Value = serde_json::from_str(&rendered(FeedFormat::Json)).unwrap();
    assert_eq!(json["items"][0]["image"], url);
    assert_eq!(json["items"][0]["attachments"][0]["size_in_bytes"], 10);
}

#[test]
fn what_is_unknown_of_a_cover_is_never_invented() {
    let one = issue("one", "One");
    let unknown = Cover { mime_type: None, bytes: None, size: None, alt: None, ..cover() };
    let feed = feed(vec![(&one, Text { cover: Some(unknown), ..text("<p>x</p>") })]);
    let rss = String::from_utf8(feed.render(FeedFormat::Rss).unwrap()).unwrap();
    assert!(!rss.contains("<enclosure"), "{rss}");
    assert!(rss.contains("<media:content medium=\"image\" url="), "{rss}");
    let json: serde_json::Value = serde_json::from_slice(&feed.render(FeedFormat::Json).unwrap()).unwrap();
    assert_eq!(json["items"][0].get("attachments"), None);
}

#[test]
fn plain_text_of_rss_has_hexadecimal_references() {
    let one = issue("one", "A & <B>");
    let rss = String::from_utf8(feed(vec![(&one, text(""))]).render(FeedFormat::Rss).unwrap()).unwrap();
    assert!(rss.contains("<title>Tides &#x26; &#x3C;Kites&#x3E;</title>"), "{rss}");
    assert!(rss.contains("<description><![CDATA[1 &lt; 2 &amp; 3]]></description>"), "{rss}");
    assert!(
        rss.contains("<description>A weekly ]]&#x3E; of 潮汐</description>") || rss.contains("A weekly ]]"),
        "{rss}"
    );
    assert!(rss.contains("<managingEditor>team@example.org (The team)</managingEditor>"), "{rss}");
}

#[test]
fn ties_of_updated_are_broken_in_a_fixed_order() {
    let (one, two, three) = (issue("one", "1"), issue("two", "2"), issue("three", "3"));
    let feed = feed(vec![(&one, text("")), (&two, text("")), (&three, text(""))]);
    let updated: Vec<String> = parsed(&feed, FeedFormat::Atom)
        .entries
        .iter()
        .map(|entry| entry.updated.unwrap().format("%H:%M:%S").to_string())
        .collect();
    assert_eq!(updated, ["00:00:00", "00:00:01", "00:00:02"]);
}

#[test]
fn a_feed_without_issues_is_a_feed() {
    let feed = feed(Vec::new());
    for format in [FeedFormat::Rss, FeedFormat::Atom, FeedFormat::Json] {
        assert_eq!(parsed(&feed, format).entries.len(), 0);
    }
}

#[test]
fn summaries_replace_the_full_text_when_that_is_asked_for() {
    let one = issue("one", "One");
    let feed = Feed::new(&publication(), &feeds(FeedContent::Summary), vec![(&one, text("<p>full</p>"))]);
    for format in [FeedFormat::Rss, FeedFormat::Atom, FeedFormat::Json] {
        let bytes = String::from_utf8(feed.render(format).unwrap()).unwrap();
        assert!(!bytes.contains("full</p>") && bytes.contains("1 "), "{bytes}");
    }
}

#[test]
fn the_newest_published_issues_are_chosen() {
    let mut issues = vec![issue("a", "a"), issue("b", "b"), issue("c", "c"), issue("d", "d")];
    issues[1].draft = true;
    issues[2].feed = false;
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let chosen = |limit| {
        let feeds = FeedsConfig { limit, ..feeds(FeedContent::Full) };
        choose(&issues, &feeds, now).into_iter().map(|issue| issue.slug.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(chosen(0), ["a", "d"]);
    assert_eq!(chosen(1), ["a"]);
    let before = "2026-01-01T00:00:00Z".parse().unwrap();
    assert!(choose(&issues, &feeds(FeedContent::Full), before).is_empty());
}

proptest! {
    #[test]
    fn any_text_gives_well_formed_feeds_that_parse_back_equal(title in "\\PC{1,30}|[\\x00-\\x7f]{1,30}", name in "\\PC{0,20}", tag in any::<String>(), html in "\\PC{0,60}|[\\]>&<a]{0,30}") {
        let mut one = issue("one", &title);
        one.authors[0].name = format!("甲{name}");
        one.tags.extend(Term::new(&tag));
        let html = format!("<p>{}</p>", html_escape::encode_text(&legal(&html)));
        let feed = feed(vec![(&one, text(&html))]);
        let rss = entries(parsed(&feed, FeedFormat::Rss));
        prop_assert_eq!(&rss[0].html, &html);
        prop_assert_eq!(&entries(parsed(&feed, FeedFormat::Atom)), &rss);
        prop_assert_eq!(&entries(parsed(&feed, FeedFormat::Json)), &rss);
    }
}
