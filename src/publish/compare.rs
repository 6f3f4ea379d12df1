//! Compares the main feeds as a build would write them with the published ones, in a folder or on the web.
//!
//! Renders without writing, and parses both sides with the same parser. `feed::diff` determines what a difference means
//! to subscribers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use url::Url;

use crate::config::Config;
use crate::content::url_path::absolute;
use crate::disk::Project;
use crate::feed::Feed;
use crate::feed::Format;
use crate::feed::diff::{Difference, differences};
use crate::feed::plan::{FeedKind, FeedPlan, feed_plans};
use crate::feed::published::{self, NotAFeed, PublishedFeed};
use crate::finding::Finding;
use crate::http::{self, Client, Limits, Reach};
use crate::identity::read_lock;
use crate::issue::Issue;
use crate::publish::body_cache::BodyCache;
use crate::publish::dates;
use crate::publish::render_cache::RenderCache;

/// Limits for fetching a published feed.
const LIMITS: Limits =
    Limits { bytes: 64 * 1024 * 1024, connect: Duration::from_secs(10), total: Duration::from_secs(60), redirects: 5 };

/// Formats by level of detail: RSS has no date of the last change.
const BY_DETAIL: [Format; 3] = [Format::Json, Format::Atom, Format::Rss];

/// Where the published feeds are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    /// A folder filled by a build.
    Folder(PathBuf),
    /// The web: a feed, or a site with feeds where the project file places them.
    Web(Url),
}

/// The result of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The compared feeds with their differences.
    pub feeds: Vec<FeedComparison>,
    /// Issues that a build would leave out.
    pub findings: Vec<Finding>,
}

/// A compared feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedComparison {
    /// The published feed: path or URL.
    pub published: String,
    /// How the next build differs from it.
    pub differences: Vec<Difference>,
}

/// Compares the main feed of each language.
///
/// # Errors
/// If a published feed cannot be found or parsed, or the issues cannot be rendered.
pub fn compare(
    project: &Project,
    config: &Config,
    issues: &[Issue],
    against: &Against,
    now: DateTime<Utc>,
) -> anyhow::Result<Comparison> {
    let mut plans = feed_plans(&config.publications(), &config.feeds, issues, now);
    let dates = dates(&read_lock(project)?, &plans, now);
    plans.retain(|plan| plan.kind == FeedKind::Main);
    let bodies = BodyCache::new(project);
    let mut texts = RenderCache::new(&bodies, project, config, issues, &plans)?;
    let mut comparison = Comparison::default();
    for plan in &plans {
        let Some((name, published)) = find(project, config, plan, against)? else { continue };
        texts.render(std::slice::from_ref(plan));
        let (shown, unarchived) = texts.take(plan);
        let mut next = Feed::new(&config.publication, &config.feeds, plan, shown, unarchived, &dates);
        next.fit()?;
        let next = published::read(&next.render(published.format)?)?;
        let differences = differences(&published.entries, &next.entries, config.feeds.limit);
        comparison.feeds.push(FeedComparison { published: name, differences });
    }
    comparison.findings = texts.into_findings();
    if comparison.feeds.is_empty() {
        return Err(nothing_published(against).into());
    }
    Ok(comparison)
}

/// The most detailed published feed of a plan, with its name; `None` if there is none.
fn find(
    project: &Project,
    config: &Config,
    plan: &FeedPlan<'_>,
    against: &Against,
) -> anyhow::Result<Option<(String, PublishedFeed)>> {
    let files: Vec<&str> =
        BY_DETAIL.iter().filter_map(|format| config.feeds.formats.get(format)).map(String::as_str).collect();
    match against {
        Against::Folder(folder) => in_folder(project, &folder.join(&plan.folder), &files),
        Against::Web(url) => on_the_web(url, &plan.folder, &files),
    }
}

fn in_folder(project: &Project, folder: &Path, files: &[&str]) -> anyhow::Result<Option<(String, PublishedFeed)>> {
    for file in files {
        let path = folder.join(file);
        if let Some(text) = project.text_if_exists(&path)? {
            let name = path.to_string_lossy().into_owned();
            let read = published::read(text.as_bytes()).with_context(|| format!("failed to read the feed `{name}`"))?;
            return Ok(Some((name, read)));
        }
    }
    Ok(None)
}

/// The URL itself may be a feed: then it is the main feed, and other languages have none.
fn on_the_web(url: &Url, folder: &str, files: &[&str]) -> anyhow::Result<Option<(String, PublishedFeed)>> {
    let client = Client::new(LIMITS, Reach::Anywhere);
    let itself = folder.is_empty().then(|| url.clone());
    let below = files.iter().map(|file| absolute(url, &format!("{folder}{file}")));
    for address in itself.into_iter().chain(below) {
        let bytes = match client.get(&address).and_then(http::Response::rest) {
            Ok(bytes) => bytes,
            Err(http::Error::Status(404 | 410)) => continue,
            Err(error) => return Err(error).with_context(|| format!("failed to read `{address}`")),
        };
        match published::read(&bytes) {
            Ok(read) => return Ok(Some((address.into(), read))),
            Err(NotAFeed::Unknown) => {}
            Err(error) => return Err(error).with_context(|| format!("failed to read the feed `{address}`")),
        }
    }
    Ok(None)
}

fn nothing_published(against: &Against) -> Finding {
    let place = match against {
        Against::Folder(folder) => format!("in `{}`", folder.display()),
        Against::Web(url) => format!("at `{url}`"),
    };
    Finding::error("nothing-published", format!("there is no feed {place} to compare with"))
        .help("set the folder or URL of your published feeds with `--against`")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    use super::*;
    use crate::identity::LockMode;
    use crate::load;
    use crate::publish::build;

    /// A project with one issue that was edited after publication.
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
            load::issues(&self.project, &self.config, self.now).unwrap().issues
        }

        /// The published feed and the kinds of its differences.
        fn compared(&self, against: &Against) -> anyhow::Result<(String, Vec<&'static str>)> {
            let mut found = compare(&self.project, &self.config, &self.issues(), against, self.now)?;
            assert_eq!((found.feeds.len(), found.findings.len()), (1, 0));
            let feed = found.feeds.remove(0);
            Ok((feed.published, feed.differences.iter().map(|difference| difference.kind.as_str()).collect()))
        }

        /// Serves only these files of the output, for a number of requests, then stops.
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
                    let _ =
                        write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
                    let _ = stream.write_all(&body);
                }
            };
            (url, thread::spawn(answer))
        }
    }

    #[test]
    fn a_folder_is_compared_by_its_most_detailed_format() {
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
    fn a_build_does_not_differ_from_itself() {
        let edited = Edited::new();
        build(&edited.project, &edited.config, &edited.issues(), Path::new("next"), edited.now, LockMode::LeaveAlone)
            .unwrap();
        for file in ["feed.json", "atom.xml", "feed.xml"] {
            assert_eq!(edited.compared(&Against::Folder("next".into())).unwrap(), (format!("next/{file}"), vec![]));
            fs::remove_file(edited.project.path("next").join(file)).unwrap();
        }
    }

    #[test]
    fn a_url_may_be_a_site_or_a_feed() {
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
}
