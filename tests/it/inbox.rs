//! Mail that comes in, as `inbox` finds it: in a Maildir, an mbox, on stdin, from a real Postfix and on a real IMAP server. All
//! messages are of our own making, but for what the servers write.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::slugline;

mod runs;
mod servers;
mod story;

/// An hour after the issue was published, and mailed.
const NOON: &str = "2026-11-20T12:00:00Z";

const PROJECT_FILE: &str = "\
title: Tide Notes
base_url: https://tides.example.org
secret_file: secret.txt
feeds: {formats: {json: feed.json}}
mail:
  from: Tide Notes <notes@tides.example.org>
  bounce_address: bounces+{token}@tides.example.org
  unsubscribe_mailto: leave+{token}@tides.example.org
  VIA
inbox:
  subscribe: subscribe@tides.example.org
  confirm: confirm+{token}@tides.example.org
";

/// A newsletter in a folder of its own.
struct Tides {
    folder: TempDir,
}

impl Tides {
    /// A newsletter with these readers; `via` are further lines below `mail`.
    fn new(via: &str, readers: &[&str]) -> Self {
        let tides = Self { folder: tempfile::tempdir().unwrap() };
        tides.write("slugline.yaml", &PROJECT_FILE.replace("VIA", via));
        tides.write("secret.txt", "0123456789abcdef0123456789abcdef");
        tides.write("content/neap.md", "---\ntitle: Neap\ndate: 2026-11-20T11:00:00Z\n---\n\nThe sea rests.\n");
        tides.write("readers.csv", &format!("email\n{}\n", readers.join("\n")));
        tides.succeeds(&["subscribers", "import", "readers.csv"]);
        tides
    }

    /// One whose issue was written into the outbox.
    fn mailed(readers: &[&str]) -> Self {
        let tides = Self::new("via: outbox", readers);
        tides.succeeds(&["send", "neap", "--first"]);
        tides
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = slugline(self.path());
        command.args(["--now", NOON]).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn document(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.run(&[&["--json"], arguments].concat()).stdout).unwrap()
    }

    /// Passes a message on stdin, as a mail server does; returns exit code and stdout.
    fn receives(&self, message: &str) -> (i32, String) {
        let mut command = self.command(&["inbox", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    /// Status of a subscriber, and the state of the delivery.
    fn standing(&self, reader: &str) -> (String, String) {
        let document = self.document(&["subscribers", "show", reader]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&document["status"]), text(&document["deliveries"][0]["state"]))
    }

    /// The newest message to a reader in a folder of the outbox.
    fn mail(&self, folder: &str, reader: &str) -> String {
        let mut files: Vec<PathBuf> = fs::read_dir(self.path().join("outbox").join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_str().unwrap().ends_with(&format!("{reader}.eml")))
            .collect();
        files.sort_by_key(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.split('-').next().unwrap().parse::<u64>().unwrap_or_default()
        });
        fs::read_to_string(files.last().unwrap()).unwrap()
    }

    /// A report that the issue to a reader did not arrive, as RFC 3464 has it, to the address `bounces`.
    fn bounce(&self, reader: &str, reply: &str) -> String {
        let returned = self.mail("neap", reader);
        let (header, _) = returned.split_once("\r\n\r\n").unwrap();
        bounce(reader, reply, &header.replace("\r\n", "\n"))
    }

    /// What a reader's message contains between two marks.
    fn token(&self, reader: &str) -> String {
        between(&self.mail("neap", reader), "mailto:leave+", "@")
    }
}

fn between(text: &str, before: &str, after: &str) -> String {
    let text = text.replace("=\r\n", "").replace("\r\n ", "");
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in {text}"));
    rest.split_once(after).unwrap().0.to_owned()
}

/// A report (RFC 3464) that the message with this header did not reach a reader.
pub fn bounce(reader: &str, reply: &str, returned: &str) -> String {
    let status = reply.split(' ').nth(1).unwrap();
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mail.example.org\nTo: bounces@tides.example.org\nSubject: Undelivered\n\
         Auto-Submitted: auto-replied\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nIt did not arrive.\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\n\n\
         Final-Recipient: rfc822; {reader}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {reply}\n\n\
         --b\nContent-Type: text/rfc822-headers\n\n{returned}\n\n--b--\n"
    )
}

