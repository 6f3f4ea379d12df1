use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use super::*;
use crate::identity::LockMode;
use crate::load;
use crate::publish::build;

/// A project of one issue, as published, and edited since.
struct Edited {
    _folder: tempfile::TempDir,
    project: Project,
    config: Config,
    now: DateTime<Utc>,
}

impl Edited {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        project.write("slugline.yaml", b"title: T\nbase_url: https://example.org\n").unwrap();
        project.write("content/a.md", b"---\ntitle: a\ndate: 2026-01-01\n---\none\n").unwrap();
        let config = load::config(&project, "slugline.yaml").unwrap();
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let edited = Self { _folder: folder, project, config, now };
        let (project, config) = (&edited.project, &edited.config);
        build(project, config, &edited.issues(), &config.output, now, LockMode::Write).unwrap();
        project.write("content/a.md", b"---\ntitle: a\ndate: 2026-01-01\n---\ntwo\n").unwrap();
        edited
    }

    fn issues(&self) -> Vec<Issue> {
        load::issues(&self.project, &self.config).unwrap().issues
    }

    /// The published feed and the words of its differences.
    fn compared(&self, against: &Against) -> anyhow::Result<(String, Vec<&'static str>)> {
        let mut found = compare(&self.project, &self.config, &self.issues(), against, self.now)?;
        assert_eq!((found.feeds.len(), found.findings.len()), (1, 0));
        let feed = found.feeds.remove(0);
        Ok((feed.published, feed.differences.iter().map(|difference| difference.kind.as_str()).collect()))
    }

    /// Serves these files of the output, and no others, for so many requests, then stops.
    fn serve(&self, files: &[&str], requests: usize) -> (Url, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let read = |file: &&str| (format!("/{file}"), fs::read(self.project.path("public").join(file)).unwrap());
        let files: Vec<(String, Vec<u8>)> = files.iter().map(read).collect();
        let answer = move || {
            for _ in 0..requests {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let path = head[0].split(' ').nth(1).unwrap();
                let page = ("200 OK", b"<!doctype html><title>T</title>".to_vec());
                let file = files.iter().find(|(name, _)| name == path).map(|(_, bytes)| ("200 OK", bytes.clone()));
                let missing = if path == "/" { page } else { ("404 Not Found", Vec::new()) };
                let (status, body) = file.unwrap_or(missing);
                let length = body.len();
                let _ = write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
                let _ = stream.write_all(&body);
            }
        };
        (url, thread::spawn(answer))
    }
}

#[test]
fn a_folder_is_compared_by_the_format_that_tells_the_most() {
    let edited = Edited::new();
    let public = Against::Folder("public".into());
    for (gone, published) in
        [("", "public/feed.json"), ("feed.json", "public/atom.xml"), ("atom.xml", "public/feed.xml")]
    {
        if !gone.is_empty() {
            fs::remove_file(edited.project.path("public").join(gone)).unwrap();
        }
        assert_eq!(edited.compared(&public).unwrap(), (published.to_owned(), vec!["edited"]));
    }
    edited.project.write("public/feed.xml", b"<rss>").unwrap();
    let error = edited.compared(&public).unwrap_err();
    assert_eq!(error.to_string(), "failed to read the feed `public/feed.xml`");
    let error = edited.compared(&Against::Folder("elsewhere".into())).unwrap_err();
    assert_eq!(error.to_string(), "there is no feed in `elsewhere` to compare with");
}

#[test]
fn what_is_built_differs_in_nothing_from_itself() {
    let edited = Edited::new();
    build(&edited.project, &edited.config, &edited.issues(), Path::new("next"), edited.now, LockMode::LeaveAlone)
        .unwrap();
    for file in ["feed.json", "atom.xml", "feed.xml"] {
        assert_eq!(edited.compared(&Against::Folder("next".into())).unwrap(), (format!("next/{file}"), vec![]));
        fs::remove_file(edited.project.path("next").join(file)).unwrap();
    }
}

#[test]
fn a_site_is_asked_for_its_feeds_and_a_feed_for_itself() {
    let edited = Edited::new();
    let (site, server) = edited.serve(&["atom.xml"], 3);
    let found = edited.compared(&Against::Web(site.clone())).unwrap();
    assert_eq!(found, (format!("{site}atom.xml"), vec!["edited"]));
    server.join().unwrap();
    let (site, server) = edited.serve(&["feed.xml"], 1);
    let feed = site.join("feed.xml").unwrap();
    assert_eq!(edited.compared(&Against::Web(feed.clone())).unwrap(), (feed.to_string(), vec!["edited"]));
    server.join().unwrap();
    let (site, server) = edited.serve(&[], 4);
    let error = edited.compared(&Against::Web(site.clone())).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no feed at `{site}` to compare with"));
    server.join().unwrap();
}
