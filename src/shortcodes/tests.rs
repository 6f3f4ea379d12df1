use std::collections::BTreeMap;

use proptest::prelude::*;
use url::Url;

use super::*;
use crate::config::Config;
use crate::content::assemble::{Source, assemble};
use crate::content::names::Names;
use crate::content::{front_matter, html, plain_text};

fn config() -> Config {
    Config::parse("slugline.yaml", "title: Tides\nbase_url: https://tides.example.org\n").unwrap()
}

fn issue(path: &str) -> Issue {
    let text = "---\ntitle: Spring tides\ndate: 2026-11-20\nheight: {most: 4}\nparams: {Harbour: Merrow}\n---\n";
    let block = front_matter::split(path, text.as_bytes()).unwrap();
    let below_content = path.strip_prefix("content/").unwrap();
    let (config, source) = (config(), Source::of_path(path, below_content));
    assemble(source, &block, &config.publication, &config.permalink, &mut Names::default()).issue.unwrap()
}

fn with_templates<T>(templates: &[(&str, &str)], act: impl FnOnce(&Shortcodes<'_>, &Issue) -> T) -> T {
    let issues = [issue("content/blog/one.md"), issue("content/blog/two(2)/index.md"), issue("content/notes/three.md")];
    let templates = templates.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let (shortcodes, findings) =
        Shortcodes::new(&config().publication, Dialect::default(), &issues, templates, Translator::default());
    assert_eq!(findings, []);
    act(&shortcodes, &issues[0])
}

fn permalink() -> Url {
    "https://tides.example.org/blog/one/".parse().unwrap()
}

/// HTML, plain text, and findings: rule, line and column.
fn shown(body: &str, templates: &[(&str, &str)]) -> (String, String, Vec<(&'static str, usize, usize)>) {
    with_templates(templates, |shortcodes, issue| {
        let (document, findings) = shortcodes.document(issue, body);
        let html = html::render(&document, &permalink(), "x-", html::Reader::Feed);
        let places = findings.iter().map(|finding| {
            let place = finding.place.as_ref().unwrap();
            (finding.rule, place.line, place.column)
        });
        (html.trim().to_owned(), plain_text::render(&document, &permalink(), "picture: "), places.collect())
    })
}

fn html_of(body: &str) -> String {
    let (html, _, findings) = shown(body, &[]);
    assert_eq!(findings, [], "{body}");
    html
}

#[test]
fn a_figure_is_a_picture_with_its_caption() {
    let (html, text, findings) = shown(
        "Before\n{{< figure src=\"a b.png\" alt=\"Low & high\" caption=\"The *pier*\" width=\"200px\" >}}\nand **after**.\n",
        &[],
    );
    assert_eq!(
        html,
        "<p>Before</p>\n<figure><img src=\"https://tides.example.org/blog/one/a%20b.png\" alt=\"Low &amp; high\" \
         width=\"200\"><figcaption>The <em>pier</em></figcaption></figure>\n<p>and <strong>after</strong>.</p>"
    );
    assert!(text.contains("[Low & high]") && text.contains("The pier") && text.contains("and after."), "{text}");
    assert_eq!(findings, []);
}

#[test]
fn references_resolve_to_the_permalink() {
    for target in ["two(2)", "two(2)/index.md", "/blog/two(2)", "blog/two(2)/", "../blog/two(2)/index.md"] {
        assert_eq!(
            html_of(&format!("[see]({{{{< ref \"{target}#high\" >}}}})")),
            "<p><a href=\"https://tides.example.org/blog/two2/#high\">see</a></p>",
            "{target}"
        );
    }
    assert_eq!(
        html_of("<a href=\"{{% relref `three.md` %}}\">see</a>"),
        "<p><a href=\"https://tides.example.org/notes/three/\">see</a></p>"
    );
}

#[test]
fn an_unresolved_reference_leaves_its_text() {
    let (html, text, findings) = shown("One\n\nthe [old page]({{< ref \"gone.md\" >}}).\n", &[]);
    assert_eq!((html.as_str(), text.as_str()), ("<p>One</p>\n<p>the old page.</p>", "One\n\nthe old page.\n"));
    assert_eq!(findings, [("link-broken", 9, 16)]);
}

#[test]
fn code_stays_code_in_both_parts() {
    let body =
        "- item\n\n  {{< highlight go \"linenos=table\" >}}\na **b**\n\n{{< c >}} <d>\n{{< /highlight >}}\n\nend\n";
    let (html, text, findings) = shown(body, &[]);
    assert!(html.contains("<pre><code>a **b**\n\n{{&lt; c &gt;}} &lt;d&gt;\n</code></pre>"), "{html}");
    assert!(text.contains("    a **b**\n\n") && text.contains("{{< c >}} <d>"), "{text}");
    assert_eq!(findings, []);
    assert_eq!(
        html_of("a {{< highlight go \"hl_inline=true\" >}}b<c{{< /highlight >}}"),
        "<p>a <code>b&lt;c</code></p>"
    );
}

#[test]
fn players_and_posts_become_links() {
    for (body, expected) in [
        (
            "{{< youtube w7Ft2ymGmfc >}}",
            "<p><a href=\"https://www.youtube.com/watch?v=w7Ft2ymGmfc\"><img \
             src=\"https://img.youtube.com/vi/w7Ft2ymGmfc/hqdefault.jpg\" alt=\"YouTube\"></a></p>",
        ),
        ("{{< vimeo id=146022717 title=Tide >}}", "<p><a href=\"https://vimeo.com/146022717\">Tide</a></p>"),
        (
            "{{< video src=\"low tide.mp4\" poster=\"p.jpg\" >}}",
            "<p><a href=\"https://tides.example.org/blog/one/low%20tide.mp4\"><img \
             src=\"https://tides.example.org/blog/one/p.jpg\" alt=\"low tide.mp4\"></a></p>",
        ),
        (
            "{{< x user=tides id=12 />}}",
            "<p><a href=\"https://x.com/tides/status/12\">https://x.com/tides/status/12</a></p>",
        ),
        (
            "{{< gist maren 1a2b >}}",
            "<p><a href=\"https://gist.github.com/maren/1a2b\">https://gist.github.com/maren/1a2b</a></p>",
        ),
        ("Most: {{< param height.most >}} m{{< qr text=a />}}", "<p>Most: 4 m</p>"),
        (
            "{{< qr >}}https://tides.example.org/a{{< /qr >}}",
            "<p><a href=\"https://tides.example.org/a\">https://tides.example.org/a</a></p>",
        ),
    ] {
        assert_eq!(html_of(body), expected, "{body}");
    }
}

#[test]
fn details_contain_markdown() {
    let (html, text, _) = shown("{{< details summary=\"More & *more*\" >}}\nOne **two**\n{{< /details >}}\n", &[]);
    assert_eq!(
        html,
        "<details><summary>More &amp; <em>more</em></summary>\n<p>One <strong>two</strong></p>\n</details>"
    );
    assert_eq!(text, "More & more\n\nOne two\n");
}

#[test]
fn words_of_figures_are_markdown() {
    assert_eq!(
        html_of("{{< figure src=\"a.png\" caption=\"By [Ada](/ada), *2026*\" attr=\"with **B**\" attrlink=\"/b\" >}}"),
        "<figure><img src=\"https://tides.example.org/a.png\" alt=\"By Ada, 2026\"><figcaption>By \
         <a href=\"https://tides.example.org/ada\">Ada</a>, <em>2026</em> <a href=\"https://tides.example.org/b\">with \
         <strong>B</strong></a></figcaption></figure>"
            .replace("org/a.png", "org/blog/one/a.png")
    );
}

#[test]
fn formulas_in_brackets_are_kept_from_the_parser() {
    let dialect = Dialect { bracket_math: true, ..Dialect::default() };
    let (shortcodes, _) = Shortcodes::new(&config().publication, dialect, &[], BTreeMap::new(), Translator::default());
    let (document, _) = shortcodes.document(&issue("content/a.md"), "See \\(a_1 * b_2*c*\\), \\\\(x\\) `\\(y\\)`.\n");
    let html = html::render(&document, &permalink(), "x-", html::Reader::Feed);
    assert_eq!(html, "<p>See \\(a_1 * b_2*c*\\), \\(x) <code>\\(y\\)</code>.</p>\n");
}

#[test]
fn comments_are_shown_to_no_one() {
    assert_eq!(
        html_of("One\n\n{{% comment %}}\n\n## No {{< nope >}}\n\n{{% /comment %}}\n\ntwo"),
        "<p>One</p>\n<p>two</p>"
    );
}

#[test]
fn fields_are_shown_whatever_their_case_and_place() {
    for (name, expected) in [
        ("Height.MOST", "4"),
        ("title", "Spring tides"),
        ("Harbour", "Merrow"),
        ("params.harbour", "Merrow"),
        ("date", "2026-11-20 00:00:00 +0000 UTC"),
    ] {
        assert_eq!(html_of(&format!("{{{{< param {name} >}}}}")), format!("<p>{expected}</p>"), "{name}");
    }
    assert_eq!(shown("{{< param nope >}}", &[]).2, [("shortcode-invalid", 7, 1)]);
}

#[test]
fn a_shortcode_of_a_theme_keeps_its_picture_link_and_alert() {
    let body = "{{% img src=\"/sea.png\" caption=\"The sea\" %}}\n\nSee {{< button href=\"/map\" >}}the *map*{{< /button >}}.\n\n\
                {{< admonition warning \"High water\" >}}Mind the **gap**.{{< /admonition >}}\n\n- a\n\n  {{% note %}}\n  b\n  {{% /note %}}\n";
    let (html, text, findings) = shown(body, &[]);
    assert_eq!(
        html,
        "<figure><img src=\"https://tides.example.org/sea.png\" alt=\"The sea\"><figcaption>The sea</figcaption></figure>\n\
         <p>See <a href=\"https://tides.example.org/map\">the <em>map</em></a>.</p>\n<blockquote>\n\
         <p><strong>High water</strong></p>\n<p>Mind the <strong>gap</strong>.</p>\n</blockquote>\n<ul>\n<li>\n<p>a</p>\n\
         <blockquote>\n<p><strong>Note</strong></p>\n<p>b</p>\n</blockquote>\n</li>\n</ul>"
    );
    assert!(text.contains("> High water\n>\n> Mind the gap."), "{text}");
    assert_eq!(findings.len(), 4);
    let (html, _, findings) = shown("{{< a >}}one {{< a >}}two{{< /a >}}{{< /a >}} {{< a >}}three", &[]);
    assert_eq!((html.as_str(), findings.len()), ("<p>one two three</p>", 1));
}

#[test]
fn a_shortcode_of_a_theme_in_html_is_no_markdown_there() {
    assert_eq!(
        shown("<center>\n{{% callout note %}}\nSee [a](/a).\n{{% /callout %}}\n</center>\n\nEnd.", &[]).0,
        "<div>\n<blockquote>\n<p><strong>Note</strong></p>\n<p>See <a href=\"https://tides.example.org/a\">a</a>.</p>\n\
         </blockquote>\n</div>\n<p>End.</p>"
    );
    assert_eq!(
        shown("<div>\n{{< button href=\"/a?b=1&c=2\" >}}Go{{< /button >}}\n</div>", &[]).0,
        "<div>\n<a href=\"https://tides.example.org/a?b=1&amp;c=2\">Go</a>\n</div>"
    );
}

#[test]
fn a_heading_that_repeats_the_title_is_left_out() {
    assert_eq!(html_of("# Spring *tides*\n\nText"), "<p>Text</p>");
    assert!(html_of("# Other\n\nText").contains("Other"));
}

#[test]
fn an_escaped_shortcode_is_shown() {
    assert_eq!(html_of("Write {{</* ref \"a.md\" */>}}."), "<p>Write {{&lt; ref \"a.md\" &gt;}}.</p>");
    assert_eq!(html_of("`{{%/* box */%}}`"), "<p><code>{{% box %}}</code></p>");
    assert_eq!(html_of("```\n{{</* a */>}}\n```"), "<pre><code>{{&lt; a &gt;}}\n</code></pre>");
}

#[test]
fn an_unknown_shortcode_leaves_its_content() {
    let (html, text, findings) =
        shown("One\n\n{{< warnnig a=\"b\" >}}\nTwo **three**\n{{< /warnnig >}}\n{{< /b >}}\n", &[]);
    assert_eq!((html.as_str(), text.as_str()), ("<p>One</p>\n<p>Two <strong>three</strong></p>", "One\n\nTwo three\n"));
    assert_eq!(findings, [("shortcode-unknown", 9, 1), ("shortcode-unpaired", 12, 1)]);
    let (html, _, findings) = shown("{{< figure alt=a >}}", &[]);
    assert_eq!((html.as_str(), findings), ("", vec![("shortcode-invalid", 7, 1)]));
}

#[test]
fn custom_shortcodes_are_rendered() {
    let templates = [
        ("box", "<blockquote><strong>{{ args.title }}</strong> {{ inner | markdown }}</blockquote>\n"),
        ("note", "> **{{ args[0] }}** {{ inner }}\n"),
        ("where", "{{ issue.title }} on {{ publication.title }}"),
    ];
    let (html, text, findings) = shown(
        "{{< box title=\"A & B\" >}}one *two* {{< vimeo 1 />}}{{< /box >}}\n\n{{% note Tip %}}see {{< where >}}{{% /note %}}\n",
        &templates,
    );
    assert_eq!(findings, []);
    assert_eq!(
        html,
        "<blockquote><strong>A &amp; B</strong> <p>one <em>two</em> <a href=\"https://vimeo.com/1\">https://vimeo.com/1</a></p>\n\
         </blockquote>\n<blockquote>\n<p><strong>Tip</strong> see Spring tides on Tides</p>\n</blockquote>"
    );
    assert!(text.contains("A & B") && text.contains("Tip see Spring tides on Tides"), "{text}");
    assert_eq!(findings, []);
    let (_, _, findings) = shown("{{< box >}}x{{< /box >}}", &templates);
    assert_eq!(findings, [("shortcode-invalid", 7, 1)]);
}

#[test]
fn a_broken_template_is_reported() {
    let templates = BTreeMap::from([("box".to_owned(), "a\n{{ b".to_owned())]);
    let (_, findings) =
        Shortcodes::new(&config().publication, Dialect::default(), &[], templates, Translator::default());
    let place = findings[0].place.as_ref().unwrap();
    assert_eq!((findings[0].rule, place.path.as_str()), ("shortcode-template", "templates/shortcodes/box.html"));
}

proptest! {
    #[test]
    fn no_shortcode_syntax_is_left(
        body in "(\\{\\{[<%] /?(ref|figure|details|highlight|box|nope|youtube)( \"?[a-z]\"?| a=b)? /?[>%]\\}\\}|[a*_`# >\n-]){0,12}",
    ) {
        let (html, text, _) = shown(&body, &[("box", "<b>{{ inner }}</b>")]);
        for output in [&html, &text] {
            prop_assert!(!output.contains('\u{fdd1}'), "{}", output);
        }
        // Shortcodes inside code stay, and quotes may contain arguments.
        if !body.contains("highlight") && !body.contains('"') {
            let left = syntax::segments(&text).into_iter().any(|segment| matches!(segment, Segment::Open(_) | Segment::Close(..)));
            prop_assert!(!left, "{}", text);
        }
    }

    #[test]
    fn no_word_is_lost(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "**", " **", "** ", "*", "~~", "> [!tip] ", "> ", "- ", "1. ", "# ", "\n", "\n\n", ":", "\n: ", "\n:::", "$$", "$",
            "<br>", "<b>", "</b>", "<div>", "</div>\n", "<x>", "{.wide}\n", "\n{.wide}\n", ":tada:", "<!--more-->", "一。", "字",
            "`", "[", "](/a)", "![", "\\", "\u{3000}", "&nbsp;", "  \n", "```\n", "    ", "{{< note >}}", "{{< /note >}}",
            "{{< img src=a.png >}}", "{{< tabs >}}", "{{< /tabs >}}", "{{< button href=/a >}}", "{{< /button >}}",
            "{{% details a %}}", "{{% /details %}}", "www.example.org/", "https://example.org/",
        ]), 0..24),
    ) {
        let numbered = pieces.iter().enumerate().map(|(number, piece)| format!("{piece} word{number}q "));
        let (html, text, _) = shown(&numbered.collect::<String>(), &[]);
        for number in 0..pieces.len() {
            let word = format!("word{number}q");
            prop_assert!(html.contains(&word), "{} is lost: {}", word, html);
            prop_assert!(text.contains(&word), "{} is lost: {}", word, text);
        }
    }

    #[test]
    fn any_text_is_accepted(body in "[{}<%>/*\"`a= \u{fdd1}0\n]{0,60}") {
        shown(&body, &[]);
    }
}
