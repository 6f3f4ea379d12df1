//! Addresses, dates and bodies of Hexo's posts.

use std::collections::BTreeMap;

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::content::addresses::Addresses;
use crate::content::assemble::{Source, assemble};
use crate::content::front_matter::split;
use crate::content::names::Names;
use crate::issue::Issue;
use crate::publication::Publication;

fn hexo(config: &str) -> Hexo {
    Hexo::new(settings(config).unwrap(), None).unwrap()
}

fn file(path: &str) -> PostFile<'_> {
    PostFile { path, below_content: path, beginning: "", created: None }
}

fn fields(value: Value) -> Fields {
    let mut fields = Fields::default();
    value.as_object().unwrap().iter().for_each(|(name, value)| fields.set(name, value.clone()));
    fields
}

fn address(hexo: &Hexo, path: &str, front_matter: Value) -> String {
    let date = DateTime::parse_from_rfc3339("2026-01-02T03:04:05+08:00").unwrap();
    let page = PatternValues { path, above: &[], title: "JDK: Notés 日本", slug: None, date };
    hexo.address(&file(path), &page, &fields(front_matter)).unwrap_or_default()
}

const JDK: &str = "source/_posts/java/JDK Notes.md";

#[test]
fn an_address_keeps_case_and_folders() {
    assert_eq!(address(&hexo(""), JDK, json!({})), "/2026/01/02/java/JDK Notes/");
    let all = "permalink: :year/:i_month/:i_day/:hour:minute:second/:category/:title/:name/:post_title/:timestamp/\n";
    let expected = "/2026/1/2/030405/tools/Ubung-x/java/JDK Notes/JDK Notes/jdk-notes-日本/1767294245/";
    let config = format!("{all}category_map: {{工具: tools}}\n");
    assert_eq!(address(&hexo(&config), JDK, json!({ "categories": ["工具", "Übung x"] })), expected);
    let hash = hexo("permalink: :hash.html\nnew_post_name: :year-:title.md\n");
    assert_eq!(address(&hash, "source/_posts/off.md", json!({})), "/029811960aff.html");
}

#[test]
fn any_field_may_be_in_an_address() {
    let hexo = hexo("permalink: p/:key/:lang/:x.html\npermalink_defaults: {lang: en, x: 1}\n");
    let of = |front_matter| address(&hexo, "source/_posts/b.md", front_matter);
    assert_eq!(of(json!({ "key": 1606619423, "language": "fr" })), "/p/1606619423/fr/1.html");
    assert_eq!(of(json!({ "key": null })), "/p/null/en/1.html");
    assert_eq!(of(json!({})), "/p/undefined/en/1.html");
    assert_eq!(of(json!({ "permalink": "custom/c.html" })), "/custom/c.html");
}

#[test]
fn the_category_is_the_innermost_one_written_last() {
    let hexo = hexo("permalink: :category/:name\nfilename_case: 1\ndefault_category: none\n");
    let of = |categories: Value| address(&hexo, "source/_posts/b.md", json!({ "categories": categories }));
    assert_eq!(of(json!("A B")), "/a-b/b");
    assert_eq!(of(json!(["A", "B"])), "/a/b/b");
    assert_eq!(of(json!([["A", "B"], ["C"]])), "/c/b");
    assert_eq!(of(json!([["A", "B"], "C", null])), "/c/b");
    assert_eq!((of(json!([])), of(json!(null))), ("/none/b".to_owned(), "/none/b".to_owned()));
}

#[test]
fn endings_follow_the_settings() {
    let of = |config: &str| address(&hexo(config), "source/_posts/b.md", json!({}));
    assert_eq!(of("permalink: :title\npost_asset_folder: true\n"), "/b/");
    assert_eq!(of("permalink: :title.html\npost_asset_folder: true\n"), "/b.html");
    assert_eq!(of("permalink: :title.html\npretty_urls: {trailing_html: false}\n"), "/b");
    assert_eq!(of("permalink: :title/index.html\npretty_urls: {trailing_index: false}\n"), "/b/");
    assert_eq!(of("permalink: :title/index.html\npretty_urls: {trailing_html: false}\n"), "/b/index.html");
    let own = |pattern: &str| Hexo::new(Settings::new(), Some(pattern)).map(|hexo| address(&hexo, JDK, json!({})));
    assert_eq!(own("/:year/:sections/:contentbasename/").as_deref(), Ok("/2026/java/JDK Notes/"));
    assert!(own("/:monthname/:title/").is_err() && own("/posts/").is_err());
}

