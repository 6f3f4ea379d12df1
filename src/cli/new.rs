//! `slugline new`: a new issue from an archetype.

use std::path::Path;

use anyhow::Context as _;
use chrono::SecondsFormat;
use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::content::url_path::file_name_of_title;
use crate::finding::Finding;

/// Write a new issue
///
/// Creates `SLUG/index.md` in the first content folder: a draft with today's date. The archetype is the project's
/// `archetypes/issue.md` (or Hugo's `archetypes/default.md`), in which `{{ title }}`, `{{ date }}` and `{{ slug }}` are
/// replaced.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline new \"SOFA Weekly 7\"")]
pub(super) struct Args {
    /// Title of the issue
    title: String,
    /// Slug [default: made from the title]
    #[arg(long)]
    slug: Option<String>,
}

/// The document of `new`.
#[derive(Serialize)]
struct Document<'a> {
    /// The new file, below the project folder.
    path: &'a Path,
}

const ARCHETYPE: &str = include_str!("../../templates/archetype.md");

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let slug = file_name_of_title(args.slug.as_deref().unwrap_or(&args.title));
    if slug.is_empty() {
        let empty = Finding::error("usage", format!("no slug can be made from the title `{}`", args.title));
        return Err(empty.help("give one with `--slug`").into());
    }
    let folder = config.content.first().context("the project file names no content folder")?;
    let path = folder.join(&slug).join("index.md");
    if context.project.path(&path).exists() {
        let there = Finding::error("usage", format!("`{}` exists already", path.display()));
        return Err(there.help("edit it, or name the new issue with `--slug`").into());
    }
    let date = context.build_clock.now().with_timezone(&config.publication.time_zone);
    let date = date.to_rfc3339_opts(SecondsFormat::Secs, false);
    let text = filled_in(&archetype(context)?, &args.title, &slug, &date)?;
    context.project.write_new(&path, text.as_bytes())?;
    context.report.result(&path.to_string_lossy(), &Document { path: &path })?;
    Ok(Exit::Done)
}

/// The project's archetype, or the default one. Hugo archetypes that are Go templates are not read.
fn archetype(context: &Context) -> anyhow::Result<String> {
    for path in ["archetypes/issue.md", "archetypes/default.md"] {
        if let Some(text) = context.project.text_if_exists(path)?
            && !text.contains("{{ .")
            && !text.contains("{{.")
        {
            return Ok(text);
        }
    }
    Ok(ARCHETYPE.to_owned())
}

/// The title is quoted as in JSON, which YAML and TOML read too.
fn filled_in(archetype: &str, title: &str, slug: &str, date: &str) -> anyhow::Result<String> {
    let title = serde_json::to_string(title)?;
    Ok(archetype.replace("{{ title }}", &title).replace("{{ date }}", date).replace("{{ slug }}", slug))
}
