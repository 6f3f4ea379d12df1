//! Finds the files of a project that should be issues.
//!
//! Takes the configuration; returns the files of its content folders, without those that the project or the format excludes, and
//! findings about those that are skipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::config::Config;
use crate::content::front_matter;
use crate::disk::Project;
use crate::disk::sources::{Rules, SourceFile, Sources};
use crate::finding::Finding;

/// Endings of markup that is not Markdown, whose posts have metadata of other kinds.
const OTHER_MARKUP: [&str; 5] = ["adoc", "asciidoc", "org", "rst", "textile"];

/// The files in the content folders, without those that the project excludes.
pub(super) fn sources(project: &Project, config: &Config) -> anyhow::Result<Sources> {
    let mut all = Sources::default();
    let format = &config.format.format;
    let rules = Rules { languages: &config.languages, endings: format.endings(), has_bundles: format.has_bundles() };
    for folder in &config.content {
        if !project.path(folder).exists() {
            return Err(no_folder(folder).into());
        }
        let is_whole_site = Path::new(&config.format.folder).starts_with(folder);
        let is_post = |path: &str| match config.format.path_in_site(path) {
            path if is_whole_site => format.is_post_of_site(path),
            path => format.is_post(path),
        };
        let found = project.sources(folder, &rules).map_err(|error| no_issues_in(error, folder))?;
        let is_excluded = |below: &str| config.exclude.iter().any(|glob| glob.matches_path_or_folder(below));
        let is_issue = |file: &SourceFile| !is_excluded(file.below_content()) && is_post(&file.path);
        let files = found.files.into_par_iter().filter(is_issue);
        all.files.par_extend(files.map(|file| match config.site_root(&file.path).filter(|_| config.paths_from_site) {
            Some(root) => file.in_content(root.len()),
            None => file,
        }));
        all.sections.extend(found.sections);
        all.bundled.extend(found.bundled);
        all.others.extend(found.others.into_iter().filter(is_issue));
        all.findings.extend(found.findings);
    }
    if config.content.len() > 1 {
        keep_innermost(&mut all.files);
    }
    Ok(all)
}

/// A file in nested content folders belongs to the innermost one.
fn keep_innermost(files: &mut Vec<SourceFile>) {
    let shorter = |a: &SourceFile, b: &SourceFile| a.below_content().len().cmp(&b.below_content().len());
    files.sort_by(|a, b| a.path.cmp(&b.path).then_with(|| shorter(a, b)));
    files.dedup_by(|a, b| a.path == b.path);
}

const CREATE: &str =
    "create an issue with `slugline new \"Title\"`, or set `content` in the project file to the folder of your issues";

fn no_folder(folder: &std::path::Path) -> Finding {
    Finding::error("no-issues", format!("the folder `{}` does not exist", folder.display())).help(CREATE)
}

fn no_issues_in(error: anyhow::Error, folder: &std::path::Path) -> anyhow::Error {
    let help = "set `content` in the project file to the folder of your issues";
    let message = format!("there are no issues in `{}`", folder.display());
    error.context(Finding::error("no-issues", message).help(help))
}

pub(super) fn no_issues(config: &Config) -> Finding {
    let shown =
        |folder: &PathBuf| if folder.as_os_str().is_empty() { ".".into() } else { folder.display().to_string() };
    let folders: Vec<String> = config.content.iter().map(|folder| format!("`{}`", shown(folder))).collect();
    let what = match config.format.format.known() {
        None => "no Markdown file".to_owned(),
        Some(generator) => format!("no post of {}", generator.title()),
    };
    Finding::error("no-issues", format!("{what} found in {}", folders.join(", "))).help(CREATE)
}

/// The finding about files that are not read, though they look like posts.
pub(super) fn skipped(project: &Project, others: &[SourceFile]) -> Option<Finding> {
    let mut skipped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in others {
        let ending = file.path.rsplit('.').next().unwrap_or_default();
        if OTHER_MARKUP.contains(&ending) || has_front_matter(project, &file.path) {
            skipped.entry(ending).or_default().push(&file.path);
        }
    }
    let count = match skipped.values().map(Vec::len).sum() {
        0 => return None,
        1 => "1 file that looks like a post is not read".to_owned(),
        count => format!("{count} files that look like posts are not read"),
    };
    let kinds = skipped.iter().map(|(ending, files)| {
        let first = files.first().map_or("", |path| *path);
        format!("{} `.{ending}` such as `{first}`", files.len())
    });
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    let finding = Finding::warning("skipped-files", format!("{count}: {kinds}"));
    Some(finding.help("convert those that are issues to Markdown; if the site has a generator that reads them, name it in `format`; name the others in `exclude`"))
}

fn has_front_matter(project: &Project, path: &str) -> bool {
    let head = project.head(path, front_matter::is_complete).unwrap_or_default();
    front_matter::split(path, &head).is_ok()
}
