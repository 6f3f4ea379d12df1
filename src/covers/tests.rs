use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

/// The header of a PNG of 3 by 2 pixels: enough for type and size.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0";

/// A web site on a free local port.
struct Site {
    port: u16,
    server: thread::JoinHandle<Vec<String>>,
}

impl Site {
    /// Answers a number of requests, then stops: `/a.png` and `/b.png` are pictures, the second of unknown length,
    /// `/page.png` is an HTML page, `/photo` is large with its size late in the file, anything else is missing.
    fn start(requests: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || (0..requests).map(|_| Self::exchange(&listener)).collect());
        Self { port, server }
    }

    fn exchange(listener: &TcpListener) -> String {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let path = head[0].split(' ').nth(1).unwrap().to_owned();
        let (status, length, body) = match path.as_str() {
            "/a.png" => ("200 OK", true, PNG.to_vec()),
            "/b.png" => ("200 OK", false, [PNG, &[0; 9000]].concat()),
            "/photo" => ("200 OK", true, photo()),
            "/page.png" => ("200 OK", true, b"<!DOCTYPE html><title>Not here</title>".to_vec()),
            _ => ("404 Not Found", true, Vec::new()),
        };
        let length = if length { format!("content-length: {}\r\n", body.len()) } else { String::new() };
        let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-type: image/gif\r\nconnection: close\r\n{length}\r\n");
        // The client hangs up once it knows enough.
        let _ = stream.write_all(&body);
        path
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requested paths.
    fn stop(self) -> Vec<String> {
        let mut paths = self.server.join().unwrap();
        paths.sort();
        paths
    }
}

/// A JPEG with 100 kB of metadata before its frame of 3 by 2 pixels.
fn photo() -> Vec<u8> {
    let notes = [b"\xff\xe2\xc3\x52".as_slice(), &[0; 50_000]].concat();
    let frame = b"\xff\xc0\0\x11\x08\0\x02\0\x03\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";
    [b"\xff\xd8".as_slice(), &notes, &notes, frame, &[0; 500_000]].concat()
}

/// A project with one issue per cover.
fn project(covers: &[String]) -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new(folder.path());
    project.write("slugline.yaml", b"title: T\nbase_url: https://example.org\n").unwrap();
    for (number, cover) in covers.iter().enumerate() {
        let issue = format!("---\ntitle: {number}\ndate: 2026-01-01\ncover: {cover}\n---\n");
        project.write(format!("content/{number}.md"), issue.as_bytes()).unwrap();
    }
    (folder, project)
}

/// Fetches as if this machine were the public internet; returns the result and the number of steps.
fn fetch(project: &Project, which: FetchScope) -> (FetchReport, usize) {
    let config = crate::load::config(project, "slugline.yaml").unwrap();
    let issues = crate::load::issues(project, &config, "2026-11-20T08:00:00Z".parse().unwrap()).unwrap().issues;
    let plan = FetchPlan::new(project, &config, &issues, which).unwrap();
    let steps = AtomicUsize::new(0);
    let client = Client::with(LIMITS, Reach::Public, |address| address.is_loopback());
    let step = || {
        steps.fetch_add(1, Ordering::Relaxed);
    };
    (plan.fetch_with(&client, UnusedEntries::Drop, step).unwrap(), steps.into_inner())
}

/// The lines of `covers.lock` without comments and without this machine's address.
fn lines(project: &Project, site: &str) -> Vec<String> {
    let text = project.text(covers_lock::FILE).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.replace(site, "")).collect()
}

#[test]
fn covers_are_measured_by_their_bytes_and_only_once() {
    let site = Site::start(3);
    let own = site.url("");
    let covers = ["/a.png", "/b.png", "/photo", "/a.png#again"].map(|path| site.url(path));
    let (_folder, project) = project(&covers);
    let (fetched, steps) = fetch(&project, FetchScope::Missing);
    assert_eq!(site.stop(), ["/a.png", "/b.png", "/photo"]);
    assert_eq!((fetched.measured.len(), fetched.kept, steps, fetched.written), (3, 0, 3, Written::New));
    assert_eq!(fetched.findings, []);
    let photo = format!("/photo image/jpeg {} 3x2", photo().len());
    assert_eq!(lines(&project, &own), ["/a.png image/png 29 3x2", "/b.png image/png 9029 3x2", &photo]);
    let (again, _) = fetch(&project, FetchScope::Missing);
    assert_eq!((again.measured.len(), again.kept, again.written), (0, 3, Written::Unchanged));
}

#[test]
fn a_failure_affects_no_other_cover_and_keeps_the_previous_entry() {
    let site = Site::start(3);
    let own = site.url("");
    let (_folder, project) = project(&["/a.png", "/gone.png", "/page.png"].map(|path| site.url(path)));
    let known = format!("{own}/gone.png image/gif 7 1x1\n{own}/unused.png image/gif 7 1x1\n");
    project.write(covers_lock::FILE, known.as_bytes()).unwrap();
    let (fetched, steps) = fetch(&project, FetchScope::All);
    site.stop();
    assert_eq!((steps, fetched.dropped), (3, vec![format!("{own}/unused.png")]));
    let said: Vec<(String, String)> = fetched
        .findings
        .iter()
        .map(|finding| (finding.place.as_ref().unwrap().to_string(), finding.message.replace(&own, "")))
        .collect();
    let said: Vec<(&str, &str)> = said.iter().map(|(place, message)| (place.as_str(), message.as_str())).collect();
    assert_eq!(
        said,
        [
            ("content/1.md:4:8", "`/gone.png`: the server answered with status 404"),
            ("content/2.md:4:8", "`/page.png`: it is not a picture"),
        ]
    );
    assert_eq!(lines(&project, &own), ["/a.png image/png 29 3x2", "/gone.png image/gif 7 1x1"]);
}

#[test]
fn a_project_without_covers_hosted_elsewhere_gets_no_file() {
    let (_folder, project) = project(&["/here.png".to_owned()]);
    assert_eq!(fetch(&project, FetchScope::All).0.written, Written::Unchanged);
    assert_eq!(project.text_if_exists(covers_lock::FILE).unwrap(), None);
}
