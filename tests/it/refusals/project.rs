//! A project with three readers and a scripted mail server, and what a person at its terminal sees.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use snapbox::data::Inline;
use snapbox::{assert_data_eq, str};

use super::{NOON, TIMEOUT};
use crate::database::Database;
use crate::program::slugline;
use crate::smtp_peer::Peer;

/// A project with one due issue and three subscribers, mailed over one connection to a peer.
pub struct Project {
    folder: tempfile::TempDir,
    port: u16,
}

impl Project {
    pub fn new(peer: &Peer, mail: &str) -> Self {
        Self::with_readers(&three(), peer, 1, "sqlite:slugline.db", mail)
    }

    /// The same with these subscribers, this many connections and this store.
    pub fn with_readers(readers: &[String], peer: &Peer, connections: usize, store: &str, mail: &str) -> Self {
        let project = Self::bare(readers, peer, connections, store, mail);
        let imported = project.run(NOON, &["subscribers", "import", "readers.csv"]);
        assert!(imported.status.success(), "{}", said(&imported));
        project
    }

    /// Like `new`, with no subscribers.
    pub fn without_store(peer: &Peer, mail: &str) -> Self {
        Self::bare(&three(), peer, 1, "sqlite:slugline.db", mail)
    }

    fn bare(readers: &[String], peer: &Peer, connections: usize, store: &str, mail: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), peer.port());
        let project = Self { folder, port };
        project.write("content/neap.md", "---\ntitle: Neap tide\ndate: 2026-11-20T11:00:00Z\n---\n\nThe sea rests.\n");
        project.write("readers.csv", &format!("email\n{}\n", readers.join("\n")));
        project.write(
            "slugline.yaml",
            &format!(
                "title: Tide Notes\nbase_url: https://tides.example.org\nfeeds: {{formats: {{json: feed.json}}}}\n\
                 store: {store}\nmail:\n  from: notes@tides.example.org\n  subscribers: readers.csv\n  \
                 unsubscribe: none\n  connections: {connections}\n{mail}  via: smtp://127.0.0.1:{port}\n"
            ),
        );
        project
    }

    pub fn command(&self, now: &str, arguments: &[&str]) -> Command {
        let mut command = slugline(self.folder.path());
        command.args(["--now", now]).args(arguments).env("SLUGLINE_SMTP_PASSWORD", "open sesame");
        command.envs(Database::password());
        command
    }

    pub fn run(&self, now: &str, arguments: &[&str]) -> Output {
        let output = self.command(now, arguments).output().unwrap();
        assert!(!said(&output).contains("sesame"), "the password is shown: {output:?}");
        output
    }

    /// The output at the terminal, with the port replaced by PORT, and another run's process and host by RUN.
    #[track_caller]
    pub fn shows(&self, output: &Output, expected: Inline) {
        let text = said(output).replace(&self.port.to_string(), "PORT");
        let (before, run) = text.split_once("process ").unwrap_or((&text, ""));
        let text = match run.split_once(" on `").and_then(|(_, host)| host.split_once('`')) {
            Some((_, after)) => format!("{before}RUN{after}"),
            None => text,
        };
        assert_data_eq!(text, expected);
    }

    /// A run without problems.
    #[track_caller]
    pub fn sends_to_all_three(&self) {
        let expected = str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   3         3     0        0       0

"#]];
        self.shows(&self.run(NOON, &["send"]), expected);
    }

    /// Waits until the recipient is in this state in the ledger.
    pub fn wait_for(&self, state: &str, address: &str) {
        let deadline = Instant::now() + TIMEOUT;
        while !said(&self.run(NOON, &["status", "--state", state])).contains(address) {
            assert!(Instant::now() < deadline, "{address} was never {state}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn three() -> [String; 3] {
    ["a@example.org", "b@example.org", "c@example.org"].map(str::to_owned)
}

/// Exit code, stdout and stderr.
pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!("exit {}\n{}{}", output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}
