//! What is written as `content`: folders, or folders of languages.
//!
//! Takes the value as written and the publication; gives the folders to read, and which language is where.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::raw::{OneOrMany, RawContent};
use crate::config::resolve::{Wrong, folder};
use crate::content::languages::Languages;
use crate::publication::{Publication, is_language_tag};

pub(super) fn folders(
    written: Option<&RawContent>,
    publication: &Publication,
    wrong: &mut Wrong<'_>,
) -> (Vec<PathBuf>, Languages) {
    let folders = match written {
        None => vec![folder("content", &["content"], wrong)],
        Some(RawContent::Folders(folders)) => {
            folders.items().into_iter().map(|path| folder(path, &["content"], wrong)).collect()
        }
        Some(RawContent::Languages(folders)) => return folders_of_languages(folders, publication, wrong),
    };
    if folders.is_empty() {
        wrong.value(&["content"], "the list is empty", "write the folder that holds the issues");
    }
    (folders, Languages::default())
}

fn folders_of_languages(
    written: &BTreeMap<String, OneOrMany>,
    publication: &Publication,
    wrong: &mut Wrong<'_>,
) -> (Vec<PathBuf>, Languages) {
    let (mut folders, mut languages) = (Vec::new(), Vec::new());
    for (name, paths) in written {
        let keys = ["content", name];
        if !is_language_tag(name) {
            wrong.value(&keys, format!("`{name}` is no language tag"), "write one such as `en` or `zh-TW`");
        }
        for path in paths.items() {
            let folder = folder(path, &keys, wrong);
            languages.push((folder.clone(), name.clone()));
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    let languages = Languages::new(publication, languages).unwrap_or_else(|| {
        let why = format!("none of its languages is the publication's, `{}`", publication.language);
        wrong.value(&["content"], why, "write one of them as `language`: its issues are at the root of your site");
        Languages::default()
    });
    (folders, languages)
}
