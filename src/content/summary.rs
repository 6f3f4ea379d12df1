//! The summary of an issue without a description: the beginning of its text.
//!
//! Takes a document; returns plain text up to `<!--more-->`, or else about as much as Hugo takes. Headings, tables, code,
//! pictures and what readers never show (`<script>`, `<svg>`) are left out.

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::content::cjk::is_unspaced;
use crate::content::html::raw::{PLAYERS, is_element};
use crate::content::html::{DROPPED, tag, without_illegal_chars};
use crate::content::markdown::Document;

/// In columns, a CJK character counting as two: about 70 words.
const MAX_WIDTH: usize = 400;

const MORE: &str = "<!--more-->";

/// HTML elements that are left out with their content, as the Markdown for the same is.
const LEFT_OUT: [&str; 11] = ["audio", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "summary", "table"];

/// HTML elements inside a line of text.
const INLINE: [&str; 33] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u",
    "var",
];

/// The first paragraphs of a document as one line of plain text; empty if it has no text.
pub fn summary(document: &Document<'_>) -> String {
    let events = document.events();
    let mut writer = Writer { has_marker: events.iter().any(has_marker), ..Writer::default() };
    for (at, event) in events.iter().enumerate() {
        if writer.event(event, &events[at + 1..]) {
            break;
        }
    }
    let line = one_line(&without_illegal_chars(&writer.text));
    if writer.has_marker { line } else { truncate(line) }
}

fn has_marker(event: &Event<'_>) -> bool {
    matches!(event, Event::Html(html) | Event::InlineHtml(html) if marker(html).is_some())
}

fn marker(html: &str) -> Option<usize> {
    html.contains("<!--").then(|| html.to_ascii_lowercase().find(MORE)).flatten()
}

#[derive(Default)]
struct Writer {
    has_marker: bool,
    /// A line feed separates blocks and lines.
    text: String,
    /// Open Markdown elements that are left out.
    hidden: usize,
    /// The open HTML element that is left out, and how many of its name are open.
    hidden_html: Option<(String, usize)>,
    /// Elements without another end tag: searching again for each of them would take quadratic time.
    without_end: Vec<String>,
    /// HTML of the open block.
    html: String,
}

impl Writer {
    /// Adds an event; returns whether the summary ends here. `rest` is what follows.
    fn event(&mut self, event: &Event<'_>, rest: &[Event<'_>]) -> bool {
        match event {
            Event::InlineHtml(html) if marker(html).is_some() => return true,
            Event::Start(Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::Table(_) | Tag::Image { .. })
            | Event::Start(Tag::FootnoteDefinition(_)) => self.hidden += 1,
            Event::End(TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::Table | TagEnd::Image)
            | Event::End(TagEnd::FootnoteDefinition) => self.hidden -= 1,
            Event::Html(html) => self.html.push_str(html),
            Event::End(TagEnd::HtmlBlock) => {
                let html = std::mem::take(&mut self.html);
                return self.html(&html, rest) || self.is_long();
            }
            Event::InlineHtml(html) => drop(self.html(html, rest)),
            Event::Text(words) | Event::Code(words) => self.push(words),
            Event::InlineMath(formula) => self.push(&format!("${formula}$")),
            Event::DisplayMath(formula) => self.push(&format!("$${formula}$$")),
            Event::SoftBreak => self.push(" "),
            Event::HardBreak => self.push("\n"),
            Event::Start(Tag::Link { .. } | Tag::Emphasis | Tag::Strong | Tag::Strikethrough)
            | Event::End(TagEnd::Link | TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough) => {}
            Event::Start(_) => self.push("\n"),
            Event::End(_) => {
                self.push("\n");
                return self.is_long();
            }
            Event::Rule | Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
        }
        false
    }

    fn push(&mut self, text: &str) {
        if self.hidden == 0 && self.hidden_html.is_none() {
            self.text.push_str(text);
        }
    }

    fn is_long(&self) -> bool {
        !self.has_marker && width(&self.text) >= MAX_WIDTH
    }

    /// Adds the words of raw HTML; returns whether the marker is in it.
    fn html(&mut self, html: &str, following: &[Event<'_>]) -> bool {
        let mut rest = html;
        while let Some(open) = rest.find('<') {
            self.words(&rest[..open]);
            rest = &rest[open..];
            if rest.starts_with("<!--") {
                if marker(rest) == Some(0) {
                    return true;
                }
                rest = rest.find("-->").map_or("", |end| &rest[end + 3..]);
                continue;
            }
            let Some(tag) = tag::Tag::at(rest) else {
                self.words("<");
                rest = &rest[1..];
                continue;
            };
            rest = &rest[tag.source.len()..];
            self.tag(&tag, rest, following);
        }
        self.words(rest);
        false
    }

    fn words(&mut self, words: &str) {
        self.push(&html_escape::decode_html_entities(words).replace(['\n', '\r'], " "));
    }

    /// Text that merely looks like a tag (`Vec<String>`) is text, as in the full content.
    fn tag(&mut self, tag: &tag::Tag<'_>, rest: &str, following: &[Event<'_>]) {
        let name = tag.name.as_str();
        if let Some((open, count)) = self.hidden_html.as_mut().filter(|(open, _)| open == name) {
            *count = if tag.closes { *count - 1 } else { *count + 1 };
            if *count == 0 {
                let is_block = !DROPPED.contains(&open.as_str());
                self.hidden_html = None;
                self.push(if is_block { "\n" } else { " " });
            }
        } else if self.hidden_html.is_some() {
        } else if !is_element(name) {
            self.push(tag.source);
        } else if is_left_out(name) && !tag.closes && self.ends_later(name, rest, following) {
            self.hidden_html = Some((name.to_owned(), 1));
        } else if !INLINE.contains(&name) && name != "img" {
            self.push("\n");
        }
    }

    /// Whether an element ends in the rest of its HTML or in what follows; one that does not hides nothing.
    fn ends_later(&mut self, name: &str, rest: &str, following: &[Event<'_>]) -> bool {
        if self.without_end.iter().any(|other| other == name) {
            return false;
        }
        let end = format!("</{name}");
        let has_end = |html: &str| html.contains("</") && html.to_ascii_lowercase().contains(&end);
        let ends = has_end(rest)
            || following
                .iter()
                .any(|event| matches!(event, Event::Html(html) | Event::InlineHtml(html) if has_end(html)));
        if !ends {
            self.without_end.push(name.to_owned());
        }
        ends
    }
}

