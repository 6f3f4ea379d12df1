//! Parses Markdown into events, once per issue: HTML, plain text and summary are all made from them.
//!
//! CommonMark and GFM by pulldown-cmark, with emphasis that works in CJK text. `html`, `plain_text` and `summary`
//! render the events.

use std::borrow::Cow;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag};

use crate::content::cjk::{join_without_space, with_sentinels, without_sentinels};

mod autolinks;
mod block_extensions;
pub mod offsets;

/// Extensions to CommonMark; `Document::parse` tries formulas separately.
const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_GFM)
    .union(Options::ENABLE_DEFINITION_LIST)
    .union(Options::ENABLE_HEADING_ATTRIBUTES);

/// Deviations from the standards: keys below `markdown` in the project file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// CJK-friendly emphasis and line breaks.
    pub cjk: bool,
    /// Turns bare URLs and email addresses into links.
    pub linkify: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { cjk: true, linkify: true }
    }
}

/// The parsed body of an issue.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    events: Vec<Event<'a>>,
}

impl<'a> Document<'a> {
    /// Parses CommonMark with tables, strikethrough, task lists, footnotes, definition lists, heading attributes and
    /// formulas between dollar signs, in the default dialect.
    pub fn parse(markdown: &'a str) -> Self {
        Self::parse_as(markdown, Dialect::default())
    }

    /// Parses in another dialect.
    pub fn parse_as(markdown: &'a str, dialect: Dialect) -> Self {
        let mut events = Vec::new();
        if markdown.contains('$') {
            events = parse_events(markdown, OPTIONS | Options::ENABLE_MATH, dialect);
        }
        if events.is_empty() || events.iter().any(is_not_a_formula) {
            events = parse_events(markdown, OPTIONS, dialect);
        }
        if block_extensions::may_contain(markdown) {
            events = block_extensions::apply(events);
        }
        if dialect.linkify && autolinks::may_contain(markdown) {
            events = autolinks::add_links(events);
        }
        if dialect.cjk {
            events = without_cjk_breaks(events);
        }
        Self { events }
    }

    /// Replaces the events.
    pub fn map_events(self, map: impl FnOnce(Vec<Event<'a>>) -> Vec<Event<'static>>) -> Document<'static> {
        Document { events: map(self.events) }
    }

    /// Replaces the targets of links for which `map` returns another.
    pub fn map_links(mut self, map: impl Fn(&str) -> Option<String>) -> Self {
        for event in &mut self.events {
            if let Event::Start(Tag::Link { dest_url, .. }) = event
                && let Some(target) = map(dest_url)
            {
                *dest_url = target.into();
            }
        }
        self
    }

    /// The events, in order.
    pub fn events(&self) -> &[Event<'a>] {
        &self.events
    }
}

fn parse_events(markdown: &str, options: Options, dialect: Dialect) -> Vec<Event<'_>> {
    let marked = if dialect.cjk { with_sentinels(markdown) } else { Cow::Borrowed(markdown) };
    match marked {
        Cow::Borrowed(text) => Parser::new_ext(text, options).collect(),
        Cow::Owned(text) => Parser::new_ext(&text, options).map(unmarked).collect(),
    }
}

/// Whether this is Markdown between the dollar signs of two prices, not a formula.
fn is_not_a_formula(event: &Event<'_>) -> bool {
    let Event::InlineMath(text) = event else { return false };
    ["](", "**", "`", "~~", "://"].iter().any(|markup| text.contains(markup))
}

/// An owned event without sentinels.
fn unmarked(event: Event<'_>) -> Event<'static> {
    map_strings(event, &|text| without_sentinels(text).into_owned().into())
}

/// An owned event with every string in it mapped.
pub(crate) fn map_strings(event: Event<'_>, map: &dyn Fn(&str) -> CowStr<'static>) -> Event<'static> {
    match event {
        Event::Text(text) => Event::Text(map(&text)),
        Event::Code(text) => Event::Code(map(&text)),
        Event::Html(text) => Event::Html(map(&text)),
        Event::InlineHtml(text) => Event::InlineHtml(map(&text)),
        Event::InlineMath(text) => Event::InlineMath(map(&text)),
        Event::DisplayMath(text) => Event::DisplayMath(map(&text)),
        Event::FootnoteReference(label) => Event::FootnoteReference(map(&label)),
        Event::Start(tag) => Event::Start(map_tag(tag, map)),
        other => other.into_static(),
    }
}

