//! Rules for mail, held to a project that mails: its sender and ways to leave, subjects and links of every issue, and the
//! edition as it would arrive.

use crate::check::manuscript::Manuscript;
use crate::check::rule::Rule;
use crate::finding::Finding;

mod edition;
mod links;
mod project;
mod subject;

pub use edition::Rendered;

pub use edition::judge as edition;
pub use project::{Sender, judge as project, no_way_to_leave};

/// What is odd about an issue that is mailed.
pub(super) fn judge(manuscript: &Manuscript<'_>) -> Vec<Finding> {
    if !manuscript.issue.email {
        return Vec::new();
    }
    [subject::judge(manuscript), links::judge(manuscript)].concat()
}

/// Every family of rules for mail.
pub(super) const FAMILIES: [&[&Rule]; 4] = [&project::RULES, &subject::RULES, &links::RULES, &edition::RULES];

#[cfg(test)]
mod tests;
