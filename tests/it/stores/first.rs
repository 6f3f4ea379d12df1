//! A new store, and one whose disk is discarded after every job.

use crate::database::Database;
use crate::refusals::NOON;
use crate::refusals::project::{Project, said};

use super::{ALL, peer};

#[test]
fn a_new_store_mails_no_one_over_smtp_unless_it_is_the_first() {
    let peer = peer();
    let project = Project::without_store(&peer, "");
    for arguments in [&["send"][..], &["publish"], &["send"]] {
        let told = said(&project.run(NOON, arguments));
        assert!(told.starts_with("exit 2\n") && told.contains("the store is new"), "{told}");
    }
    let dry = said(&project.run(NOON, &["send", "--dry-run"]));
    assert!(dry.starts_with("exit 0\n") && dry.contains("warning[store-new]"), "{dry}");
    assert_eq!(peer.count(), 0);
    assert!(said(&project.run(NOON, &["send", "--first"])).starts_with("exit 0\n"));
    assert_eq!(peer.recipients(), ALL);
    let again = said(&project.run(NOON, &["publish", "--first"]));
    assert!(again.starts_with("exit 2\n") && again.contains("this is not the first mailing"), "{again}");
}

#[test]
fn in_ci_a_store_in_a_file_mails_no_one() {
    let peer = peer();
    let project = Project::new(&peer, "");
    let run = |value: &str, arguments: &[&str]| project.command(NOON, arguments).env("CI", value).output().unwrap();
    for value in ["true", "1", "woodpecker"] {
        for arguments in [&["send"][..], &["publish"], &["send", "--first"]] {
            let told = said(&run(value, arguments));
            assert!(told.starts_with("exit 2\n") && told.contains("`CI` is set"), "{told}");
        }
    }
    assert!(said(&run("true", &["send", "--dry-run"])).contains("warning[store-ci]"));
    assert_eq!(peer.count(), 0);
    for value in ["false", "0", ""] {
        assert!(said(&run(value, &["send"])).starts_with("exit 0\n"), "{value}");
    }
    assert_eq!(peer.recipients(), ALL);
}

#[test]
fn in_ci_a_store_on_a_server_mails() {
    let Some(database) = Database::new("ci") else { return };
    let peer = peer();
    let project = Project::without_store(&peer, "");
    project.write("slugline.yaml", &project.read("slugline.yaml").replace("sqlite:slugline.db", database.url()));
    let run = |arguments: &[&str]| {
        project.command(NOON, arguments).env("CI", "true").envs(Database::password()).output().unwrap()
    };
    assert!(said(&run(&["send"])).contains("the store is new"));
    assert!(said(&run(&["send", "--first"])).starts_with("exit 0\n"));
    assert_eq!(peer.recipients(), ALL);
}
