//! `slugline serve` as a web server meets it: over TCP and a Unix socket, with clients that behave badly.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::program::slugline;
use crate::serving::{PROJECT, Serving, UNKNOWN, exchange, one_click, project, request, status};

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
        stream.write_all(&whole.as_bytes()[..if number.is_multiple_of(2) { 20 } else { whole.len() - 5 }]).unwrap();
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

#[cfg(feature = "doctor")]
#[test]
fn the_doctor_tries_the_button_of_mail_programs() {
    let project = project();
    let folder = project.path();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = PROJECT.replace("https://news.example.org/", &format!("http://127.0.0.1:{port}/"));
    fs::write(folder.join("slugline.yaml"), text).unwrap();
    let dns = crate::dns_peer::DnsPeer::start(&[]);
    let seen = || {
        let dns = dns.address().to_string();
        let output = slugline(folder).args(["doctor", "--json", "--dns", &dns]).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let parts = document["parts"].as_array().unwrap();
        let pages = parts.iter().find(|part| part["part"] == "pages").unwrap();
        let step = &pages["steps"][0];
        [&step["step"], &step["outcome"], &step["seen"]].map(|value| value.as_str().unwrap().to_owned())
    };
    let [step, outcome, said] = seen();
    assert_eq!((step.as_str(), outcome.as_str()), ("one-click", "error"));
    assert!(said.starts_with("`127.0.0.1` does not answer a POST: "), "{said}");
    let serving = Serving::start(folder, &["--listen", &format!("127.0.0.1:{port}")]);
    assert_eq!(seen(), ["one-click", "ok", "`127.0.0.1` answers a POST with 200, without a redirect"]);
    assert_eq!(serving.end().code(), Some(0));
}
