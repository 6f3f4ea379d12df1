//! What an editor sees of a project while writing: the list of issues, and a look at one of them.
//!
//! Reads the project anew only after `changed`, and renders only the issue that is looked at. What cannot be read or
//! rendered is named with its place, and what was good last stays. Showing it is left to `web`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::config::Config;
use crate::disk::Project;
use crate::finding::Finding;
use crate::load::{self, InvalidConfig, Issues};
use crate::preview::look::{Entry, Letter, Shown};
use crate::preview::overview::Overview;
use crate::review;

pub mod frame;
pub mod look;
pub mod overview;
mod pictures;

/// Issues whose last good version is kept.
const REMEMBERED: usize = 16;

/// A project that is looked at while it is written.
#[derive(Debug)]
pub struct Preview {
    project: Project,
    config_file: String,
    seen: Mutex<Seen>,
}

/// What was read and rendered so far.
#[derive(Debug, Default)]
struct Seen {
    /// How often files changed since the start.
    version: u64,
    /// The version that `loaded` and `problems` are of.
    of: Option<u64>,
    loaded: Option<Arc<Loaded>>,
    /// What kept the project from being read.
    problems: Vec<Finding>,
    /// The one looked at last comes first.
    looks: VecDeque<Look>,
}

/// A project as it could be read last.
#[derive(Debug)]
struct Loaded {
    config: Config,
    issues: Issues,
}

/// One issue as it is seen by subscribers.
#[derive(Debug, Clone)]
pub struct Look {
    /// Its file.
    pub path: String,
    /// Of which version of the files.
    pub version: u64,
    /// The entry of the feed.
    pub entry: Shown<Entry>,
    /// The e-mail edition.
    pub letter: Shown<Letter>,
    /// What kept the newest version from being shown.
    pub problems: Vec<Finding>,
}

impl Preview {
    /// Nothing is read before somebody looks.
    pub fn new(project: Project, config_file: impl Into<String>) -> Self {
        Self { project, config_file: config_file.into(), seen: Mutex::default() }
    }

    /// The project that is looked at.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The name of the project file, below the project folder.
    pub fn config_file(&self) -> &str {
        &self.config_file
    }

    /// Takes note that files changed; gives the number of the new version.
    pub fn changed(&self) -> u64 {
        let mut seen = self.seen();
        seen.version += 1;
        seen.version
    }

    /// The folders that issues are in, below the project folder.
    pub fn content_folders(&self) -> Vec<std::path::PathBuf> {
        let mut seen = self.seen();
        self.read(&mut seen);
        seen.loaded.as_ref().map(|loaded| loaded.config.content.clone()).unwrap_or_default()
    }

    /// All issues, and what is wrong with the project as a whole.
    pub fn overview(&self, now: DateTime<Utc>) -> Overview {
        let mut seen = self.seen();
        self.read(&mut seen);
        match &seen.loaded {
            None => Overview { version: seen.version, problems: seen.problems.clone(), ..Overview::default() },
            Some(loaded) => Overview::of(seen.version, &loaded.config, &loaded.issues, seen.problems.clone(), now),
        }
    }

    /// A look at the issue in the file `path`; `None` when there never was one.
    pub fn look(&self, path: &str, now: DateTime<Utc>) -> Option<Look> {
        let mut seen = self.seen();
        self.read(&mut seen);
        let before = seen.looks.iter().position(|look| look.path == path).and_then(|at| seen.looks.remove(at));
        let look = match (before, seen.loaded.clone()) {
            (Some(look), _) if look.version == seen.version => Some(look),
            (Some(look), _) if !seen.problems.is_empty() => Some(look.outlived(seen.version, Vec::new())),
            (before, Some(loaded)) => self.render(&loaded, path, seen.version, before, now),
            (before, None) => before,
        }?;
        seen.looks.truncate(REMEMBERED - 1);
        seen.looks.push_front(look.clone());
        Some(look)
    }

