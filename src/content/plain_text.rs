//! Plain text from the events of a document, for readers whose mail program shows no HTML.
//!
//! Lines are at most 72 columns wide, counting East Asian width. Lines of a paragraph end in a space where it continues
//! (format=flowed, RFC 3676 section 4.2 with `DelSp=yes`: the last space is not part of the text), so that mail
//! programs can rewrap it; all other lines are fixed.

use std::collections::{BTreeSet, HashMap};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, LinkType, Tag, TagEnd};
use url::Url;

use crate::content::footnotes;
use crate::content::html::tag as html_tag;
use crate::content::markdown::Document;
use crate::content::plain_text::layout::{Container, Layout};
use crate::content::plain_text::links::Links;
use crate::content::plain_text::table::Table;

mod layout;
mod links;
mod raw_html;
mod table;
mod wrap;

/// Renders a document whose relative links are relative to `permalink`. A picture without words is shown as
/// `picture_label` and the name of its file.
pub fn render(document: &Document<'_>, permalink: &Url, picture_label: &str) -> String {
    let mut writer = Writer::new(permalink, footnotes::numbers(document.events()), picture_label);
    writer.end_tags = document.events().iter().filter_map(end_tag).collect();
    let (body, footnotes) = footnotes::split(document.events());
    for event in body {
        writer.event(event);
    }
    writer.end_section();
    for (_, events) in footnotes::in_order(footnotes, &writer.footnotes) {
        events.into_iter().for_each(|event| writer.event(event));
    }
    writer.end_section();
    writer.layout.into_text()
}

/// The name of an end tag in a line of text.
fn end_tag(event: &Event<'_>) -> Option<String> {
    let Event::InlineHtml(html) = event else { return None };
    let tag = html.starts_with("</").then(|| html_tag::Tag::at(html)).flatten();
    tag.map(|tag| tag.name)
}

/// A wrapped and underlined top-level heading, ending in a line feed.
pub fn heading(text: &str) -> String {
    let mut layout = Layout::default();
    layout.heading(text, "=");
    layout.into_text()
}

/// A wrapped paragraph, flowed like those of `render`, ending in a line feed.
pub fn paragraph(text: &str) -> String {
    let mut layout = Layout::default();
    layout.paragraph(text, true);
    layout.into_text()
}

/// Consumes the events in order and writes blocks to the layout.
struct Writer<'e> {
    layout: Layout,
    links: Links<'e>,
    footnotes: HashMap<&'e str, usize>,
    /// Text of the current block; a line feed is a hard break.
    text: String,
    /// Number of the next item for each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// Where the text of each open link starts, and its target.
    open_links: Vec<(usize, Option<String>)>,
    /// Where the text of each open image starts, and its URL.
    open_images: Vec<(usize, String)>,
    /// Text of the open code block.
    code: Option<String>,
    /// HTML of the open block.
    html: String,
    /// The open HTML element whose content is not shown.
    hidden: Option<String>,
    /// Names of the end tags in lines of text.
    end_tags: BTreeSet<String>,
    /// Precedes the name of a picture without words.
    picture_label: &'e str,
    /// Where the last picture of the paragraph starts and ends in its text, and how many links precede it.
    picture: Option<(usize, usize, usize)>,
    table: Table,
    /// Inside an HTML table, whose cells may contain paragraphs.
    in_html_table: bool,
}

