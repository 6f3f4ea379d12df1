//! Whether an issue may be mailed at all, by itself or in a digest.

use chrono::{DateTime, Utc};

use crate::issue::Issue;

/// Why an issue may not be mailed: rule, message and remedy.
pub fn ineligible(issue: &Issue, now: DateTime<Utc>) -> Option<(&'static str, String, &'static str)> {
    let slug = &issue.slug;
    if !issue.email {
        let help = "remove `email: false` from its front matter to mail it";
        return Some(("issue-not-for-mail", format!("`{slug}` is excluded from email"), help));
    }
    if !issue.is_dated() {
        return Some(("issue-undated", format!("`{slug}` has no date"), "add `date: …` to its front matter"));
    }
    if issue.draft {
        let help = "remove `draft: true` from its front matter to publish it";
        return Some(("issue-draft", format!("`{slug}` is a draft"), help));
    }
    if issue.date > now {
        let help = "wait until then, or change its `date`";
        return Some(("issue-future", format!("`{slug}` is dated {}, which is in the future", issue.date), help));
    }
    let expired = issue.expires.filter(|expires| *expires <= now)?;
    Some(("issue-expired", format!("`{slug}` expired at {expired}"), "change its `expiryDate`"))
}
