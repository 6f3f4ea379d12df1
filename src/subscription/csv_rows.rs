//! Rows of a CSV file as subscribers, read one by one.

use std::io::{self, Read};

use anyhow::Context;
use csv::{ErrorKind, ReaderBuilder, StringRecord};

use crate::finding::{Finding, Place};
use crate::subscriber::{NewSubscriber, Status};
use crate::subscription::csv_lines::Lines;

/// Headers that name the column of the address, in lower case.
const ADDRESS_HEADERS: [&str; 5] = ["email", "e-mail", "address", "email address", "email_address"];

/// The time of joining, which `export` writes; here it is the store's own.
const CREATED: &str = "created";

/// The good rows of a CSV file, and what is wrong with the others.
pub(super) struct Rows<'a> {
    path: &'a str,
    reader: csv::Reader<Lines<'a>>,
    headers: Vec<String>,
    address: usize,
    name: Option<usize>,
    status: Option<usize>,
    record: StringRecord,
    findings: Vec<Finding>,
    failure: Option<io::Error>,
}

impl<'a> Rows<'a> {
    pub fn new(path: &'a str, csv: &'a mut dyn Read, column: Option<&str>) -> anyhow::Result<Self> {
        let lines = Lines::new(csv).with_context(|| format!("failed to read `{path}`"))?;
        let mut reader = ReaderBuilder::new().delimiter(lines.delimiter()).flexible(true).from_reader(lines);
        let headers = reader.headers().map_err(|error| not_text(&error).at(place(path, 1)))?;
        let headers: Vec<String> = headers.iter().map(|header| header.trim().to_owned()).collect();
        let is_address = |header: &str| match column {
            Some(column) => header.eq_ignore_ascii_case(column),
            None => ADDRESS_HEADERS.iter().any(|known| header.eq_ignore_ascii_case(known)),
        };
        let Some(address) = headers.iter().position(|header| is_address(header)) else {
            return Err(no_column(&headers, column).at(place(path, 1)).into());
        };
        let other = |name: &str| {
            let mut others = headers.iter().enumerate().filter(|(at, _)| *at != address);
            others.find(|(_, header)| header.eq_ignore_ascii_case(name)).map(|(at, _)| at)
        };
        let (name, status) = (other("name"), other("status"));
        let (record, findings, failure) = (StringRecord::new(), Vec::new(), None);
        Ok(Self { path, reader, headers, address, name, status, record, findings, failure })
    }

    /// The next good row; those before it that are not are noted.
    pub fn next_good(&mut self) -> Option<NewSubscriber> {
        loop {
            let finding = match self.reader.read_record(&mut self.record) {
                Ok(false) => return None,
                Ok(true) if self.record.iter().all(|field| field.trim().is_empty()) => continue,
                Ok(true) => match self.subscriber() {
                    Ok(subscriber) => return Some(subscriber),
                    Err(finding) => *finding,
                },
                Err(error) => match not_text_or_failed(error) {
                    Ok(finding) => finding,
                    Err(failure) => {
                        self.failure = Some(failure);
                        return None;
                    }
                },
            };
            self.findings.push(finding.at(place(self.path, self.line())));
        }
    }

    /// What was wrong with the rows that were not good, in the order of the file.
    ///
    /// # Errors
    /// When the file could not be read to its end.
    pub fn into_findings(mut self) -> io::Result<Vec<Finding>> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let open = self.reader.get_ref().open_quotes().iter();
        self.findings.extend(open.map(|line| open_quote().at(place(self.path, *line))));
        self.findings.sort_by_key(|finding| finding.place.as_ref().map(|place| place.line));
        Ok(self.findings)
    }

    /// The line where the record begins. The reader stands behind its last line; where it began to look for a record
    /// says nothing, since there may have been blank lines.
    fn line(&self) -> usize {
        let inside: usize = self.record.iter().map(|field| field.matches('\n').count()).sum();
        (self.reader.position().line() as usize).saturating_sub(1 + inside)
    }

    fn subscriber(&self) -> Result<NewSubscriber, Box<Finding>> {
        let field = |at: usize| self.record.get(at).unwrap_or_default().trim();
        let text = field(self.address);
        let address = text.parse().map_err(|error| {
            let wrong = match text {
                "" => Finding::error("csv-address", "the row has no e-mail address"),
                text => Finding::error("csv-address", format!("`{}` is no e-mail address: {error}", masked(text))),
            };
            wrong.help("correct the row and import the file again; the rows that were good are not added twice")
        })?;
        let status = match self.status.map(field) {
            None | Some("") => Status::Active,
            Some(word) => Status::from_word(&word.to_lowercase()).ok_or_else(|| unknown_status(word))?,
        };
        let is_own = |at: &usize| [Some(self.address), self.name, self.status].contains(&Some(*at));
        let attributes = (0..self.headers.len()).filter(|at| {
            !is_own(at) && !self.headers[*at].is_empty() && self.headers[*at] != CREATED && !field(*at).is_empty()
        });
        let attributes = attributes.map(|at| (self.headers[at].clone(), field(at).into())).collect();
        let name = self.name.map(field).unwrap_or_default();
        Ok(NewSubscriber { status, attributes, ..NewSubscriber::new(address, name) })
    }
}

/// Enough of what somebody wrote to find it, not enough to write to them.
fn masked(text: &str) -> String {
    match text.split_once('@') {
        Some((local, domain)) => format!("{}...@{domain}", local.chars().take(1).collect::<String>()),
        None => text.chars().take(20).collect(),
    }
}

fn place(path: &str, line: usize) -> Place {
    Place { path: path.to_owned(), line, column: 0, source: None }
}

fn not_text_or_failed(error: csv::Error) -> Result<Finding, io::Error> {
    let finding = not_text(&error);
    match error.into_kind() {
        ErrorKind::Io(error) => Err(error),
        _ => Ok(finding),
    }
}

fn not_text(error: &csv::Error) -> Finding {
    let message = match error.kind() {
        ErrorKind::Utf8 { .. } => "the row is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    Finding::error("csv-row", message).help("save the file as CSV in UTF-8")
}

fn open_quote() -> Finding {
    Finding::error("csv-quote", "a quote is opened here and not closed")
        .help("close it, or write a quote inside a quoted field twice, and import the file again")
}

/// Better nobody gets mail than somebody who left.
fn unknown_status(word: &str) -> Finding {
    let word: String = word.chars().take(20).collect();
    Finding::error("csv-status", format!("`{word}` is no status"))
        .help("it is one of active, unsubscribed, suppressed; if the column means something else, give it another name")
}

fn no_column(headers: &[String], column: Option<&str>) -> Finding {
    let wanted = column.map_or("`email`".to_owned(), |column| format!("`{column}`"));
    let found: Vec<String> = headers.iter().take(8).map(|header| format!("`{}`", masked(header))).collect();
    let help = if headers.iter().any(|header| header.contains('@')) {
        "the first line looks like a subscriber; write the names of the columns above it: `email,name`".to_owned()
    } else if headers.iter().all(String::is_empty) {
        "the first line of the file names its columns: `email,name`".to_owned()
    } else {
        format!("name the column of the address with `--column`; there are {}", found.join(", "))
    };
    Finding::error("csv-column", format!("there is no column {wanted} in the file")).help(help)
}