#[test]
fn line_breaks_are_kept_as_by_its_renderers() {
    let of = |config: &str| {
        let dialect = hexo(config).dialect(Dialect::default());
        (dialect.hard_wraps, dialect.typographer)
    };
    assert_eq!(of(""), (true, true));
    assert_eq!(of("marked: {breaks: false}\n"), (false, true));
    assert_eq!(of("markdown: {render: {breaks: false, typographer: false}}\n"), (false, false));
}

#[test]
fn only_what_hexo_publishes_is_a_post() {
    let plain = hexo("skip_render: ['_posts/raw/**']\n");
    for (path, is_post) in [
        ("source/_posts/a.md", true),
        ("source/_drafts/a.md", true),
        ("elsewhere/a.md", true),
        ("source/about/index.md", false),
        ("source/_posts/_a.md", false),
        ("source/_posts/.b/a.md", false),
        ("source/_posts/raw/x/a.md", false),
    ] {
        assert_eq!(plain.is_post(path), is_post, "{path}");
    }
    let with_assets = hexo("post_asset_folder: true\n");
    assert!(with_assets.is_post("source/_posts/a.md") && !with_assets.is_post("source/_posts/a.markdown"));
}

#[test]
fn fields_are_completed() {
    let completed = |config: &str, path: &str, front_matter: Value| {
        let mut fields = fields(front_matter);
        hexo(config).complete(&file(path), &mut fields);
        Value::Object(fields.rest())
    };
    let dated = "new_post_name: :year-:i_month-:day-:title.md\n";
    let path = "source/_posts/2026-3-04-Ebb.md";
    assert_eq!(completed(dated, path, json!({})), json!({ "date": "2026-03-04", "title": "Ebb" }));
    for (path, config, is_draft) in
        [("_drafts", "", true), ("_drafts", "render_drafts: true\n", false), ("_posts", "", false)]
    {
        let fields = completed(config, &format!("source/{path}/a.md"), json!({ "title": "T" }));
        assert_eq!(fields.get("draft").is_some(), is_draft);
    }
    let tags = "encrypt:\n  tags:\n  - {name: secret, password: x}\n";
    for (front_matter, is_encrypted) in [
        (json!({ "password": 123 }), true),
        (json!({ "password": "" }), false),
        (json!({ "encrypt": true }), true),
        (json!({ "tags": ["a", "secret"] }), true),
        (json!({ "tags": "secret", "password": "" }), false),
        (json!({ "tags": "other" }), false),
    ] {
        let fields = completed(tags, "source/_posts/a.md", front_matter.clone());
        assert_eq!(fields.get("draft").is_some(), is_encrypted, "{front_matter}");
    }
}

#[test]
fn dates_are_those_of_the_site() {
    let dates = [
        ("2026-01-02T03:04:05+08:00", Some("2026-01-01 19:04:05")),
        ("2026-01-02 03:04:05 -1:30", Some("2026-01-02 04:34:05")),
        ("2026-01-02T03:04:05.678Z", Some("2026-01-02 03:04:05")),
        ("2026-01-02 03:04:05 +0800", None),
        ("2026-01-02 03:04:05", None),
        ("2026/1/2 03:04", Some("2026-1-2 03:04")),
        ("2026/01/02", Some("2026-01-02")),
        ("1/2/2026", None),
        ("2026-01-02", None),
        ("T+é", None),
    ];
    for (written, expected) in dates {
        assert_eq!(local_date(written).as_deref(), expected, "{written}");
    }
}

#[test]
fn settings_replace_keys_of_the_project_file() {
    let config = "title: T\nsubtitle: S\nurl: https://example.org/b\nlanguage: [zh-Hans, en]\ntimezone: ''\nauthor: A\n404: x\nmap:\n\ta: 1\n";
    let defaults = hexo(config).defaults();
    assert_eq!(defaults.description.as_deref(), Some("S"));
    assert_eq!((defaults.language.as_deref(), defaults.timezone), (Some("zh-Hans"), None));
    assert_eq!(defaults.content, ["source/_posts"]);
    assert_eq!(settings(config).unwrap()["map"], json!({ "a": 1 }));
    assert!(settings("a: [").is_err() && settings("- a").is_err() && settings("").unwrap().is_empty());
}

