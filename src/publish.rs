//! Builds what is published: the issues of a project to feeds, and the feeds to files.
//!
//! Renders only what a feed shows, and each issue once for all feeds that show it. An issue whose text cannot be read is
//! left out and named; no other suffers.

use std::path::Path;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::config::{Config, FeedFormat};
use crate::disk::{Project, Written};
use crate::feed::Feed;
use crate::feed::outline::{Kind, Outline, outlines};
use crate::finding::Finding;
use crate::issue::Issue;
use crate::publish::texts::Texts;

mod texts;

/// A file that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// What the feed is of.
    pub kind: Kind,
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
    /// Every file, in the order of the feeds, then of the formats.
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
    let outlines = outlines(config, issues, now);
    let mut texts = Texts::new(project, config, &outlines)?;
    let mut build = Build::default();
    for batch in batches(&outlines) {
        texts.make_room();
        texts.render(batch);
        let feeds: Vec<(&Outline<'_>, Feed)> =
            batch.iter().map(|outline| (outline, feed(config, outline, &mut texts))).collect();
        let files: Vec<_> = feeds
            .iter()
            .flat_map(|(outline, feed)| config.feeds.formats.iter().map(move |format| (*outline, feed, format)))
            .collect();
        let write = |(outline, feed, (format, file)): (&Outline<'_>, &Feed, (&FeedFormat, &String))| {
            let path = output.join(format!("{}{file}", outline.folder));
            write(project, outline, feed, *format, &path)
        };
        let written: Vec<anyhow::Result<Built>> = files.into_par_iter().map(write).collect();
        for file in written {
            build.files.push(file?);
        }
    }
    build.findings = texts.into_findings();
    Ok(build)
}

/// Feeds that are made side by side: enough to keep the machine busy, few enough to keep their texts in memory.
fn batches<'a, 'b>(outlines: &'b [Outline<'a>]) -> Vec<&'b [Outline<'a>]> {
    const ISSUES: usize = 256;
    let mut batches = Vec::new();
    let (mut start, mut issues) = (0, 0);
    for (at, outline) in outlines.iter().enumerate() {
        if at > start && issues + outline.issues.len() > ISSUES {
            batches.push(&outlines[start..at]);
            (start, issues) = (at, 0);
        }
        issues += outline.issues.len();
    }
    batches.push(&outlines[start..]);
    batches
}

fn feed(config: &Config, outline: &Outline<'_>, texts: &mut Texts<'_>) -> Feed {
    let shown = outline.issues.iter().filter_map(|issue| Some((*issue, texts.take(issue)?))).collect();
    Feed::new(&config.publication, &config.feeds, outline, shown)
}

fn write(
    project: &Project,
    outline: &Outline<'_>,
    feed: &Feed,
    format: FeedFormat,
    path: &Path,
) -> anyhow::Result<Built> {
    let bytes = feed.render(format)?;
    let written = project.write(path, &bytes)?;
    Ok(Built {
        kind: outline.kind,
        format,
        path: path.to_string_lossy().into_owned(),
        entries: feed.entries.len(),
        bytes: bytes.len(),
        written,
    })
}

/// What the ids in an issue's HTML begin with.
pub fn prefix(issue: &Issue) -> String {
    format!("{}-", issue.slug)
}
