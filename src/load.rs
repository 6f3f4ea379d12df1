//! Loads a project: the project file, then every issue by its front matter.
//!
//! Takes a project folder; gives the configuration, the issues in order, and what is wrong with the rest. One bad file
//! stops no other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use rayon::prelude::*;

use crate::config::Config;
use crate::content::assemble::{Assembled, Patterns, Source, assemble};
use crate::content::front_matter;
use crate::content::revision::UpdatedFrom;
use crate::disk::Project;
use crate::disk::sources::SourceFile;
use crate::finding::{Finding, Place};
use crate::identity::lock::{self, Lock};
use crate::identity::{identify, read_lock};
use crate::issue::Issue;
use crate::load::history::History;
use crate::load::interner::Interner;
use crate::shortcodes::{self, Shortcodes};

mod history;
mod interner;
pub mod pictures;

/// The project file holds something wrong.
#[derive(Debug, thiserror::Error)]
#[error("the project file `{path}` has {count}", count = if findings.len() == 1 { "an error".to_owned() } else { format!("{} errors", findings.len()) })]
pub struct InvalidConfig {
    /// The file, as the user would type it.
    pub path: String,
    /// What is wrong, in the order of the file.
    pub findings: Vec<Finding>,
}

/// The issues of a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Issues {
    /// Newest first by date, then by path; drafts, future and expired ones among them.
    pub issues: Vec<Issue>,
    /// What is wrong or odd, in the order of the paths.
    pub findings: Vec<Finding>,
}

/// Reads the project file `file`.
///
/// # Errors
/// When it is missing or wrong; `InvalidConfig` lists everything wrong with it.
pub fn config(project: &Project, file: &str) -> anyhow::Result<Config> {
    let shown = project.path(file).to_string_lossy().into_owned();
    let Some(text) = project.text_if_there(file)? else {
        let missing = Finding::error("config-missing", format!("there is no project file `{shown}`"));
        return Err(missing.help("run `slugline init` here, or name the project folder with `--dir`").into());
    };
    let config = Config::parse(&shown, &text);
    let config = config.and_then(|config| match made_by_hugo(project, &config) {
        None => Ok(config),
        Some(hugo) => Err(vec![hugo.at(Place::of_value(&shown, &text, &["archive"]))]),
    });
    config.map_err(|findings| InvalidConfig { path: shown, findings }.into())
}

/// What is wrong with an archive whose pages Hugo makes too: each would overwrite those of the other.
fn made_by_hugo(project: &Project, config: &Config) -> Option<Finding> {
    const HUGO: [&str; 5] = ["hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default"];
    config.archive.as_ref().filter(|archive| archive.is_permalink)?;
    let file = HUGO.into_iter().find(|file| project.path(file).exists())?;
    let finding =
        Finding::error("config-value", format!("`archive`: Hugo makes the pages of this site, says `{file}`"));
    Some(
        finding.help(
            "remove `archive`; or give it another place than Hugo's pages, and write their pattern as `permalink`",
        ),
    )
}

/// Reads the front matter of every issue.
///
/// # Errors
/// When a content folder cannot be read, or none holds a Markdown file.
pub fn issues(project: &Project, config: &Config) -> anyhow::Result<Issues> {
    let mut loaded = Issues::default();
    let mut files: Vec<SourceFile> = Vec::new();
    for folder in &config.content {
        let (found, findings) = project.sources(folder, &config.languages).map_err(|error| no_folder(error, folder))?;
        files.extend(found);
        loaded.findings.extend(findings);
    }
    if files.is_empty() && loaded.findings.is_empty() {
        return Err(no_issues(config).into());
    }
    leave_to_deepest(&mut files);
    let history = history(project, config, &files)?;
    loaded = read_all(project, config, &history, files, loaded.findings);
    loaded.issues.par_sort_unstable_by(|a, b| b.date.cmp(&a.date).then_with(|| a.path.cmp(&b.path)));
    let lock = read_lock(project)?;
    identify(&lock, &mut loaded.issues, &|issue| content_hash_of(project, issue));
    leave_out_repeated(&mut loaded, &lock);
    loaded.findings.extend(loaded.issues.iter().filter(|issue| !issue.is_dated()).map(undated));
    Ok(loaded)
}

