//! The only writer to the terminal: results to stdout; messages, findings, errors and progress to stderr.
//!
//! An error says what failed and where, why (its causes), and what to do. Everything can be understood without colour.
//! Control characters of other people's text are shown, not obeyed. With `--json` a result is one document, which `json` keeps
//! until the command ends.

use std::fmt;
use std::io::{self, IsTerminal, StdoutLock, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use clap::error::ErrorKind;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;
use terminal_size::terminal_size_of;

use crate::cli::Exit;
use crate::cli::args::{Color, Global};
use crate::cli::report::alike::Shown;
use crate::cli::report::json::{Body, Output};
use crate::cli::report::snippet::rendered;
use crate::cli::report::visible::{visible, without_controls};
use crate::finding::{Finding, Severity};

pub(super) use crate::cli::report::json::{ErrorRow, FindingRow, rows, severity};
pub(super) use crate::cli::report::notices::Notices;
pub(super) use crate::cli::report::table::Columns;
pub(super) use crate::cli::report::visible::visible_line;

mod alike;
mod json;
mod notices;
mod snippet;
mod table;
mod visible;

/// Writes results and messages in the way the global options ask for.
#[derive(Debug, Clone)]
pub(super) struct Report {
    /// One JSON document on stdout instead of text.
    pub json: bool,
    quiet: bool,
    verbose: bool,
    color: ColorChoice,
    output: Arc<Mutex<Output>>,
    notices: Arc<Mutex<Option<Notices>>>,
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
    /// The report that the global options ask for.
    pub fn new(global: &Global) -> Self {
        let color = match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let Global { json, quiet, verbose, .. } = *global;
        Self { json, quiet, verbose, color, output: Arc::default(), notices: Arc::default() }
    }

    /// Whether messages go to a terminal.
    pub fn is_on_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Whether a job such as cron's reads the messages, and wants to know of problems only.
    pub fn is_unattended(&self) -> bool {
        self.quiet && !self.json && !self.is_on_terminal()
    }

    /// From now on shows a message only if it is due.
    pub fn show_once_a_day(&self, notices: Notices) {
        *lock(&self.notices) = Some(notices);
    }

    /// Writes a result as text.
    pub fn text(&self, text: &str) -> anyhow::Result<()> {
        self.bytes(visible(text).as_bytes())
    }

    /// Writes what readers get as a result: into a file, right-to-left text comes as it is.
    pub fn content(&self, text: &str) -> anyhow::Result<()> {
        if io::stdout().is_terminal() { self.text(text) } else { self.bytes(without_controls(text).as_bytes()) }
    }

    /// Stdout, for a result that is written piece by piece.
    pub fn stdout(&self) -> StdoutLock<'static> {
        io::stdout().lock()
    }

    /// Writes a result that may not be text.
    pub fn bytes(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut stdout = self.stdout();
        stdout.write_all(bytes)?;
        Ok(stdout.flush()?)
    }

    /// Writes a result: a line of text, or the document of `--json`.
    pub fn result(&self, line: &str, document: &impl Serialize) -> anyhow::Result<()> {
        if self.json { self.document(document) } else { self.text(&format!("{line}\n")) }
    }

    /// Sets the document of `--json`, which is written when the command ends, with the findings shown until then.
    pub fn document(&self, document: &impl Serialize) -> anyhow::Result<()> {
        let body = Body::of(document)?;
        self.output().set(body);
        Ok(())
    }

    /// Sets the document of `--json` to what `write` writes: for one with more rows than fit in memory. It must be complete.
    pub fn long_document(&self, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let body = Body::spooled(write)?;
        self.output().set(body);
        Ok(())
    }

    /// Writes the document now, because the command goes on until it is stopped.
    pub fn flush(&self) -> anyhow::Result<()> {
        self.output().write(&mut self.stdout())
    }

    /// Ends the command: writes its document, or the error that stopped it.
    pub fn end(&self, result: anyhow::Result<Exit>) -> Exit {
        let exit = self.exit(result);
        lock(&self.notices).iter().for_each(Notices::save);
        exit
    }

    fn exit(&self, result: anyhow::Result<Exit>) -> Exit {
        match result.and_then(|exit| self.flush().map(|()| exit)) {
            Ok(exit) => exit,
            Err(error) if is_broken_pipe(&error) => Exit::Done,
            Err(error) => {
                self.error(&error);
                if self.json {
                    // There is no way left to report that stdout is gone.
                    let _ = self.output().write_error(ErrorRow::of(&error), &mut self.stdout());
                }
                Exit::Failed
            }
        }
    }

    /// Writes rows with aligned columns; the last column is not padded.
    pub fn table(&self, rows: &[Vec<String>]) -> anyhow::Result<()> {
        self.text(&table::aligned(rows))
    }

    /// Shows a message that is no result, unless `--quiet` is given.
    pub fn message(&self, message: &str) {
        if !self.quiet {
            self.to_stderr(&format!("{}\n", visible(message)));
        }
    }

    /// Shows a question to the person at the terminal, even with `--quiet`.
    pub fn question(&self, question: &str) {
        self.to_stderr(&format!("{} ", visible(question)));
    }

    /// Writes a line of a log that the user asked for, or that something needs attention.
    pub fn log(&self, line: &str) {
        self.to_stderr(&format!("{}\n", visible(line)));
    }

    /// Shows a message if `--verbose` is given.
    pub fn detail(&self, message: &str) {
        if self.verbose {
            self.to_stderr(&format!("{}\n", visible(message)));
        }
    }

    /// Shows findings, each with its place and remedy; with `--quiet` only errors.
    pub fn findings(&self, findings: &[Finding]) {
        self.first_findings(findings, findings.len());
    }

    /// Shows the first of many findings, and a few of many that say the same; `--json` lists all.
    pub fn first_findings(&self, findings: &[Finding], max: usize) {
        for shown in alike::folded(&findings[..findings.len().min(max)]) {
            let (finding, text) = match shown {
                Shown::Whole(finding) => (finding, rendered(finding, &finding.message, &[])),
                Shown::More(finding, count) => {
                    (finding, format!("and {count} more files of which the same is true: `--json` lists them\n"))
                }
            };
            if !self.quiet || finding.severity != Severity::Warning {
                self.to_stderr(&format!("{text}\n"));
            }
        }
        if self.json {
            self.output().findings.extend_from_slice(findings);
        }
    }

    /// Writes findings as a result.
    pub fn found(&self, findings: &[Finding]) -> anyhow::Result<()> {
        let all = findings.iter().map(|finding| format!("{}\n", rendered(finding, &finding.message, &[])));
        self.styled(&all.collect::<String>())
    }

    /// Writes a coloured result; the colours are stripped where they are not wanted. Text from elsewhere must be `visible`.
    pub fn styled(&self, text: &str) -> anyhow::Result<()> {
        let mut stdout = AutoStream::new(io::stdout(), self.color).lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// Whether `--quiet` is given.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether `--verbose` is given.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Shows an error with its causes.
    pub fn error(&self, error: &anyhow::Error) {
        let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
        let found = json::finding_of(error);
        self.to_stderr(&format!("{}\n", rendered(&found, &error.to_string(), &causes)));
    }

    /// A progress bar over `length` steps; on a terminal only, and only when the work takes more than a second.
    pub fn progress(&self, length: u64, what: &str) -> ProgressBar {
        let bar = self.bar("{msg} {wide_bar} {pos}/{len} {per_sec} {eta}", |style| style);
        bar.set_length(length);
        bar.set_message(visible(what).into_owned());
        bar
    }

    /// A line that is redrawn several times a second until its bar is finished; `line` returns it for a width in columns. On
    /// a terminal only, and only when the work takes more than a second.
    pub fn live(&self, line: impl Fn(usize) -> String + Clone + Send + Sync + 'static) -> ProgressBar {
        let draw = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            let width = terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
            // One column stays free: some terminals wrap when the last one is filled.
            let _ = out.write_str(&visible(&line(width.saturating_sub(1))));
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

    fn output(&self) -> MutexGuard<'_, Output> {
        lock(&self.output)
    }

    /// There is no way left to report that stderr is gone.
    fn to_stderr(&self, text: &str) {
        if !lock(&self.notices).as_mut().is_none_or(|notices| notices.is_due(text)) {
            return;
        }
        let _ = AutoStream::new(io::stderr(), self.color).write_all(text.as_bytes());
    }
}

/// The lock, even if a thread panicked while it held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows a usage error, or the help or version that was asked for. With `--json` among the arguments it is a document.
pub(super) fn usage(error: &clap::Error, json: bool) -> Exit {
    if !json {
        let _ = error.print();
        return if error.use_stderr() { Exit::Failed } else { Exit::Done };
    }
    let text = error.render().to_string();
    let mut output = Output::default();
    let _ = match error.kind() {
        _ if error.use_stderr() => {
            let _ = error.print();
            output.write_error(ErrorRow::of_finding(&usage_finding(&text)), &mut io::stdout().lock())
        }
        kind => {
            let key = if kind == ErrorKind::DisplayVersion { "version" } else { "help" };
            let text = text.trim_end().trim_start_matches("slugline ").to_owned();
            output.set(Body::Value(serde_json::json!({ key: text })));
            output.write(&mut io::stdout().lock())
        }
    };
    if error.use_stderr() { Exit::Failed } else { Exit::Done }
}

/// The finding in clap's error text: a message, tips and the usage, separated by empty lines.
fn usage_finding(text: &str) -> Finding {
    let mut parts = text.split("\n\n").map(str::trim);
    let message = parts.next().unwrap_or_default().trim_start_matches("error: ").replace("\n  ", " ");
    let tips: Vec<&str> = parts.filter_map(|part| part.strip_prefix("tip: ")).collect();
    let finding = Finding::error("usage", message);
    Finding { help: Some(tips.join("; ")).filter(|tips| !tips.is_empty()), ..finding }
}

/// Whether the reader of stdout closed it early, which is not an error (`slugline list | head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|io| io.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_error_has_a_message_and_tips() {
        let text = "error: unexpected argument '--dry' found\n\n  tip: a similar argument exists: '--dry-run'\n\n\
                    Usage: slugline send --dry-run [ISSUE]...\n\nFor more information, try '--help'.\n";
        let found = usage_finding(text);
        assert_eq!((found.rule, found.message.as_str()), ("usage", "unexpected argument '--dry' found"));
        assert_eq!(found.help.as_deref(), Some("a similar argument exists: '--dry-run'"));
    }
}
