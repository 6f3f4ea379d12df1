//! Bundles that swallow issues: an `index.md` makes its folder one issue, so that no file beside it is one.
//!
//! Takes the Markdown files in bundles; returns those that are issues all the same, and one finding for each bundle with files
//! that look like issues.

use std::collections::{BTreeMap, HashSet};

use crate::config::Config;
use crate::content::front_matter;
use crate::content::path::folder;
use crate::disk::Project;
use crate::disk::sources::SourceFile;
use crate::finding::{Finding, Place};
use crate::issue::Issue;

/// Splits off the files of bundles that are not really bundles: where no generator is known, an `index.md` without a date lists its folder, as
/// on sites of Next.js or of programs of their own.
pub(super) fn of_listing_pages(
    config: &Config,
    issues: &[Issue],
    bundled: Vec<(String, SourceFile)>,
) -> (Vec<SourceFile>, Vec<(String, SourceFile)>) {
    if bundled.is_empty() || config.format.format.known().is_some() {
        return (Vec::new(), bundled);
    }
    let undated = issues.iter().filter(|issue| !issue.is_dated()).map(|issue| issue.path.as_str());
    let undated: HashSet<&str> = undated.collect();
    let (freed, bundled): (Vec<_>, Vec<_>) =
        bundled.into_iter().partition(|(bundle, _)| undated.contains(bundle.as_str()));
    (freed.into_iter().map(|(_, file)| file).collect(), bundled)
}

/// The findings about these pairs of bundle and file. What an unlisted bundle contains is for other pages to include.
pub(super) fn findings(project: &Project, issues: &[Issue], bundled: Vec<(String, SourceFile)>) -> Vec<Finding> {
    let unlisted = issues.iter().filter(|issue| !issue.feed && !issue.email).map(|issue| issue.path.as_str());
    let unlisted: HashSet<&str> = unlisted.collect();
    let mut swallowed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (bundle, file) in bundled.into_iter().filter(|(bundle, _)| !unlisted.contains(bundle.as_str())) {
        let file = file.path;
        let head = project.head(&file, front_matter::is_complete).unwrap_or_default();
        if front_matter::split(&file, &head).is_ok() {
            swallowed.entry(bundle).or_default().push(file);
        }
    }
    swallowed.iter().map(|(bundle, files)| finding(bundle, files)).collect()
}

fn finding(bundle: &str, files: &[String]) -> Finding {
    let first = files.first().map_or("", String::as_str);
    let others = match files.len() {
        1 => format!("1 Markdown file with front matter in it is none: `{first}`"),
        count => format!("{count} Markdown files with front matter in it are none, such as `{first}`"),
    };
    Finding::warning("swallowed-issues", format!("it makes the folder `{}` one issue, so {others}", folder(bundle)))
        .help("if they are issues, rename it to `_index.md`; if they belong to it, remove their front matter")
        .at(Place::file(bundle))
}
