//! Loads a project: the project file, then the front matter of every issue.
//!
//! Takes a project folder; returns the configuration, the issues in order, and findings. A broken file affects no
//! other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::check;
use crate::config::Config;
use crate::config::hugo::Hugo;
use crate::content::assemble::{Assembled, Site, Source, assemble};
use crate::content::front_matter;
use crate::content::path::composed;
use crate::content::revision::UpdatedFrom;
use crate::content::sections::Sections;
use crate::disk::Project;
use crate::disk::sources::{HUGO_FILES, HUGO_FOLDERS, SourceFile, Sources};
use crate::finding::{Finding, Place};
use crate::identity::{IssueFiles, backfill, identify, read_lock};
use crate::issue::Issue;
use crate::load::bodies::{MAX_ISSUE_BYTES, too_large};
use crate::load::history::{History, Wanted};
use crate::load::interner::Interner;
use crate::load::permalinks::remove_duplicates;
use crate::shortcodes::{self, Shortcodes};

mod bodies;
mod bundles;
mod held_back;
mod history;
mod interner;
mod permalinks;
pub mod pictures;
mod sections;

pub use crate::load::bodies::{body, body_in, file};
pub use crate::load::held_back::POSSIBLE_RENAME;

/// The project file contains errors.
#[derive(Debug, thiserror::Error)]
#[error("the project file `{path}` has {count}", count = if findings.len() == 1 { "an error".to_owned() } else { format!("{} errors", findings.len()) })]
pub struct InvalidConfig {
    /// The file, as the user would type it.
    pub path: String,
    /// The errors, in the order of the file.
    pub findings: Vec<Finding>,
}

/// The issues of a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Issues {
    /// Newest first, then by path; includes drafts, future and expired issues.
    pub issues: Vec<Issue>,
    /// Problems, by path.
    pub findings: Vec<Finding>,
}

/// Reads the project file `file`.
///
/// # Errors
/// If it is missing or invalid; `InvalidConfig` lists all its errors.
pub fn config(project: &Project, file: &str) -> anyhow::Result<Config> {
    let shown = project.path(file).to_string_lossy().into_owned();
    let Some(text) = project.text_if_exists(file)? else {
        let missing = Finding::error("config-missing", format!("project file `{shown}` not found"));
        return Err(missing.help("run `slugline init` to create it, or set the project folder with `--dir`").into());
    };
    let (hugo, warnings) = hugo_config(project);
    let config = Config::parse_beside(&shown, &text, &hugo);
    let config = config.map(|mut config| {
        config.warnings.extend(warnings);
        config
    });
    let config = config.and_then(|config| match conflict_with_hugo(project, &config) {
        None => Ok(config),
        Some(hugo) => Err(vec![hugo.at(Place::of_value(&shown, &text, &["archive"]))]),
    });
    config.map_err(|findings| InvalidConfig { path: shown, findings }.into())
}

