//! What links may lead to: the issues by their permalinks, and the files of the project.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use url::Url;

use crate::issue::Issue;
use crate::publication::Publication;

/// The site that the issues are part of.
#[derive(Debug)]
pub struct Site {
    pub(super) base_url: Url,
    pub(super) now: DateTime<Utc>,
    /// Path of the permalink, decoded, without slash at its end → path of the issue.
    pub(super) pages: BTreeMap<String, String>,
    /// Paths above the pages: their lists.
    pub(super) lists: BTreeSet<String>,
    /// Paths below the project folder.
    pub(super) files: BTreeSet<String>,
    /// Title → path of the first issue that has it.
    titles: HashMap<String, String>,
    /// Path of an issue → the id under which subscribers know it.
    pub(super) published_ids: BTreeMap<String, String>,
}

impl Site {
    /// The site of these issues at `now`. `files` are those that a site may publish, by their paths below the project
    /// folder; `published_ids` the ids that subscribers know, by the path of the issue.
    pub fn new(
        publication: &Publication,
        issues: &[Issue],
        files: BTreeSet<String>,
        published_ids: BTreeMap<String, String>,
        now: DateTime<Utc>,
    ) -> Self {
        let (mut pages, mut titles) = (BTreeMap::new(), HashMap::new());
        for issue in issues.iter().rev() {
            titles.entry(title_key(issue)).or_insert_with(|| issue.path.clone());
            for alias in &issue.aliases {
                pages.entry(page_path(alias.path())).or_insert_with(|| issue.path.clone());
            }
            pages.insert(page_path(issue.permalink.path()), issue.path.clone());
        }
        let lists = pages.keys().flat_map(|page| ancestors(page).map(str::to_owned)).collect();
        let base_url = publication.base_url.clone();
        Self { base_url, now, pages, lists, files, titles, published_ids }
    }

    /// The older issue that has the same title.
    pub(super) fn same_title(&self, issue: &Issue) -> Option<&str> {
        self.titles.get(&title_key(issue)).map(String::as_str).filter(|path| *path != issue.path)
    }
}

/// Titles that a reader cannot tell apart are the same.
fn title_key(issue: &Issue) -> String {
    issue.plain_title().split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The path decoded, without the slash at its end and what servers add to it.
pub(super) fn page_path(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let path = decoded.strip_suffix("index.html").unwrap_or(&decoded);
    format!("/{}", path.trim_matches('/')).trim_end_matches('/').to_owned()
}

/// The paths above a path, the root as an empty text.
pub(super) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
