//! The only writer to the terminal: results to stdout, messages, findings, errors and progress to stderr.
//!
//! An error says what failed and where, why (its causes), and what to do. Everything can be understood without colour.

use std::fmt;
use std::io::{self, IsTerminal, StdoutLock, Write};
use std::time::Duration;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;
use terminal_size::terminal_size_of;
use unicode_width::UnicodeWidthStr;

use crate::cli::Exit;
use crate::cli::args::{Color, Global};
use crate::finding::{Finding, Place, Severity};
use crate::store::StoreError;

/// Writes what the user asked to see, as it was asked to be written.
#[derive(Debug, Clone)]
pub(super) struct Report {
    /// One JSON document on stdout instead of text.
    pub json: bool,
    quiet: bool,
    verbose: bool,
    color: ColorChoice,
}

/// How a person follows long work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watching {
    /// On a terminal: a line that changes.
    Bar,
    /// In a log: a line now and then.
    Lines,
    /// Not at all.
    Nothing,
}

impl Report {
    /// A report as the global options want it.
    pub fn new(global: &Global) -> Self {
        let color = match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { json: global.json, quiet: global.quiet, verbose: global.verbose, color }
    }

    /// Writes a result as it is.
    pub fn text(&self, text: &str) -> anyhow::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Where a result goes that is written piece by piece.
    pub fn stdout(&self) -> StdoutLock<'static> {
        io::stdout().lock()
    }

    /// Writes a result that may not be text.
    pub fn bytes(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut stdout = self.stdout();
        stdout.write_all(bytes)?;
        Ok(stdout.flush()?)
    }

    /// Writes a result: a line of text, or the one document of `--json`.
    pub fn result(&self, line: &str, document: &impl Serialize) -> anyhow::Result<()> {
        if self.json { self.document(document) } else { self.text(&format!("{line}\n")) }
    }

    /// Writes the one document of `--json`.
    pub fn document(&self, document: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(document)?;
        text.push('\n');
        self.text(&text)
    }

    /// Writes rows with aligned columns; the last column is not padded.
    pub fn table(&self, rows: &[Vec<String>]) -> anyhow::Result<()> {
        self.text(&aligned(rows))
    }

    /// Says something that is no result, unless asked to be quiet.
    pub fn message(&self, message: &str) {
        if !self.quiet {
            self.to_stderr(&format!("{message}\n"));
        }
    }

    /// Says something that only some want to know.
    pub fn detail(&self, message: &str) {
        if self.verbose {
            self.to_stderr(&format!("{message}\n"));
        }
    }

    /// Shows findings, each with its place and remedy; warnings only unless quiet.
    pub fn findings(&self, findings: &[Finding]) {
        for finding in findings {
            if self.quiet && finding.severity == Severity::Warning {
                continue;
            }
            self.to_stderr(&format!("{}\n", rendered(finding, &finding.message, &[])));
        }
    }

    /// Writes findings as the result that was asked for.
    pub fn found(&self, findings: &[Finding]) -> anyhow::Result<()> {
        let all = findings.iter().map(|finding| format!("{}\n", rendered(finding, &finding.message, &[])));
        self.styled(&all.collect::<String>())
    }

    /// Writes a result with colours in it, which are taken out where they are not wanted.
    pub fn styled(&self, text: &str) -> anyhow::Result<()> {
        let mut stdout = AutoStream::new(io::stdout(), self.color).lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// Whether only what went wrong is to be said.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether more is to be said.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Shows the error that ended the run.
    pub fn error(&self, error: &anyhow::Error) {
        let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
        // The error itself may be a finding put before its cause; anyhow finds such a context only from outside.
        let found = error.downcast_ref().or_else(|| error.chain().find_map(|cause| cause.downcast_ref::<Finding>()));
        let found = found.cloned();
        let store = error.chain().find_map(|cause| cause.downcast_ref::<StoreError>());
        let found =
            found.unwrap_or_else(|| Finding { help: store.and_then(StoreError::help), ..Finding::error("", "") });
        self.to_stderr(&format!("{}\n", rendered(&found, &error.to_string(), &causes)));
    }

    /// A progress bar over `length` steps; on a terminal only, and only when the work takes more than a second.
    pub fn progress(&self, length: u64, what: &str) -> ProgressBar {
        let bar = self.bar("{msg} {wide_bar} {pos}/{len} {per_sec} {eta}", |style| style);
        bar.set_length(length);
        bar.set_message(what.to_owned());
        bar
    }

    /// A line that is written anew several times a second until its bar is finished; `line` gives it for a width in
    /// columns. On a terminal only, and only when the work takes more than a second.
    pub fn live(&self, line: impl Fn(usize) -> String + Clone + Send + Sync + 'static) -> ProgressBar {
        let draw = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            let width = terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
            // A column is left free: some terminals go to the next line when the last one is filled.
            let _ = out.write_str(&line(width.saturating_sub(1)));
        };
        let bar = self.bar("{line}", |style| style.with_key("line", draw));
        if self.watching() == Watching::Bar {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        bar
    }

    /// How a person follows long work.
    pub fn watching(&self) -> Watching {
        match (self.quiet || self.json, io::stderr().is_terminal()) {
            (true, _) => Watching::Nothing,
            (false, true) => Watching::Bar,
            (false, false) => Watching::Lines,
        }
    }

    fn bar(&self, template: &str, keys: impl FnOnce(ProgressStyle) -> ProgressStyle) -> ProgressBar {
        if self.watching() != Watching::Bar {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(keys(style));
        }
        let shown_later = bar.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(1));
            if !shown_later.is_finished() {
                shown_later.set_draw_target(ProgressDrawTarget::stderr());
            }
        });
        bar
    }

    /// Nobody can be told that stderr is gone.
    fn to_stderr(&self, text: &str) {
        let _ = AutoStream::new(io::stderr(), self.color).write_all(text.as_bytes());
    }
}

