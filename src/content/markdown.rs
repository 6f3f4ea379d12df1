//! Markdown to events, once per issue: the one tree that HTML and plain text are both made from.

use pulldown_cmark::{Event, Options, Parser};

/// The body of one issue, parsed.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    events: Vec<Event<'a>>,
}

impl<'a> Document<'a> {
    /// Parses CommonMark with GFM, footnotes, definition lists and heading attributes.
    pub fn parse(markdown: &'a str) -> Self {
        let options = Options::ENABLE_GFM | Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
        Self { events: Parser::new_ext(markdown, options).collect() }
    }

    /// The events, in order.
    pub fn events(&self) -> &[Event<'a>] {
        &self.events
    }
}
