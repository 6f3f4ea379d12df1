use proptest::prelude::*;

use super::*;

fn text(markdown: &str) -> String {
    let permalink = Url::parse("https://example.org/blog/one/").unwrap();
    render(&Document::parse(markdown), &permalink)
}

#[test]
fn every_block_has_its_form() {
    let markdown = "\
# 周刊\n\nOne *two* `three`.\nFour.\n\n## News\n\n- a\n- b\n  1. c\n  2. d\n- [ ] e\n- [x] f\n\n> quoted\n>\n> again\n\n\
```rust\nfn main() {\n    run();\n}\n```\n\n| 项目 | Stars |\n|---|--:|\n| MOSN | 9 |\n\n---\n\n### End\n\nSee [^x].\n\n[^x]: A note.\n";
    let expected = "\
周刊\n====\n\nOne two `three`. Four.\n\nNews\n----\n\n- a\n- b\n  1. c\n  2. d\n- [ ] e\n- [x] f\n\n> quoted\n>\n> again\n\n    \
fn main() {\n        run();\n    }\n\n项目  Stars\n----  -----\nMOSN      9\n\n* * *\n\nEnd\n---\n\nSee [^1].\n\n[^1] A note.\n";
    assert_eq!(text(markdown), expected);
}

#[test]
fn links_are_listed_at_the_end_of_their_section() {
    let markdown = "\
[Two](../two/) and [three](https://example.com/3), <https://example.com/4>, <a@example.com>.\n\n## Next\n\n\
![a chart](c.png) [![](d.png)](https://example.com/5) [six](/6)\n";
    let expected = "\
Two [1] and three [2], https://example.com/4, a@example.com.\n\n[1] https://example.org/blog/two/\n\
[2] https://example.com/3\n\nNext\n----\n\n[a chart] [3] https://example.com/5 six [4]\n\n\
[3] https://example.org/blog/one/c.png\n[4] https://example.org/6\n";
    assert_eq!(text(markdown), expected);
}

#[test]
fn a_line_break_between_cjk_characters_is_no_space() {
    assert_eq!(text("一二\n**三四**，\nfive\nsix 七  \n八\n"), "一二三四， five six 七\n八\n");
    assert_eq!(text("안녕\n세계\n"), "안녕 세계\n");
}

#[test]
fn a_paragraph_flows_and_an_item_does_not() {
    let words = "word ".repeat(20);
    let (first, rest) = (["word"; 14].join(" "), ["word"; 6].join(" "));
    assert_eq!(text(&words), format!("{first}  \n{rest}\n"));
    assert_eq!(text(&format!("- {words}")), format!("- {first}\n  {rest}\n"));
    assert_eq!(text(&"一".repeat(40)), format!("{} \n{}\n", "一".repeat(36), "一".repeat(4)));
}

#[test]
fn html_leaves_its_words() {
    assert_eq!(
        text("a<br>b <b>c</b>\n\n<div>\n<p>Words &amp; more</p>\n</div>\n\n<!-- no -->\n"),
        "a\nb c\n\nWords & more\n"
    );
}

#[test]
fn html_leaves_its_links_and_pictures() {
    let markdown = "\
See <a href=\"/x\">this</a> and <img src=c.png alt='a > b'>, ![](d.png).\n\n\
<p align=\"center\"><a href=\"e\"><img src=\"f.png\" alt=\"E\"></a><br>A caption<script>alert(1)</script></p>\n\n\
<iframe src=\"https://example.com/talk\" title=\"A talk\"></iframe>\n\n\
Set <dataInfoId> to <b>1</b> < 2.\n";
    let expected = "\
See this [1] and [a > b] [2], [3].\n\n[E] [4]\nA caption\n\nA talk [5]\n\nSet <dataInfoId> to 1 < 2.\n\n\
[1] https://example.org/x\n[2] https://example.org/blog/one/c.png\n[3] https://example.org/blog/one/d.png\n\
[4] https://example.org/blog/one/e\n[5] https://example.com/talk\n";
    assert_eq!(text(markdown), expected);
}

#[test]
fn text_that_begins_like_a_quote_is_none() {
    assert_eq!(text("\\> a\n\n> \\> b\n"), " > a\n\n>  > b\n");
}

proptest! {
    #[test]
    fn any_html_is_taken(html in "([<>/!a-z='\" &;一]|<a href=x>|</a>|<img src=y>|<p>|<!--|-->){0,40}") {
        text(&html);
        text(&format!("<div>{html}</div>\n\n| a |\n|---|\n| {html} |\n"));
    }
}

#[test]
fn loose_items_and_quotes_in_items_keep_their_blank_lines() {
    assert_eq!(text("- a\n\n- b\n\n  > c\n\n  d\n"), "- a\n\n- b\n\n  > c\n\n  d\n");
    assert_eq!(text("-\n- b\n"), "-\n- b\n");
}
