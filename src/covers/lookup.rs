//! Covers as they are: files of the project by their bytes, covers elsewhere on the web by `covers.lock`.
//!
//! Takes the cover that an issue names; gives it with type and sizes, or what is wrong with it. Nothing is guessed of a
//! file that should be here, and nothing is read from the web.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use url::Url;

use crate::config::Config;
use crate::content::path::{file_name, folder, slashed};
use crate::content::permalink::{absolute, is_index};
use crate::content::{cover, front_matter};
use crate::covers_lock::{self, CoversLock};
use crate::disk::Project;
use crate::finding::{Finding, Place};
use crate::issue::{Cover, CoverReference, Issue};
use crate::picture::{Picture, probe_reader};
use crate::resources::{below_root, inside};

/// Knows the covers of a project.
#[derive(Debug)]
pub struct Covers<'a> {
    project: &'a Project,
    config: &'a Config,
    lock: CoversLock,
}

/// What is known of an issue's cover.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownCover {
    /// The cover as outputs should show it.
    pub cover: Option<Cover>,
    /// What is wrong with it.
    pub finding: Option<Finding>,
}

/// Where the file of a cover may lie.
struct Candidate {
    file: PathBuf,
    /// The address of this file, where it is not what the permalink makes of the path.
    url: Option<Url>,
}

impl<'a> Covers<'a> {
    /// Reads what was measured; a line of it that cannot be read is a finding.
    ///
    /// # Errors
    /// When `covers.lock` is there and cannot be read.
    pub fn open(project: &'a Project, config: &'a Config) -> anyhow::Result<(Self, Vec<Finding>)> {
        let text = project.text_if_there(covers_lock::FILE)?;
        let (lock, findings) = text.map(|text| CoversLock::parse(&text)).unwrap_or_default();
        Ok((Self { project, config, lock }, findings))
    }

    /// The cover of an issue with type, size in bytes and in pixels, as far as they are known for certain. A cover
    /// elsewhere that was never measured keeps the type that its name promises.
    pub fn of(&self, issue: &Issue) -> KnownCover {
        let (Some(written), Some(cover)) = (&issue.cover, cover::promised(issue)) else { return KnownCover::default() };
        match self.file(issue, written, &cover.url) {
            Some(found) => self.measured(issue, cover, found),
            None if written.is_elsewhere() => KnownCover { cover: Some(self.locked(cover)), finding: None },
            None => {
                let missing = Finding::warning("cover-missing", format!("there is no file `{}`", written.written));
                let help = "put it beside the issue, into `static` or into `assets`, or mend its name";
                self.unknown(issue, cover, missing.help(help))
            }
        }
    }

    /// The address of a cover that is elsewhere on the web.
    pub fn elsewhere(&self, issue: &Issue) -> Option<Url> {
        let cover = issue.cover.as_ref().filter(|cover| cover.is_elsewhere())?;
        let url = issue.cover_url()?;
        self.file(issue, cover, &url).is_none().then_some(url)
    }

    /// What is to say when covers of these issues are elsewhere on the web and were never measured.
    pub fn unmeasured(&self, issues: &[Issue]) -> Option<Finding> {
        let unknown = issues.iter().filter_map(|issue| self.elsewhere(issue)).filter(|url| self.lock.of(url).is_none());
        let count = unknown.map(|url| covers_lock::address(&url)).collect::<BTreeSet<_>>().len();
        let what = match count {
            0 => return None,
            1 => "1 cover elsewhere on the web was never measured".to_owned(),
            _ => format!("{count} covers elsewhere on the web were never measured"),
        };
        let help = "run `slugline covers fetch` and commit `covers.lock`";
        Some(Finding::warning("cover-unmeasured", what).help(help).at(Place::file(covers_lock::FILE)))
    }

    /// What was measured.
    pub fn into_lock(self) -> CoversLock {
        self.lock
    }

