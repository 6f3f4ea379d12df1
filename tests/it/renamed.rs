//! A mailed issue that comes back under another name, edited: the real program mails no one twice, asks, and takes the
//! answer. On SQLite, and on PostgreSQL where there is one.

use std::fs;

use crate::database::Database;
use crate::refusals::project::{Project, said};
use crate::smtp_peer::{Peer, Script};

const NOON: &str = "2026-11-20T12:00:00Z";
const LATER: &str = "2026-11-20T14:00:00Z";
const NEXT_DAY: &str = "2026-11-21T12:00:00Z";

const TEXT: &str = "Twice a month the sun stands at right angles to the moon, and takes from the tide what the moon gives. \
    The water then rises late and falls early, mussels stay covered, and nets hang slack between the poles.";

/// Runs a test on each store.
fn on_each_store(name: &str, mail: &str, test: impl Fn(&Peer, &Project)) {
    let database = Database::new(name);
    for store in ["sqlite:slugline.db"].into_iter().chain(database.as_ref().map(Database::url)) {
        let peer = Peer::start(vec![Script::new()]);
        let readers = ["a@example.org", "b@example.org", "c@example.org"].map(str::to_owned);
        let project = Project::with_readers(&readers, &peer, 1, store, mail);
        project.write_issue("content/neap.md", "Neap tide", "2026-11-20T11:00:00Z", TEXT);
        test(&peer, &project);
    }
}

