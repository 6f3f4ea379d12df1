//! Checks a complete project before it is published, and writes nothing.
//!
//! Joins the findings of loading with those of `check` about every issue. Texts are read in parallel, and each is dropped once
//! it is checked.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::check;
use crate::check::mail::Sender;
use crate::compose::{Composer, secrets, transactional};
use crate::config::{Config, MailConfig, Via};
use crate::delivery::policy::EditionKind;
use crate::digest::{Digest, MailingContent};
use crate::disk::Project;
use crate::finding::{Finding, Severity, extend_unique};
use crate::issue::Issue;
use crate::load::{self, Issues};
use crate::{private, publish, serve};

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Review {
    /// The number of issues checked, including skipped ones.
    pub issues: usize,
    /// Ordered by file; those without a place come first.
    pub findings: Vec<Finding>,
}

impl Review {
    /// Number of findings of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Number of findings of each rule.
    pub fn count_by_rule(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(finding.rule).or_default() += 1;
        }
        counts
    }
}

/// Checks the issues at these paths, or all issues and the project file if `paths` is empty.
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
    let composer = Composer::open(project, config, &loaded.issues)?;
    let site = composer.site(now)?;
    let issues: Vec<&Issue> = loaded.issues.iter().filter(|issue| is_meant(&issue.path)).collect();
    let mailed: Vec<&Issue> = match config.mail {
        Some(_) => issues.iter().filter(|issue| issue.email).copied().collect(),
        None => Vec::new(),
    };
    let published: Vec<&Issue> = mailed.iter().filter(|issue| issue.is_published(now)).copied().collect();
    // One edition shows the problems of the templates; all editions would take too long.
    let composed = if paths.is_empty() { &published[..published.len().min(1)] } else { &mailed };
    let is_composed = |issue: &Issue| composed.iter().any(|composed| composed.path == issue.path);
    let others: Vec<&Issue> = issues.iter().filter(|issue| !is_composed(issue)).copied().collect();
    let judged: Vec<Vec<Finding>> = others.par_iter().map(|issue| composer.check(issue, &site)).collect();
    let mut findings = [composer.cover_findings(), composer.shortcode_findings()].concat();
    findings.extend(judged.into_iter().flatten());
    for issue in composed {
        extend_unique(&mut findings, composer.check_mail(&MailingContent::Issue(issue), &site));
    }
    let of_loading =
        loaded.findings.iter().filter(|finding| finding.place.as_ref().is_none_or(|it| is_meant(&it.path)));
    let left_out: BTreeSet<&str> = of_loading.clone().filter_map(left_out).collect();
    findings.extend(of_loading.cloned());
    if paths.is_empty() {
        findings.extend(composer.unmeasured_covers());
        let text = project.text_if_exists(config_file)?.unwrap_or_default();
        findings.extend(check::languages(&config.publications(), config_file, &text));
        let leave_link = config.serve.as_ref().map(serve::Options::leave_link);
        let senders = config.mail.iter().map(|mail| sender(mail, leave_link.as_deref()));
        findings.extend(senders.flat_map(|sender| check::mail::project(&sender, config_file, &text)));
        findings.extend(secrets::finding(project, config, config_file, &text));
        findings.extend(transactional::template_finding(project, config, now));
        findings.extend(private::exposed(project, config, config_file, &text));
        findings.extend(config.warnings.iter().cloned());
        let weights = publish::feed_sizes(project, config, &loaded.issues, now)?;
        findings.extend(weights.into_iter().filter_map(|(path, bytes)| check::feed_size(&path, bytes)));
        findings.extend(publish::pages::address_findings(config, &loaded.issues, now));
        // Issue and digest share templates, whose problems are reported once.
        if let Some(digest) = digest(config, &published) {
            extend_unique(&mut findings, composer.check_mail(&MailingContent::Digest(digest), &site));
        }
    }
    findings.retain(|finding| !config.check.off.iter().any(|rule| rule == finding.rule));
    findings.sort_by_cached_key(|finding| finding.place.as_ref().map(|at| (at.path.clone(), at.line, at.column)));
    Ok(Review { issues: issues.len() + left_out.len(), findings })
}

/// The sender, as the rules for it need it.
fn sender<'a>(mail: &'a MailConfig, leave_link: Option<&'a str>) -> Sender<'a> {
    Sender {
        domain: mail.edition.from.address.domain(),
        server: match &mail.via {
            Via::Smtp(servers) => servers.first().map(|server| server.server.host.as_str()),
            Via::Outbox(_) => None,
        },
        unsubscribe_url: mail.edition.unsubscribe_url.as_deref(),
        unsubscribe_mailto: mail.edition.unsubscribe_mailto.as_deref(),
        leave_link,
        unsubscribe_by_provider: mail.unsubscribe_by_provider,
        has_list_id: mail.edition.list_id.is_some(),
        has_postal_address: !mail.edition.postal_address.is_empty(),
        signs_for: mail.dkim.iter().map(|key| key.domain.as_str()).collect(),
    }
}

/// The digest of the newest issue's period, if the project mails digests. It assumes that none of `issues` was mailed before,
/// because only the store knows.
fn digest<'a>(config: &Config, issues: &[&'a Issue]) -> Option<Digest<'a>> {
    let mail = config.mail.as_ref().filter(|mail| mail.policy.edition == EditionKind::Digest)?;
    let period = mail.policy.schedule.around(issues.first()?.date.to_utc())?;
    let issues = issues.iter().rev().filter(|issue| period.contains(issue.date.to_utc())).copied().collect();
    Some(Digest { period, issues })
}

/// The file that is skipped because of a finding; an issue without a date is loaded.
fn left_out(finding: &Finding) -> Option<&str> {
    let is_issue = finding.is_error() && finding.rule != "no-date";
    finding.place.as_ref().filter(|_| is_issue).map(|place| place.path.as_str())
}

/// The path of an issue by its name, including skipped issues.
///
/// # Errors
/// A finding that names the nearest slug if there is no such issue.
pub fn path_of(loaded: &Issues, name: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
    let meant = name.strip_prefix("./").unwrap_or(name);
    let places = loaded.findings.iter().filter_map(|finding| finding.place.as_ref());
    if let Some(place) = places.into_iter().find(|place| place.path == meant) {
        return Ok(place.path.clone());
    }
    load::find(&loaded.issues, name, now).map(|issue| issue.path.clone())
}
