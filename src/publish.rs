//! Builds the published feeds and files from the issues of a project.
//!
//! Renders only what a feed shows, and each issue once for all feeds. An issue that cannot be read is left out and
//! reported without affecting others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::thread::{self, ScopedJoinHandle};

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::config::Config;
use crate::disk::{Project, Written};
use crate::feed::directory::{directory, opml};
use crate::feed::plan::{FeedKind, FeedPlan, feed_plans};
use crate::feed::{AddedSeconds, Dates, Feed, FittedFiles, Format, stylesheet};
use crate::finding::Finding;
use crate::identity::lock::Lock;
use crate::identity::{LockMode, LockReport, read_lock, record};
use crate::issue::{Issue, IssueId};
use crate::publish::body_cache::BodyCache;
use crate::publish::pages::PageFile;
use crate::publish::render_cache::RenderCache;
use crate::publish::stale_feeds::stale_feeds;

mod body_cache;
pub mod compare;
pub mod pages;
mod render_cache;
mod stale_feeds;

/// A feed file that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltFeed {
    /// What the feed covers.
    pub kind: FeedKind,
    /// Title of the feed.
    pub title: String,
    /// The feed's folder, below the project folder.
    pub folder: String,
    /// The format of the feed.
    pub format: Format,
    /// The file, below the project folder.
    pub path: String,
    /// Number of entries.
    pub entries: usize,
    /// Entries, counted from the oldest, that are summaries because of `max_bytes`.
    pub shortened: usize,
    /// Older issues left out because of `max_bytes`.
    pub left_out: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// Whether that is more than `max_bytes`, because what must stay is larger.
    pub is_too_large: bool,
    /// Whether the file was written.
    pub written: Written,
}

/// A file written beside the feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideFile {
    /// Its purpose.
    pub role: SideFileRole,
    /// The file, below the project folder.
    pub path: String,
    /// Size in bytes.
    pub bytes: usize,
    /// Whether the file was written.
    pub written: Written,
}

/// The purpose of a file beside the feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideFileRole {
    /// The style sheet for browsers.
    Stylesheet,
    /// The OPML list of all feeds.
    Opml,
}

/// The result of a build.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Build {
    /// Every feed in its formats: main feeds, archive documents, then the feeds of terms.
    pub files: Vec<BuiltFeed>,
    /// Files beside the feeds.
    pub companions: Vec<SideFile>,
    /// The web archive: indexes, pages, then the files they use.
    pub pages: Vec<PageFile>,
    /// `feeds.lock`; `None` if the build leaves it alone.
    pub lock: Option<LockReport>,
    /// What was left out, and why.
    pub findings: Vec<Finding>,
}

/// Threads that write this many files: they mostly wait for the disk.
fn writers(files: usize) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    const MAX_THREADS: usize = 8;
    rayon::ThreadPoolBuilder::new().num_threads(files.clamp(1, MAX_THREADS)).build()
}

/// Builds the feeds of these issues into the folder `output`. Records their ids first, so that a build that is killed
/// has published no unrecorded id.
///
/// # Errors
/// If a file cannot be written; files written before are complete. `LockChanged` if the lock would change but must not.
pub fn build(
    project: &Project,
    config: &Config,
    issues: &[Issue],
    output: &Path,
    now: DateTime<Utc>,
    lock_mode: LockMode,
) -> anyhow::Result<Build> {
    let output = output.strip_prefix(".").unwrap_or(output);
    let plans = feed_plans(&config.publications(), &config.feeds, issues, now);
    let paged = pages::with_page(config, issues, now);
    let shown = plans.iter().flat_map(|plan| plan.issues.iter().copied()).chain(paged.iter().copied());
    let mut bodies = BodyCache::new(project);
    let before = read_lock(project)?;
    let dates = dates(&before, &plans, now);
    let prints = match lock_mode {
        LockMode::LeaveAlone => Vec::new(),
        LockMode::Write | LockMode::Locked => {
            bodies.prints(&before, &dates, shown.chain(issues.iter().filter(|issue| issue.is_backfilled)))
        }
    };
    let record = || record(project, &before, issues, &prints, lock_mode);
    let mut texts = RenderCache::new(&bodies, project, config, issues, &plans)?;
    let writer = FeedWriter { project, config, output, dates: &dates };
    let (lock, files) = writer.write_all(record, &plans, &mut texts)?;
    let companions = write_side_files(project, config, output, &plans)?;
    let mut build = Build { files, companions, pages: Vec::new(), lock, findings: texts.into_findings() };
    build.files.sort_by_key(|built| built.kind);
    let paths = build.files.iter().map(|built| &built.path);
    let built: BTreeSet<String> = paths.chain(build.companions.iter().map(|built| &built.path)).cloned().collect();
    let source = pages::Source { project, config, issues, bodies: &bodies, output, built: &built };
    let made = pages::pages(&source, &paged, &plans)?;
    build.pages = made.pages;
    // The feeds may have reported the same findings.
    let reported: HashSet<Finding> = build.findings.iter().cloned().collect();
    build.findings.extend(made.findings.into_iter().filter(|finding| !reported.contains(finding)));
    build.findings.extend(stale_feeds(project, config, output, &build.files)?);
    Ok(build)
}

