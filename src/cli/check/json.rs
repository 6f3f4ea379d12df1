//! The document of `check`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::report::{FindingRow, rows};
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
    Document {
        findings: rows(&review.findings),
        counts: Counts {
            issues: review.issues,
            errors: review.count(Severity::Error),
            warnings: review.count(Severity::Warning),
            rules: review.count_by_rule(),
        },
    }
}
