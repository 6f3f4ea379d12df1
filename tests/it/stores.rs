//! A lost, outdated or new store: no one is mailed by mistake, the message says why, and following it brings the next
//! issue to every subscriber. Each case is done as a user would, against a scripted server.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use snapbox::str;

use crate::program::{command, copy_folder, slugline, with_faults};
use crate::refusals::NOON;
use crate::refusals::project::{Project, said};
use crate::smtp_peer::{Answer, Peer, Script};

mod backups;
mod first;

const STORE: &str = "slugline.db";
const LATER: &str = "2026-11-20T14:00:00Z";

fn peer() -> Peer {
    Peer::start(vec![Script::new()])
}

/// A project whose first issue every subscriber has, and whose second is due.
fn mailed(peer: &Peer) -> Project {
    let project = Project::new(peer, "");
    project.sends_to_all_three();
    project.write_surge();
    project
}

impl Project {
    fn write_surge(&self) {
        self.write("content/surge.md", "---\ntitle: Surge\ndate: 2026-11-20T11:30:00Z\n---\n\nIt rises.\n");
    }

    fn store(&self) -> PathBuf {
        self.folder().join(STORE)
    }

    /// Sending fails with this message, and no one is mailed, with any arguments.
    #[track_caller]
    fn refuses(&self, peer: &Peer, word: &str) {
        let before = peer.count();
        for arguments in
            [&["send"][..], &["publish"], &["send", "surge"], &["send", "--first"], &["publish", "--first"]]
        {
            let output = self.run(LATER, arguments);
            let told = said(&output);
            assert!(told.starts_with("exit 2\n") && told.contains("nothing is mailed"), "{arguments:?}: {told}");
            assert!(told.contains(word), "{arguments:?}: {told}");
        }
        let dry = said(&self.run(LATER, &["send", "--dry-run"]));
        assert!(dry.starts_with("exit 2\n") && dry.contains(word), "{dry}");
        let status = said(&self.run(LATER, &["status"]));
        assert!(status.starts_with("exit 1\n") && status.contains(word), "{status}");
        assert_eq!(peer.count(), before, "someone was mailed");
    }

    /// After `store adopt` no one is mailed again what is recorded, and the next issue goes to every subscriber.
    #[track_caller]
    fn is_adopted(&self, peer: &Peer, next: &[&str]) {
        let adopted = self.run(LATER, &["store", "adopt"]);
        assert!(matches!(adopted.status.code(), Some(0 | 1)), "{}", said(&adopted));
        let before = peer.count();
        let sent = self.run(LATER, &["send"]);
        assert!(matches!(sent.status.code(), Some(0 | 1)), "{}", said(&sent));
        let mailed: Vec<String> = peer.taken().into_iter().skip(before).map(|message| message.to).collect();
        assert_eq!(mailed, next, "{}", said(&sent));
        let again = self.run(LATER, &["send"]);
        assert!(said(&again).contains("Nothing was due"), "{}", said(&again));
    }

    fn remove_store(&self) {
        for suffix in ["", "-wal", "-shm", "-log", "-log2", ".lock"] {
            let _ = fs::remove_file(self.folder().join(format!("{STORE}{suffix}")));
        }
    }

    fn copy_store(&self, to: &str) {
        fs::copy(self.store(), self.folder().join(to)).unwrap();
    }

    fn put_back(&self, copy: &str) {
        self.remove_store();
        fs::copy(self.folder().join(copy), self.store()).unwrap();
    }
}

const ALL: [&str; 3] = ["a@example.org", "b@example.org", "c@example.org"];