/// A finding in a `--json` document.
#[derive(Debug, Serialize)]
pub(super) struct FindingRow<'a> {
    rule: &'a str,
    severity: &'static str,
    message: &'a str,
    path: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    help: Option<&'a str>,
}

impl<'a> FindingRow<'a> {
    /// The row of a finding.
    pub fn of(finding: &'a Finding) -> Self {
        let place = finding.place.as_ref();
        Self {
            rule: finding.rule,
            severity: severity(finding.severity),
            message: &finding.message,
            path: place.map(|place| place.path.as_str()),
            line: place.map(|place| place.line).filter(|line| *line > 0),
            column: place.map(|place| place.column).filter(|column| *column > 0),
            help: finding.help.as_deref(),
        }
    }
}

/// The word for how bad a finding is.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Shows what is wrong with the arguments, or the help that was asked for.
pub(super) fn usage(error: &clap::Error) -> Exit {
    let _ = error.print();
    if error.use_stderr() { Exit::Failed } else { Exit::Done }
}

/// One finding as text: message, place with the source line, causes, help. Colours are in it; `AutoStream` takes them
/// out where they are not wanted.
fn rendered(finding: &Finding, message: &str, causes: &[String]) -> String {
    let level = match finding.severity {
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let mut title = level.primary_title(message);
    if !finding.rule.is_empty() {
        title = title.id(finding.rule);
    }
    let mut group = match &finding.place {
        None => annotate_snippets::Group::with_title(title),
        Some(Place { path, line: 0, .. }) => title.element(Origin::path(path.as_str())),
        Some(Place { path, line, column: 0, source: None }) => title.element(Origin::path(path.as_str()).line(*line)),
        Some(Place { path, line, column, source: None }) => {
            title.element(Origin::path(path.as_str()).line(*line).char_column(*column))
        }
        Some(Place { path, line, column, source: Some(source) }) => {
            let from = byte_of_column(source, *column);
            let to = match finding.length {
                0 => source.len(),
                length => byte_of_column(source, *column + length),
            };
            let span = from..to.max(from);
            let snippet = Snippet::source(source.as_str()).line_start(*line).path(path.as_str());
            title.element(snippet.annotation(AnnotationKind::Primary.span(span)))
        }
    };
    for cause in causes.iter().filter(|cause| *cause != message) {
        group = group.element(Level::NOTE.with_name("because").message(cause.as_str()));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    Renderer::styled().render(&[group])
}

/// Byte offset of a column that counts characters from 1.
fn byte_of_column(line: &str, column: usize) -> usize {
    line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at)
}

fn aligned(rows: &[Vec<String>]) -> String {
    let mut columns = Columns::default();
    rows.iter().for_each(|row| columns.measure(row));
    rows.iter().map(|row| columns.line(row)).collect()
}

/// The columns of a table too long to be kept: its rows are measured first, then written.
#[derive(Debug, Default)]
pub(super) struct Columns {
    widths: Vec<usize>,
}

impl Columns {
    /// Makes room for a row.
    pub fn measure(&mut self, row: &[impl AsRef<str>]) {
        self.widths.resize(self.widths.len().max(row.len()), 0);
        for (width, cell) in self.widths.iter_mut().zip(row) {
            *width = cell.as_ref().width().max(*width);
        }
    }

    /// A row that was measured, as a line.
    pub fn line(&self, row: &[impl AsRef<str>]) -> String {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&self.widths) {
            let cell = cell.as_ref();
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
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
    fn a_column_past_the_end_is_the_end() {
        assert_eq!(byte_of_column("标题", 2), 3);
        assert_eq!(byte_of_column("标题", 9), 6);
        assert_eq!(byte_of_column("标题", 0), 0);
    }
}
