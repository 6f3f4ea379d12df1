//! Tells when a file of the project that is read changes.
//!
//! An editor saves in several steps (a new file, a rename, its rights): they are told of once, when there is quiet.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::disk::Project;

/// How long nothing may happen before it is told.
const QUIET: Duration = Duration::from_millis(40);

/// How long it waits for quiet while something happens all the time.
const LONGEST: Duration = Duration::from_millis(400);

/// Folders beside the content that something is read from.
const FOLDERS: [&str; 3] = ["templates", "static", "assets"];

/// Files in the project folder that are read, besides the project file.
const FILES: [&str; 2] = ["feeds.lock", "covers.lock"];

/// Watches a project until it is dropped.
#[derive(Debug)]
pub struct Watch {
    watcher: RecommendedWatcher,
    folder: PathBuf,
    followed: BTreeSet<PathBuf>,
}

impl Watch {
    /// Calls `changed` after every change of `config_file`, of the locks, and of what is below the folders that are followed.
    ///
    /// # Errors
    /// When the system refuses to watch the project folder.
    pub fn start(project: &Project, config_file: &str, changed: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        // The system tells whole paths, whatever the project folder was called.
        let folder = project.path(".").canonicalize().context("failed to find the project folder")?;
        let (sender, events) = channel();
        let files: Vec<PathBuf> = [config_file].iter().chain(&FILES).map(|file| folder.join(file)).collect();
        let root = folder.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| counts(&event, &root, &files)) {
                // Nobody hears it any more: the watch is about to be dropped.
                let _ = sender.send(());
            }
        });
        let mut watcher = watcher.context("failed to watch files")?;
        let root = folder.as_path();
        watcher.watch(root, RecursiveMode::NonRecursive).context("failed to watch the project folder")?;
        thread::spawn(move || tell(&events, changed));
        Ok(Self { watcher, folder, followed: BTreeSet::new() })
    }

    /// Follows these folders of the project, and those with templates and pictures; one that is not there yet when it is.
    pub fn follow(&mut self, content: &[PathBuf]) {
        let folders = FOLDERS.iter().map(Path::new).chain(content.iter().map(PathBuf::as_path));
        let wanted = folders.filter_map(|folder| self.folder.join(folder).canonicalize().ok());
        let wanted: BTreeSet<PathBuf> = wanted.filter(|folder| folder.is_dir()).collect();
        for gone in self.followed.difference(&wanted) {
            // It may have been deleted, and its watch with it.
            let _ = self.watcher.unwatch(gone);
        }
        let mut followed: BTreeSet<PathBuf> = self.followed.intersection(&wanted).cloned().collect();
        for new in wanted.difference(&self.followed) {
            // What the system cannot watch is tried again after the next change.
            if self.watcher.watch(new, RecursiveMode::Recursive).is_ok() {
                followed.insert(new.clone());
            }
        }
        self.followed = followed;
    }
}

/// Whether it changes what is read. That we read a file ourselves is told too, and must not count.
fn counts(event: &Event, root: &Path, files: &[PathBuf]) -> bool {
    let changes = !matches!(event.kind, EventKind::Access(_));
    let is_read = |path: &PathBuf| match path.strip_prefix(root) {
        // In the project folder itself lie the database and other files that we do not read; a new folder may be one to follow.
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

/// Tells of changes until nobody sends any more.
fn tell(events: &Receiver<()>, changed: impl Fn()) {
    while events.recv().is_ok() {
        let latest = Instant::now() + LONGEST;
        while Instant::now() < latest && events.recv_timeout(QUIET).is_ok() {}
        changed();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// How long a change may take to be told.
    const PATIENCE: Duration = Duration::from_secs(300);

    #[test]
    fn changes_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        fs::create_dir(folder.path().join("content")).unwrap();
        fs::write(folder.path().join("content/a.md"), "one").unwrap();
        let (sender, told) = channel();
        let mut watch = Watch::start(&project, "slugline.yaml", move || sender.send(()).unwrap_or_default()).unwrap();
        watch.follow(&["content".into()]);
        // What is told late is taken for the next change: the test then sees less, and fails no sooner.
        let quiet = || while told.recv_timeout(QUIET * 5).is_ok() {};
        for (path, text) in [("content/a.md", "two"), ("slugline.yaml", "title: T"), ("templates/edition.html", "x")] {
            fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
            fs::write(folder.path().join(path), text).unwrap();
            assert_eq!(told.recv_timeout(PATIENCE), Ok(()), "{path}");
            quiet();
            // The folder of templates is new.
            watch.follow(&["content".into()]);
            quiet();
        }
        fs::write(folder.path().join("templates/edition.html"), "y").unwrap();
        assert_eq!(told.recv_timeout(PATIENCE), Ok(()));
    }

    /// The system tells everything in order: what comes before the last change is not about to come.
    #[test]
    fn reading_and_what_is_not_read_do_not_count() {
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
            let event = events.recv_timeout(PATIENCE).unwrap();
            if counts(&event, &root, &files) {
                assert!(event.paths.contains(&last), "{event:?}");
                break;
            }
            names.extend(event.paths.into_iter().filter_map(|path| path.file_name().map(|name| name.to_owned())));
        }
        assert!(["slugline.db", ".slugline-new"].iter().all(|name| names.contains(std::ffi::OsStr::new(name))));
    }
}
