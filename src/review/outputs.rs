//! What would go out: the size of the main feeds, and whether editions can be made.

use chrono::{DateTime, Utc};

use crate::check;
use crate::config::Config;
use crate::content::shortcodes::Shortcodes;
use crate::disk::Project;
use crate::disk::covers::Covers;
use crate::edition::{Edition, Recipient};
use crate::finding::Finding;
use crate::issue::Issue;
use crate::{load, publish};

/// Judges the main feeds.
///
/// # Errors
/// When a feed cannot be made.
pub(super) fn feeds(
    project: &Project,
    config: &Config,
    issues: &[Issue],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Finding>> {
    let weights = publish::weigh(project, config, issues, now)?;
    Ok(weights.into_iter().filter_map(|(path, bytes)| check::feed_size(&path, bytes)).collect())
}

/// Judges the edition of an issue, where the project mails.
pub(super) fn edition(
    project: &Project,
    config: &Config,
    covers: &Covers<'_>,
    shortcodes: &Shortcodes<'_>,
    issue: &Issue,
) -> Option<Finding> {
    let mail = config.mail.as_ref()?;
    // A text that cannot be read is a finding already.
    let markdown = load::body(project, issue).ok()?;
    let (body, _) = shortcodes.document(issue, &markdown);
    let templates = |name: &str| project.text_if_there(format!("templates/{name}"));
    let made =
        Edition::prepare(&config.publication, Some(mail), issue, covers.of(issue).cover.as_ref(), &body, &templates);
    let html = made.and_then(|edition| edition.html(&Recipient::of_address(mail.from.address.clone())));
    match html {
        Ok(html) => check::edition_size(&issue.path, &html),
        Err(error) => {
            let found = error.downcast_ref::<Finding>().cloned();
            Some(found.unwrap_or_else(|| check::edition_fails(&issue.path, &format!("{error:#}"))))
        }
    }
}
