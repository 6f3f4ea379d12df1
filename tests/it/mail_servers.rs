//! Sends to real mail servers, each of which accepts and refuses mail in its own way: the ledger must match what arrived,
//! and no subscriber may be suppressed for a fault of ours or the server's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use server::{Mail, Server};

use crate::program::slugline;

mod server;

const CONNECTIONS: usize = 4;

/// When the issue is mailed.
const NOON: &str = "2026-11-20T12:00:00Z";

/// When deferred recipients may be tried again.
const EVENING: &str = "2026-11-20T20:00:00Z";

/// A text of this many kB makes a message of 60 kB: it is sent twice, as text and as HTML.
const LONG: usize = 25;

#[test]
fn three_hundred_long_mails_arrive_whole_and_once() {
    for name in Server::all() {
        let server = Server::start(&name, "plain");
        let newsletter = Newsletter::new(&server, LONG, &readers(300));
        let begun = Instant::now();
        let sent = newsletter.send(NOON);
        println!("{name}: 300 mails in {:.1} s", begun.elapsed().as_secs_f64());
        assert_eq!(sent.status.code(), Some(0), "{name}: {sent:?}");
        let mails = newsletter.is_accounted_for(&server);
        assert_eq!(mails.len(), 300, "{name}");
        let texts: BTreeSet<&Vec<String>> = mails.iter().map(|mail| &mail.parts).collect();
        assert_eq!(texts.len(), 1, "{name}: everybody has the same text");
        for part in &mails[0].parts[1..] {
            let numbers: Vec<&str> = part.split("Wave ").skip(1).map(|rest| &rest[..4]).collect();
            let all: Vec<String> = (0..LONG * 1000 / WAVE).map(|number| format!("{number:04}")).collect();
            assert_eq!(numbers, all, "{name}: a part is not whole");
        }
    }
}

#[test]
fn only_recipients_unknown_to_the_server_fail() {
    for name in Server::all() {
        let server = Server::start(&name, "plain");
        let ghosts: Vec<String> = (0..12).map(|number| format!("ghost{number}@{}", DOMAINS[number % 2])).collect();
        let all: Vec<String> = readers(48).into_iter().chain(ghosts.clone()).collect();
        let newsletter = Newsletter::new(&server, 1, &mixed(all));
        let sent = newsletter.send(NOON);
        assert_eq!(sent.status.code(), Some(1), "{name}: {sent:?}");
        let mails = newsletter.is_accounted_for(&server);
        assert_eq!(mails.len(), 48, "{name}");
        let ghosts: BTreeSet<String> = ghosts.into_iter().collect();
        let (failed, deferred) = (newsletter.in_state("failed"), newsletter.in_state("deferred"));
        // chasquid replies 421 and hangs up in place of the third refusal on a connection.
        assert!(deferred.is_empty() || name == "chasquid", "{name}: {deferred:?} are put off: {sent:?}");
        assert_eq!(&failed | &deferred, ghosts, "{name}: {sent:?}");
        assert_eq!(newsletter.suppressed(), failed, "{name}: {sent:?}");
    }
}

#[test]
fn a_server_that_does_not_relay_suppresses_no_one() {
    for name in Server::all() {
        let server = Server::start(&name, "plain");
        let all: Vec<String> = (0..40).map(|number| format!("reader{number}@{}.example", number % 8)).collect();
        let newsletter = Newsletter::new(&server, 1, &all);
        let sent = newsletter.send(NOON);
        assert_eq!(sent.status.code(), Some(2), "{name}: {sent:?}");
        let said = String::from_utf8_lossy(&sent.stderr);
        assert!(said.contains(&format!("`127.0.0.1:{}`", server.port)), "{name}: {said}");
        assert_eq!(newsletter.in_state("queued").len(), 40, "{name}: {said}");
        assert_eq!(newsletter.suppressed(), BTreeSet::new(), "{name}: {said}");
        assert_eq!(newsletter.is_accounted_for(&server), [], "{name}");
    }
}

