//! Watches the files of a project that are read, and reports changes.
//!
//! An editor saves in several steps (new file, rename, permissions): they are reported once, after a quiet period.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::disk::Project;
use crate::disk::sources::HUGO_FILES;

/// Time without events after which a change is reported.
const QUIET_PERIOD: Duration = Duration::from_millis(40);

/// Longest wait for a quiet period while events keep coming.
const MAX_DELAY: Duration = Duration::from_millis(400);

/// Folders besides the content that are read.
const FOLDERS: [&str; 4] = ["templates", "static", "assets", "config"];

/// Files in the project folder that are read, besides the project file.
const FILES: [&str; 2] = ["feeds.lock", "covers.lock"];

/// Watches a project until it is dropped.
#[derive(Debug)]
pub struct Watch {
    watcher: RecommendedWatcher,
    folder: PathBuf,
    watched: BTreeSet<PathBuf>,
}

impl Watch {
    /// Calls `changed` after every change of `config_file`, of the lock files, of Hugo's configuration, and of anything below the watched folders.
    ///
    /// # Errors
    /// When the system refuses to watch the project folder.
    pub fn start(project: &Project, config_file: &str, changed: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        // The system reports absolute paths, however the project folder was named.
        let folder = project.path(".").canonicalize().context("failed to find the project folder")?;
        let (sender, events) = channel();
        let files: Vec<PathBuf> =
            [config_file].iter().chain(&FILES).chain(&HUGO_FILES).map(|file| folder.join(file)).collect();
        let root = folder.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| counts(&event, &root, &files)) {
                // The receiver is gone only when the watch is being dropped.
                let _ = sender.send(());
            }
        });
        let mut watcher = watcher.context("failed to watch files")?;
        let root = folder.as_path();
        watcher.watch(root, RecursiveMode::NonRecursive).context("failed to watch the project folder")?;
        thread::spawn(move || report(&events, changed));
        Ok(Self { watcher, folder, watched: BTreeSet::new() })
    }

    /// Watches these folders of the project, and those with templates, pictures and configuration, as soon as they exist.
    pub fn add_folders(&mut self, content: &[PathBuf]) {
        let folders = FOLDERS.iter().map(Path::new).chain(content.iter().map(PathBuf::as_path));
        let existing = folders.filter_map(|folder| self.folder.join(folder).canonicalize().ok());
        let existing: BTreeSet<PathBuf> = existing.filter(|folder| folder.is_dir()).collect();
        for gone in self.watched.difference(&existing) {
            // It may have been deleted, and its watch with it.
            let _ = self.watcher.unwatch(gone);
        }
        let mut watched: BTreeSet<PathBuf> = self.watched.intersection(&existing).cloned().collect();
        for new in existing.difference(&self.watched) {
            // A folder that the system cannot watch is retried after the next change.
            if self.watcher.watch(new, RecursiveMode::Recursive).is_ok() {
                watched.insert(new.clone());
            }
        }
        self.watched = watched;
    }
}

/// Whether an event changes a file that is read. Our own reads are reported too, and must not count.
fn counts(event: &Event, root: &Path, files: &[PathBuf]) -> bool {
    let changes = !matches!(event.kind, EventKind::Access(_));
    let is_read = |path: &PathBuf| match path.strip_prefix(root) {
        // The project folder itself contains the database and other files that are not read; a new folder may be one to watch.
        Ok(below) if below.components().count() == 1 => {
            files.contains(path) || below.extension().is_some_and(|it| it == "md") || path.is_dir() || is_folder(below)
        }
        _ => !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".slugline-")),
    };
    changes && event.paths.iter().any(is_read)
}

fn is_folder(name: &Path) -> bool {
    FOLDERS.iter().any(|folder| name == Path::new(folder))
}

/// Reports changes until the sender is dropped.
fn report(events: &Receiver<()>, changed: impl Fn()) {
    while events.recv().is_ok() {
        let latest = Instant::now() + MAX_DELAY;
        while Instant::now() < latest && events.recv_timeout(QUIET_PERIOD).is_ok() {}
        changed();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// How long the report of a change may take.
    const TIMEOUT: Duration = Duration::from_secs(300);

    #[test]
    fn changes_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        fs::create_dir(folder.path().join("content")).unwrap();
        fs::write(folder.path().join("content/a.md"), "one").unwrap();
        let (sender, reported) = channel();
        let mut watch = Watch::start(&project, "slugline.yaml", move || sender.send(()).unwrap_or_default()).unwrap();
        watch.add_folders(&["content".into()]);
        // A late report is taken for the next change: the test then checks less, but does not fail.
        let quiet = || while reported.recv_timeout(QUIET_PERIOD * 5).is_ok() {};
        for (path, text) in [("content/a.md", "two"), ("slugline.yaml", "title: T"), ("templates/edition.html", "x")] {
            fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
            fs::write(folder.path().join(path), text).unwrap();
            assert_eq!(reported.recv_timeout(TIMEOUT), Ok(()), "{path}");
            quiet();
            // The folder of templates is new.
            watch.add_folders(&["content".into()]);
            quiet();
        }
        fs::write(folder.path().join("templates/edition.html"), "y").unwrap();
        assert_eq!(reported.recv_timeout(TIMEOUT), Ok(()));
    }

    /// Events arrive in order: once the last change is reported, all earlier ones have been.
    #[test]
    fn reads_and_unread_files_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("content")).unwrap();
        fs::write(root.join("content/a.md"), "one").unwrap();
        let (sender, events) = channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            sender.send(event.unwrap()).unwrap_or_default();
        })
        .unwrap();
        watcher.watch(&root, RecursiveMode::Recursive).unwrap();
        fs::write(root.join("slugline.db"), "x").unwrap();
        fs::write(root.join("content/.slugline-new"), "x").unwrap();
        fs::read(root.join("content/a.md")).unwrap();
        let last = root.join("slugline.yaml");
        fs::write(&last, "title: T").unwrap();
        let files = [last.clone()];
        let mut names = BTreeSet::new();
        loop {
            let event = events.recv_timeout(TIMEOUT).unwrap();
            if counts(&event, &root, &files) {
                assert!(event.paths.contains(&last), "{event:?}");
                break;
            }
            names.extend(event.paths.into_iter().filter_map(|path| path.file_name().map(|name| name.to_owned())));
        }
        assert!(["slugline.db", ".slugline-new"].iter().all(|name| names.contains(std::ffi::OsStr::new(name))));
    }
}