/// A file in two content folders, one below the other, is that of the inner one.
fn leave_to_deepest(files: &mut Vec<SourceFile>) {
    let shorter = |a: &SourceFile, b: &SourceFile| a.below_content().len().cmp(&b.below_content().len());
    files.sort_by(|a, b| a.path.cmp(&b.path).then_with(|| shorter(a, b)));
    files.dedup_by(|a, b| a.path == b.path);
}

/// When issues changed, if the project file wants git to tell.
fn history(project: &Project, config: &Config, files: &[SourceFile]) -> anyhow::Result<History> {
    match config.updated_from {
        UpdatedFrom::FrontMatter => Ok(History::default()),
        UpdatedFrom::Git => History::read(project, config.content.iter().map(PathBuf::as_path), files),
    }
}

/// The `content_hash` of a body that can be read and is not blank.
fn content_hash_of(project: &Project, issue: &Issue) -> Option<String> {
    let body = body(project, issue).ok().filter(|body| !body.trim().is_empty())?;
    Some(lock::content_hash(&body))
}

/// Reads the files, some at a time on each thread, into one list: of a hundred thousand there is never a second copy.
fn read_all(
    project: &Project,
    config: &Config,
    history: &History,
    files: Vec<SourceFile>,
    findings: Vec<Finding>,
) -> Issues {
    const FILES_PER_CHUNK: usize = 256;
    let all = Mutex::new((Vec::with_capacity(files.len()), BTreeMap::new()));
    files.into_par_iter().chunks(FILES_PER_CHUNK).enumerate().for_each(|(number, files)| {
        let (mut interner, mut issues, mut findings) =
            (Interner::default(), Vec::with_capacity(files.len()), Vec::new());
        for file in files {
            let assembled = load(project, config, history, &file);
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

fn load(project: &Project, config: &Config, history: &History, file: &SourceFile) -> Assembled {
    let left_out = |finding| Assembled { issue: None, findings: vec![finding] };
    let head = match project.head(&file.path, front_matter::is_complete) {
        Ok(head) => head,
        Err(error) => {
            let finding = Finding::error("unreadable", format!("it cannot be read: {error}"));
            return left_out(finding.help("let the user who runs this read it").at(Place::file(&file.path)));
        }
    };
    match front_matter::split(&file.path, &head) {
        Ok(block) => {
            let changed = history.updated(&file.path);
            let below_content = config.languages.without_language(file.below_content());
            let source = Source { path: &file.path, below_content: &below_content, changed };
            let publication = config.languages.of_file(&file.path, &config.publication);
            let page = config.archive.as_ref().filter(|archive| !archive.is_permalink).map(|archive| &archive.pattern);
            assemble(source, &block, publication, Patterns { permalink: &config.permalink, page })
        }
        Err(finding) => left_out(*finding),
    }
}

/// The shortcodes of a project: its own are in `templates/shortcodes`, and references lead to one of `issues`. What is
/// wrong with a template comes beside them.
///
/// # Errors
/// When a template is there and cannot be read.
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

/// Reads the body of an issue.
///
/// # Errors
/// A finding when the file cannot be read any more, or its text is not UTF-8.
pub fn body(project: &Project, issue: &Issue) -> Result<String, Box<Finding>> {
    body_in(issue, &file(project, issue)?).map(str::to_owned)
}

/// Reads the whole file of an issue.
///
/// # Errors
/// A finding when it cannot be read any more.
pub fn file(project: &Project, issue: &Issue) -> Result<Vec<u8>, Box<Finding>> {
    project.bytes(&issue.path).map_err(|error| {
        let finding = Finding::error("unreadable", format!("{error:#}"));
        Box::new(finding.help("run it again").at(Place::file(&issue.path)))
    })
}

/// The body of an issue in the bytes of its file.
///
/// # Errors
/// A finding when it is not UTF-8.
pub fn body_in<'f>(issue: &Issue, file: &'f [u8]) -> Result<&'f str, Box<Finding>> {
    let body = file.get(issue.body.offset..).unwrap_or_default();
    match std::str::from_utf8(body) {
        Ok(text) => Ok(text),
        Err(error) => {
            let line = issue.body.line + body[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            let place = Place { path: issue.path.clone(), line, column: 0, source: None };
            Err(Box::new(Finding::error("not-utf8", "the text is not UTF-8").help("save the file as UTF-8").at(place)))
        }
    }
}

/// Two issues with one permalink or one id cannot both be published: the later one in the order is left out, and named.
/// An id that was published belongs to whom it was published for.
fn leave_out_repeated(loaded: &mut Issues, lock: &Lock) {
    let mut permalinks: HashMap<&str, &str> = HashMap::with_capacity(loaded.issues.len());
    let mut ids: HashMap<&str, &str> = HashMap::with_capacity(loaded.issues.len());
    for issue in &loaded.issues {
        let locked = lock.entries.get_key_value(&issue.path).filter(|(_, locked)| locked.id == issue.id);
        ids.extend(locked.map(|(path, locked)| (locked.id.as_str(), path.as_str())));
    }
    let mut repeated = BTreeSet::new();
    for (at, issue) in loaded.issues.iter().enumerate() {
        let (permalink, id) = (issue.permalink.as_str(), issue.id.as_str());
        let taken = permalinks.get(permalink).map(|other| ("permalink", "slug", permalink, other));
        let Some((what, field, value, other)) =
            taken.or_else(|| ids.get(id).filter(|other| **other != issue.path).map(|other| ("id", "id", id, other)))
        else {
            permalinks.insert(permalink, &issue.path);
            ids.insert(id, &issue.path);
            continue;
        };
        let finding = Finding::error("repeated", format!("its {what} `{value}` is that of `{other}` too"));
        let help = format!("give one of the two another `{field}`");
        loaded.findings.push(finding.help(help).at(Place::file(&issue.path)));
        repeated.insert(at);
    }
    let mut at = 0..;
    loaded.issues.retain(|_| at.next().is_none_or(|at| !repeated.contains(&at)));
}

fn undated(issue: &Issue) -> Finding {
    Finding::error("no-date", "the issue has no date, so it is neither published nor mailed")
        .help("write `date: …` into its front matter")
        .at(Place::file(&issue.path))
}

fn no_folder(error: anyhow::Error, folder: &std::path::Path) -> anyhow::Error {
    let help = "write the folder that holds your issues as `content` into the project file";
    let message = format!("there are no issues in `{}`", folder.display());
    error.context(Finding::error("no-issues", message).help(help))
}

fn no_issues(config: &Config) -> Finding {
    let folders: Vec<String> = config.content.iter().map(|folder| format!("`{}`", folder.display())).collect();
    Finding::error("no-issues", format!("there is no Markdown file in {}", folders.join(", ")))
        .help("write an issue with `slugline new \"Its title\"`, or set `content` in the project file")
}

/// The issue a person means: a slug, a path, or `latest` (the newest that is published at `now`).
///
/// # Errors
/// A finding that names the nearest slug when there is no such issue.
pub fn find<'a>(issues: &'a [Issue], name: &str, now: chrono::DateTime<chrono::Utc>) -> anyhow::Result<&'a Issue> {
    if name == "latest" {
        let newest = issues.iter().find(|issue| issue.is_published(now));
        return newest.context("no issue is published yet, so there is no `latest`");
    }
    let path = name.strip_prefix("./").unwrap_or(name);
    let is_meant = |issue: &&Issue| {
        issue.slug.as_str() == name
            || issue.path == path
            || issue.path.strip_suffix("/index.md") == Some(path)
            || issue.id.as_str() == name
    };
    issues.iter().find(is_meant).ok_or_else(|| {
        let missing = Finding::error("no-such-issue", format!("there is no issue `{name}`"));
        let help = match crate::finding::nearest(name, issues.iter().map(|issue| issue.slug.as_str())) {
            Some(slug) => format!("did you mean `{slug}`?"),
            None => "`slugline list` shows every issue with its slug".to_owned(),
        };
        missing.help(help).into()
    })
}

#[cfg(test)]
mod tests;
