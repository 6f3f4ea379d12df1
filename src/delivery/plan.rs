//! Decides which issues and digests are mailed now.
//!
//! Takes the issues, the ledger and the policy; returns a plan and findings. An issue is mailed while it is young, so that
//! the first run on an old archive mails nothing; a digest likewise, once its period is over. Interrupted mailings are
//! finished. A finished mailing is never repeated, even if its issue changed.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest as _, Sha256};

use crate::delivery::digest_selection::DigestSelection;
use crate::delivery::eligibility::ineligible;
use crate::delivery::history::History;
use crate::delivery::policy::{EditionKind, OnUnknown, Policy};
use crate::digest::{MailingContent, Period, PeriodName, empty_digest};
use crate::finding::{Finding, Place};
use crate::hex::hex;
use crate::issue::{Issue, IssueId, Slug};
use crate::ledger::{Mailing, State, StateCounts};
use crate::store::Store;

/// A mailing idle for longer than this is finished only when named: restoring last year's backup must not mail last year's
/// issue. A long warm-up keeps a mailing from being idle.
const MAX_IDLE: Duration = Duration::days(14);

/// What a run is asked to mail.
#[derive(Debug, Clone, PartialEq)]
pub enum Scope {
    /// Everything that is due.
    Due,
    /// The issues and digests with these ids, however old.
    Only(Vec<IssueId>),
}

impl Scope {
    fn names(&self, id: &IssueId) -> bool {
        matches!(self, Self::Only(ids) if ids.contains(id))
    }
}

/// When an issue or digest is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DueTerms<'a> {
    /// The current time.
    pub now: DateTime<Utc>,
    /// The project's policy.
    pub policy: &'a Policy,
}

/// An issue or digest to be mailed.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedMailing<'a> {
    /// What is mailed.
    pub content: MailingContent<'a>,
    /// Its mailing, if one was begun.
    pub begun: Option<Mailing>,
    /// Hash of what is mailed.
    pub content_hash: String,
}

/// What to mail: issues, oldest first, then digests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan<'a> {
    /// What is to be mailed.
    pub mailings: Vec<PlannedMailing<'a>>,
    /// About what was named and cannot be mailed, or changed after it was mailed.
    pub findings: Vec<Finding>,
    /// What is held because it may be a mailed issue under a new name: issue or digest, with errors, which are among the
    /// findings.
    pub held: Vec<(Slug, Vec<Finding>)>,
}

impl Plan<'_> {
    fn hold(&mut self, slug: &Slug, findings: Vec<Finding>) {
        self.findings.extend(findings.iter().cloned());
        self.held.push((slug.clone(), findings));
    }
}

/// The mailing of an issue or digest, if one was begun.
type Begun = Option<(Mailing, StateCounts)>;

/// Returns the hash of what is mailed of an issue.
type HashOf<'h> = &'h dyn Fn(&Issue) -> anyhow::Result<String>;

/// Hash of what subscribers read in an issue: its texts and `body`, not the front matter that only feeds show.
pub fn content_hash(issue: &Issue, body: &str) -> String {
    let mut hash = Sha256::new();
    let optional = [&issue.subject, &issue.preheader, &issue.description].map(|text| text.as_deref().unwrap_or(""));
    for text in [issue.title.as_str(), optional[0], optional[1], optional[2], body] {
        // Lengths keep apart texts that concatenate to the same bytes.
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hex(hash.finalize())
}

/// Makes the plan. `hash` is called only where the hash matters.
///
/// # Errors
/// When the store or an issue's file cannot be read.
pub fn plan<'a>(
    issues: &'a [Issue],
    scope: &Scope,
    terms: &DueTerms<'_>,
    store: &dyn Store,
    hash: HashOf<'_>,
) -> anyhow::Result<Plan<'a>> {
    let history = History::read(store)?;
    let open = store.open_mailings()?.into_iter().collect();
    let mut planner = Planner { scope, terms, store, history: &history, open, hash, plan: Plan::default() };
    for issue in issues.iter().rev() {
        planner.issue(issue)?;
    }
    let selection = DigestSelection { issues, schedule: &terms.policy.schedule, history: &history, now: terms.now };
    for period in planner.periods(&selection) {
        planner.digest(&period, &selection)?;
    }
    Ok(planner.plan)
}

struct Planner<'a, 'p> {
    scope: &'p Scope,
    terms: &'p DueTerms<'p>,
    store: &'p dyn Store,
    history: &'p History,
    /// Time of the last change in each open mailing.
    open: BTreeMap<IssueId, DateTime<Utc>>,
    hash: HashOf<'p>,
    plan: Plan<'a>,
}

