use std::collections::BTreeMap;

use proptest::prelude::*;
use url::Url;

use super::*;
use crate::config::Config;
use crate::content::assemble::{Source, assemble};
use crate::content::format::Format;
use crate::content::front_matter;
use crate::content::names::Names;
use crate::issue::Issue;

const INCLUDES: [(&str, &str); 6] = [
    (
        "_includes/sponsor.html",
        "{% comment %}Ours{% endcomment %}\n<p>\n{{ include.name | default: 'us' }}{{ include.none }}</p>\n",
    ),
    ("_includes/note.md", "**{{ include.title }}**\n\nText for {{ page.title }}.\n"),
    ("_includes/x/deep.html", "<b>{% include sponsor.html name=include.who %}</b>"),
    ("_includes/loop.html", "{% include loop.html %}{% include loop.html %}"),
    ("_includes/code.html", "<pre>{{ include.text }}\na</pre>"),
    ("_includes/lost.html", "{% nothing %}{{ site.data.x }}"),
];

fn issue(path: &str) -> Issue {
    let text = "---\ntitle: Spring tides\ndate: 2026-11-20\ntags: [sea, sky]\nmood: calm\n---\n";
    let config = Config::parse("slugline.yaml", "title: Tides\nbase_url: https://tides.example.org\n").unwrap();
    let block = front_matter::split(path, text.as_bytes()).unwrap();
    assemble(Source::of_path(path, path), &block, &config.publication, &config.permalink, &mut Names::default())
        .issue
        .unwrap()
}

/// The body without Liquid, and what is lost, with the text it stands for.
fn rendered_in(path: &str, body: &str) -> (String, Vec<(String, String)>) {
    let settings = serde_json::json!({"email": "a@x.example", "author": {"name": "Maren"}, "permalink": "pretty"});
    let jekyll = Jekyll::new(settings.as_object().unwrap().clone(), None).unwrap();
    let includes: BTreeMap<String, String> =
        INCLUDES.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let address = |path: &str| (path == "2026-01-01-b.md").then(|| "https://tides.example.org/blog/b/".to_owned());
    let (issue, base_url) = (issue(path), Url::parse("https://tides.example.org/blog/").unwrap());
    let of = Body { issue: &issue, base_url: &base_url, includes: &includes, address: &address };
    let Translated { markdown, lost } = jekyll.markdown(body, &of);
    let lost = lost.into_iter().map(|lost| (body[lost.range].to_owned(), lost.what)).collect();
    (markdown.into_owned(), lost)
}

fn rendered(body: &str) -> (String, Vec<(String, String)>) {
    rendered_in("_posts/2026-11-20-a.md", body)
}

/// The body without Liquid if nothing of it is lost.
fn shown(body: &str) -> String {
    let (shown, lost) = rendered(body);
    assert_eq!(lost, [], "{body}");
    shown
}

#[test]
fn outputs_have_the_values_of_site_and_page() {
    for (body, expected) in [
        ("![a]({{ site.url }}{{ site.baseurl }}/a.png)", "![a](https://tides.example.org/blog/a.png)"),
        ("{{site.email}} {{ site.author.name }} {{ site.none }}.", "a@x.example Maren ."),
        ("{{ page.title | upcase }} {{ page.mood }} {{ page.date | date: '%Y' }}", "SPRING TIDES calm 2026"),
        ("{{ page.tags | join: ', ' }} {{ page.tags[1] }} {{ page['tags'].size }}", "sea, sky sky 2"),
        ("[a]({{ '/a b.pdf' | relative_url }})", "[a](/blog/a%20b.pdf)"),
        ("[a]({{ 'a.pdf' | absolute_url }})", "[a](https://tides.example.org/blog/a.pdf)"),
        ("{{ \"a | b\" | append: ', c' }}", "a | b, c"),
        (
            "{% assign a = 'x' | append: 'y' %}{% capture b %}{{ a }}\n*z*{% endcapture %}{{ b }}",
            "\n<p>xy <em>z</em></p>",
        ),
        ("{{ 'a'\n| upcase }}b", "A\nb"),
        ("`{{ 'code' }}` {{ site.data.x | default: 'b' }} {{ jekyll.environment }}", "`code` b production"),
    ] {
        assert_eq!(shown(body), expected, "{body}");
    }
}

