//! Rules for projects that mail: sender and unsubscribe link, subject and links of every issue, and the edition as it would
//! arrive.

use crate::check::issue_source::IssueSource;
use crate::check::rule::Rule;
use crate::finding::Finding;

mod edition;
mod links;
mod project;
mod style;
mod subject;

pub use edition::RenderedEdition;

pub use edition::check as edition;
pub use project::{Sender, check as project, unsubscribe_missing};

/// Returns the findings about an issue that is mailed.
pub(super) fn check(source: &IssueSource<'_>) -> Vec<Finding> {
    if !source.issue.email {
        return Vec::new();
    }
    [subject::check(source), links::check(source)].concat()
}

/// All families of rules for mail.
pub(super) const FAMILIES: [&[&Rule]; 5] =
    [&project::RULES, &subject::RULES, &links::RULES, &edition::RULES, &style::RULES];

#[cfg(test)]
mod tests;
