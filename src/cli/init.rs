//! `slugline init`: a project file that works, with every key explained.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::config::Config;
use crate::disk::Project;
use crate::finding::Finding;
use crate::load;
use crate::private::IGNORED;

mod hugo;
mod site;

/// Write a commented project file
///
/// On a site of Hugo, Jekyll, Hexo, Zola, Pelican, Docusaurus, VuePress, VitePress, Astro or Eleventy, title, address, language, time
/// zone, folders and permalinks come from its configuration. `.gitignore` is
/// written or extended, so that subscribers, messages, keys and passwords stay out of git.
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
    let (hugo, warnings) = load::hugo_config(&project);
    context.report.findings(&warnings);
    let format = load::with_site_files(&project, &hugo, Config::format_of_site);
    let of_site = match format.is_of_hugo() {
        true => hugo::values(&project, &hugo),
        false => site::values(&project, &format),
    };
    let values = values(args, of_site);
    project.write_new(&context.config_file, filled_in(&values)?.as_bytes())?;
    let ignored = ignore(&project)?;
    context.report.result(&path.to_string_lossy(), &Document { path: &path, gitignore: ignored })?;
    let has = |name: &str| values.iter().any(|(key, _)| *key == name);
    context.report.message(match (has("title"), has("base_url")) {
        (true, true) => "Run `slugline build`.",
        (false, true) => "Set `title` in it, then run `slugline build`.",
        (true, false) => "Set `base_url` in it, then run `slugline build`.",
        (false, false) => "Set `title` and `base_url` in it, then run `slugline build`.",
    });
    if let Some(generator) = format.format.known() {
        context.report.message(&format!("Check what it took from the configuration of {}.", generator.title()));
    }
    if ignored {
        context.report.message("Git ignores files with addresses, keys and messages: see `.gitignore`.");
    }
    Ok(Exit::Done)
}

/// The values given, in place of those of the site.
fn values(args: &Args, mut of_site: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    for (key, given) in [("title", &args.title), ("base_url", &args.base_url)] {
        if let Some(given) = given {
            of_site.retain(|(other, _)| *other != key);
            of_site.push((key, serde_json::Value::from(given.as_str()).to_string()));
        }
    }
    of_site
}

/// The project file with these values, quoted as in JSON, which YAML reads too.
fn filled_in(values: &[(&'static str, String)]) -> anyhow::Result<String> {
    let mut lines: Vec<String> = PROJECT_FILE.lines().map(str::to_owned).collect();
    for (key, value) in values {
        let begins = [format!("{key}: "), format!("# {key}: ")];
        if let Some(line) = lines.iter_mut().find(|line| begins.iter().any(|begin| line.starts_with(begin))) {
            let comment = line.find("  # ").map(|at| line[at..].trim_start()).unwrap_or_default();
            *line = format!("{key}: {value}   {comment}").trim_end().to_owned();
        }
    }
    let text = lines.join("\n") + "\n";
    if values.iter().any(|(key, _)| *key == "base_url") {
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