#[test]
fn a_deferred_recipient_is_mailed_by_a_later_run() {
    for name in Server::all() {
        let server = Server::start(&name, "grey");
        let grey: Vec<String> = (0..10).map(|number| format!("grey{number}@{}", DOMAINS[number % 2])).collect();
        let all: Vec<String> = readers(30).into_iter().chain(grey.clone()).collect();
        let newsletter = Newsletter::new(&server, 1, &mixed(all));
        let first = newsletter.send(NOON);
        assert_eq!(first.status.code(), Some(0), "{name}: {first:?}");
        let grey: BTreeSet<String> = grey.into_iter().collect();
        assert_eq!(newsletter.in_state("deferred"), grey, "{name}: {first:?}");
        assert_eq!(newsletter.is_accounted_for(&server).len(), 30, "{name}");
        server.stop();
        server.start_again("plain");
        let second = newsletter.send(EVENING);
        assert_eq!(second.status.code(), Some(0), "{name}: {second:?}");
        assert_eq!(newsletter.is_accounted_for(&server).len(), 40, "{name}");
    }
}

#[test]
fn a_message_that_is_too_large_stops_the_run_and_suppresses_no_one() {
    for name in Server::all() {
        let server = Server::start(&name, "small");
        // chasquid counts in MB.
        let newsletter = Newsletter::new(&server, if name == "chasquid" { 600 } else { LONG }, &readers(20));
        let sent = newsletter.send(NOON);
        assert_eq!(sent.status.code(), Some(2), "{name}: {sent:?}");
        let said = String::from_utf8_lossy(&sent.stderr);
        assert!(said.contains("error[smtp-message]"), "{name}: {said}");
        assert_eq!(newsletter.in_state("queued").len(), 20, "{name}: {said}");
        assert_eq!(newsletter.suppressed(), BTreeSet::new(), "{name}");
        assert_eq!(newsletter.is_accounted_for(&server), [], "{name}");
    }
}

#[test]
fn a_server_that_accepts_fewer_connections_gets_fewer() {
    for name in Server::all() {
        let server = Server::start(&name, "few");
        let newsletter = Newsletter::new(&server, 1, &readers(60));
        let sent = newsletter.send(NOON);
        assert_eq!(sent.status.code(), Some(0), "{name}: {sent:?}");
        assert_eq!(newsletter.is_accounted_for(&server).len(), 60, "{name}");
    }
}

#[test]
fn a_restarted_server_skips_no_one_and_repeats_nothing() {
    for name in Server::all() {
        let server = Server::start(&name, "plain");
        let newsletter = Newsletter::new(&server, LONG, &readers(300));
        let run = newsletter.command(&["send"], NOON).stdout(Stdio::null()).spawn().unwrap();
        server.mails(20);
        server.stop();
        server.start_again("plain");
        let first = run.wait_with_output().unwrap();
        assert!(matches!(first.status.code(), Some(0..=2)), "{name}: {first:?}");
        let second = newsletter.send(EVENING);
        assert!(matches!(second.status.code(), Some(0 | 1)), "{name}: {second:?}");
        newsletter.is_accounted_for(&server);
        let unknown = newsletter.in_state("unknown").len();
        assert!(unknown <= CONNECTIONS, "{name}: {unknown} are unknown");
        assert_eq!(newsletter.in_state("sent").len() + unknown, 300, "{name}");
        assert_eq!(newsletter.suppressed(), BTreeSet::new(), "{name}");
    }
}

const DOMAINS: [&str; 2] = ["example.org", "example.net"];

/// Readers that every server knows.
fn readers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("reader{number}@{}", DOMAINS[number % 2])).collect()
}

