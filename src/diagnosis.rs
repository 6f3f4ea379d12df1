//! Will the mail arrive, how fast, and what has to change? Each answer is a step with what was seen and a remedy.
//!
//! `server` judges what `smtp::probe` saw of a mail server, `sender` what the DNS says of the sender's domains. Takes
//! settings, keys and edges already opened; nothing is sent and nothing changed. A step that fails hides none that does
//! not need it. How steps are shown is left to the faces.

use crate::dns::NoAnswer;

mod dkim;
mod dmarc;
mod gateway;
mod mx;
mod reverse_dns;
pub mod sender;
pub mod server;
mod spf;

/// What came of one look.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What was looked at: a word or two, stable.
    pub name: &'static str,
    /// How it is.
    pub outcome: StepOutcome,
    /// What was seen.
    pub seen: String,
    /// What to do, where something is not right.
    pub remedy: Option<String>,
    /// A DNS record to add or to write instead.
    pub record: Option<TextRecord>,
    /// What only some want to know, a line each.
    pub details: Vec<String>,
    /// Numbers for other programs.
    pub numbers: Vec<(&'static str, f64)>,
}

/// How a step came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepOutcome {
    /// As it should be.
    Ok,
    /// Mail leaves, but a person should look: it may be slow, or distrusted.
    Warning,
    /// Mail does not leave, or does not arrive with many.
    Error,
}

impl StepOutcome {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A TXT record of the DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRecord {
    /// Its name, without the final dot.
    pub name: String,
    /// Its text.
    pub value: String,
}

impl Step {
    /// A step that came out well.
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

    /// A step at which a person should look.
    pub fn warning(name: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: StepOutcome::Warning, remedy: Some(remedy.into()), ..Self::ok(name, seen) }
    }

    /// A step that shows what has to change.
    pub fn error(name: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: StepOutcome::Error, remedy: Some(remedy.into()), ..Self::ok(name, seen) }
    }

    /// The step, or one that says that the DNS could not tell.
    fn told(name: &'static str, step: Result<Self, NoAnswer>) -> Self {
        step.unwrap_or_else(|error| {
            Self::error(
                name,
                error.to_string(),
                "run it again; where it stays so, ask whoever runs the DNS of the domain",
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
