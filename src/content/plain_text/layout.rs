//! The page that plain text is written to: blocks with a blank line between them, each line behind its markers.

use unicode_width::UnicodeWidthStr;

use crate::content::plain_text::wrap::{Line, wrap};

/// Columns of a line: RFC 5322 section 2.1.1 wants at most 78, and a reply needs room for its `> `.
const MAX_COLUMNS: usize = 72;

/// However deep a list: less than this is no text any more.
const MIN_COLUMNS: usize = 20;

/// What stands before the lines of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Container {
    /// `> `, before every line.
    Quote,
    /// A marker before the first line, as many blanks before the others.
    Item {
        /// Such as `- ` or `1. `.
        marker: String,
        /// The first line is written.
        written: bool,
    },
}

impl Container {
    /// An item that no line was written of.
    pub fn item(marker: String) -> Self {
        Self::Item { marker, written: false }
    }

    /// What stands before the next line.
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

/// Lines, written one after the other.
#[derive(Debug, Default)]
pub(super) struct Layout {
    text: String,
    containers: Vec<Container>,
    /// A block ended: a blank line comes before the next.
    blank_due: bool,
}

impl Layout {
    /// Whether nothing stands before the next line.
    pub fn is_at_top(&self) -> bool {
        self.containers.is_empty()
    }

    /// Columns left for text.
    pub fn columns(&self) -> usize {
        let taken: usize = self.containers.iter().map(Container::width).sum();
        MAX_COLUMNS.saturating_sub(taken).max(MIN_COLUMNS)
    }

    /// Opens a container round the blocks that follow.
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

    /// Writes the blank line that is due.
    pub fn begin_block(&mut self) {
        if std::mem::take(&mut self.blank_due) && !self.text.is_empty() {
            let quotes = self.containers.iter().map(|container| if *container == Container::Quote { "> " } else { "" });
            let before: String = quotes.collect();
            self.text.push_str(before.trim_end());
            self.text.push('\n');
        }
    }

    /// Notes that the next block is another one.
    pub fn end_block(&mut self) {
        self.blank_due = true;
    }

    /// Writes one line as it is, without the blanks at its end.
    pub fn line(&mut self, line: &str) {
        let before = self.before();
        self.text.push_str(format!("{before}{line}").trim_end());
        self.text.push('\n');
    }

    /// Writes one line as it is where it fits, else as a paragraph that does not flow.
    pub fn fitted(&mut self, line: &str) {
        if line.width() <= self.columns() { self.line(line) } else { self.paragraph(line, false) }
    }

    /// Writes text in as many lines as it needs; a line feed in it begins a new one. Where it `flows`, its lines end in
    /// spaces. Lines of an item do not: their indent would flow into the text.
    pub fn paragraph(&mut self, text: &str, flows: bool) {
        let flows = flows && self.containers.iter().all(|container| *container == Container::Quote);
        for line in self.lines(text) {
            // A blank keeps text that begins with a `>` from being taken for a quote.
            let guard = if flows && line.text.starts_with('>') { " " } else { "" };
            self.line(&format!("{guard}{}", line.text));
            // `-- ` alone on a line would begin a signature (RFC 3676 section 4.3).
            if flows && line.goes_on && line.text != "--" {
                self.text.pop();
                self.text.push_str(if line.space_after { "  \n" } else { " \n" });
            }
        }
    }

    /// Writes text with a line of `mark` under it, as wide as the text.
    pub fn heading(&mut self, text: &str, mark: &str) {
        let lines = self.lines(text);
        lines.iter().for_each(|line| self.line(&line.text));
        self.line(&mark.repeat(lines.iter().map(|line| line.text.width()).max().unwrap_or(0)));
    }

    fn lines(&self, text: &str) -> Vec<Line> {
        text.split('\n').flat_map(|part| wrap(part, self.columns())).collect()
    }

    /// The whole text; it ends with a line feed, unless it is empty.
    pub fn into_text(self) -> String {
        self.text
    }

    fn before(&mut self) -> String {
        self.containers.iter_mut().map(Container::next).collect()
    }
}
