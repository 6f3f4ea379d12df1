//! Runs `tests/cases/*`: a project in; stdout, stderr, exit codes and files out. CONTRIBUTING.md tells how to write one.
//!
//! `SNAPSHOTS=overwrite` rewrites what is expected, `CASE=text` runs only the cases with that text in their names.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::SystemTime;

use rayon::prelude::*;
use snapbox::report::{Palette, write_diff};

use crate::program::{copy_folder, files, has_feature, repository, slugline, words};
use crate::skipped::skip_even_in_ci;

/// The time at which every case plays.
const NOW: &str = "2026-11-20T08:00:00Z";

/// The store is a database: the cases look at it through the program.
const STORE: &str = "slugline.db";

#[test]
fn every_case_gives_what_it_should() {
    let folder = repository().join("tests/cases");
    let only = env::var("CASE").unwrap_or_default();
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| case.file_name().is_some_and(|name| name.to_string_lossy().contains(&only)));
    cases.sort();
    assert!(!cases.is_empty(), "there is no case `{only}`");
    cases.retain(|case| can_run(case));
    let failures: Vec<String> = cases.par_iter().filter_map(|case| Case::run(case).failure()).collect();
    assert!(failures.is_empty(), "{}\n{} of {} cases failed", failures.join("\n"), failures.len(), cases.len());
}

/// Whether the program has the features that a case needs, one a line of its file `needs`.
fn can_run(case: &Path) -> bool {
    let needs = fs::read_to_string(case.join("needs")).unwrap_or_default();
    let missing = needs.lines().find(|feature| !has_feature(feature));
    if let Some(feature) = missing {
        skip_even_in_ci(&format!("the program is built without the feature `{feature}`"));
    }
    missing.is_none()
}

/// A case and what came of it.
struct Case<'a> {
    folder: &'a Path,
    stdout: String,
    stderr: String,
    status: String,
    /// Files of the project that are new or changed.
    written: BTreeMap<PathBuf, Vec<u8>>,
    touched: Vec<PathBuf>,
}

impl<'a> Case<'a> {
    fn run(folder: &'a Path) -> Self {
        let mut case = Self {
            folder,
            stdout: String::new(),
            stderr: String::new(),
            status: String::new(),
            written: BTreeMap::new(),
            touched: Vec::new(),
        };
        let project = tempfile::tempdir().unwrap();
        let commands =
            fs::read_to_string(folder.join("cmd")).unwrap_or_else(|_| panic!("{folder:?} has no file `cmd`"));
        let commands: Vec<&str> = commands.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let mut given = BTreeMap::new();
        for (number, command) in (1..).zip(&commands) {
            let layer = folder.join(if number == 1 { "project".to_owned() } else { format!("project-{number}") });
            if layer.is_dir() {
                copy_folder(&layer, project.path()).unwrap();
                given.extend(contents(&layer));
            }
            let before = times(project.path());
            let output = slugline_of_case(folder, project.path(), command);
            case.touched.extend(touched(&before, &times(project.path())));
            case.note(command, &output, commands.len() > 1);
        }
        case.written = contents(project.path());
        case.written.entry(PathBuf::from("feeds.lock")).and_modify(hide_store);
        case.written.retain(|path, bytes| given.get(path) != Some(bytes));
        // The default style beside every feed would say the same in every case, and change all of them with it.
        let style = fs::read(repository().join("templates/feed.css")).unwrap();
        case.written.retain(|path, bytes| !(path.ends_with("feed.css") && *bytes == style));
        case
    }

    /// Where a case has several commands, each output stands below its command.
    fn note(&mut self, command: &str, output: &Output, several: bool) {
        let code = output.status.code().map_or_else(|| output.status.to_string(), |code| code.to_string());
        for (all, bytes) in [(&mut self.stdout, &output.stdout), (&mut self.stderr, &output.stderr)] {
            if several && !bytes.is_empty() {
                let _ = writeln!(all, "$ {command}");
            }
            all.push_str(std::str::from_utf8(bytes).unwrap());
        }
        let _ = if several { writeln!(self.status, "{code}  {command}") } else { writeln!(self.status, "{code}") };
    }

