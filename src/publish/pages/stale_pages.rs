//! PageRenderer of earlier builds that are made no more: of an issue that is gone, or at another address now.
//!
//! Somebody may still have a link to them, so they are reported and never deleted.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::publish::pages::SiteBuilder;

/// What every page of the default templates says of itself.
const OWN: &str = "name=\"generator\" content=\"slugline\"";

/// So many are named.
const MAX_NAMED_PAGES: usize = 5;

impl SiteBuilder<'_> {
    /// A warning where the folders of the archive hold pages that were not made now.
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
            "a page that no issue has".to_owned()
        } else {
            format!("{} pages that no issue has", gone.len())
        };
        let finding = Finding::warning("stale-page", format!("there is {what} any more: {}", names.join(", ")));
        self.made.findings.push(finding.help("delete what nobody is to read any more; nothing else does"));
    }

    fn is_own(&self, path: &str) -> bool {
        let head = self.source.project.head(path, |_| true);
        head.is_ok_and(|head| String::from_utf8_lossy(&head).contains(OWN))
    }
}
