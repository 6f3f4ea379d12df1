use proptest::prelude::*;

use super::*;

fn html(markdown: &str, reader: Reader) -> String {
    let permalink = Url::parse("https://example.org/blog/seven/").unwrap();
    render(&Document::parse(markdown), &permalink, "seven-", reader)
}

fn feed(markdown: &str) -> String {
    html(markdown, Reader::Feed)
}

#[test]
fn relative_urls_become_absolute() {
    assert_eq!(
        feed("[six](../six/ \"六\") ![图](a%20b.png)"),
        "<p><a href=\"https://example.org/blog/six/\" title=\"六\">six</a> \
         <img src=\"https://example.org/blog/seven/a%20b.png\" alt=\"图\"></p>\n"
    );
}

#[test]
fn footnotes_come_last_and_link_both_ways_inside_one_issue() {
    let markdown = "[^a b]: 汐\n\n潮[^a b]，水[^a b]\n";
    let expected = |base: &str| {
        format!(
            "<p>潮<sup id=\"seven-fnref-a b\"><a href=\"{base}#seven-fn-a%20b\">1</a></sup>，\
             水<sup><a href=\"{base}#seven-fn-a%20b\">1</a></sup></p>\n<hr>\n<ol>\n\
             <li id=\"seven-fn-a b\">\n<p>汐 <a href=\"{base}#seven-fnref-a%20b\">↩\u{fe0e}</a></p>\n</li>\n</ol>\n"
        )
    };
    assert_eq!(feed(markdown), expected("https://example.org/blog/seven/"));
    assert_eq!(html(markdown, Reader::Mail), expected(""));
}

#[test]
fn formulas_are_unchanged() {
    assert_eq!(feed(r"$$a < \{b_1*c*\}$$"), "<p>$$a &lt; \\{b_1*c*\\}$$</p>\n");
}

#[test]
fn cells_keep_their_alignment_without_style() {
    let table = feed("| a | b |\n|:-:|--:|\n| 1 | 2 |\n");
    assert!(table.contains("<td align=\"center\">1</td><td align=\"right\">2</td>"), "{table}");
    assert!(!table.contains("style"), "{table}");
}

#[test]
fn content_that_needs_scripts_is_shown() {
    assert_eq!(
        feed(
            "<video\n  poster=\"p.png\">\n<source src=\"v.mp4\">\n</video>\n\n<img\n  src=\"x.gif\" data-src=\"a.png\">\n"
        ),
        "<p><a href=\"https://example.org/blog/seven/v.mp4\"><img src=\"https://example.org/blog/seven/p.png\" alt=\"v.mp4\"></a></p>\n\
         <p><img src=\"https://example.org/blog/seven/a.png\"></p>\n"
    );
}

#[test]
fn active_content_is_removed() {
    let markdown = "<script>alert(1)</script>\n\n<p onclick=\"x()\" style=\"color:red\" class=\"c\">text</p>\n\n\
                    [bad](javascript:alert(1)) <img src=x onerror=alert(1)>\n";
    assert_eq!(feed(markdown), "\n<p>text</p>\n<p><a>bad</a> <img src=\"https://example.org/blog/seven/x\"></p>\n");
}

#[test]
fn text_in_angle_brackets_stays_readable() {
    assert_eq!(feed("set <dataInfoId> to `<x>`"), "<p>set &lt;dataInfoId&gt; to <code>&lt;x&gt;</code></p>\n");
    assert_eq!(feed("<scope>\n"), "&lt;scope&gt;\n");
}

#[test]
fn tasks_are_shown_by_every_reader() {
    assert_eq!(feed("- [x] done\n- [ ] open\n"), "<ul>\n<li>☑ done</li>\n<li>☐ open</li>\n</ul>\n");
}

#[test]
fn an_image_without_url_leaves_its_text() {
    assert_eq!(feed("![潮](data:image/png;base64,AA) end"), "<p>潮 end</p>\n");
}

#[test]
fn deep_nesting_is_limited() {
    let html = feed(&format!("{}text", ">".repeat(5000)));
    assert_eq!(html.matches("<blockquote>").count(), depth::MAX_DEPTH);
    assert!(html.contains("text"));
}

#[test]
fn illegal_characters_are_removed() {
    assert_eq!(feed("<div>a&#1;&#xfffe;b&#xd;c</div>\n"), "<div>ab\nc</div>\n");
    assert_eq!(without_illegal_chars("a\u{0}\u{8}\u{85}\u{fffd}\u{fffe}\u{1fffe}b\t\n"), "ab\t\n");
}

proptest! {
    #[test]
    fn any_markdown_yields_absolute_urls_and_no_active_content(markdown in "(\\PC|[<>\\[\\]()!#\"'=/ \n*`&;:]|src|href|script|img|onload|javascript:){0,60}") {
        let html = feed(&markdown);
        for attribute in [" href=\"", " src=\""] {
            for value in html.split(attribute).skip(1) {
                let absolute = ["https://", "http://", "mailto:", "tel:"].iter().any(|start| value.starts_with(start));
                prop_assert!(absolute, "{}", html);
            }
        }
        prop_assert!(!html.contains("<script") && !html.contains("<iframe") && !html.contains("<style"));
    }

    #[test]
    fn any_raw_html_is_accepted(html in "[<>a-z/='\" !-]{0,60}") {
        let _ = raw::repair(&html);
    }
}

#[test]
fn columns_keep_their_alignment() {
    let expected = "<table><thead><tr><th>a</th><th align=\"right\">b</th></tr></thead><tbody>\n\
        <tr><td>c</td><td align=\"right\">d</td></tr>\n</tbody></table>\n";
    assert_eq!(feed("| a | b |\n|---|--:|\n| c | d |\n"), expected);
}
