//! The document of `check`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::report::FindingRow;
use crate::finding::Severity;
use crate::review::Review;

/// The document of `check`.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    /// Every finding.
    findings: Vec<FindingRow<'a>>,
    /// Numbers of findings.
    counts: Counts<'a>,
}

#[derive(Serialize)]
struct Counts<'a> {
    /// Number of issues that were checked.
    issues: usize,
    /// Number of errors.
    errors: usize,
    /// Number of warnings.
    warnings: usize,
    /// Number of findings by rule.
    rules: BTreeMap<&'a str, usize>,
}

pub(super) fn document(review: &Review) -> Document<'_> {
    let count = |severity| review.findings.iter().filter(|finding| finding.severity == severity).count();
    let mut rules = BTreeMap::new();
    for finding in &review.findings {
        *rules.entry(finding.rule).or_default() += 1;
    }
    Document {
        findings: review.findings.iter().map(FindingRow::of).collect(),
        counts: Counts {
            issues: review.issues,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            rules,
        },
    }
}
