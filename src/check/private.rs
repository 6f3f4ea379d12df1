//! Rules for files that nobody else may see: addresses, letters, keys and passwords.

use crate::check::rule::Rule;
use crate::finding::Finding;

const TRACKED: Rule = Rule::error(
    "private-tracked",
    "Git tracks a file that nobody else may see",
    "whoever gets the repository gets it; `git rm --cached FILE`, write it into `.gitignore`, and change keys and passwords that were \
     pushed, for the history keeps them",
);
const PUBLISHED: Rule = Rule::error(
    "private-published",
    "A file that nobody else may see lies where the site is made from, or written to",
    "everybody could read it on the web; move it beside the project file, and name it so there",
);

pub(super) const RULES: [&Rule; 2] = [&TRACKED, &PUBLISHED];

/// Whether a rule of this family is switched off.
pub fn is_off(finding: &Finding, off: &[String]) -> bool {
    off.iter().any(|rule| rule == finding.rule)
}

/// Git tracks the file at `path`; `what` says what it is.
pub fn tracked(path: &str, what: &str) -> Finding {
    TRACKED.found(format!("git tracks `{path}`, {what}"))
}

/// The file at `path` lies in a folder of the site.
pub fn published(path: &str, what: &str, folder: &str) -> Finding {
    PUBLISHED.found(format!("`{path}`, {what}, lies in `{folder}`"))
}
