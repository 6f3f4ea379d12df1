//! What comes of a shortcode, and how it gets among the events of the Markdown round it.
//!
//! In the Markdown a shortcode's place is held by a mark of noncharacters and digits, which Markdown takes for a word, as
//! Hugo does it. So what comes of it is never read as Markdown, and what stands round it is read as if it were a word. A
//! paragraph is divided round something that is a block.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Tag, TagEnd, html};

use crate::content::html::tag as html_tag;
use crate::content::markdown::map_strings;

/// A noncharacter round the number of what is shown; `html::legal` takes out those that an author wrote.
const MARK: char = '\u{fdd1}';

/// What comes of one shortcode.
#[derive(Debug, Clone, PartialEq)]
pub struct Replacement {
    /// Between blocks; empty where it is no block.
    block: Vec<Event<'static>>,
    /// Among words.
    inline: Vec<Event<'static>>,
    /// In code and addresses.
    text: String,
    /// In raw HTML.
    html: String,
}

impl Replacement {
    /// Words as they are.
    pub fn text(text: &str) -> Self {
        let inline = if text.is_empty() { Vec::new() } else { vec![Event::Text(text.to_owned().into())] };
        let html = html_escape::encode_double_quoted_attribute(text).into_owned();
        Self { block: Vec::new(), inline, text: text.to_owned(), html }
    }

    /// HTML: one form for its own line, another among words.
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

    /// A link with a picture in it, or with words.
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

/// Whether HTML begins with an element that stands between paragraphs; what does not, stands in one.
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

/// What comes of the shortcodes of one text, by number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placeholders(Vec<Replacement>);

impl Placeholders {
    /// Adds one and gives the mark that holds its place. HTML that holds marks gets what they stand for at once.
    pub fn insert(&mut self, mut shown: Replacement) -> String {
        for event in shown.block.iter_mut().chain(&mut shown.inline) {
            if let Event::Html(html) | Event::InlineHtml(html) = event {
                *html = self.in_html(html).into();
            }
        }
        shown.html = self.in_html(&shown.html);
        shown.text = self.replaced(&shown.text, |one| &one.text);
        self.0.push(shown);
        format!("{MARK}{}{MARK}", self.0.len() - 1)
    }

    /// Words with what the marks in them stand for, as words.
    pub fn in_text(&self, text: &str) -> String {
        self.replaced(text, |one| &one.text)
    }

    /// HTML with what the marks in it stand for.
    fn in_html(&self, html: &str) -> String {
        self.replaced(html, |one| &one.html)
    }

    fn replaced(&self, text: &str, form: impl Fn(&Replacement) -> &str) -> String {
        let mut out = String::with_capacity(text.len());
        for part in self.parts(text) {
            match part {
                Part::Words(words) => out.push_str(words),
                Part::Replacement(shown) => out.push_str(form(shown)),
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
            let shown = number.parse::<usize>().ok().and_then(|number| self.0.get(number));
            let (Some(shown), true) = (shown, number.len() < inside.len()) else {
                from = at + MARK.len_utf8();
                continue;
            };
            parts.push(Part::Words(&text[copied..at]));
            parts.push(Part::Replacement(shown));
            copied = at + 2 * MARK.len_utf8() + number.len();
            from = copied;
        }
        parts.push(Part::Words(&text[copied..]));
        parts.retain(|part| !matches!(part, Part::Words("")));
        parts
    }

    /// The events with what the marks in them stand for.
    pub fn shown(&self, events: Vec<Event<'_>>) -> Vec<Event<'static>> {
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

/// The events so far.
struct EventRewriter<'g> {
    placeholders: &'g Placeholders,
    events: Vec<Event<'static>>,
    /// What is open; `None` is a link that leads nowhere, whose tags are left out.
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
        let led = matches!(&tag, Tag::Link { dest_url, .. } if !dest_url.is_empty());
        let event = map_strings(Event::Start(tag), &|text| self.placeholders.in_text(text).into());
        let Event::Start(tag) = event else { return };
        // A reference to what is not there: its words stay.
        if led && matches!(&tag, Tag::Link { dest_url, .. } if dest_url.is_empty()) {
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
                Part::Replacement(shown) if in_code => self.events.push(Event::Text(shown.text.clone().into())),
                Part::Replacement(shown) => self.show(shown),
            }
        }
    }

    fn show(&mut self, shown: &Replacement) {
        match self.open.last() {
            _ if shown.block.is_empty() => self.events.extend(shown.inline.iter().cloned()),
            Some(Some(TagEnd::Paragraph)) => {
                self.end_paragraph();
                self.events.extend(shown.block.iter().cloned());
                self.events.push(Event::Start(Tag::Paragraph));
            }
            None | Some(Some(TagEnd::Item | TagEnd::BlockQuote(_) | TagEnd::DefinitionListDefinition)) => {
                self.events.extend(shown.block.iter().cloned());
            }
            Some(_) => self.events.extend(shown.inline.iter().cloned()),
        }
    }

    /// Ends a paragraph; one without words is none.
    fn end_paragraph(&mut self) {
        let is_blank = |event: &Event<'_>| match event {
            Event::SoftBreak | Event::HardBreak => true,
            Event::Text(text) => text.trim().is_empty(),
            _ => false,
        };
        while self.events.last().is_some_and(is_blank) {
            self.events.pop();
        }
        if self.events.last() == Some(&Event::Start(Tag::Paragraph)) {
            self.events.pop();
            return;
        }
        let start = self.events.iter().rposition(|event| *event == Event::Start(Tag::Paragraph)).unwrap_or_default();
        while self.events.get(start + 1).is_some_and(is_blank) {
            self.events.remove(start + 1);
        }
        self.events.push(Event::End(TagEnd::Paragraph));
    }
}
