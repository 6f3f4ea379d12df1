//! `slugline covers`: measures covers elsewhere on the web.

use clap::Subcommand;
use serde::Serialize;
use url::Url;

use crate::cli::{Context, Exit, build, built};
use crate::covers::{FetchPlan, FetchReport, FetchScope, UnusedEntries};
use crate::covers_lock::{self, CoverEntry};
use crate::finding::Finding;
use crate::load;

/// Measure covers elsewhere on the web
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline covers fetch")]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Measure the covers of all issues that are elsewhere on the web, and write `covers.lock`
    ///
    /// Downloads each cover and records its type and its size in bytes and pixels. Only covers that were never measured are
    /// downloaded; entries that no issue uses any more are dropped. Commit the file: builds read it and never the web. Hosts
    /// that are not on the public internet are not contacted, and no proxy is used.
    #[command(after_help = "Examples:\n  slugline covers fetch\n  slugline covers fetch --all")]
    Fetch {
        /// Measure known covers again
        #[arg(long)]
        all: bool,
    },
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let Action::Fetch { all } = args.action;
    let config = context.config()?;
    let loaded = load::issues(&context.project, &config, context.build_clock.now())?;
    let which = if all { FetchScope::All } else { FetchScope::Missing };
    let unused = if loaded.findings.iter().any(Finding::is_error) { UnusedEntries::Keep } else { UnusedEntries::Drop };
    let plan = FetchPlan::new(&context.project, &config, &loaded.issues, which)?;
    let bar = context.report.progress(plan.wanted() as u64, "covers");
    let fetched = plan.fetch(unused, || bar.inc(1))?;
    bar.finish_and_clear();
    context.report.findings(&loaded.findings);
    context.report.findings(&fetched.findings);
    let findings: Vec<&Finding> = loaded.findings.iter().chain(&fetched.findings).collect();
    if context.report.json {
        context.report.document(&Document::of(&fetched))?;
    } else {
        context.report.table(&rows(&fetched))?;
        context.report.message(&summary(&fetched));
    }
    Ok(build::exit(findings))
}

fn rows(fetched: &FetchReport) -> Vec<Vec<String>> {
    let measured = fetched.measured.iter().map(|(url, CoverEntry { mime_type, bytes, size })| {
        let pixels = size.map(|(width, height)| format!("{width}x{height}")).unwrap_or_default();
        vec!["measured".to_owned(), url.to_string(), mime_type.clone(), built::size(*bytes), pixels]
    });
    let dropped = fetched.dropped.iter().map(|address| vec!["dropped".to_owned(), address.clone()]);
    measured.chain(dropped).collect()
}

fn summary(fetched: &FetchReport) -> String {
    let failed = fetched.findings.iter().filter(|finding| finding.is_error()).count();
    let (measured, kept, dropped) = (fetched.measured.len(), fetched.kept, fetched.dropped.len());
    let file = covers_lock::FILE;
    format!("{file}: {measured} measured, {kept} known before, {dropped} dropped, {failed} failed.")
}

/// The document of `covers fetch`.
#[derive(Serialize)]
struct Document<'a> {
    /// `covers.lock`.
    path: &'static str,
    /// Whether the file is `new`, `changed` or `unchanged`.
    written: &'static str,
    /// Covers that were measured now.
    measured: Vec<MeasuredRow<'a>>,
    /// How many covers were measured before.
    kept: usize,
    /// URLs that no issue uses any more.
    dropped: &'a [String],
}

/// A measured cover.
#[derive(Serialize)]
struct MeasuredRow<'a> {
    /// URL of the cover.
    url: &'a str,
    /// Media type.
    #[serde(rename = "type")]
    mime_type: &'a str,
    /// Size of the file.
    bytes: u64,
    /// In pixels, if the format contains it.
    width: Option<u32>,
    /// In pixels.
    height: Option<u32>,
}

impl<'a> Document<'a> {
    fn of(fetched: &'a FetchReport) -> Self {
        let row = |(url, CoverEntry { mime_type, bytes, size }): &'a (Url, CoverEntry)| {
            let (width, height) = size.unzip();
            MeasuredRow { url: url.as_str(), mime_type, bytes: *bytes, width, height }
        };
        Self {
            path: covers_lock::FILE,
            written: built::word(fetched.written),
            measured: fetched.measured.iter().map(row).collect(),
            kept: fetched.kept,
            dropped: &fetched.dropped,
        }
    }
}
