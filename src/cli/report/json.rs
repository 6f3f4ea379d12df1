//! The one document that a command with `--json` writes to stdout.
//!
//! It is an object with the results of the command, `findings` (every finding shown on stderr) and, if and only if the exit
//! code is 2, `error`. It is written when the command ends, so that there is never half a document, nor a second one.
//! (`check --rules` and `inbox --dry-run` write an array.)

use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use serde::Serialize;
use serde_json::Value;
use tempfile::SpooledTempFile;

use crate::cli::report::visible::is_unsafe;
use crate::finding::{Finding, Severity};
use crate::store::StoreError;

/// What a command has written so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    body: Option<Body>,
    /// Every finding that was shown.
    pub findings: Vec<Finding>,
    is_written: bool,
}

/// The document of a command.
#[derive(Debug)]
pub(super) enum Body {
    Value(Value),
    /// One with more rows than fit in memory, complete.
    Spooled(SpooledTempFile),
}

/// Bytes of a long document that are held in memory; the rest goes to a temporary file.
const MAX_SPOOL_BYTES: usize = 1024 * 1024;

/// The document of a command that failed.
#[derive(Serialize)]
struct Failure<'a> {
    error: ErrorRow,
    findings: Vec<FindingRow<'a>>,
}

/// What stopped a command, in a `--json` document.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct ErrorRow {
    /// Name of the rule or of the kind of error, such as `usage`; `null` if it has none.
    rule: Option<String>,
    /// What failed.
    message: String,
    /// Why, the nearest cause first.
    causes: Vec<String>,
    /// The file it is about, if it is about one.
    path: Option<String>,
    /// Line, the first being 1.
    line: Option<usize>,
    /// Column in characters, the first being 1.
    column: Option<usize>,
    /// What to do.
    help: Option<String>,
}

/// A finding in a `--json` document.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct FindingRow<'a> {
    /// Name of its rule.
    rule: &'a str,
    /// `warning` or `error`.
    severity: &'static str,
    /// What is wrong.
    message: &'a str,
    /// The file it is about.
    path: Option<&'a str>,
    /// Line, the first being 1; `null` if it is about the whole file.
    line: Option<usize>,
    /// Column in characters, the first being 1; `null` if it is about the whole line.
    column: Option<usize>,
    /// What to do.
    help: Option<&'a str>,
}

impl Output {
    /// Sets the document.
    pub fn set(&mut self, body: Body) {
        self.body = Some(body);
    }

    /// Writes the document, if there is one that was not written yet.
    pub fn write(&mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self.body.take() {
            None => return Ok(()),
            Some(Body::Value(mut document)) => {
                if let Value::Object(fields) = &mut document
                    && !fields.contains_key("findings")
                {
                    fields.insert("findings".to_owned(), serde_json::to_value(rows(&self.findings))?);
                }
                write_value(&document, out)?;
            }
            Some(Body::Spooled(mut spool)) => {
                spool.seek(SeekFrom::Start(0))?;
                io::copy(&mut spool, out)?;
            }
        }
        self.is_written = true;
        Ok(out.flush()?)
    }

    /// Writes the document of a failed command in place of its own, unless that is written already.
    pub fn write_error(&mut self, error: ErrorRow, out: &mut dyn Write) -> anyhow::Result<()> {
        if !self.is_written {
            self.is_written = true;
            write_value(&Failure { error, findings: rows(&self.findings) }, out)?;
        }
        Ok(())
    }
}

impl Body {
    /// The document of a value.
    pub fn of(document: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self::Value(serde_json::to_value(document)?))
    }

    /// The document that `write` writes, which may be longer than memory.
    pub fn spooled(write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<Self> {
        let mut spool = tempfile::spooled_tempfile(MAX_SPOOL_BYTES);
        write(&mut spool)?;
        Ok(Self::Spooled(spool))
    }
}

fn write_value(document: &impl Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(document)?;
    let mut out = BufWriter::new(out);
    // Only strings contain such characters, and JSON leaves those above U+001F as they are.
    for part in text.split_inclusive(is_unsafe) {
        match part.char_indices().next_back().filter(|(_, last)| is_unsafe(*last)) {
            Some((at, last)) => write!(out, "{}\\u{:04x}", &part[..at], u32::from(last))?,
            None => out.write_all(part.as_bytes())?,
        }
    }
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

impl ErrorRow {
    /// The row of an error, with its causes.
    pub fn of(error: &anyhow::Error) -> Self {
        let causes = error.chain().skip(1).map(ToString::to_string).collect();
        Self { message: error.to_string(), causes, ..Self::of_finding(&finding_of(error)) }
    }

    /// The row of a finding that stopped a command.
    pub fn of_finding(finding: &Finding) -> Self {
        let FindingRow { rule, message, path, line, column, help, .. } = FindingRow::of(finding);
        Self {
            rule: (!rule.is_empty()).then(|| rule.to_owned()),
            message: message.to_owned(),
            causes: Vec::new(),
            path: path.map(str::to_owned),
            line,
            column,
            help: help.map(str::to_owned),
        }
    }
}

/// The finding in an error, if it is one; else a nameless one with the remedy of the store.
pub(super) fn finding_of(error: &anyhow::Error) -> Finding {
    // The error itself may be a finding put before its cause; anyhow finds such a context only from outside.
    let found = error.downcast_ref().or_else(|| error.chain().find_map(|cause| cause.downcast_ref::<Finding>()));
    let store = error.chain().find_map(|cause| cause.downcast_ref::<StoreError>());
    found.cloned().unwrap_or_else(|| Finding { help: store.and_then(StoreError::help), ..Finding::error("", "") })
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

/// The rows of findings.
pub(in crate::cli) fn rows(findings: &[Finding]) -> Vec<FindingRow<'_>> {
    findings.iter().map(FindingRow::of).collect()
}

/// The word for a severity.
pub(in crate::cli) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(output: &mut Output) -> Value {
        let mut bytes = Vec::new();
        output.write(&mut bytes).unwrap();
        output.write_error(ErrorRow::of(&anyhow::anyhow!("b").context("a")), &mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_document_lists_the_findings_that_were_shown() {
        let mut output = Output { findings: vec![Finding::warning("x", "y")], ..Output::default() };
        output.set(Body::Value(json!({ "path": "p" })));
        let document = written(&mut output);
        assert_eq!((&document["path"], &document["findings"][0]["rule"]), (&json!("p"), &json!("x")));
    }

    #[test]
    fn control_characters_are_escaped() {
        let mut bytes = Vec::new();
        write_value(&json!(["\u{1b}\u{7f}a\u{9b}\n潮\u{202e}", "\u{2066}"]), &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "[\n  \"\\u001b\\u007fa\\u009b\\n潮\\u202e\",\n  \"\\u2066\"\n]\n");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()[0], "\u{1b}\u{7f}a\u{9b}\n潮\u{202e}");
    }

    #[test]
    fn an_error_takes_the_place_of_a_document_that_is_not_written() {
        let document = written(&mut Output { findings: vec![Finding::warning("x", "y")], ..Output::default() });
        assert_eq!((&document["error"]["message"], &document["error"]["causes"]), (&json!("a"), &json!(["b"])));
        assert_eq!(document["findings"][0]["message"], "y");
    }
}
