//! Compares the main feeds as they would be built with those that are published, in a folder or on the web.
//!
//! Renders what a build would write, writes nothing, and reads both sides by the same reader. What a difference means
//! to subscribers, `feed::diff` tells.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use url::Url;

use crate::config::Config;
use crate::content::permalink::absolute;
use crate::disk::Project;
use crate::feed::Feed;
use crate::feed::Format;
use crate::feed::diff::{Difference, differences};
use crate::feed::outline::{Kind, Outline, outlines};
use crate::feed::published::{self, NotAFeed, Published};
use crate::finding::Finding;
use crate::http::{self, Client, Limits, Reach};
use crate::issue::Issue;
use crate::publish::bodies::Bodies;
use crate::publish::texts::Texts;

/// What a published feed may cost.
const LIMITS: Limits =
    Limits { bytes: 64 * 1024 * 1024, connect: Duration::from_secs(10), total: Duration::from_secs(60), redirects: 5 };

/// The formats by how much they tell of an entry: RSS does not say when one was updated.
const BY_DETAIL: [Format; 3] = [Format::Json, Format::Atom, Format::Rss];

/// Where the published feeds are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    /// In a folder as a build fills it.
    Folder(PathBuf),
    /// On the web: a feed, or the site whose feeds are where the project file says.
    Web(Url),
}

/// What is different of the feeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What was compared, and what is different of it.
    pub feeds: Vec<Compared>,
    /// Issues that a build would leave out.
    pub findings: Vec<Finding>,
}

/// A feed that was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The published feed: path or address.
    pub published: String,
    /// Its differences from what would be built.
    pub differences: Vec<Difference>,
}

/// Compares the main feed of each language.
///
/// # Errors
/// When the published feed of one cannot be found or read, or its issues cannot be rendered.
pub fn compare(
    project: &Project,
    config: &Config,
    issues: &[Issue],
    against: &Against,
    now: DateTime<Utc>,
) -> anyhow::Result<Comparison> {
    let mut outlines = outlines(&config.publications(), &config.feeds, issues, now);
    outlines.retain(|outline| outline.kind == Kind::Main);
    let bodies = Bodies::new(project);
    let mut texts = Texts::new(&bodies, project, config, issues, &outlines)?;
    let mut comparison = Comparison::default();
    for outline in &outlines {
        let Some((name, published)) = find(project, config, outline, against)? else { continue };
        texts.render(std::slice::from_ref(outline));
        let (shown, unarchived) = texts.take(outline);
        let next = Feed::new(&config.publication, &config.feeds, outline, shown, unarchived, now);
        let next = published::read(&next.render(published.format)?)?;
        let differences = differences(&published.entries, &next.entries, config.feeds.limit);
        comparison.feeds.push(Compared { published: name, differences });
    }
    comparison.findings = texts.into_findings();
    if comparison.feeds.is_empty() {
        return Err(nothing_published(against).into());
    }
    Ok(comparison)
}

/// The published feed that tells the most, and its name; `None` when there is none of this outline.
fn find(
    project: &Project,
    config: &Config,
    outline: &Outline<'_>,
    against: &Against,
) -> anyhow::Result<Option<(String, Published)>> {
    let files: Vec<&str> =
        BY_DETAIL.iter().filter_map(|format| config.feeds.formats.get(format)).map(String::as_str).collect();
    match against {
        Against::Folder(folder) => in_folder(project, &folder.join(&outline.folder), &files),
        Against::Web(url) => on_the_web(url, &outline.folder, &files),
    }
}

fn in_folder(project: &Project, folder: &Path, files: &[&str]) -> anyhow::Result<Option<(String, Published)>> {
    for file in files {
        let path = folder.join(file);
        if let Some(text) = project.text_if_there(&path)? {
            let name = path.to_string_lossy().into_owned();
            let read = published::read(text.as_bytes()).with_context(|| format!("failed to read the feed `{name}`"))?;
            return Ok(Some((name, read)));
        }
    }
    Ok(None)
}

/// The address itself may be a feed: it is that of the main feed then, and other languages have none.
fn on_the_web(url: &Url, folder: &str, files: &[&str]) -> anyhow::Result<Option<(String, Published)>> {
    let client = Client::new(LIMITS, Reach::Anywhere);
    let itself = folder.is_empty().then(|| url.clone());
    let below = files.iter().map(|file| absolute(url, &format!("{folder}{file}")));
    for address in itself.into_iter().chain(below) {
        let bytes = match client.get(&address).and_then(http::Answer::rest) {
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
        .help("name the folder or the address of your published feeds with `--against`")
}

#[cfg(test)]
mod tests;
