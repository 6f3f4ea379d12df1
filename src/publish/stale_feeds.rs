//! Feeds of earlier builds that are made no more: a term that no issue has, an archive under another name.
//!
//! Somebody may still read them, so they are reported and never deleted.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::Config;
use crate::disk::Project;
use crate::feed::Archive;
use crate::feed::plan::ARCHIVES;
use crate::finding::Finding;
use crate::publish::BuiltFeed;

/// A warning for every family with feeds in `output` that are not among those built.
///
/// # Errors
/// When a folder is there and cannot be read.
pub(super) fn stale_feeds(
    project: &Project,
    config: &Config,
    output: &Path,
    built: &[BuiltFeed],
) -> anyhow::Result<Vec<Finding>> {
    let files: Vec<&str> = config.feeds.formats.values().map(String::as_str).collect();
    let made: BTreeSet<&Path> = built.iter().map(|built| Path::new(&built.folder)).collect();
    let archives = (config.feeds.archive != Archive::Off).then_some(ARCHIVES);
    let families: Vec<&str> = config.feeds.by.iter().map(|family| family.name()).chain(archives).collect();
    let sites = config.publications().into_iter().map(|site| output.join(site.site.as_deref().unwrap_or_default()));
    let mut findings = Vec::new();
    for site in sites {
        for family in &families {
            let folder = site.join(family);
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
    let message = format!("`{}` has {feeds} that no issue belongs to any more: {}", folder.display(), names.join(", "));
    Some(Finding::warning("stale-feed", message).help("delete what nobody reads any more; nothing else does"))
}
