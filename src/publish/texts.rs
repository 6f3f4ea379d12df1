//! The rendered texts of the issues while feeds are made of them.
//!
//! Reads and renders side by side, each issue once however many feeds show it, and forgets a text when the last of them
//! has it. Texts that many feeds want, far apart, are kept up to a limit of bytes; past it they are rendered again.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use crate::config::{Config, FeedContent};
use crate::content::html::{self, Reader};
use crate::content::markdown::Document;
use crate::content::summary::summary;
use crate::disk::Project;
use crate::disk::covers::{Covers, Known};
use crate::feed::Text;
use crate::feed::outline::Outline;
use crate::finding::Finding;
use crate::issue::Issue;
use crate::load;
use crate::publish::prefix;

/// Bytes of text that may wait for feeds of later batches.
const MOST_BYTES_HELD: usize = 32 << 20;

/// Texts by the path of their issue.
pub(super) struct Texts<'a> {
    project: &'a Project,
    config: &'a Config,
    covers: Covers<'a>,
    held: HashMap<&'a str, Text>,
    bytes: usize,
    /// How many feeds still want a text.
    wanted: HashMap<&'a str, usize>,
    unreadable: BTreeSet<&'a str>,
    /// Whose covers something is wrong with.
    bad_covers: BTreeSet<&'a str>,
    findings: Vec<Finding>,
}

impl<'a> Texts<'a> {
    /// No text yet, for these feeds to come.
    ///
    /// # Errors
    /// When `covers.lock` is there and cannot be read.
    pub fn new(project: &'a Project, config: &'a Config, outlines: &[Outline<'a>]) -> anyhow::Result<Self> {
        let mut wanted = HashMap::new();
        for issue in outlines.iter().flat_map(|outline| &outline.issues) {
            *wanted.entry(issue.path.as_str()).or_default() += 1;
        }
        let (covers, findings) = Covers::open(project, config)?;
        let (held, unreadable, bad_covers) = (HashMap::new(), BTreeSet::new(), BTreeSet::new());
        Ok(Self { project, config, covers, held, bytes: 0, wanted, unreadable, bad_covers, findings })
    }

    /// Renders what these feeds want and is not there yet.
    pub fn render(&mut self, outlines: &[Outline<'a>]) {
        let mut asked = BTreeSet::new();
        let missing = |issue: &&'a Issue| {
            let path = issue.path.as_str();
            !self.held.contains_key(path) && !self.unreadable.contains(path) && asked.insert(path)
        };
        let missing: Vec<&'a Issue> =
            outlines.iter().flat_map(|outline| outline.issues.iter().copied()).filter(missing).collect();
        let render = |issue: &&'a Issue| (self.covers.of(issue), text(self.project, self.config, issue));
        let rendered: Vec<_> = missing.par_iter().map(render).collect();
        for (issue, (Known { cover, finding }, text)) in missing.into_iter().zip(rendered) {
            // A text may be rendered again; what is wrong is said once.
            if finding.is_some() && self.bad_covers.insert(&issue.path) {
                self.findings.extend(finding);
            }
            match text {
                Ok(text) => {
                    let text = Text { cover, ..text };
                    self.bytes += size(&text);
                    self.held.insert(&issue.path, text);
                }
                Err(finding) => {
                    self.unreadable.insert(&issue.path);
                    self.findings.push(*finding);
                }
            }
        }
    }

    /// The text of an issue for one feed; `None` when it could not be read.
    pub fn take(&mut self, issue: &Issue) -> Option<Text> {
        let path = issue.path.as_str();
        let left = self.wanted.get_mut(path).map_or(0, |wanted| {
            *wanted = wanted.saturating_sub(1);
            *wanted
        });
        if left > 0 {
            return self.held.get(path).cloned();
        }
        let text = self.held.remove(path)?;
        self.bytes -= size(&text);
        Some(text)
    }

    /// Forgets texts that are only wanted by later feeds, once they are too many.
    pub fn make_room(&mut self) {
        if self.bytes > MOST_BYTES_HELD {
            self.held.clear();
            self.bytes = 0;
        }
    }

    /// What could not be read, and what is wrong with covers, in the order it was wanted.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

fn size(text: &Text) -> usize {
    text.html.len() + text.summary.len()
}

/// What the feed takes from an issue's body.
fn text(project: &Project, config: &Config, issue: &Issue) -> Result<Text, Box<Finding>> {
    let full = config.feeds.content == FeedContent::Full;
    if !full && issue.description.is_some() {
        return Ok(Text::default());
    }
    let body = load::body(project, issue)?;
    let document = Document::parse(&body);
    let html =
        if full { html::render(&document, &issue.permalink, &prefix(issue), Reader::Feed) } else { String::new() };
    let summary = if issue.description.is_none() { summary(&document) } else { String::new() };
    Ok(Text { html, summary, cover: None })
}
