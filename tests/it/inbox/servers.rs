//! A real Postfix returns what bounced: to the program it calls, into a Maildir, and there to a real IMAP server.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::inbox::Tides;
use crate::program::repository;
use crate::skipped::skip;

/// How long a bounce may take.
const TIMEOUT: Duration = Duration::from_secs(120);

const READERS: [&str; 2] = ["maren@gone.example.org", "inbox.lin@example.org"];

/// The Postfix that `tests/run` started.
struct Postfix {
    address: String,
    folder: PathBuf,
}

impl Postfix {
    fn from_environment() -> Option<Self> {
        let Ok(address) = env::var("SLUGLINE_TEST_POSTFIX") else {
            skip("there is no Postfix; `tests/run`, as root, starts one");
            return None;
        };
        Some(Self { address, folder: env::var("SLUGLINE_TEST_POSTFIX_DIR").unwrap().into() })
    }

    /// A newsletter that mails over it, and whose bounces come to this address.
    fn newsletter(&self, bounces: &str) -> Tides {
        let via = format!("via: smtp+starttls://{}\n  user: weekly@localhost\n  tls_ca_file: cert.pem", self.address);
        let tides = Tides::new(&format!("{via}\n  password_file: password"), &READERS);
        for file in ["cert.pem", "password"] {
            fs::copy(self.folder.join(file), tides.path().join(file)).unwrap();
        }
        let file = fs::read_to_string(tides.path().join("slugline.yaml")).unwrap();
        tides.write("slugline.yaml", &file.replace("bounces+{token}@", bounces));
        tides
    }
}