fn map_tag(tag: Tag<'_>, map: &dyn Fn(&str) -> CowStr<'static>) -> Tag<'static> {
    use pulldown_cmark::CodeBlockKind::Fenced;
    match tag {
        Tag::CodeBlock(Fenced(info)) => Tag::CodeBlock(Fenced(map(&info))),
        Tag::FootnoteDefinition(label) => Tag::FootnoteDefinition(map(&label)),
        Tag::Link { link_type, dest_url, title, id } => {
            Tag::Link { link_type, dest_url: map(&dest_url), title: map(&title), id: map(&id) }
        }
        Tag::Image { link_type, dest_url, title, id } => {
            Tag::Image { link_type, dest_url: map(&dest_url), title: map(&title), id: map(&id) }
        }
        Tag::Heading { level, id, classes, attrs } => Tag::Heading {
            level,
            id: id.map(|id| map(&id)),
            classes: classes.iter().map(|class| map(class)).collect(),
            attrs: attrs.iter().map(|(name, value)| (map(name), value.as_ref().map(|value| map(value)))).collect(),
        },
        other => other.into_static(),
    }
}

/// Removes line breaks between characters of scripts written without spaces.
fn without_cjk_breaks(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let between = |at: usize| {
        let before = events[..at].iter().rev().find_map(last_char);
        let after = events[at + 1..].iter().find_map(first_char);
        matches!((before, after), (Some(before), Some(after)) if join_without_space(before, after))
    };
    let gone: Vec<bool> = (0..events.len()).map(|at| events[at] == Event::SoftBreak && between(at)).collect();
    events.into_iter().zip(gone).filter(|(_, gone)| !gone).map(|(event, _)| event).collect()
}

/// The last character before a line break; ignores emphasis around it.
fn last_char(event: &Event<'_>) -> Option<char> {
    match event {
        Event::Text(text) | Event::Code(text) => text.chars().next_back(),
        Event::End(_) | Event::Start(_) => None,
        _ => Some(' '),
    }
}

fn first_char(event: &Event<'_>) -> Option<char> {
    match event {
        Event::Text(text) | Event::Code(text) => text.chars().next(),
        Event::Start(_) | Event::End(_) => None,
        _ => Some(' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn html(markdown: &str) -> String {
        let mut html = String::new();
        pulldown_cmark::html::push_html(&mut html, Document::parse(markdown).events().iter().cloned());
        html
    }

    #[test]
    fn a_line_break_between_cjk_characters_is_not_a_space() {
        assert_eq!(html("一行\n二行"), "<p>一行二行</p>\n");
        assert_eq!(html("**一行，**\n**二行**"), "<p><strong>一行，</strong><strong>二行</strong></p>\n");
        assert_eq!(html("一行\nline"), "<p>一行\nline</p>\n");
        assert_eq!(html("한 줄\n두 줄"), "<p>한 줄\n두 줄</p>\n");
        assert_eq!(html("一行  \n二行"), "<p>一行<br />\n二行</p>\n");
    }

    #[test]
    fn sentinels_leave_no_trace() {
        let markdown = "**文：**字 [**文：**字](</a**文：**字> \"**文：**字\") `**文：**字`[^注]\n\n[^注]: **文：**字\n\n\
                        ```**文：**字\n**文：**字\n```\n\n<b title=\"**文：**字\">x</b>\n\n# 标 {#**文：**字}\n";
        assert!(!format!("{:?}", Document::parse(markdown).events()).contains('\u{fdd0}'));
    }

    #[test]
    fn code_and_links_keep_their_text() {
        let markdown = "```\n**文：**字\n```\n\n    **文：**字\n\n<https://example.org/**文：**字>\n";
        let mut plain = String::new();
        pulldown_cmark::html::push_html(&mut plain, Parser::new(markdown));
        assert_eq!(html(markdown), plain);
    }

    #[test]
    fn formulas_keep_every_character() {
        let math = |markdown| match Document::parse(markdown).events().get(1) {
            Some(Event::InlineMath(text) | Event::DisplayMath(text)) => Some(text.to_string()),
            _ => None,
        };
        assert_eq!(math(r"$\{a_1 * b*\}$").as_deref(), Some(r"\{a_1 * b*\}"));
        assert_eq!(math(r"$$a \\ b$$").as_deref(), Some(r"a \\ b"));
        assert_eq!(math("$文：**字**：$").as_deref(), None);
        assert_eq!(html("A$5 or [less](/less), B$1"), "<p>A$5 or <a href=\"/less\">less</a>, B$1</p>\n");
    }

    #[test]
    fn hugo_extensions_are_supported() {
        assert_eq!(
            html("- [x] done :smile:\n"),
            "<ul>\n<li><input disabled=\"\" type=\"checkbox\" checked=\"\"/>\ndone :smile:</li>\n</ul>\n"
        );
        assert_eq!(html("It is $5 and $6 there, \"really\""), "<p>It is $5 and $6 there, \"really\"</p>\n");
        assert!(html("Term\n: Meaning\n").contains("<dt>Term</dt>"));
        assert!(html("## 潮汐 {#tides}\n").starts_with("<h2 id=\"tides\">"));
    }
}
