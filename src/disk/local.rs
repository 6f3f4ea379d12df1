//! The files of the project behind the addresses that issues refer to: pictures, and whatever else they link to.
//!
//! Takes an issue and an absolute address in it; gives the file that the site shows there. Nothing outside the project is
//! ever given, however links in it point.

use std::fs;
use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::config::Config;
use crate::content::path::folder;
use crate::disk::Project;
use crate::disk::covers::{below_root, inside};
use crate::edition::pictures::Found;
use crate::issue::Issue;

/// Finds files by their addresses.
#[derive(Debug)]
pub struct LocalFiles<'a> {
    project: &'a Project,
    config: &'a Config,
    /// The project folder itself, links followed.
    root: Option<PathBuf>,
}

impl<'a> LocalFiles<'a> {
    /// The files of this project.
    pub fn new(project: &'a Project, config: &'a Config) -> Self {
        Self { project, config, root: project.path(".").canonicalize().ok() }
    }

    /// The file at an address in an issue: beside the issue, else where its address says below the root of the site.
    /// None for a Markdown file, a hidden one, and one that is not in the project.
    pub fn at(&self, issue: &Issue, url: &Url) -> Option<PathBuf> {
        let candidates = self.beside(issue, url).into_iter().chain(below_root(self.project, self.config, url));
        candidates.filter(|file| self.is_visible(file)).find(|file| self.is_file_of_project(file))
    }

    /// The file of a picture in one of these issues, unless it has more than so many bytes.
    pub fn picture(&self, issues: &[&Issue], url: &Url, most_bytes: u64) -> Found {
        let Some(file) = issues.iter().find_map(|issue| self.at(issue, url)) else {
            let base = &self.config.publication.base_url;
            let is_own = url.origin() == base.origin() && url.path().starts_with(base.path());
            return if is_own { Found::Missing } else { Found::Elsewhere };
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match file.metadata().map(|metadata| metadata.len()) {
            Ok(bytes) if bytes > most_bytes => Found::Larger(bytes),
            Ok(_) => fs::read(&file).map_or(Found::Missing, |bytes| Found::File { name, bytes }),
            Err(_) => Found::Missing,
        }
    }

    /// What is relative to the permalink in the text is beside the file for its author.
    fn beside(&self, issue: &Issue, url: &Url) -> Option<PathBuf> {
        let page = issue.permalink.path();
        let page = &page[..=page.rfind('/')?];
        let below = url.path().strip_prefix(page).filter(|_| url.origin() == issue.permalink.origin())?;
        Some(self.project.path(folder(&issue.path)).join(inside(below)?))
    }

    fn is_visible(&self, file: &Path) -> bool {
        let is_markdown = file.extension().is_some_and(|ending| ending == "md" || ending == "markdown");
        let below = file.strip_prefix(self.project.folder()).unwrap_or(file);
        let is_hidden =
            |part: Component<'_>| matches!(part, Component::Normal(name) if name.to_string_lossy().starts_with('.'));
        !is_markdown && !below.components().any(is_hidden)
    }

    fn is_file_of_project(&self, file: &Path) -> bool {
        let (Ok(file), Some(root)) = (file.canonicalize(), &self.root) else { return false };
        // Beside the project file lie subscribers and keys.
        let is_at_the_top = file.parent() == Some(root);
        let is_picture = || mime_guess::from_path(&file).iter().any(|mime| mime.type_() == "image");
        file.is_file() && file.starts_with(root) && (!is_at_the_top || is_picture())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::assemble::{Source, assemble};
    use crate::content::front_matter::split;

    #[test]
    fn a_file_is_found_where_the_site_has_it_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path().join("p"));
        for file in [
            "content/one/map.png",
            "static/图 1.png",
            "content/one/a.md",
            "content/.x.png",
            ".git/config",
            "slugline.db",
            "top.png",
            "../secret.png",
        ] {
            project.write(file, b"").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path().join("secret.png"), project.path("static/link.png")).unwrap();
        let config =
            Config::parse("slugline.yaml", "title: T\nbase_url: https://example.org/n/\ncontent: [content, .]\n")
                .unwrap();
        let source = Source { path: "content/one/index.md", below_content: "one/index.md", changed: None };
        let block = split(source.path, b"---\ntitle: One\ndate: 2026-01-01\n---\n").unwrap();
        let issue = assemble(source, &block, &config.publication, &config.permalink).issue.unwrap();
        let files = LocalFiles::new(&project, &config);
        for (url, expected) in [
            ("map.png", Some("content/one/map.png")),
            ("/n/one/map.png?x#y", Some("content/one/map.png")),
            ("/n/%E5%9B%BE%201.png", Some("static/图 1.png")),
            ("/n/top.png", Some("./top.png")),
            ("/n/slugline.db", None),
            ("/n/link.png", None),
            ("a.md", None),
            ("/n/.x.png", None),
            ("/n/.git/config", None),
            ("..%2f..%2f..%2fsecret.png", None),
            ("https://example.com/n/map.png", None),
        ] {
            let found = files.at(&issue, &issue.permalink.join(url).unwrap());
            let expected = expected.map(|file| project.folder().join(file));
            assert_eq!(found, expected, "{url}");
        }
    }
}