/// Calls `is_there` until it returns true.
fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !is_there() {
        assert!(Instant::now() < deadline, "{what} does not come");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Maren's address bounced: ledger and person say so, and the next issue leaves it out.
fn has_bounced(tides: &Tides) {
    let pair = |status: &str, state: &str| (status.to_owned(), state.to_owned());
    assert_eq!(tides.standing(READERS[0]), pair("suppressed", "bounced"));
    assert_eq!(tides.standing(READERS[1]), pair("active", "sent"));
    let status = tides.document(&["status"]);
    assert_eq!(status["mailings"][0]["counts"]["bounced"], 1, "{status}");
    tides.write("content/spring.md", "---\ntitle: Spring\ndate: 2026-11-20T11:30:00Z\n---\n\nThe sea rises.\n");
    let sent = tides.document(&["send", "spring"]);
    let status = tides.document(&["status", "spring", "--recipients"]);
    let to: Vec<&str> = status["mailings"][0]["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|delivery| delivery["address"].as_str().unwrap())
        .collect();
    assert_eq!(to, [READERS[1]], "{sent}");
}

#[test]
fn postfix_calls_the_program_with_what_bounced() {
    let Some(postfix) = Postfix::from_environment() else { return };
    let tides = postfix.newsletter("bounces+{token}@");
    // It calls as `nobody`, who must reach program and project.
    let program = postfix.folder.join("slugline");
    fs::copy(env!("CARGO_BIN_EXE_slugline"), &program).unwrap();
    let receive = postfix.folder.join("receive");
    let (program, project) = (program.display(), tides.path().display());
    let script = format!("#!/bin/sh\nexec {program} --dir {project} --now 2026-11-20T12:00:00Z inbox -\n");
    fs::write(&receive, script).unwrap();
    fs::set_permissions(&receive, fs::Permissions::from_mode(0o755)).unwrap();
    tides.succeeds(&["send", "neap", "--first"]);
    give_to_nobody(tides.path());
    // A bounce that was faster could not be recorded, and waits: the exit code was 75.
    wait_for("the bounce", || {
        let queue = Command::new("/usr/sbin/postqueue").arg("-c").arg(postfix.folder.join("etc")).arg("-f").status();
        queue.unwrap().success() && tides.standing(READERS[0]).1 == "bounced"
    });
    has_bounced(&tides);
}

/// Everything in a folder belongs to `nobody`.
fn give_to_nobody(folder: &Path) {
    let status = Command::new("chown").arg("-R").arg("nobody").arg(folder).status().unwrap();
    assert!(status.success());
}

#[test]
fn what_bounced_is_read_from_a_maildir_and_over_imap() {
    let Some(postfix) = Postfix::from_environment() else { return };
    let reports = postfix.folder.join("mail/reports");
    let is_there = || fs::read_dir(reports.join("new")).is_ok_and(|entries| entries.count() > 0);

    let tides = postfix.newsletter("bounces.maildir+{token}@");
    tides.succeeds(&["send", "neap", "--first"]);
    wait_for("the bounce", is_there);
    let path = reports.to_str().unwrap();
    assert_eq!(tides.succeeds(&["inbox", path]), "Read 1 message: 1 bounce.\n");
    has_bounced(&tides);
    assert_eq!(tides.succeeds(&["inbox", path]), "Read 0 messages.\n");

    let tides = postfix.newsletter("bounces.maildir+{token}@");
    let Some(dovecot) = Dovecot::start(&reports) else { return };
    fs::copy(dovecot.folder.path().join("cert.pem"), tides.path().join("imap.pem")).unwrap();
    let file = fs::read_to_string(tides.path().join("slugline.yaml")).unwrap();
    let (port, password) = (&dovecot.port, dovecot.folder.path().join("password"));
    let account = format!(
        "  imap: imaps://localhost:{port}\n  user: reports\n  tls_ca_file: imap.pem\n  password_file: {}\n",
        password.display()
    );
    tides.write("slugline.yaml", &format!("{file}{account}"));
    let message = "From: a@example.org\nTo: notes@tides.example.org\nSubject: hello\n\nHello.\n";
    fs::write(reports.join("new/0.letter"), message).unwrap();
    give_to_nobody(&reports);
    tides.succeeds(&["send", "neap", "--first"]);
    wait_for("the bounce", || fs::read_dir(reports.join("new")).is_ok_and(|entries| entries.count() > 1));
    assert_eq!(tides.succeeds(&["inbox"]), "Read 2 messages: 1 bounce; 1 left unread.\n");
    has_bounced(&tides);
    assert_eq!(tides.succeeds(&["inbox"]), "Read 1 message: 1 left unread.\n");

    tides.write("slugline.yaml", &format!("{file}{account}").replace("user: reports", "user: stranger"));
    let refused = tides.run(&["inbox"]);
    assert_eq!(refused.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(stderr.starts_with("error[imap-login]"), "{stderr}");
    assert!(!stderr.contains(fs::read_to_string(password).unwrap().trim()), "no password is shown");
    tides.write("slugline.yaml", &format!("{file}{account}").replace("  tls_ca_file: imap.pem\n", ""));
    let stranger = tides.run(&["inbox"]);
    assert_eq!(stranger.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&stranger.stderr).starts_with("error[imap-unreachable]"), "{stranger:?}");
}

/// A Dovecot of our own, stopped with this value.
struct Dovecot {
    folder: tempfile::TempDir,
    port: String,
}

impl Dovecot {
    /// Serves a Maildir; without Dovecot the test is skipped.
    fn start(maildir: &Path) -> Option<Self> {
        if !Path::new("/usr/sbin/dovecot").exists() {
            skip("there is no Dovecot; `tests/run`, as root, installs one");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("slugline-dovecot.").tempdir_in("/tmp").unwrap();
        let output = Self::script("start", &[folder.path(), maildir]);
        assert!(output.status.success(), "{output:?}");
        Some(Self { port: String::from_utf8(output.stdout).unwrap().trim().to_owned(), folder })
    }

    fn script(word: &str, folders: &[&Path]) -> std::process::Output {
        let mut command = Command::new(repository().join("tests/dovecot"));
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg(word).args(folders).output().unwrap()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        Self::script("stop", &[self.folder.path()]);
    }
}
