//! Private files in real repositories: `check` and `doctor` fail as long as git tracks them.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::dns_peer::DnsPeer;
use crate::history::commit_all;
use crate::program::slugline;

const PROJECT_FILE: &str = "\
title: Tide Notes
base_url: https://tides.example.org
mail:
  from: Tide Notes <notes@tides.example.org>
  unsubscribe_mailto: leave@tides.example.org
  subscribers: readers.csv
";

fn program(folder: &Path) -> Command {
    let mut program = slugline(folder);
    program.env("PATH", env::var_os("PATH").unwrap_or_default()).args(["--now", "2026-11-20T12:00:00Z", "--json"]);
    program
}

/// The rules of `check`'s findings about private files, with its exit code.
fn checked(folder: &Path) -> (Vec<String>, Option<i32>) {
    let output = program(folder).arg("check").output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let findings = document["findings"].as_array().unwrap().iter();
    let messages = findings.filter(|finding| finding["rule"].as_str().unwrap().starts_with("private-"));
    (messages.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect(), output.status.code())
}

/// `doctor`'s findings about private files.
fn diagnosed(folder: &Path) -> Vec<String> {
    let dns = DnsPeer::start(&[]);
    let output = program(folder).args(["doctor", "--dns", &dns.address().to_string()]).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let parts = document["parts"].as_array().unwrap().iter();
    let steps = parts.flat_map(|part| part["steps"].as_array().unwrap());
    let private = steps.filter(|step| step["step"] == "private");
    private.map(|step| format!("{}: {}", step["outcome"].as_str().unwrap(), step["seen"].as_str().unwrap())).collect()
}

#[test]
fn private_files_are_reported_while_git_tracks_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |path: &str, text: &str| {
        fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), text).unwrap();
    };
    write("slugline.yaml", PROJECT_FILE);
    write("content/neap.md", "---\ntitle: Neap\ndate: 2026-11-20\n---\n\nLittle water.\n");
    write("readers.csv", "email\nmaren@example.org\n");
    assert_eq!(checked(folder), (vec![], Some(0)), "it is in no repository");
    assert!(program(folder).arg("send").output().unwrap().status.success());
    commit_all(folder);
    let (messages, exit) = checked(folder);
    let expected = [
        "Git tracks `slugline.db`, the store of subscribers",
        "Git tracks `readers.csv`, the list of subscribers",
        "Git tracks `outbox/neap/maren@example.org.eml`, the outbox",
    ];
    let mut found: Vec<&str> = messages.iter().map(String::as_str).filter(|it| !it.contains("slugline.db-")).collect();
    found.retain(|it| !it.contains("slugline.db.lock"));
    found.sort_by_key(|it| expected.iter().position(|expected| expected == it));
    assert_eq!((found, exit), (expected.to_vec(), Some(1)));
    assert!(diagnosed(folder).contains(&format!("error: {}", expected[1])), "{:?}", diagnosed(folder));
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["rm", "-r", "--quiet", "--cached", "outbox", "readers.csv"]);
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    git.args(names.filter(|name| name.to_string_lossy().starts_with("slugline.db")));
    assert!(git.status().unwrap().success());
    assert_eq!(checked(folder), (vec![], Some(0)));
    let safe = "subscribers, messages and keys are neither in git nor in a folder of the site";
    assert_eq!(diagnosed(folder), [format!("ok: {safe}")]);
}
