//! Builds are reproducible: the same project yields the same bytes on any machine, and a build without changes touches
//! no file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{copy_folder, files, repository, slugline};

/// Builds in a custom environment, started through a shell for its umask. The time is passed to the program.
fn build(folder: &Path, project: &Path, umask: &str, environment: &[(&str, &str)]) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask $0; exec \"$@\"", umask, env!("CARGO_BIN_EXE_slugline"), "--dir"]).arg(project);
    shell.args(["--now", "2026-11-20T08:00:00Z", "build"]).current_dir(folder).env_clear();
    let output = shell.envs(environment.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every file of a project, including those built.
fn contents(project: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(project).into_iter().map(|path| (path.clone(), fs::read(project.join(path)).unwrap())).collect()
}

/// Copies a folder in reverse order, so that the disk lists its files differently.
fn copy_backwards(from: &Path, to: &Path) {
    for file in files(from).into_iter().rev() {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, fs::read(from.join(file)).unwrap()).unwrap();
    }
}

#[test]
fn any_machine_writes_the_same_bytes() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (number, project) in ["tests/cases/odd-files/project", "tests/cases/build/project"].into_iter().enumerate() {
        let (first, second) =
            (one.path().join(number.to_string()), other.path().join(number.to_string()).join("deeper 名"));
        copy_folder(&repository().join(project), &first).unwrap();
        copy_backwards(&repository().join(project), &second);
        build(&first, Path::new("."), "022", &[("TZ", "UTC"), ("LANG", "C")]);
        build(
            Path::new("/"),
            &second,
            "077",
            &[("TZ", "Pacific/Chatham"), ("LANG", "tr_TR.UTF-8"), ("LC_ALL", "zh_CN.GB18030")],
        );
        let (first, second) = (contents(&first), contents(&second));
        assert!(first.contains_key(Path::new("public/atom.xml")), "{project}");
        assert_eq!(first, second, "{project}");
    }
}

#[test]
fn a_build_without_changes_touches_no_file() {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&repository().join("tests/cases/build/project"), folder.path()).unwrap();
    let stamps = || -> Vec<_> {
        let stamp = |path: PathBuf| {
            let about = fs::metadata(folder.path().join(&path)).unwrap();
            (path, about.ino(), about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec())
        };
        files(folder.path()).into_iter().map(stamp).collect()
    };
    build(folder.path(), Path::new("."), "022", &[]);
    let before = stamps();
    build(folder.path(), Path::new("."), "077", &[("TZ", "Asia/Tokyo")]);
    assert_eq!(stamps(), before);
}

/// Build machines set SOURCE_DATE_EPOCH to the time of the sources, often long ago.
#[test]
fn the_build_time_does_not_affect_email() {
    let project = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| fs::write(project.path().join(path), text).unwrap();
    fs::create_dir(project.path().join("content")).unwrap();
    write("slugline.yaml", "title: T\nbase_url: https://example.org\nmail: {from: t@example.org}\n");
    write("content/old.md", "---\ntitle: Old\ndate: 2001-01-01\n---\nText.\n");
    write("content/later.md", "---\ntitle: Later\ndate: 2001-01-03\n---\nText.\n");
    let said = |arguments: &[&str]| {
        let output = slugline(project.path()).args(arguments).env("SOURCE_DATE_EPOCH", "978350400").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    said(&["subscribers", "add", "reader@example.org"]);
    said(&["build"]);
    let feed = fs::read_to_string(project.path().join("public/feed.xml")).unwrap();
    assert!(feed.contains("Old") && !feed.contains("Later"), "2001-01-01T12:00:00Z: {feed}");
    assert!(said(&["send", "--dry-run"]).contains("Nothing is due"));
    assert!(said(&["send"]).contains("Nothing was due"));
    said(&["publish"]);
    assert!(!project.path().join("outbox").exists());
}
