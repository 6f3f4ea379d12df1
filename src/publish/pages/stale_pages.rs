//! Reports pages of earlier builds that no issue has any longer, because it is gone or has moved.
//!
//! Readers may still have links to them, so they are never deleted.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::publish::pages::SiteBuilder;

/// Marks a page as made by the default templates.
const OWN: &str = "name=\"generator\" content=\"slugline\"";

/// The number of pages named in a finding.
const MAX_NAMED_PAGES: usize = 5;

impl SiteBuilder<'_> {
    /// Warns if the folders of the web archive contain pages that this build did not make.
    pub(super) fn report_stale_pages(&mut self) {
        let config = self.source.config;
        let publications = config.publications().into_iter();
        let folder = |publication| self.source.output.join(self.archive.folder(publication));
        let folders: BTreeSet<String> = publications
            .map(|publication| folder(publication).to_string_lossy().trim_end_matches('/').to_owned())
            .collect();
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        let made: BTreeSet<&str> = self.made.pages.iter().map(|page| page.path.as_str()).collect();
        let there = self.source.project.files_below(&folders);
        let is_gone = |path: &&String| path.ends_with(".html") && !made.contains(path.as_str()) && self.is_own(path);
        let gone: Vec<&String> = there.iter().filter(is_gone).collect();
        if gone.is_empty() {
            return;
        }
        let mut names: Vec<String> = gone.iter().take(MAX_NAMED_PAGES).map(|path| format!("`{path}`")).collect();
        if gone.len() > MAX_NAMED_PAGES {
            names.push(format!("and {} more", gone.len() - MAX_NAMED_PAGES));
        }
        let what = if gone.len() == 1 {
            "1 page belongs to no issue".to_owned()
        } else {
            format!("{} pages belong to no issue", gone.len())
        };
        let finding = Finding::warning("stale-page", format!("{what} any longer: {}", names.join(", ")));
        self.made.findings.push(finding.help("delete those that should no longer be read; builds never delete pages"));
    }

    fn is_own(&self, path: &str) -> bool {
        let head = self.source.project.head(path, |_| true);
        head.is_ok_and(|head| String::from_utf8_lossy(&head).contains(OWN))
    }
}