/// What the dates of entries depend on: issues published before keep theirs.
fn dates(lock: &Lock, plans: &[FeedPlan<'_>], now: DateTime<Utc>) -> Dates {
    let recorded: BTreeMap<&IssueId, u32> = lock.entries.values().map(|locked| (&locked.id, locked.seconds)).collect();
    let shown = plans.iter().flat_map(|plan| plan.issues.iter().copied());
    Dates { now, added: AddedSeconds::new(shown, &|issue| recorded.get(&issue.id).copied(), now) }
}

/// The sizes of the main feeds, by file below the project folder. Writes nothing.
///
/// # Errors
/// If `covers.lock` cannot be read, or a feed cannot be built.
pub fn feed_sizes(
    project: &Project,
    config: &Config,
    issues: &[Issue],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<(String, usize)>> {
    let mut plans = feed_plans(&config.publications(), &config.feeds, issues, now);
    plans.retain(|plan| plan.kind == FeedKind::Main);
    let bodies = BodyCache::new(project);
    let mut texts = RenderCache::new(&bodies, project, config, issues, &plans)?;
    let dates = dates(&Lock::default(), &plans, now);
    let writer = FeedWriter { project, config, output: &config.output, dates: &dates };
    let mut sizes = Vec::new();
    for plan in &plans {
        texts.render(std::slice::from_ref(plan));
        let mut feed = writer.feed(plan, &mut texts);
        let fitted = feed.fit()?;
        for (format, file) in &config.feeds.formats {
            let path = writer.output.join(&plan.folder).join(file);
            let bytes =
                fitted.get(format).map_or_else(|| Ok(feed.render(*format)?.len()), |bytes| anyhow::Ok(bytes.len()))?;
            sizes.push((path.to_string_lossy().into_owned(), bytes));
        }
    }
    Ok(sizes)
}

/// Builds and writes feeds.
#[derive(Clone, Copy)]
struct FeedWriter<'a> {
    project: &'a Project,
    config: &'a Config,
    output: &'a Path,
    dates: &'a Dates,
}

impl FeedWriter<'_> {
    /// Runs `record`, then writes every feed; returns the results. One batch is written while the next is rendered: two at most are in
    /// memory.
    fn write_all<'a, R: Send>(
        self,
        record: impl FnOnce() -> anyhow::Result<R> + Send,
        plans: &[FeedPlan<'a>],
        texts: &mut RenderCache<'a>,
    ) -> anyhow::Result<(R, Vec<BuiltFeed>)> {
        let writers = writers(plans.len() * self.config.feeds.formats.len())?;
        thread::scope(|scope| {
            let mut writing = scope.spawn(|| Ok((record()?, Vec::new())));
            for batch in batches(plans) {
                texts.render(batch);
                let feeds: Vec<_> = batch.iter().map(|plan| (plan, self.feed(plan, texts))).collect();
                let fit = |(plan, mut feed): (_, Feed)| feed.fit().map(|files| (plan, feed, files));
                let feeds = feeds.into_par_iter().map(fit).collect::<anyhow::Result<Vec<_>>>()?;
                let (recorded, mut built) = join(writing)?;
                let writers = &writers;
                writing = scope.spawn(move || {
                    built.extend(writers.install(|| self.write_batch(feeds))?);
                    Ok((recorded, built))
                });
            }
            join(writing)
        })
    }

    fn feed<'a>(self, plan: &FeedPlan<'a>, texts: &mut RenderCache<'a>) -> Feed {
        let (shown, unarchived) = texts.take(plan);
        Feed::new(&self.config.publication, &self.config.feeds, plan, shown, unarchived, self.dates)
    }

    /// Writes each feed in each format, in parallel.
    fn write_batch(self, feeds: Vec<(&FeedPlan<'_>, Feed, FittedFiles)>) -> anyhow::Result<Vec<BuiltFeed>> {
        let write = |(plan, feed, fitted): (&FeedPlan<'_>, Feed, FittedFiles)| self.write_feed(plan, &feed, &fitted);
        // Reports the first error in file order, whichever thread failed first.
        let written: Vec<anyhow::Result<Vec<BuiltFeed>>> = feeds.into_par_iter().map(write).collect();
        Ok(written.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat())
    }

    fn write_feed(self, plan: &FeedPlan<'_>, feed: &Feed, fitted: &FittedFiles) -> anyhow::Result<Vec<BuiltFeed>> {
        let folder = self.output.join(&plan.folder);
        let write = |(format, file): (&Format, &String)| {
            let path = folder.join(file);
            let bytes =
                fitted.get(format).map_or_else(|| feed.render(*format).map(Cow::Owned), |bytes| Ok(bytes.into()))?;
            Ok(BuiltFeed {
                kind: plan.kind,
                title: feed.title.clone(),
                folder: folder.to_string_lossy().into_owned(),
                format: *format,
                written: self.project.write(&path, &bytes)?,
                path: path.to_string_lossy().into_owned(),
                entries: feed.entries.len(),
                shortened: feed.shortened,
                left_out: feed.left_out,
                bytes: bytes.len(),
                is_too_large: plan.max_bytes.is_some_and(|max| bytes.len() > max),
            })
        };
        let written: Vec<anyhow::Result<BuiltFeed>> = self.config.feeds.formats.par_iter().map(write).collect();
        written.into_iter().collect()
    }
}

/// The result of a thread; a panic is propagated.
fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Feeds that are built together: enough to keep all cores busy, few enough to keep their content in memory. An archive
/// document is never in the batch of a feed that links to it: it must be written first.
fn batches<'a, 'b>(plans: &'b [FeedPlan<'a>]) -> Vec<&'b [FeedPlan<'a>]> {
    const MAX_ISSUES_PER_BATCH: usize = 256;
    let mut batches = Vec::new();
    let (mut start, mut issues) = (0, 0);
    for (at, plan) in plans.iter().enumerate() {
        let is_full = issues + plan.issues.len() > MAX_ISSUES_PER_BATCH;
        if at > start && (is_full || plan.kind != plans[start].kind) {
            batches.push(&plans[start..at]);
            (start, issues) = (at, 0);
        }
        issues += plan.issues.len();
    }
    batches.push(&plans[start..]);
    batches
}

