//! What would go out: the size of the main feeds, and whether editions can be made.

use chrono::{DateTime, Utc};

use crate::check;
use crate::check::mail::{Rendered, Sender};
use crate::config::{Config, MailConfig, Via};
use crate::covers::Covers;
use crate::delivery::policy::EditionOf;
use crate::disk::Project;
use crate::edition::{Edition, Recipient, Section};
use crate::finding::Finding;
use crate::issue::Issue;
use crate::load::pictures::with_pictures;
use crate::shortcodes::Shortcodes;
use crate::{load, publish};

/// Judges the main feeds.
///
/// # Errors
/// When a feed cannot be made.
pub(super) fn feeds(
    project: &Project,
    config: &Config,
    issues: &[Issue],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Finding>> {
    let weights = publish::weigh(project, config, issues, now)?;
    Ok(weights.into_iter().filter_map(|(path, bytes)| check::feed_size(&path, bytes)).collect())
}

/// What rules for the sender go by.
pub(super) fn sender(mail: &MailConfig) -> Sender<'_> {
    Sender {
        domain: mail.edition.from.address.domain(),
        server: match &mail.via {
            Via::Smtp(servers) => servers.first().map(|server| server.server.host.as_str()),
            Via::Outbox(_) => None,
        },
        unsubscribe_url: mail.edition.unsubscribe_url.as_deref(),
        unsubscribe_mailto: mail.edition.unsubscribe_mailto.as_deref(),
        has_list_id: mail.edition.list_id.is_some(),
        signs_for: mail.dkim.iter().map(|key| key.domain.as_str()).collect(),
    }
}

/// Judges the edition of an issue, where the project mails.
pub(super) fn edition(
    project: &Project,
    config: &Config,
    covers: &Covers<'_>,
    shortcodes: &Shortcodes<'_>,
    issue: &Issue,
) -> Vec<Finding> {
    let Some(mail) = &config.mail else { return Vec::new() };
    // A text that cannot be read is a finding already.
    let Ok(markdown) = load::body(project, issue) else { return Vec::new() };
    let (body, _) = shortcodes.document(issue, &markdown);
    let templates = |name: &str| project.text_if_there(format!("templates/{name}"));
    let made = Edition::prepare(
        &config.publication,
        Some(&mail.edition),
        issue,
        covers.of(issue).cover.as_ref(),
        &body,
        &templates,
    );
    let made = made.and_then(|edition| with_pictures(project, config, &[issue], edition));
    let reader = Recipient::of_address(mail.edition.from.address.clone());
    let read =
        |edition: &Edition| anyhow::Ok((edition.html(&reader)?, edition.text(&reader)?, edition.leave(&reader)?));
    match made.and_then(|(edition, findings)| Ok((read(&edition)?, findings))) {
        Ok(((html, text, leave), findings)) => {
            let rendered = Rendered { html: &html, text: &text, leave: leave.link() };
            let size = check::edition_size(&issue.path, &html);
            size.into_iter().chain(check::mail::edition(&issue.path, &rendered)).chain(findings).collect()
        }
        Err(error) => vec![failed(issue, &error)],
    }
}

/// Judges the digest of the newest issue's period, where the project mails digests: as if none of `issues` was mailed
/// before, for that is in the store.
pub(super) fn digest(
    project: &Project,
    config: &Config,
    covers: &Covers<'_>,
    shortcodes: &Shortcodes<'_>,
    issues: &[&Issue],
) -> Option<Finding> {
    let mail = config.mail.as_ref().filter(|mail| mail.policy.edition == EditionOf::Digest)?;
    let newest = issues.first()?;
    let period = mail.policy.schedule.around(newest.date.to_utc())?;
    let held: Vec<&Issue> = issues.iter().rev().filter(|issue| period.holds(issue.date.to_utc())).copied().collect();
    // A text that cannot be read is a finding already.
    let texts = held.iter().map(|issue| load::body(project, issue).ok()).collect::<Option<Vec<_>>>()?;
    let mut sections = Vec::with_capacity(held.len());
    for (&issue, text) in held.iter().zip(&texts) {
        let (body, _) = shortcodes.document(issue, text);
        sections.push(Section { issue, cover: covers.of(issue).cover, body });
    }
    let templates = |name: &str| project.text_if_there(format!("templates/{name}"));
    let made = Edition::prepare_digest(&config.publication, &mail.edition, &period, &sections, &templates);
    let html = made.and_then(|edition| edition.html(&Recipient::of_address(mail.edition.from.address.clone())));
    match html {
        Ok(html) => check::digest_size(&newest.path, period.id().as_str(), &html),
        Err(error) => Some(failed(newest, &error)),
    }
}

fn failed(issue: &Issue, error: &anyhow::Error) -> Finding {
    let found = error.downcast_ref::<Finding>().cloned();
    found.unwrap_or_else(|| check::edition_fails(&issue.path, &format!("{error:#}")))
}
