//! Rules, held to small issues.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::content::addresses::Addresses;
use crate::content::assemble::{Source, assemble};
use crate::content::cover::from_url;
use crate::content::front_matter;
use crate::content::names::Names;
use crate::issue::Issue;

pub(super) const PATH: &str = "content/blog/tide/index.md";

const FILES: [&str; 9] = [
    PATH,
    "content/blog/old.html",
    "themes/sea/static/logo.png",
    "images/moon.png",
    "templates/shortcodes/term.html",
    "content/blog/tide/map.png",
    "content/blog/moon.md",
    "content/about.md",
    "static/img/sea 1.png",
];

fn publication() -> Publication {
    let text = "title: T\nbase_url: https://example.org\n";
    crate::config::Config::parse("slugline.yaml", text).unwrap().publication
}

pub(super) fn loaded(path: &str, text: &str) -> Issue {
    let block = front_matter::split(path, text.as_bytes()).unwrap();
    let source = Source::of_path(path, path.strip_prefix("content/").unwrap());
    assemble(source, &block, &publication(), &Addresses::default(), &mut Names::default()).issue.unwrap()
}

/// What is found in an issue beside others, the site being as it was at noon of 20 November 2026.
pub(super) fn found_in(text: &str) -> Vec<Finding> {
    let issue = loaded(PATH, text);
    let other = loaded("content/blog/moon.md", "---\ntitle: Moon\ndate: 2026-01-01\naliases: [/old-moon/]\n---\n");
    let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
    let files: BTreeSet<String> = FILES.map(str::to_owned).into();
    let published = BTreeMap::from([(PATH.to_owned(), "https://example.org/blog/tide/".to_owned())]);
    let site = Site::new(&publication(), &[issue.clone(), other], files, &["content"], published, now);
    super::issue(&IssueSource::new(&issue, from_url(&issue).as_ref(), text), &site)
}

/// Rule and place of what is found in this body; the body begins in line 6.
fn in_body(body: &str) -> Vec<String> {
    shown(&found_in(&format!("---\ntitle: Tide\ndate: 2026-11-01\ndescription: D\n---\n{body}")))
}

/// The same for a front matter.
fn in_front_matter(lines: &str) -> Vec<String> {
    shown(&found_in(&format!("---\n{lines}---\nText.\n")))
}

/// `rule line:column text`.
fn shown(findings: &[Finding]) -> Vec<String> {
    let text = |finding: &Finding| {
        let place = finding.place.as_ref().unwrap();
        let source = place.source.as_deref().unwrap_or_default();
        let rest = source.chars().skip(place.column.saturating_sub(1));
        let text: String = if finding.length > 0 { rest.take(finding.length).collect() } else { rest.collect() };
        format!("{} {}:{} {text}", finding.rule, place.line, place.column).trim_end().to_owned()
    };
    findings.iter().map(text).collect()
}

#[test]
fn a_correct_issue_has_no_findings() {
    for body in [
        "[moon](../moon/) [moon](/blog/moon) [moon](https://example.org/blog/moon/#x) [old](/old-moon/) [list](/blog/)\n",
        "[tags](/tags/x/) [other page](/imprint/) [about](/about/) [web](https://example.com/none) [web](//example.com/a) [other](/blog/old/)\n",
        "![map](map.png) ![map](./map.png?v=1) ![sea](/img/sea%201.png) ![sea](</img/sea 1.png>) ![logo](/logo.png) ![moon](/images/moon.png) <img src=map.png alt=\"\">\n",
        "[mail](mailto:a@example.org) <https://example.com> <a@example.org> [up](#top) [on](#full-moon) [n](#n)[^1]\n\n\
         ## Full **Moon**!\n\n<a name=\"n\"></a>\n\n[^1]: note\n",
        "`**TODO` src/**/*.rs 2 ** 3 \\*\\*a TODO-list\n\n```\nTODO **a\n# b\n```\n",
        "{{< ref \"moon.md\" >}} [m]({{< relref \"/blog/moon\" >}}) {{< figure src=\"map.png\" alt=\"map\" >}} {{</* x */>}}\n",
        "[x](#of-its-own) {{< term id=\"of-its-own\" >}}\n",
        "## a\n\n### b\n\n#### c\n\n## d\n",
        "Café, NÃO, 2 < 3 ****y**** <b>x</b> <!-- TODO --> <script async src=\"https://example.com/widgets.js\"></script>\n",
        "[a](b \"title of it\") text\n\n[b]: /x",
    ] {
        let found: Vec<String> = in_body(body).into_iter().filter(|one| !one.ends_with(" b")).collect();
        assert_eq!(found, Vec::<String>::new(), "{body}");
    }
}

