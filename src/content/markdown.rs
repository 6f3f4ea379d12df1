//! Parses Markdown into events, once per issue: HTML, plain text and summary are all made from them.
//!
//! CommonMark and GFM by pulldown-cmark, with what Hugo adds to them, and with emphasis and line breaks that work in CJK
//! text. `html`, `plain_text` and `summary` render the events.

use std::borrow::Cow;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag};

use crate::content::cjk::{with_sentinels, without_sentinels};

mod alerts;
mod attributes;
mod autolinks;
mod dividers;
mod emoji;
mod leftover_bold;
mod line_breaks;
mod line_starts;
pub mod offsets;
mod title;
mod typographer;

/// Extensions to CommonMark; `Document::parse` tries formulas separately.
const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_DEFINITION_LIST)
    .union(Options::ENABLE_HEADING_ATTRIBUTES);

/// What may be switched on and off: keys below `markdown` in the project file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// CJK-friendly emphasis and line breaks.
    pub cjk: bool,
    /// Turns bare URLs and email addresses into links.
    pub linkify: bool,
    /// Turns codes such as `:tada:` into emoji.
    pub emoji: bool,
    /// Keeps every line break.
    pub hard_wraps: bool,
    /// Turns straight quotes, hyphens and dots into typographic ones.
    pub typographer: bool,
    /// Reads what is between two single dollar signs as a formula.
    pub math: bool,
    /// Reads `\(…\)` and `\[…\]` as formulas, which `shortcodes` keeps from the parser.
    pub bracket_math: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            cjk: true,
            linkify: true,
            emoji: true,
            hard_wraps: false,
            typographer: false,
            math: false,
            bracket_math: false,
        }
    }
}

/// The parsed body of an issue.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    events: Vec<Event<'a>>,
}

impl<'a> Document<'a> {
    /// Parses CommonMark with tables, strikethrough, task lists, footnotes, definition lists, heading attributes,
    /// alerts and formulas between double dollar signs, in the default dialect.
    pub fn parse(markdown: &'a str) -> Self {
        Self::parse_as(markdown, Dialect::default())
    }

    /// Parses in another dialect.
    pub fn parse_as(markdown: &'a str, dialect: Dialect) -> Self {
        let mut events = Vec::new();
        if may_contain_formulas(markdown, dialect) {
            events = parse_events(markdown, OPTIONS | Options::ENABLE_MATH, dialect);
        }
        if events.is_empty() || events.iter().any(|event| is_not_a_formula(event, dialect)) {
            events = parse_events(markdown, OPTIONS, dialect);
        }
        if markdown.contains(dividers::MORE) {
            events = dividers::divided(events);
        }
        if markdown.contains('{') {
            events = attributes::without_attributes(events);
        }
        if markdown.contains("[!") {
            events = alerts::with_titles(events);
        }
        if dialect.linkify && autolinks::may_contain(markdown) {
            events = autolinks::add_links(events);
        }
        if dialect.emoji && emoji::may_contain(markdown) {
            events = emoji::replace_codes(events);
        }
        if dialect.hard_wraps {
            events = line_breaks::all_hard(events);
        } else if dialect.cjk {
            events = line_breaks::between_cjk(events);
        }
        if dialect.typographer {
            events = typographer::typeset(events);
        }
        Self { events }
    }

    /// Replaces the events.
    pub fn map_events(self, map: impl FnOnce(Vec<Event<'a>>) -> Vec<Event<'static>>) -> Document<'static> {
        Document { events: map(self.events) }
    }

    /// A body that is HTML.
    pub fn of_html(html: &'a str) -> Self {
        let html = Event::Html(html.into());
        Self { events: vec![Event::Start(Tag::HtmlBlock), html, Event::End(pulldown_cmark::TagEnd::HtmlBlock)] }
    }

    /// The same document, independent of the text it was parsed from.
    pub fn into_owned(self) -> Document<'static> {
        Document { events: self.events.into_iter().map(Event::into_static).collect() }
    }

    /// Leaves out a first heading of level 1 that repeats the title, which readers see above the text.
    pub fn without_title(mut self, title: &str) -> Self {
        if let Some(after) = title::end_of_heading(&self.events, title) {
            self.events.drain(..after);
        }
        self
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
    match marked(markdown, dialect) {
        Cow::Borrowed(text) => parse_marked(text, options, dialect),
        Cow::Owned(text) => parse_marked(&text, options, dialect).into_iter().map(unmarked).collect(),
    }
}