/// Writes the files beside the feeds, with the project's own style sheet if it has one.
fn write_side_files(
    project: &Project,
    config: &Config,
    output: &Path,
    plans: &[FeedPlan<'_>],
) -> anyhow::Result<Vec<SideFile>> {
    let mut companions = Vec::new();
    let mut write = |role: SideFileRole, path: &Path, bytes: &[u8]| -> anyhow::Result<()> {
        let written = project.write(path, bytes)?;
        companions.push(SideFile { role, path: path.to_string_lossy().into_owned(), bytes: bytes.len(), written });
        Ok(())
    };
    if config.feeds.stylesheet {
        let own = project.text_if_exists(Path::new("templates").join(stylesheet::FILE))?;
        let style = own.as_deref().unwrap_or(stylesheet::DEFAULT);
        write(SideFileRole::Stylesheet, &output.join(stylesheet::FILE), style.as_bytes())?;
    }
    if let Some(file) = &config.feeds.opml {
        let opml = opml(&config.publication, &directory(&config.publication.base_url, &config.feeds, plans));
        write(SideFileRole::Opml, &output.join(file), opml.as_bytes())?;
    }
    Ok(companions)
}

/// The prefix of ids in an issue's HTML.
pub fn prefix(issue: &Issue) -> String {
    format!("{}-", issue.slug)
}
