//! `slugline store copy` and `keep`: moves the store to another place, or abandons the move.

use std::path::Path;

use serde::Serialize;

use crate::cli::store::RowsDocument;
use crate::cli::{Context, Exit, send};
use crate::config::Config;
use crate::disk::machine;
use crate::finding::Finding;
use crate::store::Location;
use crate::store::moving::{self, CopyOutcome, KeepOutcome, Movable, Moved, RowCounts};

/// The document of `store copy`: what to write into the project file, and what was copied.
#[derive(Serialize)]
struct CopyDocument<'a> {
    /// Value of `store` for the project file.
    store: &'a str,
    /// Value of `store_password_file` for the project file.
    store_password_file: Option<&'a Path>,
    #[serde(flatten)]
    rows: RowsDocument,
}

/// The document of `store keep`.
#[derive(Serialize)]
struct KeepDocument {
    /// Whether this store sends, which is so unless the command fails.
    kept: bool,
}

pub(super) fn copy(context: &Context, config: &Config, to: &str, password_file: Option<&Path>) -> anyhow::Result<Exit> {
    let place = place(config, to)?;
    if place == config.store {
        return Err(Finding::error("store-place", "this is the project's store").help("name a different one").into());
    }
    let now = context.clock.now();
    let mut from = context.movable_store(&config.store, None)?;
    let mut other = context.movable_store(&place, password_file)?;
    let bar = context.report.progress(0, "copying");
    let mut each = |total| {
        bar.set_length(total);
        bar.inc(1);
    };
    let copied = moving::copy(&mut *from, &mut *other, to, &machine::this_run(now), now, &mut each);
    bar.finish_and_clear();
    // A refused copy leaves no empty store behind; a store that may be filled is left alone.
    let may_be_filled = |moved: &Moved| moved.place == to;
    if !matches!(copied, Ok(CopyOutcome::Done(_))) && !from.moved()?.is_some_and(|moved| may_be_filled(&moved)) {
        other.discard()?;
    }
    match copied? {
        CopyOutcome::Done(counts) => show(context, to, password_file, &counts),
        CopyOutcome::Busy(other) => Err(send::busy(other.as_ref()).into()),
    }
}

/// Parses the location. One that cannot be parsed is not shown: it may contain a password.
fn place(config: &Config, to: &str) -> anyhow::Result<Location> {
    let place = Location::parse(to).map_err(|why| {
        let message = if why.starts_with('`') { "this is not the location of a store".to_owned() } else { why };
        Finding::error("store-place", message).help("write `sqlite:FILE` or `postgres://USER@HOST/DATABASE`")
    })?;
    Ok(match (place, &config.store) {
        (Location::Postgres(mut database), Location::Postgres(ours)) => {
            database.password_file.clone_from(&ours.password_file);
            Location::Postgres(database)
        }
        (place, _) => place,
    })
}

/// Shows what to write into the project file, and how much was copied.
fn show(context: &Context, to: &str, password_file: Option<&Path>, counts: &RowCounts) -> anyhow::Result<Exit> {
    let mut lines = format!("store: {to}");
    if let Some(file) = password_file {
        lines.push_str(&format!("\nstore_password_file: {}", file.display()));
    }
    let rows = RowsDocument::of(counts);
    context.report.message(&format!(
        "Copied {rows}. The old store refuses to send from now on.\nWrite this into the project file, wherever it is used:"
    ));
    context.report.result(&lines, &CopyDocument { store: to, store_password_file: password_file, rows })?;
    Ok(Exit::Done)
}

pub(super) fn keep(
    context: &Context,
    config: &Config,
    lost: bool,
    password_file: Option<&Path>,
) -> anyhow::Result<Exit> {
    let now = context.clock.now();
    let mut from = context.movable_store(&config.store, None)?;
    let mut to =
        |moved: &Moved| if lost { Ok(None) } else { reopened(context, config, moved, password_file).map(Some) };
    let kept = moving::keep(&mut *from, &mut to, &machine::this_run(now), now)?;
    let (word, exit) = match kept {
        KeepOutcome::Again(moved) => {
            (format!("the move to `{}` is abandoned: this store sends again", moved.place), Exit::Done)
        }
        KeepOutcome::NotMoved => ("this store is not being moved".to_owned(), Exit::Done),
        KeepOutcome::Filled(moved) => {
            let message = format!("the copy to `{}` is complete, and that store may have sent since", moved.place);
            let help = format!("finish the move with `slugline store copy {}`", moved.place);
            return Err(Finding::error("store-moved", message).help(help).into());
        }
        KeepOutcome::Busy(other) => return Err(send::busy(other.as_ref()).into()),
    };
    context.report.result(&word, &KeepDocument { kept: exit == Exit::Done })?;
    Ok(exit)
}

/// The target of a move. If its file does not exist, someone removed it, perhaps to send from it.
fn reopened(
    context: &Context,
    config: &Config,
    moved: &Moved,
    password_file: Option<&Path>,
) -> anyhow::Result<Box<dyn Movable>> {
    let place = place(config, &moved.place)?;
    if let Location::Sqlite(file) = &place
        && context.project.open_if_exists(file)?.is_none()
    {
        let message = format!("`{}` does not exist, so it is unknown whether the copy was finished", file.display());
        let help = "put it back, or add `--lost` if nothing uses it";
        return Err(Finding::error("store-missing", message).help(help).into());
    }
    context.movable_store(&place, password_file)
}