    fn render(
        &self,
        loaded: &Loaded,
        path: &str,
        version: u64,
        before: Option<Look>,
        now: DateTime<Utc>,
    ) -> Option<Look> {
        let Some(issue) = loaded.issues.issues.iter().find(|issue| issue.path == path) else {
            let problems = about(&loaded.issues.findings, path);
            let nothing = Look::nothing_yet(path);
            return (before.is_some() || !problems.is_empty())
                .then(|| before.unwrap_or(nothing).outlived(version, problems));
        };
        let before = before.unwrap_or_else(|| Look::nothing_yet(path));
        let rendered = look::render(&self.project, &loaded.config, &loaded.issues.issues, issue, now);
        let mut problems = Vec::new();
        let entry = before.entry.followed_by(rendered.entry, &mut problems);
        let letter = before.letter.followed_by(rendered.letter, &mut problems);
        Some(Look { path: path.to_owned(), version, entry, letter, problems })
    }

    /// What `check` finds in the issue in the file `path`.
    pub fn findings(&self, path: &str, now: DateTime<Utc>) -> Vec<Finding> {
        let loaded = {
            let mut seen = self.seen();
            self.read(&mut seen);
            seen.loaded.clone()
        };
        let Some(loaded) = loaded else { return Vec::new() };
        let paths = [path.to_owned()];
        match review::review(&self.project, &self.config_file, &loaded.config, &loaded.issues, &paths, now) {
            Ok(review) => review.findings,
            Err(error) => problems(&error),
        }
    }

    /// What to show in place of a picture of the issue in the file `path`, as a `data:` URL: the file of the project that
    /// will be published at `address`.
    pub fn picture(&self, path: &str, entry: &Entry, address: &str) -> Option<String> {
        let loaded = self.seen().loaded.clone()?;
        pictures::embedded(&self.project, &loaded.config, path, &entry.permalink, address)
    }

    /// The text of a file that findings may be about: an issue, a template, the project file. `None` for any other.
    pub fn source(&self, path: &str) -> Option<String> {
        let is_template = path.starts_with("templates/") && !path.split('/').any(|part| part == "..");
        let may_be_shown = is_template || path == self.config_file || {
            let mut seen = self.seen();
            self.read(&mut seen);
            seen.loaded.as_ref().is_some_and(|loaded| loaded.has(path))
        };
        let bytes = self.project.bytes(path).ok().filter(|_| may_be_shown)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Whatever panicked while it held the lock left a list that is whole: each field is replaced at once.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the project, if it changed since.
    fn read(&self, seen: &mut Seen) {
        if seen.of == Some(seen.version) {
            return;
        }
        seen.of = Some(seen.version);
        let read = load::config(&self.project, &self.config_file)
            .and_then(|config| load::issues(&self.project, &config).map(|issues| Loaded { config, issues }));
        match read {
            Ok(loaded) => {
                seen.loaded = Some(Arc::new(loaded));
                seen.problems.clear();
            }
            Err(error) => seen.problems = problems(&error),
        }
    }
}

impl Loaded {
    fn has(&self, path: &str) -> bool {
        self.issues.issues.iter().any(|issue| issue.path == path) || !about(&self.issues.findings, path).is_empty()
    }
}

impl Look {
    fn nothing_yet(path: &str) -> Self {
        let (entry, letter) = (Shown::default(), Shown::default());
        Self { path: path.to_owned(), version: 0, entry, letter, problems: Vec::new() }
    }

    /// The same, no longer being what the files say.
    fn outlived(self, version: u64, problems: Vec<Finding>) -> Self {
        Self { version, entry: self.entry.outlived(), letter: self.letter.outlived(), problems, ..self }
    }
}

fn about(findings: &[Finding], path: &str) -> Vec<Finding> {
    let is_about = |finding: &&Finding| finding.place.as_ref().is_some_and(|place| place.path == path);
    findings.iter().filter(is_about).cloned().collect()
}

/// What an error says, as findings.
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