    /// What differs from the files of the case; `None` when nothing does.
    fn failure(self) -> Option<String> {
        let overwrite = env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite");
        let mut differences = String::new();
        for path in &self.touched {
            let _ = writeln!(differences, "{} was written again though its bytes are the same", path.display());
        }
        let mut actual: BTreeMap<PathBuf, Vec<u8>> =
            self.written.into_iter().map(|(path, bytes)| (Path::new("expected").join(path), bytes)).collect();
        for (file, text) in [("stdout", self.stdout), ("stderr", self.stderr), ("status", self.status)] {
            if !text.is_empty() {
                actual.insert(file.into(), text.into_bytes());
            }
        }
        let mut expected = contents(self.folder);
        expected.retain(|path, _| is_expectation(path));
        for path in expected.keys().chain(actual.keys().filter(|path| !expected.contains_key(*path))) {
            let (expected, actual) = (expected.get(path), actual.get(path));
            if expected == actual {
                continue;
            }
            if overwrite {
                rewrite(&self.folder.join(path), actual.map(Vec::as_slice));
            } else {
                differences.push_str(&difference(path, expected, actual));
            }
        }
        (!differences.is_empty()).then(|| format!("case {}:\n{differences}", self.folder.display()))
    }
}

fn slugline_of_case(case: &Path, project: &Path, command: &str) -> Output {
    let mut words = words(command).into_iter();
    assert_eq!(words.next().as_deref(), Some("slugline"), "{case:?}: every line of `cmd` begins with `slugline`");
    let words: Vec<String> = words.collect();
    // SOURCE_DATE_EPOCH is for what is built, and enough for it.
    let time: &[&str] = match words.iter().any(|word| ["build", "--now"].contains(&word.as_str())) {
        true => &[],
        false => &["--now", NOW],
    };
    let environment = fs::read_to_string(case.join("env")).unwrap_or_default();
    let mut program = slugline(project);
    program.env("SOURCE_DATE_EPOCH", epoch(NOW));
    program.envs(environment.lines().filter_map(|line| line.split_once('=')));
    program.args(time).args(words).output().unwrap()
}

fn epoch(time: &str) -> String {
    chrono::DateTime::parse_from_rfc3339(time).unwrap().timestamp().to_string()
}

fn is_expectation(path: &Path) -> bool {
    path.starts_with("expected") || ["stdout", "stderr", "status"].iter().any(|file| path == Path::new(file))
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_store = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(STORE));
    let paths = files(folder).into_iter().filter(|path| !is_store(path));
    paths.map(|path| (path.clone(), fs::read(folder.join(path)).unwrap())).collect()
}

/// No two stores have the same id: that of this run stands in `feeds.lock` as STORE.
fn hide_store(lock: &mut Vec<u8>) {
    const BEFORE: &str = "store = \"";
    let text = String::from_utf8(std::mem::take(lock)).unwrap();
    let mut parts = text.split(BEFORE);
    let mut hidden = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (id, after) = part.split_once('"').unwrap();
        assert_eq!(id.len(), 32, "{id}");
        hidden.push_str(&format!("{BEFORE}STORE\"{after}"));
    }
    *lock = hidden.into_bytes();
}

/// Bytes and time of the last change of every file.
fn times(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let time = |path: &Path| fs::metadata(folder.join(path)).unwrap().modified().unwrap();
    contents(folder).into_iter().map(|(path, bytes)| (path.clone(), (bytes, time(&path)))).collect()
}

/// Files that were written though their bytes did not change.
fn touched(
    before: &BTreeMap<PathBuf, (Vec<u8>, SystemTime)>,
    after: &BTreeMap<PathBuf, (Vec<u8>, SystemTime)>,
) -> Vec<PathBuf> {
    let same_bytes = |path: &PathBuf, bytes: &Vec<u8>, time| {
        before.get(path).is_some_and(|(old_bytes, old_time)| old_bytes == bytes && old_time != time)
    };
    after.iter().filter(|(path, (bytes, time))| same_bytes(path, bytes, time)).map(|(path, _)| path.clone()).collect()
}

fn rewrite(path: &Path, bytes: Option<&[u8]>) {
    match bytes {
        None => fs::remove_file(path).unwrap(),
        Some(bytes) => {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

fn difference(path: &Path, expected: Option<&Vec<u8>>, actual: Option<&Vec<u8>>) -> String {
    let data = |bytes: Option<&Vec<u8>>| {
        let text = bytes.map_or_else(String::new, |bytes| String::from_utf8_lossy(bytes).replace('\r', "␍"));
        snapbox::Data::text(text)
    };
    let mut text = String::new();
    let names = (format!("{} as expected", path.display()), format!("{} as it is", path.display()));
    write_diff(&mut text, &data(expected), &data(actual), Some(&names.0), Some(&names.1), Palette::plain()).unwrap();
    text
}
