//! A real mail server started by `tests/mta`, and what arrived at it. `tests/run` has unpacked the servers; without them a
//! test reports that and passes, except in CI.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use mail_parser::MessageParser;

use crate::program::{files, repository};
use crate::skipped::skip;

/// Maximum time from the server's acceptance of a message to the mailbox.
const TIMEOUT: Duration = Duration::from_secs(300);

/// The servers that `tests/run` unpacks. SLUGLINE_TEST_MTA_SERVERS names others, to test by hand.
const SERVERS: &str = "exim opensmtpd chasquid";

/// The end of every message: after its last part.
const LAST: &[u8] = b"--";

/// A running server. It is stopped and its folder removed when dropped.
pub struct Server {
    /// Which program it is.
    pub name: String,
    folder: PathBuf,
    roots: PathBuf,
    /// Where it listens, on 127.0.0.1.
    pub port: String,
}

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mail {
    /// The envelope recipient.
    pub to: String,
    /// What the server noted when it accepted the message. A redelivery has the same.
    received: String,
    /// Text and HTML.
    pub parts: Vec<String>,
}

impl Server {
    /// The servers that a test is about.
    pub fn all() -> Vec<String> {
        if roots().is_none() {
            skip("there are no Exim, OpenSMTPD and chasquid; `tests/run`, as root, unpacks them");
            return Vec::new();
        }
        let named = env::var("SLUGLINE_TEST_MTA_SERVERS");
        named.as_deref().unwrap_or(SERVERS).split_whitespace().map(str::to_owned).collect()
    }

    /// Starts one with a behaviour that `tests/mta` knows.
    pub fn start(name: &str, way: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("slugline-mta.").tempdir_in("/tmp").unwrap().keep();
        let mut server = Self { name: name.to_owned(), folder, roots: roots().unwrap(), port: String::new() };
        server.port = server.start_again(way);
        server
    }

    /// Starts it again on its port, after `stop`.
    pub fn start_again(&self, way: &str) -> String {
        let output = script().args(["start", &self.name]).args([&self.roots, &self.folder]).arg(way).output().unwrap();
        assert!(output.status.success(), "{} does not start: {output:?}", self.name);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Stops it. Its queue stays.
    pub fn stop(&self) {
        assert!(script().arg("stop").arg(&self.folder).status().unwrap().success());
    }

    /// What arrived, once there are this many messages.
    pub fn mails(&self, count: usize) -> Vec<Mail> {
        let inbox = self.folder.join("mail");
        let mut mails: BTreeMap<PathBuf, Mail> = BTreeMap::new();
        let deadline = Instant::now() + TIMEOUT;
        loop {
            for file in files(&inbox).into_iter().filter(|file| is_whole(file)) {
                if mails.contains_key(&file) {
                    continue;
                }
                // A maildir moves a file while it is written; a server stopped during delivery leaves part of a message,
                // and delivers it again.
                let Ok(bytes) = fs::read(inbox.join(&file)) else { continue };
                if bytes.trim_ascii_end().ends_with(LAST) {
                    mails.insert(file, Mail::read(&bytes));
                }
            }
            let mut found: Vec<Mail> = mails.values().cloned().collect();
            found.sort();
            found.dedup();
            if found.len() >= count {
                return found;
            }
            assert!(Instant::now() < deadline, "{}: {} of {count} mails arrived", self.name, found.len());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server's output is the first thing to check.
        if thread::panicking() {
            eprintln!("{} stays in {}", self.name, self.folder.display());
            let _ = script().arg("stop").arg(&self.folder).status();
            return;
        }
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Mail {
    fn read(bytes: &[u8]) -> Self {
        let message = MessageParser::default().parse(bytes).unwrap();
        let to = ["Envelope-to", "Delivered-To"].iter().find_map(|name| message.header_raw(*name));
        let parts = message.parts.iter().map(|part| part.text_contents().unwrap_or_default().replace("\r\n", "\n"));
        Self {
            to: to.unwrap().trim().to_owned(),
            received: message.header_raw("Received").unwrap().to_owned(),
            parts: parts.collect(),
        }
    }
}

/// Where `tests/run` unpacked the servers.
fn roots() -> Option<PathBuf> {
    env::var_os("SLUGLINE_TEST_MTA").map(PathBuf::from)
}

fn script() -> Command {
    Command::new(repository().join("tests/mta"))
}

fn is_whole(file: &Path) -> bool {
    let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && !file.starts_with("tmp")
}
