//! The rendered texts of the issues while feeds are made of them.
//!
//! Reads and renders side by side, each issue once however many feeds show it, and forgets a text when the last of them
//! has it. RenderCache that many feeds want, far apart, are kept up to a limit of bytes; past it they are rendered again.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use crate::config::Config;
use crate::content::html::{self, Reader};
use crate::content::summary::summary;
use crate::covers::{Covers, KnownCover};
use crate::disk::Project;
use crate::feed::EntryContent;
use crate::feed::plan::FeedPlan;
use crate::finding::Finding;
use crate::issue::{Extent, Issue};
use crate::load;
use crate::publish::body_cache::BodyCache;
use crate::publish::prefix;
use crate::shortcodes::Shortcodes;

/// Bytes of text that may wait for feeds of later batches.
const MAX_CACHED_BYTES: usize = 32 << 20;

/// RenderCache by the path of their issue.
pub(super) struct RenderCache<'a> {
    bodies: &'a BodyCache<'a>,
    config: &'a Config,
    covers: Covers<'a>,
    shortcodes: Shortcodes<'a>,
    held: HashMap<&'a str, EntryContent>,
    bytes: usize,
    /// How many feeds still want a text.
    wanted: HashMap<&'a str, usize>,
    unreadable: BTreeSet<&'a str>,
    /// With whose cover or text something is wrong that has been said.
    named: BTreeSet<&'a str>,
    findings: Vec<Finding>,
}

impl<'a> RenderCache<'a> {
    /// No text yet, for these feeds to come.
    ///
    /// # Errors
    /// When `covers.lock` or a template is there and cannot be read.
    pub fn new(
        bodies: &'a BodyCache<'a>,
        project: &'a Project,
        config: &'a Config,
        issues: &'a [Issue],
        plans: &[FeedPlan<'a>],
    ) -> anyhow::Result<Self> {
        let mut wanted = HashMap::new();
        for issue in plans.iter().flat_map(|plan| &plan.issues) {
            *wanted.entry(issue.path.as_str()).or_default() += 1;
        }
        let (covers, mut findings) = Covers::open(project, config)?;
        let (shortcodes, wrong) = load::shortcodes(project, config, issues)?;
        findings.extend(wrong);
        let (held, unreadable, named) = (HashMap::new(), BTreeSet::new(), BTreeSet::new());
        Ok(Self { bodies, config, covers, shortcodes, held, bytes: 0, wanted, unreadable, named, findings })
    }

    /// Renders what these feeds want and is not there yet. Of a feed with a limit of bytes only as many issues as fill it.
    pub fn render(&mut self, plans: &[FeedPlan<'a>]) {
        const ISSUES_PER_CHUNK: usize = 64;
        self.make_room();
        let at_once = |plan: &FeedPlan<'a>| plan.max_bytes.map_or(plan.issues.len(), |_| ISSUES_PER_CHUNK);
        let first = plans.iter().flat_map(|plan| plan.issues.iter().take(at_once(plan)));
        self.add(first.copied());
        for plan in plans {
            let mut bytes = 0;
            for issues in plan.issues.chunks(ISSUES_PER_CHUNK) {
                if plan.max_bytes.is_some_and(|most| bytes > most) {
                    break;
                }
                self.add(issues.iter().copied());
                bytes += issues.iter().map(|issue| self.html_bytes(issue)).sum::<usize>();
            }
        }
    }

    /// The issues of a feed with their texts, and how many of them are in no archive. What could not be read is not among
    /// them. RenderCache past the limit of bytes are summaries, unless another feed had them whole.
    pub fn take(&mut self, plan: &FeedPlan<'a>) -> (Vec<(&'a Issue, EntryContent)>, usize) {
        let past_limit: Vec<&Issue> = plan.issues.iter().copied().filter(|issue| !self.is_known(issue)).collect();
        let summaries: Vec<_> = past_limit.par_iter().map(|issue| self.text(issue, false)).collect();
        let mut summaries: HashMap<&str, _> =
            past_limit.iter().map(|issue| issue.path.as_str()).zip(summaries).collect();
        let mut shown = Vec::new();
        let mut unarchived = 0;
        for (at, issue) in plan.issues.iter().enumerate() {
            let held = self.take_one(issue);
            let text = match summaries.remove(issue.path.as_str()) {
                None => held,
                Some(summary) => self.noted(issue, summary),
            };
            if let Some(text) = text {
                shown.push((*issue, text));
                unarchived += usize::from(at < plan.unarchived);
            }
        }
        (shown, unarchived)
    }

    /// Forgets texts that only later feeds want, once they are too many.
    fn make_room(&mut self) {
        if self.bytes > MAX_CACHED_BYTES {
            self.held.clear();
            self.bytes = 0;
        }
    }

    /// What could not be read, and what is wrong with covers, in the order it was wanted.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    fn add(&mut self, issues: impl Iterator<Item = &'a Issue>) {
        let mut asked = BTreeSet::new();
        let missing = |issue: &&'a Issue| !self.is_known(issue) && asked.insert(issue.path.as_str());
        let missing: Vec<&'a Issue> = issues.filter(missing).collect();
        let full = self.config.feeds.content == Extent::Full;
        let rendered: Vec<_> = missing.par_iter().map(|issue| self.text(issue, full)).collect();
        for (issue, rendered) in missing.into_iter().zip(rendered) {
            if let Some(text) = self.noted(issue, rendered) {
                self.bytes += size(&text);
                self.held.insert(&issue.path, text);
            }
        }
    }

