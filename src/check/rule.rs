//! A rule: its name, how bad it is to break it, and what is to be done about it.

use crate::finding::{Finding, Severity};

/// A rule that content, feeds or configuration are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stable name.
    pub name: &'static str,
    /// How bad it is to break it.
    pub severity: Severity,
    /// What is found, in one line.
    pub about: &'static str,
    /// Why it matters, and what to do.
    pub help: &'static str,
}

impl Rule {
    /// A rule whose findings are errors: something is left out, or subscribers would get something broken.
    pub(super) const fn error(name: &'static str, about: &'static str, help: &'static str) -> Self {
        Self { name, severity: Severity::Error, about, help }
    }

    /// A rule whose findings are warnings.
    pub(super) const fn warning(name: &'static str, about: &'static str, help: &'static str) -> Self {
        Self { name, severity: Severity::Warning, about, help }
    }

    /// A finding that says `message` and what the rule says is to do.
    pub(super) fn found(&self, message: impl Into<String>) -> Finding {
        Finding { severity: self.severity, ..Finding::error(self.name, message) }.help(self.help)
    }
}
