//! A newsletter whose every mail can be accounted for: what the scripted server took is compared with what the ledger says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::database::Database;
use crate::program::{command, slugline};
use crate::smtp_peer::Peer;

/// Recipients of every issue.
pub const READERS: usize = 8;

/// Connections of every run: at most this many recipients of a killed one may be unknown.
pub const CONNECTIONS: usize = 3;

/// When `sending` runs, an hour after the issues were published.
pub const NOON: &str = "2026-11-20T12:00:00Z";

/// A newsletter in two working copies, with one store and one mail server.
pub struct Newsletter {
    folder: PathBuf,
    /// The other working copy.
    pub other: PathBuf,
    readers: usize,
    /// Connections of every run, over all servers.
    connections: usize,
}

impl Newsletter {
    /// A new one in an empty folder, whose readers are known to the store.
    pub fn new(folder: &Path, port: u16, store: &str) -> Self {
        Self::with_readers(READERS, folder, port, store)
    }

    /// The same with this many readers.
    pub fn with_readers(readers: usize, folder: &Path, port: u16, store: &str) -> Self {
        Self::over(&[port], readers, folder, store)
    }

    /// The same over the servers at these ports.
    pub fn over(ports: &[u16], readers: usize, folder: &Path, store: &str) -> Self {
        let (other, connections) = (folder.join("other"), CONNECTIONS * ports.len());
        let newsletter = Self { folder: folder.to_owned(), other, readers, connections };
        let via: Vec<String> = ports.iter().map(|port| format!("smtp://127.0.0.1:{port}")).collect();
        let rows: String = (0..readers).map(|number| format!("reader{number}@example.org\n")).collect();
        newsletter.write("readers.csv", &format!("email\n{rows}"));
        newsletter.write(
            "slugline.yaml",
            &format!(
                "title: Tide Notes\nbase_url: https://tides.example.org\nfeeds: {{formats: {{json: feed.json}}}}\n\
                 store: {store}\nmail:\n  from: notes@tides.example.org\n  connections: {CONNECTIONS}\n  \
                 unsubscribe: none\n  via: [{}]\n",
                via.join(", ")
            ),
        );
        // Short mails: there are many of them, and it is not their looks that count.
        newsletter.write("templates/edition.html", "{{ body }}");
        newsletter.write("templates/edition.txt", "{{ body }}");
        let imported = newsletter.command(folder, NOON, &["subscribers", "import", "readers.csv"]).output().unwrap();
        assert!(imported.status.success(), "{imported:?}");
        newsletter
    }

    /// The same whose readers are served, so that messages to single readers can be queued.
    pub fn serving(self) -> Self {
        let file = self.folder.join("slugline.yaml");
        let served = "secret_file: secret.txt\nserve: {url: https://news.tides.example.org/}\n";
        self.write("slugline.yaml", &(fs::read_to_string(file).unwrap() + served));
        self.write("secret.txt", "0123456789abcdef0123456789abcdef");
        self
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes an issue that is due, in both working copies.
    pub fn write_issue(&self, issue: &str) {
        self.write_issue_with(issue, "draft: false");
    }

    /// The same with a line of front matter.
    pub fn write_issue_with(&self, issue: &str, line: &str) {
        let text = format!("---\ntitle: {issue}\ndate: 2026-11-20T11:00:00Z\n{line}\n---\n\nThe sea rests.\n");
        self.write(&format!("content/{issue}.md"), &text);
    }

    /// Sends an issue from a working copy, and says nothing.
    pub fn sending(&self, folder: &Path, now: &str, issue: &str) -> Command {
        let mut command = self.command(folder, now, &["send", issue]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The same by the program with the feature `faults`, which is to die at the step `fault`, a number or a name, and
    /// notes the step in `step`.
    pub fn dying(&self, with_faults: &Path, issue: &str, fault: &str, step: &Path) -> Command {
        let mut command = command(with_faults, &self.folder);
        command.args(["--now", NOON, "--quiet", "send", issue]).envs(Database::password());
        command.env("SLUGLINE_FAULT", fault).env("SLUGLINE_FAULT_STEP", step);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Everybody is accounted for by this server; see `is_accounted_for_by`.
    #[track_caller]
    pub fn is_accounted_for(&self, peer: &Peer, issue: &str, what: &str) {
        self.is_accounted_for_by(&[peer], issue, what);
    }

    /// Everybody has the issue once by the servers' record and by the ledger's, with the same reply (if the server numbers
    /// its replies; of several the ledger names it), but for those named as unknown, of whom there are as many as connections at most, and those the server did not want. `what` has happened
    /// to the issue.
    #[track_caller]
    pub fn is_accounted_for_by(&self, peers: &[&Peer], issue: &str, what: &str) {
        let what = format!("{issue} after {what}");
        let mut taken: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
        let address = format!("<https://tides.example.org/{issue}/>");
        for peer in peers {
            let by = if peers.len() > 1 { format!(" [127.0.0.1:{}]", peer.port()) } else { String::new() };
            for message in peer.taken().into_iter().filter(|message| message.content.contains(&address)) {
                taken.entry(message.to).or_default().push(message.reply.map(|reply| reply + &by));
            }
        }
        let mut unknown = 0;
        let deliveries = self.deliveries(issue);
        assert_eq!(deliveries.len(), self.readers, "{what}");
        for (address, (state, reply)) in deliveries {
            let replies = taken.remove(&address).unwrap_or_default();
            match state.as_str() {
                "sent" => {
                    assert_eq!(replies.len(), 1, "{address} of {what}: {replies:?}");
                    let said = replies[0].as_ref().unwrap_or(&reply);
                    assert_eq!(*said, reply, "{address} of {what}");
                }
                "deferred" | "failed" => assert!(replies.is_empty(), "{address} of {what}: {replies:?}"),
                "unknown" => {
                    assert!(replies.len() <= 1, "{address} of {what}: {replies:?}");
                    unknown += 1;
                }
                other => panic!("{address} of {what} is {other}"),
            }
        }
        assert_eq!(taken, BTreeMap::new(), "{what}: mail of no recipient");
        assert!(unknown <= self.connections, "{unknown} unknown recipients of {what}");
    }

    /// State and reply of every recipient of an issue.
    fn deliveries(&self, issue: &str) -> BTreeMap<String, (String, String)> {
        let output = self.status(issue, &["--recipients"]);
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let deliveries = status["mailings"][0]["deliveries"].as_array().cloned().unwrap_or_default();
        deliveries
            .iter()
            .map(|delivery| (text(&delivery["address"]), (text(&delivery["state"]), text(&delivery["reply"]))))
            .collect()
    }

    /// What `status` says of an issue, as JSON.
    pub fn status(&self, issue: &str, arguments: &[&str]) -> Output {
        let mut command = self.command(&self.folder, NOON, &["status", issue, "--json"]);
        command.args(arguments).output().unwrap()
    }

    /// Runs the program in a working copy.
    pub fn command(&self, folder: &Path, now: &str, arguments: &[&str]) -> Command {
        let mut command = slugline(folder);
        command.args(["--now", now, "--quiet"]).args(arguments).envs(Database::password());
        command
    }

    /// Into both working copies.
    fn write(&self, path: &str, text: &str) {
        for folder in [&self.folder, &self.other] {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
}
