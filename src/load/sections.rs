//! Reads the sections of a project: the front matter of every `_index.md`.
//!
//! Takes the files; returns the sections by language, and findings about files that cannot be read.

use crate::config::Config;
use crate::content::front_matter;
use crate::content::path::folder;
use crate::content::sections::{Section, Sections};
use crate::disk::Project;
use crate::disk::sources::SourceFile;
use crate::finding::{Finding, Place};

/// The sections that these files describe. One without front matter is a section too.
pub(super) fn read(project: &Project, config: &Config, mut files: Vec<SourceFile>) -> (Sections, Vec<Finding>) {
    let (mut sections, mut findings) = (Sections::default(), Vec::new());
    files.retain(|file| config.site_content.is_empty() || config.site_root(&file.path).is_some());
    files.sort();
    files.dedup_by(|a, b| a.path == b.path);
    for file in files {
        let section = section(project, &file.path).unwrap_or_else(|finding| {
            findings.push(*finding);
            Section::default()
        });
        let language = config.languages.of_file(&file.path, &config.publication).site.as_deref();
        sections.add(language, folder(&file.path), section);
    }
    (sections, findings)
}

fn section(project: &Project, path: &str) -> Result<Section, Box<Finding>> {
    let head = project.head(path, front_matter::is_complete).map_err(|error| {
        let finding = Finding::error("unreadable", format!("the file cannot be read: {error}"));
        Box::new(finding.help("give the user who runs slugline permission to read it").at(Place::file(path)))
    })?;
    match front_matter::split(path, &head) {
        Ok(block) => Ok(Section::new(&block.fields(path)?)),
        Err(finding) if finding.rule == "front-matter-missing" => Ok(Section::default()),
        Err(finding) => Err(finding),
    }
}
