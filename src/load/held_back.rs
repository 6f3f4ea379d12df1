//! Findings about issues that are held back: mailed ones under new names, and those that an upgrade loads for the first time.
//!
//! Takes issues as `identity` marked them.

use crate::finding::{Finding, Place};
use crate::issue::Issue;

/// The rule of issues that may be others under a new name.
pub const POSSIBLE_RENAME: &str = "possible-rename";

/// Whether an issue may be a mailed one under a new name, and what to do.
pub(super) fn possible_rename(issue: &Issue) -> Option<Finding> {
    let rename = issue.possible_rename.as_deref()?;
    let shown = if issue.id == rename.id { "; feeds show it under that id, and it" } else { "; it" };
    let message = format!("it looks like {}{shown} is not mailed", rename.named());
    Some(Finding::warning(POSSIBLE_RENAME, message).help(rename.help(&issue.slug)).at(Place::file(&issue.path)))
}

/// The finding about issues that this version loads and the version before did not.
pub(super) fn backfilled(paths: &[String]) -> Option<Finding> {
    if paths.is_empty() {
        return None;
    }
    let mut named = paths.iter().take(3).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    if paths.len() > 3 {
        named.push_str(&format!(" and {} more", paths.len() - 3));
    }
    let message = format!("read for the first time, though not new: {named}");
    Some(Finding::warning("backfilled", message + "; in no feed, and not mailed").help(
        "this version of slugline reads more than the one before; the next build records them in `feeds.lock`, and to publish one \
         as new, remove `backfilled = true` from its line there",
    ))
}
