//! Backups, restored stores, and copies that are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use snapbox::str;

use crate::database::Database;
use crate::program::{command, copy_folder, slugline, with_faults};
use crate::refusals::NOON;
use crate::refusals::project::{Project, said};
use crate::smtp_peer::{Answer, Peer, Script};

use super::{ALL, LATER, mailed, peer};

#[test]
fn a_backup_made_during_a_run_restores_the_store() {
    let goes_on = Arc::new(AtomicBool::new(false));
    let held = Arc::clone(&goes_on);
    let script = Script::new().holding("MAIL FROM", move |tally| tally.taken == 0 || held.load(Ordering::SeqCst));
    let peer = Peer::start(vec![script]);
    let project = Project::new(&peer, "");
    let mut run = project.command(NOON, &["send"]).spawn().unwrap();
    peer.wait_for(1);
    project.shows(
        &project.run(NOON, &["store", "backup", "monday.db"]),
        str![[r#"
exit 0
monday.db: 3 subscribers, 1 mailings, 3 deliveries

"#]],
    );
    goes_on.store(true, Ordering::SeqCst);
    run.wait().unwrap();
    assert_eq!(peer.recipients(), ALL);
    let mode = fs::metadata(project.folder().join("monday.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = said(&project.run(NOON, &["store", "backup", "monday.db"]));
    assert!(again.starts_with("exit 2\n") && again.contains("already exists"), "{again}");
    project.run(LATER, &["subscribers", "remove", "b@example.org"]);
    project.run(LATER, &["subscribers", "add", "d@example.org"]);
    project.run(LATER, &["subscribers", "forget", "c@example.org", "--yes"]);
    let before = fs::read(project.folder().join("monday.db")).unwrap();
    project.shows(&project.run(LATER, &["store", "restore", "monday.db"]), str![[r#"
exit 1
restored from a backup of 2026-11-20 12:00:00 UTC: 3 subscribers, 1 mailings
The replaced store is kept as `slugline.db.before-restore-20261120T140000Z`. Since the backup, according to it, 1 unsubscribed, 1 subscribed, and 1 were forgotten: this was carried over.
warning[unknown-recipients]: it is unknown whether 3 recipients that waited when the backup was made got their mail since
 |
 = help: `slugline status --state unknown` lists them, `slugline resolve` decides

"#]]);
    assert_eq!(fs::read(project.folder().join("monday.db")).unwrap(), before, "it is only read");
    project.shows(
        &project.run(LATER, &["status", "neap", "--recipients"]),
        str![[r#"
exit 1
issue  begun             recipients  sent  unknown
neap   2026-11-20 12:00  3           0     3

a@example.org  unknown  the store was lost: it was restored from a backup of 2026-11-20T12:00:00Z; whether it was sent since is unknown
b@example.org  unknown  the store was lost: it was restored from a backup of 2026-11-20T12:00:00Z; whether it was sent since is unknown
(forgotten)    unknown  the store was lost: it was restored from a backup of 2026-11-20T12:00:00Z; whether it was sent since is unknown

"#]],
    );
    let shown = said(&project.run(LATER, &["subscribers", "show", "c@example.org"]));
    assert!(shown.starts_with("exit 1\n") && shown.contains("forgotten"), "{shown}");
    project.write_surge();
    project.run(LATER, &["send"]);
    let surge: Vec<String> = peer.taken().into_iter().skip(3).map(|message| message.to).collect();
    assert_eq!(surge, ["a@example.org", "d@example.org"], "unsubscribed and forgotten addresses stay away");
}

/// A backup in the place of the store.
#[test]
fn a_backup_mails_no_one() {
    let peer = peer();
    let project = mailed(&peer);
    project.run(LATER, &["store", "backup", "monday.db"]);
    project.put_back("monday.db");
    let told = said(&project.run(LATER, &["send"]));
    assert!(told.starts_with("exit 2\n") && told.contains("is a backup of 2026-11-20T14:00:00Z"), "{told}");
    assert_eq!(peer.count(), 3);
}

#[test]
fn mailings_unknown_to_the_backup_are_adopted_after_a_restore() {
    let peer = peer();
    let project = mailed(&peer);
    project.run(LATER, &["store", "backup", "monday.db"]);
    project.run(LATER, &["send"]);
    assert_eq!(peer.count(), 6);
    project.remove_store();
    project.shows(&project.run(LATER, &["store", "restore", "monday.db"]), str![[r#"
exit 1
restored from a backup of 2026-11-20 14:00:00 UTC: 3 subscribers, 1 mailings
warning[store-older]: those who unsubscribed after 2026-11-20 14:00:00 UTC are active again, and those who subscribed are missing
 |
 = help: look for unsubscribe requests in your mailbox and the reports of your mail server, and apply them with `slugline subscribers remove`
error[store-behind]: nothing is mailed, because the store is behind `feeds.lock`: it does not contain the mailing of `https://tides.example.org/surge/` (2026-11-20 14:00)
--> feeds.lock
 = help: recipients who have them would get them again. The store was lost, is an older copy, or is that of another machine: put it back or restore it with `slugline store restore FILE`. Only if it is lost for good, `slugline store adopt` counts everything that `feeds.lock` records as mailed

"#]]);
    project.refuses(&peer, "does not contain the mailing of `https://tides.example.org/surge/`");
    project.is_adopted(&peer, &[]);
}

#[test]
fn a_damaged_store_is_kept_and_its_readable_part_carried_over() {
    let peer = peer();
    let project = mailed(&peer);
    project.run(NOON, &["store", "backup", "monday.db"]);
    let mut bytes = fs::read(project.store()).unwrap();
    for at in [0, 4096] {
        bytes[at..at + 90].fill(0x55);
        fs::write(project.store(), &bytes).unwrap();
        let told = said(&project.run(LATER, &["send"]));
        assert!(told.starts_with("exit 2\n") && told.contains("slugline store restore"), "{told}");
        assert!(!told.contains("away"), "{told}");
        let restored = said(&project.run(LATER, &["store", "restore", "monday.db"]));
        assert!(restored.starts_with("exit 1\n") && restored.contains("before-restore-"), "{restored}");
        bytes = fs::read(project.store()).unwrap();
    }
    assert_eq!(peer.count(), 3);
    assert!(said(&project.run(LATER, &["send"])).contains("surge  3         3"));
}

#[test]
fn the_store_is_not_replaced_while_a_run_sends() {
    let peer = Peer::start(vec![Script::new().on_nth("DOT", 2, Answer::Silence)]);
    let project = Project::new(&peer, "");
    project.run(NOON, &["store", "backup", "monday.db"]);
    let mut first = project.command(NOON, &["send"]).spawn().unwrap();
    project.wait_for("sending", "b@example.org");
    let told = said(&project.run(NOON, &["store", "restore", "monday.db"]));
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(told.starts_with("exit 2\n") && told.contains("another run is sending"), "{told}");
}

#[test]
fn only_a_backup_is_restored() {
    let peer = peer();
    let project = mailed(&peer);
    project.write("text.db", "this is not a database but a text file");
    for file in ["text.db", "gone.db"] {
        let told = said(&project.run(LATER, &["store", "restore", file]));
        assert!(told.starts_with("exit 2\n") && told.contains(file), "{told}");
    }
    assert!(said(&project.run(LATER, &["send"])).contains("surge  3         3"), "the store is unchanged");
    let left: Vec<String> = names(project.folder()).into_iter().filter(|name| name.starts_with(".slugline")).collect();
    assert_eq!(left, Vec::<String>::new());
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_refused_copy_leaves_nothing_behind() {
    let peer = Peer::start(vec![Script::new().on_nth("DOT", 2, Answer::Silence)]);
    let project = Project::new(&peer, "");
    let mut first = project.command(NOON, &["send"]).spawn().unwrap();
    project.wait_for("sending", "b@example.org");
    let told = said(&project.run(NOON, &["store", "copy", "sqlite:second.db"]));
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(told.starts_with("exit 2\n") && told.contains("another run is sending"), "{told}");
    assert_eq!(names(project.folder()).into_iter().filter(|name| name.contains("second")).count(), 0);
    assert!(said(&project.run(LATER, &["store", "copy", "sqlite:second.db"])).starts_with("exit 0\n"));
    let told = said(&project.run(LATER, &["store", "copy", "sqlite:third.db"]));
    assert!(told.starts_with("exit 2\n") && told.contains("was moved"), "{told}");
    assert_eq!(names(project.folder()).into_iter().filter(|name| name.contains("third")).count(), 0);
}

/// A store on a server is lost, restored from a backup file, and used again.
#[test]
fn a_store_on_a_server_is_backed_up_and_restored() {
    let (Some(first), Some(second)) = (Database::new("kept"), Database::new("back")) else { return };
    let peer = peer();
    let project = Project::without_store(&peer, "");
    let config = project.read("slugline.yaml");
    let on =
        |database: &Database| project.write("slugline.yaml", &config.replace("sqlite:slugline.db", database.url()));
    let run = |arguments: &[&str]| -> Output {
        project.command(LATER, arguments).envs(Database::password()).output().unwrap()
    };
    on(&first);
    assert!(said(&run(&["send", "--first", "--limit", "1"])).starts_with("exit 0\n"));
    assert!(said(&run(&["store", "backup", "monday.db"])).starts_with("exit 0\n"));
    on(&second);
    project.write_surge();
    assert!(said(&run(&["send"])).contains("store-behind"));
    let restored = said(&run(&["store", "restore", "monday.db"]));
    assert!(restored.starts_with("exit 1\n") && restored.contains("2 recipients that waited"), "{restored}");
    let again = said(&run(&["store", "restore", "monday.db"]));
    assert!(again.starts_with("exit 2\n") && again.contains("already contains subscribers or mailings"), "{again}");
    assert!(said(&run(&["send"])).contains("surge  3         3"));
    assert_eq!(peer.count(), 4);
}

/// Whenever it dies, the store is the old one, the new one, or missing; the next call restores it.
#[test]
fn a_restore_killed_at_any_step_mails_no_one_twice_and_can_be_repeated() {
    let Some(with_faults) = with_faults() else { return };
    let original = tempfile::tempdir().unwrap();
    outbox(original.path());
    let backup = fs::read(original.path().join("monday.db")).unwrap();
    let mut steps = Vec::new();
    for fault in 1..MAX_STEPS {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(original.path(), folder.path()).unwrap();
        let Some(step) = dies_at(&with_faults, folder.path(), fault, &["store", "restore", "monday.db"]) else { break };
        let run = |arguments: &[&str]| slugline(folder.path()).args(["--now", LATER]).args(arguments).output().unwrap();
        run(&["send"]);
        let mailed = names(&folder.path().join("outbox/neap")).len();
        assert_eq!(mailed, 0, "at `{step}`: a recipient was mailed again");
        let again = run(&["store", "restore", "monday.db"]);
        assert!(matches!(again.status.code(), Some(0 | 1)), "at `{step}`: {}", said(&again));
        run(&["send"]);
        assert_eq!(names(&folder.path().join("outbox/neap")).len(), 0, "at `{step}`");
        assert_eq!(names(&folder.path().join("outbox/surge")).len(), 2, "at `{step}`: {}", said(&run(&["status"])));
        assert_eq!(fs::read(folder.path().join("monday.db")).unwrap(), backup, "at `{step}`");
        steps.push(step);
    }
    assert!(steps.iter().any(|step| step == "put the store aside: "), "it died at {steps:?}");
}

#[test]
fn a_backup_killed_at_any_step_leaves_no_incomplete_file() {
    let Some(with_faults) = with_faults() else { return };
    let folder = tempfile::tempdir().unwrap();
    outbox(folder.path());
    let mut steps = Vec::new();
    for fault in 1..MAX_STEPS {
        let Some(step) = dies_at(&with_faults, folder.path(), fault, &["store", "backup", "tuesday.db"]) else { break };
        assert!(!folder.path().join("tuesday.db").exists(), "at `{step}`");
        steps.push(step);
    }
    assert!(steps.iter().any(|step| step.starts_with("back the store up")), "it died at {steps:?}");
    assert!(folder.path().join("tuesday.db").exists());
}

/// More steps than either takes.
const MAX_STEPS: usize = 200;

/// A project with an outbox: two readers have one issue, a backup was made, and another issue is due. The outbox was
/// emptied and its mail sent.
fn outbox(folder: &Path) {
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let issue = |title: &str| format!("---\ntitle: {title}\ndate: 2026-11-20T11:00:00Z\n---\n\nThe sea.\n");
    write("slugline.yaml", "title: T\nbase_url: https://tides.example.org\nmail: {from: n@example.org}\n");
    write("content/neap.md", &issue("Neap"));
    write("readers.csv", "email\na@example.org\nb@example.org\n");
    for arguments in [&["subscribers", "import", "readers.csv"][..], &["send"], &["store", "backup", "monday.db"]] {
        let output = slugline(folder).args(["--now", NOON]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
    fs::remove_dir_all(folder.join("outbox")).unwrap();
    write("content/surge.md", &issue("Surge"));
}

/// Runs a command that dies at this step; returns the name of the step, or `None` if the command completed.
fn dies_at(with_faults: &Path, folder: &Path, fault: usize, arguments: &[&str]) -> Option<String> {
    let step = folder.join("step");
    let mut dying = command(with_faults, folder);
    dying.args(["--now", LATER]).args(arguments);
    dying.env("SLUGLINE_FAULT", fault.to_string()).env("SLUGLINE_FAULT_STEP", &step);
    let output = dying.output().unwrap();
    if output.status.code().is_some() {
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", said(&output));
        return None;
    }
    Some(fs::read_to_string(step).unwrap())
}
