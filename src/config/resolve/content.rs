//! `content`: folders, or folders for each language.
//!
//! Takes the value as written, Hugo's configuration and the publication; returns the folders to read, and the languages of
//! these folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::SiteFormat;
use crate::config::hugo::Hugo;
use crate::config::raw::{OneOrMany, RawConfig, RawContent};
use crate::config::resolve::{Problems, folder};
use crate::content::glob::Glob;
use crate::content::languages::{Language, Languages};
use crate::content::path::with_slashes;
use crate::finding::{Finding, Place};
use crate::publication::{Publication, is_language_tag};

pub(super) fn folders(
    raw: &RawConfig,
    hugo: &Hugo,
    publication: &Publication,
    format: &SiteFormat,
    problems: &mut Problems<'_>,
) -> (Vec<PathBuf>, Languages) {
    let written = raw.content.as_ref();
    let folders = match written {
        None => Vec::new(),
        Some(RawContent::Folders(folders)) => {
            let folders = folders.items();
            if folders.is_empty() {
                problems.value(&["content"], "the list is empty", "write the folder that contains the issues");
            }
            folders.into_iter().map(|path| folder(path, &["content"], problems)).collect()
        }
        Some(RawContent::Languages(folders)) => return folders_of_languages(folders, hugo, publication, problems),
    };
    warn_of_mounts(raw, &folders, hugo, problems);
    if let Some(of_hugo) = languages_of_hugo(&folders, hugo, publication) {
        return of_hugo;
    }
    if let Some(of_format) = languages_of_format(&folders, format, publication) {
        return of_format;
    }
    match written {
        None if !format.is_of_hugo() => (folders_of_format(format, problems), Languages::default()),
        None => {
            let main = hugo.main_language();
            (vec![PathBuf::from(hugo.content_folder(main))], Languages::of_one(main))
        }
        Some(_) => (folders, Languages::of_one(hugo.main_language())),
    }
}

fn folders_of_format(format: &SiteFormat, problems: &mut Problems<'_>) -> Vec<PathBuf> {
    let folders = format.in_site(format.format.defaults().content);
    if folders.is_empty() {
        problems.missing("content", "content: docs");
    }
    folders
}

/// The folders of a Hugo site in several languages; of `chosen`, if it is not empty, what is inside or around them. `None`
/// if there is but one.
fn languages_of_hugo(chosen: &[PathBuf], hugo: &Hugo, publication: &Publication) -> Option<(Vec<PathBuf>, Languages)> {
    let languages = hugo.languages();
    if languages.len() < 2 {
        return None;
    }
    let with_folder = |language: Language| (PathBuf::from(hugo.content_folder(&language.name)), language);
    let all: Vec<(PathBuf, Language)> = languages.into_iter().map(with_folder).collect();
    let own = hugo.name_of(&publication.language);
    let mut pairs = Vec::new();
    for folder in chosen {
        let inner = |(of_language, language): &(PathBuf, Language)| match () {
            () if folder.starts_with(of_language) => Some((folder.clone(), language.clone())),
            () if of_language.starts_with(folder) => Some((of_language.clone(), language.clone())),
            () => None,
        };
        let inside: Vec<_> = all.iter().filter_map(inner).collect();
        let outside = || vec![(folder.clone(), Language { name: own.clone(), tag: publication.language.clone() })];
        pairs.extend(if inside.is_empty() { outside() } else { inside });
    }
    let pairs = if chosen.is_empty() { all } else { pairs };
    let mut folders: Vec<PathBuf> = Vec::new();
    for (folder, _) in &pairs {
        if !folders.contains(folder) {
            folders.push(folder.clone());
        }
    }
    Some((folders, Languages::new(publication, &own, pairs)))
}

/// The folders of a site in several languages whose files are named by language. `None` if there is but one, or the publication is
/// in none of them.
fn languages_of_format(
    chosen: &[PathBuf],
    format: &SiteFormat,
    publication: &Publication,
) -> Option<(Vec<PathBuf>, Languages)> {
    let defaults = format.format.defaults();
    if defaults.languages.is_empty() {
        return None;
    }
    let folders = if chosen.is_empty() { format.in_site(defaults.content) } else { chosen.to_vec() };
    let languages: Vec<Language> = defaults.languages.iter().map(|name| Language::of_tag(name)).collect();
    let own = &Language::find(languages.iter(), &publication.language)?.name;
    let pair = |folder: &PathBuf| languages.iter().map(|it| (folder.clone(), it.clone())).collect::<Vec<_>>();
    let languages = Languages::new(publication, own, folders.iter().flat_map(pair).collect());
    Some((folders, languages))
}

/// The folders whose files are published as they are: those of the project file and of the generator.
pub(super) fn static_folders(
    written: Option<&OneOrMany>,
    format: &SiteFormat,
    problems: &mut Problems<'_>,
) -> Vec<PathBuf> {
    let written = written.into_iter().flat_map(OneOrMany::items);
    let mut folders: Vec<PathBuf> = written.map(|path| folder(path, &["static"], problems)).collect();
    folders.extend(format.in_site(format.format.defaults().static_folders));
    folders
}

