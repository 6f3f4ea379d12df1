//! Reduces raw HTML in Markdown to plain text: words, line breaks, items, links and pictures.
//!
//! Inline HTML arrives tag by tag, a block at once. It is repaired as for HTML readers, so that both parts of an email
//! show the same unknown tags and players.

use pulldown_cmark::HeadingLevel;

use crate::content::html::DROPPED;
use crate::content::html::raw::{PLAYERS, repair};
use crate::content::html::tag::Tag;
use crate::content::plain_text::Writer;
use crate::content::plain_text::table::Table;

impl Writer<'_> {
    /// Adds the text of a block of HTML; block elements end the open paragraph.
    pub(super) fn block_of_html(&mut self, html: &str) {
        self.repaired_html(&repair(html), true);
    }

    /// Adds a tag in a line of text. What is inside an element that is not shown arrives in other events.
    pub(super) fn inline_html(&mut self, html: &str) {
        let tag = html.starts_with('<').then(|| Tag::at(html)).flatten();
        if let Some(open) = self.hidden.take() {
            let tag = tag.filter(|tag| open == "noscript" && tag.name == "img" || tag.closes && tag.name == open);
            match tag {
                Some(tag) if tag.closes => return,
                Some(_) => {
                    // The picture before it is a placeholder.
                    self.remove_picture();
                    self.repaired_html(&repair(html), false);
                }
                None => {}
            }
            self.hidden = Some(open);
            return;
        }
        // The link of a player is shown, but not its content for browsers that cannot play.
        self.repaired_html(&repair(html), false);
        self.hidden = tag.filter(|tag| !tag.closes && self.hides(&tag.name)).map(|tag| tag.name);
    }

    /// Whether the content of an element is not shown; one without an end tag hides nothing.
    fn hides(&self, name: &str) -> bool {
        match name {
            // It has the picture for which the one before it stands, or else the only one.
            "noscript" => self.follows_picture() && self.end_tags.contains(name),
            _ => (DROPPED.contains(&name) || PLAYERS.contains(&name)) && self.end_tags.contains(name),
        }
    }

    fn repaired_html(&mut self, html: &str, in_block: bool) {
        let mut rest = html;
        while let Some(open) = rest.find('<') {
            self.html_words(&rest[..open]);
            rest = &rest[open..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
                continue;
            }
            let Some(tag) = Tag::at(rest) else {
                self.html_words("<");
                rest = &rest[1..];
                continue;
            };
            rest = &rest[tag.source.len()..];
            self.html_tag(&tag, in_block);
        }
        self.html_words(rest);
    }

    fn html_tag(&mut self, tag: &Tag<'_>, in_block: bool) {
        let value = |wanted: &str| {
            let value = tag.attribute(wanted).unwrap_or_default();
            html_escape::decode_html_entities(value).trim().to_owned()
        };
        match (tag.name.as_str(), tag.closes) {
            (name, closes) if in_block && DROPPED.contains(&name) => self.hide_in_block(tag.name.as_str(), closes),
            (_, _) if self.hidden.is_some() => {}
            ("pre", false) if in_block && self.code.is_none() => {
                self.flush();
                self.code = Some(String::new());
            }
            ("pre", true) if self.code.is_some() => self.code_block(),
            (_, _) if self.code.is_some() => self.in_code(tag),
            ("br", _) => self.text.push('\n'),
            ("img", false) => self.image(&value("alt"), &value("src")),
            ("a", false) => self.open_links.push((self.text.len(), Some(value("href")))),
            ("a", true) => self.end_link(),
            ("table", false) if in_block && !self.in_html_table => {
                self.paragraph();
                (self.table, self.in_html_table) = (Table::default(), true);
            }
            ("table", true) if self.in_html_table => self.flush(),
            ("caption", true) if self.in_html_table => {
                self.in_html_table = false;
                self.paragraph();
                self.in_html_table = true;
            }
            ("tr", false) if self.in_html_table => self.table.rows.push(Vec::new()),
            ("td" | "th", true) if self.in_html_table => self.end_cell(),
            ("td" | "th", true) => self.text.push_str("  "),
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", closes) if in_block && !self.in_html_table => {
                if closes {
                    self.heading(level(&tag.name))
                } else {
                    self.paragraph()
                }
            }
            ("tr" | "dt" | "dd" | "summary" | "figcaption", _) => self.text.push('\n'),
            (name, _) if BLOCKS.contains(&name) && in_block => self.paragraph(),
            ("li", false) => self.text.push_str("\n- "),
            _ => {}
        }
    }

    fn hide_in_block(&mut self, name: &str, closes: bool) {
        match (&self.hidden, closes) {
            (Some(open), true) if open == name => self.hidden = None,
            (None, false) => self.hidden = Some(name.to_owned()),
            _ => {}
        }
    }

    /// In code, only line breaks have a meaning.
    fn in_code(&mut self, tag: &Tag<'_>) {
        if tag.name == "br" {
            self.push("\n");
        }
    }

    fn html_words(&mut self, words: &str) {
        let words = html_escape::decode_html_entities(words);
        if self.code.is_some() {
            return self.push(&words);
        }
        self.push(&words.replace(['\n', '\r', '\t'], " "));
    }
}

fn level(name: &str) -> HeadingLevel {
    match name {
        "h1" => HeadingLevel::H1,
        "h2" => HeadingLevel::H2,
        "h3" => HeadingLevel::H3,
        _ => HeadingLevel::H4,
    }
}

/// Block-level elements.
const BLOCKS: &[&str] = &[
    "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "section", "article",
    "aside", "header", "footer", "nav", "main", "figure", "details", "dl", "center", "form", "address", "hr",
];
