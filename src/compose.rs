//! Composes mail: the edition of an issue or a digest, the messages of its recipients, and the findings about it.
//!
//! Joins what an edition is made of: bodies, shortcodes, covers, pictures, templates, secrets and DKIM keys. All commands that
//! mail, show or check an edition get it here, so that they report the same. `edition` renders it, `check` has the rules,
//! `delivery` the recipients.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::check::mail::RenderedEdition;
use crate::check::site::Site;
use crate::check::{self, IssueSource};
use crate::config::{Config, MailConfig};
use crate::content::markdown::Document;
use crate::covers::{Covers, KnownCover};
use crate::digest::{MailingContent, empty_digest};
use crate::disk::Project;
use crate::edition::{self, Edition, Recipient, Section};
use crate::finding::Finding;
use crate::identity::{changing_ids, read_lock};
use crate::issue::{Cover, Issue};
use crate::load;
use crate::load::pictures::with_pictures;
use crate::resources::Resources;
use crate::shortcodes::Shortcodes;

use envelopes::Envelopes;

pub use letters::Letters;

mod envelopes;
mod letters;
mod reader_links;
pub mod secrets;
pub mod signer;
pub mod transactional;

/// Composes the editions of a project.
#[derive(Debug)]
pub struct Composer<'a> {
    project: &'a Project,
    config: &'a Config,
    issues: &'a [Issue],
    shortcodes: Shortcodes<'a>,
    covers: Covers<'a>,
    cover_findings: Vec<Finding>,
    shortcode_findings: Vec<Finding>,
    /// Files already read, so that the same text is hashed, mailed and shown.
    files: Mutex<BTreeMap<String, Arc<Vec<u8>>>>,
}

/// The errors of a mailing.
#[derive(Debug, Clone, PartialEq)]
pub struct MailErrors {
    /// What `check` calls an error.
    pub errors: Vec<Finding>,
    /// Whether it could be mailed nevertheless.
    pub has_edition: bool,
}

/// An edition, and the findings about it.
#[derive(Debug)]
pub struct Composed {
    /// The edition, or the reason why it cannot be made: a finding if a template is invalid or a file cannot be read.
    pub edition: anyhow::Result<Edition>,
    /// Shortcodes and pictures that the edition cannot show, and problems that all editions share.
    pub findings: Vec<Finding>,
}

impl<'a> Composer<'a> {
    /// Opens what the editions of a project share: its shortcodes, whose references lead to one of `issues`, and its covers.
    ///
    /// # Errors
    /// When the template of a shortcode or `covers.lock` exists but cannot be read.
    pub fn open(project: &'a Project, config: &'a Config, issues: &'a [Issue]) -> anyhow::Result<Self> {
        let (covers, cover_findings) = Covers::open(project, config)?;
        let (shortcodes, shortcode_findings) = load::shortcodes(project, config, issues)?;
        let files = Mutex::default();
        Ok(Self { project, config, issues, shortcodes, shortcode_findings, covers, cover_findings, files })
    }