impl<'e> Writer<'e> {
    fn new(permalink: &'e Url, footnotes: HashMap<&'e str, usize>, picture_label: &'e str) -> Self {
        Self {
            layout: Layout::default(),
            links: Links::new(permalink),
            footnotes,
            text: String::new(),
            lists: Vec::new(),
            open_links: Vec::new(),
            open_images: Vec::new(),
            code: None,
            html: String::new(),
            hidden: None,
            end_tags: BTreeSet::new(),
            picture_label,
            picture: None,
            table: Table::default(),
            in_html_table: false,
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(*tag),
            Event::Text(text) => self.push(text),
            Event::Code(code) => self.push(&format!("`{code}`")),
            Event::InlineMath(math) => self.push(&format!("${math}$")),
            Event::DisplayMath(math) => self.push(&format!("$${math}$$")),
            Event::Html(html) => self.html.push_str(html),
            Event::InlineHtml(tag) => self.inline_html(tag),
            Event::FootnoteReference(label) => {
                let number = self.footnotes.get(label.as_ref()).copied().unwrap_or(0);
                self.push(&format!("[^{number}]"));
            }
            Event::SoftBreak | Event::HardBreak if self.code.is_some() => self.push("\n"),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::Rule => {
                self.layout.begin_block();
                self.layout.line("* * *");
                self.layout.end_block();
            }
            Event::TaskListMarker(done) => self.push(if *done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.flush();
                if self.layout.is_at_top() {
                    self.end_section();
                }
            }
            Tag::BlockQuote(_) => self.open(Container::Quote),
            Tag::List(first) => {
                self.flush();
                self.lists.push(*first);
            }
            Tag::Item => {
                let marker = self.next_marker();
                self.open(Container::item(marker));
            }
            Tag::FootnoteDefinition(label) => {
                let number = self.footnotes.get(label.as_ref()).copied().unwrap_or(0);
                self.open(Container::item(format!("[^{number}] ")));
            }
            Tag::DefinitionListDefinition => self.open(Container::item("    ".to_owned())),
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.flush();
                self.code = Some(String::new());
            }
            Tag::HtmlBlock => self.flush(),
            Tag::Table(alignments) => {
                self.flush();
                self.table = Table { alignments: alignments.clone(), rows: Vec::new() };
            }
            Tag::TableHead | Tag::TableRow => self.table.rows.push(Vec::new()),
            Tag::Link { link_type, dest_url, .. } => {
                let target = (*link_type != LinkType::Email).then(|| dest_url.to_string());
                self.open_links.push((self.text.len(), target));
            }
            Tag::Image { dest_url, .. } => self.open_images.push((self.text.len(), dest_url.to_string())),
            Tag::Strikethrough => self.push("~~"),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.paragraph(),
            TagEnd::DefinitionListTitle => self.flush(),
            TagEnd::Heading(level) => self.heading(level),
            TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition | TagEnd::DefinitionListDefinition => {
                self.close();
                self.layout.end_block();
            }
            TagEnd::Item => self.close(),
            TagEnd::List(_) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.layout.end_block();
                }
            }
            TagEnd::CodeBlock => self.code_block(),
            TagEnd::HtmlBlock => self.html_block(),
            TagEnd::Table => self.end_table(),
            TagEnd::TableCell => self.end_cell(),
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.end_image(),
            TagEnd::Strikethrough => self.text.push_str("~~"),
            _ => {}
        }
    }

    /// Opens a container whose lines start with a marker.
    fn open(&mut self, container: Container) {
        self.flush();
        self.layout.begin_block();
        self.layout.open(container);
    }

    fn close(&mut self) {
        self.flush();
        self.layout.close();
    }

    fn next_marker(&mut self) -> String {
        match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        }
    }

    fn paragraph(&mut self) {
        if self.in_html_table {
            return self.text.push(' ');
        }
        if !self.text.trim().is_empty() {
            self.flush();
            self.layout.end_block();
        }
        self.text.clear();
    }

    fn heading(&mut self, level: HeadingLevel) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.layout.begin_block();
        match level {
            HeadingLevel::H1 => self.layout.heading(text, "="),
            HeadingLevel::H2 | HeadingLevel::H3 => self.layout.heading(text, "-"),
            _ => self.layout.paragraph(text, false),
        }
        self.layout.end_block();
    }

    fn code_block(&mut self) {
        let code = self.code.take().unwrap_or_default();
        let lines: Vec<String> = code.trim_end_matches('\n').lines().map(|line| format!("    {line}")).collect();
        self.block(&lines);
    }

    fn block(&mut self, lines: &[String]) {
        self.layout.begin_block();
        lines.iter().for_each(|line| self.layout.line(line));
        self.layout.end_block();
    }

    /// Lists the links of the section that ends here.
    fn end_section(&mut self) {
        self.flush();
        let links = self.links.take_section();
        if !links.is_empty() {
            self.layout.end_block();
            self.block(&links);
        }
    }

    /// Writes the text so far as a paragraph without an empty line after it, as in a tight list item.
    fn flush(&mut self) {
        if self.code.is_some() {
            self.code_block();
        }
        if self.in_html_table {
            if !self.text.trim().is_empty() {
                self.end_cell();
            }
            self.end_table();
        }
        (self.hidden, self.picture) = (None, None);
        let text = std::mem::take(&mut self.text);
        if !text.trim().is_empty() {
            self.layout.begin_block();
            self.layout.paragraph(text.trim(), true);
        }
    }

    fn push(&mut self, text: &str) {
        if self.hidden.is_some() {
            return;
        }
        if let Some(code) = &mut self.code {
            return code.push_str(text);
        }
        self.text.extend(text.chars().filter(|character| !matches!(character, '\u{200b}' | '\u{feff}')));
    }

    /// A block of HTML, which may contain several paragraphs.
    fn html_block(&mut self) {
        let html = std::mem::take(&mut self.html);
        self.block_of_html(&html);
        self.hidden = None;
        self.paragraph();
    }
}

#[cfg(test)]
mod tests;
