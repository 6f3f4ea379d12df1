//! What an author sees of a project while writing: the list of issues, and one of them rendered.
//!
//! Reads the project again only after `changed`, and renders only the requested issue. What cannot be read or rendered is
//! reported with its place, and the last good version stays. Serving it is left to `web`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::config::Config;
use crate::disk::Project;
use crate::finding::Finding;
use crate::load::{self, InvalidConfig, Issues};
use crate::preview::overview::Overview;
use crate::preview::render::{EditionView, EntryView, LastGood};
use crate::review;

pub mod frame;
pub mod overview;
mod pictures;
pub mod render;

/// Maximum number of issues whose last good version is kept.
const MAX_KEPT_VIEWS: usize = 16;

/// A project that is previewed while it is written.
#[derive(Debug)]
pub struct Preview {
    project: Project,
    config_file: String,
    cache: Mutex<Cache>,
}

/// What was read and rendered so far.
#[derive(Debug, Default)]
struct Cache {
    /// The number of changes to files since the start.
    version: u64,
    /// The version that `loaded` and `problems` were read from.
    read_version: Option<u64>,
    loaded: Option<Arc<Loaded>>,
    /// Why the project could not be read.
    problems: Vec<Finding>,
    /// Most recently requested first.
    views: VecDeque<IssueView>,
}

/// The project as last read without errors.
#[derive(Debug)]
struct Loaded {
    config: Config,
    issues: Issues,
}

/// One issue as subscribers will see it.
#[derive(Debug, Clone)]
pub struct IssueView {
    /// Its file.
    pub path: String,
    /// The version of the files it was rendered from.
    pub version: u64,
    /// The feed entry.
    pub entry: LastGood<EntryView>,
    /// The email edition.
    pub edition: LastGood<EditionView>,
    /// Why the newest version could not be rendered.
    pub problems: Vec<Finding>,
}

impl Preview {
    /// A preview of a project, which is read on the first request.
    pub fn new(project: Project, config_file: impl Into<String>) -> Self {
        Self { project, config_file: config_file.into(), cache: Mutex::default() }
    }

    /// The previewed project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The name of the project file, below the project folder.
    pub fn config_file(&self) -> &str {
        &self.config_file
    }

    /// Records that files changed, and returns the number of the new version.
    pub fn changed(&self) -> u64 {
        let mut cache = self.cache();
        cache.version += 1;
        cache.version
    }

    /// The folders that issues are in, below the project folder.
    pub fn content_folders(&self) -> Vec<std::path::PathBuf> {
        load::config(&self.project, &self.config_file).map(|config| config.content).unwrap_or_default()
    }

    /// All issues, and the problems of the project as a whole.
    pub fn overview(&self, now: DateTime<Utc>) -> Overview {
        let mut cache = self.cache();
        self.read(&mut cache, now);
        match &cache.loaded {
            None => Overview { version: cache.version, problems: cache.problems.clone(), ..Overview::default() },
            Some(loaded) => Overview::of(cache.version, &loaded.config, &loaded.issues, cache.problems.clone(), now),
        }
    }

    /// The issue in the file `path`, or `None` if there never was one.
    pub fn view(&self, path: &str, now: DateTime<Utc>) -> Option<IssueView> {
        let mut cache = self.cache();
        self.read(&mut cache, now);
        let before = cache.views.iter().position(|view| view.path == path).and_then(|at| cache.views.remove(at));
        let view = match (before, cache.loaded.clone()) {
            (Some(view), _) if view.version == cache.version => Some(view),
            (Some(view), _) if !cache.problems.is_empty() => Some(view.outdated(cache.version, Vec::new())),
            (before, Some(loaded)) => self.render(&loaded, path, cache.version, before, now),
            (before, None) => before,
        }?;
        cache.views.truncate(MAX_KEPT_VIEWS - 1);
        cache.views.push_front(view.clone());
        Some(view)
    }

