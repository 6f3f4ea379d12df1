//! Starts `slugline serve` on a project, and sends it requests.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use crate::database::Database;
use crate::preview::TIMEOUT;
use crate::program::slugline;

pub const PROJECT: &str = "title: Tide Notes\nbase_url: https://tides.example.org\nsecret_file: secret.txt\n\
    mail: {from: Tide Notes <notes@tides.example.org>}\nserve: {url: https://news.example.org/}\n";

/// A token that was never made.
pub const UNKNOWN: &str = "/leave/00000000000000000000000000000000000";

/// A newsletter whose readers are served.
pub fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("slugline.yaml"), PROJECT).unwrap();
    assert!(slugline(folder.path()).args(["key", "secret", "secret.txt"]).output().unwrap().status.success());
    folder
}

/// The running program.
pub struct Serving {
    program: Child,
    /// Where it listens.
    pub address: String,
}

impl Serving {
    /// Starts it; its log goes to the file `log` in the folder.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let log = File::create(folder.join("log")).unwrap();
        let mut command = slugline(folder);
        command.arg("serve").args(arguments).envs(Database::password()).stdout(Stdio::piped()).stderr(log);
        let mut program = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(program.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        let log = fs::read_to_string(folder.join("log")).unwrap();
        assert!(!address.is_empty(), "it does not listen: {log}");
        Self { program, address: address.trim_end().to_owned() }
    }

    pub fn on_a_port(folder: &Path) -> Self {
        Self::start(folder, &["--listen", "127.0.0.1:0"])
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    pub fn ask(&self, request: &str) -> String {
        exchange(self.connect(), request)
    }

    pub fn terminate(&self) {
        assert!(Command::new("kill").arg(self.program.id().to_string()).status().unwrap().success());
    }

    /// Asks it to stop; returns how it ended.
    pub fn end(mut self) -> ExitStatus {
        self.terminate();
        self.program.wait().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Sends a request and returns what comes until the connection is closed.
pub fn exchange(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

pub fn request(method: &str, path: &str, host: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

/// A request as RFC 8058 section 3.2 has it.
pub fn one_click(path: &str) -> String {
    let body = "List-Unsubscribe=One-Click";
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: news.example.org\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}
