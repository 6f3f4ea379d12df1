//! What links can lead to: the issues by their permalinks, and the files of the project.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use url::Url;

use crate::issue::Issue;
use crate::publication::Publication;

/// Folders of a project whose files are published unchanged.
const PUBLISHED: [&str; 9] = ["assets", "files", "images", "img", "media", "public", "source", "static", "uploads"];

/// The site that the issues are part of.
#[derive(Debug)]
pub struct Site {
    pub(super) base_url: Url,
    /// Whether the issues are mailed.
    pub(super) mails: bool,
    pub(super) now: DateTime<Utc>,
    /// Of dates without an offset.
    pub(super) time_zone: Tz,
    /// Path of the permalink, decoded, without trailing slash → path of the issue.
    pub(super) pages: BTreeMap<String, String>,
    /// Path of an issue → path of its permalink.
    pub(super) sources: HashMap<String, String>,
    /// Paths above the pages: list pages.
    pub(super) lists: BTreeSet<String>,
    /// Paths below the project folder.
    pub(super) files: BTreeSet<String>,
    /// Published paths of files and of pages that are not issues.
    pub(super) others: BTreeSet<String>,
    /// The content folders, which may be the languages of one text.
    pub(super) content: Vec<String>,
    /// Title → path of the oldest issue with it.
    titles: HashMap<String, String>,
    /// Path of an issue → the id that feeds published for it.
    pub(super) published_ids: BTreeMap<String, String>,
}

impl Site {
    /// The site of these issues at `now`. `files` are the paths, relative to the project folder, of what a site may publish;
    /// `content` lists the content folders among them; `published_ids` maps the path of an issue to the id that feeds
    /// published for it.
    pub fn new(
        publication: &Publication,
        issues: &[Issue],
        files: BTreeSet<String>,
        content: &[&str],
        published_ids: BTreeMap<String, String>,
        now: DateTime<Utc>,
    ) -> Self {
        let (mut pages, mut sources, mut titles) = (BTreeMap::new(), HashMap::new(), HashMap::new());
        for issue in issues.iter().rev() {
            titles.entry(title_key(issue)).or_insert_with(|| issue.path.clone());
            for alias in &issue.aliases {
                pages.entry(page_path(alias.path())).or_insert_with(|| issue.path.clone());
            }
            let page = page_path(issue.permalink.path());
            sources.insert(issue.path.clone(), page.clone());
            pages.insert(page, issue.path.clone());
        }
        let lists = pages.keys().flat_map(|page| ancestors(page).map(str::to_owned)).collect();
        let (base_url, time_zone) = (publication.base_url.clone(), publication.time_zone);
        let roots = roots(content);
        let others = files.iter().flat_map(|file| published(file, content, &roots)).collect();
        let content = content.iter().map(|folder| (*folder).to_owned()).collect();
        Self {
            base_url,
            mails: false,
            now,
            time_zone,
            pages,
            sources,
            lists,
            files,
            others,
            content,
            titles,
            published_ids,
        }
    }

    /// Sets whether the issues are mailed.
    pub fn mailed(self, mails: bool) -> Self {
        Self { mails, ..self }
    }

    /// The path of an older issue with the same title.
    pub(super) fn same_title(&self, issue: &Issue) -> Option<&str> {
        self.titles.get(&title_key(issue)).map(String::as_str).filter(|path| *path != issue.path)
    }
}

/// The same for titles that a reader of one language cannot tell apart.
fn title_key(issue: &Issue) -> String {
    let words = issue.plain_title().split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    format!("{}: {words}", issue.language.as_deref().unwrap_or_default())
}

/// The folders that may be the root of a site: the project folder and those above a content folder, such as `website` above
/// `website/blog`, each with a trailing slash.
fn roots(content: &[&str]) -> BTreeSet<String> {
    let above = content.iter().flat_map(|folder| ancestors(folder).map(|root| format!("{root}/")));
    above.chain([String::new()]).collect()
}

/// Where sites may publish a file. Hugo publishes `static` and `assets`, also those of a theme, at the root, Hexo `source`,
/// Astro and VitePress `public`; Jekyll publishes every folder below its own name. A text below a content folder becomes a
/// page, another file of it keeps its path.
fn published(file: &str, content: &[&str], roots: &BTreeSet<String>) -> Vec<String> {
    let mut paths = Vec::new();
    for below in roots.iter().filter_map(|root| file.strip_prefix(root.as_str())) {
        let own = below.strip_prefix("themes/").and_then(|theme| Some(theme.split_once('/')?.1)).unwrap_or(below);
        paths.push(format!("/{own}"));
        let folder = own.split_once('/').filter(|(folder, _)| PUBLISHED.contains(folder));
        paths.extend(folder.map(|(_, path)| format!("/{path}")));
    }
    for below in content.iter().filter_map(|folder| file.strip_prefix(*folder)).filter(|below| below.starts_with('/')) {
        let page = below.rsplit_once('.').filter(|(_, kind)| ["md", "markdown", "html"].contains(kind));
        let page = page.map(|(path, _)| path.trim_end_matches("/index").trim_end_matches("/_index"));
        paths.push(page.unwrap_or(below).to_owned());
    }
    paths
}

/// The path decoded, without trailing slash and `index.html`.
pub(super) fn page_path(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let path = decoded.strip_suffix("index.html").unwrap_or(&decoded);
    format!("/{}", path.trim_matches('/')).trim_end_matches('/').to_owned()
}

/// The paths above a path; the root is the empty string.
pub(super) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
