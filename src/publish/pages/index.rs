//! Writes the index of the web archive: newest first, on several pages if there are many issues.

use url::Url;

use crate::content::url_path::absolute;
use crate::issue::Issue;
use crate::page::{IndexPage, PageRenderer};
use crate::publication::Publication;
use crate::publish::pages::{PageFile, PageFileKind, SiteBuilder};

/// Issues on an older page of the index.
const ISSUES_PER_PART: usize = 200;

impl SiteBuilder<'_> {
    /// Writes the index of these issues with their summaries.
    pub(super) fn index(
        &mut self,
        site: &PageRenderer<'_>,
        publication: &Publication,
        rows: &[(&Issue, String)],
    ) -> anyhow::Result<()> {
        let rows: Vec<(&Issue, &str)> = rows.iter().map(|(issue, summary)| (*issue, summary.as_str())).collect();
        let parts = parts(rows.len());
        let folder = self.archive.folder(publication);
        let folders: Vec<String> = (0..parts.len()).map(|at| folder_of(&folder, at, parts.len())).collect();
        let urls: Vec<Url> =
            folders.iter().map(|folder| absolute(&publication.base_url, &format!("/{folder}"))).collect();
        for (at, part) in parts.into_iter().enumerate() {
            let newer = at.checked_sub(1).map(|newer| &urls[newer]);
            let listing = IndexPage { url: &urls[at], issues: &rows[part], newer, older: urls.get(at + 1) };
            let html = match site.index_page(&listing) {
                Ok(html) => html,
                Err(finding) => {
                    self.report(*finding);
                    continue;
                }
            };
            let path = self.source.output.join(&folders[at]).join("index.html");
            let written = self.source.project.write(&path, html.as_bytes())?;
            let path = path.to_string_lossy().into_owned();
            self.made.pages.push(PageFile { part: PageFileKind::Index, path, bytes: html.len() as u64, written });
        }
        Ok(())
    }
}

/// Divides a number of issues into pages, newest first. Older pages are counted from the oldest issue, so that a new
/// issue changes none of them.
fn parts(issues: usize) -> Vec<std::ops::Range<usize>> {
    let older = (issues / ISSUES_PER_PART).saturating_sub(1);
    let newest = issues - older * ISSUES_PER_PART;
    let part = |at: usize| newest + at * ISSUES_PER_PART..newest + (at + 1) * ISSUES_PER_PART;
    std::iter::once(0..newest).chain((0..older).map(part)).collect()
}

/// The folder of the index itself, or of an older page, the oldest being number 1.
fn folder_of(folder: &str, at: usize, parts: usize) -> String {
    if at == 0 { folder.to_owned() } else { format!("{folder}page/{}/", parts - at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_issue_changes_no_older_page() {
        for (issues, expected) in [
            (0, vec![(0, 0)]),
            (399, vec![(0, 399)]),
            (400, vec![(0, 200), (200, 400)]),
            (601, vec![(0, 201), (201, 401), (401, 601)]),
        ] {
            let parts: Vec<(usize, usize)> = parts(issues).into_iter().map(|part| (part.start, part.end)).collect();
            assert_eq!(parts, expected, "{issues}");
        }
        let folders: Vec<String> = (0..3).map(|at| folder_of("letters/", at, 3)).collect();
        assert_eq!(folders, ["letters/", "letters/page/2/", "letters/page/1/"]);
    }
}
