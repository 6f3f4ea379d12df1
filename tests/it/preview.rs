//! The page of `slugline preview`: over plain HTTP, and in headless Chromium while files change.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::devtools::Page;
use crate::program::slugline;

/// How long anything may take that is waited for: minutes, for a browser on a machine under load.
pub const TIMEOUT: Duration = Duration::from_secs(300);

/// A program that serves until it is told to stop.
pub struct Served {
    program: Child,
    /// As it was printed.
    pub address: String,
}

impl Served {
    /// Starts the program with these arguments; it prints an address.
    pub fn start(folder: &Path, arguments: &[impl AsRef<std::ffi::OsStr>]) -> Self {
        let mut command = slugline(folder);
        let mut program = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(program.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        Self { program, address: address.trim_end().to_owned() }
    }

    /// Asks it to stop, as a service manager does; returns how it ended.
    pub fn end(mut self) -> ExitStatus {
        assert!(Command::new("kill").arg(self.program.id().to_string()).status().unwrap().success());
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.program.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it goes on though it was told to stop");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn host(&self) -> &str {
        self.address.trim_start_matches("http://").trim_end_matches('/')
    }

    /// Status and header, and body, of an answer to a request that names `host`.
    fn ask(&self, path: &str, host: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    fn json(&self, path: &str) -> Value {
        let (head, body) = self.ask(path, self.host());
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Three issues: one published, one in the future, one a draft.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| write(folder.path(), path, text);
    write(
        "slugline.yaml",
        "title: Tide Notes\nbase_url: https://tides.example.org\nmail: {from: Tide Notes <notes@example.org>}\n",
    );
    write(
        "content/neap.md",
        "---\ntitle: Neap\ndate: 2026-11-05\nauthor: Maren Solvik\n---\n\nLow water.\n\n![Gauge](https://elsewhere.example.com/gauge.png)\n",
    );
    write("content/spring.md", "---\ntitle: Spring\ndate: 2026-12-05\n---\n\nHigh water.\n");
    write("content/surge.md", "---\ntitle: Surge\ndate: 2026-10-05\ndraft: true\n---\n\nWind.\n");
    folder
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const ARGUMENTS: [&str; 5] = ["--now", "2026-11-20T08:00:00Z", "preview", "--port", "0"];

#[test]
#[cfg_attr(not(feature = "preview"), ignore = "the program is built without it")]
fn only_this_machine_is_answered_and_every_answer_keeps_to_itself() {
    let project = project();
    let served = Served::start(project.path(), &ARGUMENTS);
    let (head, page) = served.ask("/", served.host());
    assert!(head.starts_with("HTTP/1.1 200") && page.contains("<title>Preview</title>"), "{head}");
    assert!(head.contains("content-security-policy: default-src 'none'; script-src 'self'"), "{head}");
    assert!(head.contains("x-content-type-options: nosniff") && !head.contains("access-control"), "{head}");
    for host in ["evil.example.com", "evil.example.com:80", "127.0.0.1.example.com", ""] {
        let (head, body) = served.ask("/issues", host);
        assert!(head.starts_with("HTTP/1.1 403") && !body.contains("Neap"), "{host}: {head}");
    }
    for missing in ["/nothing", "/issue?path=content/none.md", "/source?path=../secret", "/source?path=/etc/hosts"] {
        assert!(served.ask(missing, served.host()).0.starts_with("HTTP/1.1 404"), "{missing}");
    }
    assert!(served.ask("/issue", served.host()).0.starts_with("HTTP/1.1 400"));
    assert_eq!(served.end().code(), Some(0));
}

#[test]
#[cfg_attr(not(feature = "preview"), ignore = "the program is built without it")]
fn an_issue_is_told_with_all_its_forms() {
    let project = project();
    let served = Served::start(project.path(), &ARGUMENTS);
    let overview = served.json("/issues");
    let rows: Vec<_> = overview["issues"].as_array().unwrap().iter().map(|row| (&row["title"], &row["mark"])).collect();
    let expected = [("Spring", json!("future")), ("Neap", Value::Null), ("Surge", json!("draft"))];
    assert_eq!(rows, expected.each_ref().map(|(title, mark)| (json!(title), mark)).each_ref().map(|(t, m)| (t, *m)));
    let look = served.json("/issue?path=content/neap.md");
    assert_eq!(look["entry"]["good"]["authors"], json!(["Maren Solvik"]));
    let letter = &look["letter"]["good"];
    assert_eq!((&letter["subject"], &letter["most_html_bytes"]), (&json!("Neap"), &json!(102_000)));
    assert!(letter["text"].as_str().unwrap().contains("Low water."), "{letter}");
    assert!(letter["headers"].as_array().unwrap().contains(&json!(["To", "reader@example.org"])), "{letter}");
    assert_eq!(look["problems"], json!([]));
    let (head, html) = served.ask("/frame/letter?path=content/neap.md&dark=true", served.host());
    assert!(head.contains("sandbox allow-same-origin") && head.contains("img-src data:;"), "{head}");
    assert!(!html.contains("src=\"https:") && !html.contains("prefers-color-scheme"), "{html}");
    let (head, html) = served.ask("/frame/entry?path=content/neap.md&pictures=true", served.host());
    assert!(
        head.contains("img-src data: https:") && html.contains("https://elsewhere.example.com/gauge.png"),
        "{html}"
    );
}

#[test]
#[cfg_attr(not(feature = "preview"), ignore = "the program is built without it")]
fn a_port_in_use_is_told() {
    let project = project();
    let served = Served::start(project.path(), &ARGUMENTS);
    let port = served.host().rsplit(':').next().unwrap();
    let second = slugline(project.path()).args(["preview", "--port", port]).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains(&format!("port {port} is in use")), "{said}");
    assert!(said.contains("--port"), "{said}");
}

#[test]
#[cfg_attr(not(feature = "preview"), ignore = "the program is built without it")]
fn the_page_follows_the_files() {
    let Some(program) = crate::chromium::program() else { return };
    let project = project();
    let served = Served::start(project.path(), &ARGUMENTS);
    let mut page = Page::open(&program, &served.address);
    let framed = "document.getElementById('frame').contentDocument.body.innerText";
    page.wait_for(&format!("{framed}.includes('High water.')"));
    // What is saved is seen.
    write(project.path(), "content/spring.md", "---\ntitle: Spring\ndate: 2026-12-05\n---\n\nHighest water.\n");
    page.wait_for(&format!("{framed}.includes('Highest water.')"));
    // Keys: the next issue, the mail, the dark.
    page.press("j");
    page.wait_for(&format!("{framed}.includes('Low water.') && location.hash.includes('neap')"));
    page.press("2");
    page.wait_for("document.getElementById('tab-Mail').getAttribute('aria-selected') == 'true'");
    page.wait_for(&format!("{framed}.includes('Tide Notes')"));
    let ground =
        "getComputedStyle(document.getElementById('frame').contentDocument.querySelector('.sheet')).backgroundColor";
    page.wait_for(&format!("{ground} == 'rgb(255, 255, 255)'"));
    page.press("d");
    page.wait_for(&format!("{ground} != 'rgb(255, 255, 255)'"));
    // A broken template is told with its place, and the last good version stays.
    let problems = "document.getElementById('problems')";
    write(
        project.path(),
        "templates/edition.html",
        "{% extends \"default/edition.html\" %}\n{% block terms %}{{ isue.title }}{% endblock %}\n",
    );
    page.wait_for(&format!("!{problems}.hidden && {problems}.innerText.includes('templates/edition.html:2:')"));
    page.wait_for(&format!("{problems}.innerText.includes('isue.title')"));
    page.wait_for(&format!("!document.getElementById('old').hidden && {framed}.includes('Low water.')"));
    // Mended, it is forgotten.
    write(
        project.path(),
        "templates/edition.html",
        "{% extends \"default/edition.html\" %}\n{% block terms %}{{ issue.title }} mended{% endblock %}\n",
    );
    page.wait_for(&format!(
        "{problems}.hidden && document.getElementById('old').hidden && {framed}.includes('mended')"
    ));
    // So is front matter that cannot be read.
    write(project.path(), "content/neap.md", "---\ntitle: [Neap\ndate: 2026-11-05\n---\n\nLow water.\n");
    page.wait_for(&format!("{problems}.innerText.includes('content/neap.md:') && {framed}.includes('mended')"));
    write(project.path(), "content/neap.md", "---\ntitle: Neap\ndate: 2026-11-05\n---\n\nLowest water.\n");
    page.wait_for(&format!("{problems}.hidden && {framed}.includes('Lowest water.')"));
    // Nothing but the preview was ever asked for.
    let strangers: Vec<&String> =
        page.requests.iter().filter(|url| !url.starts_with(&served.address) && !url.starts_with("data:")).collect();
    assert!(page.requests.len() > 10, "{:?}", page.requests);
    assert_eq!(strangers, Vec::<&String>::new());
    drop(page);
    assert_eq!(served.end().code(), Some(0));
}