#[test]
fn broken_links_are_found() {
    for (body, expected) in [
        ("a [b](../none/)", "link-broken 6:7 ../none/"),
        ("[b](/blog/none/)", "link-broken 6:5 /blog/none/"),
        ("海[b](https://example.org/blog/none)", "link-broken 6:6 https://example.org/blog/none"),
        ("[b](../moon.md)", "link-broken 6:5 ../moon.md"),
        ("[b](example.com/x)", "link-broken 6:5 example.com/x"),
        ("[b](a@example.org)", "link-broken 6:5 a@example.org"),
        ("[b][r]\n\n[r]: ../none/", "link-broken 6:1 [b][r]"),
        ("<a href='../none/'>b</a>", "link-broken 6:1 <a href='../none/'>"),
        ("{{< ref \"none.md\" >}}", "link-broken 6:1 {{< ref \"none.md\" >}}"),
        ("![b](none.png)", "image-broken 6:6 none.png"),
        ("![b](/img/none.png)", "image-broken 6:6 /img/none.png"),
        ("<img alt=b src=none.png>", "image-broken 6:1 <img alt=b src=none.png>"),
        ("{{< figure src=none.png alt=b >}}", "image-broken 6:1 {{< figure src=none.png alt=b >}}"),
        ("[b](#none)", "fragment-broken 6:5 #none"),
        ("[b]()", "address-missing 6:1 [b]()"),
        ("[b](data:x)", "address-scheme 6:5 data:x"),
        ("a [](/blog/moon/)", "link-text-missing 6:6 /blog/moon/"),
        ("![](map.png)", "image-alt-missing 6:1 ![](map.png)"),
        ("![map.png](map.png)", "image-alt-poor 6:1 ![map.png](map.png)"),
        ("![b](map.png) ![图片](map.png) ![1](map.png)", "image-alt-poor 6:15 ![图片](map.png)"),
        ("![图片](map.png)", "image-alt-poor 6:1 ![图片](map.png)"),
        ("{{< figure src=map.png >}}", "image-alt-missing 6:1 {{< figure src=map.png >}}"),
        ("![b](http://example.com/b.png)", "image-insecure 6:6 http://example.com/b.png"),
    ] {
        assert_eq!(in_body(body), [expected], "{body}");
    }
}

#[test]
fn the_remedy_suggests_what_was_meant() {
    for (body, expected) in [
        ("[b](/blog/mooon/)", "did you mean `/blog/moon/`?"),
        ("[b](hhttps://example.com)", "did you mean `https:`?"),
        ("[b](/blog/none/)", "fix the address, or publish the page it leads to"),
        ("[b](../moon.md)", "this is the Markdown file: write `/blog/moon/`, the address of its page"),
        ("[b](example.com/x)", "a web address begins with its scheme: write `https://example.com/x`"),
        ("## Full moon {#full}\n\n[b](#ful)", "did you mean `#full`?"),
    ] {
        let findings = found_in(&format!("---\ntitle: Tide\ndate: 2026-11-01\ndescription: D\n---\n{body}\n"));
        assert_eq!(findings[0].help.as_deref(), Some(expected), "{body}");
    }
}

