//! `slugline build`: the feeds.

use std::path::PathBuf;

use crate::cli::built::{self, BuildDocument};
use crate::cli::{Context, Exit};
use crate::finding::Finding;
use crate::identity::lock;
use crate::identity::{LockChanged, LockMode};
use crate::load::{self, Issues};
use crate::publish::{self, Build};

/// Write the feeds
///
/// A file is only written if its content changed. The ids of the issues are recorded in `feeds.lock`: commit it.
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline build\n  slugline build --out target/site --drafts --future\n  slugline build --locked"
)]
pub(super) struct Args {
    /// Folder to write into [default: `output` of the project file]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Include drafts
    #[arg(long)]
    drafts: bool,
    /// Include issues with a date in the future
    #[arg(long)]
    future: bool,
    /// Fail, and write nothing, if `feeds.lock` is not up to date
    #[arg(long, conflicts_with_all = ["drafts", "future"])]
    locked: bool,
}

impl Args {
    /// A preview must not record ids of issues whose permalinks may still change.
    fn lock_mode(&self) -> LockMode {
        match self {
            Self { drafts: true, .. } | Self { future: true, .. } => LockMode::LeaveAlone,
            Self { locked: true, .. } => LockMode::Locked,
            _ => LockMode::Write,
        }
    }
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let mut loaded = load::issues(&context.project, &config, context.build_clock.now())?;
    let mut now = context.build_clock.now();
    if args.drafts {
        loaded.issues.iter_mut().for_each(|issue| issue.draft = false);
    }
    if args.future {
        now = loaded.issues.first().map_or(now, |newest| newest.date.to_utc().max(now));
    }
    let output = args.out.as_ref().unwrap_or(&config.output);
    let build = publish::build(&context.project, &config, &loaded.issues, output, now, args.lock_mode())
        .map_err(|error| lock_changed(context, error))?;
    let exit = exit(findings(context, &loaded, &build));
    if context.report.json {
        context.report.document(&BuildDocument::of(&build))?;
    } else {
        built::show(context, &build)?;
    }
    // The process ends here, and freeing a hundred thousand issues one by one takes a twentieth of a build.
    std::mem::forget(loaded);
    Ok(exit)
}

/// Shows and returns the problems of content and build.
pub(super) fn findings<'a>(context: &Context, loaded: &'a Issues, build: &'a Build) -> Vec<&'a Finding> {
    context.report.findings(&loaded.findings);
    context.report.findings(&build.findings);
    built::notes(build).iter().for_each(|note| context.report.message(note));
    loaded.findings.iter().chain(&build.findings).collect()
}

/// Shows the changes that `--locked` refuses, if that is the error.
fn lock_changed(context: &Context, error: anyhow::Error) -> anyhow::Error {
    let Some(changed) = error.downcast_ref::<LockChanged>() else { return error };
    context.report.findings(&changed.findings());
    let help = format!("run `slugline build` without `--locked`, and commit `{}`", lock::FILE);
    Finding::error("lock-changed", changed.to_string()).help(help).into()
}

/// Exits with 1 if something was left out.
pub(super) fn exit<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Exit {
    if findings.into_iter().any(Finding::is_error) { Exit::Attention } else { Exit::Done }
}