#[test]
fn raw_text_stays_and_comments_vanish() {
    assert_eq!(shown("{% raw %}\n{{ page.title }} {% if %}\n{% endraw %}"), "\n{{ page.title }} {% if %}\n");
    assert_eq!(shown("a\n{% comment %}\nb {% if %}\n{% endcomment %}\nc"), "a\n\n\n\nc");
}

#[test]
fn conditions_choose_a_branch_and_keep_lines() {
    for (body, expected) in [
        ("{% if page.mood == 'calm' %}\na\n{% elsif x %}\nb\n{% else %}\nc\n{% endif %}", "\na\n\n\n\n\n"),
        ("{% unless page.mood %}a{% else %}b{% endunless %}", "b"),
        ("{% case page.mood %}\n{% when 'a', 'calm' %}a{% else %}b{% endcase %}", "\na"),
        (
            "{% for tag in page.tags %}{{ forloop.index }}{{ tag }}{% unless forloop.last %}, {% endunless %}{% endfor %}",
            "1sea, 2sky",
        ),
        ("{% for n in (1..3) reversed %}{{ n }}{% endfor %}", "321"),
    ] {
        assert_eq!(shown(body), expected, "{body}");
    }
    let (shown, lost) = rendered("{% if site.data.on %}a{% else %}b{% endif %}");
    assert_eq!((shown.as_str(), lost[0].1.as_str()), ("a", "the condition `{% if site.data.on %}`"));
}

#[test]
fn code_becomes_a_fenced_block() {
    for (body, expected) in [
        (
            "{% highlight Ruby linenos %}\nputs 1\n\n``` {{ 'x' }}\n{% endhighlight %}\nb",
            "````ruby\nputs 1\n\n``` x\n````\nb",
        ),
        ("- a\n  {% highlight c %}\n  b;\n  {% endhighlight %}", "- a\n  ```c\n  b;\n  ```"),
        ("{% highlight html %}{% raw %}\n<a>{{ b }}\n{% endraw %}{% endhighlight %}", "```html\n<a>{{ b }}\n```"),
        ("{% highlight html %}\n{% raw %}\n<a>\n{% endraw %}\n{% endhighlight %}\nb", "\n```html\n<a>\n```\n\nb"),
        (
            "a {% highlight c %}x < 1\ny{% endhighlight %} b",
            "a <pre><code class=\"language-c\">x &lt; 1&#10;y</code></pre>\n b",
        ),
        ("{% codeblock a.rb lang:ruby %}\nx\n{% endcodeblock %}", "```ruby\nx\n```"),
    ] {
        assert_eq!(shown(body), expected, "{body}");
    }
    let in_html = rendered_in("_posts/2026-11-20-a.html", "{% highlight c %}\na\n{% endhighlight %}").0;
    assert_eq!(in_html, "<pre><code class=\"language-c\">a</code></pre>\n\n");
}

#[test]
fn includes_are_written_in_one_line() {
    for (body, expected) in [
        ("a {% include sponsor.html name=\"the \\\"pier\\\"\" %} b", "a <p> the \"pier\"</p> b"),
        ("{% include sponsor.html\n  name=page.mood %}", "<p> calm</p>\n"),
        ("{% include_cached note.md title='A' %}", "<p><strong>A</strong></p> <p>Text for Spring tides.</p>"),
        ("{% include x/deep.html who='x' %}", "<b><p> x</p></b>"),
        ("{% include {{ 'code' | append: '.html' }} text='b' %}", "<pre>b&#10;a</pre>"),
        (
            "{% include youtube.html id=\"a-b_1\" %}",
            "<a href=\"https://www.youtube.com/watch?v=a-b_1\">https://www.youtube.com/watch?v=a-b_1</a>",
        ),
        (
            "{% include figure image_path=\"/a b.png\" alt=\"A\" caption=\"B & c\" %}",
            "<figure><img src=\"https://tides.example.org/blog/a%20b.png\" alt=\"A\"><figcaption>B &amp; c</figcaption></figure>",
        ),
    ] {
        assert_eq!(shown(body), expected, "{body}");
    }
    let (shown, lost) = rendered("a {% include none.html %}b{% include ../_config.yml %}{% include lost.html %}");
    assert_eq!(shown, "a b");
    let what: Vec<&str> = lost.iter().map(|(_, what)| what.as_str()).collect();
    let expected = [
        "the tag `{% include none.html %}`",
        "the tag `{% include ../_config.yml %}`",
        "the tag `{% nothing %}`",
        "`{{ site.data.x }}`",
    ];
    assert_eq!(what, expected);
    assert!(lost.iter().skip(2).all(|(text, _)| text == "{% include lost.html %}"));
}

