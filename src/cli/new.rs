//! `slugline new`: a new issue from an archetype.

use anyhow::Context as _;

use crate::cli::{Context, Exit};
use crate::content::permalink::file_name_of_title;
use crate::finding::Finding;

/// Write a new issue
///
/// It becomes `SLUG/index.md` in the first content folder: a draft with today's date. A file `archetypes/issue.md` (or
/// Hugo's `archetypes/default.md`) in the project is used as its pattern: `{{ title }}`, `{{ date }}` and `{{ slug }}`
/// in it are filled in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  slugline new \"SOFA Weekly 7\"")]
pub(super) struct Args {
    /// Title of the issue
    title: String,
    /// Its slug [default: made from the title]
    #[arg(long)]
    slug: Option<String>,
}

const ARCHETYPE: &str = include_str!("../../templates/archetype.md");

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let slug = file_name_of_title(args.slug.as_deref().unwrap_or(&args.title));
    if slug.is_empty() {
        let empty = Finding::error("usage", format!("the title `{}` leaves nothing for a slug", args.title));
        return Err(empty.help("name one with `--slug`").into());
    }
    let folder = config.content.first().context("the project file names no content folder")?;
    let path = folder.join(&slug).join("index.md");
    let date = context.build_clock.now().with_timezone(&config.publication.time_zone);
    let text = filled_in(&archetype(context)?, &args.title, &slug, &date.to_rfc3339())?;
    context.project.write_new(&path, text.as_bytes())?;
    context.report.result(&path.to_string_lossy(), &serde_json::json!({ "path": path }))?;
    Ok(Exit::Done)
}

/// The project's own archetype, else the default one. Hugo's archetypes hold Go templates: those are not ours to read.
fn archetype(context: &Context) -> anyhow::Result<String> {
    for path in ["archetypes/issue.md", "archetypes/default.md"] {
        if let Some(text) = context.project.text_if_there(path)?
            && !text.contains("{{ .")
            && !text.contains("{{.")
        {
            return Ok(text);
        }
    }
    Ok(ARCHETYPE.to_owned())
}

/// Quotes the title as JSON does, which YAML and TOML read too.
fn filled_in(archetype: &str, title: &str, slug: &str, date: &str) -> anyhow::Result<String> {
    let title = serde_json::to_string(title)?;
    Ok(archetype.replace("{{ title }}", &title).replace("{{ date }}", date).replace("{{ slug }}", slug))
}
