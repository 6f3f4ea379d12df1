//! Looks at a whole list before anybody of it is added: what its columns are, and whether every status in it is understood.
//!
//! Takes the list and what a person says about it; returns the `Plan` by which `csv_rows` reads it, or the finding that
//! stops the import. A row that names nobody is not looked at: `csv_rows` reports it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use csv::{ByteRecord, ReaderBuilder};
use encoding_rs::Encoding;

use crate::finding::{Finding, Place};
use crate::subscription::csv_lines::Lines;
use crate::subscription::encoding::{Rewindable, Text, encoding_of};
use crate::subscription::layout::Layout;
use crate::subscription::masked::masked;
use crate::subscription::options::{Options, SaidIn};
use crate::subscription::status_words::{self, Watch};

/// How many different cells of a column are shown.
const SHOWN: usize = 6;

/// How a list is read.
pub(super) struct Plan {
    pub encoding: Option<&'static Encoding>,
    pub layout: Layout,
}

impl Plan {
    /// The service whose export the list is.
    pub fn service(&self) -> Option<&'static str> {
        self.layout.service.map(|service| service.name)
    }
}

/// Looks at a list. `path` is its name in findings.
///
/// # Errors
/// A `Finding`, when a column that looks like the status or a cell of it is not understood, a column that is needed or named
/// is not there, or the encoding is not known. Another error when the list cannot be read to its end.
pub(super) fn plan(path: &str, source: &mut dyn Rewindable, options: &Options) -> anyhow::Result<Plan> {
    let failed = || format!("failed to read `{path}` to its end; nobody was added");
    let encoding = encoding_of(path, source, options).with_context(failed)?.map_err(|finding| *finding)?;
    let mut text = Text::new(source, encoding).with_context(failed)?;
    let lines = Lines::new(&mut text).with_context(failed)?;
    let first = lines.first_line();
    let mut reader = ReaderBuilder::new().delimiter(lines.delimiter()).flexible(true).from_reader(lines);
    let headers = reader.byte_headers().with_context(failed)?;
    let headers: Vec<String> = headers.iter().map(|header| String::from_utf8_lossy(header).trim().to_owned()).collect();
    let layout = Layout::new(&headers, path, options).map_err(|finding| finding.at(place(path, first)))?;
    if layout.whole_list.is_some() || !layout.has_to_be_looked_at() {
        return Ok(Plan { encoding, layout });
    }
    let mut doubts = Doubts::new(&headers, &layout);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).with_context(failed)? {
        doubts.look_at(&record);
    }
    match doubts.finding(options) {
        Some(finding) => Err(finding.at(place(path, first)).into()),
        None => Ok(Plan { encoding, layout }),
    }
}

/// What is not understood so far: cells by the place of their column.
struct Doubts<'a> {
    headers: &'a [String],
    layout: &'a Layout,
    watches: Vec<Watch>,
    cells: BTreeMap<usize, Vec<String>>,
}

impl<'a> Doubts<'a> {
    fn new(headers: &'a [String], layout: &'a Layout) -> Self {
        let watches = headers.iter().map(|header| status_words::watch(header)).collect();
        let cells = layout.suspects.iter().map(|at| (*at, Vec::new())).collect();
        Self { headers, layout, watches, cells }
    }

    fn look_at(&mut self, record: &ByteRecord) {
        let names_somebody = record.get(self.layout.address).unwrap_or_default().contains(&b'@');
        if !names_somebody || std::str::from_utf8(record.as_slice()).is_err() {
            return;
        }
        for column in &self.layout.states {
            let cell = text(record, column.at);
            if column.status(cell).is_none() {
                note(self.cells.entry(column.at).or_default(), cell);
            }
        }
        for at in &self.layout.watched {
            let cell = text(record, *at);
            if status_words::is_of_cell(cell, self.watches[*at]) {
                note(self.cells.entry(*at).or_default(), cell);
            }
        }
        for at in &self.layout.suspects {
            note(self.cells.entry(*at).or_default(), text(record, *at));
        }
    }

    fn finding(&self, options: &Options) -> Option<Finding> {
        let is_known = |at: &usize| self.layout.states.iter().any(|state| state.at == *at);
        let about = |(at, cells): (&usize, &Vec<String>)| {
            let cells: Vec<String> = cells
                .iter()
                .map(|cell| if cell.is_empty() { "a blank".to_owned() } else { format!("`{}`", masked(cell)) })
                .collect();
            let cells = if cells.is_empty() { "nothing".to_owned() } else { cells.join(", ") };
            let header = masked(&self.headers[*at]);
            match is_known(at) {
                true => format!("the column `{header}` tells the status, and what {cells} means is not known"),
                false => format!(
                    "the column `{header}` looks as if it told who gets mail, and is not understood (it holds {cells})"
                ),
            }
        };
        let about: Vec<String> = self.cells.iter().map(about).collect();
        let unknown: Vec<&str> = self.cells.keys().map(|at| self.headers[*at].as_str()).collect();
        let is_all_known = self.cells.keys().all(is_known);
        let end = match options.said_in {
            SaidIn::Flags => "nobody was imported",
            SaidIn::ProjectFile => "nobody is mailed",
        };
        let first = unknown.first()?;
        let finding = Finding::error("csv-status", format!("{}; {end}", about.join("; ")));
        Some(finding.help(help(first, is_all_known, options.said_in)))
    }
}

/// What to say of a column.
fn help(column: &str, is_known: bool, said_in: SaidIn) -> String {
    let column = masked(column);
    let statuses = "`left=*` is every other value, `active=` a blank one; beside active and left there are unconfirmed, bounced, \
                    complained and suppressed";
    match (said_in, is_known) {
        (SaidIn::Flags, true) => format!("say what its values mean: `--states active=VALUE,left=VALUE` ({statuses})"),
        (SaidIn::Flags, false) => format!(
            "say what it means, with `--map 'status={column}' --states active=VALUE,left=VALUE` ({statuses}), or that it does not \
             tell who gets mail, with `--keep '{column}'`"
        ),
        (SaidIn::ProjectFile, true) => {
            "say below `mail.subscribers` what its values mean: `states: {active: VALUE, left: [VALUE, VALUE]}`"
                .to_owned()
        }
        (SaidIn::ProjectFile, false) => format!(
            "say below `mail.subscribers` what it means, with `map: {{status: {column}}}` and `states: {{active: VALUE, left: \
             VALUE}}`, or that it does not tell who gets mail, with `keep: {column}`"
        ),
    }
}

/// Keeps a cell to show, once, and as many as somebody reads.
fn note(cells: &mut Vec<String>, cell: &str) {
    if cells.len() < SHOWN && !cells.iter().any(|known| known == cell) {
        cells.push(cell.to_owned());
    }
}

/// A cell, without space around it; blank where it is not text.
fn text(record: &ByteRecord, at: usize) -> &str {
    std::str::from_utf8(record.get(at).unwrap_or_default()).unwrap_or_default().trim()
}

fn place(path: &str, line: usize) -> Place {
    Place { path: path.to_owned(), line, column: 0, source: None }
}
