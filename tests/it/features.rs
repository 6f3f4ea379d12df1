//! A program that is built without some features: what it lacks is not offered, and says which feature has it.

use std::fs;

use crate::program::{has_feature, slugline};

#[test]
fn a_missing_command_names_its_feature_and_is_not_offered() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| slugline(folder.path()).args(words).output().unwrap();
    for command in ["preview", "serve", "doctor"] {
        if has_feature(command) {
            continue;
        }
        let refused = run(&[command, "--verbose"]);
        assert_eq!(refused.status.code(), Some(2));
        assert_eq!(
            String::from_utf8(refused.stderr).unwrap(),
            format!(
                "error: this build of slugline has no `slugline {command}`: install it with `--features {command}`\n"
            )
        );
        for offers in [["--help"].as_slice(), &["completions", "bash"], &["completions", "zsh"]] {
            let offered = String::from_utf8(run(offers).stdout).unwrap();
            let mut words = offered.split(|letter: char| !letter.is_ascii_alphanumeric());
            assert!(offered.contains("publish") && words.all(|word| word != command), "{offers:?}");
        }
    }
}

#[test]
fn a_database_that_cannot_be_opened_names_its_feature_and_feeds_are_built() {
    if has_feature("postgres") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let project = "title: Tides\nbase_url: https://tides.example.org\nstore: postgres://weekly@db.example.org/weekly\n";
    fs::write(folder.path().join("slugline.yaml"), project).unwrap();
    fs::create_dir(folder.path().join("content")).unwrap();
    fs::write(folder.path().join("content/neap.md"), "---\ntitle: Neap\ndate: 2026-11-20\n---\n\nIt rests.\n").unwrap();
    let refused = slugline(folder.path()).args(["subscribers", "list"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(refused.stderr).unwrap(),
        "error: this build of slugline has no PostgreSQL support: install it with `--features postgres`\n"
    );
    let built = slugline(folder.path()).arg("build").output().unwrap();
    assert_eq!(built.status.code(), Some(0), "{}", String::from_utf8_lossy(&built.stderr));
}