/// A complaint (RFC 5965) with these returned fields.
pub fn complaint(returned: &str) -> String {
    format!(
        "From: feedback@example.com\nTo: abuse@tides.example.org\nSubject: complaint\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nA complaint.\n\n\
         --b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: Example/1.0\nVersion: 1\n\n\
         --b\nContent-Type: message/rfc822\n\n{returned}\n\nText\n\n--b--\n"
    )
}

/// A message of a person.
fn letter(from: &str, to: &str, subject: &str) -> String {
    format!("From: {from}\nTo: {to}\nSubject: {subject}\n\nHello.\n")
}

const READERS: [&str; 4] = ["maren@example.org", "lin@example.org", "ida@example.org", "joan@example.org"];

/// The names of files in a Maildir.
fn names(maildir: &Path) -> Vec<String> {
    let below = |place: &str| {
        let entries = fs::read_dir(maildir.join(place)).unwrap();
        entries
            .map(|entry| format!("{place}/{}", entry.unwrap().file_name().into_string().unwrap()))
            .collect::<Vec<_>>()
    };
    let mut names = [below("new"), below("cur")].concat();
    names.sort();
    names
}

/// A Maildir with a bounce, a complaint, a wish to leave, a letter and a forged bounce.
fn maildir(tides: &Tides) -> PathBuf {
    let [maren, lin, ida, joan] = READERS;
    let forged = bounce(joan, "550 5.1.1 No such user", "Message-ID: <made.up@tides.example.org>");
    let returned = format!("List-Unsubscribe: <mailto:leave+{}@tides.example.org>", tides.token(lin));
    for (name, message) in [
        ("1.bounce", tides.bounce(maren, "550 5.1.1 No such user")),
        ("2.complaint", complaint(&returned)),
        ("3.leave", letter(ida, &format!("leave+{}@tides.example.org", tides.token(ida)), "")),
        ("4.letter", letter(joan, "notes@tides.example.org", "I like it")),
        ("5.forged", forged),
    ] {
        tides.write(&format!("Maildir/new/{name}"), &message);
    }
    fs::create_dir_all(tides.path().join("Maildir/cur")).unwrap();
    tides.path().join("Maildir")
}