    /// The project.
    pub fn project(&self) -> &'a Project {
        self.project
    }

    /// All issues of the project, newest first.
    pub fn issues(&self) -> &'a [Issue] {
        self.issues
    }

    /// The site that issues are checked against at `now`: what links can lead to, and the published ids.
    ///
    /// # Errors
    /// When `feeds.lock` exists but cannot be read.
    pub fn site(&self, now: DateTime<Utc>) -> anyhow::Result<Site> {
        let config = self.config;
        let lock = read_lock(self.project)?;
        let changing = changing_ids(&lock, self.issues).into_iter();
        let ids = changing.map(|(path, known, _)| (path.to_owned(), known.to_string())).collect();
        let folders = config.content.iter().chain(&config.static_folders);
        let folders: Vec<String> = folders.map(|folder| folder.to_string_lossy().into_owned()).collect();
        let content: Vec<&str> = folders.iter().map(String::as_str).chain(["content"]).collect();
        let files = self.project.files_below_except(&[content.as_slice(), &[""]].concat(), &["node_modules"]);
        Ok(Site::new(&config.publication, self.issues, files, &content, ids, now).mailed(config.mail.is_some()))
    }

    /// The findings about the templates of shortcodes.
    pub fn shortcode_findings(&self) -> &[Finding] {
        &self.shortcode_findings
    }

    /// The findings about `covers.lock`.
    pub fn cover_findings(&self) -> &[Finding] {
        &self.cover_findings
    }

    /// The finding about covers hosted elsewhere that were never measured.
    pub fn unmeasured_covers(&self) -> Option<Finding> {
        self.covers.unmeasured(self.issues)
    }

    /// Composes the edition of an issue or digest, with the project's templates if there are any.
    pub fn compose(&self, content: &MailingContent<'_>) -> Composed {
        let mut findings: Vec<Finding> = self.shortcode_findings.clone();
        let edition = self.edition(content, &mut findings);
        Composed { edition, findings: self.enabled(findings) }
    }

    /// Returns all findings about the edition of an issue or digest: those of `compose`, the reason if it cannot be made, and those
    /// of `check` about its texts and about the edition as the sender would receive it.
    pub fn check_mail(&self, content: &MailingContent<'_>, site: &Site) -> Vec<Finding> {
        let Composed { edition, mut findings } = self.check_texts(content, site);
        let path = path_of(content);
        let checked = edition.and_then(|edition| self.check_edition(content, &edition, path));
        findings.extend(checked.unwrap_or_else(|error| vec![failure(path, &error)]));
        self.enabled(findings)
    }

    /// Returns the errors among the findings of `check_mail`, except that the edition cannot be written for its sender, who may
    /// lack what all subscribers have.
    pub fn mail_errors(&self, content: &MailingContent<'_>, site: &Site) -> MailErrors {
        let Composed { edition, mut findings } = self.check_texts(content, site);
        let (path, has_edition) = (path_of(content), edition.is_ok());
        match edition {
            Ok(edition) => findings.extend(self.check_edition(content, &edition, path).unwrap_or_default()),
            Err(error) => findings.push(failure(path, &error)),
        }
        let mut errors = self.enabled(findings);
        errors.retain(Finding::is_error);
        MailErrors { errors, has_edition }
    }

    /// The edition of an issue or digest, with the findings of `check` about its texts.
    fn check_texts(&self, content: &MailingContent<'_>, site: &Site) -> Composed {
        let Composed { edition, mut findings } = self.compose(content);
        // `check` knows more about references: it also knows pages that are not issues.
        findings.retain(|finding| finding.rule != "link-broken");
        for issue in content.issues() {
            // A file that cannot be read is reported as the reason why there is no edition.
            findings.extend(self.file(issue).iter().flat_map(|file| self.check_text(issue, file, site)));
        }
        Composed { edition, findings }
    }

    /// Returns all findings about one issue, mailed or not: front matter, text, cover and shortcodes.
    pub fn check(&self, issue: &Issue, site: &Site) -> Vec<Finding> {
        let judged = load::file(self.project, issue).and_then(|file| {
            let mut findings = self.shortcodes.findings(issue, load::body_in(issue, &file)?);
            findings.retain(|finding| finding.rule != "link-broken");
            findings.extend(self.check_text(issue, &file, site));
            Ok(self.enabled(findings))
        });
        judged.unwrap_or_else(|finding| vec![*finding])
    }

    /// The letters of an edition, dated so.
    ///
    /// # Errors
    /// A finding when the project does not mail, lacks the secret of its tokens, or names a key that cannot be used.
    pub fn letters(&self, edition: Edition, date: DateTime<Utc>) -> anyhow::Result<Letters> {
        let mail = mail_config(self.config)?;
        let secrets = match secrets::are_needed(self.config) {
            true => Some(Arc::new(secrets::secrets(self.project, self.config)?)),
            false => None,
        };
        let edition = match &secrets {
            Some(secrets) => edition.with_secrets(Arc::clone(secrets)),
            None => edition,
        };
        let signer = signer::signer(self.project, mail)?;
        Ok(Letters::new(edition, signer, Envelopes::new(mail, secrets), date))
    }

    /// The edition with the secret of its tokens, or without it and the reason if it is not available.
    pub fn with_secrets_if_available(&self, edition: Edition) -> (Edition, Option<anyhow::Error>) {
        if !secrets::are_needed(self.config) {
            return (edition, None);
        }
        match secrets::secrets(self.project, self.config) {
            Ok(secrets) => (edition.with_secrets(Arc::new(secrets)), None),
            Err(error) => (edition, Some(error)),
        }
    }

    /// The body of an issue. Its file is read once.
    ///
    /// # Errors
    /// A finding when it cannot be read, or is not UTF-8.
    pub fn body(&self, issue: &Issue) -> Result<String, Box<Finding>> {
        load::body_in(issue, &self.file(issue)?).map(str::to_owned)
    }

    /// The document of an issue's body, its shortcodes expanded.
    pub fn document<'m>(&self, issue: &Issue, body: &'m str) -> Document<'m> {
        self.shortcodes.document(issue, body).0
    }

    /// The cover of an issue, if known.
    pub fn cover(&self, issue: &Issue) -> Option<Cover> {
        self.covers.cover(issue).cover
    }

    fn edition(&self, content: &MailingContent<'_>, findings: &mut Vec<Finding>) -> anyhow::Result<Edition> {
        let files = content.issues().iter().map(|issue| self.file(issue)).collect::<Result<Vec<_>, _>>();
        let files = files.map_err(|finding| *finding)?;
        let mut sections = Vec::with_capacity(files.len());
        for (&issue, file) in content.issues().iter().zip(&files) {
            let body = load::body_in(issue, file).map_err(|finding| *finding)?;
            let (body, wrong) = self.shortcodes.document(issue, body);
            findings.extend(wrong);
            sections.push(Section { issue, cover: self.cover(issue), body });
        }
        let resources = Resources::new(self.project, self.config);
        let issues = content.issues();
        let files = edition::Files {
            template: &|name| self.project.text_if_exists(format!("templates/{name}")),
            picture_width: &|url| resources.picture_width(issues, url),
        };
        let (publication, mail) = (&self.config.publication, self.config.mail.as_ref().map(|mail| &mail.edition));
        let edition = match (content, sections.as_slice()) {
            (MailingContent::Issue(_), [section]) => Edition::prepare(publication, mail, section, &files),
            (MailingContent::Digest(digest), sections @ [_, ..]) => Edition::prepare_digest(
                publication,
                &mail_config(self.config)?.edition,
                &digest.period,
                sections,
                &files,
            ),
            _ => Err(empty_digest(&content.id()).into()),
        }?;
        let (edition, wrong) = with_pictures(self.project, self.config, content.issues(), edition)?;
        findings.extend(wrong);
        Ok(edition)
    }

    /// Checks an edition as the sender would receive it.
    fn check_edition(
        &self,
        content: &MailingContent<'_>,
        edition: &Edition,
        path: &str,
    ) -> anyhow::Result<Vec<Finding>> {
        let Some(mail) = &self.config.mail else { return Ok(Vec::new()) };
        let reader = Recipient::of_address(mail.edition.from.address.clone());
        let (html, text, unsubscribe) = (edition.html(&reader)?, edition.text(&reader)?, edition.unsubscribe(&reader)?);
        let size = match content {
            MailingContent::Issue(_) => check::edition_size(path, &html),
            MailingContent::Digest(digest) => check::digest_size(path, digest.period.id().as_str(), &html),
        };
        let styles = edition.style_sheets(&reader)?;
        let rendered = RenderedEdition { html: &html, styles: &styles, text: &text, unsubscribe: unsubscribe.link() };
        Ok(size.into_iter().chain(check::mail::edition(path, &rendered)).collect())
    }

    /// Checks the front matter, text and cover of an issue.
    fn check_text(&self, issue: &Issue, file: &[u8], site: &Site) -> Vec<Finding> {
        let Ok(text) = std::str::from_utf8(file) else { return Vec::new() };
        let text = &self.as_markdown(issue, text);
        let KnownCover { cover, finding } = self.covers.cover(issue);
        let mut findings = check::issue(&IssueSource::new(issue, cover.as_ref(), text), site);
        findings.extend(finding);
        findings
    }

    /// The file of an issue with its body as Markdown, line for line.
    fn as_markdown<'t>(&self, issue: &Issue, text: &'t str) -> Cow<'t, str> {
        let Some((front_matter, body)) = text.split_at_checked(issue.body.offset) else { return Cow::Borrowed(text) };
        match self.shortcodes.translated(issue, body).0 {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(body) => Cow::Owned(format!("{front_matter}{body}")),
        }
    }

    /// The findings of enabled rules.
    fn enabled(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        findings.retain(|finding| !self.config.check.off.iter().any(|rule| rule == finding.rule));
        findings
    }

    fn file(&self, issue: &Issue) -> Result<Arc<Vec<u8>>, Box<Finding>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(&issue.path) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(load::file(self.project, issue)?);
        files.insert(issue.path.clone(), Arc::clone(&file));
        Ok(file)
    }
}

