//! Death at every step of `store copy`: at any time at most one store can send, and the next command finishes or undoes the
//! move without loss. The program that dies has the feature `faults` and is built by `tests/run`; everything else is done
//! by the one users get.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::database::Database;
use crate::program::{command, copy_folder, slugline, with_faults};

/// More steps than any copy takes.
const MAX_STEPS: usize = 300;

const PROJECT: &str = "title: Tide Notes\nbase_url: https://tides.example.org\nmail: {from: notes@tides.example.org}\n";

/// How the next command ends what a dead one began.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Copy,
    Keep,
}

#[test]
fn a_copy_killed_at_any_step_leaves_one_store_that_sends() {
    let both = |_| [Then::Copy, Then::Keep].as_slice();
    let Some(program) = with_faults() else { return };
    let steps = dies_at_every_step(&program, both, &|folder, _| World::new(folder, "sqlite:second.db"));
    for step in [
        "begin to move: committed",
        "copy into it: delivery",
        "copy into it: committed",
        "record that it was moved: committed",
    ] {
        assert!(steps.contains(step), "it never died at `{step}`, but at {steps:#?}");
    }
}

#[test]
fn a_copy_to_postgresql_killed_at_any_step_leaves_one_store_that_sends() {
    let (Some(_), Some(program)) = (Database::server(), with_faults()) else { return };
    // Connections are slow: one store at every other step, the other in between.
    let either = |fault| if fault % 2 == 0 { [Then::Copy].as_slice() } else { &[Then::Keep] };
    let steps = dies_at_every_step(&program, either, &|folder, name| {
        let database = Database::new(name).unwrap();
        World { database: Some(database), ..World::new(folder, "") }
    });
    for step in ["copy into it: subscriber", "copy into it: not committed", "copy into it: answered"] {
        assert!(steps.contains(step), "it never died at `{step}`, but at {steps:#?}");
    }
}

/// Returns the names of the steps.
fn dies_at_every_step(
    with_faults: &Path,
    then: impl Fn(usize) -> &'static [Then],
    world: &dyn Fn(&Path, &str) -> World,
) -> BTreeSet<String> {
    let mut steps = BTreeSet::new();
    let original = tempfile::tempdir().unwrap();
    fill(original.path());
    for fault in 1..MAX_STEPS {
        for then in then(fault).iter().copied() {
            let folder = tempfile::tempdir().unwrap();
            copy_folder(original.path(), folder.path()).unwrap();
            let world = world(folder.path(), &format!("copy_{fault}_{then:?}").to_lowercase());
            let Some(step) = world.dies_at(with_faults, fault) else { return steps };
            world.is_settled(then, &format!("a death at `{step}`, then {then:?}"));
            steps.insert(step);
        }
    }
    panic!("it took more than {MAX_STEPS} steps")
}

/// A project whose issue some readers have; one has unsubscribed.
fn fill(folder: &Path) {
    fs::create_dir_all(folder.join("content")).unwrap();
    let issue = "---\ntitle: Neap\ndate: 2026-11-20T11:00:00Z\n---\n\nThe sea rests.\n";
    fs::write(folder.join("content/neap.md"), issue).unwrap();
    fs::write(folder.join("readers.csv"), "email,name\na@example.org,汐\nb@example.org,\nc@example.org,\n").unwrap();
    fs::write(folder.join("slugline.yaml"), format!("{PROJECT}store: sqlite:first.db\n")).unwrap();
    for arguments in [
        ["subscribers", "import", "readers.csv"].as_slice(),
        &["subscribers", "remove", "c@example.org"],
        &["send", "--limit", "1"],
    ] {
        let output = slugline(folder).args(["--now", "2026-11-20T12:00:00Z"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

/// A project, and the store it is moved to.
struct World {
    folder: PathBuf,
    to: String,
    database: Option<Database>,
}

impl World {
    fn new(folder: &Path, to: &str) -> Self {
        Self { folder: folder.to_owned(), to: to.to_owned(), database: None }
    }

    fn to(&self) -> &str {
        self.database.as_ref().map_or(&self.to, Database::url)
    }

    fn run(&self, config: &str, arguments: &[&str]) -> Output {
        self.set_up(slugline(&self.folder), config, arguments).output().unwrap()
    }

    fn set_up(&self, mut command: Command, config: &str, arguments: &[&str]) -> Command {
        fs::write(self.folder.join("second.yaml"), format!("{PROJECT}store: {}\n", self.to())).unwrap();
        command.args(["--now", "2026-11-20T12:00:00Z", "--config", config]).args(arguments).envs(Database::password());
        command
    }

    /// Copies and dies at this step; returns its name, or `None` if the copy finished before.
    fn dies_at(&self, with_faults: &Path, fault: usize) -> Option<String> {
        let step = self.folder.join("step");
        let copy = ["store", "copy", self.to()];
        let mut command = self.set_up(command(with_faults, &self.folder), "slugline.yaml", &copy);
        command.env("SLUGLINE_FAULT", fault.to_string()).env("SLUGLINE_FAULT_STEP", &step);
        let output = command.output().unwrap();
        if output.status.signal().is_none() {
            assert!(output.status.success(), "{output:?}");
            return None;
        }
        Some(fs::read_to_string(step).unwrap())
    }

    /// Whether the store of a project file accepts changes and sending.
    fn accepts(&self, config: &str) -> bool {
        let output = self.run(config, &["resolve", "neap", "--sent"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_moving = ["was moved", "started moving"].iter().any(|words| said.contains(words));
        assert!(output.status.success() || is_moving, "{said}");
        output.status.success()
    }

    /// The contents of a store: subscribers and deliveries.
    fn contents(&self, config: &str) -> [String; 2] {
        [&["subscribers", "export"][..], &["status", "--recipients", "--json"]]
            .map(|arguments| String::from_utf8(self.run(config, arguments).stdout).unwrap())
    }

    #[track_caller]
    fn is_settled(&self, then: Then, what: &str) {
        let (first, second) = ("slugline.yaml", "second.yaml");
        let before = self.contents(first);
        assert_eq!(before[0].lines().count(), 4, "{what}: the old store is read");
        let is_filled = self.contents(second) == before;
        assert!(is_filled || self.contents(second)[0].lines().count() == 1, "{what}: it is filled or empty");
        assert!(!(is_filled && self.accepts(first)), "{what}: both may send");
        let output = match then {
            Then::Copy => self.run(first, &["store", "copy", self.to()]),
            Then::Keep => self.run(first, &["store", "keep"]),
        };
        let goes_on = then == Then::Copy || is_filled;
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => {}
            // A finished copy is not undone.
            Some(2) if goes_on => assert!(said.contains("was moved") || said.contains("store copy"), "{what}: {said}"),
            _ => panic!("{what}: {output:?}"),
        }
        assert_eq!((self.accepts(first), self.accepts(second)), (!goes_on, true), "{what}");
        assert_eq!(self.contents(if goes_on { second } else { first }), before, "{what}");
        let sent = self.run(if goes_on { second } else { first }, &["send"]);
        assert!(String::from_utf8_lossy(&sent.stdout).contains("neap   1         2"), "{what}: {sent:?}");
    }
}