#[test]
fn a_maildir_is_handled_once_and_the_rest_stays_unread() {
    let tides = Tides::mailed(&READERS);
    let maildir = maildir(&tides);
    let output = tides.run(&["inbox", "Maildir"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Read 5 messages: 1 bounce, 1 complaint, 1 request to leave; 2 left unread.\nTransactional messages: 1 sent.\n"
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("Left unread: `Maildir/new/5.forged`, a bounce: it has no token of ours"), "{stderr}");
    let unread = ["new/4.letter", "new/5.forged"];
    let read = ["cur/1.bounce:2,S", "cur/2.complaint:2,S", "cur/3.leave:2,S"];
    assert_eq!(names(&maildir), [&read[..], &unread].concat());
    let standing = |reader: &str| tides.standing(reader);
    let pair = |status: &str, state: &str| (status.to_owned(), state.to_owned());
    assert_eq!(standing(READERS[0]), pair("suppressed", "bounced"));
    assert_eq!(standing(READERS[1]), pair("complained", "sent"));
    assert_eq!(standing(READERS[2]), pair("unsubscribed", "sent"));
    assert_eq!(standing(READERS[3]), pair("active", "sent"));
    assert_eq!(tides.succeeds(&["inbox", "Maildir"]), "Read 2 messages: 2 left unread.\n");
    assert_eq!(names(&maildir), [&read[..], &unread].concat());
    tides.write("content/spring.md", "---\ntitle: Spring\ndate: 2026-11-20T11:30:00Z\n---\n\nThe sea rises.\n");
    tides.succeeds(&["send", "spring"]);
    assert_eq!(fs::read_dir(tides.path().join("outbox/spring")).unwrap().count(), 1, "only Joan gets the next issue");
}

#[test]
fn a_dry_run_lists_every_message_and_changes_nothing() {
    let tides = Tides::mailed(&READERS);
    let maildir = maildir(&tides);
    let before = (names(&maildir), fs::read(tides.path().join("slugline.db")).unwrap());
    let rows = tides.document(&["inbox", "--dry-run", "Maildir"]);
    let kinds: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["bounce", "complaint", "leave", "other", "bounce"]);
    assert_eq!(
        rows[0],
        serde_json::json!({
            "file": "Maildir/new/1.bounce",
            "kind": "bounce",
            "recipients": [{
                "address": "maren@example.org", "action": "failed", "status": "5.1.1", "class": "bad-address",
            }],
        })
    );
    assert_eq!((names(&maildir), fs::read(tides.path().join("slugline.db")).unwrap()), before);
    let text = tides.succeeds(&["inbox", "--dry-run", "Maildir"]);
    assert!(
        text.starts_with("Maildir/new/1.bounce: bounce\n  m...@example.org  failed  5.1.1  bad-address\n"),
        "{text}"
    );
    assert!(!text.contains("maren@"), "addresses are masked");
}

#[test]
fn an_mbox_is_only_read_and_its_messages_are_handled_once() {
    let tides = Tides::mailed(&READERS);
    let envelope = "From MAILER-DAEMON Fri Nov 20 11:30:00 2026\n";
    let bounces: String =
        READERS.map(|reader| format!("{envelope}{}\n", tides.bounce(reader, "552 5.2.2 Full"))).concat();
    tides.write("box", &bounces);
    assert_eq!(tides.succeeds(&["inbox", "box"]), "Read 4 messages: 4 bounces.\n");
    assert_eq!(tides.standing(READERS[0]), ("active".to_owned(), "bounced".to_owned()));
    assert_eq!(tides.succeeds(&["inbox", "box"]), "Read 4 messages: 4 change nothing.\n");
    assert_eq!(fs::read_to_string(tides.path().join("box")).unwrap(), bounces);
}

#[test]
fn a_mail_server_that_calls_is_told_whether_to_try_again() {
    let tides = Tides::mailed(&READERS);
    let leave = letter(READERS[0], &format!("leave+{}@tides.example.org", tides.token(READERS[0])), "");
    assert_eq!(tides.receives("\0\u{1}not a message").0, 0, "an unknown message is not a failure");
    let file = fs::read_to_string(tides.path().join("slugline.yaml")).unwrap();
    for broken in ["title: [", &format!("{file}store: postgres://nobody@127.0.0.1:1/tides\n")] {
        tides.write("slugline.yaml", broken);
        assert_eq!(tides.receives(&leave).0, 75, "{broken}");
    }
    tides.write("slugline.yaml", &file);
    assert_eq!(tides.standing(READERS[0]).0, "active");
    assert_eq!(tides.receives(&format!("From maren Fri Nov 20 11:30:00 2026\n{leave}")).0, 0);
    assert_eq!(tides.standing(READERS[0]).0, "unsubscribed");
    // Of a store that was moved nothing is changed any more.
    let leave = letter(READERS[1], &format!("leave+{}@tides.example.org", tides.token(READERS[1])), "");
    tides.succeeds(&["store", "copy", "sqlite:moved.db"]);
    assert_eq!(tides.receives(&leave).0, 75);
    tides.write("slugline.yaml", &format!("{file}store: sqlite:moved.db\n"));
    assert_eq!(tides.receives(&leave).0, 0);
    assert_eq!(tides.standing(READERS[1]).0, "unsubscribed");
}