fn issue(path: &str, permalink: &str) -> Issue {
    let base_url = Url::parse("https://example.org/").unwrap();
    let publication = Publication {
        title: "T".into(),
        description: String::new(),
        home: base_url.clone(),
        base_url,
        language: "en".into(),
        time_zone: chrono_tz::Tz::UTC,
        author: None,
        copyright: None,
        icon: None,
        site: None,
    };
    let text = format!("---\ntitle: a\ndate: 2026-01-01\nurl: {permalink}\n---\n");
    let block = split(path, text.as_bytes()).unwrap();
    assemble(Source::of_path(path, path), &block, &publication, &Addresses::default(), &mut Names::default())
        .issue
        .unwrap()
}

fn shown_at(permalink: &str, body: &str) -> (String, Vec<String>) {
    let issue = issue("source/_posts/java/Ebb Tide.md", permalink);
    let address = |path: &str| path.strip_prefix("/java/b.md").map(|anchor| format!("https://example.org/b/{anchor}"));
    let includes = BTreeMap::from([("source/downloads/code/a.c".to_owned(), "a < b\nc\n".to_owned())]);
    let base_url = Url::parse("https://example.org/").unwrap();
    let of = Body { issue: &issue, base_url: &base_url, includes: &includes, address: &address };
    let Translated { markdown, lost } = hexo("post_asset_folder: true\n").markdown(body, &of);
    assert_eq!(markdown.matches('\n').count(), body.matches('\n').count(), "{body}");
    (markdown.into_owned(), lost.into_iter().map(|lost| lost.what).collect())
}

fn shown(body: &str) -> String {
    let (markdown, lost) = shown_at("/ebb/", body);
    assert_eq!(lost, Vec::<String>::new(), "{body}");
    markdown
}

#[test]
fn tags_of_hexo_become_markdown() {
    for (tag, expected) in [
        ("{% asset_img a.png %}", "![](<a.png>)"),
        ("{% asset_img left a.png 30 40 \"The title\" 'An alt' %}", "![An alt](<a.png> \"The title\")"),
        ("{% asset_img a.png 潮汐 %}", "![潮汐](<a.png>)"),
        ("{% asset_link a.pdf \"All of it\" %}", "[All of it](<a.pdf>)"),
        ("[x]({% asset_path a.pdf %})", "[x](a.pdf)"),
        ("{% post_link java/b#top %}", "[b](<https://example.org/b/#top>)"),
        ("{% post_link java/b The second true %}", "[The second](<https://example.org/b/>)"),
        ("{% img big /i/a.png 3 %}", "![](</i/a.png>)"),
        ("{% link The tide https://example.org/t true %}", "[The tide](<https://example.org/t>)"),
        ("{% youtube dQ %}", "[https://www.youtube.com/watch?v=dQ](<https://www.youtube.com/watch?v=dQ>)"),
        ("{% iframe https://example.org/f 1 2 %}", "[https://example.org/f](<https://example.org/f>)"),
        ("{% include_code lang:c a.c %}", "<pre><code>a &lt; b&#10;c</code></pre>"),
        ("{% raw %}{{ a }}{% endraw %}", "{{ a }}"),
        ("`{% raw %}{{ a }}{% endraw %}`", "`{{ a }}`"),
        ("`{{ a }} {% b %}`", "`{{ a }} {% b %}`"),
        ("```\n{{ a }}\n```\n", "```\n{{ a }}\n```\n"),
        ("a {{ \"{{\" }} b", "a {{ b"),
        ("a {# b #} c", "a  c"),
        ("# A {#id}\n", "# A {#id}\n"),
        (
            "{% codeblock lang:js %}\n`a` < {% raw %}{{ b }}{% endraw %}\n{% endcodeblock %}",
            "```js\n`a` < {{ b }}\n```",
        ),
        (
            "{% codeblock A title lang:js %}\na < b\n{% endcodeblock %}",
            "<pre><code><strong>A title</strong>\na &lt; b\n</code></pre>",
        ),
        (
            "{% blockquote Ann, Tides %}\na\n\nb\n{% endblockquote %}\nc",
            "> \n> a\n> \n> b\n> <footer>— <strong>Ann</strong> <cite>Tides</cite></footer>\nc",
        ),
        ("{% quote %}a{% endquote %}\n", "> a\n"),
        ("{% unclosed", "{% unclosed"),
        ("100{%} {{a}b}", "100{%} {{a}b}"),
    ] {
        assert_eq!(shown(tag), expected, "{tag}");
    }
}

