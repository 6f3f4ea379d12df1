//! Reads the project file and the configuration of the site's generator beside it.
//!
//! Takes a project folder; returns the configuration, or the errors of the project file. `config` interprets the texts.

use crate::config::hugo::Hugo;
use crate::config::{Config, SiteFiles};
use crate::disk::Project;
use crate::disk::sources::{HUGO_FILES, HUGO_FOLDERS};
use crate::finding::{Finding, Place};

/// The project file contains errors.
#[derive(Debug, thiserror::Error)]
#[error("the project file `{path}` has {count}", count = if findings.len() == 1 { "an error".to_owned() } else { format!("{} errors", findings.len()) })]
pub struct InvalidConfig {
    /// The file, as the user would type it.
    pub path: String,
    /// The errors, in the order of the file.
    pub findings: Vec<Finding>,
}

/// Reads the project file `file`.
///
/// # Errors
/// If it is missing or invalid; `InvalidConfig` lists all its errors.
pub fn config(project: &Project, file: &str) -> anyhow::Result<Config> {
    let shown = project.path(file).to_string_lossy().into_owned();
    let Some(text) = project.text_if_exists(file)? else {
        let missing = Finding::error("config-missing", format!("project file `{shown}` not found"));
        return Err(missing.help("run `slugline init` to create it, or set the project folder with `--dir`").into());
    };
    let (hugo, warnings) = hugo_config(project);
    let config = with_site_files(project, &hugo, |files| Config::parse_beside(&shown, &text, files));
    let config = config.map(|mut config| {
        config.warnings.extend(warnings);
        config
    });
    let config = config.and_then(|config| match conflict_with_hugo(project, &config) {
        None => Ok(config),
        Some(hugo) => Err(vec![hugo.at(Place::of_value(&shown, &text, &["archive"]))]),
    });
    config.map_err(|findings| InvalidConfig { path: shown, findings }.into())
}

/// Calls `read` with what the project contains around its project file.
pub fn with_site_files<T>(project: &Project, hugo: &Hugo, read: impl FnOnce(&SiteFiles<'_>) -> T) -> T {
    let exists = |path: &str| project.path(path).exists();
    let text = |path: &str| project.text_if_exists(path).ok().flatten();
    read(&SiteFiles { hugo, exists: &exists, text: &text })
}

/// Hugo's configuration in the project folder, and warnings about files that cannot be read.
pub fn hugo_config(project: &Project) -> (Hugo, Vec<Finding>) {
    let mut hugo = Hugo::default();
    let mut warnings = Vec::new();
    let in_site = HUGO_FILES.into_iter().find(|file| project.is_file(file)).map(str::to_owned);
    let in_folders = HUGO_FOLDERS.into_iter().flat_map(|folder| project.files_below(&[folder]));
    let is_known = |path: &String| [".toml", ".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending));
    for path in in_site.into_iter().chain(in_folders.filter(is_known)) {
        let added = match project.text(&path) {
            Ok(text) => hugo.add(&path, &text),
            Err(error) => Err(Box::new(Finding::warning("hugo-config", format!("{error:#}")).at(Place::file(&path)))),
        };
        warnings.extend(added.err().map(|warning| *warning));
    }
    (hugo, warnings)
}

/// An error if Hugo builds the same pages as the web archive: each would overwrite those of the other.
fn conflict_with_hugo(project: &Project, config: &Config) -> Option<Finding> {
    const HUGO: [&str; 5] = ["hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default"];
    config.archive.as_ref().filter(|archive| archive.is_permalink)?;
    let file = HUGO.into_iter().find(|file| project.path(file).exists())?;
    let finding = Finding::error(
        "config-value",
        format!("`archive`: Hugo already builds the pages of this site, according to `{file}`"),
    );
    Some(
        finding
            .help("remove `archive`, or point it to another folder and set `permalink` to the pattern of Hugo's pages"),
    )
}
