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
use crate::issue::{Cover, Issue, WrittenCover};
use crate::picture::{Picture, look_into};
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
pub struct Known {
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
    pub fn of(&self, issue: &Issue) -> Known {
        let (Some(written), Some(cover)) = (&issue.cover, cover::promised(issue)) else { return Known::default() };
        match self.file(issue, written, &cover.url) {
            Some(found) => self.measured(issue, cover, found),
            None if written.is_elsewhere() => Known { cover: Some(self.locked(cover)), finding: None },
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

    fn measured(&self, issue: &Issue, cover: Cover, found: Candidate) -> Known {
        let shown = found.file.strip_prefix(self.project.folder()).unwrap_or(&found.file).display();
        match measured(self.project, &found.file) {
            Ok((bytes, Some(Picture { mime_type, size }))) => {
                let url = found.url.unwrap_or(cover.url);
                let (mime_type, bytes) = (Some(mime_type.to_owned()), Some(bytes));
                Known { cover: Some(Cover { url, mime_type, bytes, size, ..cover }), finding: None }
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

    fn unknown(&self, issue: &Issue, cover: Cover, finding: Finding) -> Known {
        let cover = Cover { mime_type: None, ..cover };
        Known { cover: Some(cover), finding: Some(finding.at(place_of_cover(self.project, issue))) }
    }

    fn locked(&self, cover: Cover) -> Cover {
        let Some(measured) = self.lock.of(&cover.url).cloned() else { return cover };
        Cover { mime_type: Some(measured.mime_type), bytes: Some(measured.bytes), size: measured.size, ..cover }
    }

    fn file(&self, issue: &Issue, cover: &WrittenCover, url: &Url) -> Option<Candidate> {
        self.candidates(issue, cover, url).into_iter().find(|candidate| self.project.is_file(&candidate.file))
    }

    /// Beside the issue; where its address says; and, as themes resolve a path, below the root of the site.
    fn candidates(&self, issue: &Issue, cover: &WrittenCover, url: &Url) -> Vec<Candidate> {
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
    Ok((bytes, look_into(&mut BufReader::new(file)).at_the_end()))
}

#[cfg(test)]
mod tests;
