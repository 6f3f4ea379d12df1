//! `content`: folders, or folders for each language.
//!
//! Takes the value as written and the publication; returns the folders to read, and the languages of these folders.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::raw::{OneOrMany, RawContent};
use crate::config::resolve::{Problems, folder};
use crate::content::languages::Languages;
use crate::publication::{Publication, is_language_tag};

pub(super) fn folders(
    written: Option<&RawContent>,
    publication: &Publication,
    problems: &mut Problems<'_>,
) -> (Vec<PathBuf>, Languages) {
    let folders = match written {
        None => vec![folder("content", &["content"], problems)],
        Some(RawContent::Folders(folders)) => {
            folders.items().into_iter().map(|path| folder(path, &["content"], problems)).collect()
        }
        Some(RawContent::Languages(folders)) => return folders_of_languages(folders, publication, problems),
    };
    if folders.is_empty() {
        problems.value(&["content"], "the list is empty", "write the folder that contains the issues");
    }
    (folders, Languages::default())
}

fn folders_of_languages(
    written: &BTreeMap<String, OneOrMany>,
    publication: &Publication,
    problems: &mut Problems<'_>,
) -> (Vec<PathBuf>, Languages) {
    let (mut folders, mut languages) = (Vec::new(), Vec::new());
    for (name, paths) in written {
        let keys = ["content", name];
        if !is_language_tag(name) {
            problems.value(&keys, format!("`{name}` is not a valid language tag"), "write one such as `en` or `zh-TW`");
        }
        for path in paths.items() {
            let folder = folder(path, &keys, problems);
            languages.push((folder.clone(), name.clone()));
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    let languages = Languages::new(publication, languages).unwrap_or_else(|| {
        let why = format!("none of its languages is the publication's, `{}`", publication.language);
        problems.value(&["content"], why, "write one of them as `language`: its issues are at the root of your site");
        Languages::default()
    });
    (folders, languages)
}
