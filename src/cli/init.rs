//! `slugline init`: a project file that works, with every key explained.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::config::Config;
use crate::disk::Project;
use crate::finding::Finding;
use crate::private::IGNORED;

/// Write a commented project file
///
/// The defaults fit a Hugo site: its `content` folder is used unchanged. `.gitignore` is written or extended, so that
/// subscribers, messages, keys and passwords stay out of git.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cd my-blog && slugline init\n  slugline init --title \"Tide Notes\" \
                  --base-url https://tides.example.org")]
pub(super) struct Args {
    /// Folder to write it into [default: the project folder]
    folder: Option<PathBuf>,
    /// Title of the publication
    #[arg(long)]
    title: Option<String>,
    /// Address of its website, such as `https://tides.example.org`
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
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
    project.write_new(&context.config_file, filled_in(args)?.as_bytes())?;
    let ignored = ignore(&project)?;
    context.report.result(&path.to_string_lossy(), &Document { path: &path, gitignore: ignored })?;
    context.report.message(match (&args.title, &args.base_url) {
        (Some(_), Some(_)) => "Run `slugline build`.",
        (None, Some(_)) => "Set `title` in it, then run `slugline build`.",
        (Some(_), None) => "Set `base_url` in it, then run `slugline build`.",
        (None, None) => "Set `title` and `base_url` in it, then run `slugline build`.",
    });
    if ignored {
        context.report.message("Git ignores files with addresses, keys and messages: see `.gitignore`.");
    }
    Ok(Exit::Done)
}

/// The project file with the values given, quoted as in JSON, which YAML reads too.
fn filled_in(args: &Args) -> anyhow::Result<String> {
    let mut text = PROJECT_FILE.to_owned();
    for (key, default, value) in
        [("title", "My Weekly", &args.title), ("base_url", "https://www.example.org", &args.base_url)]
    {
        if let Some(value) = value {
            text = text.replacen(
                &format!("\n{key}: {default}"),
                &format!("\n{key}: {}", serde_json::to_string(value)?),
                1,
            );
        }
    }
    if args.base_url.is_some() {
        let problem = Config::parse("slugline.yaml", &text).err().and_then(|findings| findings.into_iter().next());
        if let Some(problem) = problem {
            return Err(Finding { place: None, ..problem }.into());
        }
    }
    Ok(text)
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
