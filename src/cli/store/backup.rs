//! `slugline store backup`: all that the store holds, in a file.

use std::path::Path;

use crate::cli::{Context, Exit};
use crate::config::Config;
use crate::disk::machine;
use crate::store::backup;
use crate::store::moving::Table;

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
    let [subscribers, mailings, deliveries] =
        [Table::Subscriber, Table::Mailing, Table::Delivery].map(|table| counts.of(table));
    let document = serde_json::json!({
        "backup": file,
        "subscribers": subscribers,
        "mailings": mailings,
        "deliveries": deliveries,
    });
    let line =
        format!("{}: {subscribers} subscribers, {mailings} mailings, {deliveries} recipients of them", file.display());
    context.report.result(&line, &document)?;
    Ok(Exit::Done)
}
