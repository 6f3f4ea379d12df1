//! Looks up covers: files of the project by their bytes, covers hosted elsewhere in `covers.lock`.
//!
//! Takes the cover named by an issue; returns it with type and size, or a finding. Never guesses about a file that
//! should exist, and never reads the web.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use url::Url;

use crate::config::Config;
use crate::content::path::{file_name, folder, is_index, with_slashes};
use crate::content::url_path::absolute;
use crate::content::{cover, front_matter};
use crate::covers_lock::{self, CoversLock};
use crate::disk::Project;
use crate::finding::{Finding, Place};
use crate::issue::{Cover, CoverReference, Issue};
use crate::picture::{Picture, probe_reader};
use crate::resources::{below_root, safe_relative_path};

/// The covers of a project.
#[derive(Debug)]
pub struct Covers<'a> {
    project: &'a Project,
    config: &'a Config,
    lock: CoversLock,
}

/// What is known about an issue's cover.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownCover {
    /// The cover for all outputs.
    pub cover: Option<Cover>,
    /// A problem with it.
    pub finding: Option<Finding>,
}

/// A possible file of a cover.
struct Candidate {
    file: PathBuf,
    /// The URL of this file, if the permalink does not lead to it.
    url: Option<Url>,
}

impl<'a> Covers<'a> {
    /// Reads `covers.lock`; each unreadable line is a finding.
    ///
    /// # Errors
    /// If `covers.lock` exists and cannot be read.
    pub fn open(project: &'a Project, config: &'a Config) -> anyhow::Result<(Self, Vec<Finding>)> {
        let text = project.text_if_exists(covers_lock::FILE)?;
        let (lock, findings) = text.map(|text| CoversLock::parse(&text)).unwrap_or_default();
        Ok((Self { project, config, lock }, findings))
    }

    /// The cover of an issue with type, size in bytes and in pixels, as far as known for certain. An unmeasured cover
    /// hosted elsewhere keeps the type suggested by its file extension.
    pub fn cover(&self, issue: &Issue) -> KnownCover {
        let (Some(reference), Some(cover)) = (&issue.cover, cover::from_url(issue)) else {
            return KnownCover::default();
        };
        match self.file(issue, reference, &cover.url) {
            Some(found) => self.file_cover(issue, cover, found),
            None if reference.is_elsewhere() => KnownCover { cover: Some(self.remote_cover(cover)), finding: None },
            None => {
                let missing = Finding::warning("cover-missing", format!("file `{}` not found", reference.target));
                let help = "put the file beside the issue, into `static` or into `assets`, or correct its name";
                self.with_finding(issue, cover, missing.help(help))
            }
        }
    }

    /// The URL that the outputs have for the cover of an issue.
    pub fn url(&self, issue: &Issue) -> Option<Url> {
        let url = issue.cover_url()?;
        Some(self.file(issue, issue.cover.as_ref()?, &url).and_then(|found| found.url).unwrap_or(url))
    }

    /// The URL of a cover hosted elsewhere.
    pub fn remote_url(&self, issue: &Issue) -> Option<Url> {
        let cover = issue.cover.as_ref().filter(|cover| cover.is_elsewhere())?;
        let url = issue.cover_url()?;
        self.file(issue, cover, &url).is_none().then_some(url)
    }

    /// A finding if any of these issues has an unmeasured cover hosted elsewhere.
    pub fn unmeasured(&self, issues: &[Issue]) -> Option<Finding> {
        let unknown =
            issues.iter().filter_map(|issue| self.remote_url(issue)).filter(|url| self.lock.of(url).is_none());
        let count = unknown.map(|url| covers_lock::address(&url)).collect::<BTreeSet<_>>().len();
        let what = match count {
            0 => return None,
            1 => "1 cover hosted elsewhere has not been measured".to_owned(),
            _ => format!("{count} covers hosted elsewhere have not been measured"),
        };
        let help = "run `slugline covers fetch` and commit `covers.lock`";
        Some(Finding::warning("cover-unmeasured", what).help(help).at(Place::file(covers_lock::FILE)))
    }

