//! Will the mail arrive, how fast, and what has to change? Each answer is a step with a finding and a remedy.
//!
//! `server` interprets the probe of a mail server (`smtp::probe`), `sender` the DNS records of the sender's domains, `receiving`
//! where mail for the program arrives, `one_click` what the page for readers answers.
//! No mail is sent, and nothing changed. A failed step does not hide those that do not depend on it. Presentation is left to the
//! command line.

use crate::dns::NoAnswer;

mod dkim;
mod dmarc;
mod gateway;
mod mx;
pub mod one_click;
pub mod receiving;
mod reverse_dns;
pub mod sender;
pub mod server;
mod spf;

/// The result of one check.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What was checked: a word or two, stable.
    pub name: &'static str,
    /// The outcome.
    pub outcome: StepOutcome,
    /// What was found.
    pub seen: String,
    /// What to do, if something is wrong.
    pub remedy: Option<String>,
    /// A DNS record to add or replace.
    pub record: Option<TextRecord>,
    /// Details for verbose output, one per line.
    pub details: Vec<String>,
    /// Numbers for other programs.
    pub numbers: Vec<(&'static str, f64)>,
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepOutcome {
    /// Everything is right.
    Ok,
    /// Mail leaves, but may be slow or distrusted.
    Warning,
    /// Mail does not leave, or many receivers reject it.
    Error,
}

impl StepOutcome {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A TXT record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRecord {
    /// Its name, without the final dot.
    pub name: String,
    /// Its text.
    pub value: String,
}

impl Step {
    /// A step without problems.
    pub fn ok(name: &'static str, seen: impl Into<String>) -> Self {
        Self {
            name,
            outcome: StepOutcome::Ok,
            seen: seen.into(),
            remedy: None,
            record: None,
            details: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// A step that the user should look into.
    pub fn warning(name: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: StepOutcome::Warning, remedy: Some(remedy.into()), ..Self::ok(name, seen) }
    }

    /// A step that requires a change.
    pub fn error(name: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: StepOutcome::Error, remedy: Some(remedy.into()), ..Self::ok(name, seen) }
    }

    /// The step, or an error if the DNS did not answer.
    fn or_no_answer(name: &'static str, step: Result<Self, NoAnswer>) -> Self {
        step.unwrap_or_else(|error| {
            Self::error(
                name,
                error.to_string(),
                "run it again; if the problem persists, ask the operator of the domain's DNS",
            )
        })
    }

    fn record(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.record = Some(TextRecord { name: name.into(), value: value.into() });
        self
    }

    fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }
}
