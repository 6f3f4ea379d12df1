//! Renders issues for feeds, and caches the results.
//!
//! Reads and renders in parallel, each issue once for all feeds, and drops an entry after its last use. Entries for
//! later feeds are kept up to a limit of bytes and rendered again beyond it.

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

/// Bytes of entries kept for later batches.
const MAX_CACHED_BYTES: usize = 32 << 20;

/// Rendered entries by the path of their issue.
pub(super) struct RenderCache<'a> {
    bodies: &'a BodyCache<'a>,
    config: &'a Config,
    covers: Covers<'a>,
    shortcodes: Shortcodes<'a>,
    cached: HashMap<&'a str, EntryContent>,
    bytes: usize,
    /// Remaining uses of each entry.
    remaining_uses: HashMap<&'a str, usize>,
    unreadable: BTreeSet<&'a str>,
    /// Issues whose findings are already reported.
    reported: BTreeSet<&'a str>,
    findings: Vec<Finding>,
}

impl<'a> RenderCache<'a> {
    /// An empty cache for these planned feeds.
    ///
    /// # Errors
    /// If `covers.lock` or a template cannot be read.
    pub fn new(
        bodies: &'a BodyCache<'a>,
        project: &'a Project,
        config: &'a Config,
        issues: &'a [Issue],
        plans: &[FeedPlan<'a>],
    ) -> anyhow::Result<Self> {
        let mut remaining_uses = HashMap::new();
        for issue in plans.iter().flat_map(|plan| &plan.issues) {
            *remaining_uses.entry(issue.path.as_str()).or_default() += 1;
        }
        let (covers, mut findings) = Covers::open(project, config)?;
        let (shortcodes, wrong) = load::shortcodes(project, config, issues)?;
        findings.extend(wrong);
        let (cached, unreadable, reported) = (HashMap::new(), BTreeSet::new(), BTreeSet::new());
        Ok(Self {
            bodies,
            config,
            covers,
            shortcodes,
            cached,
            bytes: 0,
            remaining_uses,
            unreadable,
            reported,
            findings,
        })
    }

    /// Renders the missing entries of these feeds. For a feed with a limit of bytes, only as many issues as fill it.
    pub fn render(&mut self, plans: &[FeedPlan<'a>]) {
        const ISSUES_PER_CHUNK: usize = 64;
        self.evict_if_full();
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

    /// The issues of a feed with their content, without unreadable ones, and how many of them are in no archive
    /// document. Issues beyond the limit of bytes have summaries, unless another feed rendered them in full.
    pub fn take(&mut self, plan: &FeedPlan<'a>) -> (Vec<(&'a Issue, EntryContent)>, usize) {
        let past_limit: Vec<&Issue> = plan.issues.iter().copied().filter(|issue| !self.is_cached(issue)).collect();
        let summaries: Vec<_> = past_limit.par_iter().map(|issue| self.render_issue(issue, false)).collect();
        let mut summaries: HashMap<&str, _> =
            past_limit.iter().map(|issue| issue.path.as_str()).zip(summaries).collect();
        let mut shown = Vec::new();
        let mut unarchived = 0;
        for (at, issue) in plan.issues.iter().enumerate() {
            let cached = self.take_one(issue);
            let text = match summaries.remove(issue.path.as_str()) {
                None => cached,
                Some(summary) => self.report(issue, summary),
            };
            if let Some(text) = text {
                shown.push((*issue, text));
                unarchived += usize::from(at < plan.unarchived);
            }
        }
        (shown, unarchived)
    }

    /// Drops entries of later feeds if they exceed the limit.
    fn evict_if_full(&mut self) {
        if self.bytes > MAX_CACHED_BYTES {
            self.cached.clear();
            self.bytes = 0;
        }
    }

    /// Unreadable issues and problems with covers, in the order found.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    fn add(&mut self, issues: impl Iterator<Item = &'a Issue>) {
        let mut asked = BTreeSet::new();
        let missing = |issue: &&'a Issue| !self.is_cached(issue) && asked.insert(issue.path.as_str());
        let missing: Vec<&'a Issue> = issues.filter(missing).collect();
        let full = self.config.feeds.content == Extent::Full;
        let rendered: Vec<_> = missing.par_iter().map(|issue| self.render_issue(issue, full)).collect();
        for (issue, rendered) in missing.into_iter().zip(rendered) {
            if let Some(text) = self.report(issue, rendered) {
                self.bytes += size(&text);
                self.cached.insert(&issue.path, text);
            }
        }
    }

    /// Content for one more feed; the last use takes it, earlier ones copy it.
    fn take_one(&mut self, issue: &'a Issue) -> Option<EntryContent> {
        let path = issue.path.as_str();
        let remaining_uses = self.remaining_uses.entry(path).or_default();
        *remaining_uses = remaining_uses.saturating_sub(1);
        if *remaining_uses > 0 {
            return self.cached.get(path).cloned();
        }
        let text = self.cached.remove(path)?;
        self.bytes -= size(&text);
        Some(text)
    }

    fn is_cached(&self, issue: &Issue) -> bool {
        self.cached.contains_key(issue.path.as_str()) || self.unreadable.contains(issue.path.as_str())
    }

    fn html_bytes(&self, issue: &Issue) -> usize {
        self.cached.get(issue.path.as_str()).map_or(0, |text| text.html.len())
    }

    fn render_issue(&self, issue: &Issue, full: bool) -> Rendered {
        let KnownCover { cover, finding } = self.covers.cover(issue);
        match entry_content(self.bodies, &self.shortcodes, issue, full) {
            Err(unreadable) => Rendered { text: Err(unreadable), findings: finding.into_iter().collect() },
            Ok((text, wrong)) => Rendered {
                text: Ok(EntryContent { cover, ..text }),
                findings: finding.into_iter().chain(wrong).collect(),
            },
        }
    }

    /// Reports findings once, even if an issue is rendered again.
    fn report(&mut self, issue: &'a Issue, rendered: Rendered) -> Option<EntryContent> {
        if !rendered.findings.is_empty() && self.reported.insert(&issue.path) {
            self.findings.extend(rendered.findings);
        }
        let unreadable = |finding: Box<Finding>| {
            self.unreadable.insert(&issue.path);
            self.findings.push(*finding);
        };
        rendered.text.map_err(unreadable).ok()
    }
}

/// The result of rendering an issue.
struct Rendered {
    text: Result<EntryContent, Box<Finding>>,
    /// Problems with its cover and its shortcodes.
    findings: Vec<Finding>,
}

fn size(text: &EntryContent) -> usize {
    text.html.len() + text.summary.len()
}

/// Renders what a feed needs of an issue's body; also returns findings about its shortcodes.
fn entry_content(
    bodies: &BodyCache<'_>,
    shortcodes: &Shortcodes<'_>,
    issue: &Issue,
    full: bool,
) -> Result<(EntryContent, Vec<Finding>), Box<Finding>> {
    if !full && issue.description.is_some() {
        return Ok((EntryContent::default(), Vec::new()));
    }
    let body = bodies.body(issue)?;
    let (document, findings) = shortcodes.document(issue, &body);
    let html =
        if full { html::render(&document, &issue.permalink, &prefix(issue), Reader::Feed) } else { String::new() };
    let summary = if issue.description.is_none() { summary(&document) } else { String::new() };
    Ok((EntryContent { html, summary, cover: None }, findings))
}
