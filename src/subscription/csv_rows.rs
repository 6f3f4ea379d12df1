//! Rows of a CSV file as subscribers, read one by one.

use std::io::{BufRead, BufReader, Read};

use csv::{ReaderBuilder, StringRecord};

use crate::finding::{Finding, Place};
use crate::subscriber::NewSubscriber;

/// Headers that name the column of the address, in lower case.
const ADDRESS_HEADERS: [&str; 5] = ["email", "e-mail", "address", "email address", "email_address"];

/// What `export` adds and no import takes back: status and time are the store's own.
const OWN_HEADERS: [&str; 2] = ["status", "created"];

/// The good rows of a CSV file, and what is wrong with the others.
pub(super) struct Rows<'a> {
    path: &'a str,
    reader: csv::Reader<Box<dyn Read + 'a>>,
    headers: Vec<String>,
    address: usize,
    name: Option<usize>,
    record: StringRecord,
    /// Lines that csv is behind: where lines end in CR LF, it begins a record at the LF of the one before.
    lines_behind: usize,
    findings: Vec<Finding>,
}

impl<'a> Rows<'a> {
    pub fn new(path: &'a str, csv: &'a mut dyn Read, column: Option<&str>) -> anyhow::Result<Self> {
        let mut csv = BufReader::new(csv);
        if csv.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            csv.consume(3);
        }
        let header = csv.fill_buf()?.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let (delimiter, lines_behind) = (delimiter(header), usize::from(header.ends_with(b"\r")));
        let boxed: Box<dyn Read + 'a> = Box::new(csv);
        let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(boxed);
        let headers = reader.headers().map_err(|error| unreadable(path, 1, &error))?;
        let headers: Vec<String> = headers.iter().map(|header| header.trim().to_owned()).collect();
        let is_address = |header: &str| match column {
            Some(column) => header.eq_ignore_ascii_case(column),
            None => ADDRESS_HEADERS.iter().any(|known| header.eq_ignore_ascii_case(known)),
        };
        let Some(address) = headers.iter().position(|header| is_address(header)) else {
            return Err(no_column(path, &headers, column).into());
        };
        let name = headers.iter().position(|header| header.eq_ignore_ascii_case("name"));
        let (record, findings) = (StringRecord::new(), Vec::new());
        Ok(Self { path, reader, headers, address, name, record, lines_behind, findings })
    }

    /// The next good row; those before it that are not are noted.
    pub fn next_good(&mut self) -> Option<NewSubscriber> {
        loop {
            match self.reader.read_record(&mut self.record) {
                Ok(false) => return None,
                Ok(true) if self.record.iter().all(|field| field.trim().is_empty()) => {}
                Ok(true) => match self.subscriber() {
                    Ok(subscriber) => return Some(subscriber),
                    Err(finding) => self.findings.push(finding),
                },
                Err(error) => {
                    let fatal = matches!(error.kind(), csv::ErrorKind::Io(_));
                    let line = error.position().map_or(0, |position| self.line(position));
                    self.findings.push(unreadable(self.path, line, &error));
                    if fatal {
                        return None;
                    }
                }
            }
        }
    }

    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    fn line(&self, position: &csv::Position) -> usize {
        position.line() as usize + self.lines_behind
    }

    #[expect(clippy::result_large_err, reason = "bad rows are rare")]
    fn subscriber(&self) -> Result<NewSubscriber, Finding> {
        let field = |at: usize| self.record.get(at).unwrap_or_default().trim();
        let address = field(self.address).parse().map_err(|error| {
            let line = self.record.position().map_or(0, |position| self.line(position));
            let place = Place { path: self.path.to_owned(), line, column: 0, source: None };
            let shown = masked(field(self.address));
            Finding::error("csv-address", format!("`{shown}` is no e-mail address: {error}"))
                .help("correct the row and import the file again; the rows that were good are not added twice")
                .at(place)
        })?;
        let is_attribute = |at: &usize| {
            let header = &self.headers[*at];
            *at != self.address
                && Some(*at) != self.name
                && !header.is_empty()
                && !OWN_HEADERS.contains(&header.as_str())
        };
        let attributes = (0..self.headers.len()).filter(is_attribute).filter(|at| !field(*at).is_empty());
        let attributes = attributes.map(|at| (self.headers[at].clone(), field(at).into())).collect();
        Ok(NewSubscriber { address, name: self.name.map(field).unwrap_or_default().to_owned(), attributes })
    }
}

/// The separator that the header uses most.
fn delimiter(header: &[u8]) -> u8 {
    let count = |delimiter: &u8| header.iter().filter(|byte| *byte == delimiter).count();
    // `max_by_key` takes the last of equals, and a comma is the one to assume.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// Enough of what somebody wrote to find it, not enough to write to them.
fn masked(text: &str) -> String {
    match text.split_once('@') {
        Some((local, domain)) => format!("{}...@{domain}", local.chars().take(1).collect::<String>()),
        None => text.chars().take(20).collect(),
    }
}

fn unreadable(path: &str, line: usize, error: &csv::Error) -> Finding {
    let message = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "the row is not UTF-8".to_owned(),
        csv::ErrorKind::Io(error) => format!("it cannot be read: {error}"),
        _ => error.to_string(),
    };
    let place = Place { path: path.to_owned(), line, column: 0, source: None };
    Finding::error("csv-row", message).help("save the file as CSV in UTF-8").at(place)
}

fn no_column(path: &str, headers: &[String], column: Option<&str>) -> Finding {
    let wanted = column.map_or("`email`".to_owned(), |column| format!("`{column}`"));
    let found: Vec<String> = headers.iter().take(8).map(|header| format!("`{}`", masked(header))).collect();
    let help = if headers.iter().any(|header| header.contains('@')) {
        "the first line looks like a subscriber; write the names of the columns above it: `email,name`".to_owned()
    } else {
        format!("name the column of the address with `--column`; there are {}", found.join(", "))
    };
    let place = Place { path: path.to_owned(), line: 1, column: 0, source: None };
    Finding::error("csv-column", format!("there is no column {wanted} in the file")).help(help).at(place)
}