#[test]
fn markup_that_was_not_understood_is_found() {
    for (body, expected) in [
        ("Text. TODO: more", "todo-left 6:7 TODO"),
        ("海（TK）", "todo-left 6:3 TK"),
        ("a **b **c", "emphasis-literal 6:3 **"),
        ("**文： **字 and **more x", "emphasis-literal 6:14 **"),
        ("a\n\n**![b](map.png)", "emphasis-literal 8:1 **"),
        ("**潮汐 **达到**700+**厘米", "emphasis-nested 6:6 **达到**"),
        ("See ![b](my map.png).", "link-literal 6:5 ![b](my map.png)"),
        ("[b]（https://example.com）", "link-literal 6:1 [b]（https://example.com）"),
        ("a\u{fffd}b\u{fffd}", "characters-invalid 6:2 \u{fffd}"),
        ("`\u{81}`", "characters-invalid 6:2 \u{81}"),
        ("GrÃ¼n", "mojibake 6:3 Ã¼"),
        ("donâ€™t", "mojibake 6:4 â€"),
        ("", "body-empty 1:0"),
        ("<!-- none -->\n", "body-empty 1:0"),
        ("# a\n\n## b", "heading-title 6:1 # a"),
        ("## a\n\n#### b", "heading-jump 8:1 #### b"),
        ("## \n\na", "heading-empty 6:1 ##"),
        ("a <dataId> b <dataId>", "tag-unknown 6:3 <dataId>"),
        ("<script>\nalert('<x>')\n</script>", "html-dropped 6:1 <script>"),
        ("> <iframe src=\"https://example.com\"></iframe>", "html-player 6:3 <iframe src=\"https://example.com\">"),
    ] {
        assert_eq!(in_body(body), [expected], "{body}");
    }
}

#[test]
fn doubtful_front_matter_is_found() {
    let whole = "title: Tide\ndate: 2026-11-01\ndescription: D\n";
    assert_eq!(in_front_matter(whole), Vec::<String>::new());
    for (lines, expected) in [
        ("title: Tide\ndate: 2026-11-01\n".to_owned(), "description-missing 1:0"),
        (whole.replace("2026-11", "1926-11"), "date-early 3:7 1926-11-01"),
        (format!("{whole}cover: map.png\n"), "cover-alt-missing 5:8 map.png"),
        (format!("{whole}cover:\n  image: '![](map.png)'\n  alt: a\n"), "cover-markdown 6:10 '![](map.png)'"),
        (format!("{whole}thumbnail: map.png\n"), "cover-alt-missing 5:12 map.png"),
        (
            format!("{whole}cover: {{image: https://example.com/a, alt: a}}\n"),
            "cover-type 5:8 {image: https://example.com/a, alt: a}",
        ),
        (format!("{whole}expiryDate: 2026-10-01\n"), "expires-before-date 5:13 2026-10-01"),
        (format!("{whole}author: Maren <maren@example.org>\n"), "author-email 5:9 Maren <maren@example.org>"),
        (format!("{whole}language: cn\n"), "language-unknown 5:11 cn"),
        (format!("{whole}slug: flood\n"), "id-changing 5:7 flood"),
        (whole.replace("2026-11-01", "2026-12-01"), "date-future 3:7 2026-12-01"),
        (whole.replace("Tide", "a <b>tide</b>"), "title-markup 2:8 a <b>tide</b>"),
        (whole.replace("Tide", "\"\\u200b\""), "title-empty 2:8 \"\\u200b\""),
        (whole.replace("Tide", "moon"), "title-duplicate 2:8 moon"),
    ] {
        assert_eq!(in_front_matter(&lines), [expected], "{lines}");
    }
}

/// Rules and places of the findings about an issue that is mailed.
fn in_mail(lines: &str, body: &str) -> Vec<String> {
    let text = format!("---\ndate: 2026-11-01\ndescription: D\n{lines}---\n{body}");
    let issue = loaded(PATH, &text);
    let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
    let site = Site::new(&publication(), std::slice::from_ref(&issue), BTreeSet::new(), &[], BTreeMap::new(), now)
        .mailed(true);
    shown(&super::issue(&IssueSource::new(&issue, None, &text), &site))
}

