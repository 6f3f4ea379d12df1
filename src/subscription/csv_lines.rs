//! The lines of a CSV file, safe to parse: no byte order mark, LF line ends, and no unclosed quote.
//!
//! An unclosed quote would turn all rows up to the next quote into one, unnoticed. A line that opens a quote and does
//! not close it is reported and emptied, so that the rows after it are read and keep their line numbers.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

/// The maximum number of lines of a quoted field.
const MAX_QUOTED_LINES: usize = 100;

/// A reader of cleaned CSV.
pub(super) struct Lines<'a> {
    source: BufReader<&'a mut dyn Read>,
    /// Lines read ahead.
    ahead: VecDeque<Vec<u8>>,
    /// The current record, and how much of it was returned.
    record: Vec<u8>,
    given: usize,
    delimiter: u8,
    first_line: usize,
    line: usize,
    open: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn new(source: &'a mut dyn Read) -> io::Result<Self> {
        let (ahead, record) = (VecDeque::new(), Vec::new());
        let source = BufReader::with_capacity(64 * 1024, source);
        let mut lines =
            Self { source, ahead, record, given: 0, delimiter: b',', first_line: 1, line: 0, open: Vec::new() };
        let header = lines.next_line()?.unwrap_or_default();
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&header).to_vec();
        if let Some(separator) = named_separator(&header) {
            lines.delimiter = separator;
            lines.first_line = 2;
            // The header is the next line. An empty line in place of this one keeps the line numbers.
            lines.ahead.push_front(b"\n".to_vec());
        } else {
            lines.delimiter = delimiter(&header);
            lines.ahead.push_front(header);
        }
        Ok(lines)
    }

    /// The field separator.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The number of the header's line.
    pub fn first_line(&self) -> usize {
        self.first_line
    }

    /// The numbers of the lines with an unclosed quote, as far as the file was read.
    pub fn unclosed_quotes(&self) -> &[usize] {
        &self.open
    }

    /// Reads the next record, which may span several lines.
    fn fill(&mut self) -> io::Result<()> {
        self.record.clear();
        self.given = 0;
        if self.ahead.is_empty() {
            read_line(&mut self.source, &mut self.record)?;
            if is_plain(&self.record, self.delimiter) {
                self.line += usize::from(!self.record.is_empty());
                return Ok(());
            }
            self.ahead.push_back(std::mem::take(&mut self.record));
        }
        let mut lines = VecDeque::new();
        let mut quote = Quote::None;
        while let Some(mut line) = self.next_line()? {
            if has_space_before_quote(&line) {
                line = quote.without_space(&line, self.delimiter);
            }
            quote = quote.after(&line, self.delimiter);
            lines.push_back(line);
            // Within one line, the parser copes with a misplaced quote; across several it would swallow them.
            let is_whole = quote == Quote::None || (quote == Quote::Misplaced && lines.len() == 1);
            if is_whole {
                self.line += lines.len();
                lines.iter().for_each(|line| self.record.extend(line));
                return Ok(());
            }
            if quote == Quote::Misplaced || lines.len() == MAX_QUOTED_LINES {
                break;
            }
        }
        if lines.pop_front().is_none() {
            return Ok(());
        }
        self.line += 1;
        self.open.push(self.line);
        self.record.push(b'\n');
        while let Some(line) = lines.pop_back() {
            self.ahead.push_front(line);
        }
        Ok(())
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        read_line(&mut self.source, &mut line)?;
        Ok((!line.is_empty()).then_some(line))
    }
}

/// Reads a line and normalises its end; leaves `line` empty at the end of the file.
fn read_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<()> {
    if source.read_until(b'\n', line)? == 0 {
        return Ok(());
    }
    if line.ends_with(b"\n") {
        line.pop();
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    line.push(b'\n');
    Ok(())
}

impl Read for Lines<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.record.len() {
            self.fill()?;
        }
        let rest = &self.record[self.given..];
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

/// The state of a record's quotes at the end of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    /// The record ends with the line.
    None,
    /// A quoted field continues on the next line.
    Open,
    /// A quote was closed inside a field.
    Misplaced,
}

impl Quote {
    /// Removes spaces between a separator and a quote, which many programs write although RFC 4180 does not allow them:
    /// the parser would take the quote as part of the field, and separators in the quoted text as its end.
    fn without_space(self, line: &[u8], delimiter: u8) -> Vec<u8> {
        let (mut is_quoted, mut starts_field) = (self == Self::Open, self == Self::None);
        let mut kept = Vec::with_capacity(line.len());
        for (at, byte) in line.iter().enumerate() {
            if starts_field && *byte == b' ' && delimiter != b' ' {
                let after = line[at..].iter().find(|byte| **byte != b' ');
                if after == Some(&b'"') {
                    continue;
                }
            }
            // A doubled quote closes and reopens.
            match byte {
                b'"' if starts_field || is_quoted => is_quoted = !is_quoted,
                b'"' if at > 0 && line[at - 1] == b'"' => is_quoted = true,
                _ => {}
            }
            starts_field = !is_quoted && *byte == delimiter;
            kept.push(*byte);
        }
        kept
    }

