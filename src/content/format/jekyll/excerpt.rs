//! The end of the excerpt: `excerpt_separator` of the front matter or the settings.
//!
//! Takes a body; returns it with Hugo's divider in place of the first separator.

use std::borrow::Cow;

use serde_json::Value;

use crate::issue::Issue;

const MORE: &str = "<!--more-->";

/// The body with `<!--more-->` where its excerpt ends. A separator that consists of blank lines is left to the summary.
pub fn divided<'m>(body: Cow<'m, str>, of_site: Option<&str>, issue: &Issue) -> Cow<'m, str> {
    let own = issue.params.as_ref().and_then(|params| params.get("excerpt_separator")).and_then(Value::as_str);
    let separator = own.map(str::trim).or(of_site).filter(|separator| !separator.is_empty() && *separator != MORE);
    match separator.filter(|separator| !separator.contains('\n')).and_then(|it| Some((body.find(it)?, it.len()))) {
        Some((at, length)) => Cow::Owned(format!("{}{MORE}{}", &body[..at], &body[at + length..])),
        None => body,
    }
}