impl<'a> Planner<'a, '_> {
    fn issue(&mut self, issue: &'a Issue) -> anyhow::Result<()> {
        let id = issue.ledger_key();
        let named = self.scope.names(&id);
        if *self.scope != Scope::Due && !named {
            return Ok(());
        }
        if issue.possible_rename.is_some() {
            self.hold(issue, &id);
            return Ok(());
        }
        if let Some(digest) = self.history.digest_of(&id) {
            self.plan.findings.extend(named.then(|| mailed_in(issue, digest)));
            return Ok(());
        }
        let Some(begun) = self.begun(&id)? else { return Ok(()) };
        let content = MailingContent::Issue(issue);
        if let Some(finding) = ineligible_finding(issue, self.terms.now) {
            if named {
                self.plan.findings.push(finding);
                return Ok(());
            }
            return self.skip(&content, begun);
        }
        self.consider(content, begun, named || self.is_due(issue))
    }

    /// Whether an issue is mailed unasked.
    fn is_due(&self, issue: &Issue) -> bool {
        let is_young = self.terms.now - issue.date.to_utc() <= self.terms.policy.due_for;
        is_young && !issue.is_backfilled && self.terms.policy.edition == EditionKind::Issue
    }

    /// Reports an issue that may be a mailed one under a new name, if it would be mailed otherwise.
    fn hold(&mut self, issue: &Issue, id: &IssueId) {
        let named = self.scope.names(id);
        match ineligible_finding(issue, self.terms.now) {
            Some(finding) => self.plan.findings.extend(named.then_some(finding)),
            None if named || self.is_due(issue) || self.open.contains_key(id) => {
                self.plan.hold(&issue.slug, held(issue).into_iter().collect());
            }
            None => {}
        }
    }

    /// The periods of this run, oldest first: the named ones; or the last one that is over, and all whose digests were
    /// begun.
    fn periods(&self, selection: &DigestSelection<'_, '_>) -> Vec<Period> {
        let mut periods: Vec<Period> = match self.scope {
            Scope::Due => self.history.digests().map(|digest| digest.period.clone()).collect(),
            Scope::Only(ids) => {
                let names = ids.iter().filter_map(PeriodName::of_id);
                names.filter_map(|name| selection.period(name.as_str())).collect()
            }
        };
        let closed = self.terms.policy.schedule.closed(self.terms.now).filter(|(period, due_at)| {
            *self.scope == Scope::Due
                && self.terms.policy.edition == EditionKind::Digest
                && self.terms.now - *due_at <= self.terms.policy.due_for
                && self.history.mailing(&period.id()).is_none()
        });
        periods.extend(closed.map(|(period, _)| period));
        periods.sort_by_key(|period| period.end);
        periods
    }

    fn digest(&mut self, period: &Period, selection: &DigestSelection<'a, '_>) -> anyhow::Result<()> {
        let id = period.id();
        let named = self.scope.names(&id);
        let Some(begun) = self.begun(&id)? else { return Ok(()) };
        let mut digest = selection.digest(period);
        let planned: Vec<IssueId> = self.plan.mailings.iter().map(|planned| planned.content.id()).collect();
        digest.issues.retain(|issue| !planned.contains(&issue.ledger_key()));
        if begun.is_none() && digest.period.end > self.terms.now {
            let message = format!("the period of `{id}` is not over yet");
            self.plan.findings.push(Finding::error("digest-future", message).help("wait until then"));
            return Ok(());
        }
        let open = self.open_recipients(&begun);
        let renamed = match open {
            None => selection.possible_renames(period),
            Some(0) => Vec::new(),
            Some(_) => digest.issues.iter().copied().filter(|issue| issue.possible_rename.is_some()).collect(),
        };
        if !renamed.is_empty() {
            let findings = renamed.into_iter().filter_map(held).map(|finding| of_digest(finding, &id)).collect();
            self.plan.hold(MailingContent::Digest(digest).slug(), findings);
            return Ok(());
        }
        if digest.issues.is_empty() {
            self.plan.findings.extend((named || open > Some(0)).then(|| empty_digest(&id)));
            return Ok(());
        }
        self.consider(MailingContent::Digest(digest), begun, true)
    }

    /// The mailing so far; `None` if it has been idle for too long. Counting years of finished mailings at each cron call
    /// would be too slow.
    fn begun(&self, id: &IssueId) -> anyhow::Result<Option<Begun>> {
        let Some(mailing) = self.history.mailing(id) else { return Ok(Some(None)) };
        let last = self.open.get(id).map_or(mailing.frozen_at, |changed| mailing.frozen_at.max(*changed));
        let is_recent = self.terms.now - last <= MAX_IDLE.max(self.terms.policy.due_for);
        if !is_recent && !self.scope.names(id) {
            return Ok(None);
        }
        Ok(Some(Some((mailing.clone(), self.store.counts(id)?))))
    }

    /// Number of recipients that a run would mail of a begun mailing.
    fn open_recipients(&self, begun: &Begun) -> Option<u64> {
        begun.as_ref().map(|(_, counts)| open_recipients(counts, self.terms.policy.on_unknown))
    }

    /// Plans the open part of a mailing, or a new mailing if it is `wanted`.
    fn consider(&mut self, content: MailingContent<'a>, begun: Begun, wanted: bool) -> anyhow::Result<()> {
        if !self.open_recipients(&begun).map_or(wanted, |open| open > 0) {
            return self.skip(&content, begun);
        }
        self.note_change(&content, &begun)?;
        let content_hash = hash_of(&content, self.hash)?;
        self.plan.mailings.push(PlannedMailing { content, begun: begun.map(|(mailing, _)| mailing), content_hash });
        Ok(())
    }

    fn skip(&mut self, content: &MailingContent<'a>, begun: Begun) -> anyhow::Result<()> {
        self.note_change(content, &begun)?;
        let named = self.scope.names(&content.id());
        self.plan.findings.extend(begun.filter(|_| named).map(|(_, counts)| already_mailed(content, &counts)));
        Ok(())
    }

    /// Adds a finding if the issue or digest changed since it was mailed: an error if it was named, since it is never
    /// mailed twice unasked.
    fn note_change(&mut self, content: &MailingContent<'a>, begun: &Begun) -> anyhow::Result<()> {
        let Some((mailing, counts)) = begun else { return Ok(()) };
        if counts.of(State::Sent) == 0 || hash_of(content, self.hash)? == mailing.content_hash {
            return Ok(());
        }
        let message =
            format!("`{}` changed after it was mailed to {} subscribers", content.slug(), counts.of(State::Sent));
        let is_refused = self.scope.names(&content.id()) && self.open_recipients(begun) == Some(0);
        let finding = match is_refused {
            true => Finding::error("issue-changed", message),
            false => Finding::warning("issue-changed", message),
        };
        self.plan.findings.push(match content {
            MailingContent::Issue(issue) => {
                let next = issue.edition + 1;
                let help =
                    format!("they are not mailed it again; to mail it to everyone again, set `edition: {next}` in its front matter");
                finding.help(help).at(Place::file(&issue.path))
            }
            MailingContent::Digest(_) => finding.help("they are not mailed it again; if they should know, publish another issue"),
        });
        Ok(())
    }
}

