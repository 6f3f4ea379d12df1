//! `slugline serve` as a web server meets it: over TCP and a Unix socket, with clients that behave badly.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::preview::TIMEOUT;
use crate::program::slugline;

const PROJECT: &str = "title: Tide Notes\nbase_url: https://tides.example.org\nsecret_file: secret.txt\n\
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
        command.arg("serve").args(arguments).stdout(Stdio::piped()).stderr(log);
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

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    fn ask(&self, request: &str) -> String {
        exchange(self.connect(), request)
    }

    fn terminate(&self) {
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
fn exchange(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn request(method: &str, path: &str, host: &str) -> String {
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

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

#[test]
fn it_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |project: &str| {
        fs::write(folder.path().join("slugline.yaml"), project).unwrap();
        let output = slugline(folder.path()).args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        refused("title: T\nbase_url: https://example.org\n"),
        "error[serve-missing]: the project file does not say at which address readers are served\n |\n = help: add `serve: \
         {url: https://news.example.org/}`\n"
    );
    assert_eq!(
        refused(&PROJECT.replace("secret_file: secret.txt\n", "")),
        "error[secret-missing]: tokens need a secret, but none is configured\n |\n = help: make one with `slugline key \
         secret secret.txt`, and set `secret_file: secret.txt`\n"
    );
    fs::write(folder.path().join("slugline.db"), "no database").unwrap();
    fs::write(folder.path().join("secret.txt"), "a".repeat(40)).unwrap();
    let damaged = refused(PROJECT);
    assert!(damaged.contains("slugline store restore FILE"), "{damaged}");
    fs::remove_file(folder.path().join("slugline.db")).unwrap();
    let serving = Serving::on_a_port(folder.path());
    let output = slugline(folder.path()).args(["serve", "--listen", &serving.address]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with(&format!("error[port-in-use]: `{}` is in use\n", serving.address)), "{said}");
    assert_eq!(serving.end().code(), Some(0));
}

#[test]
fn requests_for_others_are_refused() {
    let project = project();
    let serving = Serving::on_a_port(project.path());
    for (method, path, host, expected) in [
        ("POST", UNKNOWN, "news.example.org", 200),
        ("POST", UNKNOWN, "NEWS.example.org:443", 200),
        ("POST", UNKNOWN, "evil.example.com", 421),
        ("POST", UNKNOWN, "127.0.0.1", 421),
        ("GET", "/nothing", "news.example.org", 404),
        ("GET", "/subscribe/../leave/a", "news.example.org", 404),
        ("GET", "/healthz", "10.0.0.7", 200),
        ("HEAD", "/healthz", "10.0.0.7", 200),
        ("POST", "/healthz", "10.0.0.7", 405),
        ("GET", "/readyz", "10.0.0.7", 200),
        ("PUT", UNKNOWN, "news.example.org", 405),
        ("DELETE", UNKNOWN, "news.example.org", 405),
        ("TRACE", UNKNOWN, "news.example.org", 405),
        ("PROPFIND", UNKNOWN, "news.example.org", 405),
        ("post", UNKNOWN, "news.example.org", 405),
        ("OPTIONS", UNKNOWN, "news.example.org", 204),
    ] {
        let answer = serving.ask(&request(method, path, host));
        assert_eq!(status(&answer), expected, "{method} {path} {host}: {answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'"), "{method} {path}: {answer}");
        assert!(!answer.contains("set-cookie") && !answer.contains("<script"), "{method} {path}: {answer}");
    }
    for nonsense in
        ["\r\n\r\nGET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    {
        let mut stream = serving.connect();
        stream.write_all(nonsense.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = exchange(stream, "");
        assert!(["", "HTTP/1.1 400", "HTTP/1.1 505"].iter().any(|start| answer.starts_with(start)), "{answer}");
    }
    assert_eq!(
        status(&serving.ask("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")),
        200,
        "a monitor may name no host"
    );
    assert_eq!(serving.end().code(), Some(0));
}

#[test]
fn a_mail_program_unsubscribes_in_either_encoding() {
    let project = project();
    let serving = Serving::on_a_port(project.path());
    let answer = serving.ask(&one_click(UNKNOWN));
    assert!(status(&answer) == 200 && !answer.contains("location:"), "{answer}");
    let body = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    let head = format!("POST {UNKNOWN} HTTP/1.1\r\nHost: news.example.org\r\nConnection: close\r\n");
    let length = body.len();
    let fields = format!("Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n");
    assert_eq!(status(&serving.ask(&format!("{head}{fields}\r\n{body}"))), 200);
    // Requests may follow each other without waiting.
    let pair = format!("{}{}", one_click(UNKNOWN).replace("Connection: close\r\n", ""), one_click(UNKNOWN));
    assert_eq!(serving.ask(&pair).matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(serving.end().code(), Some(0));
}

#[test]
fn slow_connections_keep_no_reader_from_leaving() {
    let project = project();
    let serving = Serving::on_a_port(project.path());
    let slow = |number: usize| {
        let mut stream = serving.connect();
        let whole = one_click(UNKNOWN);
        // Some stop in the header, some in the body.
        stream.write_all(&whole.as_bytes()[..if number % 2 == 0 { 20 } else { whole.len() - 5 }]).unwrap();
        stream
    };
    let slow: Vec<TcpStream> = (0..500).map(slow).collect();
    assert_eq!(status(&serving.ask(&one_click(UNKNOWN))), 200);
    drop(slow);
    assert_eq!(serving.end().code(), Some(0));
}

#[test]
fn a_form_has_at_most_16_kib() {
    let project = project();
    let serving = Serving::on_a_port(project.path());
    let of_bytes = |length: usize| {
        let request = request("POST", UNKNOWN, "news.example.org");
        let request = request.replace("Content-Length: 0", &format!("Content-Length: {length}"));
        status(&serving.ask(&format!("{request}{}", "a".repeat(length))))
    };
    assert_eq!([of_bytes(16 * 1024), of_bytes(16 * 1024 + 1), of_bytes(100 * 1024)], [200, 413, 413]);
    assert_eq!(serving.end().code(), Some(0));
}

#[test]
fn a_request_in_progress_is_answered_before_the_end() {
    let project = project();
    let serving = Serving::on_a_port(project.path());
    let mut stream = serving.connect();
    let whole = one_click(UNKNOWN).replace("Connection: close", "Expect: 100-continue");
    let (head, body) = whole.split_once("\r\n\r\n").unwrap();
    write!(stream, "{head}\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    serving.terminate();
    while TcpStream::connect(&serving.address).is_ok() {
        thread::sleep(Duration::from_millis(10));
    }
    let answer = exchange(stream, body);
    assert_eq!(status(answer.trim_start()), 200, "{answer}");
    assert_eq!(serving.end().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_for_its_owner_and_group() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixStream;

    let project = project();
    let path = project.path().join("socket");
    let listen = format!("unix:{}", path.display());
    let arguments = ["--listen", "unix:socket", "--log", "json"];
    let serving = Serving::start(project.path(), &arguments);
    assert!(serving.address.ends_with("socket"), "{}", serving.address);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let forwarded = "Connection: close\r\nX-Forwarded-For: 192.0.2.1, 198.51.100.77";
    let answer =
        exchange(UnixStream::connect(&path).unwrap(), &one_click(UNKNOWN).replace("Connection: close", forwarded));
    assert_eq!(status(&answer), 200);
    let second = slugline(project.path()).args(["serve", "--listen", &listen]).output().unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("another process listens there"), "{said}");
    // One that is killed leaves its socket, which the next one replaces.
    drop(serving);
    assert!(path.exists());
    let serving = Serving::start(project.path(), &arguments);
    let answer =
        exchange(UnixStream::connect(&path).unwrap(), &one_click(UNKNOWN).replace("Connection: close", forwarded));
    assert_eq!(status(&answer), 200);
    assert_eq!(serving.end().code(), Some(0));
    assert!(!path.exists());
    let networks: Vec<Value> = log(project.path()).iter().map(|line| line["network"].clone()).collect();
    assert_eq!(networks, ["198.51.100.0/24"]);
}

/// The lines of the log about requests.
fn log(folder: &Path) -> Vec<Value> {
    let log = fs::read_to_string(folder.join("log")).unwrap();
    let lines = log.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &Value| line.get("route").is_some()).collect()
}

#[test]
fn the_log_tells_what_happened_and_to_no_one() {
    let project = project();
    let serving = Serving::start(project.path(), &["--listen", "127.0.0.1:0", "--log", "json"]);
    let forwarded = "Connection: close\r\nX-Forwarded-For: 2001:db8:1:2::77";
    serving.ask(&one_click(&format!("{UNKNOWN}?email=reader@example.org")).replace("Connection: close", forwarded));
    serving.ask(&request("GET", "/readyz", "a"));
    assert_eq!(serving.end().code(), Some(0));
    let lines = log(project.path());
    let of = |line: &Value, key: &str| line[key].clone();
    let told: Vec<[Value; 4]> =
        lines.iter().map(|line| ["method", "route", "status", "network"].map(|key| of(line, key))).collect();
    let expected: [[Value; 4]; 2] = [
        ["POST".into(), "/leave/{token}".into(), 200.into(), "2001:db8:1::/48".into()],
        ["GET".into(), "/readyz".into(), 200.into(), "127.0.0.0/24".into()],
    ];
    assert_eq!(told, expected);
    assert!(lines.iter().all(|line| line["ms"].is_number() && line["time"].is_string()), "{lines:?}");
    let text = fs::read_to_string(project.path().join("log")).unwrap();
    assert!(!text.contains("reader@") && !text.contains("00000000") && !text.contains("::77"), "{text}");
}

#[test]
fn a_store_that_was_moved_is_not_ready() {
    let project = project();
    let serving = Serving::on_a_port(project.path());
    assert_eq!(status(&serving.ask(&request("GET", "/readyz", "a"))), 200);
    assert!(slugline(project.path()).args(["store", "copy", "sqlite:new.db"]).output().unwrap().status.success());
    assert_eq!(status(&serving.ask(&request("GET", "/readyz", "a"))), 503);
    assert_eq!(status(&serving.ask(&request("GET", "/healthz", "a"))), 200);
    assert_eq!(serving.end().code(), Some(0));
    let log = fs::read_to_string(project.path().join("log")).unwrap();
    assert!(log.contains("not ready: the store was moved"), "{log}");
    let again = slugline(project.path()).args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("set `store: sqlite:new.db` in the project file"), "{said}");
}