/// Warns of what Hugo mounts elsewhere in its content, unless `content` names it or leaves it out, or `exclude` does.
fn warn_of_mounts(raw: &RawConfig, chosen: &[PathBuf], hugo: &Hugo, problems: &mut Problems<'_>) {
    let own = [PathBuf::from(hugo.content_folder(hugo.main_language()))];
    let excluded: Vec<Glob> = raw.exclude.iter().flat_map(OneOrMany::items).map(Glob::new).collect();
    for (source, target) in hugo.mounts() {
        let source = Path::new(source.trim_matches('/'));
        let around = if chosen.is_empty() { &own } else { chosen }.iter().find_map(|it| source.strip_prefix(it).ok());
        let is_named = chosen.iter().any(|folder| folder.starts_with(source));
        let is_page = source.extension().is_none_or(|ending| ending == "md");
        let is_excluded = around.is_some_and(|below| {
            let page = with_slashes(&below.join("page"));
            excluded.iter().any(|glob| glob.matches_path_or_folder(&page))
        });
        let help = match around {
            _ if is_named || is_excluded || !is_page => continue,
            Some(_) => "its pages have other addresses than on your site; if they are not issues, name it in `exclude`",
            None if chosen.is_empty() => {
                "if its pages are issues, name it in `content`; otherwise write `content: content`"
            }
            None => continue,
        };
        let source = source.display();
        let message = format!("Hugo's configuration mounts `{source}` at `{target}`, which slugline does not follow");
        let file = hugo.file().unwrap_or(problems.source.path);
        problems.warnings.push(Finding::warning("hugo-config", message).help(help).at(Place::file(file)));
    }
}

/// The files that are not issues: those of `exclude`, and of Hugo's `ignoreFiles`, as far as these are plain.
pub(super) fn excluded(written: Option<&OneOrMany>, hugo: &Hugo, problems: &mut Problems<'_>) -> Vec<Glob> {
    let mut globs: Vec<Glob> = written.into_iter().flat_map(OneOrMany::items).map(Glob::new).collect();
    let ignored = match hugo.value(&["ignorefiles"]) {
        Some(Value::Array(expressions)) => expressions.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(expression)) => vec![expression.as_str()],
        _ => Vec::new(),
    };
    for expression in ignored {
        match glob_of_expression(expression) {
            Some(glob) => globs.push(Glob::new(&glob)),
            None => {
                let message = format!("Hugo's configuration: `{expression}` in `ignoreFiles` is not understood");
                let finding = Finding::warning("hugo-config", message).help("name these files in `exclude`");
                problems.warnings.push(finding.at(Place::file(problems.source.path)));
            }
        }
    }
    globs
}

/// A glob that matches what a regular expression of letters, dots, `.*`, `^` and `$` finds.
fn glob_of_expression(expression: &str) -> Option<String> {
    let inside = expression.strip_prefix('^').unwrap_or(expression);
    let inside = inside.strip_suffix('$').unwrap_or(inside);
    let mut glob = if expression.starts_with('^') { String::new() } else { "**".to_owned() };
    let mut chars = inside.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => glob.push_str(&format!("\\{}", chars.next().filter(|c| !c.is_alphanumeric())?)),
            '.' if chars.next_if_eq(&'*').is_some() => glob.push_str("**"),
            '.' => glob.push('?'),
            c if "+*?()[]{}|^$".contains(c) => return None,
            c => glob.push(c),
        }
    }
    Some(if expression.ends_with('$') { glob } else { glob + "**" })
}

/// The content folders of a Hugo site, each empty or with a slash at its end.
pub(super) fn of_site(hugo: &Hugo) -> Vec<String> {
    if !hugo.is_present() {
        return Vec::new();
    }
    let folders: BTreeSet<String> =
        hugo.content_folders().into_iter().map(|folder| with_slashes(Path::new(folder))).collect();
    folders.into_iter().map(|folder| if folder.is_empty() { folder } else { folder + "/" }).collect()
}

/// The folders of each language, named by its tag, or as Hugo's configuration names it.
fn folders_of_languages(
    written: &BTreeMap<String, OneOrMany>,
    hugo: &Hugo,
    publication: &Publication,
    problems: &mut Problems<'_>,
) -> (Vec<PathBuf>, Languages) {
    let (mut folders, mut pairs, of_hugo) = (Vec::new(), Vec::new(), hugo.languages());
    for (name, paths) in written {
        let keys = ["content", name];
        let known = of_hugo.iter().find(|language| language.name.eq_ignore_ascii_case(name));
        if known.is_none() && !is_language_tag(name) {
            problems.value(&keys, format!("`{name}` is not a valid language tag"), "write one such as `en` or `zh-TW`");
        }
        for path in paths.items() {
            let folder = folder(path, &keys, problems);
            let tag = known.map_or(name, |known| &known.tag).clone();
            pairs.push((folder.clone(), Language { name: name.clone(), tag }));
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    let languages = pairs.iter().map(|(_, language)| language);
    let own = Language::find(languages.clone(), &publication.language)
        .or_else(|| Language::find(languages, &hugo.name_of(&publication.language)))
        .map(|language| language.name.clone());
    let Some(own) = own else {
        let why = format!("none of its languages is the publication's, `{}`", publication.language);
        problems.value(&["content"], why, "write one of them as `language`: its issues are at the root of your site");
        return (folders, Languages::default());
    };
    (folders, Languages::new(publication, &own, pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_regular_expressions_become_globs() {
        for (expression, path, expected) in [
            ("README.md", "docs/README.md", Some(true)),
            (r"\.Rmd$", "a.Rmd", Some(true)),
            (r"\.Rmd$", "a.Rmd.md", Some(false)),
            ("_cache$", "a_cache/b.md", Some(true)),
            ("^draft", "draft-1.md", Some(true)),
            ("^draft", "a/draft-1.md", Some(false)),
            (r"a.*\.md", "xa/b.md", Some(true)),
            ("(a|b)", "a", None),
            (r"\d", "a", None),
        ] {
            let found = glob_of_expression(expression).map(|glob| Glob::new(&glob).matches_path_or_folder(path));
            assert_eq!(found, expected, "{expression} {path}");
        }
    }
}
