//! `slugline covers`: what covers elsewhere on the web are.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::report::FindingRow;
use crate::cli::{Context, Exit, build, built};
use crate::covers::{FetchPlan, FetchReport, FetchScope, UnusedEntries};
use crate::covers_lock::{self, CoverEntry};
use crate::finding::Finding;
use crate::load;

/// Measure covers elsewhere on the web
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Measure the covers of all issues that are elsewhere on the web, into `covers.lock`
    ///
    /// Type, size in bytes and in pixels are what the bytes say. Only covers that were never measured are asked for; an
    /// entry that no issue needs any more is dropped. Commit the file: builds read it, and never the web. Hosts that
    /// are not on the public internet are not asked, nor is a proxy used.
    #[command(after_help = "Examples:\n  slugline covers fetch\n  slugline covers fetch --all")]
    Fetch {
        /// Measure covers that are known too
        #[arg(long)]
        all: bool,
    },
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let Action::Fetch { all } = args.action;
    let config = context.config()?;
    let loaded = load::issues(&context.project, &config)?;
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
        context.report.document(&document(&fetched, &findings))?;
    } else {
        context.report.table(&rows(&fetched))?;
        context.report.message(&summary(&fetched));
    }
    Ok(build::exit(&findings))
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

fn document(fetched: &FetchReport, findings: &[&Finding]) -> Value {
    let row = |url: &str, measured: &CoverEntry| {
        let (width, height) = measured.size.unzip();
        json!({ "url": url, "type": measured.mime_type, "bytes": measured.bytes, "width": width, "height": height })
    };
    json!({
        "path": covers_lock::FILE,
        "written": built::word(fetched.written),
        "measured": fetched.measured.iter().map(|(url, measured)| row(url.as_str(), measured)).collect::<Vec<_>>(),
        "kept": fetched.kept,
        "dropped": fetched.dropped,
        "findings": findings.iter().map(|finding| FindingRow::of(finding)).collect::<Vec<_>>(),
    })
}
