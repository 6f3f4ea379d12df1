//! Builds the web archive: a page for each issue, the index, and the files they use.
//!
//! Renders and writes in parallel, keeping only each page's line in the index. A page that cannot be built is left out
//! and reported without affecting others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::config::Config;
use crate::content::direction::Direction;
use crate::content::summary::summary;
use crate::covers::Covers;
use crate::disk::{Project, Written};
use crate::edition::mail_html;
use crate::feed::directory::{ListedFeed, alternate_links, directory};
use crate::feed::plan::{FeedKind, FeedPlan};
use crate::finding::Finding;
use crate::issue::Issue;
use crate::load;
use crate::page::{self, IssuePage, PageRenderer};
use crate::publication::Publication;
use crate::publish::body_cache::BodyCache;
use crate::publish::pages::address::{AddressedIssue, assign_files};
use crate::publish::{prefix, writers};
use crate::resources::Resources;
use crate::serve;
use crate::shortcodes::Shortcodes;
use crate::templates::Templates;

mod address;
mod index;
mod linked_files;
mod stale_pages;

/// A file of the web archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFile {
    /// Its kind.
    pub part: PageFileKind,
    /// The file, below the project folder.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Whether the file was written.
    pub written: Written,
}

/// The kinds of files in the web archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PageFileKind {
    /// The index, or an older page of it.
    Index,
    /// The page of an issue.
    Issue,
    /// A file that pages embed or link to.
    File,
}

/// The issues that have a page: all published ones, except those excluded from both feeds and email.
pub(super) fn with_page<'a>(config: &Config, issues: &'a [Issue], now: DateTime<Utc>) -> Vec<&'a Issue> {
    let is_shown = |issue: &&Issue| issue.is_published(now) && (issue.feed || issue.email);
    if config.archive.is_some() { issues.iter().filter(is_shown).collect() } else { Vec::new() }
}

/// Problems with the addresses of pages.
pub fn address_findings(config: &Config, issues: &[Issue], now: DateTime<Utc>) -> Vec<Finding> {
    let addressed = |archive| assign_files(config, archive, &with_page(config, issues, now)).1;
    config.archive.as_ref().map_or_else(Vec::new, addressed)
}

/// The input of the web archive.
pub(super) struct Source<'a> {
    pub project: &'a Project,
    pub config: &'a Config,
    /// Every issue, for references.
    pub issues: &'a [Issue],
    pub bodies: &'a BodyCache<'a>,
    /// Output folder, below the project folder.
    pub output: &'a Path,
    /// The other files of this build, below the project folder.
    pub built: &'a BTreeSet<String>,
}

/// The files of a web archive, and its findings.
#[derive(Debug, Default)]
pub(super) struct BuiltPages {
    pub pages: Vec<PageFile>,
    pub findings: Vec<Finding>,
}

/// Writes the web archive, if the project has one: the issues of `with_page`, linking to the feeds of `plans`.
///
/// # Errors
/// If a file cannot be written, or templates, `covers.lock` or a folder cannot be read.
pub(super) fn pages(source: &Source<'_>, shown: &[&Issue], plans: &[FeedPlan<'_>]) -> anyhow::Result<BuiltPages> {
    let Some(archive) = &source.config.archive else { return Ok(BuiltPages::default()) };
    let Source { project, config, .. } = *source;
    let templates = page::templates(&|name| project.text_if_exists(format!("templates/{name}")))?;
    let listed = directory(&config.publication.base_url, &config.feeds, plans);
    let mut builder = SiteBuilder {
        source,
        archive,
        templates: &templates,
        covers: Covers::open(project, config)?.0,
        shortcodes: load::shortcodes(project, config, source.issues)?.0,
        files: Resources::new(project, config),
        made: BuiltPages::default(),
        linked_files: BTreeMap::new(),
    };
    let (addressed, wrong) = assign_files(config, archive, shown);
    builder.made.findings.extend(wrong);
    for publication in config.publications() {
        let of_site: Vec<&AddressedIssue<'_>> =
            addressed.iter().filter(|page| page.issue.site == publication.site).collect();
        builder.site(publication, &of_site, &listed)?;
    }
    builder.copy_files()?;
    builder.report_stale_pages();
    let mut made = builder.made;
    made.pages.sort_by(|a, b| (a.part, &a.path).cmp(&(b.part, &b.path)));
    Ok(made)
}

/// Builds the pages of all languages.
struct SiteBuilder<'a> {
    source: &'a Source<'a>,
    archive: &'a page::Options,
    templates: &'a Templates,
    covers: Covers<'a>,
    shortcodes: Shortcodes<'a>,
    files: Resources<'a>,
    made: BuiltPages,
    /// Files of the project, by path below the output folder.
    linked_files: BTreeMap<String, PathBuf>,
}

