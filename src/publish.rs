//! Builds what is published: the issues of a project to feeds, and the feeds to files.
//!
//! Renders only what a feed shows. An issue whose text cannot be read is left out and named; no other suffers.

use std::path::Path;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::config::{Config, FeedContent, FeedFormat};
use crate::content::html::{self, Reader};
use crate::content::markdown::Document;
use crate::content::summary::summary;
use crate::disk::{Project, Written};
use crate::feed::{self, Feed, Text};
use crate::finding::Finding;
use crate::issue::Issue;
use crate::load;

/// A file that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The format of the feed.
    pub format: FeedFormat,
    /// The file, below the project folder.
    pub path: String,
    /// How many issues it holds.
    pub entries: usize,
    /// How large it is.
    pub bytes: usize,
    /// Whether the file had to be written.
    pub written: Written,
}

/// The outcome of a build.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Build {
    /// Every file, in the order of the formats.
    pub files: Vec<Built>,
    /// What was left out, and why.
    pub findings: Vec<Finding>,
}

/// Builds the feeds of these issues into the folder `output`.
///
/// # Errors
/// When a file cannot be written; those written before are whole.
pub fn build(
    project: &Project,
    config: &Config,
    issues: &[Issue],
    output: &Path,
    now: DateTime<Utc>,
) -> anyhow::Result<Build> {
    let chosen = feed::choose(issues, &config.feeds, now);
    let read: Vec<_> = chosen.par_iter().map(|issue| text(project, config, issue).map(|text| (*issue, text))).collect();
    let mut build = Build::default();
    let mut shown = Vec::new();
    for one in read {
        match one {
            Ok(one) => shown.push(one),
            Err(finding) => build.findings.push(*finding),
        }
    }
    let feed = Feed::new(&config.publication, &config.feeds, shown);
    let formats: Vec<(&FeedFormat, &String)> = config.feeds.formats.iter().collect();
    let rendered: Vec<_> = formats.par_iter().map(|(format, _)| feed.render(**format)).collect();
    for ((format, file), bytes) in formats.into_iter().zip(rendered) {
        let (path, bytes) = (output.join(file), bytes?);
        let written = project.write(&path, &bytes)?;
        let path = path.to_string_lossy().into_owned();
        build.files.push(Built { format: *format, path, entries: feed.entries.len(), bytes: bytes.len(), written });
    }
    Ok(build)
}

/// What the feed takes from an issue's file.
fn text(project: &Project, config: &Config, issue: &Issue) -> Result<Text, Box<Finding>> {
    let cover = project.measured_cover(issue);
    let full = config.feeds.content == FeedContent::Full;
    if !full && issue.description.is_some() {
        return Ok(Text { cover, ..Text::default() });
    }
    let body = load::body(project, issue)?;
    let document = Document::parse(&body);
    let html =
        if full { html::render(&document, &issue.permalink, &prefix(issue), Reader::Feed) } else { String::new() };
    let summary = if issue.description.is_none() { summary(&document) } else { String::new() };
    Ok(Text { html, summary, cover })
}

/// What the ids in an issue's HTML begin with.
pub fn prefix(issue: &Issue) -> String {
    format!("{}-", issue.slug)
}
