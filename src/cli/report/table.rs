//! Tables for the terminal: columns that align by the width of their characters.

use unicode_width::UnicodeWidthStr;

use crate::cli::report::visible::visible_line;

/// The widths of the columns of a table. A table too long for memory is measured first, then written row by row.
#[derive(Debug, Default)]
pub(in crate::cli) struct Columns {
    widths: Vec<usize>,
}

impl Columns {
    /// Widens the columns to fit a row.
    pub fn measure(&mut self, row: &[impl AsRef<str>]) {
        self.widths.resize(self.widths.len().max(row.len()), 0);
        for (width, cell) in self.widths.iter_mut().zip(row) {
            *width = visible_line(cell.as_ref()).width().max(*width);
        }
    }

    /// A measured row as a line. The last column is not padded.
    pub fn line(&self, row: &[impl AsRef<str>]) -> String {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&self.widths) {
            let cell = visible_line(cell.as_ref());
            line.push_str(&cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

/// Rows as lines with aligned columns.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let mut columns = Columns::default();
    rows.iter().for_each(|row| columns.measure(row));
    rows.iter().map(|row| columns.line(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_width() {
        let rows =
            [vec!["周刊".to_owned(), "1".to_owned()], vec!["news".to_owned(), "22".to_owned()], vec!["a".to_owned()]];
        assert_eq!(aligned(&rows), "周刊  1\nnews  22\na\n");
    }

    #[test]
    fn a_cell_stays_in_its_line() {
        let rows = [["a\u{1b}[2J\nb", "c"].map(str::to_owned).to_vec(), ["d", "e"].map(str::to_owned).to_vec()];
        assert_eq!(aligned(&rows), "a␛[2J b  c\nd        e\n");
    }
}
