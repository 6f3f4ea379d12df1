//! Inserts what shortcodes expand to among the events of the surrounding Markdown.
//!
//! In the Markdown, each shortcode is a placeholder of noncharacters and digits, which the parser treats as a word, as
//! Hugo does. The replacement is therefore never parsed as Markdown. A paragraph is split around a block replacement.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Tag, TagEnd, html};

use crate::content::html::tag as html_tag;
use crate::content::markdown::map_strings;

/// A noncharacter around the number of a placeholder; `html::without_illegal_chars` removes those written by authors.
const MARK: char = '\u{fdd1}';

/// What one shortcode expands to.
#[derive(Debug, Clone, PartialEq)]
pub struct Replacement {
    /// Between blocks; empty if it is inline only.
    block: Vec<Event<'static>>,
    /// Inside text.
    inline: Vec<Event<'static>>,
    /// In code and URLs.
    text: String,
    /// In raw HTML.
    html: String,
}

impl Replacement {
    /// Literal text.
    pub fn text(text: &str) -> Self {
        let inline = if text.is_empty() { Vec::new() } else { vec![Event::Text(text.to_owned().into())] };
        let html = html_escape::encode_double_quoted_attribute(text).into_owned();
        Self { block: Vec::new(), inline, text: text.to_owned(), html }
    }

    /// HTML: one form on a line of its own, another inside text.
    pub fn html(block: String, inline: String) -> Self {
        let (text, html) = (block.clone(), block.clone());
        let mut events = Vec::new();
        if begins_block(&block) {
            let html = Event::Html(format!("{block}\n").into());
            events = vec![Event::Start(Tag::HtmlBlock), html, Event::End(TagEnd::HtmlBlock)];
        }
        Self { block: events, inline: vec![Event::InlineHtml(inline.into())], text, html }
    }

    /// A code block.
    pub fn code(language: &str, code: &str) -> Self {
        let kind = CodeBlockKind::Fenced(language.to_owned().into());
        let text: CowStr<'static> = code.to_owned().into();
        let block = vec![Event::Start(Tag::CodeBlock(kind)), Event::Text(text.clone()), Event::End(TagEnd::CodeBlock)];
        Self { html: html_of(&block), block, inline: vec![Event::Code(text)], text: code.to_owned() }
    }

    /// A link around a picture or text.
    pub fn link(address: &str, words: &str, picture: Option<&str>) -> Self {
        let link = |link_type, to: &str| (link_type, CowStr::from(to.to_owned()));
        let (link_type, dest_url) = link(LinkType::Inline, address);
        let words_event = Event::Text(words.to_owned().into());
        let mut inline = vec![Event::Start(Tag::Link { link_type, dest_url, title: "".into(), id: "".into() })];
        match picture {
            None => inline.push(words_event),
            Some(picture) => {
                let (link_type, dest_url) = link(LinkType::Inline, picture);
                inline.push(Event::Start(Tag::Image { link_type, dest_url, title: "".into(), id: "".into() }));
                inline.extend([words_event, Event::End(TagEnd::Image)]);
            }
        }
        inline.push(Event::End(TagEnd::Link));
        let mut block = vec![Event::Start(Tag::Paragraph)];
        block.extend(inline.iter().cloned());
        block.push(Event::End(TagEnd::Paragraph));
        Self { html: html_of(&inline), block, inline, text: address.to_owned() }
    }
}

/// Whether HTML starts with a block-level element.
fn begins_block(html: &str) -> bool {
    const BLOCKS: [&str; 26] = [
        "address", "article", "aside", "blockquote", "center", "details", "div", "dl", "fieldset", "figure", "footer",
        "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "ol", "p", "pre", "section", "table", "ul",
    ];
    let html = html.trim_start();
    let tag = html.starts_with('<').then(|| html_tag::Tag::at(html)).flatten();
    tag.is_some_and(|tag| BLOCKS.contains(&tag.name.as_str()))
}