#[test]
fn mail_that_filters_distrust_is_found() {
    let long = "A subject that goes on for longer than any mail program shows of it in its list";
    for (lines, body, expected) in [
        ("title: Tide\n", "[a](https://example.com)", vec![]),
        ("title: WIN A BOAT NOW\n", "a", vec!["subject-shouts 4:8 WIN A BOAT NOW"]),
        ("title: Tide!!!\n", "a", vec!["subject-shouts 4:8 Tide!!!"]),
        ("title: 潮汐 SOFAMOSN SOFABOOT\n", "a", vec![]),
        ("title: a\nsubject: 回复：潮汐\n", "a", vec!["subject-fake-reply 5:10 回复：潮汐"]),
        ("title: Tide\nemail: false\n", "[a](http://t.cn/x)", vec![]),
        ("title: T\n", "[a](http://t.cn/x)", vec!["link-shortened 6:1 [a](http://t.cn/x)"]),
        ("title: T\n", "[a](http://example.com)", vec!["link-insecure 6:1 [a](http://example.com)"]),
        ("title: T\n", "[a](https://10.0.0.1/)", vec!["link-ip-address 6:1 [a](https://10.0.0.1/)"]),
        (
            "title: T\n",
            "[www.example.org](https://example.com)",
            vec!["link-misleading 6:1 [www.example.org](https://example.com)"],
        ),
        ("title: T\n", "[https://docs.example.org/a](https://example.org.)", vec![]),
    ] {
        assert_eq!(in_mail(lines, body), expected, "{lines}{body}");
    }
    assert_eq!(in_mail(&format!("title: {long}\n"), "a"), [format!("subject-long 4:8 {long}")]);
    let preheader = "a ".repeat(80);
    assert_eq!(in_mail(&format!("title: T\npreheader: {preheader}\n"), "a").len(), 1);
}

#[test]
fn the_languages_of_the_publication_are_checked() {
    let text = "title: T\nbase_url: https://example.org\ncontent: {en: a, jp: b}\n";
    let config = crate::config::Config::parse("slugline.yaml", text).unwrap();
    assert_eq!(
        shown(&super::languages(&config.publications(), "slugline.yaml", text)),
        ["language-unknown 3:10 {en: a, jp: b}"]
    );
}

#[test]
fn large_feeds_and_editions_are_found() {
    assert_eq!(feed_size("public/feed.xml", 1_000_000), None);
    assert_eq!(feed_size("public/feed.xml", 1_000_001).unwrap().message, "the feed is 1001 kB large");
    assert_eq!(edition_size(PATH, &"x".repeat(102_000)), None);
    assert_eq!(edition_size(PATH, &"x".repeat(102_001)).unwrap().rule, "edition-large");
    assert_eq!(digest_size(PATH, "digest:2026-W47", &"x".repeat(102_000)), None);
    let found = digest_size(PATH, "digest:2026-W47", &"x".repeat(102_001)).unwrap();
    assert_eq!(found.message, "the HTML of `digest:2026-W47`, which contains it, is 103 kB large");
}