/// The text with marks that change how the parser reads it.
fn marked(markdown: &str, dialect: Dialect) -> Cow<'_, str> {
    let marked = line_starts::marked(markdown);
    match marked {
        _ if !dialect.cjk => marked,
        Cow::Borrowed(text) => with_sentinels(text),
        Cow::Owned(text) => Cow::Owned(with_sentinels(&text).into_owned()),
    }
}

fn parse_marked(text: &str, options: Options, dialect: Dialect) -> Vec<Event<'_>> {
    if !dialect.typographer {
        let events: Vec<Event<'_>> = Parser::new_ext(text, options).collect();
        if !dialect.cjk || !leftover_bold::may_be_in(events.iter()) {
            return events;
        }
    }
    let mut placed: Vec<_> = Parser::new_ext(text, options).into_offset_iter().collect();
    if dialect.cjk && leftover_bold::may_be_in(placed.iter().map(|(event, _)| event)) {
        placed = leftover_bold::paired(text, placed);
    }
    if dialect.typographer {
        return typographer::with_marks(text, placed);
    }
    placed.into_iter().map(|(event, _)| event).collect()
}

fn may_contain_formulas(markdown: &str, dialect: Dialect) -> bool {
    markdown.contains("$$") || dialect.math && markdown.contains('$')
}

/// Whether this is Markdown or HTML between the dollar signs of two prices, not a formula.
fn is_not_a_formula(event: &Event<'_>, dialect: Dialect) -> bool {
    let has_tag = |text: &str| ["</", "<br", "<img", "<a ", "<span"].iter().any(|tag| text.contains(tag));
    match event {
        Event::InlineMath(text) => {
            !dialect.math || ["](", "**", "`", "~~", "://"].iter().any(|markup| text.contains(markup)) || has_tag(text)
        }
        Event::DisplayMath(text) => has_tag(text),
        _ => false,
    }
}

/// An owned event without sentinels.
fn unmarked(event: Event<'_>) -> Event<'static> {
    map_strings(event, &|text| line_starts::without_cells(&without_sentinels(text)).into_owned().into())
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

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn html(markdown: &str) -> String {
        let mut html = String::new();
        pulldown_cmark::html::push_html(&mut html, Document::parse(markdown).events().iter().cloned());
        html
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
        let dialect = Dialect { math: true, ..Dialect::default() };
        let math = |markdown, dialect| match Document::parse_as(markdown, dialect).events().get(1) {
            Some(Event::InlineMath(text) | Event::DisplayMath(text)) => Some(text.to_string()),
            _ => None,
        };
        assert_eq!(math(r"$\{a_1 * b*\}$", dialect).as_deref(), Some(r"\{a_1 * b*\}"));
        assert_eq!(math(r"$$a \\ b$$", Dialect::default()).as_deref(), Some(r"a \\ b"));
        for (markdown, dialect) in [
            ("$a$", Dialect::default()),
            ("$文：**字**：$", dialect),
            ("$」<br />「$", dialect),
            ("$$」<br />「$$", dialect),
            ("$5 or [less](/less), B$", dialect),
        ] {
            assert_eq!(math(markdown, dialect), None, "{markdown}");
        }
    }

    #[test]
    fn parts_of_the_dialect_are_switched_on() {
        let html_in = |markdown, dialect| {
            let mut html = String::new();
            pulldown_cmark::html::push_html(&mut html, Document::parse_as(markdown, dialect).events().iter().cloned());
            html
        };
        let dialect = Dialect { hard_wraps: true, typographer: true, emoji: false, ..Dialect::default() };
        assert_eq!(html_in("\"a\" --\n:tada:", dialect), "<p>“a” –<br />\n:tada:</p>\n");
    }

    #[test]
    fn hugo_extensions_are_supported() {
        assert_eq!(
            html("- [x] done\n"),
            "<ul>\n<li><input disabled=\"\" type=\"checkbox\" checked=\"\"/>\ndone</li>\n</ul>\n"
        );
        assert_eq!(html("It is $5 and $6 there, \"really\""), "<p>It is $5 and $6 there, \"really\"</p>\n");
        assert!(html("Term\n: Meaning\n").contains("<dt>Term</dt>"));
        assert!(html("## 潮汐 {#tides}\n").starts_with("<h2 id=\"tides\">"));
    }
}
