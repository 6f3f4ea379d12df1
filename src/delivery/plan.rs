//! Which issues are to be mailed now.
//!
//! Takes the issues, what the ledger says of them and the terms; gives a plan and findings. An issue is mailed while it
//! is young, so that a first run on an old archive mails nothing; one whose mailing was interrupted is finished; one
//! that everybody has is never mailed again, even if it changed.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest as _, Sha256};

use crate::config::OnUnknown;
use crate::finding::{Finding, Place};
use crate::issue::{Issue, IssueId};
use crate::ledger::{Counts, Mailing, State};
use crate::store::{Store, StoreError};

/// An interrupted mailing older than this is finished only when its issue is named: whoever restores a backup of last
/// year shall not mail last year's issue.
const FINISHED_WITHIN: Duration = Duration::days(14);

/// Which issues a run is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Chosen {
    /// Every one that is due.
    Due,
    /// These, however old.
    These(Vec<IssueId>),
}

/// When an issue is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// The time of this run.
    pub now: DateTime<Utc>,
    /// An issue older than this is not mailed by itself.
    pub due_for: Duration,
    /// Whether unknown recipients still wait for the issue.
    pub on_unknown: OnUnknown,
}

/// An issue to be mailed.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// Its mailing, if it was begun before.
    pub begun: Option<Mailing>,
    /// Hash of what is mailed.
    pub content_hash: String,
}

/// What is to be done, oldest issue first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan<'a> {
    /// The issues to be mailed.
    pub mailings: Vec<Planned<'a>>,
    /// Issues that were named and cannot be mailed, or that changed since they were.
    pub findings: Vec<Finding>,
}

/// What the ledger says of one issue.
type Begun = Option<(Mailing, Counts)>;

/// What to do with one issue.
enum Decision {
    Mail,
    Leave,
    Refuse(&'static str, String, &'static str),
}

/// Hash of what subscribers read in an issue, its text and `body`: front matter that only feeds show does not count.
pub fn content_hash(issue: &Issue, body: &str) -> String {
    let mut hash = Sha256::new();
    let optional = [&issue.subject, &issue.preheader, &issue.description].map(|text| text.as_deref().unwrap_or(""));
    for text in [issue.title.as_str(), optional[0], optional[1], optional[2], body] {
        // Lengths keep texts apart that run together otherwise.
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the plan. `hash` gives the hash of what would be mailed; it is asked only where it matters.
///
/// # Errors
/// When the store or an issue's file cannot be read.
pub fn plan<'a>(
    issues: &'a [Issue],
    chosen: &Chosen,
    terms: &Terms,
    store: &dyn Store,
    hash: &dyn Fn(&Issue) -> anyhow::Result<String>,
) -> anyhow::Result<Plan<'a>> {
    let mailings = mailings(store)?;
    let mut plan = Plan::default();
    for issue in issues.iter().rev() {
        let named = match chosen {
            Chosen::Due => false,
            Chosen::These(ids) if ids.contains(&issue.id) => true,
            Chosen::These(_) => continue,
        };
        let begun = match mailings.get(&issue.id) {
            Some(mailing) if matters(mailing, named, terms) => Some((mailing.clone(), store.counts(&issue.id)?)),
            Some(_) => continue,
            None => None,
        };
        match decide(issue, named, begun.as_ref(), terms) {
            Decision::Mail => {}
            Decision::Leave => {
                plan.findings.extend(silent_change(issue, &begun, hash)?);
                plan.findings.extend(begun.filter(|_| named).map(|(_, counts)| mailed_already(issue, &counts)));
                continue;
            }
            Decision::Refuse(rule, message, help) => {
                plan.findings.push(Finding::error(rule, message).help(help).at(Place::file(&issue.path)));
                continue;
            }
        }
        plan.findings.extend(silent_change(issue, &begun, hash)?);
        let content_hash = hash(issue)?;
        plan.mailings.push(Planned { issue, begun: begun.map(|(mailing, _)| mailing), content_hash });
    }
    Ok(plan)
}

fn mailings(store: &dyn Store) -> Result<BTreeMap<IssueId, Mailing>, StoreError> {
    Ok(store.mailings()?.into_iter().map(|mailing| (mailing.issue.clone(), mailing)).collect())
}

/// Whether a mailing is worth counting: years of finished ones are not, each time cron calls.
fn matters(mailing: &Mailing, named: bool, terms: &Terms) -> bool {
    named || terms.now - mailing.frozen_at <= FINISHED_WITHIN.max(terms.due_for)
}

fn decide(issue: &Issue, named: bool, begun: Option<&(Mailing, Counts)>, terms: &Terms) -> Decision {
    if let Some((rule, message, help)) = unfit(issue, terms.now) {
        return if named { Decision::Refuse(rule, message, help) } else { Decision::Leave };
    }
    let wanted = match begun {
        Some((_, counts)) => still_open(counts, terms.on_unknown) > 0,
        None => named || terms.now - issue.date.to_utc() <= terms.due_for,
    };
    if wanted { Decision::Mail } else { Decision::Leave }
}

/// Why an issue cannot be mailed at all, and what to do.
fn unfit(issue: &Issue, now: DateTime<Utc>) -> Option<(&'static str, String, &'static str)> {
    let slug = &issue.slug;
    if !issue.email {
        let help = "remove `email: false` from its front matter to mail it";
        return Some(("issue-not-for-mail", format!("`{slug}` is not for mail"), help));
    }
    if !issue.is_dated() {
        return Some(("issue-undated", format!("`{slug}` has no date"), "write `date: …` into its front matter"));
    }
    if issue.draft {
        let help = "remove `draft: true` from its front matter to publish it";
        return Some(("issue-draft", format!("`{slug}` is a draft"), help));
    }
    if issue.date > now {
        let help = "wait until then, or change its `date`";
        return Some(("issue-future", format!("`{slug}` is dated {}, which is to come", issue.date), help));
    }
    let expired = issue.expires.filter(|expires| *expires <= now)?;
    Some(("issue-expired", format!("`{slug}` expired at {expired}"), "change its `expiryDate`"))
}

fn still_open(counts: &Counts, on_unknown: OnUnknown) -> u64 {
    match on_unknown {
        OnUnknown::Hold => counts.open(),
        OnUnknown::Resend => counts.open() + counts.of(State::Unknown),
    }
}

/// A warning when subscribers have an issue in another form than it has now.
fn silent_change(
    issue: &Issue,
    begun: &Begun,
    hash: &dyn Fn(&Issue) -> anyhow::Result<String>,
) -> anyhow::Result<Option<Finding>> {
    let Some((mailing, counts)) = begun else { return Ok(None) };
    if counts.of(State::Sent) == 0 || hash(issue)? == mailing.content_hash {
        return Ok(None);
    }
    let message = format!("`{}` changed after it was mailed to {} subscribers", issue.slug, counts.of(State::Sent));
    let help = "they are not mailed it again; if they should know, write another issue";
    Ok(Some(Finding::warning("issue-changed", message).help(help).at(Place::file(&issue.path))))
}

fn mailed_already(issue: &Issue, counts: &Counts) -> Finding {
    let message =
        format!("`{}` was mailed already: {} of {} have it", issue.slug, counts.of(State::Sent), counts.total());
    Finding::warning("issue-mailed", message).help("`slugline status` shows what became of the others")
}

#[cfg(test)]
mod tests;
