//! Checks an entire list before anything is added: what its columns are, and whether every status in it is understood.
//!
//! Returns the `Plan` by which `csv_rows` reads the list, or the finding that stops the import. Rows without an address
//! are skipped here; `csv_rows` reports them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use csv::{ByteRecord, ReaderBuilder};
use encoding_rs::Encoding;

use crate::finding::{Finding, Place};
use crate::subscription::csv_lines::Lines;
use crate::subscription::encoding::{DecodedText, Rewindable, detect_encoding};
use crate::subscription::layout::Layout;
use crate::subscription::masked::masked;
use crate::subscription::options::{OptionSource, Options};
use crate::subscription::status_words::{self, CellVocabulary};

/// How many different cells of a column are shown.
const MAX_SHOWN: usize = 6;

/// How to read a list.
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

/// Checks a list. `path` is its name in findings.
///
/// # Errors
/// A `Finding` if a column that looks like a status, or a cell of the status, is not understood, a required or named
/// column is missing, or the encoding is unknown. Another error if the list cannot be read to its end.
pub(super) fn plan(path: &str, source: &mut dyn Rewindable, options: &Options) -> anyhow::Result<Plan> {
    let failed = || format!("failed to read `{path}` to its end; nothing was added");
    let encoding = detect_encoding(path, source, options).with_context(failed)?.map_err(|finding| *finding)?;
    let mut text = DecodedText::new(source, encoding).with_context(failed)?;
    let lines = Lines::new(&mut text).with_context(failed)?;
    let first = lines.first_line();
    let mut reader = ReaderBuilder::new().delimiter(lines.delimiter()).flexible(true).from_reader(lines);
    let headers = reader.byte_headers().with_context(failed)?;
    let headers: Vec<String> = headers.iter().map(|header| String::from_utf8_lossy(header).trim().to_owned()).collect();
    let layout = Layout::new(&headers, path, options).map_err(|finding| finding.at(place(path, first)))?;
    if layout.whole_list.is_some() || !layout.needs_scan() {
        return Ok(Plan { encoding, layout });
    }
    let mut unknown_values = UnknownValues::new(&headers, &layout);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).with_context(failed)? {
        unknown_values.look_at(&record);
    }
    match unknown_values.finding(options) {
        Some(finding) => Err(finding.at(place(path, first)).into()),
        None => Ok(Plan { encoding, layout }),
    }
}

/// Values that are not understood, by column.
struct UnknownValues<'a> {
    headers: &'a [String],
    layout: &'a Layout,
    vocabularies: Vec<CellVocabulary>,
    cells: BTreeMap<usize, Vec<String>>,
}

impl<'a> UnknownValues<'a> {
    fn new(headers: &'a [String], layout: &'a Layout) -> Self {
        let vocabularies = headers.iter().map(|header| status_words::cell_vocabulary(header)).collect();
        let cells = layout.suspicious.iter().map(|at| (*at, Vec::new())).collect();
        Self { headers, layout, vocabularies, cells }
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
        for at in &self.layout.unclassified {
            let cell = text(record, *at);
            if status_words::may_be_status_cell(cell, self.vocabularies[*at]) {
                note(self.cells.entry(*at).or_default(), cell);
            }
        }
        for at in &self.layout.suspicious {
            note(self.cells.entry(*at).or_default(), text(record, *at));
        }
    }

    fn finding(&self, options: &Options) -> Option<Finding> {
        let is_known = |at: &usize| self.layout.states.iter().any(|state| state.at == *at);
        let about = |(at, cells): (&usize, &Vec<String>)| {
            let cells: Vec<String> = cells
                .iter()
                .map(|cell| if cell.is_empty() { "an empty cell".to_owned() } else { format!("`{}`", masked(cell)) })
                .collect();
            let cells = if cells.is_empty() { "nothing".to_owned() } else { cells.join(", ") };
            let header = masked(&self.headers[*at]);
            match is_known(at) {
                true => format!("the column `{header}` is the status, but the meaning of {cells} is unknown"),
                false => {
                    format!("the column `{header}` looks like a status, but its values are not understood ({cells})")
                }
            }
        };
        let about: Vec<String> = self.cells.iter().map(about).collect();
        let unknown: Vec<&str> = self.cells.keys().map(|at| self.headers[*at].as_str()).collect();
        let is_all_known = self.cells.keys().all(is_known);
        let end = match options.source {
            OptionSource::Flags => "nothing was imported",
            OptionSource::ProjectFile => "nothing is sent",
        };
        let first = unknown.first()?;
        let finding = Finding::error("csv-status", format!("{}; {end}", about.join("; ")));
        Some(finding.help(help(first, is_all_known, options.source)))
    }
}

/// What to do about a column.
fn help(column: &str, is_known: bool, source: OptionSource) -> String {
    let column = masked(column);
    let statuses = "`left=*` is every other value, `active=` an empty cell; the other statuses are unconfirmed, bounced, \
                    complained and suppressed";
    match (source, is_known) {
        (OptionSource::Flags, true) => {
            format!("say what its values mean: `--states active=VALUE,left=VALUE` ({statuses})")
        }
        (OptionSource::Flags, false) => format!(
            "say what its values mean with `--map 'status={column}' --states active=VALUE,left=VALUE` ({statuses}), or that it is \
             no status with `--keep '{column}'`"
        ),
        (OptionSource::ProjectFile, true) => {
            "say below `mail.subscribers` what its values mean: `states: {active: VALUE, left: [VALUE, VALUE]}`"
                .to_owned()
        }
        (OptionSource::ProjectFile, false) => format!(
            "say below `mail.subscribers` what its values mean with `map: {{status: {column}}}` and `states: {{active: VALUE, left: \
             VALUE}}`, or that it is no status with `keep: {column}`"
        ),
    }
}

/// Keeps a cell to show, once, up to the maximum.
fn note(cells: &mut Vec<String>, cell: &str) {
    if cells.len() < MAX_SHOWN && !cells.iter().any(|known| known == cell) {
        cells.push(cell.to_owned());
    }
}

/// A trimmed cell, or an empty text if it is not UTF-8.
fn text(record: &ByteRecord, at: usize) -> &str {
    std::str::from_utf8(record.get(at).unwrap_or_default()).unwrap_or_default().trim()
}

fn place(path: &str, line: usize) -> Place {
    Place { path: path.to_owned(), line, column: 0, source: None }
}
