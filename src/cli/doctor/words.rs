//! What a diagnosis says: a line a step, the remedy and the record to paste below it; or one JSON document.

use serde_json::{Map, Value, json};

use crate::authentication::zone_line;
use crate::cli::report::Report;
use crate::diagnosis::{Step, StepOutcome};

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// A mail server.
    Server,
    /// The folder that mail goes into instead.
    Outbox,
    /// What the DNS says of the sender.
    Dns,
    /// What mail needs of the project.
    Project,
}

/// Tells the parts one after the other.
pub(super) struct Words<'a> {
    report: &'a Report,
    document: Vec<Value>,
    outcomes: Vec<StepOutcome>,
}

impl<'a> Words<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        Self { report, document: Vec::new(), outcomes: Vec::new() }
    }

    /// Shows a part and its steps. `about` is which server or domain.
    pub(super) fn part(&mut self, part: Part, about: &str, steps: &[Step]) -> anyhow::Result<()> {
        let (name, title) = match part {
            Part::Server => ("server", "The mail server "),
            Part::Outbox => ("outbox", "The folder "),
            Part::Dns => ("dns", "The DNS of "),
            Part::Project => ("project", "The project "),
        };
        let heading = format!("{title}{about}");
        self.outcomes.extend(steps.iter().map(|step| step.outcome));
        let told = steps.iter().map(document).collect::<Vec<_>>();
        self.document.push(json!({ "part": name, "about": about, "steps": told }));
        if self.report.json {
            return Ok(());
        }
        let told: Vec<&Step> =
            steps.iter().filter(|step| step.outcome != StepOutcome::Ok || !self.report.is_quiet()).collect();
        if told.is_empty() {
            return Ok(());
        }
        let lines: String = told.into_iter().map(|step| self.lines(step)).collect();
        self.report.styled(&format!("{BOLD}{heading}{PLAIN}\n{lines}\n"))
    }

    /// Says how it is altogether, and gives the worst outcome.
    pub(super) fn end(self) -> anyhow::Result<StepOutcome> {
        let worst = self.outcomes.iter().copied().max().unwrap_or(StepOutcome::Ok);
        if self.report.json {
            self.report.document(&json!({ "outcome": worst.name(), "parts": self.document }))?;
            return Ok(worst);
        }
        let count = |outcome: StepOutcome| self.outcomes.iter().filter(|other| **other == outcome).count();
        let (errors, warnings) = (count(StepOutcome::Error), count(StepOutcome::Warning));
        let things = |count: usize| if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
        let end = match (errors, warnings) {
            (0, 0) => "Nothing has to change.".to_owned(),
            (0, _) => format!("Nothing has to change; {} to look at.", things(warnings)),
            (_, 0) => format!("{} to change.", things(errors)),
            _ => format!("{} to change, and {} to look at.", things(errors), things(warnings)),
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
        let mut lines = format!("  {colour}{word:<7}{PLAIN}  {:<11}  {}\n", step.name, clean(&step.seen));
        let mut below = |text: &str| lines.push_str(&format!("           {}\n", clean(text)));
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

/// A server or the DNS may say anything: nothing of it is to reach the terminal but what can be read.
fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// A remedy in lines that a terminal shows whole; what stands between backticks is not torn.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut is_literal = false;
    for word in text.split(' ') {
        let Some(last) = lines.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if is_literal || last.chars().count() + 1 + word.chars().count() <= WIDTH {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
        is_literal ^= word.matches('`').count() % 2 == 1;
    }
    lines
}

/// Characters of a remedy in one line: with what stands before it, a hundred.
const WIDTH: usize = 83;

fn document(step: &Step) -> Value {
    let record = step.record.as_ref();
    let record = record.map(|record| json!({ "name": record.name, "type": "TXT", "value": record.value }));
    let numbers: Map<String, Value> =
        step.numbers.iter().map(|(name, number)| ((*name).to_owned(), json!(number))).collect();
    json!({
        "step": step.name,
        "outcome": step.outcome.name(),
        "seen": step.seen,
        "help": step.remedy,
        "record": record,
        "details": step.details,
        "numbers": numbers,
    })
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
    fn remedies_are_wrapped_between_words_and_not_in_what_is_to_be_typed() {
        let text = format!("{} `via: smtp://mail.example.org:587` and no more", "word ".repeat(15).trim());
        let lines = wrapped(&text);
        assert_eq!(lines.join(" "), text);
        assert_eq!(lines[0].matches('`').count() % 2, 0);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn what_others_say_cannot_steer_the_terminal() {
        assert_eq!(clean("220 \u{1b}[31mhello\r"), "220 \u{fffd}[31mhello\u{fffd}");
    }
}
