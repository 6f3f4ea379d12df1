//! `slugline init`: a project file that works, with every key explained.

use std::path::PathBuf;

use crate::cli::{Context, Exit};
use crate::disk::Project;
use crate::finding::Finding;

/// Write a commented project file
///
/// A Hugo site beside it is recognised: its `content` folder is used as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cd my-blog && slugline init")]
pub(super) struct Args {
    /// Folder to write it into [default: the project folder]
    folder: Option<PathBuf>,
}

const PROJECT_FILE: &str = include_str!("../../templates/slugline.yaml");

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let project = args.folder.as_ref().map_or_else(|| context.project.clone(), Project::new);
    let path = project.path(&context.config_file);
    if path.exists() {
        let there = Finding::error("usage", format!("`{}` is there already", path.display()));
        return Err(there.help("edit it, or remove it first").into());
    }
    project.write_new(&context.config_file, PROJECT_FILE.as_bytes())?;
    context.report.result(&path.to_string_lossy(), &serde_json::json!({ "path": path }))?;
    context.report.message("Set `title` and `base_url` in it, then run `slugline build`.");
    Ok(Exit::Done)
}