fn html_of(events: &[Event<'static>]) -> String {
    let mut out = String::new();
    html::push_html(&mut out, events.iter().cloned());
    out
}

/// The replacements in one text, by number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placeholders(Vec<Replacement>);

impl Placeholders {
    /// Adds a replacement and returns its placeholder. Placeholders inside its HTML are resolved at once.
    pub fn insert(&mut self, mut replacement: Replacement) -> String {
        for event in replacement.block.iter_mut().chain(&mut replacement.inline) {
            if let Event::Html(html) | Event::InlineHtml(html) = event {
                *html = self.in_html(html).into();
            }
        }
        replacement.html = self.in_html(&replacement.html);
        replacement.text = self.resolve(&replacement.text, |one| &one.text);
        self.0.push(replacement);
        format!("{MARK}{}{MARK}", self.0.len() - 1)
    }

    /// Resolves placeholders in text.
    pub fn in_text(&self, text: &str) -> String {
        self.resolve(text, |one| &one.text)
    }

    /// Resolves placeholders in HTML.
    fn in_html(&self, html: &str) -> String {
        self.resolve(html, |one| &one.html)
    }

    fn resolve(&self, text: &str, form: impl Fn(&Replacement) -> &str) -> String {
        let mut out = String::with_capacity(text.len());
        for part in self.parts(text) {
            match part {
                Part::Words(words) => out.push_str(words),
                Part::Replacement(replacement) => out.push_str(form(replacement)),
            }
        }
        out
    }

    fn parts<'p>(&'p self, text: &'p str) -> Vec<Part<'p>> {
        let mut parts = Vec::new();
        let (mut copied, mut from) = (0, 0);
        while let Some(at) = text[from..].find(MARK).map(|at| from + at) {
            let inside = &text[at + MARK.len_utf8()..];
            let number = inside.split(MARK).next().unwrap_or_default();
            let replacement = number.parse::<usize>().ok().and_then(|number| self.0.get(number));
            let (Some(replacement), true) = (replacement, number.len() < inside.len()) else {
                from = at + MARK.len_utf8();
                continue;
            };
            parts.push(Part::Words(&text[copied..at]));
            parts.push(Part::Replacement(replacement));
            copied = at + 2 * MARK.len_utf8() + number.len();
            from = copied;
        }
        parts.push(Part::Words(&text[copied..]));
        parts.retain(|part| !matches!(part, Part::Words("")));
        parts
    }

    /// Resolves placeholders in events.
    pub fn fill(&self, events: Vec<Event<'_>>) -> Vec<Event<'static>> {
        let mut out = EventRewriter { placeholders: self, events: Vec::new(), open: Vec::new() };
        for event in events {
            out.event(event.into_static());
        }
        out.events
    }
}

enum Part<'p> {
    Words(&'p str),
    Replacement(&'p Replacement),
}

/// Collects the resulting events.
struct EventRewriter<'g> {
    placeholders: &'g Placeholders,
    events: Vec<Event<'static>>,
    /// Open elements; `None` is a link without target, whose tags are omitted.
    open: Vec<Option<TagEnd>>,
}

impl EventRewriter<'_> {
    fn event(&mut self, event: Event<'static>) {
        match event {
            Event::Text(text) => self.text(&text),
            Event::Html(html) => self.events.push(Event::Html(self.placeholders.in_html(&html).into())),
            Event::InlineHtml(html) => self.events.push(Event::InlineHtml(self.placeholders.in_html(&html).into())),
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            other => self.events.push(map_strings(other, &|text| self.placeholders.in_text(text).into())),
        }
    }

    fn start(&mut self, tag: Tag<'static>) {
        let had_target = matches!(&tag, Tag::Link { dest_url, .. } if !dest_url.is_empty());
        let event = map_strings(Event::Start(tag), &|text| self.placeholders.in_text(text).into());
        let Event::Start(tag) = event else { return };
        // An unresolved reference: keeps only its text.
        if had_target && matches!(&tag, Tag::Link { dest_url, .. } if dest_url.is_empty()) {
            return self.open.push(None);
        }
        self.open.push(Some(tag.to_end()));
        self.events.push(Event::Start(tag));
    }

    fn end(&mut self, tag: TagEnd) {
        match (self.open.pop().flatten(), tag) {
            (None, _) => {}
            (_, TagEnd::Paragraph) => self.end_paragraph(),
            (_, tag) => self.events.push(Event::End(tag)),
        }
    }

    fn text(&mut self, text: &CowStr<'static>) {
        let in_code = self.open.last() == Some(&Some(TagEnd::CodeBlock));
        for part in self.placeholders.parts(text) {
            match part {
                Part::Words(words) => self.events.push(Event::Text(words.to_owned().into())),
                Part::Replacement(replacement) if in_code => {
                    self.events.push(Event::Text(replacement.text.clone().into()))
                }
                Part::Replacement(replacement) => self.push_replacement(replacement),
            }
        }
    }

    fn push_replacement(&mut self, replacement: &Replacement) {
        match self.open.last() {
            _ if replacement.block.is_empty() => self.events.extend(replacement.inline.iter().cloned()),
            Some(Some(TagEnd::Paragraph)) => {
                self.end_paragraph();
                self.events.extend(replacement.block.iter().cloned());
                self.events.push(Event::Start(Tag::Paragraph));
            }
            None | Some(Some(TagEnd::Item | TagEnd::BlockQuote(_) | TagEnd::DefinitionListDefinition)) => {
                self.events.extend(replacement.block.iter().cloned());
            }
            Some(_) => self.events.extend(replacement.inline.iter().cloned()),
        }
    }

    /// Ends a paragraph; removes it if it is empty.
    fn end_paragraph(&mut self) {
        let is_white_space = |event: &Event<'_>| match event {
            Event::SoftBreak | Event::HardBreak => true,
            Event::Text(text) => text.trim().is_empty(),
            _ => false,
        };
        while self.events.last().is_some_and(is_white_space) {
            self.events.pop();
        }
        if self.events.last() == Some(&Event::Start(Tag::Paragraph)) {
            self.events.pop();
            return;
        }
        let start = self.events.iter().rposition(|event| *event == Event::Start(Tag::Paragraph)).unwrap_or_default();
        while self.events.get(start + 1).is_some_and(is_white_space) {
            self.events.remove(start + 1);
        }
        self.events.push(Event::End(TagEnd::Paragraph));
    }
}
