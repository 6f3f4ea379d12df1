//! A system that allows few open files, as some do by default: no issue is lost, however many folders there are.
#![cfg(unix)]

use std::fs;
use std::process::Command;

use crate::program::slugline;

const ISSUES: usize = 3_000;

#[test]
fn issues_in_thousands_of_folders_are_read_with_few_open_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("slugline.yaml"), "title: Tides\nbase_url: https://example.org\n").unwrap();
    for issue in 0..ISSUES {
        let bundle = folder.path().join(format!("content/posts/tide-{issue}"));
        fs::create_dir_all(&bundle).unwrap();
        fs::write(bundle.join("index.md"), "---\ntitle: Tide\ndate: 2026-02-03\n---\nEbb.\n").unwrap();
    }
    let program = slugline(folder.path());
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 32 && exec \"$0\" list --json"]).arg(program.get_program());
    let listed = shell.current_dir(folder.path()).env("RAYON_NUM_THREADS", "2").output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap_or_else(|_| panic!("{listed:?}"));
    assert_eq!(document["findings"], serde_json::json!([]));
    assert_eq!(document["issues"].as_array().unwrap().len(), ISSUES);
}