    fn render(
        &self,
        loaded: &Loaded,
        path: &str,
        version: u64,
        before: Option<IssueView>,
        now: DateTime<Utc>,
    ) -> Option<IssueView> {
        let Some(issue) = loaded.issues.issues.iter().find(|issue| issue.path == path) else {
            let problems = about(&loaded.issues.findings, path);
            let empty = IssueView::empty(path);
            return (before.is_some() || !problems.is_empty())
                .then(|| before.unwrap_or(empty).outdated(version, problems));
        };
        let before = before.unwrap_or_else(|| IssueView::empty(path));
        let rendered = render::issue(&self.project, &loaded.config, &loaded.issues.issues, issue, now);
        let mut problems = Vec::new();
        let entry = before.entry.updated(rendered.entry, &mut problems);
        let edition = before.edition.updated(rendered.edition, &mut problems);
        Some(IssueView { path: path.to_owned(), version, entry, edition, problems })
    }

    /// What `check` finds in the issue in the file `path`.
    pub fn findings(&self, path: &str, now: DateTime<Utc>) -> Vec<Finding> {
        let loaded = {
            let mut cache = self.cache();
            self.read(&mut cache, now);
            cache.loaded.clone()
        };
        let Some(loaded) = loaded else { return Vec::new() };
        let paths = [path.to_owned()];
        match review::review(&self.project, &self.config_file, &loaded.config, &loaded.issues, &paths, now) {
            Ok(review) => review.findings,
            Err(error) => problems(&error),
        }
    }

    /// A `data:` URL to show in place of a picture of the issue in the file `path`: the project's file that will be
    /// published at `address`.
    pub fn picture(&self, path: &str, entry: &EntryView, address: &str) -> Option<String> {
        let loaded = self.cache().loaded.clone()?;
        pictures::embedded(&self.project, &loaded.config, path, &entry.permalink, address)
    }

    /// The text of a file that findings may be about: an issue, a template, the project file. `None` for other files.
    pub fn source(&self, path: &str, now: DateTime<Utc>) -> Option<String> {
        let is_template = path.starts_with("templates/") && !path.split('/').any(|part| part == "..");
        let may_be_shown = is_template || path == self.config_file || {
            let mut cache = self.cache();
            self.read(&mut cache, now);
            cache.loaded.as_ref().is_some_and(|loaded| loaded.has(path))
        };
        let bytes = self.project.bytes(path).ok().filter(|_| may_be_shown)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // A panic while the lock was held leaves the cache consistent: each field is replaced at once.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the project if it changed since it was read.
    fn read(&self, cache: &mut Cache, now: DateTime<Utc>) {
        if cache.read_version == Some(cache.version) {
            return;
        }
        cache.read_version = Some(cache.version);
        let read = load::config(&self.project, &self.config_file)
            .and_then(|config| load::issues(&self.project, &config, now).map(|issues| Loaded { config, issues }));
        match read {
            Ok(loaded) => {
                cache.loaded = Some(Arc::new(loaded));
                cache.problems.clear();
            }
            Err(error) => cache.problems = problems(&error),
        }
    }
}

impl Loaded {
    fn has(&self, path: &str) -> bool {
        self.issues.issues.iter().any(|issue| issue.path == path) || !about(&self.issues.findings, path).is_empty()
    }
}

impl IssueView {
    fn empty(path: &str) -> Self {
        let (entry, edition) = (LastGood::default(), LastGood::default());
        Self { path: path.to_owned(), version: 0, entry, edition, problems: Vec::new() }
    }

    /// The same view, marked as older than the files.
    fn outdated(self, version: u64, problems: Vec<Finding>) -> Self {
        Self { version, entry: self.entry.outdated(), edition: self.edition.outdated(), problems, ..self }
    }
}

fn about(findings: &[Finding], path: &str) -> Vec<Finding> {
    let is_about = |finding: &&Finding| finding.place.as_ref().is_some_and(|place| place.path == path);
    findings.iter().filter(is_about).cloned().collect()
}

/// An error as findings.
fn problems(error: &anyhow::Error) -> Vec<Finding> {
    if let Some(invalid) = error.downcast_ref::<InvalidConfig>() {
        return invalid.findings.clone();
    }
    match error.downcast_ref::<Finding>() {
        Some(finding) => vec![finding.clone()],
        None => vec![Finding::error("failed", format!("{error:#}"))],
    }
}

#[cfg(test)]
mod tests;