/// The keys below `mail`.
///
/// # Errors
/// A finding if the project file has no `mail`.
pub fn mail_config(config: &Config) -> anyhow::Result<&MailConfig> {
    config.mail.as_ref().ok_or_else(|| {
        Finding::error("no-mail", "the project file has no `mail`, so nothing can be mailed")
            .help("add at least `mail: {from: Name <name@example.org>}`")
            .into()
    })
}

/// The path that findings about an edition name: that of the newest issue of a digest.
fn path_of<'a>(content: &MailingContent<'a>) -> &'a str {
    content.issues().last().map_or("", |issue| issue.path.as_str())
}

/// The finding for an edition that cannot be made.
fn failure(path: &str, error: &anyhow::Error) -> Finding {
    let found = error.downcast_ref::<Finding>().cloned();
    found.unwrap_or_else(|| check::edition_fails(path, &format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "title: T\nbase_url: https://example.org\nmail:\n  from: n@example.org\n  images: embed\n  \
                          unsubscribe_url: https://example.org/leave\n";
    const ISSUE: &str = "---\ntitle: Neap\ndate: 2026-11-05\n---\n\n{{< nosuch >}} [a](/other/) ![b](missing.png)\n";

    /// The findings of composing and of checking the only issue of a project with these additional files.
    fn found(files: &[(&str, &str)]) -> (Composed, Vec<Finding>) {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        for (path, text) in [("slugline.yaml", CONFIG), ("content/neap.md", ISSUE)].iter().chain(files) {
            project.write(path, text.as_bytes()).unwrap();
        }
        let config = load::config(&project, "slugline.yaml").unwrap();
        let issues = load::issues(&project, &config, "2026-11-20T08:00:00Z".parse().unwrap()).unwrap().issues;
        let composer = Composer::open(&project, &config, &issues).unwrap();
        let content = MailingContent::Issue(&issues[0]);
        let site = composer.site("2026-11-20T08:00:00Z".parse().unwrap()).unwrap();
        (composer.compose(&content), composer.check_mail(&content, &site))
    }

    fn rules(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn findings_of_composing_are_among_those_of_a_check() {
        let (composed, judged) = found(&[]);
        assert_eq!(rules(&composed.findings), ["shortcode-unknown", "image-not-embedded"]);
        assert!(composed.findings.iter().all(|finding| judged.contains(finding)), "{judged:?}");
        for rule in ["image-broken", "description-missing"] {
            assert!(rules(&judged).contains(&rule), "{judged:?}");
        }
        assert!(composed.edition.is_ok());
    }

    #[test]
    fn the_reason_for_a_missing_edition_is_among_the_findings_of_a_check() {
        let (composed, judged) = found(&[("templates/edition.html", "<p>{{ isue.title }}</p>")]);
        let error: Finding = composed.edition.unwrap_err().downcast().unwrap();
        assert_eq!(error.place.as_ref().unwrap().to_string(), "templates/edition.html:1:7");
        assert!(judged.contains(&error), "{judged:?}");
        let (composed, judged) = found(&[("templates/shortcodes/box.html", "{{ nothing")]);
        assert!(composed.findings.iter().all(|finding| judged.contains(finding)), "{judged:?}");
        assert!(composed.findings[0].is_error(), "a template of a shortcode is wrong for every mail");
    }

    #[test]
    fn a_file_that_changes_meanwhile_is_mailed_as_it_was_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        project.write("slugline.yaml", CONFIG.as_bytes()).unwrap();
        project.write("content/neap.md", ISSUE.as_bytes()).unwrap();
        let config = load::config(&project, "slugline.yaml").unwrap();
        let issues = load::issues(&project, &config, "2026-11-20T08:00:00Z".parse().unwrap()).unwrap().issues;
        let composer = Composer::open(&project, &config, &issues).unwrap();
        let body = composer.body(&issues[0]).unwrap();
        project.write("content/neap.md", ISSUE.replace("[a]", "[another]").as_bytes()).unwrap();
        let edition = composer.compose(&MailingContent::Issue(&issues[0])).edition.unwrap();
        let text = edition.text(&Recipient::of_address("reader@example.org".parse().unwrap())).unwrap();
        assert!(body.contains("[a]") && !text.contains("another"), "{text}");
    }
}
