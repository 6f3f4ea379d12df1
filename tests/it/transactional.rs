//! Transactional messages as the program sends them: with any command, beside a mailing, and after it was killed at every
//! step. They are queued in the store as `serve` does it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use slugline::parts::{EmailAddress, MessageKind, NewSubscriber, Postgres, Sqlite, State, Store};

use crate::database::Database;
use crate::newsletter::{NOON, Newsletter, READERS};
use crate::program::with_faults;
use crate::smtp_peer::{Answer, Peer, Script};

/// More steps than sending a few messages takes.
const MAX_STEPS: usize = 400;

const SIGKILL: i32 = 9;

/// The readers whose messages are queued in one round of a test that kills.
const ROUND: usize = 3;

/// Calls `act` with the store of a newsletter.
fn with_store<T>(newsletter: &Newsletter, url: &str, act: impl FnOnce(&mut dyn Store) -> T) -> T {
    match url.strip_prefix("sqlite:") {
        Some(file) => act(&mut Sqlite::open(&newsletter.folder().join(file)).unwrap()),
        None => {
            let password = Database::password().into_iter().next().map(|(_, password)| password.into());
            act(&mut Postgres::open(url, password.as_ref(), |file| Ok(fs::read(Path::new(file))?)).unwrap())
        }
    }
}

/// Queues the links of subscribers, who are added.
fn queue(newsletter: &Newsletter, url: &str, readers: &[String]) {
    with_store(newsletter, url, |store| {
        for reader in readers {
            let (address, now): (EmailAddress, _) = (reader.parse().unwrap(), NOON.parse().unwrap());
            store.add_subscribers(&mut [NewSubscriber::new(address.clone(), "")].into_iter(), now).unwrap();
            store.queue_message(MessageKind::Links, &address, "en", now).unwrap();
        }
    });
}

/// The state of the only message to each reader.
fn states(newsletter: &Newsletter, url: &str, readers: &[String]) -> BTreeMap<String, State> {
    with_store(newsletter, url, |store| {
        let state = |reader: &String| {
            let person = store.personal_data(&reader.parse().unwrap()).unwrap().unwrap();
            assert_eq!(person.messages.len(), 1, "{reader}");
            (reader.clone(), person.messages[0].state)
        };
        readers.iter().map(state).collect()
    })
}