#[test]
fn a_deleted_store_mails_no_one_until_recorded_mailings_are_adopted() {
    let peer = peer();
    let project = mailed(&peer);
    project.remove_store();
    project.shows(
        &project.run(LATER, &["send"]),
        str![[r#"
exit 2
error[store-behind]: nothing is mailed, because the store is behind `feeds.lock`: it does not contain the mailing of `https://tides.example.org/neap/` (2026-11-20 12:00)
--> feeds.lock
 = help: recipients who have them would get them again. The store was lost, is an older copy, or is that of another machine: put it back or restore it with `slugline store restore FILE`. Only if it is lost for good, `slugline store adopt` counts everything that `feeds.lock` records as mailed

"#]],
    );
    project.refuses(&peer, "does not contain the mailing of");
    project.shows(&project.run(LATER, &["store", "adopt"]), str![[r#"
exit 1
https://tides.example.org/neap/  2026-11-20 12:00  recorded, its recipients are not known
nothing is mailed, because the store is behind `feeds.lock`: it does not contain the mailing of `https://tides.example.org/neap/` (2026-11-20 12:00).
Commit `feeds.lock`. The next issue goes to all active subscribers.
warning[no-subscribers]: the store has no subscribers
 |
 = help: import them, including those who unsubscribed: `slugline subscribers import FILE`

"#]]);
    project.shows(
        &project.run(LATER, &["status"]),
        str![[r#"
exit 0
issue  begun             recipients  sent
neap   2026-11-20 12:00  3           ?
`?`: sent from a store that is gone; its recipients are not known here.

"#]],
    );
    project.shows(
        &project.run(LATER, &["send", "neap"]),
        str![[r#"
exit 0
warning[issue-mailed]: `neap` was already mailed, from a store that was lost
 |
 = help: `slugline status` shows the others
Nothing was due.

"#]],
    );
    project.is_adopted(&peer, &ALL);
}

#[test]
fn a_store_that_was_moved_away_is_put_back() {
    let peer = peer();
    let project = mailed(&peer);
    fs::rename(project.store(), project.folder().join("elsewhere.db")).unwrap();
    project.refuses(&peer, "does not contain the mailing of");
    project.put_back("elsewhere.db");
    assert!(said(&project.run(LATER, &["send"])).contains("surge  3         3"));
    assert_eq!(peer.count(), 6);
}

#[test]
fn a_clone_without_the_store_mails_no_one() {
    let peer = peer();
    let project = mailed(&peer);
    let clone = Project::new(&peer, "");
    clone.remove_store();
    copy_folder(&project.folder().join("content"), &clone.folder().join("content")).unwrap();
    fs::copy(project.folder().join("feeds.lock"), clone.folder().join("feeds.lock")).unwrap();
    clone.refuses(&peer, "does not contain the mailing of");
    // Importing subscribers is not enough.
    clone.run(LATER, &["subscribers", "import", "readers.csv"]);
    clone.refuses(&peer, "does not contain the mailing of");
    clone.is_adopted(&peer, &ALL);
}

#[test]
fn an_older_copy_mails_no_one_what_was_mailed_since() {
    let peer = peer();
    let project = mailed(&peer);
    project.copy_store("morning.db");
    project.run(NOON, &["send"]);
    assert_eq!(peer.count(), 6);
    project.put_back("morning.db");
    project.refuses(&peer, "does not contain the mailing of `https://tides.example.org/surge/`");
    project.is_adopted(&peer, &[]);
    project.write("content/ebb.md", "---\ntitle: Ebb\ndate: 2026-11-20T13:00:00Z\n---\n\nIt falls.\n");
    project.run(LATER, &["send"]);
    assert_eq!(peer.count(), 9);
}

/// The copy knows the mailing, and takes recipients for pending that were mailed since.
#[test]
fn a_copy_made_during_a_mailing_mails_no_one() {
    for (rest, word) in
        [(&["send"][..], "which was finished"), (&["send", "--limit", "1"], "before the last run that mailed")]
    {
        let peer = peer();
        let project = Project::new(&peer, "");
        project.run(NOON, &["send", "--limit", "1"]);
        project.copy_store("middle.db");
        project.run(NOON, rest);
        project.put_back("middle.db");
        project.write_surge();
        project.refuses(&peer, word);
        project.is_adopted(&peer, &ALL);
        let unknown = said(&project.run(LATER, &["status", "neap", "--state", "unknown"]));
        assert!(unknown.contains("b@example.org") && unknown.contains("store adopt"), "{unknown}");
    }
}

/// Copied while a run was sending that later stopped with recipients pending.
#[test]
fn a_copy_made_during_a_run_mails_no_one() {
    let goes_on = Arc::new(AtomicBool::new(false));
    let held = Arc::clone(&goes_on);
    // The second message is accepted only after the copy is made.
    let script = Script::new().holding("MAIL FROM", move |tally| tally.taken == 0 || held.load(Ordering::SeqCst));
    let peer = Peer::start(vec![script]);
    let project = Project::new(&peer, "");
    let mut run = project.command(NOON, &["send", "--limit", "2"]).spawn().unwrap();
    peer.wait_for(1);
    for suffix in ["", "-wal"] {
        let copy = |name: &str| project.folder().join(format!("{name}{suffix}"));
        fs::copy(copy(STORE), copy("middle.db")).unwrap();
    }
    goes_on.store(true, Ordering::SeqCst);
    run.wait().unwrap();
    project.remove_store();
    for suffix in ["", "-wal"] {
        let copy = |name: &str| project.folder().join(format!("{name}{suffix}"));
        fs::rename(copy("middle.db"), copy(STORE)).unwrap();
    }
    project.write_surge();
    project.refuses(&peer, "before the last run that mailed");
    project.is_adopted(&peer, &ALL);
}

#[test]
fn a_run_killed_between_freeze_and_record_is_finished_by_the_next() {
    let Some(with_faults) = with_faults() else { return };
    for step in ["freeze the audience: committed", "count a run: committed", "write a file: not in its place"] {
        let peer = peer();
        let project = Project::new(&peer, "");
        project.run(NOON, &["build"]);
        let mut dying = command(&with_faults, project.folder());
        dying.args(["--now", NOON, "send"]).env("SLUGLINE_FAULT", step);
        assert_eq!(dying.output().unwrap().status.code(), None, "{step}");
        assert_eq!(peer.count(), 0, "{step}: nothing leaves before it is recorded");
        assert!(!project.read("feeds.lock").contains("[mailings"), "{step}");
        project.sends_to_all_three();
        assert!(project.read("feeds.lock").contains("ended"), "{step}");
        assert_eq!(peer.recipients(), ALL, "{step}");
    }
}

#[test]
fn nothing_is_mailed_if_the_lock_cannot_be_written() {
    let peer = peer();
    let project = Project::new(&peer, "");
    project.run(NOON, &["build"]);
    let lock = project.read("feeds.lock");
    fs::remove_file(project.folder().join("feeds.lock")).unwrap();
    fs::create_dir(project.folder().join("feeds.lock")).unwrap();
    let output = project.run(NOON, &["send"]);
    assert!(said(&output).starts_with("exit 2\n"), "{}", said(&output));
    assert_eq!(peer.count(), 0);
    fs::remove_dir(project.folder().join("feeds.lock")).unwrap();
    project.write("feeds.lock", &lock);
    project.sends_to_all_three();
}

#[test]
fn recipients_queued_again_by_the_user_are_mailed() {
    let peer = Peer::start(vec![
        Script::new()
            .on("RCPT TO:<a@", Answer::Say("550 5.2.1 Mailbox disabled"))
            .on("RCPT TO:<b@", Answer::Say("450 4.7.1 Greylisted")),
    ]);
    let project = Project::new(&peer, "");
    project.run(NOON, &["send"]);
    assert!(!project.read("feeds.lock").contains("ended"), "b is pending");
    project.run(LATER, &["send"]);
    assert!(project.read("feeds.lock").contains("ended"));
    project.run(LATER, &["retry", "neap", "--failed"]);
    assert!(!project.read("feeds.lock").contains("ended"));
    assert!(said(&project.run(LATER, &["send"])).starts_with("exit 0\n"));
    assert_eq!(peer.recipients(), ALL);
    assert!(project.read("feeds.lock").contains("ended"));
}

/// What is in an outbox may be sent from there by another program.
#[test]
fn an_outbox_is_filled_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("content/neap.md", "---\ntitle: Neap\ndate: 2026-11-20T11:00:00Z\n---\n\nThe sea rests.\n");
    write(
        "slugline.yaml",
        "title: T\nbase_url: https://tides.example.org\nmail: {from: n@example.org, subscribers: r.csv}\n",
    );
    write("r.csv", "email\na@example.org\n");
    let send = || slugline(folder.path()).args(["--now", NOON, "send"]).env("CI", "true").output().unwrap();
    assert!(said(&send()).starts_with("exit 0\n"));
    fs::remove_file(folder.path().join(STORE)).unwrap();
    fs::remove_dir_all(folder.path().join("outbox")).unwrap();
    assert!(said(&send()).contains("store-behind"));
    assert!(!folder.path().join("outbox").exists());
}