    /// The contents of `covers.lock`.
    pub fn into_lock(self) -> CoversLock {
        self.lock
    }

    fn file_cover(&self, issue: &Issue, cover: Cover, found: Candidate) -> KnownCover {
        let shown = found.file.strip_prefix(self.project.folder()).unwrap_or(&found.file).display();
        match measure(self.project, &found.file) {
            Ok((bytes, Some(Picture { mime_type, size }))) => {
                let url = found.url.unwrap_or(cover.url);
                let (mime_type, bytes) = (Some(mime_type.to_owned()), Some(bytes));
                KnownCover { cover: Some(Cover { url, mime_type, bytes, size, ..cover }), finding: None }
            }
            Ok((_, None)) => {
                let wrong = Finding::warning("cover-not-image", format!("`{shown}` is not a picture"));
                let help =
                    "use a PNG, JPEG, GIF, WebP, AVIF, HEIC, SVG, BMP or TIFF file; its content counts, not its name";
                self.with_finding(issue, cover, wrong.help(help))
            }
            Err(error) => {
                let wrong =
                    Finding::warning("cover-unreadable", format!("`{shown}` cannot be read: {}", error.root_cause()));
                self.with_finding(issue, cover, wrong.help("give the user who runs slugline permission to read it"))
            }
        }
    }

    fn with_finding(&self, issue: &Issue, cover: Cover, finding: Finding) -> KnownCover {
        let cover = Cover { mime_type: None, ..cover };
        KnownCover { cover: Some(cover), finding: Some(finding.at(place_of_cover(self.project, issue))) }
    }

    fn remote_cover(&self, cover: Cover) -> Cover {
        let Some(measured) = self.lock.of(&cover.url).cloned() else { return cover };
        Cover { mime_type: Some(measured.mime_type), bytes: Some(measured.bytes), size: measured.size, ..cover }
    }

    fn file(&self, issue: &Issue, cover: &CoverReference, url: &Url) -> Option<Candidate> {
        self.candidates(issue, cover, url).into_iter().find(|candidate| self.project.is_file(&candidate.file))
    }

    /// Beside the issue; at its URL; and, as themes resolve paths, below the root of the site.
    fn candidates(&self, issue: &Issue, cover: &CoverReference, url: &Url) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let written = cover.target.split(['?', '#']).next().unwrap_or_default();
        let is_relative = !cover.is_elsewhere() && !written.starts_with('/');
        if is_relative {
            candidates.extend(self.beside(issue, written));
        }
        candidates
            .extend(below_root(self.project, self.config, url).into_iter().map(|file| Candidate { file, url: None }));
        if is_relative && let Some(decoded) = safe_relative_path(written) {
            let url = absolute(&self.config.publication.base_url, &with_slashes(&decoded));
            let files = below_root(self.project, self.config, &url);
            candidates.extend(files.into_iter().map(|file| Candidate { file, url: Some(url.clone()) }));
        }
        candidates
    }

    /// Files of a bundle are published with its page, files beside a single file in their own folder.
    fn beside(&self, issue: &Issue, written: &str) -> Option<Candidate> {
        let decoded = safe_relative_path(written)?;
        let folder = folder(&issue.path);
        let file = self.project.path(folder).join(&decoded);
        let is_bundle = is_index(file_name(&self.config.languages.without_language(&issue.path)));
        let site = self.config.site_root(&issue.path).filter(|_| self.config.paths_from_site).map(Path::new);
        let contents =
            site.into_iter().chain(self.config.content.iter().map(PathBuf::as_path).filter(|_| site.is_none()));
        let folders = contents.filter_map(|content| Path::new(folder).strip_prefix(content).ok());
        // The site's folder counts, or else the innermost of nested content folders.
        let below_content = folders.min_by_key(|below| below.as_os_str().len()).filter(|_| !is_bundle);
        let publication = self.config.languages.of_file(&issue.path, &self.config.publication);
        let url = below_content.map(|below| {
            let path = Path::new(publication.site.as_deref().unwrap_or_default()).join(below).join(&decoded);
            absolute(&publication.base_url, &with_slashes(&path))
        });
        Some(Candidate { file, url })
    }
}

