use chrono_tz::Tz;

use super::*;
use crate::content::cover::promised;
use crate::content::front_matter::split;

fn publication() -> Publication {
    Publication {
        title: "Weekly".into(),
        description: String::new(),
        base_url: Url::parse("https://example.org/").unwrap(),
        home: Url::parse("https://example.org/").unwrap(),
        language: "zh-CN".into(),
        time_zone: Tz::Asia__Shanghai,
        author: Some(Author { name: "The team".into(), email: None, url: None }),
        copyright: None,
        icon: None,
        site: None,
    }
}

fn assembled(front_matter: &str) -> Assembled {
    let text = format!("---\n{front_matter}---\nbody\n");
    let source =
        Source { path: "content/blog/第 7 期/index.md", below_content: "blog/第 7 期/index.md", changed: None };
    let block = split(source.path, text.as_bytes()).unwrap();
    assemble(source, &block, &publication(), &Pattern::default())
}

fn issue(front_matter: &str) -> Issue {
    let assembled = assembled(front_matter);
    assert_eq!(assembled.findings, []);
    assembled.issue.unwrap()
}

fn names(front_matter: &str) -> Vec<String> {
    issue(front_matter).authors.iter().map(|author| author.name.clone()).collect()
}

#[test]
fn an_issue_has_what_its_front_matter_says() {
    let issue = issue(
        "title: '  A &amp; B '\ndate: 2026-02-03\nlastmod: 2026-02-05T10:00:00Z\nauthor: 甲\nauthorlink: /team/\n\
         description: |\n  one\n  two\ncategories: News\ntags: [潮汐, '', 7, 潮汐]\nDraft: 'true'\nemail: false\nmood: calm\n",
    );
    assert_eq!(issue.permalink.as_str(), "https://example.org/blog/%E7%AC%AC-7-%E6%9C%9F/");
    assert_eq!(issue.id.as_str(), issue.permalink.as_str());
    assert_eq!(issue.slug.as_str(), "第-7-期");
    assert_eq!((issue.title.as_str(), issue.plain_title().as_ref()), ("A &amp; B", "A & B"));
    assert_eq!(issue.date.to_rfc3339(), "2026-02-03T00:00:00+08:00");
    assert_eq!(issue.updated.to_rfc3339(), "2026-02-05T10:00:00+00:00");
    let team = Url::parse("https://example.org/team/").unwrap();
    assert_eq!(*issue.authors, [Author { name: "甲".into(), email: None, url: Some(team) }]);
    assert_eq!(issue.description.as_deref(), Some("one two"));
    assert_eq!(*issue.categories, [Term::new("News").unwrap()]);
    assert_eq!(*issue.tags, [Term::new("潮汐").unwrap(), Term::new("7").unwrap()]);
    assert_eq!((issue.draft, issue.feed, issue.email), (true, true, false));
    assert_eq!(serde_json::Value::Object(*issue.params.unwrap()).to_string(), r#"{"mood":"calm"}"#);
}

#[test]
fn an_edition_is_a_number_from_one_and_anything_else_is_the_projects_own() {
    let edition = |written: &str| {
        let issue = issue(&format!("title: T\ndate: 2026-02-03\nedition: {written}\n"));
        (issue.edition, issue.params.is_some())
    };
    assert_eq!(issue("title: T\ndate: 2026-02-03\n").edition, 1);
    assert_eq!((edition("1"), edition("2"), edition("47")), ((1, false), (2, false), (47, false)));
    for own in ["first", "0", "-1", "1.5", "[2]", "4294967296"] {
        assert_eq!(edition(own), (1, true), "{own}");
    }
}

#[test]
fn authors_are_written_in_many_ways() {
    assert_eq!(names("title: a\nauthor: 甲、乙\n"), ["甲", "乙"]);
    assert_eq!(names("title: a\nauthors: [One, {name: Two, email: two@example.org}]\n"), ["One", "Two"]);
    assert_eq!(names("title: a\nauthor: {name: One}\n"), ["One"]);
    assert_eq!(names("title: a\nauthor: ''\n"), ["The team"]);
}

#[test]
fn url_slug_and_id_win_over_the_path() {
    let permalink = |text: &str| issue(text).permalink.to_string();
    assert_eq!(permalink("title: a\nslug: Seven Up\n"), "https://example.org/blog/seven-up/");
    assert_eq!(permalink("title: a\nurl: /old/place.html\n"), "https://example.org/old/place.html");
    let whole = assembled("title: a\nurl: https://example.com/old/\n");
    assert_eq!(whole.issue.unwrap().permalink.as_str(), "https://example.org/old/");
    assert_eq!(
        whole.findings[0].message,
        "`url`: `https://example.com/old/` is a whole address, of which only the path counts"
    );
    assert_eq!(issue("title: a\nid: tag:example.org,2026:7\n").id.as_str(), "tag:example.org,2026:7");
}

#[test]
fn covers_come_as_paths_urls_maps_and_pasted_links() {
    let cover = |text: &str| issue(&format!("title: a\ncover: {text}\n"));
    let url =
        |text: &str| promised(&cover(text)).map(|cover| (cover.url.to_string(), cover.mime_type.unwrap_or_default()));
    let base = "https://example.org/";
    assert_eq!(url("/cover.jpg"), Some((format!("{base}cover.jpg"), "image/jpeg".into())));
    assert_eq!(url("a b.png"), Some((format!("{base}blog/%E7%AC%AC-7-%E6%9C%9F/a%20b.png"), "image/png".into())));
    assert_eq!(url("https://img.example.org/A*1"), Some(("https://img.example.org/A*1".into(), String::new())));
    assert_eq!(
        url("'[https://a.example.org/1](https://b.example.org/2.jpg)'"),
        Some(("https://a.example.org/1".into(), String::new()))
    );
    assert_eq!(url("'![alt](https://b.example.org/2.jpg)'").unwrap().0, "https://b.example.org/2.jpg");
    assert_eq!(url("''"), None);
    let map = cover("{image: c.gif, alt: ' a  kite ', caption: ''}").cover.unwrap();
    assert_eq!((map.alt.as_deref(), map.caption, &*map.written), (Some("a kite"), None, "c.gif"));
}

#[test]
fn a_cover_may_have_the_name_that_a_theme_has_for_it() {
    let written = |text: &str| issue(&format!("title: a\n{text}\n")).cover.map(|cover| cover.written);
    assert_eq!(written("images: ['', a.png, b.png]").as_deref(), Some("a.png"));
    assert_eq!(written("featured_image: a.png\nthumbnail: b.png").as_deref(), Some("a.png"));
    assert_eq!(written("image: {src: a.png, alt: b}\ncover: ''").as_deref(), Some("a.png"));
    assert_eq!(written("cover: b.png\nimage: a.png").as_deref(), Some("b.png"));
    assert_eq!(written("images: []"), None);
    assert!(issue("title: a\ncover: b\nimage: a.png\n").params.unwrap().contains_key("image"), "templates may read it");
}

#[test]
fn what_is_wrong_leaves_the_issue_out_and_is_named() {
    let found = |text: &str| {
        let assembled = assembled(text);
        let show = |finding: &Finding| format!("{}: {finding}", finding.place.as_ref().unwrap());
        (assembled.issue.is_some(), assembled.findings.iter().map(show).collect::<Vec<_>>())
    };
    let path = "content/blog/第 7 期/index.md";
    assert_eq!(
        found("date: 2026-02-30\n"),
        (
            false,
            vec![
                format!("{path}: `title`: the issue has no title"),
                format!("{path}:2:7: `date`: `2026-02-30` is no date")
            ]
        )
    );
    assert!(!found("title: [a]\n").0);
    assert_eq!(
        found("title: a\ndraft: maybe\n").1,
        [format!("{path}:3:8: `draft`: \"maybe\" is neither true nor false")]
    );
    assert_eq!(
        found("title: a\ncover: 'javascript:alert(1)'\n"),
        (true, vec![format!("{path}:3:8: `cover`: `javascript:alert(1)` is no URL")])
    );
}

#[test]
fn an_issue_without_a_date_is_never_published() {
    let issue = issue("title: a\ndate:\n");
    assert!(!issue.is_dated());
    assert_eq!(issue.date.to_rfc3339(), "0001-01-01T00:00:00+00:00");
    assert!(!issue.is_published(DateTime::from_timestamp(2_000_000_000, 0).unwrap()));
}

#[test]
fn what_is_known_of_changes_counts_where_the_front_matter_says_nothing() {
    let updated = |front_matter: &str| {
        let text = format!("---\ntitle: a\n{front_matter}---\n");
        let changed = Some(DateTime::parse_from_rfc3339("2026-02-04T08:00:00+01:00").unwrap());
        let source = Source { path: "content/a.md", below_content: "a.md", changed };
        let block = split(source.path, text.as_bytes()).unwrap();
        let issue = assemble(source, &block, &publication(), &Pattern::default()).issue.unwrap();
        (issue.date.to_rfc3339(), issue.updated.to_rfc3339())
    };
    let dates = |date: &str, updated: &str| (date.to_owned(), updated.to_owned());
    const DATE: &str = "2026-02-03T00:00:00+08:00";
    assert_eq!(updated("date: 2026-02-03\n"), dates(DATE, "2026-02-04T08:00:00+01:00"));
    assert_eq!(updated("date: 2026-02-03\nlastmod: 2026-02-03T10:00:00Z\n"), dates(DATE, "2026-02-03T10:00:00+00:00"));
    assert_eq!(
        updated("date: 2026-02-05T00:00:00Z\n"),
        dates("2026-02-05T00:00:00+00:00", "2026-02-05T00:00:00+00:00")
    );
    assert_eq!(updated("").0, "0001-01-01T00:00:00+00:00", "a commit publishes nothing");
}

#[test]
fn aliases_are_addresses_below_the_base_url() {
    let aliases = |written: &str| {
        let aliases = issue(&format!("title: t\ndate: 2026-01-01\naliases: {written}\n")).aliases;
        aliases.iter().map(Url::to_string).collect::<Vec<_>>()
    };
    assert_eq!(aliases("/old/潮 汐/"), ["https://example.org/old/%E6%BD%AE%20%E6%B1%90/"]);
    assert_eq!(
        aliases("[old, '', 'https://old.example.org/a']"),
        ["https://example.org/old", "https://old.example.org/a"]
    );
    assert_eq!(aliases("[]"), Vec::<String>::new());
}