/// Arbitrary text mixed with what rules look for.
fn markdown() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        3 => "\\PC{0,6}",
        3 => "[*_`~#>\\[\\]()!<>|$:{}%\\-\n \t。（文\u{fdd0}\u{200b}]{0,8}",
        2 => prop::sample::select(vec![
            "{{< ref \"", "\" >}}", "{{< highlight >}}", "{{< /highlight >}}", "{{%", "](", "![", "]（", "https://", "**",
            "<script>", "</script>", "<iframe src=", "<img ", "<!--", "-->", "TODO", "\r\n", "    ", "[^1]", "[^1]: ", "| a |\n|--|\n",
            "../", "#", "Ã¼", "\u{fffd}", "\u{feff}",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_place_is_in_the_file(body in markdown(), begin in prop::sample::select(vec!["", "\u{feff}", "\n \n"])) {
        let text = format!("{begin}---\ntitle: 海\ndate: 2026-11-01\ncover: x y\n---\n{body}");
        for finding in found_in(&text) {
            let place = finding.place.unwrap();
            let line = text.lines().nth(place.line - 1);
            prop_assert!(line.is_some() || text.ends_with('\n') && place.line == text.lines().count() + 1);
            let length = line.map_or(0, |line| line.chars().count());
            prop_assert!(place.column.saturating_sub(1) + finding.length.saturating_sub(1) <= length, "{:?}", place);
            prop_assert!(place.source.as_deref().is_none_or(|source| source == line.unwrap_or_default()));
        }
    }
}

/// Rules of the findings about an issue at `path` of a site with these files and content folders.
fn rules_at(path: &str, body: &str, files: &[&str], content: &[&str]) -> Vec<&'static str> {
    let text = format!("---\ntitle: Tide\ndate: 2026-11-01\ndescription: D\n---\n{body}\n");
    let issue = Issue { path: path.to_owned(), ..loaded("content/blog/tide.md", &text) };
    let files = files.iter().map(|file| (*file).to_owned()).collect();
    let now = "2026-11-20T08:00:00Z".parse().unwrap();
    let issues = std::slice::from_ref(&issue);
    let site = Site::new(&publication(), issues, files, content, BTreeMap::new(), now);
    super::issue(&IssueSource::new(&issue, None, &text), &site).iter().map(|finding| finding.rule).collect()
}

#[test]
fn pictures_are_found_wherever_generators_publish_them() {
    for (path, written, file) in [
        ("_posts/tide.md", "/images/a.png", "images/a.png"),
        ("_posts/tide.md", "/assets/tide/a%20b.png?w=1#x", "assets/tide/a b.png"),
        ("_posts/tide.md", "/shots/a.png", "shots/a.png"),
        ("source/_posts/tide.md", "/pics/a.png", "source/pics/a.png"),
        ("source/_posts/tide.md", "pics/a.png", "source/pics/a.png"),
        ("source/_posts/tide.md", "a.png", "source/_posts/tide/a.png"),
        ("pages/posts/tide.md", "/a.png", "public/a.png"),
        ("website/blog/tide.md", "/img/a.png", "website/static/img/a.png"),
        ("content/en/tide/index.md", "a.png", "content/fr/tide/a.png"),
        ("content/en/tide.md", "/docs/a.png", "content/en/docs/a.png"),
        ("content/en/tide.md", "/fr/a.png", "static/a.png"),
        ("content/en/tide.md", "/a.png", "themes/sea/static/a.png"),
    ] {
        let content = ["_posts", "source/_posts", "pages/posts", "website/blog", "content/en", "content/fr"];
        let body = format!("![a quay](<{written}>)");
        assert_eq!(rules_at(path, &body, &[file], &content), Vec::<&str>::new(), "{written} in {path}");
        let missing = rules_at(path, &body, &[], &content);
        assert!(missing.len() == 1 && missing[0].starts_with("image-"), "{written}: {missing:?}");
    }
}

#[test]
fn what_another_generator_may_publish_is_a_warning() {
    for (body, rule) in [
        ("![a quay](/media/a.png)", "image-unverified"),
        ("![a quay](/img/none.png)", "image-broken"),
        ("![a quay](none.png)", "image-broken"),
        ("![a quay](id-of-a-picture)", "image-unverified"),
        ("[manual](../../docs/manual.html)", "link-unverified"),
        ("[user](user-name/x)", "link-broken"),
        ("![a quay]({{site.baseurl}}/a.png)", "image-broken"),
        ("[post](@/posts/a.md)", "link-broken"),
    ] {
        assert_eq!(rules_at("content/tide.md", body, &["static/img/a.png"], &["content"]), [rule], "{body}");
    }
}