    fn measured(&self, issue: &Issue, cover: Cover, found: Candidate) -> KnownCover {
        let shown = found.file.strip_prefix(self.project.folder()).unwrap_or(&found.file).display();
        match measured(self.project, &found.file) {
            Ok((bytes, Some(Picture { mime_type, size }))) => {
                let url = found.url.unwrap_or(cover.url);
                let (mime_type, bytes) = (Some(mime_type.to_owned()), Some(bytes));
                KnownCover { cover: Some(Cover { url, mime_type, bytes, size, ..cover }), finding: None }
            }
            Ok((_, None)) => {
                let wrong = Finding::warning("cover-no-picture", format!("`{shown}` is no picture"));
                let help = "use a PNG, JPEG, GIF, WebP, AVIF, HEIC, SVG, BMP or TIFF file; what it is, its bytes tell";
                self.unknown(issue, cover, wrong.help(help))
            }
            Err(error) => {
                let wrong =
                    Finding::warning("cover-unreadable", format!("`{shown}` cannot be read: {}", error.root_cause()));
                self.unknown(issue, cover, wrong.help("let the user who runs this read it"))
            }
        }
    }

    fn unknown(&self, issue: &Issue, cover: Cover, finding: Finding) -> KnownCover {
        let cover = Cover { mime_type: None, ..cover };
        KnownCover { cover: Some(cover), finding: Some(finding.at(place_of_cover(self.project, issue))) }
    }

    fn locked(&self, cover: Cover) -> Cover {
        let Some(measured) = self.lock.of(&cover.url).cloned() else { return cover };
        Cover { mime_type: Some(measured.mime_type), bytes: Some(measured.bytes), size: measured.size, ..cover }
    }

    fn file(&self, issue: &Issue, cover: &CoverReference, url: &Url) -> Option<Candidate> {
        self.candidates(issue, cover, url).into_iter().find(|candidate| self.project.is_file(&candidate.file))
    }

    /// Beside the issue; where its address says; and, as themes resolve a path, below the root of the site.
    fn candidates(&self, issue: &Issue, cover: &CoverReference, url: &Url) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let written = cover.written.split(['?', '#']).next().unwrap_or_default();
        let is_relative = !cover.is_elsewhere() && !written.starts_with('/');
        if is_relative {
            candidates.extend(self.beside(issue, written));
        }
        candidates
            .extend(below_root(self.project, self.config, url).into_iter().map(|file| Candidate { file, url: None }));
        if is_relative && let Some(decoded) = inside(written) {
            let url = absolute(&self.config.publication.base_url, &slashed(&decoded));
            let files = below_root(self.project, self.config, &url);
            candidates.extend(files.into_iter().map(|file| Candidate { file, url: Some(url.clone()) }));
        }
        candidates
    }

    /// The files of a bundle are published with its page, those beside a single file where they lie.
    fn beside(&self, issue: &Issue, written: &str) -> Option<Candidate> {
        let decoded = inside(written)?;
        let folder = folder(&issue.path);
        let file = self.project.path(folder).join(&decoded);
        let is_bundle = is_index(file_name(&self.config.languages.without_language(&issue.path)));
        let folders = self.config.content.iter().filter_map(|content| Path::new(folder).strip_prefix(content).ok());
        // Of two content folders, one below the other, the inner one counts.
        let below_content = folders.min_by_key(|below| below.as_os_str().len()).filter(|_| !is_bundle);
        let publication = self.config.languages.of_file(&issue.path, &self.config.publication);
        let url = below_content.map(|below| {
            let path = Path::new(publication.site.as_deref().unwrap_or_default()).join(below).join(&decoded);
            absolute(&publication.base_url, &slashed(&path))
        });
        Some(Candidate { file, url })
    }
}

/// Where the cover stands in the front matter of an issue.
pub(super) fn place_of_cover(project: &Project, issue: &Issue) -> Place {
    let whole = Place::file(&issue.path);
    let Ok(head) = project.head(&issue.path, front_matter::is_complete) else { return whole };
    let Ok(block) = front_matter::split(&issue.path, &head) else { return whole };
    let places = cover::FIELDS.iter().map(|field| block.place(&issue.path, field));
    places.into_iter().find(|place| place.line > 0).unwrap_or(whole)
}

