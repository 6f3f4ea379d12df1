use proptest::prelude::*;

use super::*;

fn text(markdown: &str) -> String {
    let permalink = Url::parse("https://example.org/blog/one/").unwrap();
    render(&Document::parse(markdown), &permalink, "picture: ")
}

#[test]
fn every_kind_of_block_is_rendered() {
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
[2] https://example.com/3\n\nNext\n----\n\n[a chart] [3] [picture: d.png] [4] six [5]\n\n\
[3] https://example.org/blog/one/c.png\n[4] https://example.com/5\n[5] https://example.org/6\n";
    assert_eq!(text(markdown), expected);
}

#[test]
fn a_line_break_between_cjk_characters_is_no_space() {
    assert_eq!(text("一二\n**三四**，\nfive\nsix 七  \n八\n"), "一二\n三四， five six 七\n八\n");
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
fn html_is_reduced_to_its_text() {
    assert_eq!(
        text("a<br>b <b>c</b>\n\n<div>\n<p>Words &amp; more</p>\n</div>\n\n<!-- no -->\n"),
        "a\nb c\n\nWords & more\n"
    );
}

#[test]
fn html_links_and_pictures_are_listed() {
    let markdown = "\
See <a href=\"/x\">this</a> and <img src=c.png alt='a > b'>, ![](d.png).\n\n\
<p align=\"center\"><a href=\"e\"><img src=\"f.png\" alt=\"E\"></a><br>A caption<script>alert(1)</script></p>\n\n\
<iframe src=\"https://example.com/talk\" title=\"A talk\"></iframe>\n\n\
Set <dataInfoId> to <b>1</b> < 2.\n";
    let expected = "\
See this [1] and [a > b] [2], [picture: d.png] [3].\n\n[E] [4]\nA caption\n\nA talk [5]\n\nSet <dataInfoId> to 1 < 2.\n\n\
[1] https://example.org/x\n[2] https://example.org/blog/one/c.png\n[3] https://example.org/blog/one/d.png\n\
[4] https://example.org/blog/one/e\n[5] https://example.com/talk\n";
    assert_eq!(text(markdown), expected);
}

#[test]
fn what_html_readers_do_not_see_is_not_in_the_text() {
    for (markdown, expected) in [
        ("a <svg><title>t</title><path/></svg> b", "a b\n"),
        (
            "a <video src=\"v.mp4\">cannot <b>play</b></video> b",
            "a v.mp4 [1] b\n\n[1] https://example.org/blog/one/v.mp4\n",
        ),
        ("a <video src=\"v.mp4\"> b", "a v.mp4 [1] b\n\n[1] https://example.org/blog/one/v.mp4\n"),
        (
            "<img data-src=\"a.png\"><noscript><img src=\"a.png\"></noscript> b",
            "[picture: a.png] [1] b\n\n[1] https://example.org/blog/one/a.png\n",
        ),
        (
            "<noscript><img src=\"a.png\"></noscript> b",
            "[picture: a.png] [1] b\n\n[1] https://example.org/blog/one/a.png\n",
        ),
        (
            "<img src=\"wait.gif\"> <noscript><img src=\"a.png\" alt=\"A\"></noscript> b",
            "[A] [1] b\n\n[1] https://example.org/blog/one/a.png\n",
        ),
        ("<div>\n<noscript>Scripts!</noscript>\nb\n</div>", "b\n"),
        ("![](data:image/png;base64,AA) b", "[picture] b\n"),
    ] {
        assert_eq!(text(markdown), expected, "{markdown}");
    }
}

#[test]
fn text_that_starts_like_a_quotation_is_escaped() {
    assert_eq!(text("\\> a\n\n> \\> b\n"), " > a\n\n>  > b\n");
}

proptest! {
    #[test]
    fn any_html_is_accepted(html in "([<>/!a-z='\" &;一]|<a href=x>|</a>|<img src=y>|<p>|<!--|-->){0,40}") {
        text(&html);
        text(&format!("<div>{html}</div>\n\n| a |\n|---|\n| {html} |\n"));
    }
}

#[test]
fn loose_items_and_quotations_keep_their_empty_lines() {
    assert_eq!(text("- a\n\n- b\n\n  > c\n\n  d\n"), "- a\n\n- b\n\n  > c\n\n  d\n");
    assert_eq!(text("-\n- b\n"), "-\n- b\n");
}

#[test]
fn html_tables_headings_and_code_are_rendered() {
    let markdown = "\
<table>\n<caption>Gauges</caption>\n<tr><th>港口</th><th>Height</th></tr>\n<tr><td>Merrow</td>\n<td><p>4</p><p>m</p></td></tr>\n\
</table>\n\n<h2>Next</h2>\n\n<pre>let a =\n    1 &lt; 2;<br>b</pre>\n\n<table><tr><td>One</td><td>row</td></tr></table>\n";
    let expected = "\
Gauges\n\n港口    Height\n------  ------\nMerrow  4  m\n\nNext\n----\n\n    let a =\n        1 < 2;\n    b\n\nOne  row\n";
    assert_eq!(text(markdown), expected);
}

#[test]
fn two_hyphens_alone_are_not_a_signature() {
    let long = "x".repeat(72);
    assert_eq!(text(&format!("-- {long}\n")), format!("--\n{long}\n"));
}

/// Columns, not counting trailing spaces.
fn width(line: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(line.trim_end())
}

proptest! {
    #[test]
    fn no_word_of_html_is_lost(
        pieces in proptest::collection::vec(
            "<table>|</table>|<tr>|</tr>|<td>|</td>|<th>|<caption>|</caption>|<pre>|</pre>|<h2>|</h2>|<p>|<li>|<br>|\n\n|\n|- |> |# |```\n",
            0..24,
        ),
    ) {
        let numbered = pieces.iter().enumerate().map(|(number, piece)| format!("{piece}word{number}."));
        let read = text(&format!("<div>\n{}", numbered.collect::<String>()));
        for number in 0..pieces.len() {
            let word = format!("word{number}.");
            prop_assert!(read.contains(&word), "{word} is lost: {read}");
        }
    }

    #[test]
    fn lines_fit_their_columns(
        words in proptest::collection::vec("[a-z]{1,16}|[一-龥，。]{1,30}|`[a-z]{1,9}`|\\*\\*[一-龥]{1,9}\\*\\*", 1..60),
        before in "|- |> |1\\. |- - |> - ", heading in "|# |## ",
    ) {
        let words = words.join(" ");
        let read = text(&format!("{heading}{words}\n\n{before}{words}\n"));
        let too_long: Vec<&str> = read.lines().filter(|line| width(line) > 72).collect();
        // Punctuation that cannot start a line stays with the text before it, however long.
        prop_assert!(too_long.iter().all(|line| line.contains(['，', '。'])), "{too_long:?}");
    }

    #[test]
    fn every_link_is_numbered_in_place_and_listed_once(
        sections in proptest::collection::vec(proptest::collection::vec(0_u8..6, 0..6), 1..5),
    ) {
        let link = |number: &u8| format!("[link](https://example.com/{number})");
        let section = |links: &Vec<u8>| format!("## S\n\n{}\n\n", links.iter().map(link).collect::<Vec<_>>().join(" "));
        let read = text(&sections.iter().map(section).collect::<String>());
        let mut next = 1;
        for (section, links) in read.split("S\n-\n").skip(1).zip(&sections) {
            let mut listed: Vec<u8> = Vec::new();
            links.iter().for_each(|one| if !listed.contains(one) { listed.push(*one) });
            let number = |one: &u8| next + listed.iter().position(|other| other == one).unwrap();
            let words: Vec<String> = links.iter().map(|one| format!("link [{}]", number(one))).collect();
            let list: Vec<String> = listed.iter().map(|one| format!("[{}] https://example.com/{one}", number(one))).collect();
            let (flat, expected) = (section.split_whitespace().collect::<Vec<_>>().join(" "), [words, list].concat().join(" "));
            prop_assert_eq!(flat, expected);
            next += listed.len();
        }
    }

    #[test]
    fn code_is_unchanged(code in "[ a-z<>#*|`~一-龥-]{0,100}(\n[ a-z<>#*|`~一-龥-]{0,100}){0,5}") {
        let read = text(&format!("`````` x\n{code}\n``````\n"));
        let expected: Vec<String> =
            code.trim_end_matches('\n').lines().map(|line| format!("    {line}").trim_end().to_owned()).collect();
        prop_assert_eq!(read.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn table_columns_are_aligned(
        rows in proptest::collection::vec(["[a-z]{0,8}", "[一-龥]{1,6}", "[a-z一-龥]{1,8}"], 1..6),
    ) {
        let row = |cells: &[String; 3]| format!("| {} |\n", cells.join(" | "));
        let read = text(&format!("| h | 头 | i |\n|---|---|---|\n{}", rows.iter().map(row).collect::<String>()));
        let rule = read.lines().nth(1).unwrap();
        let starts: Vec<usize> = rule.split("  ").scan(0, |at, dashes| { let start = *at; *at += dashes.len() + 2; Some(start) }).collect();
        for (line, cells) in read.lines().skip(2).zip(&rows) {
            let mut at = 0;
            for (cell, start) in cells.iter().zip(&starts).filter(|(cell, _)| !cell.is_empty()) {
                at += line[at..].find(cell.as_str()).unwrap();
                prop_assert_eq!(width(&format!("{}|", &line[..at])) - 1, *start, "{}", read);
                at += cell.len();
            }
        }
    }
}