/// Hugo's configuration in the project folder, and warnings about files that cannot be read.
pub fn hugo_config(project: &Project) -> (Hugo, Vec<Finding>) {
    let mut hugo = Hugo::default();
    let mut warnings = Vec::new();
    let in_site = HUGO_FILES.into_iter().find(|file| project.is_file(file)).map(str::to_owned);
    let in_folders = HUGO_FOLDERS.into_iter().flat_map(|folder| project.files_below(&[folder]));
    let is_known = |path: &String| [".toml", ".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending));
    for path in in_site.into_iter().chain(in_folders.filter(is_known)) {
        let added = match project.text(&path) {
            Ok(text) => hugo.add(&path, &text),
            Err(error) => Err(Box::new(Finding::warning("hugo-config", format!("{error:#}")).at(Place::file(&path)))),
        };
        warnings.extend(added.err().map(|warning| *warning));
    }
    (hugo, warnings)
}

/// An error if Hugo builds the same pages as the web archive: each would overwrite those of the other.
fn conflict_with_hugo(project: &Project, config: &Config) -> Option<Finding> {
    const HUGO: [&str; 5] = ["hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default"];
    config.archive.as_ref().filter(|archive| archive.is_permalink)?;
    let file = HUGO.into_iter().find(|file| project.path(file).exists())?;
    let finding = Finding::error(
        "config-value",
        format!("`archive`: Hugo already builds the pages of this site, according to `{file}`"),
    );
    Some(
        finding
            .help("remove `archive`, or point it to another folder and set `permalink` to the pattern of Hugo's pages"),
    )
}

/// Reads the front matter of every issue. Of issues with one permalink, it depends on `now` which are in each other's way.
///
/// # Errors
/// If a content folder cannot be read, or none contains a Markdown file.
pub fn issues(project: &Project, config: &Config, now: DateTime<Utc>) -> anyhow::Result<Issues> {
    let Sources { mut files, sections, bundled, mut findings } = sources(project, config)?;
    if files.is_empty() && findings.is_empty() {
        return Err(no_issues(config).into());
    }
    keep_innermost(&mut files);
    let history = history(project, config, &files)?;
    let (sections, of_sections) = sections::read(project, config, sections);
    findings.extend(of_sections);
    let mut loaded =
        read_all(project, config, Surroundings { history: &history, sections: &sections }, files, findings);
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

/// The files in the content folders, without those that the project excludes.
fn sources(project: &Project, config: &Config) -> anyhow::Result<Sources> {
    let mut all = Sources::default();
    for folder in &config.content {
        if !project.path(folder).exists() {
            return Err(no_folder(folder).into());
        }
        let found = project.sources(folder, &config.languages).map_err(|error| no_issues_in(error, folder))?;
        let is_excluded = |below: &str| config.exclude.iter().any(|glob| glob.matches_path_or_folder(below));
        let files = found.files.into_iter().filter(|file| !is_excluded(file.below_content()));
        all.files.extend(files.map(|file| match config.site_root(&file.path).filter(|_| config.paths_from_site) {
            Some(root) => file.in_content(root.len()),
            None => file,
        }));
        all.sections.extend(found.sections);
        all.bundled.extend(found.bundled);
        all.findings.extend(found.findings);
    }
    Ok(all)
}

/// A file in nested content folders belongs to the innermost one.
fn keep_innermost(files: &mut Vec<SourceFile>) {
    let shorter = |a: &SourceFile, b: &SourceFile| a.below_content().len().cmp(&b.below_content().len());
    files.sort_by(|a, b| a.path.cmp(&b.path).then_with(|| shorter(a, b)));
    files.dedup_by(|a, b| a.path == b.path);
}

/// When issues last changed, if `updated_from` is git.
fn history(project: &Project, config: &Config, files: &[SourceFile]) -> anyhow::Result<History> {
    let wanted = Wanted { created: false, updated: config.updated_from == UpdatedFrom::Git };
    History::read(project, config.content.iter().map(PathBuf::as_path), files, wanted)
}

/// Reads the files in chunks, in parallel, into one list: a hundred thousand issues are never copied.
fn read_all(
    project: &Project,
    config: &Config,
    surroundings: Surroundings<'_>,
    files: Vec<SourceFile>,
    findings: Vec<Finding>,
) -> Issues {
    const FILES_PER_CHUNK: usize = 256;
    let all = Mutex::new((Vec::with_capacity(files.len()), BTreeMap::new()));
    files.into_par_iter().chunks(FILES_PER_CHUNK).enumerate().for_each(|(number, files)| {
        let (mut interner, mut issues, mut findings) =
            (Interner::default(), Vec::with_capacity(files.len()), Vec::new());
        for file in files {
            let assembled = load(project, config, surroundings, &file);
            issues.extend(assembled.issue.map(|issue| interner.intern(issue)));
            findings.extend(assembled.findings);
        }
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.0.extend(issues);
        all.1.insert(number, findings);
    });
    let (issues, in_order) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    Issues { issues, findings: findings.into_iter().chain(in_order.into_values().flatten()).collect() }
}

/// What decides about issues besides their files.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    history: &'a History,
    sections: &'a Sections,
}

fn load(project: &Project, config: &Config, surroundings: Surroundings<'_>, file: &SourceFile) -> Assembled {
    let left_out = |finding| Assembled { issue: None, findings: vec![finding] };
    let (head, size) = match project.head_and_size(&file.path, front_matter::is_complete) {
        Ok(read) => read,
        Err(error) => {
            let finding = Finding::error("unreadable", format!("the file cannot be read: {error}"));
            return left_out(
                finding.help("give the user who runs slugline permission to read it").at(Place::file(&file.path)),
            );
        }
    };
    let changed = surroundings.history.updated(&file.path);
    let below_content = config.languages.without_language(file.below_content());
    let source = Source { path: &file.path, below_content: &composed(&below_content), changed };
    let publication = config.languages.of_file(&file.path, &config.publication);
    let site = Site {
        permalink: &config.permalink,
        page: config.archive.as_ref().filter(|archive| !archive.is_permalink).map(|archive| &archive.pattern),
        sections: Some(surroundings.sections),
        cascades: &config.cascade,
        file_date: config.file_date,
        root: config.site_root(&file.path),
    };
    match front_matter::split(&file.path, &head) {
        Ok(block) => match assemble(source, &block, publication, site) {
            Assembled { issue: Some(issue), .. } if size > MAX_ISSUE_BYTES && (issue.feed || issue.email) => {
                left_out(too_large(&file.path))
            }
            assembled => assembled,
        },
        // A fragment that other pages include.
        Err(_) if !site.lists(source, publication) => Assembled { issue: None, findings: Vec::new() },
        Err(finding) => left_out(*finding),
    }
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
    Ok(Shortcodes::new(&config.publication, config.markdown, issues, templates))
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

fn no_issues(config: &Config) -> Finding {
    let folders: Vec<String> = config.content.iter().map(|folder| format!("`{}`", folder.display())).collect();
    Finding::error("no-issues", format!("no Markdown file found in {}", folders.join(", "))).help(CREATE)
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