/// Bytes, and what they are.
fn measured(project: &Project, file: &Path) -> anyhow::Result<(u64, Option<Picture>)> {
    let file = project.open(file)?;
    let bytes = file.metadata()?.len();
    Ok((bytes, probe_reader(&mut BufReader::new(file)).at_end_of_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a PNG of 3 by 2 pixels: all that its type and size are read from.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0";
    const HTML: &[u8] = b"<!DOCTYPE html><title>404</title>";

    /// What is known of a cover of the issue at `path`, in a project with these files.
    fn known(path: &str, cover: &str, files: &[(&str, &[u8])]) -> KnownCover {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        project.write("slugline.yaml", b"title: T\nbase_url: https://example.org/site\n").unwrap();
        project.write(path, format!("---\ntitle: a\ncover: '{cover}'\n---\n").as_bytes()).unwrap();
        for (file, bytes) in files {
            project.write(file, bytes).unwrap();
        }
        let config = crate::load::config(&project, "slugline.yaml").unwrap();
        let issues = crate::load::issues(&project, &config).unwrap().issues;
        let (covers, findings) = Covers::open(&project, &config).unwrap();
        assert_eq!(findings, []);
        covers.of(&issues[0])
    }

    /// Address, type, bytes and pixels.
    type Shown = (String, Option<String>, Option<u64>, Option<(u32, u32)>);

    /// A cover with which nothing is wrong.
    fn cover(path: &str, written: &str, file: &str) -> Shown {
        let known = known(path, written, &[(file, PNG)]);
        assert_eq!(known.finding, None, "{written}");
        let cover = known.cover.unwrap();
        (cover.url.to_string(), cover.mime_type, cover.bytes, cover.size)
    }

    fn png(url: &str) -> Shown {
        (url.to_owned(), Some("image/png".to_owned()), Some(PNG.len() as u64), Some((3, 2)))
    }

    #[test]
    fn a_file_is_found_where_hugo_publishes_it_and_its_bytes_tell_what_it_is() {
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
    fn nothing_is_guessed_of_a_file_that_is_missing_or_no_picture() {
        for (written, rule, message) in [
            ("a.gif", "cover-no-picture", "`static/a.gif` is no picture"),
            ("/b.png", "cover-missing", "there is no file `/b.png`"),
            ("../../../../etc/passwd.png", "cover-missing", "there is no file `../../../../etc/passwd.png`"),
            ("..%2F..%2Fslugline.yaml", "cover-missing", "there is no file `..%2F..%2Fslugline.yaml`"),
        ] {
            let known = known("content/a/index.md", written, &[("static/a.gif", HTML)]);
            let (cover, finding) = (known.cover.unwrap(), known.finding.unwrap());
            assert_eq!((cover.mime_type, cover.bytes, cover.size), (None, None, None), "{written}");
            assert_eq!((finding.rule, finding.message.as_str()), (rule, message));
            assert_eq!(finding.place.unwrap().to_string(), "content/a/index.md:3:8");
        }
    }

    #[test]
    fn a_cover_elsewhere_is_what_the_lock_says() {
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
    fn covers_that_were_never_measured_are_counted_once() {
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
            let issues = crate::load::issues(&project, &config).unwrap().issues;
            Covers::open(&project, &config).unwrap().0.unmeasured(&issues).map(|finding| finding.message)
        };
        let known = ["https://img.example.com/a.png", "https://example.org/own.png", "/missing.png"];
        assert_eq!(said(&known), None);
        let unknown = ["https://img.example.com/b.png", "https://img.example.com/b.png#top"];
        assert_eq!(said(&unknown).unwrap(), "1 cover elsewhere on the web was never measured");
    }
}