fn run(newsletter: &Newsletter, arguments: &[&str]) -> Output {
    let mut command = crate::program::slugline(newsletter.folder());
    command.args(["--now", NOON]).args(arguments).envs(Database::password()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Calls `act` with the URL of a store in a file and, where there is a server, of one in PostgreSQL.
fn in_both_stores(name: &str, act: impl Fn(&str)) {
    act("sqlite:slugline.db");
    if let Some(database) = Database::new(name) {
        act(database.url());
    }
}

#[test]
fn any_command_that_mails_takes_them_along_and_is_silent_without() {
    in_both_stores("transactional", |url| {
        let peer = Peer::start(vec![Script::new()]);
        let folder = tempfile::tempdir().unwrap();
        let newsletter = Newsletter::with_readers(1, folder.path(), peer.port(), url).serving();
        newsletter.write_issue_with("neap", "draft: true");
        assert_eq!(run(&newsletter, &["publish"]).status.code(), Some(0));
        for command in ["send", "publish"] {
            let output = run(&newsletter, &["--quiet", command]);
            assert_eq!((output.status.code(), text(&output.stdout), text(&output.stderr)), (Some(0), "", ""));
            let reader = format!("{command}@example.com");
            queue(&newsletter, url, std::slice::from_ref(&reader));
            let status = run(&newsletter, &["status"]);
            assert!(text(&status.stderr).starts_with("Transactional messages: 1 waiting.\n"), "{status:?}");
            // Nothing was ever sent from this store, which holds back mailings and not them.
            let output = run(&newsletter, &["--quiet", command]);
            let told = (output.status.code(), text(&output.stdout), text(&output.stderr));
            assert_eq!(told, (Some(0), "Transactional messages: 1 sent.\n", ""));
            queue(&newsletter, url, &[format!("json.{reader}")]);
            let output = run(&newsletter, &["--json", command]);
            let document: Value = serde_json::from_slice(&output.stdout).unwrap();
            let row = json!({"sent": 1, "deferred": 0, "failed": 0, "unknown": 0, "waiting": 0, "failures": []});
            assert_eq!(document["transactional"], row, "{document}");
        }
        let recipients =
            ["json.publish@example.com", "json.send@example.com", "publish@example.com", "send@example.com"];
        assert_eq!(peer.recipients(), recipients);
        let status: Value = serde_json::from_slice(&run(&newsletter, &["--json", "status"]).stdout).unwrap();
        assert_eq!(status["transactional"]["counts"]["sent"], 4, "{status}");
    });
}

#[test]
fn what_no_server_takes_is_reported_and_waits() {
    let folder = tempfile::tempdir().unwrap();
    let url = "sqlite:slugline.db";
    let newsletter = Newsletter::with_readers(1, folder.path(), Peer::closed_port(), url).serving();
    newsletter.write_issue_with("neap", "draft: true");
    queue(&newsletter, url, &["lin@example.com".to_owned()]);
    let output = run(&newsletter, &["--json", "send"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{document}");
    assert_eq!(document["transactional"]["waiting"], 1);
    assert_eq!(document["findings"][0]["rule"], "smtp-unreachable");
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("1 transactional message waits: the mail server `127.0.0.1:"), "{message}");
}

/// The mailing can go on only once the message has arrived, which must not wait for the mailing.
#[test]
fn a_message_does_not_wait_for_a_mailing() {
    in_both_stores("transactional_first", |url| {
        let script = Script::new().always("RCPT TO:<reader", Answer::Say("250 2.1.5 Ok"));
        let peer = Peer::start(vec![script.holding("RCPT TO:<reader", |tally| tally.taken >= 1)]);
        let folder = tempfile::tempdir().unwrap();
        let newsletter = Newsletter::new(folder.path(), peer.port(), url).serving();
        newsletter.write_issue("neap");
        queue(&newsletter, url, &["lin@example.com".to_owned()]);
        let output = run(&newsletter, &["send", "neap", "--first"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(text(&output.stdout).ends_with("\nTransactional messages: 1 sent.\n"), "{output:?}");
        assert_eq!((peer.count(), peer.taken()[0].to.as_str()), (READERS + 2, "lin@example.com"));
    });
}

/// The message can arrive only once the mailing is done, which must not wait for the message.
#[test]
fn a_mailing_does_not_wait_for_a_message() {
    in_both_stores("transactional_last", |url| {
        let script = Script::new().always("RCPT TO:<lin", Answer::Say("250 2.1.5 Ok"));
        let peer = Peer::start(vec![script.holding("RCPT TO:<lin", |tally| tally.taken >= READERS)]);
        let folder = tempfile::tempdir().unwrap();
        let newsletter = Newsletter::new(folder.path(), peer.port(), url).serving();
        newsletter.write_issue("neap");
        with_store(&newsletter, url, |store| {
            let (address, now) = ("lin@example.com".parse().unwrap(), NOON.parse().unwrap());
            store.add_subscribers(&mut [left(&address)].into_iter(), now).unwrap();
            store.queue_message(MessageKind::Goodbye, &address, "en", now).unwrap();
        });
        let output = run(&newsletter, &["send", "neap", "--first"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!((peer.count(), peer.taken()[READERS].to.as_str()), (READERS + 1, "lin@example.com"));
    });
}

fn left(address: &EmailAddress) -> NewSubscriber {
    NewSubscriber { status: slugline::parts::Status::Unsubscribed, ..NewSubscriber::new(address.clone(), "") }
}

#[test]
fn a_command_killed_at_any_step_loses_no_message_and_repeats_none() {
    let some = ["message: not written", "message: written", "waiting for the reply to the message: answered"];
    in_both_stores("transactional_faults", |url| dies_at_every_step(url, &some));
}

/// Sends the messages of other readers in each round, first by a program that dies at step 1, 2, 3 and so on, then by one that
/// does not. The order of the steps is always the same: one thread sends.
fn dies_at_every_step(url: &str, some: &[&str]) {
    let Some(with_faults) = with_faults() else { return };
    let script = Script::new().offering("PIPELINING").numbering();
    let peer = Peer::start(vec![script.always("RCPT TO:<c", Answer::Say("550 5.1.1 Nobody"))]);
    let folder = tempfile::tempdir().unwrap();
    let newsletter = Newsletter::with_readers(1, folder.path(), peer.port(), url).serving();
    newsletter.write_issue_with("neap", "draft: true");
    let mut steps = BTreeSet::new();
    for fault in 1..=MAX_STEPS {
        let readers: Vec<String> = (0..ROUND).map(|at| format!("{}{fault}@example.org", ["a", "b", "c"][at])).collect();
        queue(&newsletter, url, &readers);
        let step = newsletter.folder().join("step");
        let _ = fs::remove_file(&step);
        let status = dying(&with_faults, &newsletter, fault, &step).status().unwrap();
        let died = status.signal() == Some(SIGKILL);
        let step = fs::read_to_string(step).unwrap_or_default();
        assert!(died || status.code() == Some(0), "{status}");
        let output = run(&newsletter, &["send"]);
        assert_eq!(output.status.code(), Some(0), "after a death at `{step}`: {output:?}");
        peer.settle();
        are_accounted_for(&newsletter, url, &peer, &readers, &step);
        if !died {
            let missing: Vec<_> =
                some.iter().filter(|step| !steps.iter().any(|it: &String| it.starts_with(**step))).collect();
            assert!(missing.is_empty(), "it takes no step {missing:?}, but {steps:#?}");
            println!("killed {} times", fault - 1);
            return;
        }
        steps.insert(step);
    }
    panic!("it took more than {MAX_STEPS} steps");
}

fn dying(with_faults: &Path, newsletter: &Newsletter, fault: usize, step: &Path) -> Command {
    let mut command = crate::program::command(with_faults, newsletter.folder());
    command.args(["--now", NOON, "--quiet", "send"]).envs(Database::password());
    command.env("SLUGLINE_FAULT", fault.to_string()).env("SLUGLINE_FAULT_STEP", step);
    command
}

/// Each reader has the message once, unless it is unknown, of which there is one at most, or the server does not want it.
fn are_accounted_for(newsletter: &Newsletter, url: &str, peer: &Peer, readers: &[String], step: &str) {
    let mut unknown = 0;
    for (reader, state) in states(newsletter, url, readers) {
        let taken = peer.taken().iter().filter(|taken| taken.to == reader).count();
        let what = format!("{reader} after a death at `{step}`");
        match state {
            State::Sent => assert_eq!(taken, 1, "{what}"),
            State::Failed => assert!(taken == 0 && reader.starts_with('c'), "{what}"),
            State::Unknown => {
                assert!(taken <= 1, "{what}");
                unknown += 1;
            }
            other => panic!("{what} is {other}"),
        }
    }
    assert!(unknown <= 1, "{unknown} unknown after a death at `{step}`");
}