impl Project {
    fn write_issue(&self, path: &str, title: &str, date: &str, body: &str) {
        self.write(path, &format!("---\ntitle: {title}\ndate: {date}\n---\n\n{body}\n"));
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.folder().join(path)).unwrap();
    }

    /// Exit code and all output.
    #[track_caller]
    fn says(&self, now: &str, arguments: &[&str], exit: i32, parts: &[&str]) {
        let said = said(&self.run(now, arguments));
        assert!(said.starts_with(&format!("exit {exit}\n")), "{arguments:?}: {said}");
        for part in parts {
            assert!(said.contains(part), "{arguments:?}: `{part}` is missing in: {said}");
        }
    }

    #[track_caller]
    fn mails(&self, peer: &Peer, now: &str, arguments: &[&str], messages: usize) {
        let before = peer.count();
        self.says(now, arguments, 0, &[]);
        assert_eq!(peer.count() - before, messages, "{arguments:?}");
    }

    /// The ids in the feed, newest first.
    fn ids(&self) -> Vec<String> {
        let feed: serde_json::Value = serde_json::from_str(&self.read("public/feed.json")).unwrap();
        feed["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }
}

const HELD: [&str; 3] = [
    "error[issue-renamed]: `tides` is held, because it looks like `content/neap.md`, which was mailed on 2026-11-20",
    "aliases: [\"https://tides.example.org/neap/\"]",
    "slugline send tides --new",
];

#[test]
fn a_moved_folder_and_a_corrected_word_mail_no_one_twice() {
    on_each_store("moved", "", |peer, project| {
        project.mails(peer, NOON, &["publish"], 3);
        project.remove("content/neap.md");
        let corrected = TEXT.replace("slack", "limp");
        project.write_issue("content/sea/tides.md", "Neap tide", "2026-11-20T11:00:00Z", &corrected);
        project.write_issue("content/surge.md", "Surge", "2026-11-20T13:00:00Z", "It rises.");
        // The good issue beside it goes out.
        project.says(LATER, &["send"], 1, &HELD);
        assert_eq!(peer.count(), 6);
        for arguments in [&["send"][..], &["publish"], &["send", "tides"]] {
            project.says(LATER, arguments, 1, &HELD);
        }
        let warning = "warning[possible-rename]: it looks like `content/neap.md`, which was mailed on 2026-11-20";
        project.says(LATER, &["build"], 0, &[warning]);
        project.says(LATER, &["diff"], 0, &[warning]);
        project.says(LATER, &["check"], 0, &[warning]);
        assert_eq!(project.ids(), ["https://tides.example.org/surge/", "https://tides.example.org/neap/"]);
        project.says(LATER, &["send", "--dry-run"], 1, &HELD);
        let document = project.run(LATER, &["send", "--json"]);
        let document: serde_json::Value = serde_json::from_slice(&document.stdout).unwrap();
        assert_eq!(document["held"][0]["issue"], "tides");
        assert_eq!(document["held"][0]["findings"][0]["rule"], "issue-renamed");
        assert!(!said(&project.run(LATER, &["send"])).contains("Nothing was due"));
        assert_eq!(peer.count(), 6);
        let text = project.read("content/sea/tides.md").replace("date:", "aliases: [/neap/]\ndate:");
        project.write("content/sea/tides.md", &text);
        project.mails(peer, LATER, &["publish"], 0);
        project.mails(peer, NEXT_DAY, &["build", "--locked"], 0);
        assert_eq!(project.ids(), ["https://tides.example.org/surge/", "https://tides.example.org/neap/"]);
    });
}

#[test]
fn an_issue_declared_new_is_mailed_and_never_asked_about_again() {
    on_each_store("new", "", |peer, project| {
        project.mails(peer, NOON, &["send"], 3);
        project.remove("content/neap.md");
        project.write_issue("content/tides.md", "Neap tide", "2026-11-20T13:00:00Z", "All of it is different.");
        project.says(LATER, &["publish"], 1, &HELD);
        assert_eq!(project.ids(), ["https://tides.example.org/neap/"]);
        project.says(LATER, &["send", "--new"], 2, &["<ISSUE"]);
        let lock = project.read("feeds.lock");
        project.says(LATER, &["send", "tides", "--new", "--dry-run"], 0, &["tides"]);
        assert_eq!((project.read("feeds.lock"), peer.count()), (lock, 3));
        project.mails(peer, LATER, &["send", "tides", "--new"], 3);
        project.mails(peer, NEXT_DAY, &["publish"], 0);
        assert_eq!(project.ids(), ["https://tides.example.org/tides/"]);
    });
}

#[test]
fn an_issue_that_was_corrected_and_then_renamed_is_recognized() {
    on_each_store("corrected", "", |peer, project| {
        project.mails(peer, NOON, &["publish"], 3);
        let corrected = TEXT.replace("slack", "limp");
        project.write_issue("content/neap.md", "Neap tides", "2026-11-20T11:00:00Z", &corrected);
        project.says(LATER, &["send"], 0, &["changed after it was mailed"]);
        project.remove("content/neap.md");
        // Another date and name, but the title of the correction, which no build has seen.
        project.write_issue("content/tides.md", "Neap tides", "2026-11-20T12:00:00Z", &corrected);
        project.says(LATER, &["send"], 1, &HELD);
        assert_eq!(peer.count(), 3);
    });
}

#[test]
fn two_issues_renamed_at_once_are_both_held() {
    on_each_store("both", "", |peer, project| {
        project.write_issue("content/surge.md", "Surge", "2026-11-20T11:30:00Z", "It rises.");
        project.mails(peer, NOON, &["send"], 6);
        project.remove("content/neap.md");
        project.remove("content/surge.md");
        project.write_issue("content/tides.md", "Neap tide", "2026-11-20T11:00:00Z", "It rests.");
        project.write_issue("content/storm.md", "Surge", "2026-11-20T11:30:00Z", "It rises higher.");
        project.says(LATER, &["send"], 1, &HELD);
        project.says(LATER, &["send"], 1, &["`storm` is held, because it looks like `content/surge.md`"]);
        project.mails(peer, LATER, &["build"], 0);
        assert_eq!(project.ids(), ["https://tides.example.org/surge/", "https://tides.example.org/neap/"]);
        // The answer for one leaves the other open.
        project.says(LATER, &["send", "storm", "--new"], 0, &["3         3"]);
        project.says(LATER, &["send"], 1, &HELD);
        assert_eq!(peer.count(), 9);
    });
}

#[test]
fn a_digest_with_a_renamed_issue_waits_whole() {
    on_each_store("digest", "  edition: digest\n", |peer, project| {
        project.write_issue("content/neap.md", "Neap tide", "2026-11-18T11:00:00Z", TEXT);
        let (monday, monday_after) = ("2026-11-23T07:00:00Z", "2026-11-30T07:00:00Z");
        project.mails(peer, monday, &["send"], 3);
        project.remove("content/neap.md");
        project.write_issue("content/tides.md", "Neap tide", "2026-11-24T11:00:00Z", TEXT);
        project.write_issue("content/surge.md", "Surge", "2026-11-25T11:00:00Z", "It rises.");
        let waits = "`digest:2026-W48` waits: `tides` is held, because it looks like `content/neap.md`";
        project.says(monday_after, &["send"], 1, &[waits]);
        assert_eq!(peer.count(), 3);
        let text = project.read("content/tides.md").replace("date:", "aliases: [/neap/]\ndate:");
        project.write("content/tides.md", &text);
        project.mails(peer, monday_after, &["send"], 3);
        project.mails(peer, monday_after, &["publish"], 0);
    });
}

#[test]
fn a_machine_that_has_only_the_lock_file_holds_it_too() {
    on_each_store("machine", "", |peer, project| {
        project.mails(peer, NOON, &["send"], 3);
        let other = tempfile::tempdir().unwrap();
        let config = project.read("slugline.yaml");
        let store = format!("sqlite:{}", project.folder().join("slugline.db").display());
        fs::write(other.path().join("slugline.yaml"), config.replace("sqlite:slugline.db", &store)).unwrap();
        fs::copy(project.folder().join("readers.csv"), other.path().join("readers.csv")).unwrap();
        fs::copy(project.folder().join("feeds.lock"), other.path().join("feeds.lock")).unwrap();
        fs::create_dir(other.path().join("content")).unwrap();
        let issue = project.read("content/neap.md").replace("slack", "limp").replace("11:00", "11:30");
        fs::write(other.path().join("content/tides.md"), issue).unwrap();
        let send = |arguments: &[&str]| {
            let mut command = project.command(LATER, arguments);
            said(&command.arg("--dir").arg(other.path()).output().unwrap())
        };
        let held = send(&["send"]);
        assert!(held.starts_with("exit 1\n") && HELD.iter().all(|part| held.contains(part)), "{held}");
        assert_eq!(peer.count(), 3);
        let sent = send(&["send", "tides", "--new"]);
        assert!(sent.starts_with("exit 0\n"), "{sent}");
        // The answer travels in the lock file.
        fs::copy(other.path().join("feeds.lock"), project.folder().join("feeds.lock")).unwrap();
        fs::copy(other.path().join("content/tides.md"), project.folder().join("content/tides.md")).unwrap();
        project.remove("content/neap.md");
        project.mails(peer, LATER, &["publish"], 0);
        assert_eq!(peer.count(), 6);
    });
}

#[test]
fn a_new_issue_in_the_place_of_a_deleted_one_is_mailed() {
    on_each_store("deleted", "", |peer, project| {
        project.mails(peer, NOON, &["publish"], 3);
        project.remove("content/neap.md");
        project.write_issue("content/surge.md", "Surge", "2026-11-20T13:00:00Z", "The storm drives the sea before it.");
        project.mails(peer, LATER, &["publish"], 3);
        assert_eq!(project.ids(), ["https://tides.example.org/surge/"]);
    });
}

#[test]
fn a_file_put_off_to_another_day_is_the_same_issue() {
    on_each_store("put_off", "", |peer, project| {
        project.remove("content/neap.md");
        project.write_issue("content/2026-11-20-neap.md", "Neap tide", "2026-11-20T11:00:00Z", TEXT);
        project.mails(peer, NOON, &["publish"], 3);
        project.remove("content/2026-11-20-neap.md");
        project.write_issue("content/2026-11-21-neap.md", "Neap tide", "2026-11-21T11:00:00Z", TEXT);
        project.mails(peer, NEXT_DAY, &["publish"], 0);
        assert_eq!(project.ids(), ["https://tides.example.org/2026-11-20-neap/"]);
    });
}

#[test]
fn a_lock_file_of_before_is_completed_and_still_works() {
    on_each_store("before", "", |peer, project| {
        project.mails(peer, NOON, &["publish"], 3);
        let lock = project.read("feeds.lock");
        let (start, end) = (lock.find(", like = ").unwrap(), lock.find(" }\n").unwrap());
        let before = format!("{}{}", &lock[..start], &lock[end..]);
        project.write("feeds.lock", &before);
        project.mails(peer, NOON, &["build", "--locked"], 0);
        assert_eq!(project.read("feeds.lock"), before);
        project.mails(peer, NOON, &["build"], 0);
        assert_eq!(project.read("feeds.lock"), lock);
        // Without title and text, the instant tells.
        project.write("feeds.lock", &before);
        project.remove("content/neap.md");
        project.write_issue("content/tides.md", "High water", "2026-11-20T11:00:00Z", "All of it is different.");
        project.says(LATER, &["send"], 1, &HELD);
        assert_eq!(peer.count(), 3);
    });
}
