//! Rows of a CSV file as subscribers, read one by one.

use std::io::{self, Read};

use anyhow::Context;
use csv::{ErrorKind, ReaderBuilder, StringRecord};

use crate::email::EmailAddress;
use crate::finding::{Finding, Place};
use crate::subscriber::{NewSubscriber, Status};
use crate::subscription::csv_lines::Lines;
use crate::subscription::layout::field;
use crate::subscription::masked::masked;
use crate::subscription::plan::Plan;

/// The maximum length of a name. A longer one results from a missing quote or a wrong column; RFC 5322 section 2.1.1
/// limits a header line to 998 characters.
const MAX_NAME_BYTES: usize = 900;

/// The valid rows of a CSV file, and findings about the others.
pub(super) struct Rows<'a> {
    path: &'a str,
    plan: &'a Plan,
    reader: csv::Reader<Lines<'a>>,
    record: StringRecord,
    findings: Vec<Finding>,
    failure: Option<io::Error>,
}

impl<'a> Rows<'a> {
    /// Reads a list by its plan, from the beginning of its text.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn new(path: &'a str, text: &'a mut dyn Read, plan: &'a Plan) -> anyhow::Result<Self> {
        let lines = Lines::new(text).with_context(|| format!("failed to read `{path}`"))?;
        let mut reader = ReaderBuilder::new().delimiter(lines.delimiter()).flexible(true).from_reader(lines);
        reader.byte_headers().with_context(|| format!("failed to read `{path}`"))?;
        Ok(Self { path, plan, reader, record: StringRecord::new(), findings: Vec::new(), failure: None })
    }

    /// The next valid row; invalid ones before it are recorded.
    pub fn next_valid(&mut self) -> Option<NewSubscriber> {
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

    /// The findings about invalid rows, in the order of the file.
    ///
    /// # Errors
    /// If the file could not be read to its end.
    pub fn into_findings(mut self) -> io::Result<Vec<Finding>> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let open = self.reader.get_ref().unclosed_quotes().iter();
        self.findings.extend(open.map(|line| open_quote().at(place(self.path, *line))));
        self.findings.sort_by_key(|finding| finding.place.as_ref().map(|place| place.line));
        Ok(self.findings)
    }

    /// The line where the record begins. The reader is behind its last line; the position where it started looking is
    /// useless, because empty lines may follow it.
    fn line(&self) -> usize {
        let inside: usize = self.record.iter().map(|field| field.matches('\n').count()).sum();
        (self.reader.position().line() as usize).saturating_sub(1 + inside)
    }

    fn subscriber(&self) -> Result<NewSubscriber, Box<Finding>> {
        let layout = &self.plan.layout;
        if let Some(encoding) = self.plan.encoding
            && self.record.iter().any(|field| field.contains(char::REPLACEMENT_CHARACTER))
        {
            return Err(Box::new(not_decoded(encoding.name())));
        }
        let address = self.address()?;
        let status = layout.status(&self.record).map_err(|at| unknown_status(field(&self.record, at)))?;
        let mut name = layout.name(&self.record);
        if name.len() > MAX_NAME_BYTES && status == Status::Active {
            return Err(Box::new(long_name(&address, name.len())));
        }
        if name.len() > MAX_NAME_BYTES {
            // What matters is that they are not mailed.
            name.clear();
        }
        let attributes = layout.attributes.iter().filter(|(at, _)| !field(&self.record, *at).is_empty());
        let attributes = attributes.map(|(at, header)| (header.clone(), field(&self.record, *at).into())).collect();
        Ok(NewSubscriber { status, attributes, ..NewSubscriber::new(address, &name) })
    }

    fn address(&self) -> Result<EmailAddress, Box<Finding>> {
        let text = field(&self.record, self.plan.layout.address);
        text.parse().map_err(|error| {
            let wrong = match text {
                "" => Finding::error("csv-address", "the row has no email address"),
                text if text.matches('@').count() > 1 => {
                    Finding::error("csv-address", format!("`{}` is more than one email address", masked(text)))
                }
                text => Finding::error("csv-address", format!("`{}` is not an email address: {error}", masked(text))),
            };
            Box::new(wrong.help("correct the row and import the file again; valid rows are not added twice"))
        })
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
    Finding::error("csv-quote", "a quote is opened here and never closed")
        .help("close it, or double quotes inside a quoted field, and import the file again")
}

fn not_decoded(encoding: &str) -> Finding {
    Finding::error("csv-row", format!("the row is not {}", encoding.to_lowercase()))
        .help("check that the list has this encoding; if so, correct the row and import the file again")
}

fn long_name(address: &EmailAddress, bytes: usize) -> Finding {
    let message = format!("the name of {} has {bytes} bytes; the maximum is {MAX_NAME_BYTES}", address.masked());
    Finding::error("csv-name", message).help("shorten it, or look for an unclosed quote, and import the file again")
}

/// The list changed after it was checked. It is better to mail no one than someone who unsubscribed.
fn unknown_status(word: &str) -> Finding {
    Finding::error("csv-status", format!("the meaning of the status `{}` is unknown", masked(word)))
        .help("import the file again; it has changed meanwhile")
}
