//! Rules for private files: subscribers' addresses, messages, keys and passwords.

use crate::check::rule::Rule;
use crate::finding::Finding;

const TRACKED: Rule = Rule::error(
    "private-tracked",
    "Git tracks a private file",
    "everyone with access to the repository can read it; run `git rm --cached FILE`, add it to `.gitignore`, and \
     replace keys and passwords that were pushed, because the history keeps them",
);
const PUBLISHED: Rule = Rule::error(
    "private-published",
    "A private file is in a folder that the site is built from or written to",
    "anyone could read it on the web; move it next to the project file and change its path there",
);

pub(super) const RULES: [&Rule; 2] = [&TRACKED, &PUBLISHED];

/// Whether the finding's rule is disabled.
pub fn is_off(finding: &Finding, off: &[String]) -> bool {
    off.iter().any(|rule| rule == finding.rule)
}

/// The finding for a file that the generator of the site would publish from the project folder: a warning, since the site may be
/// built on another machine.
pub fn published_by(path: &str, what: &str, generator: &str) -> Finding {
    Finding::warning(PUBLISHED.name, format!("`{path}`, {what}, is where {generator} publishes every file"))
        .help("if you build the site on this machine, add it to `exclude` in the configuration of the site")
}

/// The finding for a file that Git tracks; `what` describes it.
pub fn tracked(path: &str, what: &str) -> Finding {
    TRACKED.found(format!("Git tracks `{path}`, {what}"))
}

/// The finding for a file in a folder of the site.
pub fn published(path: &str, what: &str, folder: &str) -> Finding {
    PUBLISHED.found(format!("`{path}`, {what}, is in `{folder}`"))
}
