//! Finds the project's files behind the URLs in issues: pictures and anything else they link to.
//!
//! Takes an issue and an absolute URL in it; returns the file that the site publishes there. Never returns a file
//! outside the project, not even through symbolic links.

use std::io::BufReader;
use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::config::Config;
use crate::content::path::folder;
use crate::disk::Project;
use crate::edition::pictures::PictureLookup;
use crate::issue::Issue;
use crate::picture::probe_reader;

/// Hugo publishes the contents of these folders at the root of the site, like those of content folders; other generators those of
/// `Config::static_folders`.
const ROOT_FOLDERS: [&str; 2] = ["static", "assets"];

/// Finds files by URL.
#[derive(Debug)]
pub struct Resources<'a> {
    project: &'a Project,
    config: &'a Config,
    /// The real path of the project folder.
    root: Option<PathBuf>,
}

impl<'a> Resources<'a> {
    /// The files of this project.
    pub fn new(project: &'a Project, config: &'a Config) -> Self {
        Self { project, config, root: project.real_path(".") }
    }

    /// The file at a URL in the issue with this file `path` and `permalink`: beside the issue, else below the root of
    /// the site. `None` for Markdown files, hidden files and files outside the project.
    pub fn at(&self, path: &str, permalink: &Url, url: &Url) -> Option<PathBuf> {
        let beside = self.beside(path, permalink, url).into_iter().chain(self.asset(path, permalink, url));
        let candidates = beside.chain(below_root(self.project, self.config, url));
        candidates.filter(|file| self.is_visible(file)).find(|file| self.is_file_of_project(file))
    }

    /// The displayed width of a picture in one of these issues, in pixels; `None` if the project does not contain it.
    pub fn picture_width(&self, issues: &[&Issue], url: &Url) -> Option<u32> {
        let file = issues.iter().find_map(|issue| self.at(&issue.path, &issue.permalink, url))?;
        let picture = probe_reader(&mut BufReader::new(self.project.open(&file).ok()?)).at_end_of_file()?;
        picture.size.map(|(width, _)| width)
    }

    /// A picture in one of these issues, unless it has more than `max_bytes`.
    pub fn picture(&self, issues: &[&Issue], url: &Url, max_bytes: u64) -> PictureLookup {
        let Some(file) = issues.iter().find_map(|issue| self.at(&issue.path, &issue.permalink, url)) else {
            let base = &self.config.publication.base_url;
            let is_own = url.origin() == base.origin() && url.path().starts_with(base.path());
            return if is_own { PictureLookup::Missing } else { PictureLookup::Elsewhere };
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match self.project.size(&file) {
            Some(bytes) if bytes > max_bytes => PictureLookup::Larger(bytes),
            Some(_) => {
                self.project.bytes(&file).map_or(PictureLookup::Missing, |bytes| PictureLookup::File { name, bytes })
            }
            None => PictureLookup::Missing,
        }
    }

    /// URLs relative to the permalink are files beside the issue.
    fn beside(&self, path: &str, permalink: &Url, url: &Url) -> Option<PathBuf> {
        let page = permalink.path();
        let page = &page[..=page.rfind('/')?];
        let below = url.path().strip_prefix(page).filter(|_| url.origin() == permalink.origin())?;
        Some(self.project.path(folder(path)).join(safe_relative_path(below)?))
    }

    /// Some generators publish the files of a folder below the page.
    fn asset(&self, path: &str, permalink: &Url, url: &Url) -> Option<PathBuf> {
        let folder = self.config.format.format.asset_folder(path)?;
        let page = permalink.path().trim_end_matches(".html").trim_end_matches('/');
        let below = url.path().strip_prefix(page)?.strip_prefix('/').filter(|_| url.origin() == permalink.origin())?;
        Some(self.project.path(folder).join(safe_relative_path(below)?))
    }

    fn is_visible(&self, file: &Path) -> bool {
        let is_markdown = file.extension().is_some_and(|ending| ending == "md" || ending == "markdown");
        let below = file.strip_prefix(self.project.folder()).unwrap_or(file);
        let is_hidden =
            |part: Component<'_>| matches!(part, Component::Normal(name) if name.to_string_lossy().starts_with('.'));
        !is_markdown && !below.components().any(is_hidden)
    }

    fn is_file_of_project(&self, file: &Path) -> bool {
        let (Some(file), Some(root)) = (self.project.real_path(file), &self.root) else { return false };
        // Next to the project file there may be subscribers and keys.
        let is_at_the_top = file.parent() == Some(root);
        let is_picture = || mime_guess::from_path(&file).iter().any(|mime| mime.type_() == "image");
        self.project.is_file(&file) && file.starts_with(root) && (!is_at_the_top || is_picture())
    }
}

/// The files that the site may publish at a URL.
pub fn below_root(project: &Project, config: &Config, url: &Url) -> Vec<PathBuf> {
    let base = &config.publication.base_url;
    if url.origin() != base.origin() {
        return Vec::new();
    }
    let path = url.path();
    let below_root = path.strip_prefix(base.path()).unwrap_or(path.trim_start_matches('/'));
    let Some(below_root) = safe_relative_path(below_root) else { return Vec::new() };
    let named = config.static_folders.iter().chain(&config.content).map(PathBuf::as_path);
    let folders = ROOT_FOLDERS.iter().map(Path::new).chain(named);
    folders.map(|folder| project.path(folder).join(&below_root)).collect()
}

/// A decoded path; `None` if it leaves its folder.
pub fn safe_relative_path(path: &str) -> Option<PathBuf> {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let path = PathBuf::from(decoded.as_ref());
    let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    (stays && path.components().next().is_some()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::assemble::{Source, assemble};
    use crate::content::front_matter::split;
    use crate::content::names::Names;

    #[test]
    fn files_are_found_where_the_site_publishes_them_and_nowhere_else() {
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
        let source = Source::of_path("content/one/index.md", "one/index.md");
        let block = split(source.path, b"---\ntitle: One\ndate: 2026-01-01\n---\n").unwrap();
        let issue =
            assemble(source, &block, &config.publication, &config.permalink, &mut Names::default()).issue.unwrap();
        let files = Resources::new(&project, &config);
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
            let found = files.at(&issue.path, &issue.permalink, &issue.permalink.join(url).unwrap());
            let expected = expected.map(|file| project.folder().join(file));
            assert_eq!(found, expected, "{url}");
        }
    }
}
