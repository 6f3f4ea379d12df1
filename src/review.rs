//! Judges a whole project as an editor would before it is published, and writes nothing.
//!
//! Joins what loading reports with what `check` finds in every issue. The texts are read side by side, and each is
//! forgotten when it is judged.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::check::site::{PUBLISHED, Site};
use crate::check::{self, Manuscript};
use crate::config::Config;
use crate::covers::{Covers, Known};
use crate::disk::Project;
use crate::finding::{Finding, Place};
use crate::identity::lock::Lock;
use crate::identity::{changing_ids, read_lock};
use crate::issue::Issue;
use crate::load::{self, Issues};
use crate::publish;
use crate::shortcodes::Shortcodes;

mod outputs;

/// What was judged, and what was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Review {
    /// How many issues were judged, those among them that are left out.
    pub issues: usize,
    /// In the order of the files; first what belongs to none.
    pub findings: Vec<Finding>,
}

/// Judges the issues at these paths, or all of them and the project file when there are none.
///
/// # Errors
/// When the project file, `covers.lock` or `feeds.lock` cannot be read, or a feed cannot be made.
pub fn review(
    project: &Project,
    config_file: &str,
    config: &Config,
    loaded: &Issues,
    paths: &[String],
    now: DateTime<Utc>,
) -> anyhow::Result<Review> {
    let is_meant = |path: &str| paths.is_empty() || paths.iter().any(|meant| meant == path);
    let ids = published_ids(&read_lock(project)?, &loaded.issues);
    let site = site(project, config, &loaded.issues, ids, now);
    let issues: Vec<&Issue> = loaded.issues.iter().filter(|issue| is_meant(&issue.path)).collect();
    let (covers, mut findings) = Covers::open(project, config)?;
    let (shortcodes, wrong) = load::shortcodes(project, config, &loaded.issues)?;
    findings.extend(wrong);
    let judge = |issue: &&Issue| judge(project, issue, &covers, &shortcodes, &site);
    let judged: Vec<Vec<Finding>> = issues.par_iter().map(judge).collect();
    findings.extend(judged.into_iter().flatten());
    let of_loading =
        loaded.findings.iter().filter(|finding| finding.place.as_ref().is_none_or(|it| is_meant(&it.path)));
    let left_out: BTreeSet<&str> = of_loading.clone().filter_map(left_out).collect();
    findings.extend(of_loading.cloned());
    if paths.is_empty() {
        findings.extend(covers.unmeasured(&loaded.issues));
        let text = project.text_if_there(config_file)?.unwrap_or_default();
        findings.extend(check::publication(&config.publication, config_file, &text));
        let senders = config.mail.iter().map(outputs::sender);
        let of_sender = senders.flat_map(|sender| check::mail::project(&sender, config_file, &text));
        findings.extend(of_sender);
        findings.extend(outputs::feeds(project, config, &loaded.issues, now)?);
        findings.extend(publish::pages::unfit(config, &loaded.issues, now));
        // One edition tells what is wrong with the templates; all of them would take long.
        let newest = issues.iter().find(|issue| issue.is_published(now) && issue.email);
        findings.extend(
            newest.into_iter().flat_map(|issue| outputs::edition(project, config, &covers, &shortcodes, issue)),
        );
        let mailed: Vec<&Issue> =
            issues.iter().filter(|issue| issue.is_published(now) && issue.email).copied().collect();
        let of_digest = outputs::digest(project, config, &covers, &shortcodes, &mailed);
        // What both templates share is wrong once.
        findings.extend(of_digest.filter(|finding| !findings.contains(finding)));
    } else {
        let mailed = issues.iter().filter(|issue| issue.email);
        findings.extend(mailed.flat_map(|issue| outputs::edition(project, config, &covers, &shortcodes, issue)));
    }
    findings.retain(|finding| !config.check.off.iter().any(|rule| rule == finding.rule));
    findings.sort_by_cached_key(|finding| finding.place.as_ref().map(|at| (at.path.clone(), at.line, at.column)));
    Ok(Review { issues: issues.len() + left_out.len(), findings })
}

/// What links may lead to, and the ids that subscribers know.
fn site(
    project: &Project,
    config: &Config,
    issues: &[Issue],
    published_ids: BTreeMap<String, String>,
    now: DateTime<Utc>,
) -> Site {
    let folders: Vec<String> = config.content.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
    let content: Vec<&str> = folders.iter().map(String::as_str).chain(["content"]).collect();
    let files = project.files_below(&[content.as_slice(), &PUBLISHED, &["templates", "themes"]].concat());
    Site::new(&config.publication, issues, files, &content, published_ids, now).mailed(config.mail.is_some())
}

/// The file that is left out for a finding; one without date is loaded.
fn left_out(finding: &Finding) -> Option<&str> {
    let is_issue = finding.leaves_out() && finding.rule != "no-date";
    finding.place.as_ref().filter(|_| is_issue).map(|place| place.path.as_str())
}

/// Where an issue that was named is: also one that was left out.
///
/// # Errors
/// A finding that names the nearest slug when there is no such issue.
pub fn path_of(loaded: &Issues, name: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
    let meant = name.strip_prefix("./").unwrap_or(name);
    let places = loaded.findings.iter().filter_map(|finding| finding.place.as_ref());
    if let Some(place) = places.into_iter().find(|place| place.path == meant) {
        return Ok(place.path.clone());
    }
    load::find(&loaded.issues, name, now).map(|issue| issue.path.clone())
}

/// Of issues whose id changes, the one that subscribers know.
fn published_ids(lock: &Lock, issues: &[Issue]) -> BTreeMap<String, String> {
    let changing = changing_ids(lock, issues).into_iter();
    changing.map(|(path, known, _)| (path.to_owned(), known.to_string())).collect()
}

fn judge(
    project: &Project,
    issue: &Issue,
    covers: &Covers<'_>,
    shortcodes: &Shortcodes<'_>,
    site: &Site,
) -> Vec<Finding> {
    let bytes = match project.bytes(&issue.path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let finding = Finding::error("unreadable", format!("{error:#}")).help("run it again");
            return vec![finding.at(Place::file(&issue.path))];
        }
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return load::body(project, issue).err().map(|finding| *finding).into_iter().collect();
    };
    let Known { cover, finding } = covers.of(issue);
    let body = text.get(issue.body.offset..).unwrap_or_default();
    let mut findings = check::issue(&Manuscript::new(issue, cover.as_ref(), &text), site);
    // Of references `check` knows more: the pages that are no issues.
    let wrong = shortcodes.findings(issue, body).into_iter().filter(|finding| finding.rule != "link-broken");
    findings.extend(finding.into_iter().chain(wrong));
    findings
}
