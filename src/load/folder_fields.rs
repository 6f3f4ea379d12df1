//! Reads the fields that the posts in a folder inherit from a file of data, such as `posts/posts.json` of Eleventy.
//!
//! Takes the files of posts; adds what their folders say to the sections, and returns findings about files that cannot be read.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::config::Config;
use crate::content::cascade::Cascade;
use crate::content::format::generators::settings;
use crate::content::path::folder;
use crate::content::sections::{Section, Sections};
use crate::disk::Project;
use crate::disk::sources::SourceFile;
use crate::finding::{Finding, Place};

/// Adds the fields of all folders that contain posts.
pub(super) fn add(project: &Project, config: &Config, files: &[SourceFile], sections: &mut Sections) -> Vec<Finding> {
    let format = &config.format.format;
    let mut findings = Vec::new();
    let Some(generator) = format.known().filter(|_| !format.folder_fields("posts").is_empty()) else { return findings };
    let mut folders = BTreeSet::new();
    for file in files {
        let mut around = folder(&file.path);
        while !around.is_empty() && folders.insert(around) {
            around = folder(around);
        }
    }
    for folder in folders {
        let mut fields = Map::new();
        for file in format.folder_fields(config.format.path_in_site(folder)) {
            let path = format!("{}{file}", config.format.folder);
            let read = match project.text_if_exists(&path) {
                Ok(text) => text.map(|text| settings(generator, &file, &text)).transpose(),
                Err(error) => Err(format!("{error:#}")),
            };
            match read {
                Ok(read) => {
                    for (name, value) in read.unwrap_or_default() {
                        fields.entry(name.to_lowercase()).or_insert(value);
                    }
                }
                Err(why) => findings.push(unreadable(&path, &why)),
            }
        }
        if !fields.is_empty() {
            sections.add(
                None,
                folder,
                Section { cascades: Cascade::all(&Value::Object(fields)), ..Section::default() },
            );
        }
    }
    findings
}

fn unreadable(path: &str, why: &str) -> Finding {
    let finding = Finding::warning("format-config", format!("it cannot be read, so it is ignored: {why}"));
    finding
        .help("correct it; until then, the posts in its folder have only the fields of their own")
        .at(Place::file(path))
}