#[test]
fn links_lead_to_posts_and_files() {
    for (body, expected) in [
        ("[b]({% post_url 2026-01-01-b %})", "[b](https://tides.example.org/blog/b/)"),
        ("[b]({% post_url /old/2026-01-02-C-d %})", "[b](https://tides.example.org/blog/2026/01/02/C-d/)"),
        ("[b]({% link assets/a b.pdf %})", "[b](https://tides.example.org/blog/assets/a%20b.pdf)"),
        ("[b]({% link about.md %})", "[b](https://tides.example.org/blog/about/)"),
        ("[b]({% link _docs/history.md %})", "[b](https://tides.example.org/blog/docs/history.html)"),
    ] {
        assert_eq!(shown(body), expected, "{body}");
    }
}

#[test]
fn tags_of_plugins_leave_a_link() {
    let link = |url: &str| format!("<a href=\"{url}\">{url}</a>");
    for (body, expected) in [
        ("{% youtube a_B-1 %}", link("https://www.youtube.com/watch?v=a_B-1")),
        ("{% gist maren/12ab %}", link("https://gist.github.com/maren/12ab")),
        ("{% twitter https://twitter.com/a/status/1 %}", link("https://twitter.com/a/status/1")),
        ("{% img left /a.png 300 \"Low\" %}", "<img src=\"https://tides.example.org/blog/a.png\" alt=\"\">".to_owned()),
        ("{% seo %}", String::new()),
    ] {
        assert_eq!(shown(body), expected, "{body}");
    }
    let (shown, lost) = rendered(
        "a {% wrap x %}b{% endwrap %} {{ undefined }}{{ 'c' | webp }}{% for p in site.posts %}d\n{% endfor %}",
    );
    assert_eq!(shown, "a b c\n");
    let what: Vec<&str> = lost.iter().map(|(_, what)| what.as_str()).collect();
    let expected =
        ["the tag `{% wrap x %}`", "`{{ undefined }}`", "the filter `webp`", "the loop `{% for p in site.posts %}`"];
    assert_eq!(what, expected);
}

#[test]
fn no_template_takes_much_time_or_memory() {
    let doubled = "{% assign a = 'aaaaaaaa' %}".to_owned() + &"{% assign a = a | append: a %}".repeat(100);
    for body in [
        "{% include loop.html %}".to_owned(),
        "{% include loop.html ".repeat(100_000),
        "{% for a in (1..999) %}".repeat(16) + "x" + &"{% endfor %}".repeat(16),
        doubled + &"{{ a }}".repeat(10_000),
        "{% if a %}".repeat(100_000),
        "{{ 'a' | ".repeat(100_000),
        "{% highlight ".repeat(100_000),
        "*a*{:".repeat(200_000),
        "<div markdown=\"1\">\n".repeat(50_000),
    ] {
        let (shown, _) = rendered(&body);
        assert!(shown.len() < 10 << 20, "{}", shown.len());
    }
}

proptest! {
    #[test]
    fn any_body_keeps_its_lines(parts in proptest::collection::vec(prop_oneof![
        Just("{% if page.mood %}"), Just("{% else %}"), Just("{% endif %}"), Just("{% for a in page.tags %}"), Just("{% endfor %}"),
        Just("{{ a }}"), Just("{{ 'x\ny' }}"), Just("{% highlight c %}"), Just("{% endhighlight %}"), Just("{% capture a %}"),
        Just("{% endcapture %}"), Just("{% include note.md %}"), Just("{% include\nsponsor.html %}"), Just("{% raw %}"), Just("{% endraw %}"),
        Just("{%"), Just("%}"), Just("{{"), Just("}}"), Just("é\n"), Just("\n"), Just("> "), Just("    "), Just("```\n"), Just("{:toc}\n"),
        Just("* TOC\n"), Just("{::comment}\n"), Just("{:/comment}\n"), Just("<div markdown=\"1\">\n"), Just("</div>\n"), Just("*a*{:.b}"), Just("\r\n"),
    ], 0..40)) {
        let body = parts.concat();
        for path in ["_posts/2026-11-20-a.md", "_posts/2026-11-20-a.html"] {
            let (shown, _) = rendered_in(path, &body);
            prop_assert_eq!(shown.matches('\n').count(), body.matches('\n').count(), "{}", shown);
        }
    }
}
