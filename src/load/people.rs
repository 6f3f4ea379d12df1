//! Reads the authors that a site keeps in a file of its own, by key: `authors.yml` of Docusaurus, `_data/authors.yml` of Jekyll.
//!
//! Takes the project; returns the fields of authors by key, and findings about files that cannot be read.

use serde_json::{Map, Value};

use crate::config::Config;
use crate::content::path::with_slashes;
use crate::disk::Project;
use crate::finding::{Finding, Place};

/// The names of such files, in a content folder or in the folder of the site.
const NAMES: [&str; 4] = ["authors.yml", "authors.yaml", "_data/authors.yml", "_data/authors.yaml"];

/// Returns the authors of all these files; of two with one key, that in the content folder.
pub(super) fn read(project: &Project, config: &Config) -> (Map<String, Value>, Vec<Finding>) {
    let (mut people, mut findings) = (Map::new(), Vec::new());
    let folders = config.content.iter().map(|folder| with_slashes(folder));
    let folders = folders.chain([config.format.folder.trim_end_matches('/').to_owned()]);
    for path in folders.flat_map(|folder| NAMES.map(|name| format!("{folder}/{name}"))) {
        let path = path.trim_start_matches('/');
        let text = match project.text_if_exists(path) {
            Ok(Some(text)) => text,
            Ok(None) => continue,
            Err(error) => {
                findings.push(Finding::warning("authors-file", format!("{error:#}")).at(Place::file(path)));
                continue;
            }
        };
        match serde_yaml::from_str::<Map<String, Value>>(&text) {
            Ok(read) => {
                for (key, person) in read {
                    people.entry(key).or_insert(person);
                }
            }
            Err(error) => {
                let finding =
                    Finding::warning("authors-file", format!("it is not a mapping of keys to authors: {error}"));
                let help = "correct it; until then, keys of authors are taken for their names";
                findings.push(finding.help(help).at(Place::file(path)));
            }
        }
    }
    (people, findings)
}
