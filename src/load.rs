//! Loads a project: the project file, then the front matter of every issue.
//!
//! Takes a project folder; returns the configuration, the issues in order, and findings. A broken file affects no
//! other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::check;
use crate::config::Config;
use crate::content::revision::UpdatedFrom;
use crate::disk::Project;
use crate::disk::sources::{SourceFile, Sources};
use crate::finding::Finding;
use crate::identity::{IssueFiles, backfill, identify, read_lock};
use crate::issue::Issue;
use crate::load::files::{no_issues, sources};
use crate::load::history::{History, Wanted};
use crate::load::permalinks::remove_duplicates;
use crate::load::posts::{Surroundings, read_all};
use crate::shortcodes::{self, Shortcodes, Translator};

mod bodies;
mod bundles;
mod files;
mod folder_fields;
mod held_back;
mod history;
mod people;
mod permalinks;
pub mod pictures;
mod posts;
mod project_file;
mod sections;

pub use crate::load::bodies::{body, body_in, file};
pub use crate::load::held_back::POSSIBLE_RENAME;
pub use crate::load::project_file::{InvalidConfig, config, hugo_config, with_site_files};

/// The issues of a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Issues {
    /// Newest first, then by path; includes drafts, future and expired issues.
    pub issues: Vec<Issue>,
    /// Problems, by path.
    pub findings: Vec<Finding>,
}

/// Reads the front matter of every issue. Of issues with one permalink, it depends on `now` which are in each other's way.
///
/// # Errors
/// If a content folder cannot be read, or none contains a Markdown file.
pub fn issues(project: &Project, config: &Config, now: DateTime<Utc>) -> anyhow::Result<Issues> {
    let Sources { files, sections, bundled, others, mut findings } = sources(project, config)?;
    findings.extend(files::skipped(project, &others));
    if files.is_empty() && findings.is_empty() {
        return Err(no_issues(config).into());
    }
    let history = history(project, config, &files)?;
    let (mut sections, of_sections) = sections::read(project, config, sections);
    findings.extend(of_sections);
    findings.extend(folder_fields::add(project, config, &files, &mut sections));
    let (people, of_people) = people::read(project, config);
    findings.extend(of_people);
    let surroundings = Surroundings { history: &history, sections: &sections, people: &people };
    let mut loaded = read_all(project, config, surroundings, files, findings);
    let (freed, bundled) = bundles::of_listing_pages(config, &loaded.issues, bundled);
    let more = read_all(project, config, surroundings, freed, Vec::new());
    loaded.issues.extend(more.issues);
    loaded.findings.extend(more.findings);
    loaded.findings.extend(bundles::findings(project, &loaded.issues, bundled));
    loaded.issues.par_sort_unstable_by(|a, b| b.date.cmp(&a.date).then_with(|| a.path.cmp(&b.path)));
    let lock = read_lock(project)?;
    let body = |issue: &Issue| body(project, issue).ok().filter(|body| !body.trim().is_empty());
    let exists = |path: &str| project.path(path).exists();
    identify(&lock, &mut loaded.issues, &IssueFiles { body: &body, exists: &exists });
    loaded.findings.extend(loaded.issues.iter().filter_map(held_back::possible_rename));
    let shown = config.feeds.shown_at_once().filter(|_| config.archive.is_none());
    let backfilled = backfill::mark(&lock, &mut loaded.issues, shown);
    loaded.findings.extend(held_back::backfilled(&backfilled));
    remove_duplicates(&mut loaded, &lock, now);
    let undated = loaded.issues.iter().filter(|issue| !issue.is_dated() && !issue.draft && (issue.feed || issue.email));
    let text =
        |issue| file(project, issue).map_or_else(|_| String::new(), |file| String::from_utf8_lossy(&file).into_owned());
    loaded.findings.extend(undated.map(|issue| check::no_date(issue, || text(issue))));
    Ok(loaded)
}

/// When issues were written and last changed, as far as that is taken from git.
fn history(project: &Project, config: &Config, files: &[SourceFile]) -> anyhow::Result<History> {
    let wanted =
        Wanted { created: config.format.format.needs_history(), updated: config.updated_from == UpdatedFrom::Git };
    History::read(project, config.content.iter().map(PathBuf::as_path), files, wanted)
}

/// The shortcodes of a project, with the custom ones from `templates/shortcodes`; references resolve to one of
/// `issues`. Also returns findings about the templates.
///
/// # Errors
/// If a template exists and cannot be read.
pub fn shortcodes<'a>(
    project: &Project,
    config: &Config,
    issues: &'a [Issue],
) -> anyhow::Result<(Shortcodes<'a>, Vec<Finding>)> {
    let mut templates = BTreeMap::new();
    for path in project.files_below(&[shortcodes::FOLDER]) {
        let name = path.strip_prefix(shortcodes::FOLDER).and_then(|name| name.strip_prefix('/')?.strip_suffix(".html"));
        if let Some(name) = name {
            templates.insert(name.to_owned(), project.text(&path)?);
        }
    }
    let format = config.format.format.clone();
    let mut includes = BTreeMap::new();
    for folder in format.include_folders().iter().map(|folder| format!("{}{folder}", config.format.folder)) {
        for path in project.files_below(&[folder.as_str()]) {
            // Only texts can be included.
            let text = project.text(&path).ok();
            includes.extend(text.map(|text| (config.format.path_in_site(&path).to_owned(), text)));
        }
    }
    let translator = Translator { format, includes };
    Ok(Shortcodes::new(&config.publication, config.markdown, issues, templates, translator))
}

/// The issue with this slug, path or id; `latest` is the newest one published at `now`.
///
/// # Errors
/// A finding that suggests the nearest slug if there is no such issue.
pub fn find<'a>(issues: &'a [Issue], name: &str, now: chrono::DateTime<chrono::Utc>) -> anyhow::Result<&'a Issue> {
    if name == "latest" {
        let newest = issues.iter().find(|issue| issue.is_published(now));
        return newest.context("no issue has been published yet, so there is no `latest`");
    }
    let path = name.strip_prefix("./").unwrap_or(name);
    let is_meant = |issue: &&Issue| {
        issue.slug.as_str() == name
            || issue.path == path
            || issue.path.strip_suffix("/index.md") == Some(path)
            || issue.id.as_str() == name
    };
    issues.iter().find(is_meant).ok_or_else(|| {
        let missing = Finding::error("no-such-issue", format!("issue `{name}` not found"));
        let help = match crate::finding::nearest(name, issues.iter().map(|issue| issue.slug.as_str()).chain(["latest"]))
        {
            Some(slug) => format!("did you mean `{slug}`?"),
            None => "`slugline list` shows every issue with its slug".to_owned(),
        };
        missing.help(help).into()
    })
}

#[cfg(test)]
mod tests;
