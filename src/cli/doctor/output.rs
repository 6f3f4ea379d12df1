//! The output of `doctor`: a line per step, with remedy and record below it; or one JSON document.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::authentication::zone_line;
use crate::cli::report::{Report, visible_line};
use crate::diagnosis::{Step, StepOutcome};

/// What is examined.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// A mail server.
    Server,
    /// The folder that mail is written into instead.
    Outbox,
    /// The DNS records of the sender's domain.
    Dns,
    /// The pages for readers.
    Pages,
    /// What mail needs from the project.
    Project,
}

/// Shows the parts one after the other.
pub(super) struct DoctorOutput<'a> {
    report: &'a Report,
    parts: Vec<PartRow>,
    outcomes: Vec<StepOutcome>,
}

impl<'a> DoctorOutput<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        Self { report, parts: Vec::new(), outcomes: Vec::new() }
    }

    /// Shows a part and its steps. `about` is which server or domain.
    pub(super) fn part(&mut self, part: Part, about: &str, steps: &[Step]) -> anyhow::Result<()> {
        let (name, title) = match part {
            Part::Server => ("server", "The mail server "),
            Part::Outbox => ("outbox", "The folder "),
            Part::Dns => ("dns", "The DNS of "),
            Part::Pages => ("pages", "The pages at "),
            Part::Project => ("project", "The project "),
        };
        let heading = format!("{title}{}", visible_line(about));
        self.outcomes.extend(steps.iter().map(|step| step.outcome));
        let rows = steps.iter().map(StepRow::of).collect();
        self.parts.push(PartRow { part: name, about: about.to_owned(), steps: rows });
        if self.report.json {
            return Ok(());
        }
        let shown: Vec<&Step> =
            steps.iter().filter(|step| step.outcome != StepOutcome::Ok || !self.report.is_quiet()).collect();
        if shown.is_empty() {
            return Ok(());
        }
        let lines: String = shown.into_iter().map(|step| self.lines(step)).collect();
        self.report.styled(&format!("{BOLD}{heading}{PLAIN}\n{lines}\n"))
    }

    /// Shows a summary, and returns the worst outcome.
    pub(super) fn end(self) -> anyhow::Result<StepOutcome> {
        let worst = self.outcomes.iter().copied().max().unwrap_or(StepOutcome::Ok);
        if self.report.json {
            self.report.document(&Document { outcome: worst.name(), parts: self.parts })?;
            return Ok(worst);
        }
        let count = |outcome: StepOutcome| self.outcomes.iter().filter(|other| **other == outcome).count();
        let (errors, warnings) = (count(StepOutcome::Error), count(StepOutcome::Warning));
        let things = |count: usize| if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
        let end = match (errors, warnings) {
            (0, 0) => "Nothing has to change.".to_owned(),
            (0, _) => format!("Nothing has to change; {} to check.", things(warnings)),
            (_, 0) => format!("{} to change.", things(errors)),
            _ => format!("{} to change, and {} to check.", things(errors), things(warnings)),
        };
        self.report.message(&end);
        Ok(worst)
    }

    fn lines(&self, step: &Step) -> String {
        let (word, colour) = match step.outcome {
            StepOutcome::Ok => ("ok", GREEN),
            StepOutcome::Warning => ("warning", YELLOW),
            StepOutcome::Error => ("error", RED),
        };
        let mut lines = format!("  {colour}{word:<7}{PLAIN}  {:<11}  {}\n", step.name, visible_line(&step.seen));
        let mut below = |text: &str| lines.push_str(&format!("           {}\n", visible_line(text)));
        if self.report.is_verbose() {
            step.details.iter().for_each(|detail| below(&format!("  {detail}")));
        }
        if let Some(remedy) = &step.remedy {
            let colon = if step.record.is_some() { ":" } else { "" };
            for (at, line) in wrapped(&format!("{remedy}{colon}")).iter().enumerate() {
                below(&format!("{}{line}", if at == 0 { "help: " } else { "      " }));
            }
        }
        if let Some(record) = &step.record {
            below(&format!("  {}", zone_line(&record.name, &record.value)));
        }
        lines
    }
}

/// A remedy in lines that fit a terminal; text between backticks is not broken.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut is_literal = false;
    for word in text.split(' ') {
        let Some(last) = lines.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if is_literal || last.chars().count() + 1 + word.chars().count() <= MAX_REMEDY_CHARS {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
        is_literal ^= word.matches('`').count() % 2 == 1;
    }
    lines
}

/// Characters of a remedy in one line: a hundred with the indentation.
const MAX_REMEDY_CHARS: usize = 83;

/// The document of `doctor`.
#[derive(Serialize)]
struct Document {
    /// The worst outcome: `ok`, `warning` or `error`.
    outcome: &'static str,
    /// What was examined.
    parts: Vec<PartRow>,
}

/// What was inspected.
#[derive(Serialize)]
struct PartRow {
    /// `server`, `outbox`, `dns`, `pages` or `project`.
    part: &'static str,
    /// Which server, folder, domain, address or project file.
    about: String,
    /// The checks of this part.
    steps: Vec<StepRow>,
}

/// One check of a part.
#[derive(Serialize)]
struct StepRow {
    /// Name of the check.
    step: &'static str,
    /// `ok`, `warning` or `error`.
    outcome: &'static str,
    /// What was found.
    seen: String,
    /// What to do.
    help: Option<String>,
    /// The DNS record to add.
    record: Option<RecordRow>,
    /// Lines that `--verbose` shows.
    details: Vec<String>,
    /// Measurements by name.
    numbers: Map<String, Value>,
}

/// A DNS record.
#[derive(Serialize)]
struct RecordRow {
    /// Name of the record.
    name: String,
    /// `TXT`.
    #[serde(rename = "type")]
    record_type: &'static str,
    /// Value of the record.
    value: String,
}

impl StepRow {
    fn of(step: &Step) -> Self {
        let record = step.record.as_ref();
        let record = record.map(|it| RecordRow { name: it.name.clone(), record_type: "TXT", value: it.value.clone() });
        Self {
            step: step.name,
            outcome: step.outcome.name(),
            seen: step.seen.clone(),
            help: step.remedy.clone(),
            record,
            details: step.details.clone(),
            numbers: step.numbers.iter().map(|(name, number)| ((*name).to_owned(), (*number).into())).collect(),
        }
    }
}

const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_are_wrapped_between_words_but_not_in_code() {
        let text = format!("{} `via: smtp://mail.example.org:587` and no more", "word ".repeat(15).trim());
        let lines = wrapped(&text);
        assert_eq!(lines.join(" "), text);
        assert_eq!(lines[0].matches('`').count() % 2, 0);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn replies_cannot_control_the_terminal() {
        assert_eq!(visible_line("220 \u{1b}[31mhello\r\n"), "220 ␛[31mhello␍ ");
    }
}
