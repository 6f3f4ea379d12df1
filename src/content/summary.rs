//! The summary of an issue without a description: the beginning of its text.
//!
//! Takes a document; returns plain text up to `<!--more-->`, or else about as much as Hugo takes.

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::content::cjk::join_without_space;
use crate::content::html::raw::is_element;
use crate::content::html::tag;
use crate::content::html::without_illegal_chars;
use crate::content::markdown::Document;

/// In columns, a CJK character counting as two: about 70 words.
const MAX_WIDTH: usize = 400;

/// The first paragraphs of a document as one line of plain text; empty if it has no text.
pub fn summary(document: &Document<'_>) -> String {
    let has_marker = document.events().iter().any(is_more);
    let mut text = String::new();
    let mut hidden = 0_usize;
    for event in document.events() {
        match event {
            event if is_more(event) => break,
            Event::Start(Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::Table(_) | Tag::Image { .. })
            | Event::Start(Tag::FootnoteDefinition(_)) => hidden += 1,
            Event::End(TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::Table | TagEnd::Image)
            | Event::End(TagEnd::FootnoteDefinition) => hidden -= 1,
            Event::Text(words) | Event::Code(words) if hidden == 0 => text.push_str(words),
            Event::InlineMath(formula) | Event::DisplayMath(formula) if hidden == 0 => {
                text.push_str(&format!("${formula}$"));
            }
            Event::InlineHtml(html) if hidden == 0 && is_text(html) => text.push_str(html),
            Event::SoftBreak | Event::HardBreak if hidden == 0 => text.push(' '),
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::DefinitionListTitle) if hidden == 0 => {
                text.push('\n');
                if !has_marker && width(&text) >= MAX_WIDTH {
                    break;
                }
            }
            _ => {}
        }
    }
    let line = collapse_white_space(&without_illegal_chars(&text));
    if has_marker { line } else { truncate(line) }
}

fn is_more(event: &Event<'_>) -> bool {
    matches!(event, Event::Html(html) | Event::InlineHtml(html) if html.trim().eq_ignore_ascii_case("<!--more-->"))
}

/// Text that merely looks like a tag (`Vec<String>`) is text, as in the full content.
fn is_text(html: &str) -> bool {
    html.starts_with('<') && tag::Tag::at(html).is_some_and(|tag| !is_element(&tag.name))
}

fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// Collapses white space; a line break between CJK characters is removed.
fn collapse_white_space(text: &str) -> String {
    let mut line = String::new();
    for paragraph in text.split('\n') {
        for word in paragraph.split_whitespace() {
            let joined = match (line.chars().next_back(), word.chars().next()) {
                (Some(before), Some(after)) => join_without_space(before, after),
                _ => true,
            };
            if !joined {
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
            "潮汐每天两次。 See this & c."
        );
        assert_eq!(of("- one\n- two\n"), "one two");
        assert_eq!(
            of("Set <dataInfoId> of `Vec<T>`, Vec<String> <b>now</b>."),
            "Set <dataInfoId> of Vec<T>, Vec<String> now."
        );
        assert_eq!(of("```\ncode\n```\n"), "");
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