/// What is kept of a written page.
struct WrittenPage {
    page: PageFile,
    summary: String,
    files: Vec<(String, PathBuf)>,
    findings: Vec<Finding>,
}

impl SiteBuilder<'_> {
    fn site(
        &mut self,
        publication: &Publication,
        pages: &[&AddressedIssue<'_>],
        listed: &[ListedFeed],
    ) -> anyhow::Result<()> {
        let is_own = |feed: &&ListedFeed| feed.kind == FeedKind::Main && feed.language == publication.language;
        let feeds: Vec<ListedFeed> = listed.iter().filter(is_own).cloned().collect();
        let form = self.subscribe_form(publication)?;
        let site = PageRenderer::new(publication, self.templates, &alternate_links(&feeds), form);
        let listed_issues: Vec<&Issue> = pages.iter().map(|page| page.issue).filter(|issue| issue.feed).collect();
        let place: BTreeMap<&str, usize> =
            listed_issues.iter().enumerate().map(|(at, issue)| (issue.path.as_str(), at)).collect();
        let write = |page: &&AddressedIssue<'_>| {
            let at = place.get(page.issue.path.as_str()).copied();
            let newer = at.and_then(|at| listed_issues.get(at.checked_sub(1)?).copied());
            let older = at.and_then(|at| listed_issues.get(at + 1).copied());
            self.page(&site, page, newer, older)
        };
        let written: Vec<anyhow::Result<Result<WrittenPage, Vec<Finding>>>> =
            writers(pages.len())?.install(|| pages.par_iter().map(write).collect());
        let mut rows: Vec<(&Issue, String)> = Vec::with_capacity(listed_issues.len());
        for (page, kept) in pages.iter().zip(written) {
            match kept? {
                Err(findings) => findings.into_iter().for_each(|finding| self.report(finding)),
                Ok(kept) => {
                    kept.findings.into_iter().for_each(|finding| self.report(finding));
                    self.linked_files.extend(kept.files);
                    self.made.pages.push(kept.page);
                    if page.issue.feed {
                        rows.push((page.issue, kept.summary));
                    }
                }
            }
        }
        self.index(&site, publication, &rows)
    }

    /// The form to subscribe, if readers can.
    fn subscribe_form(&self, publication: &Publication) -> anyhow::Result<Option<String>> {
        let Source { project, config, .. } = *self.source;
        let own = |name: &str| project.text_if_exists(format!("templates/{name}"));
        if config.serve.as_ref().is_some_and(|serve| !serve.subscribe) {
            return Ok(None);
        }
        serve::static_form(config.serve.as_ref(), config.subscribe_address(), publication, None, &own)
    }

    /// Writes the page of an issue; the inner error lists the findings that prevent it.
    fn page(
        &self,
        site: &PageRenderer<'_>,
        page: &AddressedIssue<'_>,
        newer: Option<&Issue>,
        older: Option<&Issue>,
    ) -> anyhow::Result<Result<WrittenPage, Vec<Finding>>> {
        let Source { project, bodies, output, .. } = *self.source;
        let issue = page.issue;
        let text = match bodies.body(issue) {
            Ok(text) => text,
            Err(finding) => return Ok(Err(vec![*finding])),
        };
        let (document, mut findings) = self.shortcodes.document(issue, &text);
        let known = self.covers.cover(issue);
        findings.extend(known.finding);
        let summary = issue.description.clone().unwrap_or_else(|| summary(&document));
        let direction = Direction::of_language(issue.language.as_ref().unwrap_or(site.language()));
        let body = mail_html::page(&document, &issue.permalink, &prefix(issue), direction);
        let files = self.files_of(issue, known.cover.as_ref(), &body);
        let shown = IssuePage { issue, cover: known.cover.as_ref(), body, summary: &summary, newer, older };
        let html = match site.issue_page(&shown) {
            Ok(html) => html,
            Err(finding) => return Ok(Err(findings.into_iter().chain([*finding]).collect())),
        };
        let path = output.join(&page.file);
        let written = project.write(&path, html.as_bytes())?;
        let path = path.to_string_lossy().into_owned();
        let page = PageFile { part: PageFileKind::Issue, path, bytes: html.len() as u64, written };
        Ok(Ok(WrittenPage { page, summary, files, findings }))
    }

    /// A broken template is broken on every page; reports it only once.
    fn report(&mut self, finding: Finding) {
        if finding.rule != "template" || !self.made.findings.contains(&finding) {
            self.made.findings.push(finding);
        }
    }
}
