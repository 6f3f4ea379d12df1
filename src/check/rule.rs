//! A rule of `check`: name, severity, description and remedy.

use crate::finding::{Finding, Severity};

/// A rule for content, feeds, mail or configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stable name.
    pub name: &'static str,
    /// The severity of its findings.
    pub severity: Severity,
    /// What it finds, in one sentence.
    pub about: &'static str,
    /// Why it matters, and what to do.
    pub help: &'static str,
}

impl Rule {
    /// A rule whose findings are errors: something is skipped, or subscribers would get something broken.
    pub(super) const fn error(name: &'static str, about: &'static str, help: &'static str) -> Self {
        Self { name, severity: Severity::Error, about, help }
    }

    /// A rule whose findings are warnings.
    pub(super) const fn warning(name: &'static str, about: &'static str, help: &'static str) -> Self {
        Self { name, severity: Severity::Warning, about, help }
    }

    /// A finding with this message and the rule's remedy.
    pub(super) fn found(&self, message: impl Into<String>) -> Finding {
        Finding { severity: self.severity, ..Finding::error(self.name, message) }.help(self.help)
    }
}
