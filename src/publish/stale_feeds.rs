//! Reports feeds of earlier builds that are no longer made: of an unused term, or an archive document of another name.
//!
//! Readers may still subscribe to them, so they are never deleted.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::Config;
use crate::disk::Project;
use crate::feed::Archive;
use crate::feed::plan::ARCHIVES;
use crate::finding::Finding;
use crate::publish::BuiltFeed;

/// Warns about each taxonomy with feeds in `output` that this build did not make.
///
/// # Errors
/// If a folder cannot be read.
pub(super) fn stale_feeds(
    project: &Project,
    config: &Config,
    output: &Path,
    built: &[BuiltFeed],
) -> anyhow::Result<Vec<Finding>> {
    let files: Vec<&str> = config.feeds.formats.values().map(String::as_str).collect();
    let made: BTreeSet<&Path> = built.iter().map(|built| Path::new(&built.folder)).collect();
    let archives = (config.feeds.archive != Archive::Off).then_some(ARCHIVES);
    let taxonomies: Vec<&str> = config.feeds.by.iter().map(|taxonomy| taxonomy.name()).chain(archives).collect();
    let sites = config.publications().into_iter().map(|site| output.join(site.site.as_deref().unwrap_or_default()));
    let mut findings = Vec::new();
    for site in sites {
        for taxonomy in &taxonomies {
            let folder = site.join(taxonomy);
            let mut names = project.folders_with(&folder, &files)?;
            names.retain(|name| !made.contains(folder.join(name).as_path()));
            findings.extend(finding(&folder, &names));
        }
    }
    Ok(findings)
}

fn finding(folder: &Path, names: &[String]) -> Option<Finding> {
    if names.is_empty() {
        return None;
    }
    let feeds = if names.len() == 1 { "a feed" } else { "feeds" };
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let message =
        format!("`{}` contains {feeds} that no issue belongs to any longer: {}", folder.display(), names.join(", "));
    Some(Finding::warning("stale-feed", message).help("delete those without subscribers; builds never delete feeds"))
}
