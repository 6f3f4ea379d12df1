//! Adds pictures to the editions of a project.

use crate::config::Config;
use crate::disk::Project;
use crate::edition::Edition;
use crate::finding::{Finding, Place};
use crate::issue::Issue;
use crate::resources::Resources;

/// The edition of these issues with its pictures, if the project attaches them, and findings about them.
///
/// # Errors
/// A finding if a template fails.
pub fn with_pictures(
    project: &Project,
    config: &Config,
    issues: &[&Issue],
    edition: Edition,
) -> anyhow::Result<(Edition, Vec<Finding>)> {
    let Some(mail) = &config.mail else { return Ok((edition, Vec::new())) };
    let files = Resources::new(project, config);
    let (edition, findings) =
        edition.with_pictures(&mail.edition, &|url, max_bytes| files.picture(issues, url, max_bytes))?;
    let place = |finding: Finding| match issues.first() {
        Some(issue) => finding.at(Place::file(&issue.path)),
        None => finding,
    };
    Ok((edition, findings.into_iter().map(place).collect()))
}
