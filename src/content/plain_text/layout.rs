//! Lays out plain text: blocks separated by empty lines, each line after the markers of its containers.

use unicode_width::UnicodeWidthStr;

use crate::content::plain_text::wrap::{Line, wrap};

/// Width of a line: RFC 5322 section 2.1.1 recommends at most 78, and replies need space for `> `.
const MAX_COLUMNS: usize = 72;

/// The narrowest text, however deep a list is nested.
const MIN_COLUMNS: usize = 20;

/// A block container: determines how its lines begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Container {
    /// `> ` before every line.
    Quote,
    /// A marker before the first line, and as many spaces before the others.
    Item {
        /// Such as `- ` or `1. `.
        marker: String,
        /// Whether the first line was written.
        written: bool,
    },
}

impl Container {
    /// An item without lines yet.
    pub fn item(marker: String) -> Self {
        Self::Item { marker, written: false }
    }

    /// The start of the next line.
    fn next(&mut self) -> String {
        match self {
            Container::Quote => "> ".to_owned(),
            Container::Item { marker, written: true } => " ".repeat(marker.width()),
            Container::Item { marker, written } => {
                *written = true;
                marker.clone()
            }
        }
    }

    fn width(&self) -> usize {
        match self {
            Container::Quote => 2,
            Container::Item { marker, .. } => marker.width(),
        }
    }
}

/// Text written line by line.
#[derive(Debug, Default)]
pub(super) struct Layout {
    text: String,
    containers: Vec<Container>,
    /// A block ended: an empty line comes before the next one.
    empty_line_due: bool,
}

impl Layout {
    /// Whether no container is open.
    pub fn is_at_top(&self) -> bool {
        self.containers.is_empty()
    }

    /// Columns available for text.
    pub fn columns(&self) -> usize {
        let taken: usize = self.containers.iter().map(Container::width).sum();
        MAX_COLUMNS.saturating_sub(taken).max(MIN_COLUMNS)
    }

    /// Opens a container around the following blocks.
    pub fn open(&mut self, container: Container) {
        self.containers.push(container);
    }

    /// Closes the innermost container. An item without text keeps its marker.
    pub fn close(&mut self) {
        if let Some(Container::Item { written: false, .. }) = self.containers.last() {
            self.line("");
        }
        self.containers.pop();
    }

    /// Writes the pending empty line.
    pub fn begin_block(&mut self) {
        if std::mem::take(&mut self.empty_line_due) && !self.text.is_empty() {
            let quotes = self.containers.iter().map(|container| if *container == Container::Quote { "> " } else { "" });
            let before: String = quotes.collect();
            self.text.push_str(before.trim_end());
            self.text.push('\n');
        }
    }

    /// Separates the next block by an empty line.
    pub fn end_block(&mut self) {
        self.empty_line_due = true;
    }

    /// Writes one line unchanged, except for trailing spaces.
    pub fn line(&mut self, line: &str) {
        let before = self.before();
        self.text.push_str(format!("{before}{line}").trim_end());
        self.text.push('\n');
    }

    /// Writes one line unchanged if it fits, else wrapped but not flowed.
    pub fn line_or_wrapped(&mut self, line: &str) {
        if line.width() <= self.columns() { self.line(line) } else { self.paragraph(line, false) }
    }

    /// Writes wrapped text; a line feed in it starts a new line. If it `flows`, continued lines end in a space, except
    /// in list items, whose indent would become part of the text.
    pub fn paragraph(&mut self, text: &str, flows: bool) {
        let flows = flows && self.containers.iter().all(|container| *container == Container::Quote);
        for line in self.lines(text) {
            // Space-stuffing (RFC 3676 section 4.4): keeps a line that starts with `>` from becoming a quotation.
            let guard = if flows && line.text.starts_with('>') { " " } else { "" };
            self.line(&format!("{guard}{}", line.text));
            // A line `-- ` would start a signature (RFC 3676 section 4.3).
            if flows && line.goes_on && line.text != "--" {
                self.text.pop();
                self.text.push_str(if line.space_after { "  \n" } else { " \n" });
            }
        }
    }

    /// Writes text underlined with `mark`.
    pub fn heading(&mut self, text: &str, mark: &str) {
        let lines = self.lines(text);
        lines.iter().for_each(|line| self.line(&line.text));
        self.line(&mark.repeat(lines.iter().map(|line| line.text.width()).max().unwrap_or(0)));
    }

    fn lines(&self, text: &str) -> Vec<Line> {
        text.split('\n').flat_map(|part| wrap(part, self.columns())).collect()
    }

    /// The complete text, ending in a line feed unless empty.
    pub fn into_text(self) -> String {
        self.text
    }

    fn before(&mut self) -> String {
        self.containers.iter_mut().map(Container::next).collect()
    }
}