/// In an order unrelated to which of them are known.
fn mixed(mut addresses: Vec<String>) -> Vec<String> {
    let middle = addresses.len() / 2;
    let step = addresses.split_off(middle);
    addresses.into_iter().zip(step.into_iter().rev()).flat_map(|(one, other)| [one, other]).collect()
}

/// A newsletter sent through one of these servers.
struct Newsletter {
    folder: tempfile::TempDir,
}

/// Letters per paragraph of the issue.
const WAVE: usize = 100;

impl Newsletter {
    /// With a due issue of this many kB, for these readers.
    fn new(server: &Server, kilobytes: usize, readers: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("readers.csv", &format!("email\n{}\n", readers.join("\n")));
        write("templates/edition.html", "<p>{{ issue.title }}</p>\n{{ body }}");
        write("templates/edition.txt", "{{ body }}");
        let waves: String = (0..kilobytes * 1000 / WAVE)
            .map(|number| format!("Wave {number:04}{}\n\n", " rolls on and on".repeat(6)))
            .collect();
        write("content/surge.md", &format!("---\ntitle: Surge\ndate: 2026-11-20T11:00:00Z\n---\n\n{waves}"));
        write(
            "slugline.yaml",
            &(format!(
                "title: Tide Notes\nbase_url: https://tides.example.org\ncheck: {{off: [mail-unsubscribe]}}\nmail:\n  \
                 from: notes@tides.example.org\n  connections: {CONNECTIONS}\n  due_for: 2d\n  \
                 unsubscribe_mailto: leave@tides.example.org\n  via: smtp://127.0.0.1:{}\n",
                server.port
            ) + if server.name == "dovecot" { "  user: weekly\n" } else { "" }),
        );
        let newsletter = Self { folder };
        let imported = newsletter.command(&["subscribers", "import", "readers.csv"], NOON).output().unwrap();
        assert!(imported.status.success(), "{imported:?}");
        newsletter
    }

    fn command(&self, arguments: &[&str], now: &str) -> Command {
        let mut command = slugline(self.folder.path());
        command.args(["--now", now, "--quiet"]).args(arguments).stderr(Stdio::piped());
        command.env("SLUGLINE_SMTP_PASSWORD", "any");
        command
    }

    fn send(&self, now: &str) -> Output {
        self.command(&["send"], now).output().unwrap()
    }

    /// What arrived: each reader that has it according to the ledger once, of the others only unknown ones, and none twice.
    fn is_accounted_for(&self, server: &Server) -> Vec<Mail> {
        let (sent, unknown) = (self.in_state("sent"), self.in_state("unknown"));
        let mails = server.mails(sent.len());
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        mails.iter().for_each(|mail| *times.entry(&mail.to).or_default() += 1);
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "{}: {twice:?} have it twice", server.name);
        let arrived: BTreeSet<String> = times.keys().map(|to| (*to).to_owned()).collect();
        let missing: Vec<_> = sent.difference(&arrived).collect();
        assert!(missing.is_empty(), "{}: {missing:?} do not have it", server.name);
        let unnoticed: Vec<_> = arrived.difference(&sent).filter(|to| !unknown.contains(*to)).collect();
        assert!(unnoticed.is_empty(), "{}: {unnoticed:?} have it, and the ledger does not know", server.name);
        mails
    }

    /// The recipients in a state, according to the ledger.
    fn in_state(&self, state: &str) -> BTreeSet<String> {
        let output = self.command(&["status", "surge", "--json", "--state", state], NOON).output().unwrap();
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let deliveries = status["mailings"][0]["deliveries"].as_array().cloned().unwrap_or_default();
        deliveries.iter().map(|delivery| delivery["address"].as_str().unwrap().to_owned()).collect()
    }

    /// The readers that were suppressed.
    fn suppressed(&self) -> BTreeSet<String> {
        let output = self.command(&["subscribers", "list", "--status", "suppressed", "--json"], NOON).output().unwrap();
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        list["subscribers"].as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap().to_owned()).collect()
    }
}
