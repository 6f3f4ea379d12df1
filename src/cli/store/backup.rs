//! `slugline store backup`: the complete store in a file.

use std::path::Path;

use serde::Serialize;

use crate::cli::store::RowsDocument;
use crate::cli::{Context, Exit};
use crate::config::Config;
use crate::disk::machine;
use crate::store::backup;

/// The document of `store backup`.
#[derive(Serialize)]
struct Document<'a> {
    /// The file, as named.
    backup: &'a Path,
    #[serde(flatten)]
    rows: RowsDocument,
}

pub(super) fn run(context: &Context, config: &Config, file: &Path) -> anyhow::Result<Exit> {
    let now = context.clock.now();
    let mut from = context.movable_store(&config.store, None)?;
    let bar = context.report.progress(0, "backing up");
    let mut each = |total| {
        bar.set_length(total);
        bar.inc(1);
    };
    let written = backup::back_up(&mut *from, &context.project.path(file), &machine::this_run(now), now, &mut each);
    bar.finish_and_clear();
    let counts = written?;
    let rows = RowsDocument::of(&counts);
    context.report.result(&format!("{}: {rows}", file.display()), &Document { backup: file, rows })?;
    Ok(Exit::Done)
}