#[test]
fn tags_of_themes_become_markdown() {
    for (tag, expected) in [
        ("{% note info %}\na\n\n- b\n{% endnote %}\nc", "> [!INFO]\n> a\n> \n> - b\n\nc"),
        ("{% note warning flat A title %}a{% endnote %}", "> **A title** a"),
        ("- x\n  {% note %}\n  a\n  {% endnote %}", "- x\n  > [!NOTE]\n  > a\n  "),
        (
            "{% tabs First, 2 %}\n<!-- tab One@icon -->\na\n<!-- endtab -->\n{% endtabs %}",
            "\n**One**  \na\n<!-- endtab -->\n",
        ),
        ("{% folding blue, More about it %}\na\n{% endfolding %}", "**More about it**  \na\n"),
        ("{% hideToggle More %}\na\n{% endhideToggle %}", "**More**  \na\n"),
        ("{% label primary@words %} {% label words red %}", "words words"),
        ("{% button https://example.org/a, Read on, download fa-lg %}", "[Read on](<https://example.org/a>)"),
        ("{% folding, More %}\na\n{% endfolding %}", "**More**  \na\n"),
        ("{% gallery::::one %}\na\n{% endgallery %}", "\na\n"),
        ("{% spoiler the end %}", "the end"),
        ("{% math %}\na\n{% endmath %}", "$$\na\n$$"),
        ("{% checkbox checked, Done %}\n{% checkbox red, Open %}", "☑ Done\n☐ Open"),
        ("{% gallery %}\n![](a.png)\n{% endgallery %}", "\n![](a.png)\n"),
    ] {
        assert_eq!(shown(tag), expected, "{tag}");
    }
}

#[test]
fn unknown_tags_and_values_vanish_and_are_reported() {
    let lost = |tag: &str| vec![tag.to_owned()];
    assert_eq!(shown_at("/e/", "a {% tide 1 %} b"), ("a  b".into(), lost("the tag `{% tide %}`")));
    assert_eq!(
        shown_at("/e/", "{% tide https://e.org/ ebb %}\n*a*\n{% endtide %}").0,
        "[ebb](<https://e.org/>)\n*a*\n"
    );
    assert_eq!(shown_at("/e/", "a {{ site.x }}"), ("a ".into(), lost("the value `{{ site.x }}`")));
    assert_eq!(
        shown_at("/e/", "{% post_link nowhere The words %}"),
        ("The words".into(), lost("the tag `{% post_link %}`"))
    );
}

#[test]
fn assets_are_where_hexo_publishes_them() {
    let body = "![](Ebb%20Tide/a.png) ![](<./Ebb Tide/b.png>) ![](java/c.png) <img alt='' src=\"Ebb Tide/d.png\">";
    assert_eq!(shown_at("/ebb/", body).0, "![](a.png) ![](<b.png>) ![](java/c.png) <img alt='' src=\"d.png\">");
    assert_eq!(
        shown_at("/x/ebb.html", "{% asset_img a.png %} ![](Ebb%20Tide/a.png)").0,
        "![](<ebb/a.png>) ![](ebb/a.png)"
    );
}

proptest! {
    #[test]
    fn any_text_keeps_its_lines(
        text in "(\\{% ?|%\\}|\\{\\{|\\}\\}|\\{#|#\\}|note|endnote|raw|endraw|codeblock|endcodeblock|<!-- tab|-->|`|```\n| |\n|\\]\\(|Ebb Tide/|é|<img src=\"){0,40}"
    ) {
        shown_at("/ebb/", &text);
        local_date(&text);
    }
}

#[test]
fn a_megabyte_takes_no_time() {
    let begun = std::time::Instant::now();
    let parts = [
        "{%",
        "{{",
        "{#",
        "{% note %}",
        "{% endnote %}",
        "{% raw %}",
        "{% codeblock %}",
        "<!--",
        "<code>",
        "<img src=\"",
        "](",
        "{% note %}\n",
        "{% a %}{{ b }}",
    ];
    for text in parts {
        shown_at("/ebb/", &text.repeat(1_000_000 / text.len()));
    }
    assert!(begun.elapsed().as_secs() < 30);
}