    /// The text for one more feed: the last one gets it, the others a copy.
    fn take_one(&mut self, issue: &'a Issue) -> Option<EntryContent> {
        let path = issue.path.as_str();
        let wanted = self.wanted.entry(path).or_default();
        *wanted = wanted.saturating_sub(1);
        if *wanted > 0 {
            return self.held.get(path).cloned();
        }
        let text = self.held.remove(path)?;
        self.bytes -= size(&text);
        Some(text)
    }

    fn is_known(&self, issue: &Issue) -> bool {
        self.held.contains_key(issue.path.as_str()) || self.unreadable.contains(issue.path.as_str())
    }

    fn html_bytes(&self, issue: &Issue) -> usize {
        self.held.get(issue.path.as_str()).map_or(0, |text| text.html.len())
    }

    fn text(&self, issue: &Issue, full: bool) -> Rendered {
        let KnownCover { cover, finding } = self.covers.of(issue);
        match text(self.bodies, &self.shortcodes, issue, full) {
            Err(unreadable) => Rendered { text: Err(unreadable), findings: finding.into_iter().collect() },
            Ok((text, wrong)) => Rendered {
                text: Ok(EntryContent { cover, ..text }),
                findings: finding.into_iter().chain(wrong).collect(),
            },
        }
    }

    /// Takes note of what is wrong. A text may be rendered again: what is wrong is said once.
    fn noted(&mut self, issue: &'a Issue, rendered: Rendered) -> Option<EntryContent> {
        if !rendered.findings.is_empty() && self.named.insert(&issue.path) {
            self.findings.extend(rendered.findings);
        }
        let unreadable = |finding: Box<Finding>| {
            self.unreadable.insert(&issue.path);
            self.findings.push(*finding);
        };
        rendered.text.map_err(unreadable).ok()
    }
}

/// What came of rendering an issue.
struct Rendered {
    text: Result<EntryContent, Box<Finding>>,
    /// What is wrong with its cover and its shortcodes.
    findings: Vec<Finding>,
}

fn size(text: &EntryContent) -> usize {
    text.html.len() + text.summary.len()
}

/// What the feed takes from an issue's body, and what is wrong with its shortcodes.
fn text(
    bodies: &BodyCache<'_>,
    shortcodes: &Shortcodes<'_>,
    issue: &Issue,
    full: bool,
) -> Result<(EntryContent, Vec<Finding>), Box<Finding>> {
    if !full && issue.description.is_some() {
        return Ok((EntryContent::default(), Vec::new()));
    }
    let body = bodies.of(issue)?;
    let (document, findings) = shortcodes.document(issue, &body);
    let html =
        if full { html::render(&document, &issue.permalink, &prefix(issue), Reader::Feed) } else { String::new() };
    let summary = if issue.description.is_none() { summary(&document) } else { String::new() };
    Ok((EntryContent { html, summary, cover: None }, findings))
}
