//! Mailings with errors are held and the others are mailed, as a user sees it with SQLite and PostgreSQL, against a scripted
//! server.

use serde_json::Value;

use crate::database::Database;
use crate::refusals::NOON;
use crate::refusals::project::{Project, said};
use crate::smtp_peer::{Peer, Script};

const LATER: &str = "2026-11-20T13:00:00Z";

/// An issue with a picture that the project does not contain.
const BROKEN: &str = "---\ntitle: Surge\ndate: 2026-11-20T11:30:00Z\n---\n\n![The quay](quay.png)\n";

/// Runs a test with either store; its project has three readers, and `neap` is due.
fn with_both_stores(test: &str, mail: &str, then: impl Fn(&Project, &Peer)) {
    let readers = ["a@example.org", "b@example.org", "c@example.org"].map(str::to_owned);
    let database = Database::new(test);
    for store in ["sqlite:slugline.db"].into_iter().chain(database.as_ref().map(Database::url)) {
        let peer = Peer::start(vec![Script::new()]);
        then(&Project::with_readers(&readers, &peer, 1, store, mail), &peer);
    }
}

/// The number of messages with this text.
fn count(peer: &Peer, text: &str) -> usize {
    peer.taken().iter().filter(|message| message.content.contains(text)).count()
}

/// What the terminal shows.
#[track_caller]
fn shows(project: &Project, arguments: &[&str], exit: i32, expected: &[&str]) {
    let output = project.run(LATER, arguments);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {told}");
    for text in expected {
        assert!(told.contains(text), "`{text}` is not in: {told}");
    }
}

#[test]
fn an_issue_with_an_error_is_held_and_the_others_are_mailed() {
    with_both_stores("held", "", |project, peer| {
        project.write("content/surge.md", BROKEN);
        let held = ["error[image-broken]", "content/surge.md:6:13", "`surge` is held because of 1 error"];
        shows(project, &["send", "--dry-run"], 1, &[&held[..], &["neap would go to 3 recipients"]].concat());
        shows(project, &["publish"], 1, &[&held[..], &["neap   3", "feed.json"]].concat());
        shows(project, &["send", "surge"], 1, &[&held[..], &["--despite-errors"]].concat());
        assert_eq!((count(peer, "Neap tide"), count(peer, "Surge")), (3, 0));
        shows(project, &["send", "surge", "--test", "me@example.org"], 0, &[]);
        assert_eq!(count(peer, "Surge"), 1, "a test is never held");
        shows(project, &["send", "--despite-errors"], 2, &["<ISSUE>"]);
        project.write("content/quay.png", "a picture");
        shows(project, &["send"], 0, &["surge  3"]);
        assert_eq!((count(peer, "Neap tide"), count(peer, "Surge")), (3, 4));
    });
}

#[test]
fn a_held_issue_is_in_the_documents_and_a_person_may_mail_it() {
    with_both_stores("despite", "", |project, peer| {
        project.write("content/surge.md", BROKEN);
        for (arguments, path) in [
            (&["send", "--dry-run", "--json"][..], "/held"),
            (&["publish", "--json"], "/mail/held"),
            (&["send", "--json"], "/held"),
        ] {
            let output = project.run(LATER, arguments);
            let document: Value = serde_json::from_slice(&output.stdout).unwrap();
            let held = document.pointer(path).unwrap();
            assert_eq!((held[0]["issue"].as_str(), held.as_array().map(Vec::len)), (Some("surge"), Some(1)));
            assert_eq!(held[0]["findings"][0]["rule"], "image-broken");
            let rules: Vec<&str> =
                document["findings"].as_array().unwrap().iter().map(|it| it["rule"].as_str().unwrap()).collect();
            assert!(rules.contains(&"image-broken") && rules.contains(&"mailing-held"), "{rules:?}");
        }
        shows(project, &["send", "surge", "--despite-errors"], 0, &["surge  3"]);
        assert_eq!((count(peer, "Neap tide"), count(peer, "Surge")), (3, 3));
        shows(project, &["send"], 0, &["Nothing was due"]);
    });
}

#[test]
fn switching_the_rule_off_releases_it() {
    with_both_stores("released", "", |project, peer| {
        project.write("content/surge.md", BROKEN);
        shows(project, &["send"], 1, &["check: {off: [image-broken]}"]);
        project.write("slugline.yaml", &format!("{}check: {{off: [image-broken]}}\n", project.read("slugline.yaml")));
        shows(project, &["send"], 0, &["surge  3"]);
        assert_eq!(count(peer, "Surge"), 3);
    });
}

#[test]
fn the_rest_of_a_begun_mailing_is_held_until_it_is_fixed() {
    with_both_stores("rest", "", |project, peer| {
        project.write("content/neap.md", "---\ntitle: Neap\ndate: 2026-11-20T11:00:00Z\n---\n\n![Ebb](ebb.png)\n");
        project.write("content/ebb.png", "a picture");
        shows(project, &["send", "--limit", "1"], 0, &["neap   1         1     2"]);
        std::fs::remove_file(project.folder().join("content/ebb.png")).unwrap();
        for arguments in [&["send"][..], &["publish"], &["send", "neap"]] {
            shows(project, arguments, 1, &["`neap` is held because of 1 error: the 2 remaining recipients wait"]);
        }
        assert_eq!(peer.count(), 1);
        project.write("content/ebb.png", "a picture");
        shows(project, &["send"], 0, &["neap   2         3     0"]);
        assert_eq!(peer.recipients(), ["a@example.org", "b@example.org", "c@example.org"]);
        std::fs::remove_file(project.folder().join("content/ebb.png")).unwrap();
        shows(project, &["send"], 0, &["Nothing was due"]);
    });
}

#[test]
fn a_digest_with_a_held_issue_waits_whole() {
    with_both_stores("digest", "  edition: digest\n  digest: {every: \"30 12 * * *\"}\n", |project, peer| {
        project.write("content/surge.md", BROKEN);
        shows(project, &["send"], 1, &["`digest:2026-11-20T1230` is held because of 1 error", "content/surge.md:6:13"]);
        assert_eq!(peer.count(), 0);
        project.write("content/quay.png", "a picture");
        shows(project, &["send"], 0, &["digest:2026-11-20T1230  3"]);
        assert_eq!((count(peer, "Neap tide"), count(peer, "Surge")), (3, 3));
    });
}

#[test]
fn only_what_someone_waits_for_is_judged() {
    with_both_stores("judged", "", |project, _| {
        assert!(said(&project.run(NOON, &["send"])).starts_with("exit 0\n"));
        project.write("content/neap.md", "---\ntitle: Neap tide\ndate: 2026-11-20T11:00:00Z\n---\n\n![Ebb](ebb.png)\n");
        shows(project, &["send"], 0, &["warning[issue-changed]"]);
        shows(project, &["edition", "neap"], 0, &["Neap tide"]);
    });
}