fn is_left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name) || DROPPED.contains(&name) || PLAYERS.contains(&name)
}

fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// Joins the lines and collapses white space. After CJK punctuation, lines need no space between them.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for part in text.split('\n') {
        for (index, word) in part.split_whitespace().enumerate() {
            let joins = |before: char| {
                index == 0 && is_unspaced(before) && !before.is_alphanumeric() && word.starts_with(is_unspaced)
            };
            if line.chars().next_back().is_some_and(|before| !joins(before)) {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

/// At most `MAX_WIDTH` columns, cut after a sentence if possible, else between words.
fn truncate(line: String) -> String {
    if width(&line) <= MAX_WIDTH {
        return line;
    }
    let mut columns = 0;
    let fits = |(at, c): (usize, char)| {
        columns += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        (columns <= MAX_WIDTH).then_some(at + c.len_utf8())
    };
    let end = line.char_indices().map_while(fits).last().unwrap_or(0);
    let cut = &line[..end];
    let sentence = cut.rfind(['。', '！', '？']).map(|at| at + '。'.len_utf8()).or(cut.rfind(". ").map(|at| at + 1));
    if let Some(end) = sentence.filter(|end| *end > cut.len() / 2) {
        return cut[..end].to_owned();
    }
    let end = cut.rfind(' ').filter(|end| *end > cut.len() / 2).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(markdown: &str) -> String {
        summary(&Document::parse(markdown))
    }

    #[test]
    fn the_first_paragraphs_without_markup() {
        assert_eq!(
            of("# Title\n\n**潮汐**每天\n两次。\n\n![图](a.png)\n\nSee [this](b) & `c`.\n"),
            "潮汐每天 两次。 See this & c."
        );
        assert_eq!(of("- one\n- two\n"), "one two");
        assert_eq!(
            of("Set <dataInfoId> of `Vec<T>`, Vec<String> <b>now</b>."),
            "Set <dataInfoId> of Vec<T>, Vec<String> now."
        );
        assert_eq!(of("```\ncode\n```\n"), "");
    }

    #[test]
    fn words_do_not_run_together_and_spaces_stay() {
        for (markdown, expected) in [
            ("- one\n  - two\n- three\n", "one two three"),
            ("one<br>two<br/>三<br>四", "one two 三 四"),
            ("参加者：佐藤 鈴木　高橋。\n\n次の段落", "参加者：佐藤 鈴木 高橋。次の段落"),
            ("标题\n\n正文", "标题 正文"),
            (
                "潮水每天涨落两次，港口的时刻表因此每天不同，渔民在前\n一晚查好。",
                "潮水每天涨落两次，港口的时刻表因此每天不同，渔民在前一晚查好。",
            ),
        ] {
            assert_eq!(of(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn html_is_summarised_without_what_readers_do_not_see() {
        for (markdown, expected) in [
            ("Before <script>var x = 1 < 2;</script> after.", "Before after."),
            ("Before <style>p{color:red}</style> after.", "Before after."),
            ("Icon <svg><title>t</title><path d=\"M0\"/></svg> here.", "Icon here."),
            ("Then <math><mi>x</mi></math> holds.", "Then holds."),
            ("See <video src=\"/v.mp4\">Your browser cannot.</video>", "See"),
            (
                "<p>The <b>harbour</b> master &amp; crew<br>wrote.</p>\n\n<!--more-->\n\n<p>Rest.</p>",
                "The harbour master & crew wrote.",
            ),
            ("<div>\n<h2>Head</h2>\n<p>One</p><p>two</p>\n<!--more-->\n<p>three</p></div>", "One two"),
            ("<script>\nlet a;\n\nlet b;\n</script>\n\nText", "Text"),
            ("<svg>\n\n<path/>\n\n</svg>\n\nText", "Text"),
            ("<video>\n\nText", "Text"),
        ] {
            assert_eq!(of(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn the_author_may_set_the_end() {
        let long = "word ".repeat(200);
        assert_eq!(of(&format!("{long}\n\n<!--more-->\n\nrest")), long.trim());
        assert_eq!(of("one\n<!-- more -->\n\ntwo"), "one two");
    }

    #[test]
    fn a_long_text_is_cut_after_a_sentence() {
        let sentence = "潮水每天涨落两次，港口的时刻表因此每天不同。";
        let summary = of(&sentence.repeat(20));
        assert!(
            summary.ends_with('。') && width(&summary) <= MAX_WIDTH && width(&summary) > MAX_WIDTH / 2,
            "{summary}"
        );
        assert!(of(&"word ".repeat(200)).ends_with("word…"));
    }
}