    fn after(self, line: &[u8], delimiter: u8) -> Self {
        let ends_field = |byte: Option<&u8>| byte.is_none_or(|byte| *byte == delimiter || b"\r\n".contains(byte));
        let (mut quote, mut starts_field) = (self, self == Self::None);
        let mut bytes = line.iter().peekable();
        while let Some(&byte) = bytes.next() {
            match (quote, byte) {
                (Self::Open, b'"') if bytes.next_if_eq(&&b'"').is_some() => {}
                (Self::Open, b'"') if ends_field(bytes.peek().copied()) => quote = Self::None,
                (Self::Open, b'"') => return Self::Misplaced,
                (Self::Open, _) => {}
                (_, b'"') if starts_field => quote = Self::Open,
                _ => {}
            }
            starts_field = quote != Self::Open && byte == delimiter;
        }
        quote
    }
}

/// Whether a record is a single line without problems, as most are.
fn is_plain(line: &[u8], delimiter: u8) -> bool {
    memchr::memchr(b'"', line).is_none()
        || (!has_space_before_quote(line) && Quote::None.after(line, delimiter) != Quote::Open)
}

fn has_space_before_quote(line: &[u8]) -> bool {
    memchr::memchr_iter(b'"', line).any(|at| at > 0 && line[at - 1] == b' ')
}

/// The separator named by Excel in a separate first line: `sep=;`.
fn named_separator(line: &[u8]) -> Option<u8> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    match line.strip_suffix(b"\r").unwrap_or(line) {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] => Some(*separator),
        _ => None,
    }
}

/// The most frequent separator of the header, outside quotes.
pub(super) fn delimiter(header: &[u8]) -> u8 {
    let bare: Vec<u8> = header.split(|byte| *byte == b'"').step_by(2).flatten().copied().collect();
    let count = |delimiter: &u8| bare.iter().filter(|byte| *byte == delimiter).count();
    // `max_by_key` returns the last of equals, and comma is the default.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(mut csv: &[u8]) -> (String, Vec<usize>) {
        let mut lines = Lines::new(&mut csv).unwrap();
        let mut text = String::new();
        lines.read_to_string(&mut text).unwrap();
        (text, lines.unclosed_quotes().to_vec())
    }

    #[test]
    fn a_quoted_field_may_span_lines() {
        let csv = "\u{feff}a;\"b;c,,,\"\r\n1;\"one \"\"two\"\"\r\nthree\"\r\n4;5";
        assert_eq!(read(csv.as_bytes()), ("a;\"b;c,,,\"\n1;\"one \"\"two\"\"\nthree\"\n4;5\n".into(), vec![]));
    }

    #[test]
    fn an_unclosed_quote_affects_one_line() {
        assert_eq!(read(b"a,b\n1,\"x\n2,y\n3,z\n"), ("a,b\n\n2,y\n3,z\n".into(), vec![2]));
        assert_eq!(read(b"a,b\n1,\"x\n2,\"y\"\n3,z\n"), ("a,b\n\n2,\"y\"\n3,z\n".into(), vec![2]));
        assert_eq!(read(b"a,b\n1,\"x\n2,\"y\n"), ("a,b\n\n\n".into(), vec![2, 3]));
        assert_eq!(read(b"a,b\n1,\"x \"y\" z\"\n"), ("a,b\n1,\"x \"y\" z\"\n".into(), vec![]));
        assert_eq!(read(b"a,b\n1,x \"y\n"), ("a,b\n1,x \"y\n".into(), vec![]));
    }

    #[test]
    fn a_space_before_a_quote_is_dropped() {
        let csv = b"a,b\n1, \"x, y\"\n2,  \"p \"\"q\"\", r\"\n3,\"m, \"\"n\"\"\"\n \"4\", no quote \"here\n5, \"over\n , \"\"lines\"\"\",x\n";
        let expected = "a,b\n1,\"x, y\"\n2,\"p \"\"q\"\", r\"\n3,\"m, \"\"n\"\"\"\n\"4\", no quote \"here\n5,\"over\n , \"\"lines\"\"\",x\n";
        assert_eq!(read(csv), (expected.to_owned(), vec![]));
    }

    #[test]
    fn the_separator_is_the_one_outside_quotes() {
        assert_eq!(delimiter(b"email\n"), b',');
        assert_eq!(delimiter(b"email;name\n"), b';');
        assert_eq!(delimiter(b"email\tname, all of it\tcity\n"), b'\t');
        assert_eq!(delimiter(b"\"name; first, last, other\";email\n"), b';');
    }

    proptest! {
        /// The output of a CSV writer is read back unchanged.
        #[test]
        fn written_csv_is_read_back(rows in prop::collection::vec(prop::collection::vec("[a\", \n]{0,6}", 2), 1..9)) {
            let mut writer = csv::Writer::from_writer(b"email,name\n".to_vec());
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let written = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(read(written.as_bytes()), (written, vec![]));
        }

        #[test]
        fn no_line_is_lost(csv in "[a\",\n]{0,60}") {
            let (text, _) = read(format!("email,name\n{csv}\n").as_bytes());
            prop_assert_eq!(text.lines().count(), csv.matches('\n').count() + 2);
        }
    }
}