/// Hash of what subscribers read in an issue, or in all issues of a digest.
fn hash_of(content: &MailingContent<'_>, hash: HashOf<'_>) -> anyhow::Result<String> {
    let digest = match content {
        MailingContent::Issue(issue) => return hash(issue),
        MailingContent::Digest(digest) => digest,
    };
    let mut all = Sha256::new();
    for issue in &digest.issues {
        all.update(hash(issue)?);
    }
    Ok(hex(all.finalize()))
}

fn ineligible_finding(issue: &Issue, now: DateTime<Utc>) -> Option<Finding> {
    let (rule, message, help) = ineligible(issue, now)?;
    Some(Finding::error(rule, message).help(help).at(Place::file(&issue.path)))
}

/// The error about an issue that may be a mailed one under a new name.
fn held(issue: &Issue) -> Option<Finding> {
    let rename = issue.possible_rename.as_deref()?;
    let message = format!("`{}` is held, because it looks like {}", issue.slug, rename.named());
    Some(Finding::error("issue-renamed", message).help(rename.help(&issue.slug)).at(Place::file(&issue.path)))
}

fn of_digest(finding: Finding, digest: &IssueId) -> Finding {
    let message = format!("`{digest}` waits: {}", finding.message);
    Finding { message, ..finding }
}

/// Number of recipients that a run would mail.
pub(crate) fn open_recipients(counts: &StateCounts, on_unknown: OnUnknown) -> u64 {
    match on_unknown {
        OnUnknown::Hold => counts.open(),
        OnUnknown::Resend => counts.open() + counts.of(State::Unknown),
    }
}

fn already_mailed(content: &MailingContent<'_>, counts: &StateCounts) -> Finding {
    let message = match counts.total() {
        0 => format!("`{}` was already mailed, from a store that was lost", content.slug()),
        total => format!("`{}` was already mailed: {} of {total} have it", content.slug(), counts.of(State::Sent)),
    };
    Finding::warning("issue-mailed", message).help("`slugline status` shows the others")
}

fn mailed_in(issue: &Issue, digest: &IssueId) -> Finding {
    let message = format!("`{}` was already mailed, in `{digest}`", issue.slug);
    Finding::warning("issue-mailed", message).help(format!("`slugline status {digest}` shows who has it"))
}

#[cfg(test)]
mod tests;