/// The place of the cover in the front matter of an issue.
pub(super) fn place_of_cover(project: &Project, issue: &Issue) -> Place {
    let whole = Place::file(&issue.path);
    let Ok(head) = project.head(&issue.path, front_matter::is_complete) else { return whole };
    let Ok(block) = front_matter::split(&issue.path, &head) else { return whole };
    let places = cover::FIELDS.iter().map(|field| block.place(&issue.path, field));
    places.into_iter().find(|place| place.line > 0).unwrap_or(whole)
}

/// Size in bytes, and the picture.
fn measure(project: &Project, file: &Path) -> anyhow::Result<(u64, Option<Picture>)> {
    let file = project.open(file)?;
    let bytes = file.metadata()?.len();
    Ok((bytes, probe_reader(&mut BufReader::new(file)).at_end_of_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a PNG of 3 by 2 pixels: enough for type and size.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0";
    const HTML: &[u8] = b"<!DOCTYPE html><title>404</title>";

    /// The cover of the issue at `path`, in a project with these files.
    fn known(path: &str, cover: &str, files: &[(&str, &[u8])]) -> KnownCover {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        project.write("slugline.yaml", b"title: T\nbase_url: https://example.org/site\n").unwrap();
        project.write(path, format!("---\ntitle: a\ncover: '{cover}'\n---\n").as_bytes()).unwrap();
        for (file, bytes) in files {
            project.write(file, bytes).unwrap();
        }
        let config = crate::load::config(&project, "slugline.yaml").unwrap();
        let issues = crate::load::issues(&project, &config, "2026-11-20T08:00:00Z".parse().unwrap()).unwrap().issues;
        let (covers, findings) = Covers::open(&project, &config).unwrap();
        assert_eq!(findings, []);
        covers.cover(&issues[0])
    }

    /// URL, type, bytes and pixels.
    type Summary = (String, Option<String>, Option<u64>, Option<(u32, u32)>);

    /// A cover without findings.
    fn cover(path: &str, written: &str, file: &str) -> Summary {
        let known = known(path, written, &[(file, PNG)]);
        assert_eq!(known.finding, None, "{written}");
        let cover = known.cover.unwrap();
        (cover.url.to_string(), cover.mime_type, cover.bytes, cover.size)
    }

    fn png(url: &str) -> Summary {
        (url.to_owned(), Some("image/png".to_owned()), Some(PNG.len() as u64), Some((3, 2)))
    }

    #[test]
    fn a_file_is_found_where_hugo_publishes_it_and_measured_by_its_bytes() {
        const BUNDLE: &str = "content/blog/a/index.md";
        const SINGLE: &str = "content/blog/a.md";
        let site = "https://example.org/site";
        for (path, written, file, url) in [
            (BUNDLE, "海 1.jpg", "content/blog/a/海 1.jpg", "/blog/a/%E6%B5%B7%201.jpg"),
            (BUNDLE, "%E6%B5%B7%201.jpg?v=2", "content/blog/a/海 1.jpg", "/blog/a/%E6%B5%B7%201.jpg?v=2"),
            (BUNDLE, "./img/a.png", "content/blog/a/img/a.png", "/blog/a/img/a.png"),
            (BUNDLE, "../shared/a.png", "content/blog/shared/a.png", "/blog/shared/a.png"),
            (BUNDLE, "images/a.png", "static/images/a.png", "/images/a.png"),
            (BUNDLE, "images/a%20b.png", "assets/images/a b.png", "/images/a%20b.png"),
            (SINGLE, "a.png", "content/blog/a.png", "/blog/a.png"),
            (SINGLE, "https://example.org/site/a%20b.png", "static/a b.png", "/a%20b.png"),
            (SINGLE, "//example.org/site/a.png", "static/a.png", "/a.png"),
            (SINGLE, "/site/a.png", "static/a.png", "/a.png"),
        ] {
            assert_eq!(cover(path, written, file), png(&format!("{site}{url}")), "{written}");
        }
        assert_eq!(cover(SINGLE, "/a.png", "static/a.png"), png("https://example.org/a.png"));
    }

    #[test]
    fn nothing_is_guessed_about_missing_or_invalid_files() {
        for (written, rule, message) in [
            ("a.gif", "cover-not-image", "`static/a.gif` is not a picture"),
            ("/b.png", "cover-missing", "file `/b.png` not found"),
            ("../../../../etc/passwd.png", "cover-missing", "file `../../../../etc/passwd.png` not found"),
            ("..%2F..%2Fslugline.yaml", "cover-missing", "file `..%2F..%2Fslugline.yaml` not found"),
        ] {
            let known = known("content/a/index.md", written, &[("static/a.gif", HTML)]);
            let (cover, finding) = (known.cover.unwrap(), known.finding.unwrap());
            assert_eq!((cover.mime_type, cover.bytes, cover.size), (None, None, None), "{written}");
            assert_eq!((finding.rule, finding.message.as_str()), (rule, message));
            assert_eq!(finding.place.unwrap().to_string(), "content/a/index.md:3:8");
        }
    }

    #[test]
    fn a_cover_hosted_elsewhere_comes_from_the_lock() {
        let lock =
            b"https://img.example.com/a.jpg image/webp 1234 30x20\nhttps://example.org/a.svg image/svg+xml 99 -\n";
        let of = |written: &str| {
            let cover = known("content/a.md", written, &[("covers.lock", lock)]).cover.unwrap();
            (cover.mime_type.unwrap_or_default(), cover.bytes, cover.size)
        };
        assert_eq!(of("https://img.example.com/a.jpg"), ("image/webp".to_owned(), Some(1234), Some((30, 20))));
        assert_eq!(of("//img.example.com/a.jpg#top"), ("image/webp".to_owned(), Some(1234), Some((30, 20))));
        assert_eq!(of("https://example.org/a.svg"), ("image/svg+xml".to_owned(), Some(99), None));
        assert_eq!(of("https://img.example.com/b.jpg"), ("image/jpeg".to_owned(), None, None));
    }

    #[test]
    fn unmeasured_covers_are_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        project.write("slugline.yaml", b"title: T\nbase_url: https://example.org\n").unwrap();
        project.write("covers.lock", b"https://img.example.com/a.png image/png 29 3x2\n").unwrap();
        project.write("static/own.png", PNG).unwrap();
        let said = |covers: &[&str]| {
            for (number, cover) in covers.iter().enumerate() {
                let issue = format!("---\ntitle: a\ncover: {cover}\n---\n");
                project.write(format!("content/{number}.md"), issue.as_bytes()).unwrap();
            }
            let config = crate::load::config(&project, "slugline.yaml").unwrap();
            let issues =
                crate::load::issues(&project, &config, "2026-11-20T08:00:00Z".parse().unwrap()).unwrap().issues;
            Covers::open(&project, &config).unwrap().0.unmeasured(&issues).map(|finding| finding.message)
        };
        let known = ["https://img.example.com/a.png", "https://example.org/own.png", "/missing.png"];
        assert_eq!(said(&known), None);
        let unknown = ["https://img.example.com/b.png", "https://img.example.com/b.png#top"];
        assert_eq!(said(&unknown).unwrap(), "1 cover hosted elsewhere has not been measured");
    }
}
