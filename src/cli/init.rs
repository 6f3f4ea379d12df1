//! `slugline init`: a project file that works, with every key explained.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::disk::Project;
use crate::finding::Finding;
use crate::private::IGNORED;

/// Write a commented project file
///
/// The defaults fit a Hugo site: its `content` folder is used unchanged. `.gitignore` is written or extended, so that
/// subscribers, messages, keys and passwords stay out of git.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cd my-blog && slugline init")]
pub(super) struct Args {
    /// Folder to write it into [default: the project folder]
    folder: Option<PathBuf>,
}

/// The document of `init`.
#[derive(Serialize)]
struct Document<'a> {
    /// The project file.
    path: &'a Path,
    /// Whether `.gitignore` was written or extended.
    gitignore: bool,
}

const PROJECT_FILE: &str = include_str!("../../templates/slugline.yaml");

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let project = args.folder.as_ref().map_or_else(|| context.project.clone(), Project::new);
    let path = project.path(&context.config_file);
    if path.exists() {
        let there = Finding::error("usage", format!("`{}` exists already", path.display()));
        return Err(there.help("edit it, or remove it first").into());
    }
    project.write_new(&context.config_file, PROJECT_FILE.as_bytes())?;
    let ignored = ignore(&project)?;
    context.report.result(&path.to_string_lossy(), &Document { path: &path, gitignore: ignored })?;
    context.report.message("Set `title` and `base_url` in it, then run `slugline build`.");
    if ignored {
        context.report.message("Git ignores files with addresses, keys and messages: see `.gitignore`.");
    }
    Ok(Exit::Done)
}

/// Writes or extends `.gitignore`, so that no address, key or message is committed by accident; returns whether anything was
/// missing.
fn ignore(project: &Project) -> anyhow::Result<bool> {
    const FILE: &str = ".gitignore";
    let before = if project.is_file(FILE) { project.bytes(FILE)? } else { Vec::new() };
    let text = String::from_utf8_lossy(&before);
    let is_missing = |pattern: &&str| !text.lines().any(|line| line.trim() == *pattern);
    let missing: Vec<&str> = IGNORED.into_iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let mut after = before.clone();
    if !before.is_empty() {
        after.extend(if before.ends_with(b"\n") { &b"\n"[..] } else { &b"\n\n"[..] });
    }
    after.extend(
        format!("# slugline: subscribers, messages, keys and passwords\n{}\n", missing.join("\n")).into_bytes(),
    );
    project.write(FILE, &after)?;
    Ok(true)
}
