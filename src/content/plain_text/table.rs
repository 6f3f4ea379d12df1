//! Renders a table as aligned columns, or as one `head: cell` line per cell if the columns are wider than a line.

use pulldown_cmark::Alignment;
use unicode_width::UnicodeWidthStr;

use crate::content::plain_text::Writer;

const COLUMN_SEPARATOR: &str = "  ";

/// A table while its cells are read; the first row is the head.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub alignments: Vec<Alignment>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The lines of the table, within `columns` if possible.
    pub fn lines(&self, columns: usize) -> Vec<String> {
        let widths = self.widths();
        let gaps = COLUMN_SEPARATOR.len() * widths.len().saturating_sub(1);
        if widths.iter().sum::<usize>() + gaps > columns {
            return self.as_records();
        }
        let mut lines: Vec<String> = self.rows.iter().map(|row| self.line(row, &widths)).collect();
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        // A single row is layout, not a head.
        if lines.len() > 1 {
            lines.insert(1, rule.join(COLUMN_SEPARATOR));
        }
        lines
    }

    fn widths(&self) -> Vec<usize> {
        let count = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
        (0..count).map(|column| widest(column).unwrap_or(0)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut cells = Vec::with_capacity(row.len());
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let padding = width - cell.width();
            let before = match self.alignments.get(column) {
                Some(Alignment::Right) => padding,
                Some(Alignment::Center) => padding / 2,
                _ => 0,
            };
            cells.push(format!("{}{cell}{}", " ".repeat(before), " ".repeat(padding - before)));
        }
        cells.join(COLUMN_SEPARATOR).trim_end().to_owned()
    }

    fn as_records(&self) -> Vec<String> {
        let Some((head, rows)) = self.rows.split_first() else { return Vec::new() };
        if rows.is_empty() {
            return head.clone();
        }
        let is_shown = |column: usize| rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()));
        let names = || head.iter().map(String::as_str).chain(std::iter::repeat(""));
        // A head without cells below it is still text.
        let alone = head.iter().enumerate().filter(|(column, name)| !name.is_empty() && !is_shown(*column));
        let mut lines: Vec<String> = alone.map(|(_, name)| name.clone()).collect();
        for row in rows.iter().filter(|row| row.iter().any(|cell| !cell.is_empty())) {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            for (name, cell) in names().zip(row).filter(|(_, cell)| !cell.is_empty()) {
                lines.push(if name.is_empty() { cell.clone() } else { format!("{name}: {cell}") });
            }
        }
        lines
    }
}

impl Writer<'_> {
    pub(super) fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.text).replace('\n', " ");
        let cell = cell.trim().to_owned();
        match self.table.rows.last_mut() {
            Some(row) => row.push(cell),
            None => self.table.rows.push(vec![cell]),
        }
    }

    pub(super) fn end_table(&mut self) {
        self.in_html_table = false;
        self.layout.begin_block();
        for line in std::mem::take(&mut self.table).lines(self.layout.columns()) {
            self.layout.line_or_wrapped(&line);
        }
        self.layout.end_block();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        Table {
            alignments: vec![Alignment::Left, Alignment::Right, Alignment::Center],
            rows: vec![row(["项目", "Stars", "状态"]), row(["MOSN", "9", "x"])],
        }
    }

    #[test]
    fn columns_align_by_width() {
        assert_eq!(table().lines(72), ["项目  Stars  状态", "----  -----  ----", "MOSN      9   x"]);
    }

    #[test]
    fn a_wide_table_becomes_records() {
        assert_eq!(table().lines(10), ["项目: MOSN", "Stars: 9", "状态: x"]);
        let mut short = table();
        short.rows[1].pop();
        short.rows.push(Vec::new());
        assert_eq!(short.lines(10), ["状态", "", "项目: MOSN", "Stars: 9"]);
    }
}
