//! The same project gives the same bytes, wherever and however it is built; and a build after which nothing changed
//! touches no file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{copy_folder, files, repository};

/// A build in an environment of its own, started through a shell for its umask. The program is told the time.
fn build(folder: &Path, project: &Path, umask: &str, environment: &[(&str, &str)]) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask $0; exec \"$@\"", umask, env!("CARGO_BIN_EXE_slugline"), "--dir"]).arg(project);
    shell.args(["--now", "2026-11-20T08:00:00Z", "build"]).current_dir(folder).env_clear();
    let output = shell.envs(environment.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every file of a project, what was built among them.
fn contents(project: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(project).into_iter().map(|path| (path.clone(), fs::read(project.join(path)).unwrap())).collect()
}

/// Copies a folder, its files in the opposite order, so that the disk lists them in another.
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
fn a_build_that_changes_nothing_touches_nothing() {
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
